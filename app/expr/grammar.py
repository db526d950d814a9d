"""Parsing: a grammar file of `lark`, and what is the same in building the tree for each spelling.

The parser has no recursion, and stops early in a text that is too large. It builds the tree as it goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex

from app.expr.failures import CompileError, shown
from app.expr.limits import NESTING, NODES
from app.expr.tree import Call, Chain, Choice, Function, Index, Items, Literal, Logic, Member, Name, Node, too_large
from app.expr.values import NUMBERS, negated

_OPENING = {"LPAR", "LIST", "LSQB"}
_CLOSING = {"RPAR", "RSQB", "_OPEN"}
_PLAIN = _CLOSING | {"COLON", "COMMA", "DOT", "IS_DEFINED", "LPAR", "LSQB", "_ELSE", "_THEN", "_TO"}
"""Tokens that are no nodes of the tree, or none in every spelling."""
_ABSORBED = {"has": 0, "vars": -1}
"""How many nodes a name may stand for, with what belongs to it: `vars["name"]` is one."""
_WORDS = {
    "RPAR": ")",
    "RSQB": "]",
    "LPAR": "(",
    "_OPEN": "[",
    "COLON": ":",
    "COMMA": "a comma",
    "NAME": "a name",
    "_THEN": "then",
    "_ELSE": "else",
    "$END": "the end",
}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_ESCAPES = {"\\": "\\", "'": "'", '"': '"', "n": "\n", "r": "\r", "t": "\t"}

Functions = Mapping[tuple[str, int], Function]
"""By name and number of arguments, the one that a method belongs to included."""


class Builder(Transformer[Token, Node]):
    """Makes the nodes of a tree; a spelling adds what is its own."""

    def __init__(
        self,
        spelling: str,
        *,
        prefixes: Mapping[str, Function],
        functions: Functions,
        methods: Functions,
        reserved: frozenset[str],
    ) -> None:
        """`prefixes` are functions that are written as operators, `reserved` words of the grammar no variable names."""
        super().__init__()
        self.spelling = spelling
        self._prefixes = prefixes
        self._functions = functions
        self._methods = methods
        self._reserved = reserved

    def number(self, children: list[Token]) -> Node:
        [token] = children
        return Literal(column(token), self.number_of(token))

    def number_of(self, token: Token) -> Any:
        raise NotImplementedError

    def string(self, children: list[Token]) -> Node:
        [token] = children
        return Literal(column(token), self._unquoted(token))

    def true(self, children: list[Token]) -> Node:
        return Literal(column(children[0]), True)

    def false(self, children: list[Token]) -> Node:
        return Literal(column(children[0]), False)

    def null(self, children: list[Token]) -> Node:
        return Literal(column(children[0]), None)

    def name(self, children: list[Token]) -> Node:
        [token] = children
        if token in self._reserved:
            raise self.error("expected a value, and no word of the language", token)
        return Name(column(token), str(token))

    def member(self, children: list[Any]) -> Node:
        base, key = children
        return Member(column(key), base, str(key))

    def index(self, children: list[Node]) -> Node:
        base, key = children
        if not isinstance(base, Name) or base.name != "vars":
            return Index(base.column, base, key)
        if not isinstance(key, Literal) or not isinstance(key.value, str):
            raise CompileError(f'{self.spelling} expected vars["name"] with the name of a variable', key.column)
        return Name(base.column, key.value)

    def items(self, children: list[Any]) -> Node:
        bracket, *items = children
        return Items(column(bracket), tuple(items))

    def call(self, children: list[Any]) -> Node:
        token, *arguments = children
        return self.called(token, " ".join(token.split()), arguments, self._functions, "function")

    def method(self, children: list[Any]) -> Node:
        base, token, *arguments = children
        return self.called(token, str(token), [base, *arguments], self._methods, "method")

    def called(self, token: Token, name: str, arguments: list[Node], known: Functions, kind: str) -> Node:
        function = known.get((name, len(arguments)))
        if function is None:
            counts = [count - (kind == "method") for each, count in known if each == name]
            if not counts:
                raise self.error(f"expected another {kind} than {shown(name)}", token)
            raise self.error(f"expected {counts[0]} argument{'' if counts == [1] else 's'} of {kind} {name}", token)
        return Call(column(token), function, tuple(arguments))

    def prefix(self, name: str, children: list[Any]) -> Node:
        token, operand = children
        return Call(column(token), self._prefixes[name], (operand,))

    def negative(self, children: list[Any]) -> Node:
        token, operand = children
        if isinstance(operand, Literal) and type(operand.value) in NUMBERS and operand.size == 1:
            literal = Literal(column(token), negated(operand.value))
            literal.size = 2
            return literal
        return self.prefix("-", children)

    def negation(self, children: list[Any]) -> Node:
        return self.prefix("!", children)

    def chain(self, children: list[Any]) -> Node:
        first, *rest = children
        steps = zip(rest[::2], rest[1::2], strict=True)
        return Chain(first.column, first, tuple((str(token), column(token), operand) for token, operand in steps))

    def any_of(self, children: list[Node]) -> Node:
        return Logic(children[0].column, True, tuple(children))

    def all_of(self, children: list[Node]) -> Node:
        return Logic(children[0].column, False, tuple(children))

    def choice(self, children: list[Node]) -> Node:
        condition, then, otherwise = children
        return Choice(condition.column, condition, then, otherwise)

    def error(self, problem: str, token: Token) -> CompileError:
        return CompileError(f"{self.spelling} {problem}", column(token))

    def _unquoted(self, token: Token) -> str:
        def replaced(match: re.Match[str]) -> str:
            code, letter = match.groups()
            if code is None and letter not in _ESCAPES:
                place = column(token) + 1 + match.start()
                raise CompileError(rf"{self.spelling} expected an escape such as \n or \u00e4", place)
            return chr(int(code, 16)) if code else _ESCAPES[letter]

        text = _ESCAPE.sub(replaced, token[1:-1])
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self.error("expected both halves of a surrogate pair", token) from None


class Grammar:
    """A grammar file, which is read with the first text. For any thread."""

    def __init__(self, file: str, builder: Builder) -> None:
        self._file = file
        self._builder = builder
        self._lock = Lock()
        self._parser: Lark | None = None

    def parse(self, text: str) -> Node:
        """The tree of a text; raises `CompileError`."""
        try:
            tree = self._lark().parse(text)
        except UnexpectedInput as error:
            raise self._explained(error, text) from None
        assert isinstance(tree, Node)
        return tree

    def _lark(self) -> Lark:
        with self._lock:
            if self._parser is None:
                self._parser = Lark.open(
                    self._file,
                    rel_to=__file__,
                    parser="lalr",
                    transformer=self._builder,
                    postlex=_Bounded(),
                    maybe_placeholders=False,
                )
            return self._parser

    def _explained(self, error: UnexpectedInput, text: str) -> CompileError:
        place = len(text)
        expected: set[str] = set()
        if isinstance(error, UnexpectedCharacters):
            place, expected = error.pos_in_stream or 0, set(error.allowed or ())
        elif isinstance(error, UnexpectedToken):
            expected = set(error.accepts or error.expected)
            if error.token.type != "$END" and error.token.start_pos is not None:
                place = error.token.start_pos
        return CompileError(f"{self._builder.spelling} expected {_described(expected)}", place + 1)


class _Bounded(PostLex):
    """Ends the parsing of a text that is too large, or whose brackets nest too deep.

    It never counts more than the tree has: that looks exactly.
    """

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = count = 0
        for token in stream:
            if token.type in _OPENING:
                depth += 1
            elif token.type in _CLOSING:
                depth -= 1
            count += _ABSORBED.get(token, 1) if token.type not in _PLAIN else 0
            if depth > NESTING:
                raise CompileError(f"expected brackets nested at most {NESTING} deep", column(token))
            if count > NODES:
                raise too_large(column(token))
            yield token


def _described(expected: Iterable[str]) -> str:
    if "NUMBER" in expected:
        return "a value"
    words = sorted({_WORDS.get(each, "an operator") for each in expected})
    if "an operator" in words and "(" in words:
        words.remove("(")
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def column(token: Token) -> int:
    return (token.start_pos or 0) + 1
