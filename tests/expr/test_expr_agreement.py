"""Spellings agree with each other, CEL with another implementation, and no text does harm."""

from typing import Any

import cel
from hypothesis import given
from hypothesis import strategies as st

from app.expr import CompileError, EvaluationError, compile_expression, compile_text
from tests.expr.outcome import FAILS, REFUSED, Outcome, is_same, lookup_of, now, outcome
from tests.expr.trees import ALL, CEL, FEEL, JUEL, Tree, any_tree, sound


@given(st.one_of(*sound(3)))
def test_the_spellings_agree_on_what_they_share(tree: Tree):
    expected = outcome(CEL.text(tree), ALL)
    assert not isinstance(expected, Outcome)
    assert is_same(outcome(FEEL.text(tree), ALL), expected)
    assert is_same(outcome(JUEL.text(tree), ALL), expected)


def of_library(text: str) -> Any:
    """What the library gives; FAILS where it fails."""
    try:
        value = cel.evaluate(text, PLAIN)
    except (ValueError, TypeError, RuntimeError, ArithmeticError, KeyError, IndexError):
        return FAILS
    return FAILS if value in (float("inf"), float("-inf")) or value != value else value


DOES_MORE = {"+", "-", "*", "/", "%", "contains", "list contains", "index"}
"""Operators that we have, and the library has not: on integers with floats, on lists, and in objects."""

PLAIN = ALL | {"u": "an"}
"""Variables of which it knows the size: it counts the bytes of texts."""


def does_more(tree: Tree) -> bool:
    operator, *operands = tree
    return operator not in ("value", "name") and (operator in DOES_MORE or any(map(does_more, operands)))


@given(any_tree(3))
def test_cel_agrees_with_another_implementation(tree: Tree):
    text = CEL.text(tree)
    theirs = of_library(text)
    ours = outcome(text, PLAIN)
    if theirs is FAILS and does_more(tree):
        assert ours is not REFUSED
    elif theirs is FAILS:
        assert ours is FAILS, text
    else:
        assert is_same(ours, theirs), text


TOKENS = [
    *(
        "a",
        "l",
        "o",
        "o.a",
        "yes",
        "1",
        "2.5",
        ".5",
        "1e9",
        '"x"',
        "'y'",
        '"',
        "'",
        "\\",
        "(",
        ")",
        "[",
        "]",
        "..",
        ".",
    ),
    *(
        ",",
        "?",
        ":",
        "+",
        "-",
        "*",
        "/",
        "%",
        "!",
        "==",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "&&",
        "||",
        "in",
        "and",
        "or",
    ),
    *(
        "not",
        "empty",
        "div",
        "mod",
        "eq",
        "lt",
        "if",
        "then",
        "else",
        "between",
        "true",
        "false",
        "null",
        "vars",
        "has",
    ),
    *("size(", "int(", "string(", "now()", "duration(", "is defined(", "date and time(", "list contains(", ".size()"),
    *('vars["a"]', ".contains(", ".__class__", "${", "#{", "}", "{", "$", "\n", "\t", "\x00", "ä", "\ud800", "😀", "@"),
]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(TOKENS), max_size=20).map(" ".join),
    st.lists(st.sampled_from(TOKENS), max_size=20).map("".join),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5)),
    lambda values: st.one_of(st.lists(values, max_size=3), st.dictionaries(st.sampled_from("ab"), values, max_size=2)),
    max_leaves=6,
)


def harmless(text: str, language: str, values: dict[str, Any]) -> None:
    for compiled in (compile_expression, compile_text):
        try:
            program = compiled(text, language)
            if program is not None:
                program.evaluate(lookup_of(values), now)
        except CompileError as error:
            assert error.reason
            assert error.column >= 1
        except EvaluationError as error:
            assert error.reason
            assert error.spelling


@given(TEXTS, st.sampled_from(["", "cel", "feel", "juel"]), JSON)
def test_any_text_compiles_and_is_evaluated_or_is_refused_with_a_reason(text: str, language: str, value: Any):
    harmless(text, language, {"a": value, "l": [value], "o": {"a": value}, "yes": True})


@given(any_tree(3), st.dictionaries(st.sampled_from("abefgijlostu"), JSON, max_size=6))
def test_any_expression_has_a_value_or_fails_with_a_reason(tree: Tree, values: dict[str, Any]):
    for spelling in (CEL, FEEL, JUEL):
        harmless(spelling.text(tree), "", ALL | values)
