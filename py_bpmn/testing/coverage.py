"""Which elements and flows of processes the instances of a test run have gone through.

It is computed from what the service answers: the diagram of a process, and the visits of elements by its instances.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from py_bpmn._diagram import File
from py_bpmn._xml import Node, UnreadableError, key_of, read, strays
from py_bpmn.errors import BpmnClientError

if TYPE_CHECKING:
    from py_bpmn._operations import Api, ElementInstance, Process

FORMAT = 1
"""Of reports in JSON."""
GATEWAYS = ("complexGateway", "eventBasedGateway", "exclusiveGateway", "inclusiveGateway")
"""Tags of gateways that have outcomes: flows of which not all are taken."""
_SCOPES = ("adHocSubProcess", "process", "subProcess", "transaction")
_PAGE = 1000


class CoverageError(BpmnClientError):
    """A report or a diagram is unusable."""


@dataclass(frozen=True, slots=True)
class Element:
    id: str
    tag: str
    """As the file has it: userTask, endEvent."""
    name: str
    host: str = ""
    """Id of the activity that a boundary event is attached to."""
    within: str = ""
    """Of a start event of an event sub-process, the scope that it waits in."""
    is_handler: bool = False
    """Whether it is an event sub-process."""
    is_repeated: bool = False
    """Whether it has a loop or multi-instance marker."""


@dataclass(frozen=True, slots=True)
class Flow:
    id: str
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


class Model:
    """The elements and flows of a process, from a diagram of it as the service answers it."""

    def __init__(self, process: str, diagram: str) -> None:
        self.process = process
        """The BPMN process id."""
        self.diagram = diagram
        self.digest = sha256(diagram.encode()).hexdigest()[:12]
        elements, flows = _parts(process, diagram)
        self.elements = {element.id: element for element in elements}
        """Flow nodes by id, in document order."""
        self.flows = {flow.id: flow for flow in flows}

    @property
    def key(self) -> tuple[str, str]:
        return self.process, self.digest

    @cached_property
    def between(self) -> Mapping[tuple[str, str], list[str]]:
        """Ids of flows by source and target. What has been visited does not tell several of one pair apart."""
        found: dict[tuple[str, str], list[str]] = {}
        for flow in self.flows.values():
            found.setdefault((flow.source, flow.target), []).append(flow.id)
        return found

    @cached_property
    def deciding(self) -> frozenset[str]:
        """Ids of event-based gateways: what follows them is there before it is chosen."""
        return frozenset(each.id for each in self.elements.values() if each.tag == "eventBasedGateway")


def _parts(process: str, diagram: str) -> tuple[list[Element], list[Flow]]:
    try:
        root = read(diagram)
    except UnreadableError as error:
        raise CoverageError(f"the diagram of process {process} can't be read: {error}") from None
    file = File(root)
    scope = file.find(process)
    if scope is None or scope.tag != "process":
        raise CoverageError(f"the diagram has no process {process}")
    nodes = list(_inside(scope, root.namespace))
    flows = [
        Flow(key_of(node), _id(file, node.get("sourceRef")), _id(file, node.get("targetRef")))
        for node in (*nodes, *strays(root, scope.get("id"), {node.get("id") for node in nodes}))
        if node.tag == "sequenceFlow"
    ]
    return [_element(file, node) for node in nodes if _is_flow_node(node)], flows


def _element(file: File, node: Node) -> Element:
    parent = file.parents.get(node.get("id"))
    around = file.parents.get(parent.get("id")) if parent is not None and _is_handler(parent) else None
    return Element(
        node.get("id"),
        node.tag,
        node.get("name"),
        _id(file, node.get("attachedToRef")),
        around.get("id") if around is not None and node.tag == "startEvent" else "",
        _is_handler(node),
        any(child.tag.endswith("LoopCharacteristics") for child in node.children),
    )


def _is_handler(node: Node) -> bool:
    return node.is_true("triggeredByEvent")


def _id(file: File, reference: str) -> str:
    node = file.find(reference)
    return node.get("id") if node else reference


def _inside(scope: Node, namespace: str) -> Iterator[Node]:
    for node in scope.children:
        if node.namespace == namespace:
            yield node
            if node.tag in _SCOPES:
                yield from _inside(node, namespace)


def _is_flow_node(node: Node) -> bool:
    tag = node.tag
    return tag in (*_SCOPES, "callActivity", "task") or tag.endswith(("Task", "Event", "Gateway"))


@dataclass(frozen=True, slots=True)
class Share:
    """How many of something there are, and how many of them were gone through."""

    covered: int
    all: int

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 is all."""
        return 100 * self.covered // self.all if self.all else 100

    def __add__(self, other: Share) -> Share:
        return Share(self.covered + other.covered, self.all + other.all)

    def __str__(self) -> str:
        return f"{self.covered}/{self.all}"


