"""Points in time: timestamps, ISO 8601 durations, cron expressions, repeating intervals.

Texts are checked against the exact dialects first (http-api 1.7) and handed to the libraries afterwards: durations to
isodate, the time of day of a cron expression to croniter. Which days a cron expression means is decided here, since
croniter knows no years outside 1970 to 2099, no `15W` in a list, no mix of `1#2` with plain weekdays, and another
either/both rule of day and weekday.

All datetimes are naive UTC. What can't be read or evaluated raises `TimerError` with a sentence for the user.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from croniter import croniter
from isodate import parse_duration

MAX_CRON_LENGTH = 256
"""Characters; bounds what one expression may cost."""

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

_BLANKS = re.compile(r"[ \t\r\n]+")
_ITEM = re.compile(r"(?P<first>\*|[0-9]{1,4}|[A-Z]{3})(?:-(?P<last>[0-9]{1,4}|[A-Z]{3}))?(?:/(?P<step>[0-9]{1,4}))?")
_NEAREST = re.compile(r"([0-9]{1,2})W")
_LAST_WEEKDAY = re.compile(r"([0-7]|[A-Z]{3})L")
_NTH_WEEKDAY = re.compile(r"([0-7]|[A-Z]{3})#([1-5])")
_YEAR = re.compile(r"[0-9]{4}")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@always": "* * * * *",
    "@5minutes": "*/5 * * * *",
    "@10minutes": "*/10 * * * *",
    "@15minutes": "*/15 * * * *",
    "@30minutes": "*/30 * * * *",
    "@everysecond": "* * * * * *",
}
_SOME_DAY = date(2000, 1, 1)


class TimerError(ValueError):
    """A timestamp, duration, cron expression or timer that can't be read or has no point in time."""


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
        raise TimerError(f"{_quoted(text)} is not an RFC 3339 timestamp such as 2026-01-31T08:00:00Z")
    milliseconds = int((match["fraction"] or "0")[:3].ljust(3, "0"))
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    try:
        value = datetime.fromisoformat(match["second"]) + timedelta(milliseconds=milliseconds)
        return value + offset if match["sign"] == "-" else value - offset
    except (ValueError, OverflowError):
        raise TimerError(f"{_quoted(text)} is no point in time within the years 1 to 9999") from None


def format_timestamp(value: datetime) -> str:
    """`value` as clients see it: milliseconds without trailing zeros, and `Z`."""
    return value.isoformat(timespec="milliseconds").rstrip("0").rstrip(".") + "Z"


def check_duration(text: str) -> None:
    """Raises `TimerError` unless `text` is a duration such as `P1DT2H`: no signs, no fractions, at most 18 digits each.

    How far it reaches is not looked at: that depends on the start.
    """
    if _DURATION.fullmatch(text) is None:
        raise TimerError(f"{_quoted(text)} is not an ISO 8601 duration such as P1DT2H")


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
            raise TimerError(f"repeating interval {_quoted(timer.time_cycle)} has ended before {format_timestamp(now)}")
        return due
    if timer.time_cycle:
        return next_tick(timer.time_cycle, now)
    if timer.time_duration:
        return add_duration(now, timer.time_duration)
    raise TimerError("timer must specify a time, time cycle or time duration")


def next_due(timer: Timer, due: datetime, now: datetime) -> datetime | None:
    """When `timer` fires again after a firing that was due at `due` and ran at `now`; None when it doesn't.

    A repeating interval goes on from `due`. Cron expressions and durations go on from `now`, which skips the ticks
    missed meanwhile; a caller that catches up on them passes the due date for `now` as well. A `time` fires once.
    Counting `Timer.repetitions` is left to the caller.
    """
    if timer.time is not None:
        return None
    if timer.time_cycle.startswith("R"):
        return _repeating(timer.time_cycle).next_due(due)
    if timer.time_cycle:
        return _tick_after(_parse_cron(timer.time_cycle), now)
    return first_due(timer, now)


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
        raise TimerError(f"{_quoted(text)} is not an ISO 8601 date-time such as 2026-01-31T08:00:00Z")
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
        return self._occurrence(self.start, bisect_left(self._numbers(), now, key=self._key))

    def next_due(self, due: datetime) -> datetime | None:
        if self.start is None:
            return self._within(_step(due, self.step, 1))
        return self._occurrence(self.start, bisect_right(self._numbers(), due, key=self._key))

    def _numbers(self) -> range:
        return range(_ENDLESS if self.count is None else self.count)

    def _key(self, number: int) -> datetime:
        assert self.start is not None
        return _step(self.start, self.step, number) or datetime.max

    def _occurrence(self, start: datetime, number: int) -> datetime | None:
        return _step(start, self.step, number) if number in self._numbers() else None

    def _within(self, due: datetime | None) -> datetime | None:
        return None if due is None or (self.end is not None and due > self.end) else due


