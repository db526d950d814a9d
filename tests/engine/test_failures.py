"""Failures that are the same but for what changes each time have one id."""

from __future__ import annotations

import re

import pytest

from app.engine.failures import error_id

SAME = [
    ("order 17 not found", "order 4711 not found"),
    ("took 1.5 s", "took 12.75 s"),
    ("at 2026-11-26T22:26:29.123Z", "at 2025-01-02T03:04:05.6Z"),
    ("1,234 rows", "7 rows"),
    ("no customer 'Ada'", "no customer 'Bob Ross'"),
    ('no customer "Ada"', 'no customer ""'),
    ("no column `a`", "no column `b`"),
    ("„Ada“ fehlt", "„Bob“ fehlt"),
    (
        "job 0b6d1c1a-2f3e-4d5c-8a9b-0c1d2e3f4a5b is gone",
        "job ffffffff-ffff-ffff-ffff-ffffffffffff is gone",
    ),
    ("<Order object at 0x7f1c2b3a>", "<Order object at 0xDEADBEEF>"),
    ("connection to 10.0.0.1:5432 refused", "connection to 192.168.1.20:5432 refused"),
    ("connection to [::1]:5432 refused", "connection to [fe80::1]:80 refused"),
    ("no mailbox ada@example.org", "no mailbox b.ross+x@mail.example.com"),
    ("commit 3746b46ab12 is unknown", "commit 6b3b98d0 is unknown"),
    ("line one\n  line two", "line one line   two"),
    ("File \"a.py\", line 3, in f\nValueError: 'x'", "File \"b.py\", line 14, in f\nValueError: 'y'"),
]
DIFFERENT = [
    ("order not found", "customer not found"),
    ("order 17 not found", "order not found"),
    ("can't open it, won't wait", "can't close it, won't wait"),
    ("Order 1 failed", "order 1 failed"),
    ("deadbeef", "facade"),
    ("a", ""),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_changes_each_time_makes_no_difference(one: str, other: str):
    assert error_id(one) == error_id(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_is_said_otherwise_makes_a_difference(one: str, other: str):
    assert error_id(one) != error_id(other)


@pytest.mark.parametrize(
    "error",
    ["", "x", "ä€", "\ud800", "'" * 10_000, "1.2:3," * 2_000, "a@" * 5_000, "x" * 10_000, "[a:" * 3_000, "«" * 10_000],
)
def test_an_id_has_16_hexadecimal_digits(error: str):
    assert re.fullmatch("[0-9a-f]{16}", error_id(error))