@dataclass(slots=True, eq=False)
class Covered:
    """One process, and what was gone through."""

    model: Model
    visits: Counter[str] = field(default_factory=Counter)
    """By element. A boundary event, and a start event of an event sub-process, is visited when it has happened; an
    activity with a marker each time that it is performed.
    """
    taken: Counter[str] = field(default_factory=Counter)
    """By flow."""
    tests: dict[str, set[str]] = field(default_factory=dict)
    """By test, the ids of all that it has gone through."""

    def add(self, visits: Iterable[ElementInstance], test: str = "") -> None:
        """Counts the element instances of process instances."""
        model = self.model
        met: set[str] = set()
        for visit in visits:
            id, previous = visit.bpmn_element_id, visit.prev_bpmn_element_id or ""
            if id not in model.elements:
                continue
            element = model.elements[id]
            waits_for_choice = bool(element.host or element.within) or previous in model.deciding
            if waits_for_choice and visit.state != "COMPLETED":
                continue
            is_around = element.is_repeated and visit.loop_counter is None
            if not is_around and (visit.started_at is not None or visit.state == "COMPLETED"):
                self.visits[id] += 1
                met.add(id)
            for flow in model.between.get((previous, id), ()):
                self.taken[flow] += 1
                met.add(flow)
        if test and met:
            self.tests.setdefault(test, set()).update(met)

    def merge(self, other: Covered) -> None:
        self.visits += other.visits
        self.taken += other.taken
        for test, ids in other.tests.items():
            self.tests.setdefault(test, set()).update(ids)

    @property
    def elements(self) -> Share:
        return Share(len(self.model.elements) - len(self.missed_elements), len(self.model.elements))

    @property
    def flows(self) -> Share:
        return Share(len(self.model.flows) - len(self.missed_flows), len(self.model.flows))

    @property
    def missed_elements(self) -> list[Element]:
        return [element for id, element in self.model.elements.items() if not self.visits[id]]

    @property
    def missed_flows(self) -> list[Flow]:
        return [flow for id, flow in self.model.flows.items() if not self.taken[id]]

    @property
    def boundary_events(self) -> list[tuple[Element, int]]:
        """Each with how often it has happened."""
        return [(element, self.visits[id]) for id, element in self.model.elements.items() if element.host]

    @property
    def outcomes(self) -> list[tuple[Element, list[tuple[Flow, int]]]]:
        """Gateways that choose, each with how often its flows were taken."""
        leaving: dict[str, list[tuple[Flow, int]]] = {}
        for id, flow in self.model.flows.items():
            leaving.setdefault(flow.source, []).append((flow, self.taken[id]))
        found = (each for each in self.model.elements.values() if each.tag in GATEWAYS)
        return [(gateway, leaving[gateway.id]) for gateway in found if len(leaving.get(gateway.id, ())) > 1]

    @property
    def missing(self) -> list[str]:
        """Where tests have not gone on: flows and boundary events of what was visited, and starts.

        What lies behind them is missing for that reason, and not told.
        """
        flows = self.missed_flows
        entered = {flow.target for flow in self.model.flows.values()}
        found = [str(flow) for flow in flows if self.visits[flow.source]]
        found += [element.id for element in self.missed_elements if self._could_begin(element, entered)]
        return found or [str(flow) for flow in flows] or [element.id for element in self.missed_elements]

    def _could_begin(self, element: Element, entered: Collection[str]) -> bool:
        """Whether nothing has to come before the element that was not gone through itself."""
        if element.host:
            return bool(self.visits[element.host])
        if element.within:
            return element.within == self.model.process or bool(self.visits[element.within])
        # An event sub-process is missing because of its start event.
        return not element.is_handler and element.id not in entered


