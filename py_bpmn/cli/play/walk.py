"""Walks as files: lines of steps with what was seen after each, or a test of the test kit.

start order quantity=3
= in-stock
decide in-stock reserve
= reserve
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from py_bpmn.cli.play.game import Done, Game
from py_bpmn.cli.play.source import source
from py_bpmn.cli.play.taking import INDENT
from py_bpmn.cli.play.words import Step, Unable, read_step
from py_bpmn.errors import ConfigurationError

SUFFIXES = (".walk", ".py")


@dataclass(frozen=True, slots=True)
class Line:
    """A step of a file, and what shall be seen after it; None if the file does not say."""

    number: int
    step: Step
    seen: str | None = None
    seen_number: int = 0


class Differs(Exception):
    """A walk goes another way than it was written down: a sentence, with the place."""


def lines_of(steps: Sequence[Done]) -> Iterator[str]:
    for each in steps:
        yield str(each.step)
        if each.step.word != "set":
            yield f"= {each.seen}"


def read_walk(path: Path) -> list[Line]:
    """The steps of a file. Raises ConfigurationError for one that is no walk."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is no walk: it is not text in UTF-8") from None
    found: list[Line] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.strip()
        if not words or words.startswith("#"):
            continue
        if words.startswith("="):
            if not found or found[-1].seen is not None:
                raise ConfigurationError(f"{path}:{number}: is no walk: {words} must follow a step")
            last = found[-1]
            found[-1] = Line(last.number, last.step, words[1:].strip(), number)
            continue
        try:
            step = read_step(words)
        except Unable as error:
            raise ConfigurationError(f"{path}:{number}: is no walk: {error}") from None
        if (step.word == "start") != (not found):
            raise ConfigurationError(f"{path}:{number}: is no walk: start is its first step, and only that")
        found.append(Line(number, step))
    if not found:
        raise ConfigurationError(f"{path} is no walk: it has no steps")
    return found


def replay(game: Game, path: Path, lines: Sequence[Line]) -> Iterator[Done]:
    """Each step, when it was taken. Raises Differs at the first one that can't be, or leads elsewhere."""
    for line in lines:
        try:
            if line.step.word == "start":
                game.start(line.step.variables)
            else:
                game.do(line.step)
        except Unable as error:
            raise Differs(f"{path}:{line.number}: {line.step} can't be done: {error}") from None
        done = game.done[-1]
        yield done
        if line.seen is not None and _sorted(line.seen) != _sorted(done.seen):
            raise Differs(f"{path}:{line.seen_number}: after {line.step}: expected {line.seen} — is {done.seen}")


def _sorted(seen: str) -> list[str]:
    return sorted(each.strip() for each in seen.split(","))


def save(game: Game, path: Path) -> None:
    """Writes the walk so far, by the suffix of the name. Raises Unable."""
    if path.suffix not in SUFFIXES:
        raise Unable(f"{path} must end with .walk for a script, or .py for a test")
    text = "\n".join(lines_of(game.done)) + "\n" if path.suffix == ".walk" else as_test(game, path)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Unable(f"can't write {path}: {error.strerror}") from None


def as_test(game: Game, path: Path) -> str:
    """The source of a test that goes the same way."""
    files = list(dict.fromkeys(each.file for each in (game.process, *game.others)))
    names = {file: "BPMN" if number == 1 else f"BPMN_{number}" for number, file in enumerate(files, 1)}
    body = []
    for each in (game.process, *game.others):
        chosen = f", process={source(each.id)}" if each.several else ""
        body.append(f"bpmn.deploy({names[each.file]}{chosen})")
    for done in game.done:
        body += done.code
    imports = ["from datetime import timedelta"] if any("timedelta(" in line for line in body) else []
    places = [f"{names[file]} = Path(__file__).parent / {_relative(file, path)}" for file in files]
    name = f"{game.process.id}_{path.stem.removeprefix('test_')}"
    name = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()
    return "\n".join(
        [
            f'"""A walk through {game.process.id}, as `py-bpmn play` has saved it."""',
            "",
            *imports,
            "from pathlib import Path",
            "",
            *places,
            "",
            "",
            f"def test_{name}(bpmn):",
            *(f"{INDENT}{line}" for line in body),
            "",
        ]
    )


def _relative(file: Path, test: Path) -> str:
    relative = os.path.relpath(file.resolve(), test.resolve().parent)
    return source(relative.replace(os.sep, "/"))
