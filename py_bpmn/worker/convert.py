"""How variables become the arguments of a function, and texts become durations."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Union

from py_bpmn.errors import ConfigurationError
from py_bpmn.values import Raw
from py_bpmn.worker.job import Job, Variables

Read = Callable[[Any], Any]
"""Makes an argument of a value, or raises ValueError."""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_LONGEST = 36_500 * 86_400.0
"""Seconds: what is longer is a mistake, and beyond what clocks and waiting threads take."""
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: timedelta | str) -> float:
    """Of a timedelta, or of a text such as `30s`, `1h30m`, `500ms`. Raises ConfigurationError."""
    if isinstance(duration, timedelta):
        found = duration.total_seconds()
    else:
        parts = _DURATION.findall(duration) if isinstance(duration, str) else []
        if not parts or "".join(map("".join, parts)) != duration:
            raise ConfigurationError(f"a duration is a timedelta or a text such as 30s or 1h30m, but not {duration!r}")
        found = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if found < 0:
        raise ConfigurationError(f"a duration must not be negative, but is {duration}")
    if found > _LONGEST:
        raise ConfigurationError(f"a duration is 36500d at most, but not {duration!s:.40}")
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a retry: twice as long each time, up to a limit."""

    first: float
    most: float

    @classmethod
    def parse(cls, text: str) -> Backoff:
        """`10s..10m`, or one duration for all. Raises ConfigurationError."""
        if not isinstance(text, str):
            raise ConfigurationError(f"a back-off is a text such as 10s..10m, but not {text!r}")
        first, _, most = text.partition("..")
        found = cls(seconds(first), seconds(most or first))
        if found.most < found.first:
            raise ConfigurationError(f"a back-off grows, but {text} does not")
        return found

    def delay(self, retries: int, random: float) -> timedelta:
        """Before the retry after that many; `random` from 0 to 1 keeps jobs that fail together from coming together."""
        grown = self.first * 2.0 ** min(retries, 64)
        return timedelta(seconds=min(grown * (0.75 + random / 2), self.most))


class Special:
    """Parameters that are no variables."""

    JOB = "job"
    VARIABLES = "variables"
    CALLED = "called"


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    variables: tuple[str, ...]
    """Names of variables to look for, the first one first."""
    read: Read
    is_needed: bool
    special: str = ""


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """Of a handler, whose parameters all have names of variables. Raises ConfigurationError."""
    try:
        found = inspect.signature(function)
    except ValueError:
        advice = "call it in a function whose parameters have the names of variables"
        raise ConfigurationError(f"does not tell the names of its parameters: {advice}") from None
    for parameter in found.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            advice = "name the variables that are needed, or take them all by a parameter annotated with Variables"
            raise ConfigurationError(f"can't have **{parameter.name}: {advice}")
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise ConfigurationError(f"can't have *{parameter.name}: arguments are variables, which are given by name")
        if parameter.kind is parameter.POSITIONAL_ONLY:
            advice = "arguments are variables, which are given by name"
            raise ConfigurationError(f"can't have the positional-only parameter {parameter.name}: {advice}")
    return found


def parameters(
    function: Callable[..., Any], rename: Mapping[str, str], *, has_called: bool = False
) -> tuple[Parameter, ...]:
    """What a handler is called with. Raises ConfigurationError for an annotation that nobody can satisfy."""
    hints = _hints(function)
    names = {parameter: variable for variable, parameter in rename.items()}
    found = []
    for parameter in signature(function).parameters.values():
        annotation = hints.get(parameter.name, Any)
        is_needed = parameter.default is parameter.empty
        special = _special(parameter.name, annotation, has_called)
        if special:
            found.append(Parameter(parameter.name, (), _as_it_is, is_needed, special))
            continue
        try:
            read = reader(annotation)
        except ConfigurationError as error:
            raise ConfigurationError(f"parameter {parameter.name}: {error}") from error
        renamed = names.get(parameter.name)
        found.append(Parameter(parameter.name, (renamed,) if renamed else _spellings(parameter.name), read, is_needed))
    return tuple(found)


