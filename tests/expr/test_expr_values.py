"""Where the spellings differ in what they make of values."""

import pytest

from app.expr import EvaluationError, compile_expression, stored
from tests.expr.outcome import FAILS, NOW, is_same, outcome

CASES = [
    # case, (CEL, value), (FEEL, value), (JUEL, value)
    ("mixed arithmetic", ("1 + 0.5", 1.5), ("1 + 0.5", 1.5), ("1 + 0.5", 1.5)),
    ("a mixed sum is a float", ("1 + 1.0", 2.0), ("1 + 1.0", 2), ("1 + 1.0", 2.0)),
    ("decimals", ("0.1 + 0.2 == 0.3", False), ("0.1 + 0.2 = 0.3", True), ("0.1 + 0.2 == 0.3", False)),
    ("division", ("7 / 2", 3), ("7 / 2", 3.5), ("7 / 2", 3.5)),
    ("missing variable", ("discount", FAILS), ("discount", None), ("discount", FAILS)),
    ("missing key", ("order.other", FAILS), ("order.other", None), ("order.other", None)),
    ("key of null", ("order.none.x", FAILS), ("order.none.x", None), ("order.none.x", None)),
    ("key of no object", ("total.x", FAILS), ("total.x", None), ("total.x", FAILS)),
    ("== of kinds", ('1 == "1"', False), ('1 = "1"', None), ("1 == '1'", False)),
    ("!= of kinds", ('1 != "1"', True), ('1 != "1"', None), ("1 != '1'", True)),
    ("true is no 1", ("true == 1", False), ("true = 1", None), ("true == 1", False)),
    ("== by value", ("1 == 1.0", True), ("1 = 1.0", True), ("1 == 1.0", True)),
    ("== with null", ("total == null", False), ("total = null", False), ("total == null", False)),
    ("null == null", ("null == null", True), ("null = null", True), ("null == null", True)),
    ("!= null", ("total != null", True), ("total != null", True), ("total != null", True)),
    ("< of kinds", ('1 < "1"', FAILS), ('1 < "1"', None), ("1 < '1'", FAILS)),
    ("< of null", ("nothing < 1", FAILS), ("nothing < 1", None), ("nothing < 1", FAILS)),
    ("< of lists", ("tags < tags", FAILS), ("tags < tags", None), ("tags < tags", FAILS)),
    ("- with text", ('1 - "1"', FAILS), ('1 - "1"', None), ("1 - '1'", FAILS)),
    ("+ with text", ('1 + "1"', FAILS), ('1 + "1"', None), ("1 + '1'", FAILS)),
    ("* with text", ('2 * "1"', FAILS), ('2 * "1"', None), ("2 * '1'", FAILS)),
    ("+ of null", ("1 + null", FAILS), ("1 + null", None), ("1 + null", FAILS)),
    ("+ of true", ("1 + true", FAILS), ("1 + true", None), ("1 + true", FAILS)),
    ("+ of texts", ('"a" + "b"', "ab"), ('"a" + "b"', "ab"), ("'a' + 'b'", FAILS)),
    ("a && b", ("yes && no", False), ("yes and no", False), ("yes && no", False)),
    ("false && fails", ("no && 1 / 0 == 1", False), ("no and 1 / 0 = 1", False), ("no && 1 / 0 == 1", False)),
    ("fails && false", ("1 / 0 == 1 && no", False), ("1 / 0 = 1 and no", FAILS), ("1 / 0 == 1 && no", FAILS)),
    ("true || fails", ("yes || discount", True), ("yes or discount", True), ("yes || discount", True)),
    ("missing || true", ("discount || yes", True), ("discount or yes", True), ("discount || yes", FAILS)),
    ("missing && false", ("discount && no", False), ("discount and no", False), ("discount && no", FAILS)),
    ("missing && true", ("discount && yes", FAILS), ("discount and yes", None), ("discount && yes", FAILS)),
    ("missing || false", ("discount || no", FAILS), ("discount or no", None), ("discount || no", FAILS)),
    ("&& of a number", ("yes && total", FAILS), ("yes and total", None), ("yes && total", FAILS)),
    ("number && false", ("total && no", False), ("total and no", False), ("total && no", FAILS)),
    ("division by zero", ("1 / 0", FAILS), ("1 / 0", FAILS), ("1 / 0", FAILS)),
    ("float by zero", ("1.0 / 0.0", FAILS), ("1.0 / 0.0", FAILS), ("1.0 / 0.0", FAILS)),
    ("remainder by zero", ("1 % 0", FAILS), ("0 / 0", FAILS), ("1 % 0", FAILS)),
    ("64 bits", ("greatest + 1", FAILS), ("greatest + 1 - 1", 2**63 - 1), ("-2 - greatest", FAILS)),
    ("64 bits, times", ("greatest * 2", FAILS), ("greatest * 2", FAILS), ("greatest * 2", FAILS)),
    ("64 bits, quotient", ("-9223372036854775808 / -1", FAILS), ("huge / 2", 2**62), ("huge / 2", FAILS)),
    ("float overflow", ("1e308 * 10.0", FAILS), ("1e308 * 10", FAILS), ("1e308 * 10", FAILS)),
    ("big JSON integer", ("huge > 1", FAILS), ("huge > 1", True), ("huge > 1", FAILS)),
    ("index", ("numbers[1]", 2.5), ("numbers[1]", 1), ("numbers[1]", 2.5)),
    ("wrong index", ("numbers[3]", FAILS), ("numbers[4]", FAILS), ("numbers[3]", FAILS)),
    ("negative index", ("numbers[-1]", FAILS), ("numbers[-1]", FAILS), ("numbers[-1]", FAILS)),
    ("lists", ("numbers == numbers", True), ("numbers = numbers", True), ("numbers == numbers", True)),
    ("objects", ("order == order", True), ("order = order", True), ("order == order", True)),
    ("list and object", ("numbers == order", False), ("numbers = order", None), ("numbers == order", False)),
    ("choice", ("total ? 1 : 2", FAILS), ("if total then 1 else 2", 2), ("total ? 1 : 2", FAILS)),
]  # fmt: skip


