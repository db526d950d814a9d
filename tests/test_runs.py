"""How the tests are run: whoever starts them, on the same cases each time, or on those of a seed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 300
DRAWING = """
import pytest
from hypothesis import given, strategies as st

@given(st.lists(st.integers(), min_size=5))
def test_drawing(numbers):
    print("drawn", numbers)

@given(st.integers(0, 10**9))
def test_failing(number):
    assert FAILING is False or number < 10**6
"""


def run(*command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_TEST_", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=inherited | environ,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path / "test_drawing.py"


def options(file: Path, *, failing: bool = False) -> list[str]:
    """Those of a run that takes the settings of this folder, and the tests of a file outside of it."""
    file.write_text(DRAWING.replace("FAILING", str(failing)))
    return ["-s", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", str(file.parent / "pytest.ini"), str(file)]


def drawn(file: Path, **environ: str) -> list[str]:
    done = run("pytest", *options(file), **environ)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.findall("^.?drawn.*$", done.stdout, re.MULTILINE)
    assert found
    return found


def test_a_seed_has_cases_of_its_own_which_it_has_again(file: Path):
    first, again = (drawn(file, BPMN_TEST_EXPLORE="1") for _ in range(2))
    assert first == again
    assert first != drawn(file)


def test_exploring_ends_after_its_rounds_each_with_another_seed(file: Path):
    done = run("tests.explore", "--rounds", "2", *options(file))
    assert done.returncode == 0, done.stdout + done.stderr
    seeds = re.findall(r"^exploring: make explore SEED=(\d+)$", done.stdout, re.MULTILINE)
    assert len(set(seeds)) == 2


def test_exploring_ends_with_what_it_has_found_and_how_to_find_it_again(file: Path):
    given = options(file, failing=True)
    done = run("tests.explore", *given)
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.search(r"^found something; again: make explore SEED=(\d+)$", done.stdout, re.MULTILINE)
    assert found
    again = run("tests.explore", "--seed", found[1], *given)
    assert again.returncode == 1
    assert "make explore SEED=" + found[1] in again.stdout


def test_tests_pass_where_whoever_starts_them_ignores_the_signal_of_ctrl_c():
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = run("pytest", "-q", "tests/test_demo.py::test_nothing_is_left_when_the_demo_is_stopped[SIGINT]")
    finally:
        signal.signal(signal.SIGINT, ignored)
    assert done.returncode == 0, done.stdout + done.stderr
