"""What processes use: CPU and memory, with all below them. Linux tells it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
SCHED_CLOCK = 2
MIB = 1024


def tree(pid: int) -> Iterator[int]:
    """The process and all below it."""
    left = [pid]
    while left:
        each = left.pop()
        yield each
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                left += [int(child) for child in (task / "children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """What a process and all below it have used, those that have ended included."""
    total = 0.0
    for each in tree(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            # The clock of another process, as clock_getcpuclockid(3) makes its number: ticks are too coarse.
            total += time.clock_gettime(~each << 3 | SCHED_CLOCK) + sum(map(int, fields[13:15])) / TICK
    return total


def memory_mib(pid: int) -> dict[str, float]:
    """`pss` of the process and all below it together, where what is shared counts once, and the largest `rss`."""
    pss, rss = 0.0, 0.0
    for each in tree(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{each}/smaps_rollup").read_text().splitlines()[1:]
            found = {line.split()[0]: int(line.split()[1]) / MIB for line in lines}
            pss += found["Pss:"]
            rss = max(rss, found["Rss:"])
    return {"pss": pss, "rss": rss}


def speed() -> float:
    """CPU milliseconds of a fixed computation: how fast the machine is just now.

    Machines are shared, and their clocks change: what is measured within minutes may differ by a half. With this figure
    measured beside each, figures of several runs can be compared.
    """
    began = time.thread_time()
    total = 0
    for number in range(200_000):
        total += number * number % 7
    found: dict[str, int] = {}
    for number in range(50_000):
        key = f"k{number % 1000}"
        found[key] = found.get(key, 0) + number
    return (time.thread_time() - began) * 1000
