"""What one sees who walks through a process: the path so far, where it waits, and what can be done there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import click

from py_bpmn.cli.output import printable
from py_bpmn.cli.play.game import Game
from py_bpmn.cli.play.model import Thrown
from py_bpmn.cli.play.place import Position
from py_bpmn.testing.words import duration

SYMBOLS = (
    ("START_EVENT", "●"),
    ("TIMER", "⏰"),
    ("MESSAGE", "✉"),
    ("SIGNAL", "▲"),
    ("ERROR", "⚡"),
    ("ESCALATION", "▲"),
    ("END_EVENT", "◉"),
    ("EVENT", "○"),
    ("GATEWAY", "◆"),
    ("SUB_PROCESS", "▣"),
    ("CALL_ACTIVITY", "▣"),
)
"""By what is in the type of an element, the first one that fits."""
MOST_STEPS = 8
"""Of the path, that are shown."""
ARROW = " ─▶ "
ASKED = {
    "CALL_PROCESS": "call a process",
    "SET_ERROR_CODE": "which code?",
    "SET_ESCALATION_CODE": "which code?",
    "SET_MESSAGE_CORRELATION_KEY": "which key?",
    "SET_SIGNAL_NAME": "which signal?",
    "SET_TIMER": "when?",
    "SUBSCRIBE_MESSAGE": "which key and message?",
    "SUBSCRIBE_SIGNAL": "which signal?",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be typed at a position."""

    letter: str
    text: str
    default: str = ""
    """What is taken where nothing else is typed."""


def default_answer(game: Game, position: Position) -> list[str]:
    """What a job that asks is answered with, where nothing else is typed."""
    match position.waiting.job_type:
        case "CALL_PROCESS":
            process = game.model(position.told)
            return [(process.called.get(position.id, "") if process else "") or position.id]
        case "SET_ERROR_CODE" | "SET_ESCALATION_CODE":
            # A boundary event without a code catches all.
            return [] if position.waiting.bpmn_element_type.endswith("BOUNDARY_EVENT") else [position.id]
        case "SET_MESSAGE_CORRELATION_KEY":
            return ["1"]
        case "SUBSCRIBE_MESSAGE":
            return ["1", position.id]
        case "SET_TIMER":
            return ["1h"]
    return [position.id]


def choices(game: Game, position: Position) -> Iterator[Choice]:
    """By letters. Those of a gateway are numbers."""
    match position.step:
        case "":
            return
        case "decide":
            process = game.model(position.told)
            for number, each in enumerate(game.choices(position), 1):
                label = process.labels.get((position.id, each), "") if process else ""
                yield Choice(str(number), f"{each} ({label})" if label else each)
        case "complete" | "user":
            yield Choice("c", "complete")
        case "message":
            yield Choice("m", "message", position.waiting.name or "")
        case "signal":
            yield Choice("g", "signal", position.waiting.name or "")
        case "fire":
            yield Choice("t", "fire")
        case "retry":
            yield Choice("y", "retry")
        case _:
            default = " ".join(default_answer(game, position))
            yield Choice("a", ASKED.get(position.waiting.job_type or "", "answer"), default)
    kinds: tuple[tuple[str, Thrown, str], ...] = (("e", "error", "BPMN error"), ("x", "escalation", "escalation"))
    for letter, kind, text in kinds:
        codes = caught(game, position, kind)
        if codes and game.fits(position, "error"):
            yield Choice(letter, text, ", ".join(code or "any" for code in codes))
    if game.fits(position, "fail"):
        yield Choice("f", "fail")
    for event in position.events:
        if event.step in ("message", "signal"):
            yield from choices(game, event)


def caught(game: Game, position: Position, kind: Thrown) -> list[str]:
    """Codes that boundary events catch."""
    process = game.model(position.told)
    return process.caught(position.id, kind) if process else []


