"""Commands about user tasks."""

from __future__ import annotations

from py_bpmn.cli import kinds
from py_bpmn.cli.job import ELEMENT_VARIABLES, PROCESS_VARIABLES
from py_bpmn.cli.options import ELEMENT, ELEMENT_INSTANCE_ID, INSTANCE_ID, KEY, PROCESS, PROCESS_ID, TAGS, states
from py_bpmn.cli.tables import Command, Resource, option

USER_TASKS = "user_tasks"
COLUMNS = (
    "partition",
    "id",
    "revision",
    "process_id",
    "process_instance_id",
    "created_at",
    "state",
    "updated_at",
)

RESOURCE = Resource(
    name="user-task",
    help="user tasks, which people do",
    commands=(
        Command(
            name="query",
            help="find user tasks",
            operation="query_user_tasks",
            address="filter",
            completes=USER_TASKS,
            options=(
                ELEMENT,
                ELEMENT_INSTANCE_ID,
                PROCESS,
                PROCESS_ID,
                INSTANCE_ID,
                KEY,
                states("UserTaskState"),
                TAGS,
            ),
            row="UserTask",
            rows="results",
            columns=COLUMNS,
            paged=True,
        ),
        Command(
            name="update",
            help="change or complete a user task",
            operation="update_user_task",
            address="one",
            completes=USER_TASKS,
            options=(
                option("revision", "-r", "--revision", kind=kinds.NUMBER, required=True, help="as it was read"),
                option("completed", flag=True, help="complete it"),
                option("error_code", help="BPMN error to throw"),
                option("error_message", help="what is said about that error"),
                option("escalation_code", help="BPMN escalation to throw"),
                option(
                    "tags", "-t", "--tag", kind=kinds.TAG, many=True, help="tag it gets; without a value it loses it"
                ),
                PROCESS_VARIABLES,
                ELEMENT_VARIABLES,
            ),
            row="UserTask",
            columns=COLUMNS,
            writes=True,
        ),
    ),
)