@pytest.mark.parametrize(("case", "cel", "feel", "juel"), CASES, ids=[case[0] for case in CASES])
def test_each_spelling_has_its_own_semantics(case, cel, feel, juel):
    for language, (text, expected) in (("cel", cel), ("feel", feel), ("juel", juel)):
        assert is_same(outcome(text, language=language), expected), f"{language}: {text}"


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ([1, [2.0, "a"]], [1.0, [2, "a"]], True),
        ([1, [True]], [1, [1]], False),
        ({"a": {"b": None}}, {"a": {"b": None}}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        ([0], [False], False),
        ([0.1], [0.1], True),
        ([], {}, False),
        ([None], [None], True),
        (["a"], ["a", "b"], False),
        (2**53 + 1, float(2**53), False),
    ],
)
@pytest.mark.parametrize("text", ["a == b", "${a == b}"])
def test_lists_and_objects_compare_by_what_they_hold(text, left, right, same):
    assert outcome(text, {"a": left, "b": right}) is same


def test_floats_of_variables_are_the_decimals_that_they_show():
    assert outcome("= list contains(a, 0.1) and a[1] = 0.1 and a = [0.1]", {"a": [0.1]}) is True


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, float("inf"), float("nan")])
@pytest.mark.parametrize("text", ["a", "[a]", "b[0]", "c.d", "${a}", "${b[0]}", "${c.d}"])
def test_numbers_beyond_64_bits_fail(text, number):
    assert outcome(text, {"a": number, "b": [number], "c": {"d": number}}) is FAILS


def test_decimals_have_34_digits():
    assert outcome("= string(a)", {"a": 10**34 - 1}) == "9" * 34
    assert outcome("= string(a)", {"a": 10**34}) is FAILS
    assert outcome("= string(1 / 3)") == f"0.{'3' * 34}"


def test_the_time_is_read_once_and_only_where_it_is_used():
    reads = []

    def now():
        reads.append(1)
        return NOW

    assert compile_expression("now() == now()").evaluate(lambda name: None, now) is True
    assert compile_expression("1 == 1").evaluate(lambda name: None, now) is True
    assert len(reads) == 1


@pytest.mark.parametrize("value", [b"bytes", object(), 1j, {1, 2}, ...])
@pytest.mark.parametrize("text", ["a", "= a", "${a}", "[a]", "a == a", "= is defined(a) and a = a"])
def test_only_values_of_json_can_be_read(text, value):
    assert outcome(text, {"a": value}) is FAILS


@pytest.mark.parametrize(
    ("encoding", "text", "value"),
    [
        ("json", '{"a": [1, 2.5, "x", true, null]}', {"a": [1, 2.5, "x", True, None]}),
        ("application/json", "1", 1),
        ("text", "1", "1"),
        ("text/plain", "{", "{"),
    ],
)
def test_a_stored_variable_is_read_by_its_encoding(encoding, text, value):
    assert is_same(stored(encoding, text), value)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("xml", "<a/>"),
        ("", "1"),
        ("json", "{"),
        ("json", "NaN"),
        ("json", "-Infinity"),
        ("json", "[" * 100_000),
        ("json", "1" * 5000),
    ],
)
def test_a_stored_variable_that_is_no_value_fails(encoding, text):
    with pytest.raises(EvaluationError, match="expected a variable with"):
        stored(encoding, text)
