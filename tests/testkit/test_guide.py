"""The tests of the guide, beside the files that they are of."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "app" / "guides" / "testing.md").read_text(encoding="utf-8")
WORKER = (ROOT / "app" / "guides" / "python-worker.md").read_text(encoding="utf-8")


def block(guide: str, kind: str) -> str:
    """The only one of its kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.mark.sqlite
def test_the_tests_of_the_guide_pass_and_go_through_what_it_says(tmp_path: Path):
    (tmp_path / "order.bpmn").write_text(block(WORKER, "xml"), encoding="utf-8")
    (tmp_path / "orders.py").write_text(block(WORKER, "python"), encoding="utf-8")
    (tmp_path / "test_orders.py").write_text(block(GUIDE, "python"), encoding="utf-8")
    program, *options = shlex.split(block(GUIDE, "sh"))
    assert program == "pytest"
    quiet = ["-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", tmp_path]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *quiet, *options],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    (table,) = re.findall(r"^process .*?^TOTAL .*?\n", GUIDE, re.DOTALL | re.MULTILINE)
    assert table in done.stdout
    assert (tmp_path / "build" / "bpmn" / "index.html").is_file()
