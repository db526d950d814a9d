"""A run ends all that it has started, even when it is killed itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.processes import ROOT, wait_until


def below(pid: int) -> set[int]:
    """The process and all that it has started, with what these have started."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def test_nothing_survives_a_run_that_is_killed(kind: str, tmp_path: Path):
    tmp_path.chmod(0o755)
    command = [sys.executable, "-m", "tests.chaos", "--database", kind, "--seconds", "60", "--fault-pause", "1000"]
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=os.environ | {"TMPDIR": str(tmp_path)})
    try:
        # The keeper, two masters and two workers; and PostgreSQL.
        wait_until(lambda: len(below(run.pid)) > (6 if kind == "postgres" else 5), "the services do not start")
        started = below(run.pid)
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    wait_until(lambda: not any(is_running(pid) for pid in started), f"some of {started} still run")
    wait_until(lambda: not list(tmp_path.iterdir()), "its folder is still there")
