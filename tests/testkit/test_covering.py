"""`pytest --bpmn-cov` in runs of its own."""

from __future__ import annotations

import json

import pytest

from tests.testkit.test_plugin import XML

pytest_plugins = ["pytester"]

OPTIONS = ("-p", "no:cacheprovider")
WRONG = "--bpmn-cov-report is html:FOLDER or json:FILE, but not xml:x"

TESTS = """
import pytest
from py_bpmn import Process

shop = Process("shop", bpmn="shop.bpmn", partial=True)

def test_it_ends(bpmn):
    bpmn.deploy("shop.bpmn")
    story = bpmn.start("shop")
    story.at("charge-card").completes()
    story.at("ship").completes()
    bpmn.clock.advances(hours=1)
    story.is_completed()

def test_it_begins(bpmn):
    bpmn.deploy("shop.bpmn")
    bpmn.start("shop").waits_at("charge-card")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("BPMN_TEST_PYTHON", raising=False)
    folder = pytester.mkdir("bpmn")
    (folder / "shop.bpmn").write_text(XML, encoding="utf-8")
    (folder / "other.bpmn").write_text(XML.replace('id="shop"', 'id="other"'), encoding="utf-8")
    (pytester.path / "shop.bpmn").write_text(XML, encoding="utf-8")
    pytester.makepyfile(TESTS)
    return pytester


def lines(result: pytest.RunResult) -> list[str]:
    """The table of coverage."""
    start = next(place for place, line in enumerate(result.outlines) if "bpmn coverage" in line)
    return [" ".join(line.split()) for line in result.outlines[start + 1 : start + 5]]


def test_elements_and_flows_are_told_also_of_what_no_test_goes_through(project: pytest.Pytester):
    result = project.runpytest(*OPTIONS, "--bpmn-cov=bpmn")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    assert lines(result) == [
        "process elements flows missing",
        "other 0/5 0/4 start",
        "shop 5/5 4/4",
        "TOTAL 50 % 50 %",
    ]


@pytest.mark.parametrize(("required", "code"), [("50", 0), ("51", 1)])
def test_too_little_fails_the_run(project: pytest.Pytester, required: str, code: int):
    result = project.runpytest(*OPTIONS, "--bpmn-cov=bpmn", f"--bpmn-cov-fail-under={required}")
    result.assert_outcomes(passed=2)
    assert result.ret == code
    assert (f"FAIL: required {required} %" in result.stdout.str()) == bool(code)


def test_processes_of_xdist_are_told_together(project: pytest.Pytester):
    options = (*OPTIONS, "-n", "2", "--bpmn-cov=bpmn/shop.bpmn", "--bpmn-cov-report=json:out/cov.json")
    result = project.runpytest_subprocess(*options)
    result.assert_outcomes(passed=2)
    assert lines(result)[1] == "shop 5/5 4/4"
    [process] = json.loads((project.path / "out" / "cov.json").read_text(encoding="utf-8"))["processes"]
    assert {each["id"]: each["visits"] for each in process["elements"]}["charge-card"] == 2
    assert sorted(process["tests"]) == [
        "test_processes_of_xdist_are_told_together.py::test_it_begins",
        "test_processes_of_xdist_are_told_together.py::test_it_ends",
    ]


def test_pages_show_the_diagrams(project: pytest.Pytester):
    project.runpytest(*OPTIONS, "--bpmn-cov=bpmn", "--bpmn-cov-report=html:pages")
    assert {path.name for path in (project.path / "pages").iterdir()} == {"index.html", "other.html", "shop.html"}
    assert "<svg" in (project.path / "pages" / "shop.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--bpmn-cov=nowhere"], "--bpmn-cov: there is no BPMN file at nowhere"),
        (
            ["--bpmn-cov=bpmn", "--bpmn-cov-report=xml:x"],
            "--bpmn-cov-report is html:FOLDER or json:FILE, but not xml:x",
        ),
        (["--bpmn-cov-fail-under=90"], "need --bpmn-cov=PATH"),
    ],
    ids=["no file", "no report", "no path"],
)
def test_what_is_asked_for_wrongly_is_told(project: pytest.Pytester, options: list[str], sentence: str):
    result = project.runpytest(*OPTIONS, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert sentence in result.stderr.str()


def test_a_file_that_can_not_be_executed_fails_the_tests_that_count(project: pytest.Pytester):
    (project.path / "bpmn" / "other.bpmn").write_text(XML.replace("startEvent", "callChoreography"), encoding="utf-8")
    result = project.runpytest(*OPTIONS, "--bpmn-cov=bpmn")
    result.assert_outcomes(errors=2)
    assert "--bpmn-cov: bpmn/other.bpmn: " in result.stdout.str()


def test_a_run_without_an_engine_covers_nothing(project: pytest.Pytester):
    path = project.makepyfile(test_alone="def test_alone(): pass")
    result = project.runpytest(*OPTIONS, "--bpmn-cov=bpmn", "--bpmn-cov-fail-under=1", path)
    result.assert_outcomes(passed=1)
    assert result.ret == 1
    assert "bpmn coverage: no test that ran has used the fixture bpmn" in result.stdout.str()


def test_a_file_that_the_service_does_not_take_is_named_by_each_test(project: pytest.Pytester):
    # Behind another one, which alone is no reason to go on.
    (project.path / "bpmn" / "vast.bpmn").write_text(XML + " " * 1024 * 1024, encoding="utf-8")
    result = project.runpytest(*OPTIONS, "--bpmn-cov=bpmn")
    result.assert_outcomes(errors=2)
    assert result.stdout.str().count("--bpmn-cov: bpmn/vast.bpmn: request body size must not exceed 1MB") >= 2
