"""What the places of expressions take."""

from datetime import datetime

import pytest

from app.expr import (
    EvaluationError,
    as_cardinality,
    as_collection,
    as_condition,
    as_key,
    as_text,
    as_timer,
    as_timer_text,
    compile_expression,
)
from tests.expr.outcome import VARIABLES, is_same, lookup_of, now

TAKEN = [
    (as_condition, True, True),
    (as_condition, False, False),
    (as_cardinality, 0, 0),
    (as_cardinality, 3, 3),
    (as_cardinality, 3.0, 3),
    (as_cardinality, 2**31 - 1, 2**31 - 1),
    (as_collection, [1, "a"], [1, "a"]),
    (as_collection, [], []),
    (as_key, "a", "a"),
    (as_key, "", ""),
    (as_key, 7, "7"),
    (as_key, 7.0, "7"),
    (as_key, -0.5, "-0.5"),
    (as_key, 1e30, "1e+30"),
    (as_key, 0.1, "0.1"),
    (as_key, True, "true"),
    (as_key, False, "false"),
    (as_key, "x" * 255, "x" * 255),
    (as_text, "ORDER_FAILED", "ORDER_FAILED"),
    (as_text, "x" * 255, "x" * 255),
]

REFUSED = [
    (as_condition, 1),
    (as_condition, "true"),
    (as_condition, None),
    (as_condition, []),
    (as_cardinality, -1),
    (as_cardinality, 1.5),
    (as_cardinality, True),
    (as_cardinality, "3"),
    (as_cardinality, None),
    (as_cardinality, 2**31),
    (as_cardinality, 1e300),
    (as_collection, {"a": 1}),
    (as_collection, "ab"),
    (as_collection, None),
    (as_key, None),
    (as_key, []),
    (as_key, {}),
    (as_key, "x" * 256),
    (as_key, "a\0"),
    (as_key, "\ud800"),
    (as_text, ""),
    (as_text, 1),
    (as_text, True),
    (as_text, None),
    (as_text, "x" * 256),
    (as_text, "\0"),
]


@pytest.mark.parametrize(("convert", "value", "expected"), TAKEN)
def test_values_that_a_place_takes(convert, value, expected):
    assert is_same(convert(value), expected)


@pytest.mark.parametrize(("convert", "value"), REFUSED)
def test_values_that_it_does_not_take(convert, value):
    with pytest.raises(EvaluationError, match=r"^expected "):
        convert(value)


def test_bounds_are_those_of_the_place():
    assert as_text("x" * 300, 300) == "x" * 300
    with pytest.raises(EvaluationError, match="at most 3 characters"):
        as_key(1000, 3)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("timeDate", "now() + duration('PT1H')", "2026-01-31T09:00:00Z"),
        ("timeDate", "'2026-01-31'", "2026-01-31"),
        ("timeDuration", "duration('90m')", "PT1H30M"),
        ("timeDuration", "'PT' + string(total) + 'M'", "PT150M"),
        ("timeCycle", "'R3/PT10H'", "R3/PT10H"),
        ("timeCycle", "'0 0 * * *'", "0 0 * * *"),
    ],
)
def test_timers(kind, text, value):
    program = compile_expression(text)
    assert program.evaluate_as(lambda result: as_timer_text(result, kind), lookup_of(VARIABLES), now) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeDate", "'tomorrow'"),
        ("timeDate", "duration('PT1H')"),
        ("timeDuration", "duration('-PT1H')"),
        ("timeDuration", "duration('1500ms')"),
        ("timeDuration", "total"),
        ("timeCycle", "'R0/PT10H'"),
        ("timeCycle", "null"),
        ("timeCycle", "'0 0 * * *" + "    " * 100 + "'"),
    ],
)
def test_texts_that_are_no_timers(kind, text):
    program = compile_expression(text)
    with pytest.raises(EvaluationError, match=r"expected (a .* such as|text of at most) .* \(CEL\)"):
        program.evaluate_as(lambda result: as_timer_text(result, kind), lookup_of(VARIABLES), now)


def test_a_timer_is_parsed():
    assert as_timer("2026-01-31T08:00:00+01:00", "timeDate").time == datetime(2026, 1, 31, 7)
