"""Many clients in one thread, each with a connection of its own. What they cost is told with what they measure."""

from __future__ import annotations

import select
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

from tests.bench.load import Connection, Drained, Failed, Scenario, Stage, Turn, parsed

CLOCK = time.perf_counter
SILENCE_SECONDS = 60.0
"""After which a service that says nothing is given up."""


@dataclass(slots=True)
class Load:
    """What many clients did in a while."""

    units: int = 0
    requests: int = 0
    elapsed: float = 0.0
    generator_cpu: float = 0.0
    """Seconds of CPU that the clients took, all together."""
    unit_seconds: list[float] = field(default_factory=list)
    """How long each unit took; those of a batch took as long as the batch."""
    request_seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each request took, by operation."""
    failures: list[str] = field(default_factory=list)
    drained: bool = False


class _Client:
    """Plays turn after turn, until it is told to stop or fails; a unit that was begun is brought to its end."""

    def __init__(self, load: Load, connection: Connection, turns: Callable[[], Turn], goes_on: Callable[[], bool]):
        self._load = load
        self._turns = turns
        self._goes_on = goes_on
        self._turn = turns()
        self._operation = ""
        self._sent = self._begun = CLOCK()
        self.connection = connection
        self.ended = False

    def readable(self) -> None:
        try:
            answer = self.connection.receive()
            if answer is not None:
                self._load.request_seconds[self._operation].append(CLOCK() - self._sent)
                self._load.requests += 1
                self.go_on(parsed(self._operation, *answer))
        except (Failed, OSError) as error:
            self._fail(error)

    def go_on(self, answer: Any = None) -> None:
        """Sends the next request, if there is one."""
        try:
            while True:
                try:
                    step = self._turn.send(answer)
                except StopIteration:
                    self._turn, answer = self._turns(), None
                    continue
                if not isinstance(step, int):
                    break
                answer = None
                if not self._count(step):
                    self.ended = True
                    return
            self._operation, method, path, body = step
            self._sent = CLOCK()
            self.connection.send(method, path, body)
        except Drained:
            self._load.drained = self.ended = True
        except (Failed, OSError, ValueError) as error:
            self._fail(error)

    def _count(self, units: int) -> bool:
        now = CLOCK()
        self._load.units += units
        self._load.unit_seconds.append(now - self._begun)
        self._begun = now
        return self._goes_on()

    def _fail(self, error: Exception) -> None:
        self._load.failures.append(str(error) or repr(error))
        self.ended = True


def run(
    port: int,
    authorization: str,
    scenario: Scenario,
    stage: Stage,
    *,
    clients: int = 1,
    seconds: float = float("inf"),
    units: float = float("inf"),
) -> Load:
    """Lets clients play a scenario until the time is over, or that many units are done, whatever is first."""
    load = Load()
    started, cpu = CLOCK(), time.process_time()
    until = started + seconds
    poll = select.epoll()
    by_socket: dict[int, _Client] = {}
    try:
        for number in range(clients):
            client = _Client(
                load,
                Connection(port, authorization),
                partial(scenario.turn, stage, f"bench-{number}"),
                lambda: CLOCK() < until and load.units < units,
            )
            by_socket[client.connection.socket.fileno()] = client
            poll.register(client.connection.socket, select.EPOLLIN)
        for client in by_socket.values():
            client.go_on()
        left = sum(not client.ended for client in by_socket.values())
        while left:
            events = poll.poll(SILENCE_SECONDS)
            if not events:
                load.failures.append(f"no answer for {SILENCE_SECONDS:g} s")
                break
            for found, _ in events:
                client = by_socket[found]
                if client.ended:
                    poll.unregister(found)
                    continue
                client.readable()
                left -= client.ended
    finally:
        poll.close()
        for client in by_socket.values():
            client.connection.close()
    load.elapsed = CLOCK() - started
    load.generator_cpu = time.process_time() - cpu
    return load


def percentile(seconds: list[float], share: float) -> float:
    """In milliseconds; 0 of nothing."""
    if not seconds:
        return 0.0
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000


def middle(seconds: list[float]) -> float:
    """The median in milliseconds; 0 of nothing."""
    return median(seconds) * 1000 if seconds else 0.0
