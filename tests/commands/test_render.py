"""`py-bpmn render` draws files, whether they have a diagram or not."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from py_bpmn.cli.problems import WHY_ASKED
from py_bpmn.cli.tree import run
from py_bpmn.testing import engine
from tests.flow import flow

FILES = Path(__file__).resolve().parents[1] / "files"
BROKEN = Path(__file__).resolve().parents[1] / "lint" / "broken"


def drawn(svg: str) -> set[str]:
    ElementTree.fromstring(svg)
    return set(re.findall(r'data-element-id="([^"]+)"', svg))


def test_a_file_is_drawn_with_all_its_elements(tmp_path):
    out = tmp_path / "order.svg"
    assert run(["render", str(FILES / "order.bpmn"), "-o", str(out)]) == 0
    assert {"orderReceived", "packingLate", "Flow_kveuu2j"} <= drawn(out.read_text())


def test_a_file_without_a_diagram_is_drawn_and_printed(tmp_path, capsys, monkeypatch):
    text = flow("start -> charge -> end", process="order").encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert run(["render", "-", "-o", "-"]) == 0
    assert {"start", "charge", "end"} <= drawn(capsys.readouterr().out)


def test_one_of_several_processes_is_chosen(tmp_path, capsys):
    file = str(BROKEN / "two-processes.bpmn")
    assert run(["render", file, "-o", "-"]) == 1
    assert capsys.readouterr().err == (
        f"error: {file} can't be drawn: bpmnProcessId is required, since the BPMN model has several executable "
        "processes: [order, second]: choose one with --process\n"
    )
    assert run(["render", file, "--process", "second", "-o", "-"]) == 0
    assert "<title>second</title>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("empty", "it is empty"),
        ("complex-gateway", "/order/split2: element split2 is not supported: callChoreography (line 5)"),
        ("unclosed", "#/bpmnXml: BPMN XML is invalid: failed to decode XML: unclosed element (line 5, column 1)"),
    ],
)
def test_what_can_not_be_drawn_is_told(name, problem, capsys):
    file = BROKEN / f"{name}.bpmn"
    assert run(["render", str(file), "-o", "-"]) == 1
    assert capsys.readouterr() == ("", f"error: {file} can't be drawn: {problem}\n")


def test_a_picture_that_can_not_be_written_is_told(tmp_path, capsys):
    assert run(["render", str(FILES / "order.bpmn"), "-o", str(tmp_path / "none" / "x.svg")]) == 1
    assert capsys.readouterr().err.endswith("x.svg: No such file or directory\n")


def test_without_an_engine_here_or_where_one_is_named_a_service_is_asked(capsys, monkeypatch):
    # Nothing listens at port 1.
    monkeypatch.setattr("py_bpmn._wire.Retry.after_failure", lambda _: None)
    assert run(["render", str(FILES / "order.bpmn"), "-o", "-", "--url", "http://127.0.0.1:1"]) == 4
    assert WHY_ASKED not in capsys.readouterr().err
    monkeypatch.setattr(engine, "_installed", lambda _: None)
    monkeypatch.setenv("BPMN_URL", "")
    monkeypatch.setattr("py_bpmn.client.DEFAULT_URL", "http://127.0.0.1:1")
    assert run(["render", str(FILES / "order.bpmn"), "-o", "-"]) == 4
    assert capsys.readouterr().err.endswith(f"; {WHY_ASKED}\n")
