"""What must hold of the rows after every command, whatever the models and commands were.

Each invariant is a function that yields a sentence per violation; its name is the name of the violation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

from app.bpmn.model import ElementType
from app.engine.elements import BEHAVIORS, EVENTS_OF_HANDLERS, MULTI_INSTANCE, STANDARD_LOOP
from tests.machine.tables import GLOBAL, PARTITIONED, Tables
from tests.machine.view import ENDED, View, active, has_happened, key, name, payload, starts_handler
from tests.machine.waiting import WAITING, waits_at_join

Invariant = Callable[[View], Iterator[str]]

COMPLETED_WORK = frozenset({"DONE", "CAUSED_RETRY", "CAUSED_INCIDENT", "CANCELED"})


def instances_end_with_their_elements(view: View) -> Iterator[str]:
    """An instance and its PROCESS are in one state; it is ended exactly when nothing in it is active."""
    moving = {(e["partition"], e["process_instance_id"]) for e in view.elements if active(e)}
    for instance in view.instances:
        root = view.roots.get(key(instance))
        if root is None:
            yield f"{name(instance)}: has no PROCESS"
        elif root["state"] != instance["state"]:
            yield f"{name(instance)}: its PROCESS is {root['state']}"
        if active(instance) != (key(instance) in moving):
            yield f"{name(instance)}: contains {'active' if key(instance) in moving else 'no active'} elements"


def nothing_is_active_in_what_has_ended(view: View) -> Iterator[str]:
    for element in view.elements:
        if not active(element):
            continue
        if not active(view.instance(element)):
            yield f"{name(element)}: its instance has ended"
        scope = view.element(element, "parent_id")
        if element["bpmn_element_type"] != "PROCESS" and (scope is None or not active(scope)):
            yield f"{name(element)}: its scope has ended"
    for host, events in view.attached.items():
        if not active(view.tables.by_key["element_instance"][host]):
            waiting = [event for event in events if active(event) and not has_happened(event)]
            yield from (f"{name(event)}: its host has ended" for event in waiting)
    for host, handlers in view.undoing.items():
        if not active(view.tables.by_key["element_instance"][host]):
            yield from (f"{name(handler)}: what it is for has ended" for handler in handlers if active(handler))


def work_belongs_to_active_elements(view: View) -> Iterator[str]:
    """What is open is detached exactly when its element instance has ended, or needs no other part to happen."""
    for kind in ("job", "task"):
        for row in view.tables[kind]:
            element = view.element(row)
            if row["completed_at"] is not None or element is None:
                continue
            is_left = row["type"] == "TRIGGER_EVENT" and view.has_parts(element) and view.is_leaving(element)
            if row["detached"] == (active(element) and not is_left):
                yield f"{kind} {name(row)}: detached is {row['detached']}, but its element is {element['state']}"


def jobs_are_of_types_that_their_elements_have(view: View) -> Iterator[str]:
    """Workers who ask for a type of job are shown those of such elements only."""
    for job in view.tables["job"]:
        element = view.element(job)
        if element is None:
            continue
        kind = ElementType(element["bpmn_element_type"])
        behavior = (EVENTS_OF_HANDLERS if starts_handler(element) else BEHAVIORS)[kind]
        allowed = (*MULTI_INSTANCE.jobs, *STANDARD_LOOP.jobs) if view.is_body(element) else behavior.jobs
        if view.is_decided(element) and not view.is_inner(element):
            allowed = (*allowed, "EVALUATE_OUTGOING_FLOWS")
        if element["bpmn_element_id"] in view.drawing(element).called and not view.is_body(element):
            allowed = ("EXECUTE", *allowed)
        if job["type"] not in allowed:
            yield f"job {name(job)}: {job['type']} at a {element['bpmn_element_type']}"


def subscriptions_belong_to_active_elements(view: View) -> Iterator[str]:
    for host, found in view.subscriptions.items():
        element = view.tables.by_key["element_instance"].get(host)
        if element is None or not active(element):
            yield f"{found[0]['bpmn_element_id']} {host}: a subscription is left"
        if len({row["part"] for row in found}) < len(found):
            yield f"{found[0]['bpmn_element_id']} {host}: has {len(found)} subscriptions"


def user_tasks_live_as_long_as_their_elements(view: View) -> Iterator[str]:
    for element in view.elements:
        found = view.user_tasks.get(key(element), [])
        open_ones = [row for row in found if row["state"] == "STARTED"]
        expected = view.is_for_people(element) and element["state"] == "STARTED"
        # Once it is completed, it may wait for a decision where it goes on, and end from outside meanwhile.
        is_decided = view.is_decided(element) and not view.is_inner(element)
        expected = expected and not (is_decided and key(element) in view.work)
        if len(open_ones) != expected or len(found) > 1:
            yield f"{name(element)}: user tasks are {[row['state'] for row in found]}"
        for row in found:
            allowed = {"COMPLETED": {"COMPLETED"}, "STARTED": {"STARTED"}}.get(row["state"], {"TERMINATED", "CANCELED"})
            if is_decided and row["state"] == "COMPLETED":
                allowed = {"COMPLETED", "STARTED", "TERMINATED", "CANCELED"}
            if element["state"] not in allowed:
                yield f"user task {name(row)}: its element is {element['state']}"


def active_children_are_counted(view: View) -> Iterator[str]:
    for element in view.elements:
        count = sum(active(child) for child in view.children.get(key(element), ()))
        if element["active_children"] != count:
            yield f"{name(element)}: counts {element['active_children']} active children, but has {count}"


def handlers_and_joins_are_counted(view: View) -> Iterator[str]:
    """What is among its active children handles its events, or waits at a gateway for others."""
    for element in view.elements:
        inside = [child for child in view.children.get(key(element), ()) if active(child)]
        handlers = sum(child["bpmn_element_type"] == "EVENT_SUB_PROCESS" for child in inside)
        if element["active_handlers"] != handlers:
            yield f"{name(element)}: counts {element['active_handlers']} handlers, but has {handlers}"
        joins = sum(waits_at_join(view, child) for child in inside)
        if element["waiting_joins"] != joins:
            yield f"{name(element)}: counts {element['waiting_joins']} tokens that wait at joins, but has {joins}"


def pending_events_are_counted(view: View) -> Iterator[str]:
    """An event is pending until its job is done; one whose message was there already stays so until it happens."""
    for element in view.elements:
        least = most = 0
        if active(element):
            for event in view.attached.get(key(element), ()):
                jobs = view.jobs.get(key(event), ())
                if not active(event) or has_happened(event):
                    continue
                if key(event) in view.unevaluated or (jobs and all(job["state"] != "DONE" for job in jobs)):
                    least, most = least + 1, most + 1
                elif any("MessageId" in payload(row) for row in view.work_tasks(event)):
                    most += 1
            if element["state"] == "STARTED" and element["bpmn_element_type"] != "PROCESS":
                # What has happened inside of it did not wait for the others.
                least = 0
        if not least <= element["pending_events"] <= most:
            yield f"{name(element)}: {element['pending_events']} events are pending, expected {least} to {most}"


def calls_are_tied_to_their_callers(view: View) -> Iterator[str]:
    for instance in view.instances:
        root = view.roots.get(key(instance))
        parent = view.tables.one("process_instance", instance["partition"], instance["parent_id"])
        if instance["parent_id"] is None:
            if instance["root_id"] is not None or (root and root["parent_id"] is not None):
                yield f"{name(instance)}: has no parent, but root {instance['root_id']}"
            continue
        call = root and view.element(root, "parent_id")
        if parent is None or not call or call["bpmn_element_type"] != "CALL_ACTIVITY":
            yield f"{name(instance)}: is called by nothing"
            continue
        if call["process_instance_id"] != parent["id"]:
            yield f"{name(instance)}: is called by {name(call)} of another instance"
        if instance["root_id"] != (parent["root_id"] or parent["id"]):
            yield f"{name(instance)}: root is {instance['root_id']}"
        if active(instance) and not active(call) and key(instance) not in view.terminating:
            yield f"{name(instance)}: its call activity has ended, and no task will terminate it"


def ids_ascend(view: View) -> Iterator[str]:
    """Ids are unique, and follow the order of creation."""
    for table in (*PARTITIONED, *GLOBAL):
        for before, row in pairwise(view.tables[table]):
            if before.get("partition") != row.get("partition"):
                continue
            if before["id"] >= row["id"]:
                yield f"{table} {row['id']}: not unique"
            if "created_at" in row and before["created_at"] > row["created_at"]:
                yield f"{table} {row.get('partition')} {row['id']}: created before {before['id']}"


def variables_are_unique_in_their_scope(view: View) -> Iterator[str]:
    counts = Counter(
        (row["partition"], row["process_instance_id"], row["element_instance_id"], row["name"])
        for row in view.tables["variable"]
    )
    yield from (f"variable {scope}: is there {count} times" for scope, count in counts.items() if count > 1)


def locks_have_owners(view: View) -> Iterator[str]:
    for kind in ("job", "task"):
        for row in view.tables[kind]:
            held = row["state"] == "LOCKED" or row["state"] in COMPLETED_WORK
            if row["type"] == "EVALUATE_EXPRESSION" and row["state"] == "CAUSED_INCIDENT":
                # That nobody has run tells what could not be evaluated in the first place.
                held = row["locked_by"] is not None
            if held != (row["locked_by"] is not None) or held != (row["locked_at"] is not None):
                yield f"{kind} {name(row)}: locked by {row['locked_by']} at {row['locked_at']}"
            if (row["completed_at"] is not None) != (row["state"] in COMPLETED_WORK):
                yield f"{kind} {name(row)}: completed at {row['completed_at']}"


ORDERS = {
    "process_instance": ("created_at", "started_at", "ended_at"),
    "element_instance": ("created_at", "started_at", "ended_at"),
    "job": ("created_at", "locked_at", "completed_at"),
    "task": ("created_at", "locked_at", "completed_at"),
    "user_task": ("created_at", "updated_at"),
    "incident": ("created_at", "resolved_at"),
    "variable": ("created_at", "updated_at"),
}


def times_are_in_order(view: View) -> Iterator[str]:
    for table, columns in ORDERS.items():
        for row in view.tables[table]:
            times = [row[column] for column in columns if row[column] is not None]
            if times != sorted(times) or times[-1] > view.now:
                yield f"{table} {name(row)}: {times}"


def states_have_their_times(view: View) -> Iterator[str]:
    for row in (*view.instances, *view.elements):
        if (row["ended_at"] is not None) != (row["state"] in ENDED):
            yield f"{name(row)}: ended at {row['ended_at']}"
        if row["state"] in ("STARTED", "COMPLETED") and row["started_at"] is None:
            yield f"{name(row)}: never started"
        if row["state"] in ("CREATED", "QUEUED") and row["started_at"] is not None:
            yield f"{name(row)}: started at {row['started_at']}"


def failures_are_followed_up(view: View) -> Iterator[str]:
    """A failed job or task has an error, and a retry or exactly one incident."""
    for kind in ("job", "task"):
        incidents = Counter((row["partition"], row[f"{kind}_id"]) for row in view.tables["incident"])
        for row in view.tables[kind]:
            if incidents[key(row)] != (row["state"] == "CAUSED_INCIDENT"):
                yield f"{kind} {name(row)}: has {incidents[key(row)]} incidents"
            if (row["error"] is not None) != (row["state"] in ("CAUSED_RETRY", "CAUSED_INCIDENT")):
                yield f"{kind} {name(row)}: error is {row['error']}"


def messages_are_counted_once(view: View) -> Iterator[str]:
    """A message that somebody waits for is not buffered, and one that is on its way is neither used nor expired.

    Who is just getting one takes buffered ones after it.
    """
    waiting = {
        (row["name"], row["correlation_key"])
        for row in view.tables["message_subscription"]
        if (row["partition"], row["element_instance_id"]) not in view.work
    }
    for message in view.tables["message"]:
        buffered = not message["correlated"] and message["expires_at"] > view.now
        if buffered and (message["name"], message["correlation_key"]) in waiting:
            yield f"message {message['id']}: buffered, although somebody waits for it"
        carried = [row for row in view.open_tasks if payload(row).get("MessageId") == message["id"]]
        if carried and (not message["correlated"] or message["expires_at"] is not None):
            yield f"message {message['id']}: on its way, but expires at {message['expires_at']}"
        if len(carried) > 1:
            yield f"message {message['id']}: is delivered by {len(carried)} tasks"


def unique_keys_are_held_once(view: View) -> Iterator[str]:
    """A message holds its unique key until an instance that it started has ended."""
    finished = {row["message_id"] for row in view.instances if not active(row)}
    held: Counter[tuple[str, str, str]] = Counter()
    for message in view.tables["message"]:
        if message["key_freed"] != (message["id"] in finished):
            yield f"message {message['id']}: its key is {'free' if message['key_freed'] else 'held'}"
        if message["unique_key"] and not message["key_freed"]:
            held[message["name"], message["correlation_key"], message["unique_key"]] += 1
    yield from (f"unique key {key}: is held {count} times" for key, count in held.items() if count > 1)


def signals_count_their_subscribers(view: View) -> Iterator[str]:
    unresolved = {(row["partition"], row["task_id"]) for row in view.tables["incident"] if row["resolved_at"] is None}
    outstanding: Counter[int] = Counter()
    for task in view.tables["task"]:
        if task["completed_at"] is None or key(task) in unresolved:
            outstanding[payload(task).get("SignalId", 0)] += 1
    for signal in view.tables["signal"]:
        if signal["active_subscriber_count"] != outstanding[signal["id"]]:
            counted = signal["active_subscriber_count"]
            yield f"signal {signal['id']}: counts {counted} subscribers, but has {outstanding[signal['id']]}"


INVARIANTS: dict[str, Invariant] = {
    invariant.__name__: invariant
    for invariant in (
        instances_end_with_their_elements,
        nothing_is_active_in_what_has_ended,
        work_belongs_to_active_elements,
        jobs_are_of_types_that_their_elements_have,
        subscriptions_belong_to_active_elements,
        user_tasks_live_as_long_as_their_elements,
        active_children_are_counted,
        handlers_and_joins_are_counted,
        pending_events_are_counted,
        calls_are_tied_to_their_callers,
        ids_ascend,
        variables_are_unique_in_their_scope,
        locks_have_owners,
        times_are_in_order,
        states_have_their_times,
        failures_are_followed_up,
        messages_are_counted_once,
        unique_keys_are_held_once,
        signals_count_their_subscribers,
        *WAITING,
    )
}


def violations(tables: Tables, now: str, sound: frozenset[int] = frozenset()) -> list[str]:
    """All violations at engine time `now`, each with the name of its invariant in front."""
    view = View(tables, now, sound)
    return [f"{title}: {text}" for title, invariant in INVARIANTS.items() for text in invariant(view)]
