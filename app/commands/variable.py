"""Reading and writing variables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.commands.base import Audited, Command, VariableInput
from app.commands.context import Context
from app.engine.changes import Changes
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
    found = ctx.tx.lock_instance("process_instance", cmd.partition, cmd.id)
    if found is None:
        raise not_found(f"process instance {cmd.partition}/{cmd.id}")
    instance = found.snapshot.instance
    _require_active(instance)
    changes = Changes()
    ctx.variables(changes, cmd.worker_id).set_process_variables(instance, cmd.variables)
    ctx.tx.save(changes)


def get_element_variables(ctx: Context, cmd: GetElementVariables) -> list[VariableView]:
    if ctx.tx.find_visit(cmd.partition, cmd.id) is None:
        raise not_found(f"element instance {cmd.partition}/{cmd.id}")
    found = ctx.tx.load_element_variables(cmd.partition, cmd.id, cmd.names, own_only=cmd.exclude_parent_variables)
    return ctx.decrypted(found)


def set_variables_of_element(ctx: Context, cmd: SetElementVariables) -> None:
    found = ctx.tx.lock_instance("element_instance", cmd.partition, cmd.id)
    if found is None:
        raise not_found(f"element instance {cmd.partition}/{cmd.id}")
    _require_active(found.snapshot.instance)
    token = found.snapshot.token(cmd.id)
    if token.state.ended:
        raise conflict(f"element instance {cmd.partition}/{cmd.id} is ended")
    changes = Changes()
    ctx.variables(changes, cmd.worker_id).set_element_variables(token, cmd.variables)
    ctx.tx.save(changes)


def _require_active(instance: ProcessInstance) -> None:
    if instance.state.ended:
        raise conflict(f"process instance {instance.partition}/{instance.id} is ended")
