"""The jobs that a worker holds, and how many more it can take. Everybody in the worker asks here, under one lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum, auto

from py_bpmn._operations import Job as Data
from py_bpmn.client import Client
from py_bpmn.worker.job import Job
from py_bpmn.worker.process import Handler
from py_bpmn.worker.wanted import Wanted

AHEAD_SECONDS = 0.05
"""Jobs are fetched ahead as far as they are begun in that time."""
MOST_AHEAD = 100
BATCHES = 2
"""That are on their way at the same time, where there is much to do."""
Clock = Callable[[], float]


class Stage(Enum):
    QUEUED = auto()
    RUNNING = auto()
    DONE = auto()
    """Its completion is to be sent."""
    GONE = auto()


class Held:
    """A job with its lock."""

    __slots__ = ("began", "data", "due", "ends", "handler", "job", "locked", "stage")

    def __init__(self, data: Data, handler: Handler, client: Client, now: float) -> None:
        self.data = data
        self.handler = handler
        self.job = Job(data, client)
        self.locked = now
        self.began = 0.0
        self.stage = Stage.QUEUED
        self.extended(now)

    @property
    def is_async(self) -> bool:
        return self.handler.is_async

    def extended(self, now: float) -> None:
        """The lock lasts for a lease from now on, and is extended anew after a third of it."""
        lease = self.handler.lease.total_seconds()
        self.ends = now + lease
        self.due = now + lease / 3


class Board:
    def __init__(self, threads: int, concurrency: int, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.changed = threading.Condition()
        self._slots = {False: threads, True: concurrency}
        self._taken = {False: 0, True: 0}
        self._seconds = {False: 1.0, True: 1.0}
        """How long a handler takes, on average; the newest count most."""
        self._held: dict[Held, None] = {}
        self._unsent = 0
        self._polling: dict[Wanted, int] = {}
        """Requests that wait for jobs, with how many they may bring."""
        self._dry: set[Wanted] = set()
        """Where the last answer has brought fewer than it might have."""
        self.is_stopping = False

    def held(self) -> list[Held]:
        with self.changed:
            return list(self._held)

    @property
    def running(self) -> int:
        with self.changed:
            return sum(held.stage is Stage.RUNNING for held in self._held)

    @property
    def is_full(self) -> bool:
        """Whether no handler is free."""
        with self.changed:
            return all(taken >= self._slots[kind] for kind, taken in self._taken.items() if self._slots[kind])

    def is_empty(self) -> bool:
        return not self._held

    def may_come(self) -> bool:
        """Whether a completion may come soon."""
        with self.changed:
            return any(held.stage in (Stage.RUNNING, Stage.QUEUED) for held in self._held)

    def _capacity(self, is_async: bool) -> int:
        """A handler that is at work for longer than the average is expected to take as long again."""
        now, slots, usual = self.clock(), self._slots[is_async], self._seconds[is_async]
        running = [held for held in self._held if held.stage is Stage.RUNNING and held.is_async == is_async]
        ahead = sum(AHEAD_SECONDS / max(usual, now - held.began) for held in running)
        ahead += max(0, slots - len(running)) * AHEAD_SECONDS / usual
        return slots + min(MOST_AHEAD, int(ahead))

    def _room(self, is_async: bool) -> int:
        return self._capacity(is_async) - self._taken[is_async]

    def begin_poll(self, wanted: Wanted, others: int) -> int:
        """Waits until jobs are to be waited for; how many are to be asked for, and 0 when there is nothing more to do.

        `others` are the requests that share the room.
        """
        with self.changed:
            while not self.is_stopping:
                is_needed = not self._unsent or wanted in self._dry
                if is_needed and (room := self._room(wanted.is_async)) > 0:
                    limit = max(1, room // (1 + others))
                    self._polling[wanted] = limit
                    return limit
                self.changed.wait()
            return 0

    def end_poll(self, wanted: Wanted, limit: int, brought: int) -> None:
        with self.changed:
            self._polling.pop(wanted, None)
            self._note(wanted, limit, brought)

    def next_for(self, requests: Iterable[Wanted]) -> tuple[Wanted, int] | None:
        """What a completion is to lock next, and how many."""
        with self.changed:
            if self.is_stopping:
                return None
            for wanted in requests:
                capacity = self._capacity(wanted.is_async)
                room = capacity - self._taken[wanted.is_async]
                if wanted not in self._polling and room > 0:
                    # Not all in one request: while one batch is completed, handlers have another one.
                    limit = min(room, -(-capacity // BATCHES))
                    # Those that come with the answer to another completion are not asked for twice.
                    self._taken[wanted.is_async] += limit
                    return wanted, limit
            return None

    def end_next(self, wanted: Wanted, limit: int, brought: int) -> None:
        with self.changed:
            self._taken[wanted.is_async] -= limit
            self._note(wanted, limit, brought)

    def _note(self, wanted: Wanted, limit: int, brought: int) -> None:
        if brought < limit:
            self._dry.add(wanted)
        else:
            self._dry.discard(wanted)
        self.changed.notify_all()

    def add(self, found: Iterable[Held]) -> None:
        with self.changed:
            for held in found:
                self._held[held] = None
                self._taken[held.is_async] += 1
            self.changed.notify_all()

    def begin(self, held: Held) -> bool:
        """False if it is not held any more."""
        with self.changed:
            if held.stage is not Stage.QUEUED:
                return False
            held.stage = Stage.RUNNING
            held.began = self.clock()
            return True

    def done(self, held: Held) -> bool:
        """The handler has ended; False if nobody wants the result."""
        with self.changed:
            self._taken[held.is_async] -= 1
            spent = self.clock() - held.began
            self._seconds[held.is_async] += (max(spent, 0.0001) - self._seconds[held.is_async]) / 8
            if held.stage is Stage.GONE or not held.job.alive:
                self._held.pop(held, None)
                self.changed.notify_all()
                return False
            held.stage = Stage.DONE
            self._unsent += 1
            self.changed.notify_all()
            return True

    def sent(self, jobs: Iterable[Held]) -> None:
        """Nothing more is to be done for these, whose handlers had ended."""
        with self.changed:
            for held in jobs:
                if self._held.pop(held, held) is None:
                    self._unsent -= 1
            self.changed.notify_all()

    def give_back(self, is_due: Callable[[Held], bool]) -> list[Held]:
        """Jobs that nobody has begun yet, and that are not held from now on."""
        with self.changed:
            found = [held for held in self._held if held.stage is Stage.QUEUED and is_due(held)]
            for held in found:
                held.stage = Stage.GONE
                del self._held[held]
                self._taken[held.is_async] -= 1
            self.changed.notify_all()
            return found

    def lost(self, held: Held, reason: str) -> bool:
        """The lock is gone; False if that is known, or does not matter, since the job is done."""
        with self.changed:
            if held not in self._held or not held.job.alive:
                return False
            held.job.is_gone(reason)
            if held.stage is Stage.QUEUED:
                held.stage = Stage.GONE
                del self._held[held]
                self._taken[held.is_async] -= 1
            self.changed.notify_all()
            return True

    def stop(self) -> None:
        with self.changed:
            self.is_stopping = True
            self.changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        with self.changed:
            return self.changed.wait_for(self.is_empty, max(0.0, seconds))
