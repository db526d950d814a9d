"""Random expressions, as trees that are printed in each spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Tree = tuple[Any, ...]
"""An operator and its operands: `("+", left, right)`; a value is `("value", 1)`, a variable `("name", "a")`."""

VARIABLES: dict[str, dict[str, Any]] = {
    "int": {"i": 7, "j": -3, "zero": 0},
    "float": {"f": 0.5, "g": -2.25},
    "text": {"s": "Ann", "t": "", "u": "än"},
    "bool": {"yes": True, "no": False},
}
ALL = {name: value for group in VARIABLES.values() for name, value in group.items()} | {
    "l": [1, 2.5, "Ann", True, None],
    "o": {"a": 1, "b": "Ann", "c": [True], "d": None},
    "e": [],
}


Trees = st.SearchStrategy[Tree]


@dataclass(frozen=True)
class Printer:
    """A spelling: how each operator is written there, with its operands for {0}, {1}, {2}."""

    start: str
    end: str
    forms: dict[str, str]

    def text(self, tree: Tree) -> str:
        return f"{self.start}{self._printed(tree)}{self.end}"

    def _printed(self, tree: Tree) -> str:
        operator, *operands = tree
        if operator == "value":
            return literal(operands[0])
        if operator == "name":
            return str(operands[0])
        if operator == "list":
            return f"[{', '.join(map(self._printed, operands))}]"
        usual = "({0} " + operator + " {1})" if len(operands) > 1 else operator + "({0})"
        form = self.forms.get(operator, usual)
        return form.format(*map(self._printed, operands))


def literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{quoted}"'
    return f"({value!r})" if value < 0 else repr(value)


CEL = Printer(
    "",
    "",
    {
        # The library that CEL is compared with leaves out double negations, of any value.
        "not": "!({0})",
        "neg": "(-{0})",
        "and": "({0} && {1})",
        "or": "({0} || {1})",
        "?": "({0} ? {1} : {2})",
        "contains": "{0}.contains({1})",
        "starts": "{0}.startsWith({1})",
        "ends": "{0}.endsWith({1})",
        "size": "size({0})",
        "list contains": "({1} in {0})",
        "lower": "{0}.lowerAscii()",
        "upper": "{0}.upperAscii()",
        "count": "size({0})",
        "first": "{0}[0]",
        "member": "{0}.a",
        "index": "{0}[{1}]",
        "string": "string({0})",
        "int": "int({0})",
        "double": "double({0})",
    },
)
FEEL = Printer(
    "= ",
    "",
    {
        "not": "not({0})",
        "neg": "(-{0})",
        "==": "({0} = {1})",
        "?": "(if {0} then {1} else {2})",
        "contains": "contains({0}, {1})",
        "starts": "starts with({0}, {1})",
        "ends": "ends with({0}, {1})",
        "size": "string length({0})",
        "lower": "lower case({0})",
        "upper": "upper case({0})",
        "count": "count({0})",
        "first": "{0}[1]",
        "member": "{0}.a",
        "list contains": "list contains({0}, {1})",
    },
)
JUEL = Printer(
    "${",
    "}",
    {
        "not": "not {0}",
        "neg": "(-{0})",
        "?": "({0} ? {1} : {2})",
        "contains": "{0}.contains({1})",
        "starts": "{0}.startsWith({1})",
        "ends": "{0}.endsWith({1})",
        "size": "{0}.length()",
        "lower": "{0}.toLowerCase()",
        "upper": "{0}.toUpperCase()",
        "count": "{0}.size()",
        "first": "{0}[0]",
        "member": "{0}.a",
        "list contains": "{0}.contains({1})",
    },
)


def leaf(kind: str, values: st.SearchStrategy[Any]) -> Trees:
    return st.one_of(
        values.map(lambda value: ("value", value)),
        st.sampled_from(sorted(VARIABLES[kind])).map(lambda name: ("name", name)),
    )


INTS = leaf("int", st.integers(-20, 20))
FLOATS = leaf("float", st.sampled_from([0.5, 1.25, -3.0, 8.0]))
TEXTS = leaf("text", st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=4))
ASCII = TEXTS.filter(lambda tree: tree != ("name", "u"))
BOOLS = leaf("bool", st.booleans())


def node(operator: str, *operands: Trees) -> Trees:
    return st.tuples(st.just(operator), *operands)


def operators(names: list[str], left: Trees, right: Trees) -> Trees:

    return st.tuples(st.sampled_from(names), left, right)


NUMBERS = st.sampled_from([("count", ("name", "l")), ("first", ("name", "l")), ("member", ("name", "o"))])
COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def sound(depth: int) -> tuple[Trees, Trees]:
    """Numbers, and true and false, of operators that mean the same in all spellings, on values of the right kinds."""
    if depth == 0:
        return st.one_of(INTS, NUMBERS), BOOLS
    numbers, truths = sound(depth - 1)
    return (
        st.one_of(
            numbers,
            operators(["+", "-", "*"], numbers, numbers),
            node("neg", numbers),
            node("?", truths, numbers, numbers),
            node("size", TEXTS),
        ),
        st.one_of(
            operators(COMPARISONS, numbers, numbers),
            operators(COMPARISONS, TEXTS, TEXTS),
            operators(COMPARISONS, TEXTS, node("lower", ASCII)),
            operators(COMPARISONS, node("upper", ASCII), TEXTS),
            operators(["==", "!="], truths, truths),
            operators(["and", "or"], truths, truths),
            operators(["contains", "starts", "ends"], TEXTS, TEXTS),
            operators(["list contains"], st.just(("name", "l")), st.one_of(numbers, TEXTS, truths)),
            node("not", truths),
            node("?", truths, truths, truths),
        ),
    )


def any_tree(depth: int) -> Trees:
    """Trees of any operator on values of any kind, of which many fail."""
    null = st.just(("value", None))
    names = st.sampled_from(["l", "o", "e", "unknown"]).map(lambda name: ("name", name))
    if depth == 0:
        return st.one_of(INTS, FLOATS, TEXTS, BOOLS, null, names)
    below = any_tree(depth - 1)
    return st.one_of(
        below,
        operators([*COMPARISONS, "-", "*", "/", "%", "and", "or"], below, below),
        operators(["contains", "starts", "ends", "list contains", "index"], below, below),
        st.tuples(st.sampled_from(["not", "size", "member", "int", "double"]), below),
        node("?", below, below, below),
        node("list", below, below),
        # The library that CEL is compared with adds the keys of an object to a list, and negates true and false.
        node("+", st.one_of(INTS, FLOATS, TEXTS, BOOLS, null), below),
        node("neg", st.one_of(INTS, FLOATS, TEXTS, null)),
    )
