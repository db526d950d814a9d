"""Every command on a live service: what was typed, and what came of it.

A transcript has lines `$ py-bpmn ...`, each followed by what went to standard output, by what went to standard error
with `!` in front, and by the exit code where that is not 0. With BPMN_TEST_TRANSCRIPTS=write they are written anew.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import click
import pytest

from py_bpmn.cli import main, service
from py_bpmn.cli.tree import tree
from tests.commands.conftest import CREDENTIALS, serving
from tests.databases import Databases
from tests.flow import (
    EXCLUSIVE,
    INCLUSIVE,
    TASK,
    USER,
    Kind,
    boundary,
    call,
    catch,
    conditional,
    end,
    flow,
    loop,
    multi,
)

FOLDER = Path(__file__).parent / "transcripts"
WRITES = os.environ.get("BPMN_TEST_TRANSCRIPTS") == "write"
TRANSCRIPTS = sorted(path.stem for path in FOLDER.glob("*.txt"))
LEAVING_NOTHING = ("codes", "profiles")
"""Transcripts that may have the same service: all others count what they make."""
MODELS = {
    "order": flow("start -> charge -> end; late -> reminded", process="order", late=boundary("charge", "timer:PT2H")),
    "changed": flow("start -> charge -> ship -> end", process="order"),
    "broken": flow("start -> charge -> end; late -> b", process="broken", late=boundary("ghost", "timer:PT1H")),
    "empty": flow("start -> end", process="empty"),
    "gateways": flow(
        "start -> pick -> one, two; one -> many -> red, blue; two -> enough", process="gateways", pick=EXCLUSIVE,
        many=INCLUSIVE,
    ),
    "caller": flow("start -> called -> end", process="caller", called=call()),
    "person": flow("start -> sign -> end", process="person", sign=USER),
    "waiting": flow(
        "start -> payment -> rates -> end", process="waiting",
        payment=catch("message:paid"), rates=catch("signal:rates"),
    ),
    "asking": flow(
        "start -> message -> signal -> timer -> sent", process="asking",
        message=catch("message"), signal=catch("signal"), timer=catch("timer"), sent=end("signal"),
    ),
    "conditions": flow(
        "start -> many -> again -> sort -> red, blue", process="conditions",
        many=multi(cardinality="= number", condition="= enough"), again=loop(condition="= more", test_before=True),
        sort=conditional(TASK, default="red", blue="colour == 'blue'"),
    ),
    "starts": flow("paper -> type; web -> type", process="starts", paper=Kind("startEvent"), web=Kind("startEvent")),
    "failing": flow(
        "start -> work -> end; error -> a; escalation -> b", process="failing",
        error=boundary("work", "error"), escalation=boundary("work", "escalation", interrupting=False),
    ),
    "defined": flow(
        "start -> timer -> message -> end", process="defined", timer=catch("timer"), message=catch("message")
    ),
}  # fmt: skip
NORMAL = (
    # Some have no fraction of a second, and others have one without its last zeros.
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-01-02T03:04:05Z"),
    (re.compile(r"\d{4}-\d\d-\d\d(?!T)"), "2026-01-02"),
    (re.compile(r"request [0-9a-f]{32}"), "request 3f2a"),
    (re.compile(r"(--cursor|\"nextCursor\":) (\"?)[\w-]+"), r"\1 \2eyJv"),
    (re.compile(r"(?<= )\d+[sm](?=  |$)", re.MULTILINE), "0s"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "http://127.0.0.1:8080"),
    (re.compile(r'("averageMs": |"requestId": ")[0-9a-f]+'), r"\g<1>1"),
)


@pytest.fixture(scope="module")
def services(databases: Databases) -> Iterator[Callable[[str], str]]:
    """The address of a service by its name; one that is asked for is started."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(serving(databases)))


@pytest.fixture
def files(tmp_path: Path) -> None:
    for name, model in MODELS.items():
        (tmp_path / f"{name}.bpmn").write_text(model)
    (tmp_path / "key.txt").write_text("secret\n")


def commands_of(text: str) -> list[str]:
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]


def played(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the command has written, normalised."""
    name, *arguments = shlex.split(command)
    assert name == "py-bpmn"
    code = main(arguments)
    out, err = capsys.readouterr()
    text = out + "".join(f"! {line}".rstrip() + "\n" for line in err.splitlines()) + (f"=> {code}\n" if code else "")
    for pattern, replacement in NORMAL:
        text = pattern.sub(replacement, text)
    return text


@pytest.mark.sqlite
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_what_is_typed_does_and_shows_what_was_written_down(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    services: Callable[[str], str],
    name: str,
):
    url = services("" if name in LEAVING_NOTHING else name)
    for variable, value in {**CREDENTIALS, "BPMN_URL": url}.items():
        monkeypatch.setenv(variable, value)
    path = FOLDER / f"{name}.txt"
    found = [f"$ {command}\n{played(command, capsys)}" for command in commands_of(path.read_text())]
    if WRITES:
        path.write_text("\n".join(found))
    assert "\n".join(found) == path.read_text()


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from leaves(each, (*path, name))
    else:
        yield path


ELSEWHERE = {("lint",), ("play",), ("render",), ("watch",), ("worker",), ("completion",), ("version",), ("check",)}
"""Have tests of their own."""


def test_every_command_is_in_a_transcript():
    typed = set()
    for name in TRANSCRIPTS:
        for command in commands_of((FOLDER / f"{name}.txt").read_text()):
            words = tuple("process-instance" if word == "pi" else word for word in shlex.split(command)[1:])
            typed |= {words[start:end] for start in range(4) for end in range(start + 1, start + 4)}
    missing = [
        path
        for path in leaves(tree())
        if path not in typed and path not in ELSEWHERE and path[0] not in service.COMMANDS and path[1:] != ("export",)
    ]
    assert missing == []
