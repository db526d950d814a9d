"""Keeps the locks of jobs, and gives back jobs that wait for a handler for too long.

One thread looks at the clock, one extends, and one unlocks: none of them waits for what another one is answered.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from py_bpmn._operations import EXTEND_JOBS, UNLOCK_JOBS, ExtendJobsItem, ExtendJobsResult
from py_bpmn._operations import Job as Data
from py_bpmn.client import Client
from py_bpmn.errors import BpmnClientError
from py_bpmn.worker.board import Board, Held
from py_bpmn.worker.fetch import end
from py_bpmn.worker.observe import logger
from py_bpmn.worker.outage import Outage

MOST_TOGETHER = 1000
LONGEST_QUEUED = 1.0
"""Seconds; a job that nobody here begins in that time is left to others."""
# Tried once: a wait for the next try, which the service may name, would be longer than a lease.
_EXTEND = replace(EXTEND_JOBS, repeated=False)
UNLOCK = replace(UNLOCK_JOBS, repeated=False)


class Keeper:
    def __init__(
        self,
        client: Client,
        board: Board,
        outage: Outage,
        *,
        shortest_lease: float,
        look: Callable[[], None],
        lost: Callable[[Held, str], None],
    ) -> None:
        self._client = client
        self._board = board
        self._outage = outage
        self._look = look
        """Called so often that no job waits for a handler for too long."""
        self._lost = lost
        """Told of each whose handler is at work for nothing, and why."""
        self._tick = min(0.5, shortest_lease / 8)
        self._is_over = threading.Event()
        self._woken = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name="bpmn-leases", daemon=True),
            threading.Thread(target=self._run_extending, name="bpmn-extends", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float) -> None:
        self._is_over.set()
        self._woken.set()
        with self._board.changed:
            self._board.changed.notify_all()
        end(self._client, self._threads, seconds)

    def _run(self) -> None:
        while not self._is_over.is_set():
            with self._board.changed:
                self._board.changed.wait_for(lambda: self._is_over.is_set() or not self._board.is_empty())
            self._is_over.wait(self._tick)
            try:
                self.watch()
            except Exception:
                logger.exception("leases could not be watched")

    def watch(self) -> None:
        """Tells of locks that have ended, and has others do what is due."""
        now = self._board.clock()
        for held in self._board.held():
            if held.ends <= now:
                self._tell(held, "its lock has ended, and the service has not extended it")
        self._woken.set()
        self._look()

    def _run_extending(self) -> None:
        while not self._is_over.is_set():
            self._woken.wait()
            self._woken.clear()
            try:
                self.extend()
            except Exception:
                logger.exception("leases could not be extended")

    def extend(self) -> None:
        """Extends what has come to a third of its lease; what ends first comes first."""
        now = self._board.clock()
        due: dict[timedelta, list[Held]] = {}
        for held in self._board.held():
            if held.job.alive and now >= held.due:
                due.setdefault(held.handler.lease, []).append(held)
        for lease, jobs in sorted(due.items(), key=lambda each: min(held.ends for held in each[1])):
            for first in range(0, len(jobs), MOST_TOGETHER):
                self._extend(lease, jobs[first : first + MOST_TOGETHER])

    def _extend(self, lease: timedelta, jobs: Sequence[Held]) -> None:
        began = self._board.clock()
        results = self._results(lease, jobs)
        now = self._board.clock()
        for held, result in zip(jobs, results, strict=True):
            if result is not None and result.status == 200:
                held.extended(began)
                continue
            held.not_extended(now, self._tick)
            if result is not None and 400 <= result.status < 500 and result.status != 429:
                self._tell(held, result.problem.detail if result.problem else f"status {result.status}")

    def _results(self, lease: timedelta, jobs: Sequence[Held]) -> Sequence[ExtendJobsResult | None]:
        """In the order of the jobs; None where the service does not answer."""
        unknown = [None] * len(jobs)
        items = [
            ExtendJobsItem(partition=held.data.partition, id=held.data.id, lock_version=held.data.lock_version)
            for held in jobs
        ]
        body = {"workerId": self._client.worker_id, "lockTimeout": lease, "jobs": items}
        try:
            found = self._client.call(_EXTEND, body=body).results
        except Exception as problem:
            if isinstance(problem, BpmnClientError):
                if not self._is_over.is_set():
                    self._outage.failed(problem)
            else:
                logger.exception("leases could not be extended")
            return unknown
        self._outage.succeeded()
        return found if len(found) == len(jobs) else unknown

    def _tell(self, held: Held, reason: str) -> None:
        if self._board.lost(held, reason):
            self._lost(held, reason)


class Unlocker:
    """Gives back jobs, each by a request of its own, while others look after the rest."""

    def __init__(self, client: Client, board: Board, outage: Outage) -> None:
        self._client = client
        self._board = board
        self._outage = outage
        self._unwanted: deque[tuple[Data, float]] = deque()
        self._is_over = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bpmn-unlocks", daemon=True)
        self._thread.start()

    def put(self, data: Data, ends: float) -> None:
        """Has a job unlocked whose lock ends by itself at that time."""
        self._unwanted.append((data, ends))
        self._woken.set()

    def look(self) -> None:
        """Has those given back that wait for a handler for too long."""
        self._woken.set()

    def stop(self, seconds: float) -> None:
        """What is not unlocked yet is left to others."""
        self._is_over.set()
        self._woken.set()
        end(self._client, [self._thread], seconds)

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._woken.wait()
            self._woken.clear()
            try:
                self.unlock()
            except Exception:
                logger.exception("jobs could not be unlocked")

    def unlock(self) -> None:
        while not self._is_over.is_set() and (found := self._next()) is not None:
            data, ends = found
            # When its lock has ended, this worker may have it by another one; and while the service is away, it ends.
            if self._outage.is_on or self._board.clock() >= ends:
                continue
            body = {"partition": data.partition, "id": data.id, "workerId": self._client.worker_id}
            try:
                self._client.call(UNLOCK, body=body)
            except BpmnClientError as problem:
                if not self._is_over.is_set():
                    self._outage.failed(problem)

    def _next(self) -> tuple[Data, float] | None:
        """Those that are queued stay so until they are unlocked: meanwhile they may be begun here."""
        if self._unwanted:
            return self._unwanted.popleft()
        if self._outage.is_on:
            return None
        held = self._board.give_back_one(LONGEST_QUEUED)
        return (held.data, held.ends) if held is not None else None
