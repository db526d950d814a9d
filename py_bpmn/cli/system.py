"""Commands about the service as a whole."""

from __future__ import annotations

from py_bpmn.cli import kinds
from py_bpmn.cli.options import INSTANCE_ID, PROCESS
from py_bpmn.cli.tables import PARTITION, REASON, Command, Resource, option

AUDIT = Resource(
    name="audit",
    help="what operators have done",
    commands=(
        Command(
            name="query",
            help="find what was done",
            operation="query_audit",
            options=(
                PARTITION,
                INSTANCE_ID,
                PROCESS,
                option("actor", help="who has done it"),
                option("credential", help="user name or API key it was done with"),
                option("operations", "--operation", many=True, help="what was done, such as cancelProcessInstance"),
                option("created.from_", "--since", kind=kinds.MOMENT, help="done then or later"),
                option("created.until", "--until", kind=kinds.MOMENT, help="done before"),
            ),
            row="AuditEntry",
            rows="results",
            columns=(
                "time",
                "actor",
                "credential",
                "role",
                "operation",
                "partition",
                "process_instance_id",
                "bpmn_process_id",
                "target",
                "reason",
            ),
            paged=True,
        ),
    ),
)

SET_TIME = Command(
    name="set-time",
    help="move the clock of the service forward, where it is allowed to",
    operation="set_time",
    options=(
        option("time", kind=kinds.DUE, help="then, or after a duration such as 2h"),
        option("time_cycle", help="cron expression"),
        option("time_duration", kind=kinds.DURATION, help="by this"),
        REASON,
    ),
    row="SetTimeRes",
    columns=("new_time", "old_time"),
    naming=lambda row: str(row.new_time),
    writes=True,
    does="set the time of the service",
)
