"""What a race has left in the database, in a form that does not depend on who got which id; and what must hold then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.machine.invariants import violations
from tests.machine.tables import PARTITIONED, Row, Tables
from tests.machine.view import Key, View, active, key, name, payload

REFERENCES = {
    "element_id": "element",
    "element_instance_id": "element_instance",
    "job_id": "job",
    "message_id": "message",
    "prev_element_id": "element",
    "prev_id": "element_instance",
    "process_id": "process",
    "process_instance_id": "process_instance",
    "root_id": "process_instance",
    "signal_id": "signal",
    "task_id": "task",
}
"""The table of the row that a column refers to; `id`, `parent_id` and `owner_id` depend on their own table."""


SHOWN = 5
LOCK = ("error", "interruptions", "lock_version", "locked_at", "locked_by", "locked_until", "state")
"""What says of open work who has it, and how it was left."""


class Contents:
    """Rows as texts, in which what a row refers to stands in place of its id."""

    def __init__(self, tables: Tables, *, locks: bool = True) -> None:
        self._tables = tables
        self._locks = locks
        self._texts: dict[tuple[str, str, int], str] = {}
        self._rows = {
            (table, row["partition"] if table in PARTITIONED else "", row["id"]): row
            for table, rows in tables.items()
            for row in rows
            if "id" in row
        }

    def counted(self) -> Counter[str]:
        return Counter(self._text(table, row) for table, rows in self._tables.items() for row in rows)

    def _text(self, table: str, row: Row) -> str:
        day = row.get("partition", "")
        shown = {column: self._value(table, column, value, day) for column, value in row.items() if column != "id"}
        if not self._locks and table in ("job", "task") and row["completed_at"] is None:
            shown |= dict.fromkeys(LOCK)
        return (
            f"{table}({', '.join(f'{column}={value}' for column, value in sorted(shown.items()) if value is not None)})"
        )

    def _value(self, table: str, column: str, value: object, day: str) -> object:
        if column == "serialized_task" and value:
            carried = payload({column: value})
            named = {"MessageId": "message", "SignalId": "signal"}
            return {k: self._named(named[k], "", v) if k in named else v for k, v in sorted(carried.items())}
        of = REFERENCES.get(column)
        if column == "parent_id":
            of = table if table in ("process_instance", "element_instance") else None
        elif column == "owner_id":
            of = table.removesuffix("_variable")
        if of is None or not isinstance(value, int):
            return value
        return self._named(of, day, value)

    def _named(self, table: str, day: str, id: int) -> str:
        found = (table, day if table in PARTITIONED else "", id)
        if found not in self._texts:
            row = self._rows.get(found)
            text = self._text(table, row) if row else f"no {table}"
            # A short name is enough: what it stands for is shown where the row itself is.
            self._texts[found] = text if len(text) < 80 else f"{table}#{hash(text) & 0xFFFFFF:06x}"
        return self._texts[found]


def contents(tables: Tables, *, locks: bool = True) -> Counter[str]:
    """The rows, each as a text, with how often it is there; without `locks` it does not matter who has locked what."""
    return Contents(tables, locks=locks).counted()


def difference(found: Counter[str], expected: Counter[str]) -> str:
    """A line for each row that is there and should not be, or the other way round; the first few of them."""
    more = [f"  + {text}" for text in sorted((found - expected).elements())]
    less = [f"  - {text}" for text in sorted((expected - found).elements())]
    return "\n".join([*more[:SHOWN], *less[:SHOWN]])


def waiting(tables: Tables) -> set[Key]:
    """The instances in queues, whose turn has not come."""
    return {(row["partition"], row["process_instance_id"]) for row in tables["queue_entry"]}


def taken(tables: Tables) -> Counter[str]:
    """How many instances of each process take a slot."""
    queued = waiting(tables)
    return Counter(
        instance["bpmn_process_id"]
        for instance in tables["process_instance"]
        if active(instance) and key(instance) not in queued
    )


def at_rest(before: Tables, over: Tables, tables: Tables, now: str) -> list[str]:
    """What does not hold when no task is due any more; a race began with the rows `before` and left those of `over`."""
    view = View(tables, now)
    found = violations(tables, now)
    found += _limits(over, tables)
    found += _queues(view)
    found += _risen(before, view)
    found += _orphans(view)
    found += _left(view)
    found += _delivered_twice(before, view)
    found += _unique(view)
    return found


def _limits(over: Tables, tables: Tables) -> Iterator[str]:
    """Who was active when a limit was lowered goes on; nobody else comes in before there is a slot."""
    old, new = taken(over), taken(tables)
    for queue in tables["process_queue"]:
        process, limit = queue["bpmn_process_id"], queue["parallelism"]
        if limit > 0 and new[process] > max(limit, old[process]):
            yield f"limit: {new[process]} instances of {process} are active, {limit} may be"


def _queues(view: View) -> Iterator[str]:
    """Nobody waits while there is a slot: no wake-up was lost, though no task is due any more.

    Only a task that has failed may still come, when its incident is resolved.
    """
    tables = view.tables
    limits = {row["bpmn_process_id"]: row["parallelism"] for row in tables["process_queue"]}
    processes = {row["id"]: row["bpmn_process_id"] for row in tables["process"]}
    failed = [row for row in view.awaited_tasks if row["completed_at"] is not None]
    dequeuing = {processes.get(row["process_id"], "") for row in failed if row["type"] == "DEQUEUE_PROCESS_INSTANCE"}
    starting = {row["process_instance_id"] for row in failed if row["type"] == "START_PROCESS_INSTANCE"}
    active_ones, queued = taken(tables), waiting(tables)
    for instance in tables["process_instance"]:
        process = instance["bpmn_process_id"]
        if instance["state"] != "QUEUED":
            continue
        if key(instance) not in queued:
            if instance["id"] not in starting:
                yield f"queue: {name(instance)} of {process} has left the queue, but never started"
        elif active_ones[process] < max(limits.get(process, 0), 1) and process not in dequeuing:
            yield f"queue: {name(instance)} of {process} waits, though only {active_ones[process]} are active"


def _risen(before: Tables, view: View) -> Iterator[str]:
    """What has ended stays as it is, unless it is deleted."""
    for instance in before["process_instance"]:
        if not active(instance) and view.tables.by_key["process_instance"].get(key(instance), instance) != instance:
            yield f"risen: {name(instance)} had ended, and was changed"


def _orphans(view: View) -> Iterator[str]:
    """An instance that is deleted leaves nothing."""
    known = set(view.tables.by_key["process_instance"])
    for table in ("element_instance", "job", "task", "user_task", "incident", "variable"):
        for row in view.tables[table]:
            if row["process_instance_id"] and (row["partition"], row["process_instance_id"]) not in known:
                yield f"orphan: {table} {name(row)} belongs to an instance that is gone"


def _left(view: View) -> Iterator[str]:
    """What nobody needs any more is gone, or marked."""
    for table in ("message_subscription", "signal_subscription"):
        for row in view.tables[table]:
            element = view.element(row)
            if element is None or not active(element):
                yield f"left: a {table} of {row['bpmn_element_id']}, whose element has ended"
    for table in ("job", "task"):
        for row in view.tables[table]:
            element = view.element(row)
            open_ = row["completed_at"] is None and not row["detached"]
            if open_ and element is not None and not active(element):
                yield f"left: {table} {name(row)} is open, but its element has ended"


def _delivered_twice(before: Tables, view: View) -> Iterator[str]:
    """A message reaches one, and a signal each of its subscribers once."""
    reached: Counter[tuple[str, int, Key | int]] = Counter()
    for task in view.tables["task"]:
        carried = payload(task)
        if task["state"] == "CAUSED_RETRY":
            continue
        if "MessageId" in carried:
            reached["message", carried["MessageId"], 0] += 1
        if "SignalId" in carried:
            target = (task["partition"], task["element_instance_id"] or 0)
            reached["signal", carried["SignalId"], target if target[1] else task["element_id"]] += 1
    for (kind, id, _), count in reached.items():
        if count > 1:
            yield f"twice: {kind} {id} has {count} tasks"


def _unique(view: View) -> Iterator[str]:
    """Of the messages with one unique key, one at most can still be consumed or is on its way."""
    keys = Counter(
        (row["name"], row["correlation_key"], row["unique_key"])
        for row in view.tables["message"]
        if row["unique_key"] and (row["expires_at"] is None or (not row["correlated"] and row["expires_at"] > view.now))
    )
    yield from (f"unique: {count} messages with {found}" for found, count in keys.items() if count > 1)
