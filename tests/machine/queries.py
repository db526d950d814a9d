"""What the queries should answer for a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.machine.tables import Row

QUERIES: Mapping[str, str] = {
    "/processes/query": "process",
    "/process-instances/query": "process_instance",
    "/element-instances/query": "element_instance",
    "/jobs/query": "job",
    "/tasks/query": "task",
    "/user-tasks/query": "user_task",
    "/incidents/query": "incident",
    "/variables/query": "variable",
    "/messages/query": "message",
    "/messages/subscriptions/query": "message_subscription",
    "/signals/subscriptions/query": "signal_subscription",
}
"""The table behind each."""

HIDDEN: Mapping[str, frozenset[str]] = {
    "process": frozenset({"bpmn_xml"}),
    "process_instance": frozenset({"message_id", "revision"}),
    "element_instance": frozenset(
        {
            "active_children",
            "active_handlers",
            "compensation",
            "context",
            "duration_ms",
            "host_id",
            "incoming",
            "loop_cardinality",
            "loop_completed",
            "pending_events",
            "prev_element_id",
            "waiting_joins",
        }
    ),
    "job": frozenset({"detached"}),
    "task": frozenset({"detached", "interruptions", "locked_until", "repetitions"}),
    "variable": frozenset({"value"}),
    "message": frozenset({"digest", "key_freed", "unique_digest"}),
    "message_subscription": frozenset({"digest", "part"}),
    "signal_subscription": frozenset({"part"}),
}


OF_THE_FILE = frozenset(
    {
        "bpmnElementName",
        "calledElement",
        "decisions",
        "errorName",
        "expression",
        "escalationName",
        "messageName",
        "signalName",
        "taskType",
        "timer",
    }
)
"""What a job shows beside its row."""


def of_row(table: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer without what is in no row."""
    return {name: value for name, value in answer.items() if table != "job" or name not in OF_THE_FILE}


OMITTED: Mapping[str, tuple[Any, ...]] = {"multi_instance": (False,), "parallelism": (0,)}


def shown(table: str, row: Row, now: str) -> dict[str, Any]:
    """The row as JSON at engine time `now`."""
    found = {}
    for column, value in row.items():
        if table == "job" and column in ("locked_until", "lock_version") and not _is_leased(row):
            continue
        if column == "loop_counter" and row["multi_instance"]:
            continue
        if value not in (None, *OMITTED.get(column, ())) and column not in HIDDEN.get(table, ()):
            found[_camel(column)] = _value(column, value)
    if table in ("job", "task") and row["state"] == "CREATED" and row["due_at"] <= now:
        found["state"] = "DUE"
    return found


def _is_leased(row: Row) -> bool:
    return row["locked_until"] is not None and row["completed_at"] is None


def _camel(column: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), column)


def _value(column: str, value: Any) -> Any:
    if column.endswith("_at") or column == "locked_until":
        return value.replace(" ", "T").rstrip("0").rstrip(".") + "Z"
    if column == "tags":
        return [{"name": name, "value": value[name]} for name in sorted(value)]
    return value
