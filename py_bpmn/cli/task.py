"""Commands about tasks, which the engine does by itself: timers, joins, starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.job import tell_count
from py_bpmn.cli.options import ELEMENT, ELEMENT_ID, ELEMENT_INSTANCE_ID, INSTANCE_ID, PROCESS_ID, states
from py_bpmn.cli.output import Column, address_of
from py_bpmn.cli.perform import model, request
from py_bpmn.cli.tables import REASON, Command, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

TASKS = "tasks"
TYPE = option("type", kind=kinds.OneOf("TaskType"), help="type of task")
EXECUTED_COLUMNS = (
    "partition",
    "id",
    "process_id",
    "process_instance_id",
    "element_id",
    "element_instance_id",
    Column("HAS ERROR", "error", lambda error, _: str(error is not None).lower()),
    "type",
    "state",
)


def execute(session: Session, command: Command, values: Values) -> int | None:
    """Executes tasks that are due, and shows them; 1 if one has failed."""
    session.guard(1, "execute tasks")
    answer = session.call(command.operation, **request(command, values))
    if session.out.format == "json":
        session.out.one(answer)
    else:
        for title, tasks in (("Completed", answer.completed_tasks), ("Failed", answer.failed_tasks)):
            if session.out.is_table and (tasks or title == "Completed"):
                session.out.text(title)
            session.out.rows(tasks, command.columns, model(command.row))
    return 1 if answer.failed else None


def unlock(session: Session, command: Command, values: Values) -> None:
    session.guard(1 if "id" in values else 2, f"unlock the tasks of {values['engine_id']}")
    tell_count(session, "tasks", session.call(command.operation, **request(command, values)))


RESOURCE = Resource(
    name="task",
    help="tasks, which the engine does by itself",
    commands=(
        Command(
            name="query",
            help="find tasks",
            operation="query_tasks",
            address="filter",
            completes=TASKS,
            options=(
                ELEMENT,
                ELEMENT_ID,
                ELEMENT_INSTANCE_ID,
                PROCESS_ID,
                INSTANCE_ID,
                TYPE,
                states("WorkState"),
                option("open", "--open/--closed", flag=True, help="still to be done, or not any more"),
            ),
            row="Task",
            rows="results",
            columns=(
                "partition",
                "id",
                "process_instance_id",
                "created_at",
                "locked_at",
                "completed_at",
                "type",
                "state",
            ),
            paged=True,
        ),
        Command(
            name="execute",
            help="execute tasks that are due",
            operation="execute_tasks",
            address="filter",
            completes=TASKS,
            options=(
                PROCESS_ID,
                INSTANCE_ID,
                TYPE,
                option("limit", kind=click.IntRange(min=1), default=1, help="tasks at most"),
            ),
            row="Task",
            columns=EXECUTED_COLUMNS,
            writes=True,
            run=execute,
        ),
        Command(
            name="unlock",
            help="unlock the tasks of an engine that is gone",
            operation="unlock_tasks",
            address="filter",
            completes=TASKS,
            options=(option("engine_id", required=True, help="the engine that has locked them"), REASON),
            row="CountRes",
            writes=True,
            run=unlock,
        ),
        Command(
            name="due",
            help="have timers be due now, or at another time",
            operation="move_timer",
            address="many",
            completes=TASKS,
            options=(option("due_at", "--at", kind=kinds.DUE, help="then, or after a duration such as 2h"), REASON),
            row="Task",
            text=address_of,
            writes=True,
            does="move",
        ),
    ),
)
