"""Reading and writing variables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.commands.base import Audited, Command, VariableInput
from app.commands.conditions import look_at_conditions, watched_variables
from app.commands.context import Context
from app.commands.needs import walk_as_needed
from app.engine.changes import Changes
from app.engine.needs import Need, WholeInstance
from app.engine.records import ProcessInstance, VariableView
from app.errors import conflict, not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcessVariables(Command[list[VariableView]]):
    title = "failed to get process variables"
    reads = True
    partition: date
    id: int
    names: tuple[str, ...] | None = None
    """None is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProcessVariables(Audited[None]):
    title = "failed to set process variables"
    partition: date
    id: int
    worker_id: str
    variables: tuple[VariableInput, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetElementVariables(Command[list[VariableView]]):
    title = "failed to get element variables"
    reads = True
    partition: date
    id: int
    names: tuple[str, ...] | None = None
    exclude_parent_variables: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetElementVariables(Audited[None]):
    title = "failed to set element variables"
    partition: date
    id: int
    worker_id: str
    variables: tuple[VariableInput, ...] = ()


def get_process_variables(ctx: Context, cmd: GetProcessVariables) -> list[VariableView]:
    if ctx.tx.find_instance(cmd.partition, cmd.id) is None:
        raise not_found(f"process instance {cmd.partition}/{cmd.id}")
    return ctx.decrypted(ctx.tx.load_process_variables(cmd.partition, cmd.id, cmd.names))


def set_variables_of_process(ctx: Context, cmd: SetProcessVariables) -> None:
    walk_as_needed(ctx, lambda missed: _set_variables_of_process(ctx, cmd, missed))


def _set_variables_of_process(ctx: Context, cmd: SetProcessVariables, missed: list[Need[Any]]) -> None:
    whole = WholeInstance() in missed
    found = ctx.tx.lock_instance("process_instance", cmd.partition, cmd.id, whole=whole)
    if found is None:
        raise not_found(f"process instance {cmd.partition}/{cmd.id}")
    instance = found.snapshot.instance
    _require_active(instance)
    changes = Changes()
    known = watched_variables(ctx, changes, missed, found.snapshot)
    ctx.variables(changes, cmd.worker_id).set_process_variables(instance, cmd.variables)
    look_at_conditions(ctx, changes, known, found.snapshot, cmd.worker_id)
    ctx.tx.save(changes)


def get_element_variables(ctx: Context, cmd: GetElementVariables) -> list[VariableView]:
    if ctx.tx.find_visit(cmd.partition, cmd.id) is None:
        raise not_found(f"element instance {cmd.partition}/{cmd.id}")
    found = ctx.tx.load_element_variables(cmd.partition, cmd.id, cmd.names, own_only=cmd.exclude_parent_variables)
    return ctx.decrypted(found)


def set_variables_of_element(ctx: Context, cmd: SetElementVariables) -> None:
    walk_as_needed(ctx, lambda missed: _set_variables_of_element(ctx, cmd, missed))


def _set_variables_of_element(ctx: Context, cmd: SetElementVariables, missed: list[Need[Any]]) -> None:
    found = ctx.tx.lock_instance("element_instance", cmd.partition, cmd.id, whole=WholeInstance() in missed)
    if found is None:
        raise not_found(f"element instance {cmd.partition}/{cmd.id}")
    _require_active(found.snapshot.instance)
    token = found.snapshot.token(cmd.id)
    if token.state.ended:
        raise conflict(f"element instance {cmd.partition}/{cmd.id} is ended")
    changes = Changes()
    known = watched_variables(ctx, changes, missed, found.snapshot)
    ctx.variables(changes, cmd.worker_id).set_element_variables(token, cmd.variables)
    look_at_conditions(ctx, changes, known, found.snapshot, cmd.worker_id)
    ctx.tx.save(changes)


def _require_active(instance: ProcessInstance) -> None:
    if instance.state.ended:
        raise conflict(f"process instance {instance.partition}/{instance.id} is ended")
