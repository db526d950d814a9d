"""Cron expressions in the dialect of http-api 1.7: when the next tick is.

The time of day is left to croniter. Which days an expression means is decided here, since croniter knows no years
outside 1970 to 2099, no `15W` in a list, no mix of `1#2` with plain weekdays, and another either/both rule of day and
weekday. Datetimes are naive UTC.
"""

from __future__ import annotations

import calendar
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

MAX_CRON_LENGTH = 256
"""Characters; bounds what one expression may cost."""

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


def check_cron(text: str) -> None:
    """Raises `TimerError` unless every part of the cron expression or macro is well-formed.

    Whether it has a tick is not looked at; `next_tick` says that.
    """
    _parse_cron(text)


def next_tick(text: str, after: datetime) -> datetime:
    """The first tick of the cron expression strictly later than `after`, in whole seconds.

    Raises `TimerError` for a malformed expression and for one without another tick up to the year 9999.
    """
    tick = find_tick(text, after)
    if tick is None:
        reference = after.isoformat(sep=" ", timespec="seconds")
        raise TimerError(f"cron expression {quoted(text)} cannot be evaluated: it has no tick after {reference}")
    return tick


def find_tick(text: str, after: datetime) -> datetime | None:
    """Like `next_tick`, but None without another tick."""
    cron = _parse_cron(text)
    for day in cron.dates(after.date()):
        tick = cron.time_after(after.time() if day == after.date() else None)
        if tick is not None:
            return datetime.combine(day, tick)
    return None


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
        # Loaded by those who have cron expressions only: it takes its time at the start.
        from croniter import croniter

        tick: datetime = croniter(self.clock, start if reference else start - timedelta(seconds=1)).get_next(datetime)
        return tick.time() if tick.date() == _SOME_DAY else None


@lru_cache(maxsize=512)
def _parse_cron(text: str) -> _Cron:
    if len(text) > MAX_CRON_LENGTH:
        raise TimerError(f"cron expression has {len(text)} characters, {MAX_CRON_LENGTH} are allowed")
    try:
        return _compile_cron(*_cron_fields(text))
    except TimerError as error:
        raise TimerError(f"{quoted(text)} is not a cron expression: {error}") from None


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


def quoted(text: str) -> str:
    """`text` for a message: printable, and cut when it is long."""
    return repr(text if len(text) <= 80 else text[:79] + "…")
