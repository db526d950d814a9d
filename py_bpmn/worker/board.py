"""The jobs that a worker holds, and how many more it can take. Everybody in the worker asks here, under one lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
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
    WAITING = auto()
    """A handler is still at work for an earlier lock of the same job."""
    QUEUED = auto()
    RUNNING = auto()
    DONE = auto()
    """Its completion is to be sent."""
    GONE = auto()


class Held:
    """A job with its lock."""

    __slots__ = ("began", "data", "due", "ends", "follower", "handler", "job", "locked", "ref", "stage")

    def __init__(self, data: Data, handler: Handler, client: Client, now: float) -> None:
        self.data = data
        self.ref = (data.partition, data.id)
        self.handler = handler
        self.job = Job(data, client)
        self.locked = now
        self.began = 0.0
        self.follower: Held | None = None
        """The same job by a newer lock, which is begun when this one's handler has ended."""
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

    def not_extended(self, now: float, soonest: float) -> None:
        """It is tried again when a part of what is left of its lease is over, but not sooner than after so long."""
        self.due = now + max(soonest, (self.ends - now) / 4)

    def follows(self, other: Held) -> bool:
        """Whether its lock is newer than that of the other one, which is of the same job."""
        mine, others = self.data.lock_version, other.data.lock_version
        return mine is None or others is None or mine > others


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

    def add(self, found: Sequence[Held]) -> list[Held]:
        """Those whose handlers are at work, and which were held until now, by earlier locks of these jobs.

        Such a job is not begun anew beside its first handler, but when that one has ended.
        """
        with self.changed:
            refs = {held.ref for held in found}
            known = [held for held in self._held if held.ref in refs]
            lost: list[Held] = []
            for held in found:
                earlier = [each for each in known if each.ref == held.ref and each.stage is not Stage.GONE]
                if all(held.follows(each) for each in earlier):
                    lost += self._replace(earlier, held)
                    known.append(held)
                else:
                    held.stage = Stage.GONE
            self.changed.notify_all()
            return lost

    def _replace(self, earlier: Sequence[Held], held: Held) -> list[Held]:
        lost = [each for each in earlier if each.stage is Stage.RUNNING and each.job.alive]
        for each in earlier:
            each.job.is_gone("it is locked anew, since its lock has ended")
            if each.stage is Stage.RUNNING:
                each.follower = held
                held.stage = Stage.WAITING
            elif each.stage is not Stage.DONE:
                self._drop(each)
        self._held[held] = None
        self._taken[held.is_async] += 1
        return lost

    def _drop(self, held: Held) -> None:
        """For what nobody has begun."""
        held.stage = Stage.GONE
        del self._held[held]
        self._taken[held.is_async] -= 1

    def begin(self, held: Held) -> bool:
        """False if it is not held any more, or waits for another handler to end."""
        with self.changed:
            if held.stage is not Stage.QUEUED:
                return False
            held.stage = Stage.RUNNING
            held.began = self.clock()
            return True

    def done(self, held: Held) -> bool:
        """The handler has ended; False if nobody wants the result. Its follower can be begun."""
        with self.changed:
            now = self.clock()
            self._taken[held.is_async] -= 1
            self._seconds[held.is_async] += (max(now - held.began, 0.0001) - self._seconds[held.is_async]) / 8
            if held.follower is not None and held.follower.stage is Stage.WAITING:
                held.follower.stage = Stage.QUEUED
                held.follower.locked = now
            if not held.job.alive:
                held.stage = Stage.GONE
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

    def give_back(self) -> list[Held]:
        """All jobs that nobody has begun yet, which are not held from now on."""
        with self.changed:
            found = [held for held in self._held if held.stage in (Stage.QUEUED, Stage.WAITING)]
            for held in found:
                self._drop(held)
            self.changed.notify_all()
            return found

    def give_back_one(self, seconds: float) -> Held | None:
        """One that has been queued for so long, and that is not held from now on: the one that is begun last."""
        with self.changed:
            before = self.clock() - seconds
            for held in reversed(self._held):
                if held.stage is Stage.QUEUED and held.locked < before:
                    self._drop(held)
                    self.changed.notify_all()
                    return held
            return None

    def lost(self, held: Held, reason: str) -> bool:
        """The lock is gone; False if that is known, or if the job is done.

        It may have been completed then; if not, the answer to its completion tells.
        """
        with self.changed:
            if held not in self._held or held.stage is Stage.DONE or not held.job.alive:
                return False
            held.job.is_gone(reason)
            if held.stage in (Stage.QUEUED, Stage.WAITING):
                self._drop(held)
            self.changed.notify_all()
            return True

    def stop(self) -> None:
        with self.changed:
            self.is_stopping = True
            self.changed.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        with self.changed:
            return self.changed.wait_for(self.is_empty, max(0.0, seconds))
