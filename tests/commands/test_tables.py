"""The tables of the commands against the OpenAPI document, from which the client is generated."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import click
import pytest

from py_bpmn import _operations
from py_bpmn.cli import kinds
from py_bpmn.cli.output import Column
from py_bpmn.cli.perform import MODELS, request
from py_bpmn.cli.tables import PAGING, Command, Option, Resource
from py_bpmn.cli.tree import COMMANDS, RESOURCES, tree
from tests.client.test_operations import document
from tests.commands.test_transcripts import leaves

WITHOUT_A_COMMAND = {
    "sendMessageAlias": "the other path of sendMessage",
    "sendSignalAlias": "the other path of sendSignal",
    "queryMessagesAlias": "the other path of queryMessages",
    "createProcessInstances": "`pi create` starts one, and shells have loops",
    "completeJobs": "for workers, which do many jobs; people complete one",
    "createApiKey": "`api-key create` of the service, on the machine that may see the secret",
    "queryApiKeys": "`api-key list` of the service",
    "revokeApiKey": "`api-key revoke` of the service",
    "getDiagram": "for programs that draw; what was deployed is `process get-bpmn-xml`",
    "resetEngine": "for tests, which the test kit runs",
    "getMetrics": "for Prometheus",
    "checkReadiness": "for load balancers",
    "checkLiveness": "for load balancers",
}


def commands() -> Iterator[tuple[str, Command]]:
    def below(resource: Resource, path: str) -> Iterator[tuple[str, Command]]:
        for command in resource.commands:
            yield f"{path} {command.name}", command
        for group in resource.groups:
            yield from below(group, f"{path} {group.name}")

    for command in COMMANDS:
        yield command.name, command
    for resource in RESOURCES:
        yield from below(resource, resource.name)


EACH = [pytest.param(command, id=name) for name, command in commands()]
ASKING = [pytest.param(command, id=name) for name, command in commands() if command.operation]


def snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.fixture(scope="module")
def operations() -> dict[str, dict[str, Any]]:
    """What the document says of each operation, by its id."""
    paths = document()["paths"].values()
    found = [operation for path in paths for method, operation in path.items() if method != "parameters"]
    return {operation["operationId"]: operation for operation in found}


def test_every_operation_has_a_command_or_a_reason(operations: dict[str, dict[str, Any]]):
    assert set(operations) >= set(WITHOUT_A_COMMAND)
    used = {name for _, command in commands() for name in (command.operation, *command.also)}
    assert {snake(name) for name in operations} == {name for name in used if name} | {
        snake(name) for name in WITHOUT_A_COMMAND
    }


def test_what_changes_something_is_marked(operations: dict[str, dict[str, Any]]):
    keyed = {
        snake(name)
        for name, operation in operations.items()
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    }
    for name, command in commands():
        assert command.writes == bool(keyed & {command.operation, *command.also}), name


def arguments_of(command: Command) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(getattr(_operations.Api, command.operation)).parameters)


def fills(command: Command) -> Iterator[Option]:
    yield from command.options
    if command.paged:
        yield from (PAGING if command.counted else PAGING[:2])


@pytest.mark.parametrize("command", [each for each in ASKING if each.values[0].run is None])
def test_every_option_fills_something_that_the_operation_takes(command: Command):
    known = arguments_of(command)
    for option in fills(command):
        first, *rest = option.fills.split(".")
        if option.fills == "all":
            continue
        assert first in known, option.flags
        path = first
        for name in rest:
            model = getattr(_operations, MODELS[path])
            assert name in {attribute for attribute, _ in model.FIELDS.values()}, option.flags
            path = f"{path}.{name}"
    if command.address:
        assert {"partition", "id"} <= set(known)


@pytest.mark.parametrize("command", [each for each in ASKING if each.values[0].run is None])
def test_everything_that_an_operation_takes_can_be_typed(command: Command):
    typed = {option.fills.partition(".")[0] for option in fills(command)} | set(command.fixed)
    typed |= {"partition", "id"} if command.address else set()
    left = set(arguments_of(command)) - typed - {"self", "worker_id", "idempotency_key"}
    unasked = {"complete_job": {"error", "retry_limit", "retry_timer", "completion"}, "lock_jobs": set()}
    assert left <= unasked.get(command.operation, set())


@pytest.mark.parametrize("command", ASKING)
def test_values_of_enumerations_are_those_of_the_operation(command: Command):
    known = arguments_of(command)
    for option in command.options:
        if isinstance(option.kind, kinds.OneOf) and option.fills in known:
            assert re.search(rf"\b{option.kind.schema}\b", str(known[option.fills].annotation)), option.flags


@pytest.mark.parametrize("command", EACH)
def test_every_column_is_a_property_of_what_is_shown(command: Command):
    if not command.row:
        return
    model = getattr(_operations, command.row)
    attributes = {attribute for attribute, _ in model.FIELDS.values()} | {"address", ""}
    for column in command.columns:
        assert (column.attribute if isinstance(column, Column) else column) in attributes


@pytest.mark.parametrize("path", [" ".join(path) for path in leaves(tree())])
def test_every_command_has_a_help_of_one_line_and_one_with_all_options(path: str):
    command: click.Command = tree()
    context = click.Context(command, info_name="py-bpmn", **command.context_settings)
    for name in path.split():
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found is not None
        command, context = found, click.Context(found, info_name=name, parent=context)
    help = command.get_help(context)
    short = command.get_short_help_str(120)
    assert short
    assert not short.endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.opts
            assert parameter.opts[0] in help


def test_flags_mean_one_thing_within_a_command():
    for name, command in commands():
        flags = [flag for option in command.options for flag in option.flags]
        assert len(flags) == len(set(flags)), name


def test_options_are_put_together_into_objects():
    command = next(command for name, command in commands() if name == "process-instance query")
    arguments = request(command, {"created.from_": None, "created.until": None, "tags": (("a", "b"),)})
    assert arguments == {
        "created": _operations.TimeRange(from_=None, until=None),
        "tags": [_operations.Tag(name="a", value="b")],
        "waiting": True,
    }
