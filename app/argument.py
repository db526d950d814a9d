"""Values on the command line: each is what a text says, or `ArgumentTypeError` tells what is wrong with it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from app import options
from app.clock import SystemClock, cut
from app.config.table import LONGEST_NAME

MOST_OF_REASON = 500
"""Characters."""


def secret_id(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be blank")
    if len(text) > LONGEST_NAME:
        raise argparse.ArgumentTypeError(f"must have at most {LONGEST_NAME} characters")
    try:
        # Bytes on the command line that are no text arrive as lone surrogates, which no database keeps.
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError("must be text") from None
    return text


def pattern(text: str) -> str:
    """A BPMN process id, or the beginning of ids and `*`."""
    found = secret_id(text)
    if "*" in found[:-1]:
        raise argparse.ArgumentTypeError("may have a * at its end only")
    return found


def reason(text: str) -> str:
    if len(text) > MOST_OF_REASON:
        raise argparse.ArgumentTypeError(f"must have at most {MOST_OF_REASON} characters")
    return text


def expiry(text: str) -> datetime:
    """A date-time (UTC where it names no zone), or now plus a duration; naive UTC."""
    now = SystemClock().now()
    try:
        return _later(now, text)
    except ValueError:
        pass
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        message = f"must be a date-time such as 2030-01-31T00:00:00Z or a duration such as 90d, but is {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    expires = cut(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)
    if expires <= now:
        raise argparse.ArgumentTypeError("must lie in the future")
    return expires


def moment(text: str) -> datetime:
    """A date or date-time (UTC where it names no zone); naive UTC."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        message = f"must be a date-time such as 2026-01-31T00:00:00Z, but is {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return cut(value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value)


def _later(now: datetime, text: str) -> datetime:
    seconds = options.seconds(text)
    if seconds <= 0:
        raise argparse.ArgumentTypeError("must lie in the future")
    try:
        return cut(now + timedelta(seconds=seconds))
    except OverflowError:
        raise argparse.ArgumentTypeError("must lie before the year 10000") from None
