"""Ends what a run has started, whichever way the run itself ends; a process of its own, which needs nothing but Python.

It reads lines: `+group PID`, `+server PID` and `+folder PATH` to remember something, the same with `-` to forget it.
When there are no more lines, the run has ended, and so does all that is still remembered.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable


def end_group(pid: str) -> None:
    os.killpg(int(pid), signal.SIGKILL)


def end_server(pid: str) -> None:
    """PostgreSQL takes its children along when it is told to stop at once."""
    os.kill(int(pid), signal.SIGQUIT)
    for _ in range(50):
        time.sleep(0.1)
        os.kill(int(pid), 0)
    os.kill(int(pid), signal.SIGKILL)


ENDS: dict[str, Callable[[str], None]] = {
    "group": end_group,
    "server": end_server,
    "folder": lambda path: shutil.rmtree(path, ignore_errors=True),
}


def main() -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    remembered: dict[str, None] = {}
    for line in sys.stdin:
        known = line.strip()[1:]
        if line.startswith("+"):
            remembered[known] = None
        else:
            remembered.pop(known, None)
    for kind in ENDS:
        for known in remembered:
            if known.startswith(kind):
                with contextlib.suppress(ProcessLookupError):
                    ENDS[kind](known.partition(" ")[2])


if __name__ == "__main__":
    main()
