"""Waits for jobs, for as many as there are free handlers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from py_bpmn._operations import Job
from py_bpmn.client import Client
from py_bpmn.errors import BpmnClientError
from py_bpmn.worker.board import Board
from py_bpmn.worker.observe import logger
from py_bpmn.worker.outage import Outage
from py_bpmn.worker.wanted import Wanted

WAIT = timedelta(seconds=30)
"""The longest that a service lets one wait, unless it is configured."""
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
EARLY_SECONDS = 1.0
"""An empty answer that comes sooner is one of a service that has no place for those who wait, or is about to stop."""
FIRST_CUT = 0.005
"""Seconds for those who wait for no answer."""
NEXT_CUT = 0.05


def end(client: Client, threads: Iterable[threading.Thread], seconds: float) -> None:
    """Has threads end that are told to, though they may wait for answers of this client; waits so long at most."""
    for thread in threads:
        pause = FIRST_CUT
        # A request may just be on its way, which the next cut gets.
        while seconds > 0:
            thread.join(min(pause, seconds))
            if not thread.is_alive():
                break
            client.cut()
            seconds -= pause
            pause = NEXT_CUT


class Fetcher:
    """One thread for each request of the plan, as long as it is one."""

    def __init__(
        self,
        client: Client,
        board: Board,
        outage: Outage,
        *,
        receive: Callable[[Wanted, Sequence[Job]], None],
        pause: Callable[[float], bool],
    ) -> None:
        self._client = client
        self._board = board
        self._outage = outage
        self._receive = receive
        self._pause = pause
        """Waits; True when the worker stops."""
        self._lock = threading.Lock()
        self._threads: dict[Wanted, threading.Thread] = {}
        self.plan: list[Wanted] = []

    def follow(self, plan: list[Wanted]) -> None:
        """From now on, these are the requests."""
        with self._lock:
            self.plan = plan
            for wanted in plan:
                if wanted not in self._threads and not self._board.is_stopping:
                    number = len(self._threads)
                    thread = threading.Thread(target=self._run, args=(wanted,), name=f"bpmn-poll-{number}", daemon=True)
                    self._threads[wanted] = thread
                    thread.start()

    def stop(self, seconds: float) -> None:
        with self._lock:
            threads = list(self._threads.values())
        end(self._client, threads, seconds)

    def _run(self, wanted: Wanted) -> None:
        pause = FIRST_PAUSE
        while wanted in self.plan:
            limit = self._board.begin_poll(wanted, len(self.plan) - 1)
            if not limit:
                return
            began = self._board.clock()
            found: Sequence[Job] = ()
            try:
                found = self._client.api.lock_jobs(**wanted.conditions, limit=limit, wait_timeout=WAIT).jobs
            except Exception as problem:
                if self._board.is_stopping:
                    return
                if isinstance(problem, BpmnClientError):
                    self._outage.failed(problem)
                else:
                    # Whatever it is: a worker that stops asking, and says nothing, would be the worst.
                    logger.exception("jobs could not be fetched")
                seconds, pause = pause * random.uniform(0.75, 1.25), min(pause * 2, LONGEST_PAUSE)
            else:
                self._outage.succeeded()
                is_early = not found and self._board.clock() - began < EARLY_SECONDS
                seconds, pause = (EARLY_SECONDS if is_early else 0.0), FIRST_PAUSE
            finally:
                self._receive(wanted, found)
                self._board.end_poll(wanted, limit, len(found))
            if seconds and (self._outage.wait(seconds, self._pause) if self._outage.is_on else self._pause(seconds)):
                return