@dataclass(slots=True, eq=False)
class Coverage:
    """Of all processes of a test run."""

    processes: dict[tuple[str, str], Covered] = field(default_factory=dict)

    def of(self, model: Model) -> Covered:
        """What is known of a process, which counts from now on even if nothing goes through it."""
        return self.processes.setdefault(model.key, Covered(model))

    def add(self, model: Model, visits: Iterable[ElementInstance], test: str = "") -> None:
        self.of(model).add(visits, test)

    def merge(self, other: Coverage) -> None:
        """Adds what another run, or another part of it, has gone through."""
        for covered in other.processes.values():
            self.of(covered.model).merge(covered)

    def __iter__(self) -> Iterator[Covered]:
        """By process id."""
        return iter([self.processes[key] for key in sorted(self.processes)])

    @property
    def elements(self) -> Share:
        return sum((covered.elements for covered in self), Share(0, 0))

    @property
    def flows(self) -> Share:
        return sum((covered.flows for covered in self), Share(0, 0))

    def shortfall(self, required: float) -> str:
        """What is required and not reached, such as "required 90 % of flows"; empty if all is."""
        short = [
            name
            for name, share in (("elements", self.elements), ("flows", self.flows))
            if share.covered * 100 < required * share.all
        ]
        return f"required {required:g} % of {' and '.join(short)}" if short else ""


class Recorder:
    """Reads from a service what instances have gone through; the diagram of each process once."""

    def __init__(self, api: Api, coverage: Coverage) -> None:
        self._api = api
        self._coverage = coverage
        self._models: dict[int, Model] = {}

    def expect(self, process: Process) -> None:
        """The process counts, even if nothing goes through it."""
        self._coverage.of(self._model(process.id, process.bpmn_process_id))

    def record(self, partition: date, id: int, test: str = "") -> None:
        """Adds what a process instance has gone through so far. It should be recorded once, at the end of a test."""
        instance = next(iter(self._api.query_process_instances(partition=partition, id=id).results), None)
        if instance is not None:
            model = self._model(instance.process_id, instance.bpmn_process_id)
            self._coverage.add(model, self._visits(partition, id), test)

    def _model(self, id: int, process: str) -> Model:
        if id not in self._models:
            self._models[id] = Model(process, self._api.get_diagram(id=id))
        return self._models[id]

    def _visits(self, partition: date, id: int) -> Iterator[ElementInstance]:
        cursor: str | None = ""
        while cursor is not None:
            page = self._api.query_element_instances(
                partition=partition, process_instance_id=id, limit=_PAGE, cursor=cursor
            )
            yield from page.results
            cursor = page.next_cursor


def to_json(coverage: Coverage) -> str:
    """The report for programs; `from_json` reads it."""
    processes = [_process(covered) for covered in coverage]
    total = {"elements": _share(coverage.elements), "flows": _share(coverage.flows)}
    return json.dumps({"format": FORMAT, "total": total, "processes": processes}, indent=1, ensure_ascii=False) + "\n"


def _share(share: Share) -> dict[str, int]:
    return {"covered": share.covered, "all": share.all, "percent": share.percent}


def _process(covered: Covered) -> dict[str, Any]:
    return {
        "bpmnProcessId": covered.model.process,
        "digest": covered.model.digest,
        "total": {"elements": _share(covered.elements), "flows": _share(covered.flows)},
        "missing": covered.missing,
        "elements": [
            {"id": each.id, "tag": each.tag, "visits": covered.visits[each.id]}
            for each in covered.model.elements.values()
        ],
        "flows": [
            {"id": each.id, "from": each.source, "to": each.target, "taken": covered.taken[each.id]}
            for each in covered.model.flows.values()
        ],
        "boundaryEvents": [
            {"id": each.id, "attachedTo": each.host, "happened": count} for each, count in covered.boundary_events
        ],
        "gateways": [
            {"id": gateway.id, "outcomes": [{"flow": flow.id, "to": flow.target, "taken": n} for flow, n in flows]}
            for gateway, flows in covered.outcomes
        ],
        "tests": {test: sorted(ids) for test, ids in sorted(covered.tests.items())},
        "diagram": covered.model.diagram,
    }


def from_json(text: str) -> Coverage:
    """A report that `to_json` has written. Raises CoverageError for anything else."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise CoverageError(f"the report has format {data['format']}, not {FORMAT}: it is of another version")
        found = Coverage()
        for each in data["processes"]:
            covered = found.of(Model(each["bpmnProcessId"], each["diagram"]))
            covered.visits.update({one["id"]: int(one["visits"]) for one in each["elements"] if one["visits"]})
            covered.taken.update({one["id"]: int(one["taken"]) for one in each["flows"] if one["taken"]})
            covered.tests.update({str(test): set(ids) for test, ids in each["tests"].items()})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CoverageError(f"this is no coverage report: {error!r}") from None
    return found


def merged(reports: Iterable[str]) -> Coverage:
    """The coverage of several reports in JSON together, such as those of the workers of a test run."""
    found = Coverage()
    for report in reports:
        found.merge(from_json(report))
    return found
