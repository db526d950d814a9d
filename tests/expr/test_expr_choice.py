"""Which spelling a text has, what is a template, and what is a literal."""

import pytest

from app.expr import CompileError, EvaluationError, compile_expression, compile_text
from tests.expr.outcome import VARIABLES, lookup_of, now

XPATH = "http://www.w3.org/1999/XPath"
FEEL = "https://www.omg.org/spec/DMN/20191111/FEEL/"


@pytest.mark.parametrize(
    ("text", "language", "default_language", "dialect"),
    [
        ("total == 1", "", "", "CEL"),
        ("  total == 1\n", "", "", "CEL"),
        ("total == 1", "cel", "", "CEL"),
        ("total == 1", "CEL", XPATH, "CEL"),
        ("total == 1", "https://cel.dev", "", "CEL"),
        ("total = 1", "feel", "", "FEEL"),
        ("total = 1", "FEEL", "", "FEEL"),
        ("= total = 1", "feel", "", "FEEL"),
        ("total = 1", FEEL, "", "FEEL"),
        ("total eq 1", "Juel", "", "JUEL"),
        ("${total eq 1}", "juel", "", "JUEL"),
        ("${total eq 1}", "", "", "JUEL"),
        ("#{total eq 1}", "", "", "JUEL"),
        (" ${ total eq 1 }\n", "", "", "JUEL"),
        ("${total eq 1}", "", XPATH, "JUEL"),
        ("${total eq 1}", "", "feel", "JUEL"),
        ("= total = 1", "", "", "FEEL"),
        ("= total = 1", "", XPATH, "FEEL"),
        ("= total = 1", "", "cel", "FEEL"),
        ("total = 1", "", FEEL, "FEEL"),
        ("total eq 1", "", "juel", "JUEL"),
        ("total == 1", "", "cel", "CEL"),
    ],
)
def test_the_first_rule_that_matches_tells_the_spelling(text, language, default_language, dialect):
    program = compile_expression(text, language, default_language)
    assert program.dialect == dialect
    assert program.evaluate(lookup_of({"total": 1}), now) is True


@pytest.mark.parametrize(
    ("text", "language", "default_language"),
    [
        ("total == 1", XPATH, ""),
        ("total == 1", "", XPATH),
        ("total == 1", "groovy", ""),
        ("${total == 1}", "groovy", ""),
        ("= total = 1", "javascript", "feel"),
    ],
)
def test_other_languages_are_not_evaluated(text, language, default_language):
    with pytest.raises(CompileError, match="expected CEL, FEEL or JUEL as the language of the expression"):
        compile_expression(text, language, default_language)


@pytest.mark.parametrize("text", ["${total == 1}", "= total == 1"])
def test_the_language_of_the_expression_comes_before_its_form(text):
    with pytest.raises(CompileError, match="CEL expected"):
        compile_expression(text, "cel")


@pytest.mark.parametrize("language", ["", "cel", "feel", "juel", "groovy", XPATH])
@pytest.mark.parametrize("text", ["", "order", "PT1H", "0 0 * * *", "a = b", "a $ {b}", "{x}", "a } b", "R3/PT1H"])
def test_a_text_without_an_expression_in_it_is_a_literal(text, language):
    assert compile_text(text, language, XPATH) is None


@pytest.mark.parametrize(
    ("text", "dialect", "value"),
    [
        ("order-${total}", "JUEL", "order-150"),
        ("#{name}-${total / 4}", "JUEL", "Ann-37.5"),
        ("${name}${yes}!", "JUEL", "Anntrue!"),
        ("a ${'}'} b", "JUEL", "a } b"),
        ('a ${"\\"}"} b', "JUEL", 'a "} b'),
        (" ${total} ", "JUEL", 150),
        ("${half}", "JUEL", 0.5),
        ("${order.state}.${vars['my-key']}", "JUEL", "open.1"),
        ('= "order-" + string(total)', "FEEL", "order-150"),
        ('= "${" + name + "}"', "FEEL", "${Ann}"),
        ("$${total}", "JUEL", "$150"),
        ("$#{total}}", "JUEL", "$150}"),
    ],
)
def test_texts_with_expressions_in_them(text, dialect, value):
    for default_language in ("", XPATH, "cel"):
        program = compile_text(text, "", default_language)
        assert program is not None
        assert (program.dialect, program.evaluate(lookup_of(VARIABLES), now)) == (dialect, value)


def test_a_template_reads_the_variables_of_all_its_parts():
    program = compile_text("${a}-${b}-${a.c}")
    assert program is not None
    assert program.names == {"a", "b"}


@pytest.mark.parametrize("text", ["a ${nothing}", "a ${tags}", "a ${order}", "a ${order.other}"])
def test_a_template_takes_neither_null_nor_lists_and_objects(text):
    program = compile_text(text)
    assert program is not None
    with pytest.raises(EvaluationError, match=r"expected text, .* true or false, not .* \(JUEL, column (5|11)\)"):
        program.evaluate(lookup_of(VARIABLES), now)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a ${b", "JUEL expected } at column 6"),
        ("a ${'b}", "JUEL expected } at column 8"),
        ("a ${b} ${c d}", "JUEL expected an operator or the end at column 12"),
        ("${}", "JUEL expected a value at column 3"),
        ("a ${} b", "JUEL expected a value at column 5"),
        ("=", "FEEL expected a value at column 2"),
        ("= a b", "FEEL expected an operator or the end at column 5"),
    ],
)
def test_columns_count_in_the_whole_text(text, message):
    with pytest.raises(CompileError) as caught:
        compile_text(text)
    assert str(caught.value) == message


def test_a_text_has_the_language_that_its_expression_names():
    program = compile_text("= total = 1", "feel")
    assert program is not None
    assert program.dialect == "FEEL"
    for language, message in (("cel", "CEL expected"), ("groovy", "expected CEL, FEEL or JUEL")):
        with pytest.raises(CompileError, match=message):
            compile_text("a ${total}", language)