def _repeating(text: str) -> _Repeating:
    match = _REPEATING.fullmatch(text)
    if match is None or (match["start"] and match["end"]):
        raise TimerError(f"{_quoted(text)} is not an ISO 8601 repeating interval such as R3/PT10H")
    check_duration(match["step"])
    if not re.search("[1-9]", match["step"]):
        raise TimerError(f"repeating interval {_quoted(text)} has a step of no length")
    count = int(match["count"]) if match["count"] else None
    if count == 0:
        raise TimerError(f"repeating interval {_quoted(text)} has no repetitions")
    start = _parse_xml_date_time(match["start"]) if match["start"] else None
    end = _parse_xml_date_time(match["end"]) if match["end"] else None
    return _Repeating(count, match["step"], start, end)


def check_cron(text: str) -> None:
    """Raises `TimerError` unless every part of the cron expression or macro is well-formed.

    Whether it has a tick is not looked at; `next_tick` says that.
    """
    _parse_cron(text)


def next_tick(text: str, after: datetime) -> datetime:
    """The first tick of the cron expression strictly later than `after`, in whole seconds.

    Raises `TimerError` for a malformed expression and for one without another tick up to the year 9999.
    """
    tick = _tick_after(_parse_cron(text), after)
    if tick is None:
        reference = format_timestamp(after)
        raise TimerError(f"cron expression {_quoted(text)} cannot be evaluated: it has no tick after {reference}")
    return tick


