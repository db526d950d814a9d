"""Executing, unlocking and querying tasks, the engine's own work."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.schemas import CountResSchema, MoveDueSchema, choices, reason
from app.commands.due import MoveTimer
from app.commands.task import LockTasks, UnlockTasks
from app.criteria import Paging, TaskCriteria
from app.engine.types import TaskType, WorkState

blp = Blueprint("task", __name__, description="A task is a unit of work, which the engine executes itself.")


class TaskSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    element_id = Int32()
    element_instance_id = Int32()
    process_id = Int32()
    process_instance_id = Int32()
    bpmn_element_id = Text(extension=True, example="join")
    completed_at = Timestamp()
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    due_at = Timestamp(required=True)
    error = Text()
    locked_at = Timestamp()
    locked_by = Text()
    retry_count = Int32(required=True)
    serialized_task = Text(description="Parameters of the task, as JSON text.")
    state = Choice(WorkState, "work state", required=True)
    type = Choice(TaskType, "task type", required=True)


encode_task = compile_encoder(TaskSchema)


class ExecuteTasksSchema(ApiSchema):
    partition = Partition(description="Partition condition.")
    id = Int32(description="Task condition - must be used in combination with a partition.")
    process_id = Int32(description="Process condition.")
    process_instance_id = Int32(
        description="Process instance condition - must be used in combination with a partition."
    )
    type = Choice(TaskType, "task type", description="Type condition.")
    limit = Int32(
        gte=1,
        lte=100,
        zero_counts=True,
        facts={"default": 1},
        description="Maximum number of tasks to lock and execute.",
    )


class ExecuteTasksResSchema(AnswerSchema):
    locked = Int32(required=True)
    completed = Int32(required=True)
    failed = Int32(required=True)
    completed_tasks = Many(Object(TaskSchema), required=True)
    failed_tasks = Many(Object(TaskSchema), required=True)


class TaskCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Task filter.")
    element_id = Int32(description="Element filter.")
    element_instance_id = Int32(description="Element instance filter.")
    process_id = Int32(description="Process filter.")
    process_instance_id = Int32(description="Process instance filter.")
    type = Choice(TaskType, "task type", description="Type filter.")
    states = choices(WorkState, "work state", "States to include.")
    bpmn_element_id = ShortText(description="BPMN element ID filter.", extension=True)
    open = Flag(description="Whether only tasks are included that are still to be done.", extension=True)


class UnlockTasksSchema(ApiSchema):
    partition = Partition(description="Partition condition.")
    id = Int32(description="Task condition - must be used in combination with a partition.")
    engine_id = ShortText(
        required=True,
        example="default-engine",
        description="Condition that restricts the tasks to those locked by a specific engine.",
    )
    reason = reason()


@blp.route("/tasks/execute", methods=["POST"])
@blp.arguments(ExecuteTasksSchema)
@blp.response(200, ExecuteTasksResSchema)
def execute_tasks(body: dict[str, Any]) -> Response:
    """Locks and executes due tasks, which match the specified conditions.

    Due tasks are normally handled by a task executor, running inside the engine. When waiting for a due task to be
    completed during testing, this operation must be called!
    """
    tasks = service().execute_tasks(LockTasks(**body))
    completed = [encode_task(task) for task in tasks.completed]
    failed = [encode_task(task) for task in tasks.failed]
    return json_answer(
        {
            "locked": len(completed) + len(failed),
            "completed": len(completed),
            "failed": len(failed),
            "completedTasks": completed,
            "failedTasks": failed,
        }
    )


@blp.route("/tasks/query", methods=["POST"])
@blp.paged_by(TaskCriteria)
@blp.arguments(TaskCriteriaSchema)
@blp.response(200, page_of(TaskSchema))
def query_tasks(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a task query."""
    return find(encode_task, TaskCriteria(**body), paging)


@blp.route("/tasks/<partition>/<id>/due", methods=["PATCH"], problems=(404, 409), extension=True)
@blp.arguments(MoveDueSchema)
@blp.response(200, TaskSchema)
def move_timer(body: dict[str, Any], partition: date, id: int) -> Response:
    """Has a timer fire now, or at an earlier time than it would.

    One that repeats goes on as it would have. A task that is locked, completed, due before that time, or no timer,
    can't be moved.
    """
    return json_answer(encode_task(service().execute(MoveTimer(partition=partition, id=id, **body))))


@blp.route("/tasks/unlock", methods=["POST"])
@blp.arguments(UnlockTasksSchema)
@blp.response(200, CountResSchema)
def unlock_tasks(body: dict[str, Any]) -> Response:
    """Unlocks locked, but uncompleted, tasks that are currently locked by a specific engine."""
    return json_answer({"count": service().execute(UnlockTasks(**body))})
