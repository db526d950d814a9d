"""Requests that wait for their answer: they look, and look again when they are woken, until they have seen enough.

Under our own worker such a request leaves its thread while it waits, and comes back to it: the application is called
again, with what it has left in `environ`. Under other servers it waits in its thread, if that is not one too many.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from app.api.answer import Response
from app.api.context import current, service
from app.news import Address
from app.timer import TimerError, add_duration
from app.waiting import CAN_PARK, Waiter, Want

_SOME_DAY = datetime(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a request has found."""

    response: Response
    is_enough: bool
    """Whether there is no need to wait."""
    jobs: Collection[Address] = ()
    """Jobs that it has got."""


class Parked(Response):
    """Stands for a response that is still waited for."""

    __slots__ = ("began", "go_on", "request", "waiter")

    def __init__(self, waiter: Waiter, go_on: Callable[[], Response]) -> None:
        super().__init__()
        self.waiter = waiter
        self.go_on = go_on
        """Looks again; what it returns may be Parked again."""
        self.request = current.get()
        self.began = 0.0
        """When the request came, by the application's clock."""


def answered(want: Callable[[], Want], seconds: float, look: Callable[[], Seen]) -> Response:
    """What `look` has seen, which is called again until that is enough, or `seconds` are over.

    `want` tells what is waited for, and is asked only then.

    Where the request can't wait, because too many do or the service is about to stop, it is answered at once, and
    told to try again a little later (`Retry-After`).
    """
    if seconds <= 0:
        return look().response
    waiter = service().waiting.enter(want(), seconds, in_thread=CAN_PARK not in current.get().environ)
    if waiter is None:
        return _early(look())
    return _go_on(waiter, look)


def _go_on(waiter: Waiter, look: Callable[[], Seen]) -> Response:
    while True:
        # Asked for before: who is told while it looks has to look once more.
        is_over = waiter.is_over
        try:
            seen = look()
        except BaseException:
            waiter.leave()
            raise
        if seen.is_enough or is_over:
            waiter.leave(seen.jobs)
            return seen.response if seen.is_enough or waiter.seconds_left == 0 else _early(seen)
        if not waiter.in_thread:
            return Parked(waiter, partial(_go_on, waiter, look))
        woken = threading.Event()
        waiter.sleep(woken.set)
        if not woken.wait(waiter.seconds_left):
            service().waiting.expire()
            woken.wait()


def _early(seen: Seen) -> Response:
    """An answer that came before its time."""
    if not seen.is_enough:
        seen.response.headers.append(("Retry-After", "1"))
    return seen.response


def seconds_to_wait(wait_timeout: str) -> float:
    """Of an ISO 8601 duration, at most BPMN_LONG_POLL_MAX; 0 for an empty text."""
    if not wait_timeout:
        return 0.0
    most = service().config.long_poll_max
    try:
        return min((add_duration(_SOME_DAY, wait_timeout) - _SOME_DAY).total_seconds(), most)
    except TimerError:
        # It is well-formed, and leaves the calendar.
        return most
