"""Requests that wait for something to happen, and what wakes them.

Who waits enters first, and looks then: what happens meanwhile is not missed. Of those who wait for jobs, as many are
woken as there are jobs. Whoever is woken looks again; a job that it does not get is offered to others who want it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import NamedTuple

from app.news import Address, Happening, JobNews, News

CAN_PARK = "bpmn.can_park"
"""In the `environ` of a request (PEP 3333): the server calls again with what it finds as PARKED, and answers then."""
PARKED = "bpmn.parked"
RESUMED = "bpmn.resumed"
"""In `environ`: what was PARKED, when the server calls again."""
LOOKS_AT_ONCE = 16
"""How many kinds of jobs are looked for in one round, where nothing tells which there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobWanted:
    """A job that meets all conditions; an empty one is met by any."""

    partition: date | None = None
    id: int = 0
    process_ids: tuple[int, ...] = ()
    process_instance_id: int = 0
    types: tuple[str, ...] = ()
    bpmn_element_ids: tuple[str, ...] = ()
    bpmn_process_ids: tuple[str, ...] = ()
    task_types: tuple[str, ...] = ()
    otherwise: Hashable = None
    """What tells it from others besides, and only a look can judge."""

    def matches(self, job: JobNews) -> bool:
        """Whether it may be this one, as far as that is known."""
        return (
            self.partition in (None, job.partition)
            and self.id in (0, job.id)
            and self.process_instance_id in (0, job.process_instance_id)
            and _is_among(job.process_id, self.process_ids)
            and _is_among(job.type, self.types)
            and _is_among(job.bpmn_element_id, self.bpmn_element_ids)
            and _is_among(job.bpmn_process_id, self.bpmn_process_ids)
            and _is_among(job.task_type, self.task_types)
        )


def _is_among(value: object, wanted: Collection[object]) -> bool:
    return not wanted or value is None or value in wanted


Want = JobWanted | Happening


class _State(Enum):
    LOOKING = auto()
    ASLEEP = auto()
    GONE = auto()


class _Offer(NamedTuple):
    """Why somebody looks: for a job, or whether there is any."""

    job: JobNews | None = None
    tried: frozenset[Want] = frozenset()
    """Those who want such a job, and have been offered this one."""


class Waiter:
    """One request that waits. It looks when it has entered, and each time it was woken; then it sleeps or leaves."""

    __slots__ = ("_waiting", "in_thread", "is_over", "number", "offer", "on_wake", "pending", "state", "until", "want")

    def __init__(self, waiting: Waiting, want: Want, until: float, number: int, in_thread: bool) -> None:
        self._waiting = waiting
        self.want = want
        self.until = until
        self.number = number
        self.in_thread = in_thread
        self.state = _State.LOOKING
        self.is_over = False
        """Whether it is to be answered, be there something or not."""
        self.offer: _Offer | None = None
        """Why it looks."""
        self.pending: _Offer | None = None
        """Why it has to look once more."""
        self.on_wake: Callable[[], None] = _nothing

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.until - time.monotonic())

    def sleep(self, on_wake: Callable[[], None]) -> None:
        """To be called when it has looked and found nothing.

        `on_wake` is called once, in whatever thread wakes it; at once, where something has happened meanwhile.
        """
        self._waiting.put_to_sleep(self, on_wake)

    def leave(self, found: Collection[Address] = ()) -> None:
        """To be called when it has looked and is answered; `found` are the jobs that it has got."""
        self._waiting.remove(self, found, has_looked=True)

    def end(self) -> None:
        """Has it be answered now, whoever calls."""
        self._waiting.end(self)

    def abandon(self) -> None:
        """To be called when there is nobody to be answered; what it was woken for is left to others."""
        self._waiting.remove(self, (), has_looked=False)


def _nothing() -> None:
    pass


class _Group:
    """Those who want the same."""

    __slots__ = ("looking", "sleeping")

    def __init__(self) -> None:
        self.sleeping: dict[Waiter, None] = {}
        """In the order in which they went to sleep."""
        self.looking: dict[Waiter, None] = {}