def _special(name: str, annotation: Any, has_called: bool) -> str:
    meant = _alternatives(annotation)
    if meant == {Job}:
        return Special.JOB
    if meant == {Variables}:
        return Special.VARIABLES
    return Special.CALLED if has_called and name == "called" else ""


def _alternatives(annotation: Any) -> set[Any]:
    """What it may be other than None: `Job` of `Job | None`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _alternatives(arguments[0])
    if origin in (Union, types.UnionType):
        return {each for argument in arguments for each in _alternatives(argument)} - {types.NoneType}
    return {annotation} if isinstance(annotation, type) else {Any}


def _spellings(name: str) -> tuple[str, ...]:
    first, *others = name.split("_")
    camel = first + "".join(part[:1].upper() + part[1:] for part in others)
    return (name,) if camel == name or not first else (name, camel)


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(_annotated(function), include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"an annotation names {error.name}, which its module does not know: "
            "it must be imported at run time, too, and not be local to a function"
        ) from error
    except Exception as error:
        # Those that are texts are executed here.
        raise ConfigurationError(f"its annotations can't be read: {type(error).__name__}: {error}") from error


def _annotated(function: Any) -> Any:
    """What has the annotations of an object that can be called, such as those that functools makes."""
    while not isinstance(function, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        is_partial = isinstance(function, functools.partial)
        inner = function.func if is_partial else getattr(function, "__wrapped__", None)
        if inner is None:
            return type(function).__call__
        function = inner
    return function


def reader(annotation: Any) -> Read:
    """How values become what is annotated. Raises ConfigurationError where nothing can, or pydantic is not there."""
    for special in {Job, Variables} & _mentioned(annotation):
        raise ConfigurationError(
            f"{special.__name__} is no variable: annotate one parameter with {special.__name__} alone"
        )
    found = _simple(annotation)
    return _by_pydantic(annotation) if found is None else found


def _as_it_is(value: Any) -> Any:
    return value


def _simple(annotation: Any, within: tuple[type, ...] = ()) -> Read | None:
    """The reader for what JSON has, for Raw, and for dataclasses of these; None for all else.

    `within` are the dataclasses that have it as a field, or as a field of a field.
    """
    if annotation is Any or annotation is object or annotation is inspect.Parameter.empty:
        return _as_it_is
    if annotation is None or annotation is types.NoneType:
        return _none
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (Union, types.UnionType):
        return _union(arguments, within)
    if origin is Literal:
        return functools.partial(_literal, arguments)
    if origin is list or origin is dict:
        return _collection(origin, arguments, within)
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        # One that refers to itself is left to pydantic.
        return None if annotation in within else _dataclass_reader(annotation, (*within, annotation))
    return None


def _collection(origin: type, arguments: tuple[Any, ...], within: tuple[type, ...]) -> Read | None:
    if not arguments:
        return _PLAIN[origin]
    if len(arguments) != (1 if origin is list else 2):
        wanted = "a list has one type" if origin is list else "a dict has two types"
        raise ConfigurationError(f"{wanted} in brackets, but not {len(arguments)}")
    item = _simple(arguments[-1], within)
    if item is None:
        return None
    if origin is list:
        return functools.partial(_list, item)
    return functools.partial(_dict, item) if arguments[0] in (str, Any) else None


def _expected(what: str, value: Any) -> ValueError:
    return ValueError(f"must be {what}, but is {_kind(value)}")


def _kind(value: Any) -> str:
    """What a value is, without telling the value."""
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), f"of type {type(value).__name__}")


def _none(value: Any) -> None:
    if value is not None:
        raise _expected("null", value)


def _exactly(kind: type, what: str) -> Read:
    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise _expected(what, value)
        return value

    return read


def _int(value: Any) -> int:
    if type(value) is float and value.is_integer():
        # JSON of other languages does not tell 1.0 from 1.
        return int(value)
    if type(value) is not int:
        raise _expected("an integer", value)
    return value


def _float(value: Any) -> float:
    if type(value) not in (int, float):
        raise _expected("a number", value)
    try:
        return float(value)
    except OverflowError:
        raise ValueError("must be a number that fits into a float") from None


_PLAIN: dict[type, Read] = {
    bool: _exactly(bool, "a boolean"),
    int: _int,
    float: _float,
    str: _exactly(str, "a text"),
    bytes: _exactly(bytes, "bytes"),
    list: _exactly(list, "a list"),
    dict: _exactly(dict, "an object"),
    Raw: _exactly(Raw, "Raw"),
}


def _union(arguments: tuple[Any, ...], within: tuple[type, ...]) -> Read | None:
    readers = [_simple(each, within) for each in arguments]
    known = [read for read in readers if read is not None]
    if len(known) < len(readers):
        return None

    def read(value: Any) -> Any:
        errors = []
        # 1 is rather the int of `float | int` than its float.
        if type(value) in arguments:
            return value
        for each in known:
            try:
                return each(value)
            except ValueError as error:
                errors.append(str(error))
        raise ValueError(errors[0] if len(errors) == 1 else " or ".join(dict.fromkeys(errors)))

    return read


def _literal(allowed: tuple[Any, ...], value: Any) -> Any:
    for each in allowed:
        if each == value and type(each) is type(value):
            return each
    raise ValueError(f"must be one of {', '.join(map(repr, allowed))}")


def _list(item: Read, value: Any) -> list[Any]:
    if type(value) is not list:
        raise _expected("a list", value)
    return [_at(f"[{number}]", item, each) for number, each in enumerate(value)]


def _dict(item: Read, value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _expected("an object", value)
    return {key: _at(f".{key}", item, each) for key, each in value.items()}


def _at(place: str, read: Read, value: Any) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{place} {error}" if not str(error).startswith((".", "[")) else f"{place}{error}") from None


def _dataclass_reader(kind: type, within: tuple[type, ...]) -> Read | None:
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except NameError:
        return None
    except Exception as error:
        raise ConfigurationError(
            f"the annotations of {kind.__qualname__} can't be read: {type(error).__name__}: {error}"
        ) from error
    fields = []
    for field in dataclasses.fields(kind):
        read = _simple(hints[field.name], within)
        if read is None:
            return None
        is_needed = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if field.init:
            fields.append((field.name, read, is_needed))
    if inspect.signature(kind).parameters.keys() != {name for name, _, _ in fields}:
        # It takes something else, such as an InitVar.
        return None

    def read_object(value: Any) -> Any:
        if type(value) is not dict:
            raise _expected("an object", value)
        given = {}
        for name, read, is_needed in fields:
            if name in value:
                given[name] = _at(f".{name}", read, value[name])
            elif is_needed:
                raise ValueError(f".{name} is missing")
        return kind(**given)

    return read_object


def _mentioned(annotation: Any) -> set[Any]:
    found = {annotation} if isinstance(annotation, type) else set()
    for each in typing.get_args(annotation):
        found |= _mentioned(each)
    return found


def _by_pydantic(annotation: Any) -> Read:
    try:
        import pydantic
    except ImportError:
        raise ConfigurationError(
            f"{_name(annotation)} takes pydantic, which is not installed: pip install pydantic"
        ) from None
    try:
        adapter = pydantic.TypeAdapter(annotation)
        if not getattr(adapter, "pydantic_complete", True):
            # It would tell only at the first value that something is not known.
            adapter.rebuild()
    except Exception as error:
        # Some are not of pydantic, but what it meets in the annotation.
        text = str(error).partition("\n")[0]
        raise ConfigurationError(f"{_name(annotation)} can't be made of a variable: {text}") from error

    def read(value: Any) -> Any:
        try:
            return adapter.validate_python(value)
        except pydantic.ValidationError as error:
            # Without what is wrong itself, which may be secret.
            causes = error.errors(include_url=False, include_context=False, include_input=False)
            raise ValueError("; ".join(map(_cause, causes))) from None

    return read


def _cause(cause: Mapping[str, Any]) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in cause["loc"])
    return f"{place} {cause['msg']}".strip()


def _name(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)
