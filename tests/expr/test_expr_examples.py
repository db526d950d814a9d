"""Whole expressions, in each spelling."""

import pytest

from app.expr import CompileError, EvaluationError, as_condition, compile_expression
from tests.expr.outcome import FAILS, REFUSED, VARIABLES, failure, is_same, lookup_of, now, outcome

EXAMPLES = [
    ('total >= 100 && "vip" in tags', "CEL", True),
    ("${total ge 100 and order.state == 'open'}", "JUEL", True),
    ('= total >= 100 and list contains(tags, "vip")', "FEEL", True),
    ('!name.startsWith("B") && vars["my-key"] == 1', "CEL", True),
    ('= if total > 100 then "high" else "low"', "FEEL", "high"),
    ("discount > 0", "CEL", FAILS),
    ("= discount > 0", "FEEL", None),
    ("${discount > 0}", "JUEL", FAILS),
    ("${order.missing == null}", "JUEL", True),
    ("order.missing == null", "CEL", FAILS),
    ("${orderService.check(execution)}", "JUEL", REFUSED),
    ("credit approved", "CEL", REFUSED),
]


@pytest.mark.parametrize(("text", "spelling", "expected"), EXAMPLES)
def test_examples(text: str, spelling: str, expected: object):
    assert is_same(outcome(text), expected)
    if expected is not REFUSED:
        assert compile_expression(text).dialect == spelling


@pytest.mark.parametrize(
    "text", ['= if total > 100 then "high" else "low"', "= discount > 0", "total", "tags", "order"]
)
def test_a_condition_gives_true_or_false(text: str):
    program = compile_expression(text)
    with pytest.raises(EvaluationError, match=r"expected true or false, not (text|null|a number|a list|an object) "):
        program.evaluate_as(as_condition, lookup_of(VARIABLES), now)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("discount > 0", "unknown variable discount (CEL, column 1)"),
        ("${total > 1 and discount}", "unknown variable discount (JUEL, column 17)"),
        ("order.missing", "no such key (CEL, column 7)"),
        ("name < 1", "expected two values of one kind that has an order, not text and a number (CEL, column 6)"),
        ("tags[7]", "no such index (CEL, column 6)"),
        ("  1 / 0", "expected a divisor other than zero (CEL, column 3)"),
        ("= count(tags) / 0", "expected a divisor other than zero (FEEL, column 15)"),
        ("huge", "expected an integer of 64 bits (CEL, column 1)"),
        ("true && total", "expected true or false, not a number (CEL, column 9)"),
    ],
)
def test_a_reason_names_the_spelling_the_column_and_what_was_expected(text: str, reason: str):
    assert failure(text).reason == reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("credit approved", "CEL expected an operator or the end at column 8"),
        ("total > ", "CEL expected a value at column 8"),
        ("\n  (total", "CEL expected ) at column 7"),
        ("${check(x)}", "JUEL expected another function than check at column 3"),
        ("${a.check(x)}", "JUEL expected another method than check at column 5"),
        ("= upper case(a, b)", "FEEL expected 1 argument of function upper case at column 3"),
        ("a.startsWith()", "CEL expected 1 argument of method startsWith at column 3"),
        ("= if a then b", "FEEL expected else at column 14"),
        ("${a", "JUEL expected } at column 4"),
        ("${a}b", "JUEL expected the end after } at column 5"),
        ('"\\x41"', r"CEL expected an escape such as \n or \u00e4 at column 2"),
        ('"\\ud800"', "CEL expected both halves of a surrogate pair at column 1"),
        ("vars[a]", 'CEL expected vars["name"] with the name of a variable at column 6'),
        ("has(a)", "CEL expected has(object.key) at column 1"),
        ("1 + in", "CEL expected a value, and no word of the language at column 5"),
        ("9223372036854775808", "CEL expected an integer of 64 bits at column 1"),
        ("", "CEL expected a value at column 1"),
    ],
)
def test_a_text_that_does_not_compile_says_what_was_expected_and_where(text: str, message: str):
    with pytest.raises(CompileError) as caught:
        compile_expression(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('a.b[c] + vars["d-e"] == size(f)', {"a", "c", "d-e", "f"}),
        ("has(a.b) ? c : [d]", {"a", "c", "d"}),
        ("= is defined(a) and b between c and d or e in (f, [g..h])", set("abcdefgh")),
        ("${empty a || b.size() > c}", {"a", "b", "c"}),
        ("1 + 2", set()),
    ],
)
def test_the_names_of_variables_are_known(text: str, names: set[str]):
    assert compile_expression(text).names == names


def test_the_value_of_a_variable_stands_in_no_reason():
    secret = {"a": "hunter2", "b": ["hunter2"], "c": {"hunter2": 1}, "d": 4711}
    texts = [
        *("a.b", "a < d", "c[a].x", "b[d]", "int(a)", "double(a)", "timestamp(a)", "duration(a)", "c[b]", "-a", "!d"),
        *("${a + d}", "${a.size() / 0}", "${a && true}", "= a / 0 + 4711 / 0", "a in d", "a ? 1 : 2", "d[a]"),
    ]
    for text in texts:
        if outcome(text, secret) is FAILS:
            assert "hunter2" not in str(failure(text, secret))
            assert "4711" not in str(failure(text, secret))
