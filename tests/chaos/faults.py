"""What goes wrong, one thing after the other, as the seed says."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter

import psycopg

from tests.chaos.processes import Arrangement
from tests.databases import plain

FROZEN = 3.0
"""Seconds for which a process may stand still: longer than a lease, so that others take over what it holds."""


class Faults:
    """A thread that breaks things and has them repaired."""

    def __init__(self, arrangement: Arrangement, seed: int, pause: float) -> None:
        self._arrangement = arrangement
        self._luck = random.Random(f"{seed}-faults")
        self._pause = pause
        """Seconds between two faults, at the median."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)
        self.count: Counter[str] = Counter()
        self.error: BaseException | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Everything runs again, or is about to."""
        self._over.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "a fault does not end"

    def _run(self) -> None:
        kinds = [self._kill, self._kill, self._kill_worker, self._kill_worker, self._freeze, self._stop, self._kill_all]
        if self._arrangement.server is not None:
            kinds += [self._crash, self._crash, self._restart, self._disconnect]
        try:
            while not self._over.wait(self._luck.uniform(0.3, 1.7) * self._pause):
                fault = self._luck.choice(kinds)
                self.count[fault.__name__.strip("_")] += 1
                fault()
        except BaseException as error:
            self.error = error

    def _wait(self, longest: float) -> None:
        time.sleep(self._luck.uniform(0, longest))

    def _kill(self) -> None:
        service = self._luck.choice(self._arrangement.services)
        service.kill()
        self._wait(1)
        service.start()

    def _kill_all(self) -> None:
        for service in self._arrangement.services:
            service.kill()
        for service in self._arrangement.services:
            service.start()

    def _kill_worker(self) -> None:
        """The master starts another one."""
        workers = self._luck.choice(self._arrangement.services).workers()
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._luck.choice(workers), signal.SIGKILL)

    def _freeze(self) -> None:
        """It goes on later, as if nothing had happened, while others have taken over what it was about to do."""
        service = self._luck.choice(self._arrangement.services)
        service.signal(signal.SIGSTOP)
        self._wait(FROZEN)
        service.signal(signal.SIGCONT)

    def _stop(self) -> None:
        service = self._luck.choice(self._arrangement.services)
        service.stop()
        service.start()

    def _crash(self) -> None:
        self._end_server(signal.SIGQUIT)

    def _restart(self) -> None:
        self._end_server(signal.SIGINT)

    def _end_server(self, how: signal.Signals) -> None:
        server = self._arrangement.server
        assert server is not None
        server.stop(how)
        self._wait(2)
        server.start()
        server.wait()

    def _disconnect(self) -> None:
        """Single connections, in the middle of whatever they are used for."""
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(plain(self._arrangement.url)) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND random() < 0.4"
            )
