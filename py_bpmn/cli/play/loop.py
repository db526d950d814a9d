"""Reads what is typed, and takes the step that is meant: words as in a walk, or single letters for them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from py_bpmn.cli.play import show
from py_bpmn.cli.play.game import Game
from py_bpmn.cli.play.place import Position
from py_bpmn.cli.play.show import Screen
from py_bpmn.cli.play.walk import save
from py_bpmn.cli.play.words import STEPS, Step, Unable, assigned, duration, split, text_of

LETTERS: Mapping[str, str] = {
    "a": "answer",
    "b": "back",
    "c": "complete",
    "d": "decide",
    "e": "error",
    "f": "fail",
    "g": "signal",
    "h": "help",
    "?": "help",
    "m": "message",
    "q": "quit",
    "r": "restart",
    "s": "save",
    "t": "time",
    "v": "set",
    "x": "escalate",
    "y": "retry",
}
ANSWERS = ("call", "code", "key", "name", "timer")
"""Steps that answer what a job asks for."""
OF_OTHERS = ("message", "signal", "fire", "retry")
"""Steps that end other waits."""
HELP = """\
 Letters stand for words; with several positions the number follows, as in c2 or e1 NO_STOCK.
   1, 2.1, 1,3     where a gateway leads: of the only position, of the second one, to several
   c [name=value]  complete what waits: a job, a user task, a process that is called
   e [CODE]        BPMN error             x [CODE]   escalation           f [TEXT]  the job fails
   a [ANSWER]      what a job asks for: a key, a name, a code, when, a process
   m [NAME KEY]    send a message         g [NAME]   send a signal        y         retry what has failed
   t [+1h]         the clock moves on, or to the next timer
   v [name=value]  show variables, or set them with the next completion
   b back   r restart   s NAME.walk or NAME.py saves   q quit
 Words are as they are saved:"""


class Quit(Exception):
    """Enough was seen."""


class Loop:
    """Asks, until it is told to quit."""

    def __init__(self, game: Game, screen: Screen, read: Callable[[], str | None]) -> None:
        self._game = game
        self._screen = screen
        self._read = read

    def run(self) -> None:
        self._screen.table(self._game)
        while (line := self._read()) is not None:
            if not line.strip():
                continue
            try:
                self._obey(line)
            except Quit:
                return
            except Unable as error:
                self._screen.problem(str(error))

    def _obey(self, line: str) -> None:
        """Does what was typed. Raises Unable, and Quit."""
        words = split(line)
        if not words:
            return
        if _is_choice(words):
            self._take(self._choice(words))
            return
        first, rest = _separated(words)
        word = LETTERS.get(first, first)
        match word:
            case "quit" | "exit":
                raise Quit
            case "help":
                self._help()
            case "back":
                self._game.back()
                self._screen.table(self._game)
            case "restart":
                self._game.restart()
                self._screen.table(self._game)
            case "save":
                self._save(rest)
            case "set" if not rest:
                self._show_variables()
            case _:
                self._take(self._step(word, rest))

    def _take(self, step: Step) -> None:
        done = self._game.do(step)
        if step.word in ("fire", "time"):
            self._screen.say(f" ⏰ {self._now:%Y-%m-%d %H:%M}", fg="cyan")
        self._screen.notes(done.notes)
        self._screen.table(self._game)

    @property
    def _now(self) -> datetime:
        return self._game.bpmn.clock.now

    def _step(self, word: str, rest: list[str]) -> Step:
        args, variables = assigned(rest)
        match word:
            case "set":
                if args:
                    raise Unable(f"variables are set by name=value, but not by {' '.join(args)}")
                return Step("set", (), variables)
            case "time":
                return self._time(args)
            case "message":
                return self._message(args, variables)
            case "signal":
                return self._signal(args, variables)
            case "answer":
                position, args = self._where(args, *ANSWERS)
                return Step(position.step, (position.label, *self._answer(position, args)))
            case "complete":
                # What others do comes after what is asked for here.
                first = ("complete", "user", *ANSWERS)
                asked = any(each.step in first for each in self._game.positions())
                position, args = self._where(args, *first, *(() if asked and not args else OF_OTHERS))
                return self._go_on(position, args, variables)
            case "error" | "escalate":
                position, args = self._where(args, word)
                return Step(word, (position.label, *(args or [self._code(position, word)])), variables)
            case _ if word in STEPS and word != "start":
                position, args = self._where(args, word)
                if word in ANSWERS:
                    args = self._answer(position, args)
                if word == "fail":
                    args = [" ".join(args)] if args else []
                return Step(word, (position.label, *args), variables)
        raise Unable(f"{word} means nothing here; h tells what does")

    def _go_on(self, position: Position, args: list[str], variables: Mapping[str, object]) -> Step:
        """What usually follows at a position."""
        if position.step == "message":
            name, key = position.waiting.name or "", position.waiting.correlation_key or ""
            return Step("message", (name, key), variables)
        if position.step == "signal":
            return Step("signal", (position.waiting.name or "",), variables)
        if position.step in ANSWERS:
            return Step(position.step, (position.label, *self._answer(position, args)))
        if args:
            raise Unable(f"variables are set by name=value, but not by {' '.join(args)}")
        return Step(position.step, (position.label,), variables)

    def _answer(self, position: Position, args: list[str]) -> list[str]:
        """What is typed, and what is offered for the rest."""
        return args + show.default_answer(self._game, position)[len(args) :]

    def _where(self, args: list[str], *words: str) -> tuple[Position, list[str]]:
        """The position that is named by its number or element, or the only one that fits; and what is left."""
        game = self._game
        positions = game.positions()
        if args:
            if args[0].isascii() and args[0].isdigit() and 1 <= int(args[0]) <= len(positions):
                return self._fitting(positions[int(args[0]) - 1], words), args[1:]
            named = [each for each in game.everywhere() if args[0] in (each.label, each.id)]
            for each in named:
                if any(game.fits(each, word) for word in words):
                    return each, args[1:]
            if named:
                return self._fitting(named[0], words), args[1:]
        fitting = [each for each in positions if any(game.fits(each, word) for word in words)]
        if not fitting and args and any(word in STEPS for word in words):
            raise Unable(f"nothing waits at {args[0]}: it is {game.standing()}")
        if not fitting and "complete" in words and any(each.step == "decide" for each in positions):
            raise Unable("a gateway asks where to go: say the number of a choice")
        if not fitting:
            raise Unable(f"nothing waits for that: it is {game.standing()}")
        if len(fitting) > 1:
            where = " or ".join(f"{positions.index(each) + 1} ({each.label})" for each in fitting)
            raise Unable(f"say where, by its number: {where}")
        return fitting[0], args

    def _fitting(self, position: Position, words: tuple[str, ...]) -> Position:
        if not any(self._game.fits(position, word) for word in words):
            hints = {"decide": "the number of a choice", "": "something else first"}
            hint = hints.get(position.step, position.step)
            what = words[0] if len(words) == 1 else "that"
            raise Unable(f"{what} can't be done at {position.label}, but {hint}")
        return position

    def _code(self, position: Position, word: str) -> str:
        """The first code that is caught."""
        kind = "error" if word == "error" else "escalation"
        found = show.caught(self._game, position, kind)  # type: ignore[arg-type]  # one of the two
        if not found:
            raise Unable(f"nothing catches an {kind} at {position.label}: say its code to try it anyway")
        return found[0] or word.upper()

    def _choice(self, words: list[str]) -> Step:
        """Numbers of choices, each with its position before a dot where there are several."""
        positions = self._game.positions()
        parts = [part for word in words for part in word.split(",") if part]
        pairs = [part.rpartition(".")[::2] for part in parts]
        places = {place for place, _ in pairs}
        if len(places) != 1:
            raise Unable("choices are those of one position")
        [place] = places
        if place and int(place) not in range(1, len(positions) + 1):
            raise Unable(f"there is no position {place}")
        if not place and len(positions) != 1:
            number = int(pairs[0][1])
            if number in range(1, len(positions) + 1):
                raise Unable(f"say what is to be done at {positions[number - 1].label}, as it is shown there")
            raise Unable(f"there is no position {number}")
        position = positions[int(place or 1) - 1]
        if position.step != "decide":
            raise Unable(f"there is nothing to choose from at {position.label}")
        known = self._game.choices(position)
        numbers = [int(number) for _, number in pairs]
        for number in numbers:
            if number not in range(1, len(known) + 1):
                raise Unable(f"there is no choice {number} at {position.label}")
        return Step("decide", (position.label, *(known[number - 1] for number in numbers)))

    def _numbered(self, args: list[str], word: str) -> tuple[Position | None, list[str]]:
        """The position whose number comes first, if one does; and what is left."""
        positions = self._game.positions()
        if args and args[0].isascii() and args[0].isdigit() and 1 <= int(args[0]) <= len(positions):
            position = positions[int(args[0]) - 1]
            events = [each for each in position.events if self._game.fits(each, word)]
            return events[0] if events else self._fitting(position, (word,)), args[1:]
        return None, args

    def _time(self, args: list[str]) -> Step:
        position, args = self._numbered(args, "fire")
        if len(args) > 1 or (position and args):
            raise Unable("time is time +1h, or t alone for the next timer")
        if args:
            duration(args[0])
            return Step("time", (args[0].removeprefix("+"),))
        timers = [each for each in self._game.everywhere() if each.waiting.kind == "TIMER" and each.waiting.due_at]
        if not timers:
            raise Unable("no timer is set: say by how much, such as t +1h")
        first = position or min(timers, key=lambda each: each.waiting.due_at or self._now)
        return Step("fire", (first.label,))

    def _message(self, args: list[str], variables: Mapping[str, object]) -> Step:
        position, args = self._numbered(args, "message")
        if len(args) == 2:
            return Step("message", tuple(args), variables)
        if len(args) > 2:
            raise Unable(f"message is message {STEPS['message']}")
        every = [position] if position else self._game.everywhere()
        waits = [each.waiting for each in every if each.waiting.kind == "MESSAGE"]
        fitting = {(each.name or "", each.correlation_key or "") for each in waits if not args or args[0] == each.name}
        if len(fitting) != 1:
            known = "; ".join(" ".join(each) for each in sorted(fitting))
            raise Unable(f"say which message: {known}" if known else "nothing waits for such a message")
        return Step("message", fitting.pop(), variables)

    def _signal(self, args: list[str], variables: Mapping[str, object]) -> Step:
        position, args = self._numbered(args, "signal")
        if len(args) > 1:
            raise Unable(f"signal is signal {STEPS['signal']}")
        every = [position] if position else self._game.everywhere()
        names = {each.waiting.name or "" for each in every if each.waiting.kind == "SIGNAL"}
        if not args and len(names) != 1:
            raise Unable(f"say which signal: {', '.join(sorted(names))}" if names else "nothing waits for a signal")
        return Step("signal", tuple(args or names), variables)

    def _help(self) -> None:
        for line in HELP.splitlines():
            self._screen.say(line)
        for word, text in STEPS.items():
            if word != "start":
                self._screen.say(f"   {word} {text}")

    def _save(self, rest: list[str]) -> None:
        if len(rest) != 1:
            raise Unable("say the name of the file: s NAME.walk for a script, s NAME.py for a test")
        save(self._game, Path(rest[0]))
        self._screen.say(f" saved {rest[0]}")

    def _show_variables(self) -> None:
        found = self._game.root.story.variables
        for name, value in sorted(found.items()):
            self._screen.say(f"   {name}={text_of(value)}")
        for name, value in self._game.pending.items():
            self._screen.say(f"   {name}={text_of(value)} (with the next completion)")
        if not found and not self._game.pending:
            self._screen.say("   there are no variables; v name=value sets one with the next completion")


def _is_choice(words: list[str]) -> bool:
    return all(re.fullmatch(r"\d+(\.\d+)?(,\d+(\.\d+)?)*,?", word, re.ASCII) for word in words)


def _separated(words: list[str]) -> tuple[str, list[str]]:
    """`c2` is `c 2`."""
    found = re.fullmatch(r"([a-z?])(\d+)", words[0], re.ASCII)
    return (found[1], [found[2], *words[1:]]) if found else (words[0], words[1:])


def ask() -> str | None:
    """A line of standard input, None at its end. What comes out of a pipe is shown, as if it was typed."""
    if sys.stdin.isatty():
        try:
            return input("> ")
        except EOFError:
            print()
            return None
    line = sys.stdin.readline()
    if not line:
        return None
    print(f"> {line.rstrip()}", flush=True)
    return line
