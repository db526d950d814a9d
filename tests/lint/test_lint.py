"""`py-bpmn lint` tells of each file what is wrong or odd, and where."""

from __future__ import annotations

import json
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.bpmn import drawn, extensions, reader
from app.bpmn.diagram import DI
from app.bpmn.lint import check
from py_bpmn import _service
from py_bpmn.cli import lint as cli
from py_bpmn.cli import main
from py_bpmn.cli.lint import Finding, check_file, failed, remote_checker, remote_comparison, show, summary
from py_bpmn.cli.problems import WHY_ASKED
from py_bpmn.cli.session import Session
from tests.bpmn.test_cost import calls_of

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.bpmn"))
GOLDEN = (Path(__file__).parent / "broken.txt").read_text().splitlines()
UNREACHABLE = Path(__file__).parent / "broken" / "unreachable.bpmn"
COMPLEX = UNREACHABLE.with_name("complex-gateway.bpmn")
WARNING = "9:5: warning: no start event leads to element pack: it is never executed [unreachable]"
each_file = pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)


def found(file):
    return check_file(file.name, file.read_bytes(), check)


@each_file
def test_broken_and_odd_models_are_told_with_line_and_column(file):
    assert show(found(file), "text").splitlines() == [line for line in GOLDEN if line.startswith(file.name + ":")]


@each_file
def test_a_finding_begins_where_something_begins(file):
    lines = file.read_text().splitlines()
    for finding in found(file):
        if finding.line and "decode" not in finding.detail and "document types" not in finding.detail:
            assert lines[finding.line - 1][finding.column - 1 :].startswith("<"), finding


def test_each_line_is_of_a_file_that_is_there():
    assert {line.partition(":")[0] for line in GOLDEN} == {file.name for file in BROKEN}
    assert len(BROKEN) >= 40


def test_the_service_finds_the_same(bpmn):
    ask = remote_checker(bpmn)
    for file in BROKEN:
        assert check_file(file.name, file.read_bytes(), ask) == found(file), file.name


def many(count):
    """A file with processes and declarations of all sorts, of which there is something to be said."""
    declared = '<message id="a#" name="A#"/><message id="b#" name="a-#"/><signal id="n#"/><error id="e#"/>'
    declared += '<extension definition="x:D#" mustUnderstand="true"/>'
    process = (
        '<process id="p#" isExecutable="true" xmlns:camunda="http://camunda.org/schema/1.0/bpmn">'
        '<startEvent id="s#"/><serviceTask id="t#" camunda:class="C#" camunda:odd="1"/>'
        '<sequenceFlow id="f#" sourceRef="s#" targetRef="t#"/><dataObject id="d#"/></process>'
    )
    content = "".join(text.replace("#", str(number)) for text in (declared, process) for number in range(count))
    broken = '<process id="q" isExecutable="true"><callChoreography id="r"/></process>'
    return f'<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">{broken}{content}</definitions>'.encode()


def one_by_one(raw, processes):
    return (answer for process in processes for answer in check(raw, [process]))


def test_processes_of_a_file_are_told_as_if_each_was_alone():
    together = check_file("x", many(5), check)
    assert together == check_file("x", many(5), one_by_one)
    expected = {"alike-names", "element", "ignored-implementation", "must-understand", "nameless-declaration"}
    assert expected <= {finding.rule for finding in together}


def test_a_file_is_read_as_often_with_one_process_as_with_many(monkeypatch):
    read = []
    for module in (reader, extensions, drawn):
        parser = module.DefusedXMLParser
        monkeypatch.setattr(module, "DefusedXMLParser", lambda make=parser, **how: read.append(1) or make(**how))
    counts = []
    for size in (1, 20):
        check_file("x", many(size).replace(b"<definitions", b"<definitions xmlns:di='" + DI.encode() + b"'", 1), check)
        counts.append(len(read))
        read.clear()
    assert counts == [4, 4]


def test_twice_as_many_processes_cost_at_most_about_twice_as_much():
    small, large = (calls_of(partial(check_file, "x", many(size), check)) for size in (50, 100))
    assert large < 2.2 * small + 500


