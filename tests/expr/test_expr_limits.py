"""How large texts, values and computations may be."""

import threading
import time

import pytest

from app.expr import CompileError, EvaluationError, Program, compile_expression, compile_text
from tests.expr.outcome import FAILS, failure, lookup_of, now, outcome

LONG = "x" * 10_001
"""One character more than an evaluation has steps."""


def test_a_text_has_at_most_4096_characters():
    text = "'" + "a" * 4094 + "'"
    assert outcome(text) == text[1:-1]
    with pytest.raises(CompileError, match="expected at most 4096 characters at column 4097"):
        compile_expression(f"{text} ")  # White space around it is none of its.
        compile_expression(text.replace("a", "aa", 1))
    with pytest.raises(CompileError, match="expected at most 4096 characters"):
        compile_text("${a}" + "a" * 4093)
    assert compile_text("a" * 5000) is None


@pytest.mark.parametrize(
    ("repeated", "last", "spelling"),
    [
        ("1+" * 249, "1", "cel"),
        ("-1+" * 166, "1", "cel"),
        ("a.b+" * 166, "c", "cel"),
        ("a[0]+" * 124, "c[0]", "cel"),
        ("a.size()," * 249, "a", "cel"),
        ("int(x)," * 249, "a", "cel"),
        ("has(a.b)," * 249, "a", "cel"),
        ('vars["a"],' * 300, "", "cel"),
        ("a?b:c," * 124, "a,b,c", "cel"),
        ("a and " * 249, "a", "feel"),
        ("(a in [1..2]) and " * 82, "a < 1", "feel"),
        ("a or " * 249, "a", "juel"),
    ],
)
def test_a_tree_has_at_most_500_nodes(repeated, last, spelling):
    text = repeated + last
    text = f"[{text.rstrip(',')}]" if "," in text else text
    compile_expression(text, spelling)
    more = f"[{text[1:-1]}{',a' * 220}]" if text.startswith("[") else f"{text} + 1 + 1 + 1"
    with pytest.raises(CompileError, match="expected at most 500 names, constants, operators and functions"):
        compile_expression(more, spelling)


def test_a_template_has_at_most_500_nodes():
    assert compile_text("${a}" * 500) is not None
    with pytest.raises(CompileError, match="expected at most 500 names"):
        compile_text("${a}" * 501)


@pytest.mark.parametrize(
    ("nested", "spelling"),
    [
        (lambda depth: "(" * depth + "1" + ")" * depth, "cel"),
        (lambda depth: "[" * (depth - 1) + "1" + "]" * (depth - 1), "cel"),
        (lambda depth: "!" * (depth - 1) + "yes", "cel"),
        (lambda depth: "int(" * (depth - 1) + "1" + ")" * (depth - 1), "cel"),
        (lambda depth: "a" + ".a" * (depth - 1), "cel"),
        (lambda depth: "a" + "[0]" * (depth - 1), "juel"),
        (lambda depth: "yes ? 1 : " * (depth - 1) + "1", "juel"),
        (lambda depth: "if yes then 1 else " * (depth - 1) + "1", "feel"),
    ],
)
def test_nesting_is_at_most_32_deep(nested, spelling):
    compile_expression(nested(32), spelling)
    with pytest.raises(CompileError, match="nested at most 32 deep"):
        compile_expression(nested(33), spelling)


HOSTILE = [
    "(" * 4000,
    "(" * 2000 + "1" + ")" * 2000,
    "-" * 4000 + "1",
    "!" * 4000 + "a",
    "- " * 2000 + "1",
    "[" * 4000,
    "[[],".ljust(4000, "["),
    "[" + "[]," * 1300 + "[]]",
    "f(" * 2000,
    "a." * 2000 + "a",
    "a" + "[0]" * 1300,
    "a?b:" * 1000 + "c",
    "1+" * 2000 + "1",
    "a&&" * 1300 + "a",
    "a||" * 1300 + "a",
    "a in " * 800 + "a",
    "'" * 4095,
    '"' + "a" * 4000,
    "\\" * 4000,
    '"\\' * 1300,
    "1" * 4000,
    ".1" * 2000,
    "1e" * 2000,
    "1e" + "9" * 4000,
    " " * 4000 + "+",
    "\x00" * 4000,
    "😀" * 4000,
    "= " + "if a then " * 400,
    "= " + "a in (" * 600,
    "= " + "a in [1.." * 400,
    "= " + "a between " * 400,
    "= " + "not(" * 1000,
    "= " + "date and time(" * 290,
    "= " + "date " * 800,
    "= a" + " and a" * 680,
    "${" + "empty " * 600 + "a}",
    "${" + "not " * 1000 + "a}",
    "${" + "a or " * 800 + "a}",
    "${" * 2000,
    "${a}" * 1000,
    "${a",
    "#{" + "'" * 4000 + "}",
    "= " + '"' * 4001,
]


@pytest.fixture(scope="module")
def grammars() -> None:
    """They are built with the first text of a spelling."""
    for spelling in ("cel", "feel", "juel"):
        compile_expression("1", spelling)


