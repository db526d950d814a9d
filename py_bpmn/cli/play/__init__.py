"""`py-bpmn play`: walks through a process in the terminal, on an engine of its own in a temporary file."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.sections import SectionCommand, SectionOption, settings
from py_bpmn.cli.session import session_of

if TYPE_CHECKING:
    from py_bpmn.cli.play.game import Game
    from py_bpmn.cli.play.model import Process
    from py_bpmn.cli.play.show import Screen


@click.pass_context
def _play(
    context: click.Context,
    file: Path,
    given: tuple[tuple[str, str], ...],
    process: str | None,
    called: tuple[Path, ...],
    script: Path | None,
) -> int:
    # Loaded only now: the client and the engine take a while.
    from py_bpmn.cli.play.game import Game
    from py_bpmn.cli.play.model import read_file
    from py_bpmn.cli.play.show import Screen
    from py_bpmn.cli.play.walk import read_walk
    from py_bpmn.testing.engine import choose

    with session_of(context) as session:
        color = session.colored(sys.stdout)
    if script and given:
        raise click.UsageError("a walk has its own variables, in its first line: -v is for walks without --script")
    if str(file) == "-":
        raise click.UsageError("standard input is for the steps: name the file")
    lines = read_walk(script) if script else []
    wanted = process or (lines[0].step.args[0] if lines else None)
    main, others = _chosen(read_file(file), file, wanted)
    others += [each for path in called for each in read_file(path)]
    variables = _variables(given)
    # What the engine would log is shown.
    logging.getLogger("app").addHandler(logging.NullHandler())
    engine = choose(None)
    try:
        game = Game(engine, main, others)
        screen = Screen(color=color)
        if script:
            return _replay(game, screen, script, lines)
        return _walk(game, screen, variables)
    finally:
        engine.close()


def _chosen(processes: list[Process], file: Path, wanted: str | None) -> tuple[Process, list[Process]]:
    """The process to play, and the others of the file: without a name, the only one that no other one calls."""
    ids = ", ".join(each.id for each in processes)
    called = {id for each in processes for id in each.called.values()}
    found = [each for each in processes if (each.id == wanted if wanted else each.id not in called)]
    if wanted and not found:
        raise click.UsageError(f"{file} has no process {wanted}, but {ids}")
    if len(processes) == 1:
        found = processes
    if len(found) != 1:
        raise click.UsageError(f"{file} has several processes: choose one with --process: {ids}")
    return found[0], [each for each in processes if each is not found[0]]


def _variables(given: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    from py_bpmn.cli.play.words import value_of

    return {name: value_of(kinds.read_text(Path(text[1:])) if text.startswith("@") else text) for name, text in given}


def _walk(game: Game, screen: Screen, variables: Mapping[str, Any]) -> int:
    from py_bpmn.cli.play.loop import Loop, ask

    game.start(variables)
    Loop(game, screen, ask).run()
    return 0


def _replay(game: Game, screen: Screen, script: Path, lines: list[Any]) -> int:
    """0 if it goes as it was written down, else 1."""
    from py_bpmn.cli.play.walk import Differs, replay

    try:
        for done in replay(game, script, lines):
            screen.say(str(done.step))
            if done.step.word != "set":
                screen.say(f"= {done.seen}")
    except Differs as difference:
        click.echo(f"error: {difference}", err=True)
        return 1
    return 0


play = SectionCommand(
    "play",
    callback=_play,
    params=[
        click.Argument(["file"], type=kinds.FILE),
        SectionOption(
            ["-v", "given"],
            type=kinds.TAG,
            multiple=True,
            help="variable: JSON, else text; @FILE for its content",
        ),
        SectionOption(["--process"], metavar="PROCESS", help="process of the file, if it has several"),
        SectionOption(
            ["--with", "called"], type=kinds.FILE, multiple=True, help="file with processes that are called; repeatable"
        ),
        SectionOption(
            ["--script"],
            type=kinds.FILE,
            metavar="WALK",
            help="take the steps of a saved walk; 1 if it differs",
        ),
        *settings(),
    ],
    help="Walk through a process in the terminal, on an engine of its own: h tells what can be typed.",
    short_help="walk through a process in the terminal",
)
