"""Points in time: timestamps, ISO 8601 durations, repeating intervals, and timers made of these and of cron.

Durations are checked against the exact dialect first (http-api 1.7) and handed to isodate afterwards.

All datetimes are naive UTC. What can't be read or evaluated raises `TimerError` with a sentence for the user.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from isodate import parse_duration

from app.cron import TimerError as TimerError
from app.cron import check_cron, find_tick, next_tick, quoted

_DATE_TIME = re.compile(
    r"(?P<second>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.(?P<fraction>[0-9]+))?"
    r"(?:Z|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):(?P<minutes>[0-5][0-9]))"
)
_XML_DATE_TIME = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:T(?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}(?:\.[0-9]+)?)?(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_NUMBER = "[0-9]{1,18}"
_DURATION = re.compile(
    rf"P(?=.)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_REPEATING = re.compile(r"R(?P<count>[0-9]{0,9})/(?:(?P<start>[^/P]+)/)?(?P<step>P[^/]+)(?:/(?P<end>[^/]+))?")
_ENDLESS = 2**40
"""More steps of a second than the years 1 to 9999 have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A point in time. Of several fields the first set one counts: `time`, `time_cycle`, `time_duration`."""

    time: datetime | None = None
    """Naive UTC, millisecond precision."""
    time_cycle: str = ""
    """A cron expression or, from the XML only, an ISO 8601 repeating interval such as `R3/PT10H`."""
    time_duration: str = ""
    """An ISO 8601 duration such as `PT1H`."""
    repetitions: int | None = None
    """How often it may fire; None leaves that to the element. Set for timers written in the XML."""


def parse_timestamp(text: str) -> datetime:
    """The RFC 3339 timestamp `text` as naive UTC, truncated to milliseconds.

    `0001-01-01T00:00:00Z`, which requests use for "absent", is returned like any other.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise TimerError(f"{quoted(text)} is not an RFC 3339 timestamp such as 2026-01-31T08:00:00Z")
    milliseconds = int((match["fraction"] or "0")[:3].ljust(3, "0"))
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    try:
        value = datetime.fromisoformat(match["second"]) + timedelta(milliseconds=milliseconds)
        return value + offset if match["sign"] == "-" else value - offset
    except (ValueError, OverflowError):
        raise TimerError(f"{quoted(text)} is no point in time within the years 1 to 9999") from None


def format_timestamp(value: datetime) -> str:
    """`value` as clients see it: milliseconds without trailing zeros, and `Z`."""
    return value.isoformat(timespec="milliseconds").rstrip("0").rstrip(".") + "Z"


def check_duration(text: str) -> None:
    """Raises `TimerError` unless `text` is a duration such as `P1DT2H`: no signs, no fractions, at most 18 digits each.

    How far it reaches is not looked at: that depends on the start.
    """
    if _DURATION.fullmatch(text) is None:
        raise TimerError(f"{quoted(text)} is not an ISO 8601 duration such as P1DT2H")


def add_duration(start: datetime, text: str) -> datetime:
    """`start` plus the duration; years and months end at the last day of the month where the day doesn't exist.

    Raises `TimerError` for a malformed duration and one that leaves the years 1 to 9999.
    """
    check_duration(text)
    due = _step(start, text, 1)
    if due is None:
        raise TimerError(f"{format_timestamp(start)} plus {text} leaves the years 1 to 9999")
    return due


def _step(start: datetime, duration: str, times: int) -> datetime | None:
    """`start` plus `times` the well-formed duration; None beyond the year 9999."""
    try:
        result: datetime = start + parse_duration(duration) * times
    except (ValueError, OverflowError):
        return None
    return result


def first_due(timer: Timer, now: datetime) -> datetime:
    """When a timer that is set at `now` fires for the first time; a `time` in the past is returned as it is.

    Raises `TimerError` for a timer with nothing set and for one without such a point in time.
    """
    if timer.time is not None:
        return timer.time
    if timer.time_cycle.startswith("R"):
        due = _repeating(timer.time_cycle).first_due(now)
        if due is None:
            raise TimerError(f"repeating interval {quoted(timer.time_cycle)} has ended before {format_timestamp(now)}")
        return due
    if timer.time_cycle:
        return next_tick(timer.time_cycle, now)
    if timer.time_duration:
        return add_duration(now, timer.time_duration)
    raise TimerError("must specify a time, time cycle or time duration")