@pytest.mark.usefixtures("grammars")
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_a_hostile_text_is_refused_soon(text):
    for compiled in (compile_expression, compile_text):
        for language in ("", "cel", "feel", "juel"):
            before = time.thread_time()
            try:
                compiled(text, language)
            except CompileError as error:
                assert 1 <= error.column <= len(text) + 1
                assert len(error.reason) < 200
            # It is meant to take less than a tenth of it, on a machine with nothing else to do.
            assert time.thread_time() - before < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "a == b",
        "a != b",
        "a < b",
        "a + b",
        "a.contains(b)",
        "a.startsWith(b)",
        "a.endsWith(b)",
        "a.lowerAscii()",
        "double(a)",
        "timestamp(a)",
        "duration(a)",
        "o[a]",
        "a in o",
        "[a] == [b]",
        "l == m",
        "l.contains(0)",
        "0 in l",
        "l + l",
        "o == p",
        "{a} == {b}".replace("{", "[").replace("}", "]"),
        "${a == b}",
        "${a.toUpperCase()}",
        "${a.equals(b)}",
        "= a = b",
        "= contains(a, b)",
        "= list contains(l, 0)",
        "= 0 in l",
        "= upper case(a)",
        "= number(a)",
        "a == b || true",
        "= is defined(a) or a = b",
    ],
)
def test_what_is_compared_searched_and_joined_costs_as_many_steps_as_it_is_long(text):
    long = {"a": LONG, "b": LONG + "", "l": [1] * 10_001, "m": [1] * 10_001, "o": {LONG: 1}, "p": {LONG: 1}}
    short = {"a": "x", "b": "x", "l": [1], "m": [1], "o": {"x": 1}, "p": {"x": 1}}
    if "defined" not in text:
        assert "steps" in failure(text, long).expected
    result = outcome(text, short)
    assert result is not FAILS or "steps" not in failure(text, short).expected


@pytest.mark.parametrize("text", ["size(a)", "a", "l[0]", "o.x", "size(l)", "a != null", "l == 1", "has(o.x)"])
def test_what_needs_no_look_at_all_of_a_value_costs_nothing(text):
    assert outcome(text, {"a": LONG, "l": [1] * 100_000, "o": {"x": 1}}) is not FAILS


def test_repeated_concatenation_ends():
    text = "+".join(["a"] * 40)
    assert outcome(text, {"a": "x" * 10}) == "x" * 400
    assert "steps" in failure(text, {"a": "x" * 100}).expected
    assert "steps" in failure(text, {"a": [1] * 100}).expected


def test_exponents_of_lists_end():
    value: list = [1]
    for _ in range(40):
        value = [value, value]
    started = time.thread_time()
    assert "steps" in failure("a == b", {"a": value, "b": [value[0], value[1]]}).expected
    assert "steps" in failure("a in [b, b]", {"a": value, "b": [value[1], value[0]]}).expected
    assert time.thread_time() - started < 1


def test_values_that_nest_deep_are_compared():
    one: list = []
    other: list = []
    for _ in range(5000):
        one, other = [one], [other]
    assert outcome("a == b", {"a": one, "b": other}) is True


def test_an_operand_that_decides_makes_up_for_none_that_costs_too_much():
    long = {"a": LONG, "b": LONG + ""}
    assert "steps" in failure("a == b || true", long).expected
    assert "steps" in failure("a == b && false", long).expected


def test_a_reason_is_short():
    assert len(failure(f'vars["{"x" * 4000}"]').reason) < 100
    with pytest.raises(CompileError, match=r"expected another function than x{40}…"):
        compile_expression("x" * 4000 + "()")


def test_a_result_has_at_most_64_kilobytes():
    assert outcome("a", {"a": "x" * 65_536}) == "x" * 65_536
    assert "65536 bytes" in failure("a", {"a": "x" * 65_537}).expected
    assert "65536 bytes" in failure("a", {"a": "ä" * 32_769}).expected
    assert "65536 bytes" in failure("[a]", {"a": "x" * 65_537}).expected


def test_the_joined_parts_of_a_template_are_bounded():
    program = compile_text("a ${a} ${a}")
    assert isinstance(program, Program)
    with pytest.raises(EvaluationError, match="steps"):
        program.evaluate(lookup_of({"a": "x" * 5000}), now)


@pytest.mark.parametrize(
    "text",
    [
        "a.__class__",
        'a["__class__"]',
        "o.__class__",
        "o.keys",
        "o.__init__.__globals__",
        "l.append",
        "l.__len__",
        "a.upper",
        "n.real",
        "n.__add__",
        "t.year",
        "now().year",
        'duration("1h").days',
        "null.__class__",
        "true.__class__",
        "size.__class__",
        "__builtins__",
        "__import__",
        "env",
        "self",
    ],
)
def test_no_attribute_of_an_object_of_python_is_reached(text):
    values = {"a": "x", "o": {"x": 1}, "l": [1], "n": 1, "t": True}
    assert outcome(text, values) is FAILS
    assert outcome(f"= {text}", values) is None or outcome(f"= {text}", values).__class__.__name__ == "Outcome"
    result = outcome(f"${{{text}}}", values)
    assert result is None or result.__class__.__name__ == "Outcome"


@pytest.mark.parametrize(
    "text", ["a.upper()", "a.format(o)", "o.keys()", "l.append(1)", "l.pop()", "eval(a)", "open(a)"]
)
def test_no_method_of_an_object_of_python_is_called(text):
    for form in (text, f"= {text}", f"${{{text}}}"):
        with pytest.raises(CompileError):
            compile_expression(form)


def test_many_threads_compile_and_evaluate_at_once():
    results: list[bool] = []
    programs = [compile_expression(f"a + {number}") for number in range(4)]

    def work(number: int) -> None:
        for _ in range(50):
            results.append(programs[number].evaluate(lookup_of({"a": number}), now) == 2 * number)
            text = f"a.b{number} + {number}"
            results.append(compile_expression(text).evaluate(lookup_of({"a": {f"b{number}": 1}}), now) == number + 1)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 400
