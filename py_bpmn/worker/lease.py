"""Keeps the locks of jobs, and gives back jobs that wait for a handler for too long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

from py_bpmn._operations import ExtendJobsItem
from py_bpmn.client import Client
from py_bpmn.errors import BpmnClientError
from py_bpmn.worker.board import Board, Held, Stage
from py_bpmn.worker.observe import about, logger
from py_bpmn.worker.outage import Outage

MOST_TOGETHER = 1000
LONGEST_QUEUED = 1.0
"""Seconds; a job that nobody here begins in that time is left to others."""


class Keeper:
    def __init__(
        self,
        client: Client,
        board: Board,
        outage: Outage,
        *,
        shortest_lease: float,
        give_back: Callable[[Callable[[Held], bool]], None],
        count_lost: Callable[[], None],
    ) -> None:
        self._client = client
        self._board = board
        self._outage = outage
        self._give_back = give_back
        self._count_lost = count_lost
        self._tick = min(0.5, shortest_lease / 8)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bpmn-leases", daemon=True)
        self._thread.start()

    def stop(self, seconds: float) -> None:
        self._is_over.set()
        with self._board.changed:
            self._board.changed.notify_all()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._is_over.is_set():
            with self._board.changed:
                self._board.changed.wait_for(lambda: self._is_over.is_set() or not self._board.is_empty())
            self._is_over.wait(self._tick)
            try:
                self.keep()
            except Exception:
                logger.exception("leases could not be extended")

    def keep(self) -> None:
        """Extends what has come to a third of its lease."""
        now = self._board.clock()
        self._give_back(lambda held: now - held.locked > LONGEST_QUEUED)
        due: dict[timedelta, list[Held]] = {}
        for held in self._board.held():
            if held.job.alive and now >= held.due:
                due.setdefault(held.handler.lease, []).append(held)
        for lease, jobs in due.items():
            for first in range(0, len(jobs), MOST_TOGETHER):
                self._extend(lease, jobs[first : first + MOST_TOGETHER])

    def _extend(self, lease: timedelta, jobs: Sequence[Held]) -> None:
        began = self._board.clock()
        items = [
            ExtendJobsItem(partition=held.data.partition, id=held.data.id, lock_version=held.data.lock_version)
            for held in jobs
        ]
        try:
            results = self._client.api.extend_jobs(jobs=items, lock_timeout=lease).results
        except BpmnClientError as problem:
            self._outage.failed(problem)
            now = self._board.clock()
            for held in jobs:
                if held.ends < now and held.stage is not Stage.DONE:
                    self._lost(held, "its lock has ended, and the service does not answer")
            return
        self._outage.succeeded()
        for held, result in zip(jobs, results, strict=True):
            if result.status == 200:
                held.extended(began)
            elif held.stage is not Stage.DONE and 400 <= result.status < 500:
                # What is done may have been completed meanwhile; if not, the answer to its completion tells.
                self._lost(held, result.problem.detail if result.problem else f"status {result.status}")

    def _lost(self, held: Held, reason: str) -> None:
        if self._board.lost(held, reason):
            self._count_lost()
            with about(held.job):
                logger.warning("the job is gone while it is done: %s", reason)