def test_what_can_not_be_decoded_is_told_without_asking(bpmn):
    (finding,) = check_file("x", b"\xff", remote_checker(bpmn))
    assert (finding.level, finding.line) == ("error", 0)
    assert finding.detail.startswith("the XML can't be decoded: ")


def test_rules_may_be_ignored_but_not_errors():
    raw = UNREACHABLE.read_bytes()
    assert [each.rule for each in check_file("x", raw, check, ignore={"no-diagram"})] == ["unreachable"]
    (error,) = check_file("x", COMPLEX.read_bytes(), check, ignore={"element"})
    assert error.level == "error"


@pytest.mark.parametrize(
    ("levels", "plain", "strict"),
    [((), False, False), (("note",), False, False), (("note", "warning"), False, True), (("error",), True, True)],
)
def test_errors_fail_and_warnings_if_they_count(levels, plain, strict):
    findings = [Finding(file="x", level=level, rule="r", detail="d") for level in levels]
    assert (failed(findings), failed(findings, strict=True)) == (plain, strict)


def test_findings_are_shown_as_annotations_of_github():
    finding = Finding(file="a,b:c.bpmn", line=3, column=5, level="note", rule="r", detail="100 %\nof it")
    assert show([finding], "github") == "::notice file=a%2Cb%3Ac.bpmn,line=3,col=5,title=r::100 %25%0Aof it"
    about_file = Finding(file="a.bpmn", level="error", rule="process", detail="XML is empty")
    assert show([about_file], "github") == "::error file=a.bpmn,title=process::XML is empty"


def test_findings_are_shown_as_json():
    shown = json.loads(show(found(COMPLEX), "json"))
    assert shown == [
        {
            "file": "complex-gateway.bpmn",
            "line": 5,
            "column": 5,
            "level": "error",
            "rule": "element",
            "detail": "element split2 is not supported: callChoreography",
            "pointer": "/order/split2",
        }
    ]
    assert show([], "json") == "[]"


def test_names_of_a_file_can_not_move_the_cursor():
    finding = Finding(file="x", level="error", rule="r", detail="element \x1b[2J is odd")
    assert "\x1b" not in show([finding], "text")


def test_a_summary_counts():
    findings = [Finding(file="x", level=level, rule="r", detail="d") for level in ("error", "note", "error")]
    assert summary(findings, 2) == "2 errors, 1 note in 2 files"
    assert summary([], 1) == "nothing to be said in 1 file"


def test_ids_that_have_changed_since_the_newest_version_are_told(bpmn):
    bpmn.deploy(UNREACHABLE.with_name("nameless.bpmn"))
    renamed = UNREACHABLE.with_name("nameless.bpmn").read_bytes().replace(b"ship", b"shipping")
    findings = check_file("x", renamed, check, compare=remote_comparison(bpmn))
    (changed,) = [finding for finding in findings if finding.rule == "id-changed"]
    assert (changed.line, changed.column, changed.level) == (5, 5, "warning")
    assert changed.detail.startswith("element shipping seems to be ship of version ")
    assert check_file("x", renamed, check, compare=remote_comparison(bpmn), ignore={"id-changed"}) == [
        finding for finding in findings if finding is not changed
    ]


def test_without_an_earlier_version_nothing_has_changed(bpmn):
    assert check_file("x", UNREACHABLE.read_bytes(), check, compare=remote_comparison(bpmn)) == check_file(
        "x", UNREACHABLE.read_bytes(), check
    )


def run(*arguments, checker=check, session=None, monkeypatch):
    monkeypatch.setattr(cli, "local_checker", lambda: checker)
    return CliRunner().invoke(
        cli.lint, [str(each) for each in arguments], obj=session or Session(), standalone_mode=False
    )


