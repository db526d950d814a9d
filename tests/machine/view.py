"""Rows of a database, connected with each other, for the invariants."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.machine.drawing import Drawing, drawing
from tests.machine.tables import Row, Tables

ENDED = frozenset({"COMPLETED", "TERMINATED", "CANCELED"})
WORKER_TASKS = frozenset({"BUSINESS_RULE_TASK", "SCRIPT_TASK", "SEND_TASK", "SERVICE_TASK"})
SCOPES = frozenset({"PROCESS", "SUB_PROCESS", "TRANSACTION", "EVENT_SUB_PROCESS", "AD_HOC_SUB_PROCESS"})
ACTIVITIES = WORKER_TASKS | {"USER_TASK", "RECEIVE_TASK", "CALL_ACTIVITY"} | SCOPES - {"PROCESS"}

UNDOING = frozenset({"COMPENSATION_THROW_EVENT", "COMPENSATION_END_EVENT", "CANCEL_END_EVENT"})

HAPPENED = re.compile(r"parts:(\d+)")
"""How the context of an event begins that waits for several things: a bit for each that has happened."""

Key = tuple[str, int]


def active(row: Row) -> bool:
    return row["state"] not in ENDED


def key(row: Row) -> Key:
    return row["partition"], row["id"]


def name(row: Row) -> str:
    """How a violation calls an instance, element instance, job or the like."""
    return " ".join(
        str(row[column]) for column in ("partition", "id", "bpmn_element_id", "type", "state") if column in row
    )


def payload(task: Row) -> dict[str, Any]:
    """What a task carries along."""
    return json.loads(task["serialized_task"]) if task["serialized_task"] else {}


def is_boundary(row: Row) -> bool:
    return str(row["bpmn_element_type"]).endswith("_BOUNDARY_EVENT")


def starts_handler(row: Row) -> bool:
    """Whether it is the start event of an event sub-process, which waits in the scope around that."""
    return str(row["bpmn_element_type"]).endswith("_START_EVENT") and row["host_id"] is not None


def begins_handler(row: Row) -> bool:
    """The same of any event sub-process: what is about compensation does not wait."""
    return starts_handler(row) or row["bpmn_element_type"] == "COMPENSATION_START_EVENT"


def has_happened(row: Row) -> bool:
    """Of an attached event: then it may still wait for a decision where it goes on."""
    return row["started_at"] is not None


@dataclass(eq=False)
class View:
    tables: Tables
    now: str
    """Engine time."""
    sound: frozenset[int] = field(default_factory=frozenset)
    """Ids of processes in which a parallel join never waits in vain."""

    @cached_property
    def instances(self) -> list[Row]:
        return self.tables["process_instance"]

    @cached_property
    def elements(self) -> list[Row]:
        return self.tables["element_instance"]

    def instance(self, row: Row) -> Row:
        """The instance that a row belongs to."""
        return self.tables.by_key["process_instance"][row["partition"], row["process_instance_id"]]

    def element(self, row: Row, column: str = "element_instance_id") -> Row | None:
        return self.tables.one("element_instance", row["partition"], row[column])

    @cached_property
    def drawings(self) -> dict[int, Drawing]:
        return {row["id"]: drawing(row["bpmn_xml"]) for row in self.tables["process"]}

    def drawing(self, row: Row) -> Drawing:
        return self.drawings[row["process_id"]]

    @cached_property
    def element_ids(self) -> dict[int, str]:
        """BPMN ids by element id."""
        return {row["id"]: row["bpmn_element_id"] for row in self.tables["element"]}

    @cached_property
    def roots(self) -> dict[Key, Row]:
        """The PROCESS element instance of each instance."""
        return {
            (row["partition"], row["process_instance_id"]): row
            for row in self.elements
            if row["bpmn_element_type"] == "PROCESS"
        }

    @cached_property
    def children(self) -> dict[Key, list[Row]]:
        """Element instances by their scope, without the events that wait for what happens in it."""
        inside = (e for e in self.elements if e["bpmn_element_type"] != "PROCESS" and not starts_handler(e))
        return _grouped(inside, "parent_id")

    @cached_property
    def followers(self) -> dict[Key, list[Row]]:
        """Element instances that were reached by a flow or link, by where they came from."""
        return _grouped((e for e in self.elements if not is_boundary(e) and not self._undoes(e)), "prev_id")

    def _undoes(self, row: Row) -> bool:
        """Whether it came from what it undoes, or is a handler itself."""
        return row["bpmn_element_type"] == "COMPENSATION_START_EVENT" or self.is_undoing(row)

    @cached_property
    def attached(self) -> dict[Key, list[Row]]:
        """Boundary events, events behind an event-based gateway, and starts of event sub-processes, by their hosts."""
        return _grouped((e for e in self.elements if not self.is_undoing(e)), "host_id")

    @cached_property
    def undoing(self) -> dict[Key, list[Row]]:
        """Handlers that undo something, by the events that have started them."""
        return _grouped((e for e in self.elements if self.is_undoing(e)), "host_id")

    def is_undoing(self, row: Row) -> bool:
        host = self.element(row, "host_id")
        return host is not None and host["bpmn_element_type"] in UNDOING

    def is_inner(self, row: Row) -> bool:
        """Whether it is one of the instances of a loop or multi-instance."""
        scope = self.element(row, "parent_id")
        return scope is not None and row["bpmn_element_type"] != "PROCESS" and scope["element_id"] == row["element_id"]

    def is_body(self, row: Row) -> bool:
        """Whether it is what these are inside of."""
        return row["bpmn_element_id"] in self.drawing(row).marked and not self.is_inner(row)

    def is_gathering(self, row: Row) -> bool:
        """Whether a token waits until its activity has as many as it needs, or is selected."""
        return bool(row["state"] == "CREATED" and row["context"] == "waiting")

    def is_decided(self, row: Row) -> bool:
        """Whether it is an activity or event whose flows have conditions."""
        drawn, id = self.drawing(row), row["bpmn_element_id"]
        return id in drawn.chosen and not row["bpmn_element_type"].endswith("_GATEWAY")

    def has_parts(self, row: Row) -> bool:
        """Whether it is an event that has several definitions."""
        return row["bpmn_element_id"] in self.drawing(row).parts

    def awaited_parts(self, row: Row) -> list[tuple[int, str]]:
        """Of an event that waits for several things, those that have not happened, each with what it is about."""
        happened = HAPPENED.match(row["context"] or "")
        parts = self.drawing(row).parts.get(row["bpmn_element_id"], ())
        if happened is None or not active(row) or self.is_leaving(row):
            return []
        return [(part, kind) for part, kind in enumerate(parts) if not int(happened[1]) & 1 << part]

    def is_leaving(self, row: Row) -> bool:
        """Whether it is an event that has happened, and waits for a decision where it goes on."""
        if not active(row) or not self.is_decided(row):
            return False
        if any(job["type"] == "EVALUATE_OUTGOING_FLOWS" for job in self.jobs.get(key(row), ())):
            return True
        # Once it is armed there is nothing else to be evaluated.
        return row["context"] is not None and key(row) in self.unevaluated

    def passes(self, row: Row) -> bool:
        """Whether it is a task that nobody does, so that no event is attached to it."""
        kinds = ("globalManualTask", "globalTask")
        is_global = self.drawing(row).called.get(row["bpmn_element_id"]) in kinds
        return (row["bpmn_element_type"] in ("MANUAL_TASK", "TASK") or is_global) and not self.is_body(row)

    def is_for_people(self, row: Row) -> bool:
        """Whether it has a user task once it is STARTED."""
        is_global = self.drawing(row).called.get(row["bpmn_element_id"]) == "globalUserTask"
        return (row["bpmn_element_type"] == "USER_TASK" or is_global) and not self.is_body(row)

    @cached_property
    def jobs(self) -> dict[Key, list[Row]]:
        return _grouped(self.tables["job"], "element_instance_id")

    @cached_property
    def open_tasks(self) -> list[Row]:
        return [row for row in self.tables["task"] if row["completed_at"] is None]

    @cached_property
    def awaited_tasks(self) -> list[Row]:
        """Open tasks, and those that failed and will have a successor once their incident is resolved."""
        unresolved = {(r["partition"], r["task_id"]) for r in self.tables["incident"] if r["resolved_at"] is None}
        return [row for row in self.tables["task"] if row["completed_at"] is None or key(row) in unresolved]

    @cached_property
    def work(self) -> dict[Key, list[Row]]:
        """Open jobs and tasks that are not detached, and unresolved incidents, by element instance."""
        jobs = [row for row in self.tables["job"] if row["completed_at"] is None and not row["detached"]]
        tasks = [row for row in self.open_tasks if not row["detached"]]
        incidents = [row for row in self.tables["incident"] if row["resolved_at"] is None]
        return _grouped([*jobs, *tasks, *incidents], "element_instance_id")

    def work_tasks(self, element: Row) -> list[Row]:
        """The tasks among its work."""
        return [row for row in self.work.get(key(element), ()) if "serialized_task" in row]

    @cached_property
    def unevaluated(self) -> set[Key]:
        """Element instances something of which could not be evaluated, and has not been since."""
        awaited = (row for row in self.awaited_tasks if row["type"] == "EVALUATE_EXPRESSION")
        return {(row["partition"], row["element_instance_id"]) for row in awaited}

    @cached_property
    def subscriptions(self) -> dict[Key, list[Row]]:
        rows = self.tables["message_subscription"] + self.tables["signal_subscription"]
        return _grouped(rows, "element_instance_id")

    @cached_property
    def user_tasks(self) -> dict[Key, list[Row]]:
        return _grouped(self.tables["user_task"], "element_instance_id")

    @cached_property
    def called(self) -> dict[Key, list[Row]]:
        """Instances by the element instance of their call activity."""
        found: dict[Key, list[Row]] = defaultdict(list)
        for instance in self.instances:
            root = self.roots.get(key(instance))
            if root and root["parent_id"]:
                found[instance["partition"], root["parent_id"]].append(instance)
        return found

    @cached_property
    def terminating(self) -> set[Key]:
        """Instances that an open task will terminate."""
        return {
            (row["partition"], row["process_instance_id"])
            for row in self.open_tasks
            if row["type"] == "TERMINATE_PROCESS_INSTANCE"
        }


def _grouped(rows: Iterable[Row], column: str) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        if row[column] is not None:
            found[row["partition"], row[column]].append(row)
    return found