def next_due(timer: Timer, due: datetime, now: datetime, first: datetime | None = None) -> datetime | None:
    """When `timer` fires again after a firing that was due at `due` and ran at `now`; None when it doesn't.

    Cycles go on with the first tick after `now`, so those missed meanwhile are passed over; a caller that catches up
    on them passes the due date for `now` as well. The ticks of a repeating interval without a start are counted from
    `first`, when it was due for the first time, or else from `due`. Durations go on from `now`. A `time` fires once.
    Counting `Timer.repetitions` is left to the caller.
    """
    if timer.time is not None:
        return None
    # Clocks of several machines may differ: no tick comes twice.
    after = max(due, now)
    if timer.time_cycle.startswith("R"):
        return _repeating(timer.time_cycle).next_due(after, first or due)
    if timer.time_cycle:
        return find_tick(timer.time_cycle, after)
    return first_due(timer, now)


def counts_from_first_due(timer: Timer) -> bool:
    """Whether the ticks depend on when the timer was due for the first time: a repeating interval without a start."""
    return timer.time is None and timer.time_cycle.startswith("R") and _repeating(timer.time_cycle).start is None


def parse_xml_timer(kind: str, text: str) -> Timer | None:
    """The timer that `timeDate`, `timeDuration` or `timeCycle` (`kind`) states; None unless `text` is a literal.

    A date-time without zone is UTC, a date alone its midnight. `R0/...` and repeating steps of no length are None, too.
    """
    text = text.strip()
    try:
        return _XML_TIMERS[kind](text)
    except TimerError:
        return None


def _parse_time_date(text: str) -> Timer:
    return Timer(time=_parse_xml_date_time(text), repetitions=1)


def _parse_time_duration(text: str) -> Timer:
    check_duration(text)
    return Timer(time_duration=text, repetitions=1)


def _parse_time_cycle(text: str) -> Timer:
    if text.startswith("R"):
        return Timer(time_cycle=text, repetitions=_repeating(text).count)
    check_cron(text)
    return Timer(time_cycle=text)


_XML_TIMERS = {"timeDate": _parse_time_date, "timeDuration": _parse_time_duration, "timeCycle": _parse_time_cycle}


def _parse_xml_date_time(text: str) -> datetime:
    match = _XML_DATE_TIME.fullmatch(text)
    if match is None:
        raise TimerError(f"{quoted(text)} is not an ISO 8601 date-time such as 2026-01-31T08:00:00Z")
    return parse_timestamp(
        f"{match['date']}T{match['minute'] or '00:00'}{match['second'] or ':00'}{match['zone'] or 'Z'}"
    )


@dataclass(frozen=True, slots=True)
class _Repeating:
    """An ISO 8601 repeating interval. With a start, its occurrences are fixed: start, start + step, start + 2 steps."""

    count: int | None
    step: str
    start: datetime | None
    end: datetime | None

    def first_due(self, now: datetime) -> datetime | None:
        if self.start is None:
            return self._within(_step(now, self.step, 1))
        numbers = self._numbers()
        return self._occurrence(self.start, bisect_left(numbers, now, key=self._from(self.start)), numbers)

    def next_due(self, after: datetime, first: datetime) -> datetime | None:
        # Without a start, nobody knows how many ticks there have been, but only how often it has fired.
        start, numbers = (self.start, self._numbers()) if self.start else (first, range(_ENDLESS))
        return self._within(self._occurrence(start, bisect_right(numbers, after, key=self._from(start)), numbers))

    def _numbers(self) -> range:
        return range(_ENDLESS if self.count is None else self.count)

    def _from(self, start: datetime) -> Callable[[int], datetime]:
        return lambda number: _step(start, self.step, number) or datetime.max

    def _occurrence(self, start: datetime, number: int, numbers: range) -> datetime | None:
        return _step(start, self.step, number) if number in numbers else None

    def _within(self, due: datetime | None) -> datetime | None:
        return None if due is None or (self.end is not None and due > self.end) else due


def _repeating(text: str) -> _Repeating:
    match = _REPEATING.fullmatch(text)
    if match is None or (match["start"] and match["end"]):
        raise TimerError(f"{quoted(text)} is not an ISO 8601 repeating interval such as R3/PT10H")
    check_duration(match["step"])
    if not re.search("[1-9]", match["step"]):
        raise TimerError(f"repeating interval {quoted(text)} has a step of no length")
    count = int(match["count"]) if match["count"] else None
    if count == 0:
        raise TimerError(f"repeating interval {quoted(text)} has no repetitions")
    start = _parse_xml_date_time(match["start"]) if match["start"] else None
    end = _parse_xml_date_time(match["end"]) if match["end"] else None
    return _Repeating(count, match["step"], start, end)
