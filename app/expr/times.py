"""Timestamps and durations: naive UTC datetimes, and spans of days and less."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from app.timer import TimerError, parse_timestamp, parse_xml_timer

_ISO_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<W>[0-9]{1,9})W)?(?:(?P<D>[0-9]{1,9})D)?"
    r"(?:T(?=.)(?:(?P<H>[0-9]{1,9})H)?(?:(?P<M>[0-9]{1,9})M)?(?:(?P<S>[0-9]{1,12}(?:\.[0-9]{1,9})?)S)?)?"
)
_ISO_UNITS = {"W": 604_800, "D": 86_400, "H": 3600, "M": 60, "S": 1}
_GO_DURATION = re.compile(r"(?P<sign>[+-]?)(?P<parts>(?:[0-9]{1,15}(?:\.[0-9]{1,9})?(?:h|ms|m|s|us|ns))+)")
_GO_PART = re.compile(r"([0-9.]+)([a-z]+)")
_GO_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def timestamp_of(text: str) -> datetime | None:
    """The point in time that an RFC 3339 timestamp names; None for any other text."""
    try:
        return parse_timestamp(text)
    except TimerError:
        return None


def date_time_of(text: str) -> datetime | None:
    """The same for ISO 8601 date-times without a zone, which are UTC, and for dates."""
    timer = parse_xml_timer("timeDate", text)
    return timer.time if timer else None


def duration_of(text: str) -> timedelta | None:
    """The span of an ISO 8601 duration without years and months, such as `PT1H`; None for any other text."""
    match = _ISO_DURATION.fullmatch(text)
    if match is None:
        return None
    return _span(match["sign"], [(_ISO_UNITS[unit], match[unit]) for unit in _ISO_UNITS if match[unit]])


def short_duration_of(text: str) -> timedelta | None:
    """The span of a duration such as `1h30m`, too."""
    match = _GO_DURATION.fullmatch(text)
    if match is None:
        return duration_of(text)
    return _span(match["sign"], [(_GO_UNITS[unit], number) for number, unit in _GO_PART.findall(match["parts"])])


def _span(sign: str, parts: list[tuple[float, str]]) -> timedelta | None:
    try:
        span = sum((timedelta(seconds=unit * _number(number)) for unit, number in parts), timedelta())
        return -span if sign == "-" else span
    except OverflowError:
        return None


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def duration_text(span: timedelta) -> str:
    """`span` in ISO 8601: `P1DT2H3.5S`, with a sign where it is negative."""
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    hours, rest = divmod(span.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    second = f"{seconds}.{span.microseconds:06}".rstrip("0") if span.microseconds else f"{seconds or ''}"
    days = f"{span.days}D" if span.days else ""
    time = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (second, "S")) if number)
    return f"{sign}P{days}{'T' + time if time else ''}" if days or time else "PT0S"


def seconds_text(span: timedelta) -> str:
    """`span` in seconds: `3600s`."""
    sign, span = ("-", -span) if span < timedelta() else ("", span)
    seconds = span.days * 86_400 + span.seconds
    return f"{sign}{seconds}.{span.microseconds:06}".rstrip("0") + "s" if span.microseconds else f"{sign}{seconds}s"
