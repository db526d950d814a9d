"""Working on user tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.commands.base import Command, VariableInput
from app.commands.context import Context
from app.commands.delivery import finish_walk
from app.commands.needs import load, walk_as_needed
from app.commands.queue import foresee_end
from app.engine.changes import Changes
from app.engine.elements.catching import throw_error, throw_escalation
from app.engine.needs import Need, WholeInstance
from app.engine.records import ElementInstance, UserTask
from app.engine.run import Run
from app.engine.types import UserTaskState
from app.errors import conflict, invalid, not_found


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateUserTask(Command[UserTask]):
    title = "failed to update user task"
    partition: date
    id: int
    revision: int
    worker_id: str
    element_variables: tuple[VariableInput, ...] = ()
    error_code: str = ""
    error_message: str = ""
    escalation_code: str = ""
    completed: bool = False
    process_variables: tuple[VariableInput, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    """Merged into the existing tags; an empty value removes the tag."""


def update_user_task(ctx: Context, cmd: UpdateUserTask) -> UserTask:
    return walk_as_needed(ctx, lambda missed: _update(ctx, cmd, missed))


def _update(ctx: Context, cmd: UpdateUserTask, missed: list[Need[Any]]) -> UserTask:
    found = ctx.tx.lock_instance("user_task", cmd.partition, cmd.id, whole=WholeInstance() in missed)
    if found is None:
        raise not_found(f"user task {cmd.partition}/{cmd.id}")
    user_task: UserTask = found.row
    _require_open(user_task, cmd)
    token = found.snapshot.token(user_task.element_instance_id)
    foresee_end(ctx, found.snapshot, token)
    changes = Changes()
    known = load(ctx, changes, missed, found.snapshot)
    variables = ctx.variables(changes, cmd.worker_id)
    variables.set_element_variables(token, cmd.element_variables)
    variables.set_process_variables(found.snapshot.instance, cmd.process_variables)
    run = ctx.run(found.snapshot, cmd.worker_id, changes, known)
    _act(run, token, user_task, cmd)
    run.drain()
    finish_walk(ctx, changes, cmd.worker_id)
    tags = {**user_task.tags, **cmd.tags}
    user_task.tags = {name: value for name, value in tags.items() if value}
    user_task.updated_at = ctx.now
    user_task.updated_by = cmd.worker_id
    changes.update(user_task)
    ctx.tx.save(changes)
    return user_task


def _require_open(user_task: UserTask, cmd: UpdateUserTask) -> None:
    name = f"user task {cmd.partition}/{cmd.id}"
    if user_task.state is not UserTaskState.STARTED:
        raise conflict(f"{name} is not in state STARTED, but {user_task.state}")
    if user_task.revision != cmd.revision:
        raise conflict(f"{name} is not in revision {cmd.revision}, but {user_task.revision}")
    if sum((cmd.completed, bool(cmd.error_code), bool(cmd.escalation_code))) > 1:
        raise invalid("expected to either complete user task, throw error or escalate user task")


def _act(run: Run, token: ElementInstance, user_task: UserTask, cmd: UpdateUserTask) -> None:
    if cmd.completed:
        run.complete(token)
        user_task.state = UserTaskState.COMPLETED
    elif cmd.error_code:
        throw_error(run, token, cmd.error_code, cmd.error_message)
        user_task.state = UserTaskState.TERMINATED
    elif cmd.escalation_code and throw_escalation(run, token, cmd.escalation_code, "failed to escalate user task"):
        user_task.state = UserTaskState.TERMINATED