class Waiting:
    """All requests of this process that wait. Whoever is woken is told outside of the lock."""

    def __init__(self, most: int, most_in_threads: int) -> None:
        """At most `most` wait without a thread, and `most_in_threads` each in one of the threads that serve."""
        self._most = {False: most, True: most_in_threads}
        self._counts = {False: 0, True: 0}
        self._lock = threading.Lock()
        self._groups: dict[Want, _Group] = {}
        self._number = 0
        self._round = 0
        self.draining = False
        """True once nobody is to wait any more."""
        self.left_at = float("-inf")
        """When somebody has left at last (monotonic)."""
        self.on_enter: Callable[[], None] = _nothing
        """Told when somebody enters."""
        self.on_sleep: Callable[[float], None] = lambda _: None
        """Told until when somebody sleeps (monotonic)."""

    @property
    def count(self) -> int:
        return self._counts[False] + self._counts[True]

    def enter(self, want: Want, seconds: float, *, in_thread: bool) -> Waiter | None:
        """None where too many wait already, or nobody is to wait."""
        with self._lock:
            if self.draining or self._counts[in_thread] >= self._most[in_thread]:
                return None
            self._counts[in_thread] += 1
            self._number += 1
            waiter = Waiter(self, want, time.monotonic() + seconds, self._number, in_thread)
            self._groups.setdefault(want, _Group()).looking[waiter] = None
        self.on_enter()
        return waiter

    def put_to_sleep(self, waiter: Waiter, on_wake: Callable[[], None]) -> None:
        with self._lock:
            if waiter.state is _State.GONE:
                return
            offer, waiter.offer, waiter.on_wake = waiter.offer, None, on_wake
            woken = self._offer(offer.job, offer.tried) if offer and offer.job else []
            if waiter.pending or waiter.is_over:
                waiter.offer, waiter.pending = waiter.pending, None
                woken.append(waiter)
            else:
                group = self._groups[waiter.want]
                del group.looking[waiter]
                group.sleeping[waiter] = None
                waiter.state = _State.ASLEEP
        _wake(woken)
        self.on_sleep(waiter.until)

    def remove(self, waiter: Waiter, found: Collection[Address], *, has_looked: bool) -> None:
        with self._lock:
            if waiter.state is _State.GONE:
                return
            group = self._groups[waiter.want]
            (group.sleeping if waiter.state is _State.ASLEEP else group.looking).pop(waiter)
            waiter.state = _State.GONE
            if not (group.sleeping or group.looking):
                del self._groups[waiter.want]
            self._counts[waiter.in_thread] -= 1
            self.left_at = time.monotonic()
            woken = self._left_over(waiter.offer, waiter, found, has_looked)
            woken += self._left_over(waiter.pending, waiter, found, False)
        _wake(woken)

    def _left_over(
        self, offer: _Offer | None, waiter: Waiter, found: Collection[Address], has_looked: bool
    ) -> list[Waiter]:
        """Those to be woken for what `waiter`, which leaves, was woken for, or was to be."""
        if offer is None:
            return []
        if offer.job is None:
            # Where there was something, there may be more.
            return self._look_for(waiter.want) if found or not has_looked else []
        if offer.job.address in found:
            return []
        if found:
            return self._offer(offer.job, frozenset())
        return self._offer(offer.job, offer.tried if has_looked else offer.tried - {waiter.want})

    def tell(self, news: News) -> None:
        """Wakes those whom it concerns."""
        with self._lock:
            woken = [waiter for job in news.jobs for waiter in self._offer(job, frozenset())]
            woken += self._happened(news.happened)
            if news.anything:
                woken += [waiter for want in self._jobs_wanted() for waiter in self._look_for(want)]
        _wake(woken)

    def look(self) -> None:
        """Has one of those who want the same look whether there are jobs; where there are, the next one follows.

        Not all kinds of jobs in one round, if they are many.
        """
        with self._lock:
            wanted = self._jobs_wanted()
            if len(wanted) > LOOKS_AT_ONCE:
                start = self._round = self._round % len(wanted)
                self._round += LOOKS_AT_ONCE
                wanted = (wanted + wanted)[start : start + LOOKS_AT_ONCE]
            woken = [waiter for want in wanted for waiter in self._look_for(want)]
        _wake(woken)

    def expire(self) -> None:
        """Wakes those whose time is over."""
        now = time.monotonic()
        with self._lock:
            over = [waiter for waiter in self._all() if waiter.until <= now]
            woken = self._end(over)
        _wake(woken)

    def end(self, waiter: Waiter) -> None:
        with self._lock:
            woken = [] if waiter.state is _State.GONE else self._end([waiter])
        _wake(woken)

    def drain(self) -> None:
        """Has all be answered at once, and lets nobody wait any more."""
        with self._lock:
            self.draining = True
            woken = self._end(self._all())
        _wake(woken)

    def next_end(self) -> float:
        """When the time of the first of those who sleep is over (monotonic); infinite without any."""
        with self._lock:
            return min(
                (waiter.until for group in self._groups.values() for waiter in group.sleeping), default=float("inf")
            )

    @property
    def wants_jobs(self) -> bool:
        with self._lock:
            return bool(self._jobs_wanted())

    def awaited(self) -> list[Happening]:
        """What those who sleep wait for, other than jobs."""
        with self._lock:
            return [want for want, group in self._groups.items() if isinstance(want, Happening) and group.sleeping]

    # Under the lock. Those to be woken are returned.

    def _all(self) -> list[Waiter]:
        return [waiter for group in self._groups.values() for waiter in (*group.sleeping, *group.looking)]

    def _jobs_wanted(self) -> list[JobWanted]:
        return [want for want in self._groups if isinstance(want, JobWanted)]

    def _end(self, waiters: Iterable[Waiter]) -> list[Waiter]:
        woken = []
        for waiter in waiters:
            waiter.is_over = True
            if waiter.state is _State.ASLEEP:
                woken.append(self._rouse(waiter, None))
        return woken

    def _rouse(self, waiter: Waiter, offer: _Offer | None) -> Waiter:
        group = self._groups[waiter.want]
        del group.sleeping[waiter]
        group.looking[waiter] = None
        waiter.state = _State.LOOKING
        waiter.offer = offer
        return waiter

    def _offer(self, job: JobNews, tried: frozenset[Want]) -> list[Waiter]:
        """The one who sleeps for the longest time, or else one who may have looked too early."""
        groups = [
            (want, group)
            for want, group in self._groups.items()
            if isinstance(want, JobWanted) and want not in tried and want.matches(job)
        ]
        sleeping = [next(iter(group.sleeping)) for _, group in groups if group.sleeping]
        if sleeping:
            waiter = min(sleeping, key=lambda each: each.number)
            return [self._rouse(waiter, _Offer(job, tried | {waiter.want}))]
        for want, group in groups:
            for waiter in group.looking:
                if waiter.pending is None:
                    waiter.pending = _Offer(job, tried | {want})
                    return []
        return []

    def _look_for(self, want: Want) -> list[Waiter]:
        group = self._groups.get(want)
        if group is None:
            return []
        for waiter in group.sleeping:
            return [self._rouse(waiter, _Offer())]
        for waiter in group.looking:
            waiter.pending = waiter.pending or _Offer()
            break
        return []

    def _happened(self, happened: Iterable[Happening]) -> list[Waiter]:
        woken = []
        for each in happened:
            if group := self._groups.get(each):
                for waiter in group.looking:
                    waiter.pending = _Offer()
                woken += [self._rouse(waiter, _Offer()) for waiter in list(group.sleeping)]
        return woken


def _wake(woken: Iterable[Waiter]) -> None:
    for waiter in woken:
        waiter.on_wake()
