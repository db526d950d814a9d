"""Makes closures of a syntax tree, by the rules of its spelling. No node is evaluated twice."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from app.expr import tree
from app.expr.failures import EvaluationError, WrongKind
from app.expr.limits import Environment
from app.expr.rules import Closure, Rules
from app.expr.values import LISTS, MISSING, contains, wrong


@singledispatch
def closure(node: tree.Node, rules: Rules) -> Closure:
    """What gives the value of the node; raises `CompileError` for constants that are no values."""
    raise NotImplementedError(type(node).__name__)


@closure.register
def _literal(node: tree.Literal, rules: Rules) -> Closure:
    value = rules.constant(node.value, node.column)
    return lambda env: value


@closure.register
def _name(node: tree.Name, rules: Rules) -> Closure:
    name, column, taken = node.name, node.column, rules.taken

    def run(env: Environment) -> Any:
        try:
            value = env.lookup(name)
            return rules.missing(name) if value is MISSING else taken(value)
        except EvaluationError as error:
            return rules.failed(error, column)

    return run


@closure.register
def _member(node: tree.Member, rules: Rules) -> Closure:
    base, key, column = closure(node.base, rules), node.key, node.column

    def run(env: Environment) -> Any:
        try:
            return rules.member(base(env), key)
        except EvaluationError as error:
            return rules.failed(error, column)

    return run


@closure.register
def _index(node: tree.Index, rules: Rules) -> Closure:
    base, key, column = closure(node.base, rules), closure(node.key, rules), node.key.column

    def run(env: Environment) -> Any:
        try:
            values, place = base(env), key(env)
            if type(place) is str:
                env.spend(len(place))
            return rules.index(values, place)
        except EvaluationError as error:
            return rules.failed(error, column)

    return run


@closure.register
def _has(node: tree.Has, rules: Rules) -> Closure:
    base, key, column = closure(node.base, rules), node.key, node.column

    def run(env: Environment) -> Any:
        try:
            value = base(env)
            if type(value) is not dict:
                raise wrong("an object", value)
            return key in value
        except EvaluationError as error:
            return rules.failed(error, column) or False

    return run


@closure.register
def _defined(node: tree.Defined, rules: Rules) -> Closure:
    name, column = node.name, node.column

    def run(env: Environment) -> bool:
        try:
            return env.lookup(name) is not MISSING
        except EvaluationError as error:
            raise error.at(column) from None

    return run


@closure.register
def _call(node: tree.Call, rules: Rules) -> Closure:
    function, column = node.function, node.column
    arguments = tuple(closure(each, rules) for each in node.arguments)

    def run(env: Environment) -> Any:
        try:
            return function(env, *[argument(env) for argument in arguments])
        except EvaluationError as error:
            return rules.failed(error, column)

    return run


@closure.register
def _chain(node: tree.Chain, rules: Rules) -> Closure:
    first = closure(node.first, rules)
    steps = [(rules.binary[sign], column, closure(operand, rules)) for sign, column, operand in node.steps]
    if len(steps) > 1:
        return _longer_chain(first, steps, rules)
    [(operator, column, second)] = steps

    def run(env: Environment) -> Any:
        try:
            return operator(env, first(env), second(env))
        except EvaluationError as error:
            return rules.failed(error, column)

    return run


def _longer_chain(first: Closure, steps: list[tuple[Any, int, Closure]], rules: Rules) -> Closure:
    def run(env: Environment) -> Any:
        value = first(env)
        for operator, column, operand in steps:
            try:
                value = operator(env, value, operand(env))
            except EvaluationError as error:
                value = rules.failed(error, column)
        return value

    return run


@closure.register
def _logic(node: tree.Logic, rules: Rules) -> Closure:
    return rules.logic(node.deciding, tuple((closure(each, rules), each.column) for each in node.operands))


@closure.register
def _choice(node: tree.Choice, rules: Rules) -> Closure:
    condition, column = closure(node.condition, rules), node.condition.column
    then, otherwise = closure(node.then, rules), closure(node.otherwise, rules)

    def run(env: Environment) -> Any:
        value = condition(env)
        if type(value) is not bool:
            try:
                value = rules.unsure(value)
            except EvaluationError as error:
                raise error.at(column) from None
        return then(env) if value else otherwise(env)

    return run


@closure.register
def _items(node: tree.Items, rules: Rules) -> Closure:
    items = tuple(closure(each, rules) for each in node.items)
    return lambda env: tuple([item(env) for item in items])


@closure.register
def _within(node: tree.Within, rules: Rules) -> Closure:
    value = closure(node.value, rules)
    tests = [_test(each, rules) for each in node.tests]
    column = node.column

    def run(env: Environment) -> Any:
        tested = value(env)
        result: bool | None = False
        for test in tests:
            try:
                found = test(env, tested)
            except EvaluationError as error:
                found = rules.failed(error, column)
            if found:
                return True
            if found is None:
                result = None
        return result

    return run


def _test(node: tree.Node, rules: Rules) -> Any:
    if isinstance(node, tree.Range):
        return _range_test(node, rules)
    expected, same = closure(node, rules), rules.binary["="]

    def test(env: Environment, value: Any) -> Any:
        wanted = expected(env)
        return contains(env, wanted, value) if type(wanted) in LISTS else same(env, value, wanted)

    return test


def _range_test(node: tree.Range, rules: Rules) -> Any:
    low, high = closure(node.low, rules), closure(node.high, rules)
    above = rules.binary[">=" if node.with_low else ">"]
    below = rules.binary["<=" if node.with_high else "<"]

    def test(env: Environment, value: Any) -> Any:
        results = []
        for compare, bound in ((above, low), (below, high)):
            try:
                results.append(compare(env, value, bound(env)))
            except WrongKind as error:
                results.append(rules.failed(error, node.column))
        return False if False in results else None if None in results else True

    return test
