"""How results look, and how commands end that nobody waits for."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import pytest

from py_bpmn import Client
from py_bpmn._operations import Data, Job, ProcessInstance, Tag, Waiting
from py_bpmn.cli import kinds, main
from py_bpmn.cli.moments import where_it_waits
from py_bpmn.cli.output import Column, Output, age, printable, text_of
from tests.commands.conftest import ROOT, terminal

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def instance(**values: object) -> ProcessInstance:
    known = {
        "partition": date(2026, 11, 26),
        "id": 17,
        "process_id": 1,
        "bpmn_process_id": "order",
        "created_at": NOW - timedelta(minutes=3),
        "created_by": "me",
        "state": "STARTED",
        "version": "1",
    }
    return ProcessInstance(**{**known, **values})


def output(format: str = "table", *columns: str, color: bool = False) -> Output:
    return Output(format, columns or None, color=color, now=NOW)  # type: ignore[arg-type]  # one of the formats


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=59.9), "59s"),
        (timedelta(minutes=3), "3m"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(days=400), "400d"),
        (timedelta(hours=-21), "in 21h"),
        (timedelta(hours=-2, seconds=3), "in 2h"),
        (timedelta(seconds=-59), "in 59s"),
    ],
)
def test_ages_have_one_unit(ago: timedelta, text: str):
    assert age(NOW - ago, NOW) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (NOW + timedelta(milliseconds=999), "2026-11-26T12:00:00Z"),
        (date(2026, 11, 26), "2026-11-26"),
        ((Tag(name="a", value="b"), Tag(name="c")), "a=b, c="),
        (("x", "y"), "x, y"),
        ({"a": [1]}, '{"a": [1]}'),
        (Data(encoding="json", value="1"), '{"encoding": "json", "value": "1"}'),
    ],
)
def test_each_kind_of_value_is_one_line(value: object, text: str):
    assert text_of(value) == text


def test_columns_are_as_wide_as_what_is_in_them(capsys: pytest.CaptureFixture[str]):
    columns = (Column("KEY", "correlation_key"), "state", Column("SINCE", "created_at", age))
    rows = [instance(correlation_key="寿司"), instance(correlation_key="a"), instance(state="SUSPENDED")]
    output().rows(rows, columns, ProcessInstance)
    assert capsys.readouterr().out.splitlines() == [
        "KEY    STATE       SINCE",
        "寿司   STARTED     3m",
        "a      STARTED     3m",
        "       SUSPENDED   3m",
    ]


def test_no_rows_are_no_table(capsys: pytest.CaptureFixture[str]):
    output().rows([], ("id",), ProcessInstance)
    assert capsys.readouterr().out == ""


def test_nothing_that_others_have_named_reaches_the_terminal_as_it_is(capsys: pytest.CaptureFixture[str]):
    row = instance(correlation_key="\x1b[2J\r\n\u202ekey\x9b")
    output().rows([row], (Column("KEY", "correlation_key"),), ProcessInstance)
    assert capsys.readouterr().out == "KEY\n\\x1b[2J\\r\\n\\u202ekey\\x9b\n"
    assert printable("a\n\tb\x07", lines=True) == "a\n\tb\\x07"


def test_states_have_colors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    terminal(monkeypatch)
    output(color=True).rows([instance(state="SUSPENDED")], ("state", "id"), ProcessInstance)
    assert capsys.readouterr().out == "\x1b[1mSTATE    \x1b[0m   \x1b[1mID\x1b[0m\n\x1b[33mSUSPENDED\x1b[0m   17\n"


def test_columns_are_asked_for_by_heading_by_property_and_in_any_spelling(capsys: pytest.CaptureFixture[str]):
    known = (Column("PROCESS", "bpmn_process_id"), Column("SINCE", "created_at", age))
    output("jsonl", "process", "since", "bpmnProcessId", "created_by", "created-at", "address").rows(
        [instance()], known, ProcessInstance
    )
    assert capsys.readouterr().out == (
        '{"bpmnProcessId": "order", "createdAt": "2026-11-26T11:57:00.000Z", "createdBy": "me", '
        '"address": "2026-11-26/17"}\n'
    )
    with pytest.raises(click.UsageError, match="there is no column color; there are process, since, partition, id"):
        output("table", "color").rows([instance()], known, ProcessInstance)


def test_a_hundred_thousand_rows_do_not_wait_for_one_another(capsys: pytest.CaptureFixture[str]):
    row = instance()
    output("ids").rows([row] * 1000, ("id",), ProcessInstance)
    assert capsys.readouterr().out == "2026-11-26/17\n" * 1000


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("12.50", "12.50"),
        (' {"a": 1} ', '{"a": 1}'),
        ('"x"', '"x"'),
        ("x y", '"x y"'),
        ("null", "null"),
        ("NaN", '"NaN"'),
        ("-Infinity", '"-Infinity"'),
        ("ä", '"ä"'),
        ("[" * 100_000, '"' + "[" * 100_000 + '"'),
        ("a=b", '"a=b"'),
    ],
)
def test_a_value_is_json_or_else_a_text(typed: str, sent: str):
    [given] = kinds.read_variables([("a", typed)], {}, {}, [], {}, flag="variable")
    assert given == kinds.Given("a", sent, "json", encrypted=False)


def test_a_value_may_be_in_a_file_and_may_have_another_encoding(tmp_path: Path):
    (tmp_path / "body.json").write_text('{"a": 1}\n')
    (tmp_path / "page.xml").write_text("<a/>")
    found = kinds.read_variables(
        [("body", "@body.json"), ("page", "@page.xml"), ("gone", "")],
        {"raw": "1", "old": ""},
        {"page": "xml", "raw": "json"},
        ["page"],
        {},
        flag="variable",
    )
    assert found == (
        kinds.Given("body", '{"a": 1}', "json", False),
        kinds.Given("page", "<a/>", "xml", True),
        kinds.Given("gone", None, "json", False),
        kinds.Given("raw", "1", "json", False),
        kinds.Given("old", None, "", False),
    )


@pytest.mark.parametrize("typed", ["9" * 400 + "d", "1000000000000d"])
def test_a_duration_beyond_all_time_is_refused(typed: str):
    with pytest.raises(click.BadParameter, match="is not a duration"):
        kinds.DURATION.convert(typed, None, None)


def test_who_has_read_enough_is_no_problem():
    assert main(["profile", "add", "a", "--url", "http://127.0.0.1:1"]) == 0
    reading, writing = os.pipe()
    os.close(reading)
    program = "import sys; from py_bpmn.cli import main; sys.exit(main(['profile', 'list']))"
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run([sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, env=environ)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


class Full(io.StringIO):
    """Takes nothing, as a file on a disk that is full."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("w")

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        super().close()
        self._file.close()


