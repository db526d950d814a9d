"""The syntax tree, which is the same for all spellings.

Operators that associate to the left are one node with all their operands, so that long sums nest no deeper than short
ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from app.expr.failures import CompileError
from app.expr.limits import NESTING, NODES

Function = Callable[..., Any]
"""What a call does: it takes the environment of the evaluation, then its arguments."""


@dataclass(slots=True, eq=False)
class Node:
    """Raises `CompileError` where the tree would become too deep or too large."""

    column: int
    depth: int = field(init=False)
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.depth = 1
        self.size = self.own_size()
        for child in self.children():
            self.depth = max(self.depth, child.depth + 1)
            self.size += child.size
        if self.depth > NESTING:
            raise CompileError(f"expected operators and functions nested at most {NESTING} deep", self.column)
        if self.size > NODES:
            raise too_large(self.column)

    def children(self) -> tuple[Node, ...]:
        return ()

    def own_size(self) -> int:
        return 1


@dataclass(slots=True, eq=False)
class Literal(Node):
    value: Any


@dataclass(slots=True, eq=False)
class Name(Node):
    """The value of a variable."""

    name: str


@dataclass(slots=True, eq=False)
class Member(Node):
    """What an object has under a key that stands in the text."""

    base: Node
    key: str

    def children(self) -> tuple[Node, ...]:
        return (self.base,)


@dataclass(slots=True, eq=False)
class Index(Node):
    """An item of a list, or what an object has under a key that is computed."""

    base: Node
    key: Node

    def children(self) -> tuple[Node, ...]:
        return (self.base, self.key)


@dataclass(slots=True, eq=False)
class Has(Node):
    """Whether an object has a key."""

    base: Node
    key: str

    def children(self) -> tuple[Node, ...]:
        return (self.base,)


@dataclass(slots=True, eq=False)
class Defined(Node):
    """Whether there is a variable."""

    name: str


@dataclass(slots=True, eq=False)
class Call(Node):
    """A function, method or unary operator."""

    function: Function
    arguments: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.arguments


@dataclass(slots=True, eq=False)
class Chain(Node):
    """Operators of one precedence, from left to right: each with its column and its right operand."""

    first: Node
    steps: tuple[tuple[str, int, Node], ...]

    def children(self) -> tuple[Node, ...]:
        return (self.first, *(operand for _, _, operand in self.steps))

    def own_size(self) -> int:
        return len(self.steps)


@dataclass(slots=True, eq=False)
class Logic(Node):
    """A conjunction, which false decides, or a disjunction, which true does."""

    deciding: bool
    operands: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.operands

    def own_size(self) -> int:
        return len(self.operands) - 1


@dataclass(slots=True, eq=False)
class Choice(Node):
    condition: Node
    then: Node
    otherwise: Node

    def children(self) -> tuple[Node, ...]:
        return (self.condition, self.then, self.otherwise)


@dataclass(slots=True, eq=False)
class Items(Node):
    """A list that is written out."""

    items: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return self.items


@dataclass(slots=True, eq=False)
class Range(Node):
    """An interval, to be tested by `Within`; `with_low` and `with_high` say whether its ends belong to it."""

    low: Node
    high: Node
    with_low: bool
    with_high: bool

    def children(self) -> tuple[Node, ...]:
        return (self.low, self.high)


@dataclass(slots=True, eq=False)
class Within(Node):
    """Whether one of the tests is true of a value: it is in an interval, in a list, or equal."""

    value: Node
    tests: tuple[Node, ...]

    def children(self) -> tuple[Node, ...]:
        return (self.value, *self.tests)


def too_large(column: int) -> CompileError:
    return CompileError(f"expected at most {NODES} names, constants, operators and functions", column)


def names_in(tree: Node) -> Iterator[str]:
    """The names of all variables that may be read."""
    if isinstance(tree, Name | Defined):
        yield tree.name
    for child in tree.children():
        yield from names_in(child)