@dataclass(frozen=True, slots=True)
class _Field:
    """Name and bounds of a cron field; `names` stand for the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str, *, low: int | None = None) -> int:
        """The number or name `text`, which must lie within `low` (the field's own unless given) and the upper bound."""
        if not text.isdigit() and text not in self.names:
            raise TimerError(f"{text} is no valid {self.name}")
        value = int(text) if text.isdigit() else self.low + self.names.index(text)
        if not (self.low if low is None else low) <= value <= self.high:
            raise TimerError(f"{self.name} {value} is not within {self.low} to {self.high}")
        return value

    def values(self, item: str) -> Sequence[int]:
        """What one item of a comma list means: `*`, `?`, `5`, `1-5`, `1-5/2`, `*/2`, `3/2`, `0/2` (multiples of 2)."""
        match = _ITEM.fullmatch("*" if item == "?" else item)
        if match is None or (match["first"] == "*" and match["last"]):
            raise TimerError(f"{item or 'an empty item'} is no valid {self.name}")
        step = int(match["step"] or 1)
        if step == 0:
            raise TimerError(f"{item} has a step of 0")
        if match["first"] == "*":
            return range(self.low, self.high + 1, step)
        multiples = bool(match["step"] and not match["last"])
        first = self.number(match["first"], low=0 if multiples else None)
        last = self.number(match["last"]) if match["last"] else self.high if match["step"] else first
        if last < first:
            raise TimerError(f"{item} ends before it starts")
        return [value for value in range(first, last + 1, step) if value >= self.low]


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day", 1, 31)
_MONTH = _Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"))
_WEEKDAY = _Field("weekday", 0, 7, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_YEARS = _Field("year", 0, 9999)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cron:
    """A cron expression: croniter's text for the time of day, and which days it means."""

    clock: str
    years: Sequence[int]
    months: Sequence[int]
    days: frozenset[int]
    last_day: bool
    nearest: frozenset[int]
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    either: bool
    """Whether day or weekday suffices; otherwise both must match."""

    def days_of(self, year: int, month: int) -> list[int]:
        """The matching days of a month, in order."""
        first, length = calendar.monthrange(year, month)
        weekday_of = {day: (first + day) % 7 for day in range(1, length + 1)}
        working = [day for day, weekday in weekday_of.items() if 1 <= weekday <= 5]
        by_day = {day for day in self.days if day <= length}
        by_day.update(min(working, key=lambda day: abs(day - wanted)) for wanted in self.nearest)
        if self.last_day:
            by_day.add(length)
        by_weekday = {
            day
            for day, weekday in weekday_of.items()
            if weekday in self.weekdays
            or (weekday in self.last_weekdays and day + 7 > length)
            or (weekday, (day + 6) // 7) in self.nth_weekdays
        }
        return sorted(by_day | by_weekday if self.either else by_day & by_weekday)

    def dates(self, start: date) -> Iterator[date]:
        """The matching dates from `start` on, in order.

        Years of equal length that begin on the same weekday are alike: one without a match speaks for all of its kind,
        so at most 14 whole years are looked at in vain.
        """
        barren = set()
        for year in self.years[bisect_left(self.years, start.year) :]:
            kind = (calendar.weekday(year, 1, 1), calendar.isleap(year))
            if kind in barren:
                continue
            empty = year > start.year
            for month in self.months:
                if (year, month) >= (start.year, start.month):
                    days = self.days_of(year, month)
                    empty = empty and not days
                    yield from (found for day in days if (found := date(year, month, day)) >= start)
            if empty:
                barren.add(kind)

    def time_after(self, reference: time | None) -> time | None:
        """The first time of day later than `reference` (the first of all without one); None when there is none left."""
        start = datetime.combine(_SOME_DAY, reference or time())
        tick: datetime = croniter(self.clock, start if reference else start - timedelta(seconds=1)).get_next(datetime)
        return tick.time() if tick.date() == _SOME_DAY else None


def _tick_after(cron: _Cron, after: datetime) -> datetime | None:
    for day in cron.dates(after.date()):
        tick = cron.time_after(after.time() if day == after.date() else None)
        if tick is not None:
            return datetime.combine(day, tick)
    return None


@lru_cache(maxsize=512)
def _parse_cron(text: str) -> _Cron:
    if len(text) > MAX_CRON_LENGTH:
        raise TimerError(f"cron expression has {len(text)} characters, {MAX_CRON_LENGTH} are allowed")
    try:
        return _compile_cron(*_cron_fields(text))
    except TimerError as error:
        raise TimerError(f"{_quoted(text)} is not a cron expression: {error}") from None


def _cron_fields(text: str) -> list[str]:
    """The seven fields, second first and year last, in upper case."""
    if not text.isascii():
        raise TimerError("it contains characters outside ASCII")
    text = text.strip(" \t\r\n")
    fields = _BLANKS.split(_MACROS.get(text.lower(), text).upper())
    if len(fields) == 5:
        return ["0", *fields, "*"]
    if len(fields) == 6:
        return ["0", *fields] if _YEAR.search(fields[5]) else [*fields, "*"]
    if len(fields) != 7:
        raise TimerError("it must have 5 to 7 fields or be a macro such as @daily")
    return fields


def _compile_cron(second: str, minute: str, hour: str, day: str, month: str, weekday: str, year: str) -> _Cron:
    nearest, days = _split_items(day, _NEAREST)
    last_weekdays, rest = _split_items(weekday, _LAST_WEEKDAY)
    nth_weekdays, weekdays = _split_items(",".join(rest), _NTH_WEEKDAY) if rest else ([], [])
    clock = [_clock_field(_MINUTE, minute), _clock_field(_HOUR, hour), "* * *", _clock_field(_SECOND, second)]
    return _Cron(
        clock=" ".join(clock),
        years=range(1, 10000) if year in ("*", "?") else _numbers(_YEARS, year),
        months=_numbers(_MONTH, month),
        days=_union(_DAY, [item for item in days if item != "L"]),
        last_day="L" in days,
        nearest=frozenset(_DAY.number(found[1]) for found in nearest),
        weekdays=frozenset(number % 7 for number in _union(_WEEKDAY, weekdays)),
        last_weekdays=frozenset(_WEEKDAY.number(found[1]) % 7 for found in last_weekdays),
        nth_weekdays=frozenset((_WEEKDAY.number(found[1]) % 7, int(found[2])) for found in nth_weekdays),
        either=not (day.startswith("*") or day == "?" or weekday in ("*", "?") or weekday.startswith("*/")),
    )


def _split_items(field: str, special: re.Pattern[str]) -> tuple[list[re.Match[str]], list[str]]:
    """The items of a comma list that match `special`, and the others."""
    items = field.split(",")
    found = [match for match in map(special.fullmatch, items) if match]
    return found, [item for item in items if not special.fullmatch(item)]


def _union(field: _Field, items: list[str]) -> frozenset[int]:
    return frozenset(value for item in set(items) for value in field.values(item))


def _numbers(field: _Field, text: str) -> list[int]:
    return sorted(_union(field, text.split(",")))


def _clock_field(field: _Field, text: str) -> str:
    """The field of a time of day as croniter reads it: the numbers themselves."""
    return "*" if text in ("*", "?") else ",".join(map(str, _numbers(field, text)))


def _quoted(text: str) -> str:
    """`text` for a message: printable, and cut when it is long."""
    return repr(text if len(text) <= 80 else text[:79] + "…")