class Screen:
    """Writes to the terminal, or to a pipe."""

    def __init__(self, *, color: bool) -> None:
        self._color = color

    def say(self, text: str, *, fg: str | None = None, bold: bool | None = None, dim: bool | None = None) -> None:
        """One line, with what a terminal would obey made visible."""
        encoding = sys.stdout.encoding or "utf-8"
        shown = printable(text).encode(encoding, "replace").decode(encoding)
        if self._color and (fg or bold or dim):
            shown = click.style(shown, fg=fg, bold=bold, dim=dim)
        click.echo(shown, color=self._color)

    def problem(self, text: str) -> None:
        self.say(f" ! {text}", fg="red")

    def notes(self, notes: Sequence[str]) -> None:
        if notes:
            self.say(f" {', '.join(notes)}", fg="yellow")

    def table(self, game: Game) -> None:
        """Where the walk is."""
        if game.ended:
            self._end(game)
            return
        waits, positions = game.waits(), game.positions()
        path = " " + path_of(game, waits)
        if _is_simple(waits):
            self.say(f"{path}   {what(waits[0])}{beside(game, waits[0])}", bold=True)
            self._choices(game, waits[0], "")
        else:
            self.say(path, bold=True)
            for number, each in enumerate(positions, 1):
                here = f" {number}" if len(positions) > 1 else ""
                self.say(f"{here} {_named(each)}{beside(game, each)}")
                self._choices(game, each, here.strip())
            for each in waits:
                if each.waiting.kind in ("JOIN", "SELECTION"):
                    self.say(f"   {_named(each)}", dim=True)
        if game.pending:
            self.say(f"   with the next completion: {', '.join(game.pending)}")
        self._menu(game)

    def _choices(self, game: Game, position: Position, number: str) -> None:
        found = [
            f"{number + '.' if number and each.letter.isdigit() else ''}{each.letter}"
            f"{number if not each.letter.isdigit() else ''} {each.text}{f' [{each.default}]' if each.default else ''}"
            for each in choices(game, position)
        ]
        if found:
            self.say("   " + ("  " if number else "") + "   ".join(found))

    def _menu(self, game: Game) -> None:
        parts = ["v variables", "t time +1h"]
        if len(game.done) > 1:
            parts += ["b back", "s save", "r restart"]
        self.say("   " + "   ".join([*parts, "h help", "q quit"]), dim=True)

    def _end(self, game: Game) -> None:
        self.say(" " + path_of(game, []), bold=True)
        elements, flows = gone_through(game)
        self.say(
            f" ■ {game.seen}   {elements} elements, {flows} of {len(game.process.flows)} flows   "
            "v variables   b back   s save   r restart   q quit",
            fg="green",
        )


def symbol_of(type: str) -> str:
    return next((symbol for part, symbol in SYMBOLS if part in type), "▢")


def _is_simple(waits: Sequence[Position]) -> bool:
    """Whether it is the end of the path."""
    return len(waits) == 1 and "/" not in waits[0].label


def _named(position: Position) -> str:
    return f"{symbol_of(position.waiting.bpmn_element_type)} {position.label}   {what(position)}"


def path_of(game: Game, waits: Sequence[Position]) -> str:
    """What was gone through, in one line; at its end the only position."""
    gone = [each for each in game.visits()[1:] if each.state == "COMPLETED"]
    gone.sort(key=lambda each: (each.ended_at or each.created_at, each.id))
    # A join is visited by each token that comes.
    steps = [
        f"{symbol_of(each.bpmn_element_type)} {each.bpmn_element_id}"
        for place, each in enumerate(gone)
        if not place or gone[place - 1].bpmn_element_id != each.bpmn_element_id
    ]
    if _is_simple(waits):
        steps.append(f"{symbol_of(waits[0].waiting.bpmn_element_type)} {waits[0].label}")
    more = [] if len(steps) <= MOST_STEPS else ["…"]
    return ARROW.join([*more, *steps[-MOST_STEPS:]]) + (ARROW.rstrip() if waits and not _is_simple(waits) else "")


def what(position: Position) -> str:
    """What is waited for."""
    waiting = position.waiting
    match waiting.kind:
        case "JOB":
            return waiting.job_type or ""
        case "INCIDENT":
            return f"INCIDENT: {(waiting.error or '').partition(chr(10))[0]}"
        case "MESSAGE":
            return f"MESSAGE {waiting.name}, key {waiting.correlation_key}"
        case "SIGNAL":
            return f"SIGNAL {waiting.name}"
        case "JOIN":
            return f"JOIN, waits for {', '.join(getattr(waiting, 'missing', ()))}"
        case "CALLED_INSTANCE" if position.stub:
            return f"calls {position.stub.story.process}"
    return waiting.kind


def beside(game: Game, position: Position) -> str:
    """When timers are due, and what boundary events wait for."""
    due = f"   due {_due(game, position)}" if position.waiting.kind in ("TIMER", "RETRY") else ""
    timed = [each for each in position.events if each.waiting.kind in ("TIMER", "RETRY")]
    timers = ", ".join(f"{each.label} {_due(game, each)}" for each in timed)
    also = ", ".join(f"{each.label} ({what(each)})" for each in position.events if each not in timed)
    return due + (f"   timers: {timers}" if timers else "") + (f"   also: {also}" if also else "")


def _due(game: Game, position: Position) -> str:
    left = position.waiting.due_at - game.bpmn.clock.now if position.waiting.due_at else timedelta(0)
    return f"in {duration(left)}" if left > timedelta(0) else "now"


def gone_through(game: Game) -> tuple[int, int]:
    """How many elements and flows the walk has been at."""
    visits = game.visits()[1:]
    flows = {(each.prev_bpmn_element_id, each.bpmn_element_id) for each in visits} & set(game.process.flows)
    return len({each.bpmn_element_id for each in visits if each.state == "COMPLETED"}), len(flows)
