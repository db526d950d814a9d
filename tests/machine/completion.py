"""What a worker may say when it completes a job, right and wrong."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from tests.machine.drawing import Drawing, drawing
from tests.machine.events import TIMERS
from tests.machine.picture import ERROR_CODES, ESCALATION_CODES, KEYS, MESSAGES, SIGNALS
from tests.machine.tables import Row, Tables


class Luck:
    """Choices that follow from one number; from 0, the first of everything."""

    def __init__(self, number: int) -> None:
        self._random = Random(number) if number else None

    def below(self, n: int) -> int:
        return self._random.randrange(n) if self._random else 0

    def pick(self, options: Any) -> Any:
        return options[self.below(len(options))]


def startable(tables: Tables) -> list[Row]:
    """Processes that have a none start event."""
    started = {
        (row["process_id"], row["parent_bpmn_element_id"])
        for row in tables["element"]
        if row["bpmn_element_type"] == "NONE_START_EVENT"
    }
    return [row for row in tables["process"] if (row["id"], row["bpmn_process_id"]) in started]


def right(tables: Tables, job: Row, luck: Luck) -> dict[str, Any] | None:
    """A completion with which the job is done; None if there is no such, since nothing can be called."""
    kind = job["type"]
    if kind == "EXECUTE" or kind == "PASS_VARIABLES":
        return {}
    if kind == "EVALUATE_EXCLUSIVE_GATEWAY":
        return {"exclusiveGatewayDecision": luck.pick(_targets(tables, job))}
    if kind == "EVALUATE_INCLUSIVE_GATEWAY":
        targets = list(dict.fromkeys(_targets(tables, job)))
        first = luck.below(len(targets))
        return {"inclusiveGatewayDecision": targets[first:] + targets[: luck.below(first + 1)]}
    if kind in ("EVALUATE_COMPLEX_GATEWAY", "EVALUATE_OUTGOING_FLOWS"):
        return {"inclusiveGatewayDecision": _decided(tables, job, luck)}
    if kind == "SELECT_ACTIVITIES":
        return _selection(tables, job, luck)
    if kind == "SET_ERROR_CODE":
        return {"errorCode": luck.pick((*ERROR_CODES, "") if _catches(tables, job) else ERROR_CODES)}
    if kind == "SET_ESCALATION_CODE":
        return {"escalationCode": luck.pick((*ESCALATION_CODES, "") if _catches(tables, job) else ESCALATION_CODES)}
    if kind == "SET_LOOP_CARDINALITY":
        return {"loopCardinality": luck.pick((2, 1, 0))}
    if kind in ("EVALUATE_LOOP_CONDITION", "EVALUATE_COMPLETION_CONDITION", "EVALUATE_ACTIVATION_CONDITION"):
        return {"conditionFulfilled": luck.below(2) == 1}
    if kind in ("SUBSCRIBE_MESSAGE", "SET_MESSAGE_CORRELATION_KEY"):
        return {"messageName": luck.pick(MESSAGES), "messageCorrelationKey": luck.pick(KEYS)}
    if kind in ("SUBSCRIBE_SIGNAL", "SET_SIGNAL_NAME"):
        return {"signalName": luck.pick(SIGNALS)}
    if kind == "SET_TIMER":
        return {"timer": luck.pick(TIMERS)}
    return _call(tables, luck)


def wrong(tables: Tables, job: Row) -> dict[str, Any]:
    """A completion with which the job fails, if it is one that can fail that way."""
    return {
        "EXECUTE": {"errorCode": "E1", "escalationCode": "C1"},
        "EVALUATE_EXCLUSIVE_GATEWAY": {"exclusiveGatewayDecision": "nowhere"},
        "EVALUATE_INCLUSIVE_GATEWAY": {"inclusiveGatewayDecision": _targets(tables, job)[:1] * 2},
        "EVALUATE_COMPLEX_GATEWAY": {"inclusiveGatewayDecision": ["nowhere"]},
        "EVALUATE_OUTGOING_FLOWS": {"inclusiveGatewayDecision": ["nowhere"]},
        "SELECT_ACTIVITIES": {"activities": ["nowhere"]},
        "SET_TIMER": {"timer": {}},
        "CALL_PROCESS": {"calledProcess": {"bpmnProcessId": "nope", "version": "1"}},
    }.get(job["type"], {})


def _call(tables: Tables, luck: Luck) -> dict[str, Any] | None:
    processes = startable(tables)
    if not processes:
        return None
    process = luck.pick(processes)
    return {
        "calledProcess": {
            "bpmnProcessId": process["bpmn_process_id"],
            "version": process["version"],
            "correlationKey": luck.pick(("", *KEYS)),
            "tags": luck.pick(([], [{"name": "called", "value": "yes"}])),
            "variables": variables(luck),
        }
    }


def _drawing(tables: Tables, row: Row) -> Drawing:
    return drawing(next(each["bpmn_xml"] for each in tables["process"] if each["id"] == row["process_id"]))


def _targets(tables: Tables, job: Row) -> list[str]:
    return _drawing(tables, job).targets.get(job["bpmn_element_id"], [])


def _decided(tables: Tables, job: Row, luck: Luck) -> list[str]:
    """Some of the flows that are decided about, by their targets; or none where something follows all the same."""
    drawn, id = _drawing(tables, job), job["bpmn_element_id"]
    options = list(dict.fromkeys(drawn.chosen.get(id, drawn.targets[id])))
    chosen = [target for target in options if luck.below(2)]
    others = len(drawn.targets[id]) > len(drawn.chosen.get(id, drawn.targets[id]))
    return chosen if chosen or others else [luck.pick(options)]


def enabled(tables: Tables, scope: Row) -> list[str]:
    """Activities of an ad-hoc sub-process that can be selected."""
    drawn = _drawing(tables, scope)
    waiting = Counter(row["bpmn_element_id"] for row in _children(tables, scope) if _waits(row))
    return [
        id
        for id in drawn.inside[scope["bpmn_element_id"]]
        if id not in drawn.sources or waiting[id] >= drawn.quantities.get(id, (1, 1))[0]
    ]


def _selection(tables: Tables, job: Row, luck: Luck) -> dict[str, Any]:
    """Of activities that are enabled; or that it is over, where something is active or that is no matter of workers."""
    scope = tables.by_key["element_instance"][job["partition"], job["element_instance_id"]]
    process = next(row for row in tables["process"] if row["id"] == job["process_id"])
    is_performing = any(not _waits(row) for row in _children(tables, scope))
    is_sequential = scope["bpmn_element_id"] in _drawing(tables, job).sequential
    if is_performing and (is_sequential or luck.below(2)):
        return {}
    if process["expressions"] is None and luck.below(3) == 2:
        return {"conditionFulfilled": True}
    options = enabled(tables, scope)
    chosen = [id for id in options if luck.below(2)] or [luck.pick(options)]
    return {"activities": chosen[:1] if is_sequential else chosen}


def _children(tables: Tables, scope: Row) -> list[Row]:
    return [
        row
        for row in tables["element_instance"]
        if (row["partition"], row["parent_id"]) == (scope["partition"], scope["id"]) and row["ended_at"] is None
    ]


def _waits(row: Row) -> bool:
    return bool(row["context"] == "waiting" and row["state"] == "CREATED")


def _catches(tables: Tables, job: Row) -> bool:
    element = tables.one("element_instance", job["partition"], job["element_instance_id"])
    return element is not None and element["bpmn_element_type"].endswith(("_BOUNDARY_EVENT", "_START_EVENT"))


def variables(luck: Luck) -> list[dict[str, Any]]:
    """Variables to set and to delete; sometimes one name twice."""
    found: list[dict[str, Any]] = []
    for _ in range(luck.below(3)):
        name = luck.pick(("a", "b"))
        data = {"encoding": "json", "value": str(luck.below(3))} if luck.below(3) else None
        found.append({"name": name, "data": data})
    return found