def test_the_command_tells_the_findings_and_counts_them_beside(monkeypatch):
    answer = run(UNREACHABLE, COMPLEX, "--ignore", "no-diagram", monkeypatch=monkeypatch)
    assert answer.stdout.splitlines() == [
        f"{UNREACHABLE}:{WARNING}",
        f"{COMPLEX}:5:5: error: element split2 is not supported: callChoreography [element]",
    ]
    assert answer.stderr == "1 error, 1 warning in 2 files\n"
    assert answer.return_value == 1


@pytest.mark.parametrize(
    ("options", "code"), [((), 0), (("--strict",), 1), (("--strict", "--ignore", "no-name,unreachable"), 0)]
)
def test_warnings_fail_if_they_shall(options, code, monkeypatch):
    assert run(UNREACHABLE, *options, monkeypatch=monkeypatch).return_value == code


@pytest.mark.parametrize("options", [("--format", "json"), ("-o", "json")])
def test_the_command_writes_json_and_nothing_beside(options, monkeypatch):
    answer = run(UNREACHABLE, *options, monkeypatch=monkeypatch)
    assert [each["rule"] for each in json.loads(answer.stdout)] == ["no-diagram", "unreachable"]
    assert answer.stderr == ""


def test_without_a_parser_here_the_service_is_asked(bpmn, monkeypatch):
    session = Session()
    session.__dict__["client"] = bpmn
    answer = run(UNREACHABLE, "--ignore", "no-diagram", checker=None, session=session, monkeypatch=monkeypatch)
    assert answer.stdout == f"{UNREACHABLE}:{WARNING}\n"


def test_a_file_from_standard_input_is_checked(monkeypatch):
    monkeypatch.setattr(cli, "local_checker", lambda: check)
    answer = CliRunner().invoke(cli.lint, ["-"], input=COMPLEX.read_bytes(), obj=Session(), standalone_mode=False)
    assert answer.stdout.startswith("-:5:5: error: ")


def test_a_file_that_is_not_there_is_a_wrong_command_line():
    answer = CliRunner().invoke(cli.lint, ["nothing.bpmn"], obj=Session())
    assert (answer.exit_code, "nothing.bpmn is not a file" in answer.output) == (2, True)


def test_the_parser_of_an_installed_service_is_used(monkeypatch):
    found = [EntryPoint("local", "app.bpmn.lint:check", cli.GROUP)]
    monkeypatch.setattr(cli, "entry_points", lambda group, name: [each for each in found if each.group == group])
    assert cli.local_checker() is check
    found.clear()
    assert cli.local_checker() is None


@pytest.mark.parametrize("origin", [None, "/elsewhere/app/__init__.py"])
def test_another_package_app_is_left_alone(origin, monkeypatch):
    monkeypatch.setattr(cli, "entry_points", lambda **_: [EntryPoint("local", "app.bpmn.lint:check", cli.GROUP)])
    monkeypatch.setattr(_service, "find_spec", lambda name: ModuleSpec(name, None, origin=origin))
    assert cli.local_checker() is None


def test_lint_is_a_command_of_py_bpmn(monkeypatch, capsys):
    monkeypatch.setattr(cli, "local_checker", lambda: check)
    assert main(["lint", str(COMPLEX)]) == 1
    assert capsys.readouterr().err == "1 error in 1 file\n"


def test_a_service_that_is_not_there_is_told(monkeypatch, capsys):
    monkeypatch.setattr(cli, "local_checker", lambda: None)
    assert main(["lint", "--url", "http://127.0.0.1:1", "--timeout", "1s", str(COMPLEX)]) == 4
    out, err = capsys.readouterr()
    assert (out, WHY_ASKED in err) == ("", False)


def test_it_is_told_why_a_service_is_asked_that_is_not_there(monkeypatch, capsys):
    monkeypatch.setattr(cli, "local_checker", lambda: None)
    monkeypatch.setenv("BPMN_URL", "http://127.0.0.1:1")
    assert main(["lint", "--timeout", "1s", str(COMPLEX)]) == 4
    out, err = capsys.readouterr()
    assert (out, err.startswith("UNAVAILABLE: http://127.0.0.1:1 does not answer: ")) == ("", True)
    assert err.endswith(f"; {WHY_ASKED}\n")
