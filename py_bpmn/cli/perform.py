"""What commands do: they ask the service for what was typed, and show what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from py_bpmn.cli.kinds import Key
from py_bpmn.cli.problems import code_of, tell
from py_bpmn.cli.session import Session
from py_bpmn.cli.tables import Command, Values
from py_bpmn.errors import ProblemError

if TYPE_CHECKING:
    from py_bpmn._wire import Model

MODELS = {
    "completion": "JobCompletion",
    "completion.called_process": "CalledProcess",
    "completion.timer": "Timer",
    "created": "TimeRange",
    "ended": "TimeRange",
    "expiration_timer": "Timer",
    "process_instance": "InstanceKey",
}
"""The objects that are put together from several options, by where they go."""
NOUNS = {
    "element_instances": "element instance",
    "incidents": "incident",
    "instances": "process instance",
    "jobs": "job",
    "tasks": "task",
    "user_tasks": "user task",
}
"""What is at an address, by what completes it."""


def perform(session: Session, command: Command, values: Values) -> int | None:
    """Does what the command is for, and returns the exit code."""
    if command.address in ("one", "many"):
        keys = _keys(values)
        if not keys or (len(keys) > 1 and command.address == "one"):
            article = "one" if command.address == "one" else "an"
            raise click.UsageError(f"{article} address is needed, such as 2026-11-26/17, or -p and -i")
        if command.writes:
            noun = NOUNS[command.completes]
            things = f"{len(keys)} {noun}s" if len(keys) > 1 else f"{noun} {keys[0].partition}/{keys[0].id}"
            session.guard(len(keys), f"{command.does or command.name} {things}")
        return _each(session, command, values, keys)
    _narrow(values)
    if command.writes and command.run is None:
        session.guard(1, command.does or command.name)
    return _once(session, command, values)


def _each(session: Session, command: Command, values: Values, keys: Sequence[Key]) -> int | None:
    """One request for each address; what fails does not keep the others from being done."""
    code: int | None = None
    for key in keys:
        try:
            found = _once(session, command, {**values, "partition": key.partition, "id": key.id})
            code = code or found
        except ProblemError as problem:
            if len(keys) == 1:
                raise
            tell(problem)
            code = code or code_of(problem)
    return code


def _once(session: Session, command: Command, values: Values) -> int | None:
    if command.run is not None:
        return command.run(session, command, values)
    every = values.pop("all", False)
    arguments = request(command, values)
    if command.paged:
        _show_pages(session, command, arguments, every=every)
        return None
    show(session, command, session.call(command.operation, **arguments))
    return None


def request(command: Command, values: Values) -> Values:
    """The arguments of the operation."""
    arguments: Values = dict(command.fixed)
    for name, value in values.items():
        _put(arguments, name.split("."), _sent(value))
    return {name: _modelled(name, value) for name, value in arguments.items()}


def _put(arguments: Values, path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for name in outer:
        arguments = arguments.setdefault(name, {})
    arguments[last] = value


def _modelled(path: str, value: Any) -> Any:
    if not isinstance(value, dict) or path not in MODELS:
        return value
    from py_bpmn import _operations

    model = getattr(_operations, MODELS[path])
    return model(**{name: _modelled(f"{path}.{name}", each) for name, each in value.items()})


def _sent(value: Any) -> Any:
    if isinstance(value, Key):
        return value.id
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return tags(value)
    return list(value) if isinstance(value, tuple) else value


def tags(pairs: Iterable[tuple[str, str]]) -> list[Any]:
    from py_bpmn._operations import Tag

    return [Tag(name=name, value=value) for name, value in pairs]


def _keys(values: Values) -> list[Key]:
    """The addresses that were typed, in either way. Raises click.UsageError."""
    typed = values.pop("addresses", ())
    keys = [typed] if isinstance(typed, Key) else list(typed)
    partition, number = values.pop("partition", None), values.pop("id", None)
    if number is not None:
        keys.append(number)
    found = []
    for key in keys:
        day = key.partition or partition
        if day is None:
            raise click.UsageError(f"of {key.id} the partition is missing: say it with -p, or 2026-11-26/{key.id}")
        found.append(Key(day, key.id))
    return found


def _narrow(values: Values) -> None:
    """Makes criteria of an address; and of ids that are addresses, a partition. Raises click.UsageError."""
    key = values.pop("addresses", None)
    if key is not None:
        values["id"] = key
    for name, value in list(values.items()):
        if isinstance(value, Key) and value.partition is not None and (name == "id" or name.endswith("_id")):
            if values.setdefault("partition", value.partition) != value.partition:
                raise click.UsageError("two different partitions are named")
            values[name] = Key(None, value.id)


def _show_pages(session: Session, command: Command, arguments: Values, *, every: bool) -> None:
    out = session.out
    if out.is_table and command.counted:
        arguments["total"] = True
    if command.counted and "offset" not in arguments:
        # Even the first page then tells where the next one begins.
        arguments.setdefault("cursor", "")
    answer = session.call(command.operation, **arguments)
    if not every:
        show(session, command, answer)
        _tell_of_pages(session, answer)
        return
    rows: list[Any] = []
    while True:
        rows += getattr(answer, command.rows)
        if out.format in ("jsonl", "ids"):
            # What was read is of use before the last page has come.
            out.rows(rows, command.columns, model(command.row), name=command.naming)
            rows = []
        if not getattr(answer, "next_cursor", None):
            break
        answer = session.call(command.operation, **{**arguments, "cursor": answer.next_cursor})
    if out.format not in ("jsonl", "ids"):
        out.rows(rows, command.columns, model(command.row), name=command.naming)


def _tell_of_pages(session: Session, answer: Any) -> None:
    """Where the page ends, and how to go on."""
    following = getattr(answer, "next_cursor", None)
    total = getattr(answer, "total", None)
    if session.out.is_table and (total is not None or following):
        bound = "at least " if getattr(answer, "total_is_lower_bound", None) else ""
        more = f" (next: --cursor {following})" if following else ""
        session.out.say(f"{answer.count} of {bound}{total}{more}")
    elif following:
        session.out.say(f"there are more than these {answer.count}: --all, or --cursor {following}")


def show(session: Session, command: Command, answer: Any) -> None:
    """Writes what was answered, if there is anything."""
    if answer is None:
        return
    if isinstance(answer, str):
        session.out.text(answer.rstrip("\n"))
    elif command.rows:
        rows = getattr(answer, command.rows)
        session.out.rows(
            rows, command.columns, model(command.row), whole=answer, within=command.rows, name=command.naming
        )
    else:
        session.out.one(answer, command.columns, text=command.text, name=command.naming)


def model(schema: str) -> type[Model] | None:
    from py_bpmn import _operations

    found: type[Model] | None = getattr(_operations, schema, None)
    return found
