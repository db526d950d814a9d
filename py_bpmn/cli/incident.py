"""Commands about incidents."""

from __future__ import annotations

from py_bpmn.cli import kinds
from py_bpmn.cli.options import CREATED, ELEMENT, INSTANCE_ID, PROCESS, PROCESS_ID
from py_bpmn.cli.output import Column
from py_bpmn.cli.tables import REASON, Command, Resource, option

INCIDENTS = "incidents"
CRITERIA = (
    option("job_id", kind=kinds.Id("jobs"), help="job that has failed, by address or id"),
    INSTANCE_ID,
    option("task_id", kind=kinds.Id("tasks"), help="task that has failed, by address or id"),
    PROCESS,
    PROCESS_ID,
    ELEMENT,
    option("error_id", help="errors that are alike, as `incident groups` shows"),
    *CREATED,
    option("open", "--open/--resolved", flag=True, help="not resolved, or resolved"),
)

RESOURCE = Resource(
    name="incident",
    help="incidents, which somebody has to look at",
    commands=(
        Command(
            name="query",
            help="find incidents",
            operation="query_incidents",
            address="filter",
            completes=INCIDENTS,
            options=CRITERIA,
            row="Incident",
            rows="results",
            columns=(
                "partition",
                "id",
                "process_id",
                "process_instance_id",
                "job_id",
                "task_id",
                "resolved_at",
                "resolved_by",
                Column("STATE", "resolved_at", lambda time, _: "RESOLVED" if time else "OPEN"),
                "error",
            ),
            paged=True,
        ),
        Command(
            name="groups",
            help="count incidents that are alike",
            operation="group_incidents",
            address="filter",
            completes=INCIDENTS,
            options=CRITERIA,
            row="IncidentGroup",
            rows="results",
            columns=("count", "bpmn_process_id", "bpmn_element_id", "error", "first", "last", "error_id"),
            naming=lambda row: str(row.error_id or ""),
            paged=True,
            counted=False,
        ),
        Command(
            name="resolve",
            help="have what has failed tried again",
            operation="resolve_incident",
            address="many",
            completes=INCIDENTS,
            options=(option("retry_timer", kind=kinds.DURATION, help="after what time; at once without it"), REASON),
            writes=True,
        ),
    ),
)