COMMANDS = (
    ["profile", "list"],
    ["--help"],
    ["version"],
    ["completion", "bash"],
    ["config", "--markdown"],
    ["serve", "--help"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_results_that_can_not_be_written_are_a_problem(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["profile", "add", "a", "--url", "http://127.0.0.1:1"]) == 0
    with Full(tmp_path / "results") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert main(command) == 1
        assert sys.stdout is full
    assert capsys.readouterr().err == "error: standard output can't be written: No space left on device\n"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_closed_streams_are_no_reason_for_a_traceback(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    assert main(["profile", "add", "a", "--url", "http://127.0.0.1:1"]) == 0
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(command) == 1
    assert capsys.readouterr().err == "error: standard output can't be written: it is closed\n"
    monkeypatch.setattr(sys, "stderr", None)
    assert main(command) == 1


def test_nothing_comes_from_a_closed_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["lint", "-"]) == 1
    assert "XML is empty" in capsys.readouterr().out


def test_an_interrupted_command_says_so_with_its_exit_code(monkeypatch: pytest.MonkeyPatch):
    def interrupt(self: Client) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "api", property(interrupt, lambda self, api: None), raising=False)
    assert main(["pi", "query"]) == 130


def test_a_worker_gets_what_the_command_was_told(monkeypatch: pytest.MonkeyPatch):
    asked = []

    class Workers:
        @staticmethod
        def main(*arguments: object) -> int:
            asked.append((arguments, os.environ["BPMN_URL"]))
            return 3

    monkeypatch.setitem(sys.modules, "py_bpmn.worker", Workers)
    monkeypatch.setenv("BPMN_URL", "http://127.0.0.1:1")
    command = [
        "worker",
        "shop.worker:worker",
        "--url",
        "http://127.0.0.1:2",
        "--processes",
        "2",
        "--log-format",
        "json",
    ]
    assert main(command) == 3
    assert asked == [(("shop.worker:worker", 2, None, "json"), "http://127.0.0.1:2")]


def test_what_is_no_text_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["pi", "create", "--process", "a\udcff"]) == 2
    assert capsys.readouterr().err == "Error: 'a\\udcff' is not text in UTF-8\n"


def test_a_terminal_has_a_table_by_itself(monkeypatch: pytest.MonkeyPatch):
    assert Output(None, None, color=False, now=NOW).format == "jsonl"
    terminal(monkeypatch)
    assert Output(None, None, color=False, now=NOW).format == "table"


def test_jobs_are_addressed_in_every_format(capsys: pytest.CaptureFixture[str]):
    job = Job(
        partition=date(2026, 11, 26), id=4, element_id=1, element_instance_id=1, process_id=1, process_instance_id=1,
        bpmn_element_id="a", created_at=NOW, created_by="me", due_at=NOW, retry_count=0, state="DONE", type="EXECUTE",
    )  # fmt: skip
    output("ids").one(job)
    output("jsonl", "id", "state").one(job)
    output("table", "state").one(job)
    assert capsys.readouterr().out == '2026-11-26/4\n{"id": 4, "state": "DONE"}\nSTATE   DONE\n'


TRACEBACK = 'Traceback (most recent call last):\n  File "cards.py", line 88, in charge\nConnectionError: refused\n'


@pytest.mark.parametrize("error", [f"ConnectionError: refused\n\n{TRACEBACK}", TRACEBACK], ids=["of a worker", "bare"])
def test_a_table_has_one_line_of_an_error_and_json_all_of_it(error: str, capsys: pytest.CaptureFixture[str]):
    waiting = Waiting(
        bpmn_element_id="charge",
        element_instance_id=4,
        bpmn_element_type="SERVICE_TASK",
        kind="INCIDENT",
        since=NOW,
        error=error,
        incident_id=1,
    )
    output().rows(*where_it_waits([waiting], date(2026, 11, 26), NOW))
    output().rows([waiting], ("error",), Waiting)
    output("jsonl").rows([waiting], ("error",), Waiting)
    output("jsonl", "error").rows([waiting], ("error",), Waiting)
    *tables, whole, chosen = capsys.readouterr().out.splitlines()
    assert tables == [
        "ELEMENT   KIND       SINCE   DETAIL",
        "charge    INCIDENT   0s      incident 2026-11-26/1: ConnectionError: refused",
        "ERROR",
        "ConnectionError: refused",
    ]
    assert json.loads(whole)["error"] == json.loads(chosen)["error"] == error
