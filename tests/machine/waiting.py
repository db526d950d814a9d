"""Invariants about progress: whatever is active has something to wait for, and tokens go where flows lead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.machine.tables import Row
from tests.machine.view import (
    ACTIVITIES,
    SCOPES,
    UNDOING,
    View,
    active,
    begins_handler,
    has_happened,
    is_boundary,
    key,
    name,
    payload,
    starts_handler,
)

SUBSCRIBED = frozenset({f"{kind}_{place}_EVENT" for kind in ("MESSAGE", "SIGNAL") for place in ("BOUNDARY", "START")})
CODED = frozenset({f"{kind}_{place}_EVENT" for kind in ("ERROR", "ESCALATION") for place in ("BOUNDARY", "START")})
DECIDED = frozenset({"EXCLUSIVE_GATEWAY", "INCLUSIVE_GATEWAY"})
CONDITIONAL = frozenset({f"CONDITIONAL_{place}_EVENT" for place in ("BOUNDARY", "CATCH", "START")})
UNSUBSCRIBED = frozenset({"conditional", "error", "escalation"})
"""What an event waits for without work or a subscription."""
GOES_ON_EARLY = frozenset({"COMPLEX_GATEWAY", "COMPENSATION_THROW_EVENT"})
"""What may stay when its flows have gone on."""


def waiting_elements_have_a_reason(view: View) -> Iterator[str]:
    """No instance hangs: each active element instance waits for work, an event, or what it contains."""
    for element in view.elements:
        if active(element) and not _has_reason(view, element):
            yield f"{name(element)}: waits for nothing"


def _has_reason(view: View, element: Row) -> bool:
    kind, state = element["bpmn_element_type"], element["state"]
    if state in ("SUSPENDED", "QUEUED"):
        return bool(view.instance(element)["state"] == state)
    if view.is_gathering(element):
        return _waits_for_more(view, element)
    if state == "STARTED" and view.is_decided(element) and key(element) in view.work:
        return True
    if kind in CONDITIONAL or kind == "CANCEL_BOUNDARY_EVENT":
        return state == ("STARTED" if kind == "CONDITIONAL_CATCH_EVENT" and not element["host_id"] else "CREATED")
    if kind in UNDOING:
        return any(active(handler) for handler in view.undoing.get(key(element), ()))
    if element["host_id"] is not None and kind == "RECEIVE_TASK":
        return key(element) in view.work or key(element) in view.subscriptions
    scope = view.element(element, "parent_id")
    if state == "CREATED" and scope and scope["bpmn_element_type"] == "PROCESS" and scope["pending_events"]:
        # The process begins once the starts of its event sub-processes are defined.
        return True
    if view.is_body(element) and state == "STARTED":
        return bool(element["active_children"] > 0) or key(element) in view.work
    if state == "CREATED" and (kind in ACTIVITIES or kind == "EVENT_BASED_GATEWAY"):
        return bool(element["pending_events"] > 0)
    if kind in SCOPES:
        return bool(element["active_children"] > 0) or (kind == "AD_HOC_SUB_PROCESS" and key(element) in view.work)
    if kind == "EVENT_BASED_GATEWAY":
        return any(active(event) for event in view.attached.get(key(element), ()))
    if view.is_for_people(element):
        return any(row["state"] == "STARTED" for row in view.user_tasks.get(key(element), ()))
    if kind == "PARALLEL_GATEWAY":
        # Whether that is in vain is told by the invariants about joins.
        return state == "STARTED"
    if waits_at_join(view, element):
        return True
    if kind == "CALL_ACTIVITY":
        return key(element) in view.work or _waits_for_called(view, element)
    if kind in CODED and element["context"] is not None:
        return state == "CREATED"
    if any(about in UNSUBSCRIBED for _, about in view.awaited_parts(element)):
        return state == ("CREATED" if element["host_id"] else "STARTED")
    return key(element) in view.work or key(element) in view.subscriptions


def _waits_for_more(view: View, element: Row) -> bool:
    """Whether its activity needs more tokens, or is one that somebody selects."""
    scope = view.element(element, "parent_id")
    if scope is not None and scope["bpmn_element_type"] == "AD_HOC_SUB_PROCESS":
        return key(scope) in view.work or bool(scope["active_children"] > 1)
    needed, _ = view.drawing(element).quantities.get(element["bpmn_element_id"], (1, 1))
    siblings = view.children.get((element["partition"], element["parent_id"]), ())
    return needed > sum(s["element_id"] == element["element_id"] and view.is_gathering(s) for s in siblings)


def waits_at_join(view: View, element: Row) -> bool:
    """Whether a token waits at a gateway for others that may come, or keeps a complex gateway from its next start."""
    kind, context = element["bpmn_element_type"], element["context"]
    if element["state"] != "STARTED" or kind not in ("COMPLEX_GATEWAY", "INCLUSIVE_GATEWAY"):
        return False
    drawn, id = view.drawing(element), element["bpmn_element_id"]
    if len(drawn.sources.get(id, ())) < 2 and id not in drawn.activated:
        return False
    return context is None or (kind == "COMPLEX_GATEWAY" and context.startswith(("asked", "reset:")))


def _waits_for_called(view: View, element: Row) -> bool:
    """A canceled instance leaves its caller waiting; a terminated one has handed over its error or escalation."""
    hosts = [key(element), (element["partition"], element["parent_id"])]
    handed_over = any(key(event) in view.work for host in hosts for event in view.attached.get(host, ()))
    return any(
        active(called) or called["state"] == "CANCELED" or (called["state"] == "TERMINATED" and handed_over)
        for called in view.called.get(key(element), ())
    )


def joins_go_on_when_all_have_arrived(view: View) -> Iterator[str]:
    arrived: dict[tuple[str, int, int], list[Row]] = {}
    for element in view.elements:
        if element["bpmn_element_type"] == "PARALLEL_GATEWAY" and element["state"] == "STARTED":
            group = element["partition"], element["parent_id"], element["element_id"]
            arrived.setdefault(group, []).append(element)
    for tokens in arrived.values():
        needed = Counter(view.drawing(tokens[0]).sources[tokens[0]["bpmn_element_id"]])
        found = Counter(view.element_ids.get(token["prev_element_id"], "") for token in tokens)
        if not found.keys() <= needed.keys():
            yield f"{name(tokens[0])}: joins {set(found)}, but its sources are {set(needed)}"
        if needed <= found and not any(key(token) in view.work for token in tokens):
            yield f"{name(tokens[0])}: all have arrived, but no task is left"


def joins_do_not_wait_in_vain(view: View) -> Iterator[str]:
    """In a sound model there is always a token left that a waiting join can still get."""
    for element in view.elements:
        if element["process_id"] not in view.sound or element["bpmn_element_type"] not in SCOPES or not active(element):
            continue
        if element["bpmn_element_type"] == "AD_HOC_SUB_PROCESS":
            # What waits to be selected ends once it is over, and does not get to a join any more.
            continue
        inside = [child for child in view.children.get(key(element), ()) if active(child)]
        stuck = [
            child
            for child in inside
            if child["bpmn_element_type"] == "PARALLEL_GATEWAY"
            and child["state"] == "STARTED"
            and key(child) not in view.work
        ]
        if inside and len(stuck) == len(inside):
            yield f"{name(element)}: only {[name(child) for child in stuck]} are left"


def queues_go_on(view: View) -> Iterator[str]:
    """Who waits in a queue waits for a slot that is taken, or for a task that takes it out."""
    queues = {row["bpmn_process_id"]: row for row in view.tables["process_queue"]}
    entries = {(row["partition"], row["process_instance_id"]): row for row in view.tables["queue_entry"]}
    processes = {row["id"]: row["bpmn_process_id"] for row in view.tables["process"]}
    dequeuing = {
        processes[row["process_id"]] for row in view.awaited_tasks if row["type"] == "DEQUEUE_PROCESS_INSTANCE"
    }
    starting = {
        (row["partition"], row["process_instance_id"])
        for row in view.awaited_tasks
        if row["type"] == "START_PROCESS_INSTANCE"
    }
    taken: Counter[str] = Counter()
    queued: Counter[str] = Counter()
    for instance in view.instances:
        entry = entries.pop(key(instance), None)
        if entry:
            columns = ("bpmn_process_id", "process_id", "created_at")
            if instance["state"] != "QUEUED" or any(entry[column] != instance[column] for column in columns):
                yield f"{name(instance)}: has the entry {entry}"
            queued[instance["bpmn_process_id"]] += 1
        elif active(instance):
            taken[instance["bpmn_process_id"]] += 1
            if instance["state"] == "QUEUED" and key(instance) not in starting:
                yield f"{name(instance)}: has left the queue, but no task starts it"
    yield from (f"entry {entry}: of no instance" for entry in entries)
    for process_id, queue in queues.items():
        if queue["parallelism"] and queue["active"] != taken[process_id]:
            yield f"{process_id}: counts {queue['active']} active instances, but has {taken[process_id]}"
    for process_id, count in queued.items():
        limit = queues[process_id]["parallelism"] if process_id in queues else 0
        full = limit > 0 and taken[process_id] >= limit
        if not full and process_id not in dequeuing and not (limit < 0 and taken[process_id]):
            yield f"{process_id}: {count} instances are queued, {taken[process_id]} active, limit {limit}"


def tokens_follow_the_flows(view: View) -> Iterator[str]:
    """Each token comes from an element that has completed, along a flow or link; events come from their hosts."""
    for element in view.elements:
        prev = view.element(element, "prev_id")
        if prev is None:
            is_start = element["bpmn_element_type"].endswith("_START_EVENT") or view.is_inner(element)
            scope = view.element(element, "parent_id")
            is_start |= scope is not None and scope["bpmn_element_type"] == "AD_HOC_SUB_PROCESS"
            is_start |= (
                element["bpmn_element_id"] in view.drawing(element).begins - view.drawing(element).sources.keys()
            )
            if element["bpmn_element_type"] != "PROCESS" and not is_start:
                yield f"{name(element)}: came from nowhere"
            continue
        drawn = view.drawing(element)
        if element["bpmn_element_type"] == "EVENT_SUB_PROCESS":
            if not begins_handler(prev) or prev["state"] != "COMPLETED":
                yield f"{name(element)}: was started by {name(prev)}"
            continue
        if element["bpmn_element_type"] in ("COMPENSATION_BOUNDARY_EVENT", "COMPENSATION_START_EVENT"):
            if prev["compensation"] != "DONE" or drawn.undone_by[prev["bpmn_element_id"]] != element["bpmn_element_id"]:
                yield f"{name(element)}: does not undo {name(prev)}"
            continue
        if view.is_undoing(element):
            if drawn.handlers[prev["bpmn_element_id"]] != element["bpmn_element_id"]:
                yield f"{name(element)}: is no handler of {name(prev)}"
            continue
        scope = view.element(element, "parent_id")
        around = scope["parent_id"] if scope and begins_handler(prev) else element["parent_id"]
        if prev["parent_id"] != around or prev["element_id"] != element["prev_element_id"]:
            yield f"{name(element)}: came from {name(prev)} elsewhere"
        if is_boundary(element):
            if element["bpmn_element_id"] not in drawn.attached.get(prev["bpmn_element_id"], ()):
                yield f"{name(element)}: attached to {name(prev)}"
        elif element["bpmn_element_type"] == "LINK_CATCH_EVENT":
            if prev["bpmn_element_type"] != "LINK_THROW_EVENT":
                yield f"{name(element)}: linked from {name(prev)}"
        elif prev["bpmn_element_id"] not in drawn.sources.get(element["bpmn_element_id"], ()):
            yield f"{name(element)}: no flow from {name(prev)}"
        elif prev["bpmn_element_type"] not in ("EVENT_BASED_GATEWAY", *GOES_ON_EARLY) and prev["state"] != "COMPLETED":
            yield f"{name(element)}: came from {name(prev)}"


def completed_elements_move_on(view: View) -> Iterator[str]:
    """A completed element was left along each of its flows once; a gateway that decides, along what was decided."""
    for element in view.elements:
        kind = element["bpmn_element_type"]
        if element["state"] != "COMPLETED" or kind in ("LINK_THROW_EVENT", "EVENT_BASED_GATEWAY", "PROCESS"):
            continue
        if view.is_inner(element):
            continue
        if kind in ("ESCALATION_THROW_EVENT", "MULTIPLE_THROW_EVENT") and _was_interrupted(view, element):
            continue
        drawn = view.drawing(element)
        needed, repeated = drawn.quantities.get(element["bpmn_element_id"], (1, 1))
        targets = drawn.targets.get(element["bpmn_element_id"], []) * repeated
        followers = view.followers.get(key(element), ())
        left = Counter(r["bpmn_element_id"] for r in followers if r["bpmn_element_type"] != "EVENT_SUB_PROCESS")
        joins = len(drawn.sources.get(element["bpmn_element_id"], ())) > 1
        if not left and (needed > 1 or (joins and kind in ("COMPLEX_GATEWAY", "INCLUSIVE_GATEWAY"))):
            # Another one has gone on for it.
            continue
        if kind in DECIDED and len(targets) > 1:
            fits = left.total() == 1 if kind == "EXCLUSIVE_GATEWAY" else left.total() > 0 and left <= Counter(targets)
        elif kind == "PARALLEL_GATEWAY" and len(drawn.sources.get(element["bpmn_element_id"], ())) > 1:
            fits = not left or left == Counter(targets)
        elif kind == "COMPLEX_GATEWAY":
            # Where tokens came late, it has gone on once more.
            fits = bool(left) == bool(targets) and left.keys() <= set(targets) and left.total() <= 2 * len(targets)
        elif view.is_decided(element):
            chosen = drawn.chosen[element["bpmn_element_id"]]
            default = drawn.defaults.get(element["bpmn_element_id"])
            least = Counter(targets) - Counter([*chosen, *([default] if default else [])] * repeated)
            fits = left.total() > 0 and least <= left <= Counter(targets)
        else:
            fits = left == Counter(targets)
        if not fits:
            yield f"{name(element)}: left to {dict(left)}, but its flows lead to {targets}"


def _was_interrupted(view: View, element: Row) -> bool:
    """Whether what an element is in ended with it, by what the element has thrown; then nothing follows it."""
    scope = view.element(element, "parent_id")
    if scope is None or key(element) in view.followers:
        return False
    handled = any(
        handler["bpmn_element_type"] == "EVENT_SUB_PROCESS" and handler["created_at"] == element["ended_at"]
        for handler in view.children.get(key(scope), ())
    )
    return handled or (scope["state"], scope["ended_at"]) == ("TERMINATED", element["ended_at"])


def events_that_recur_stay_subscribed(view: View) -> Iterator[str]:
    """A boundary event that does not interrupt waits for what it is for as long as its host is active."""
    for element in view.elements:
        if not active(element) or not _recurs(view, element) or element["context"] is None or has_happened(element):
            continue
        if element["bpmn_element_type"] in SUBSCRIBED and key(element) not in view.subscriptions:
            yield f"{name(element)}: has no subscription"


def parts_are_waited_for(view: View) -> Iterator[str]:
    """An event that waits for several things waits for each that has not happened, and for no other."""
    for element in view.elements:
        if not view.has_parts(element):
            continue
        parts, tasks = view.awaited_parts(element), view.work_tasks(element)
        subscribed = {row["part"] for row in view.subscriptions.get(key(element), ())}
        if not subscribed <= {part for part, _ in parts}:
            yield f"{name(element)}: waits for {subscribed}, expected some of {parts}"
        with_task = {payload(row).get("Part") for row in tasks}
        needs_one, recurs = element["bpmn_element_type"].startswith("MULTIPLE_"), _recurs(view, element)
        delivered = [payload(row)["Part"] for row in tasks if "MessageId" in payload(row)]
        if delivered and needs_one and not recurs:
            # If the message was there before it, it need not wait for what follows.
            parts = [(part, about) for part, about in parts if part < min(delivered)]
        for part, about in parts:
            stays_subscribed = needs_one and recurs and about != "timer"
            if about not in UNSUBSCRIBED and part not in subscribed | (set() if stays_subscribed else with_task):
                yield f"{name(element)}: does not wait for {about} {part}"


def what_has_happened_is_canceled_with_its_host_only(view: View) -> Iterator[str]:
    """However many triggers there were of a boundary event, and in whatever order their tasks have run."""
    for task in view.tables["task"]:
        element = view.element(task)
        if task["state"] != "CANCELED" or task["type"] != "TRIGGER_EVENT" or not element or not is_boundary(element):
            continue
        host = view.element(element, "prev_id")
        if host is not None and active(host) and not view.is_decided(host):
            yield f"task {name(task)}: canceled, but {name(host)} is active"


def _recurs(view: View, element: Row) -> bool:
    attached = (is_boundary(element) and element["host_id"] is not None) or starts_handler(element)
    return attached and not view.drawing(element).interrupting[element["bpmn_element_id"]]


def events_are_attached_once(view: View) -> Iterator[str]:
    """What has started has each of its events once, and one more for each time that it did not interrupt."""
    for element in view.elements:
        if element["state"] not in ("CREATED", "STARTED", "COMPLETED"):
            continue
        starts = element["bpmn_element_type"] == "EVENT_BASED_GATEWAY" and element["prev_id"] is None
        if starts or view.is_gathering(element) or view.passes(element):
            continue
        drawn = view.drawing(element)
        events = view.attached.get(key(element), [])
        if element["bpmn_element_type"] == "EVENT_BASED_GATEWAY":
            expected = Counter(drawn.targets[element["bpmn_element_id"]])
        else:
            expected = Counter(() if view.is_inner(element) else drawn.attached.get(element["bpmn_element_id"], ()))
            expected.update(() if view.is_body(element) else drawn.handler_starts.get(element["bpmn_element_id"], ()))
            expected.update(event["bpmn_element_id"] for event in events if _goes_on(view, event))
        found = Counter(event["bpmn_element_id"] for event in events)
        needed, _ = drawn.quantities.get(element["bpmn_element_id"], (1, 1))
        if needed > 1 and not found and element["state"] == "COMPLETED":
            # Another one has begun for it.
            continue
        if found != expected:
            yield f"{name(element)}: has the events {dict(found)}, expected {dict(expected)}"


def _goes_on(view: View, event: Row) -> bool:
    """Whether a boundary event has happened, and another one waits in its place: the last time of a timer ends it."""
    if not has_happened(event) or not _recurs(view, event):
        return False
    return not _may_be_last(view, event) or any(
        other["id"] > event["id"] and other["bpmn_element_id"] == event["bpmn_element_id"]
        for other in view.attached[event["partition"], event["host_id"]]
    )


def _may_be_last(view: View, event: Row) -> bool:
    """Whether what it waits for, or one thing of all that it needs, may come no more: a time."""
    parts = view.drawing(event).parts.get(event["bpmn_element_id"], ())
    if event["bpmn_element_type"].startswith("PARALLEL_MULTIPLE_"):
        return "timer" in parts
    return event["bpmn_element_type"].startswith("TIMER_") or set(parts) == {"timer"}


def joins_take_one_token_of_each_flow(view: View) -> Iterator[str]:
    joined: dict[tuple[str, int, int], list[Row]] = {}
    for element in view.elements:
        if element["bpmn_element_type"] == "PARALLEL_GATEWAY" and element["state"] == "COMPLETED":
            group = element["partition"], element["parent_id"], element["element_id"]
            joined.setdefault(group, []).append(element)
    for tokens in joined.values():
        drawn = view.drawing(tokens[0])
        sources = Counter(drawn.sources[tokens[0]["bpmn_element_id"]])
        found = Counter(view.element_ids[token["prev_element_id"]] for token in tokens)
        times, rest = divmod(found.total(), sources.total())
        if rest or found != Counter({source: count * times for source, count in sources.items()}):
            yield f"{name(tokens[0])}: took {dict(found)}, but its flows are from {dict(sources)}"
        left = sum(key(token) in view.followers for token in tokens)
        if drawn.targets.get(tokens[0]["bpmn_element_id"]) and left != times:
            yield f"{name(tokens[0])}: joined {times} times, but was left {left} times"


WAITING = (
    waiting_elements_have_a_reason,
    joins_go_on_when_all_have_arrived,
    joins_do_not_wait_in_vain,
    queues_go_on,
    tokens_follow_the_flows,
    completed_elements_move_on,
    events_that_recur_stay_subscribed,
    parts_are_waited_for,
    what_has_happened_is_canceled_with_its_host_only,
    events_are_attached_once,
    joins_take_one_token_of_each_flow,
)
