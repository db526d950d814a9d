"""The results of commands as JSON, to be kept and restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import orjson

from app.commands import HANDLERS
from app.commands.base import Command
from app.engine import records
from app.errors import Cause, EngineError, ErrorKind

LEFT_OUT: Mapping[type[Any], frozenset[str]] = {records.DeployedProcess: frozenset({"bpmn_xml"})}
"""Fields that no answer shows, and that are large."""

Restore = Callable[[Any], Any]

_REFUSAL = "refusal"


def kind_of(command: Command[Any]) -> Any:
    """The type of the command's result."""
    return _returned(HANDLERS[type(command)])


@cache
def _returned(handler: Callable[..., Any]) -> Any:
    return get_type_hints(handler)["return"]


def stored(outcome: Any) -> str:
    """A result, or the EngineError that a command was refused with."""
    # Records are taken apart here: they refer to others.
    return orjson.dumps(_plain(outcome), option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def restored(kind: Any, text: str) -> Any:
    """What `stored` was given, where results are of the type `kind`."""
    found = orjson.loads(text)
    return _refusal(found) if _is_refusal(found) else _restorer(kind)(found)


def _is_refusal(value: Any) -> bool:
    return isinstance(value, dict) and _REFUSAL in value


def _refusal(value: Mapping[str, Any]) -> EngineError:
    found = value[_REFUSAL]
    causes = [Cause(**cause) for cause in found["causes"]]
    error = EngineError(ErrorKind(found["kind"]), found["detail"], title=found["title"], causes=causes)
    if found["existing"]:
        partition, id = found["existing"]
        error.existing = date.fromisoformat(partition), id
    return error


def _plain(value: Any) -> Any:
    """The value with all objects in it as mappings; what is None is left out of these."""
    kind: Any = type(value)
    found: Any = _taking_apart(kind)(value)
    return found


@cache
def _taking_apart(kind: Any) -> Callable[[Any], Any]:
    if is_dataclass(kind):
        return _taking_fields(kind)
    if issubclass(kind, EngineError):
        refused = ("kind", "title", "detail", "causes", "existing")
        return lambda value: {_REFUSAL: {name: _plain(getattr(value, name)) for name in refused}}
    if issubclass(kind, list | tuple):
        return lambda value: [_plain(each) for each in value]
    return lambda value: value


def _taking_fields(kind: Any) -> Callable[[Any], Any]:
    restorers, hints = _restorers(kind), get_type_hints(kind)
    simple = [name for name in restorers if _is_simple(hints[name])]
    other = [name for name in restorers if name not in simple]

    def take(value: Any) -> dict[str, Any]:
        found = {name: each for name in simple if (each := getattr(value, name)) is not None}
        for name in other:
            if (each := getattr(value, name)) is not None:
                found[name] = _plain(each)
        return found

    return take


def _is_simple(hint: Any) -> bool:
    """Whether values are JSON as they are."""
    members = [member for member in _members(hint) or (hint,) if member is not NoneType]
    return all(isinstance(member, type) and issubclass(member, int | str | date) for member in members)


@cache
def _restorers(kind: type[Any]) -> Mapping[str, Restore]:
    """How the fields of a class are restored that are kept: all but those that refer to another record."""
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind) if field.name not in LEFT_OUT.get(kind, ())]
    return {name: _restorer(hints[name]) for name in names if not _refers(hints[name])}


def _refers(hint: Any) -> bool:
    """Whether it is a record, of which identity counts: there are as many of these as rows, and a row has one place."""
    return any(is_dataclass(each) and not each.__dataclass_params__.eq for each in (hint, *_members(hint)))  # type: ignore[union-attr]  # mypy does not know the parameters


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else ()


@cache
def _restorer(hint: Any) -> Restore:
    """Raises TypeError for a type that can't be kept."""
    if hint in (None, NoneType, bool, int, str):
        return lambda value: value
    if hint in (date, datetime):
        found: Restore = hint.fromisoformat
        return found
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    if is_dataclass(hint):
        return _of_class(hint)
    members = [member for member in _members(hint) if member not in (NoneType, EngineError)]
    if len(members) == 1:
        of_member = _restorer(members[0])
        return lambda value: None if value is None else _refusal(value) if _is_refusal(value) else of_member(value)
    arguments = get_args(hint)
    if get_origin(hint) in (list, tuple, Sequence) and arguments:
        of_item, make = _restorer(arguments[0]), list if get_origin(hint) is list else tuple
        return lambda value: make(map(of_item, value))
    if get_origin(hint) in (dict, Mapping) and arguments == (str, str):
        return dict
    raise TypeError(f"results of type {hint} can't be kept")


def _of_class(kind: Any) -> Restore:
    restorers = _restorers(kind)

    def restore(value: Mapping[str, Any]) -> Any:
        # Another version of this service may have kept it, whose fields are others.
        return kind(**{name: restorers[name](each) for name, each in value.items() if name in restorers})

    return restore
