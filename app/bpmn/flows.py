"""Sequence flows from the two places a file states them: `sequenceFlow` elements and the `incoming` and `outgoing`
children of flow nodes.

Where a process draws flows (`sequenceFlow`), these are all it has; the children must not contradict them, and may be
missing. A process that draws none is read from its children.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from app.bpmn.kinds import DECIDING_GATEWAYS, START_EVENTS
from app.bpmn.model import (
    MAX_EXPRESSION_LENGTH,
    MAX_ID_LENGTH,
    MAX_NAME_LENGTH,
    Element,
    ElementType,
    Leftover,
    Problem,
    SequenceFlow,
)
from app.bpmn.reader import Place, XmlNode
from app.bpmn.references import References

_LONGEST_END = 100
"""How much of the ids of its ends is in the id of a flow that has none."""
_UNCONDITIONAL = START_EVENTS | {ElementType.EVENT_BASED_GATEWAY, ElementType.PARALLEL_GATEWAY}
"""No flow that leaves these has a condition (BPMN 2.0.2, 8.4.13 and 10.5.2)."""


@dataclass(slots=True, eq=False)
class _Statement:
    """All that is said about one flow."""

    id: str
    drawn: XmlNode | None = None
    scope: Element | None = None
    """Where the `sequenceFlow` element is."""
    sources: dict[Element, XmlNode] = field(default_factory=dict)
    """Nodes with the flow as an `outgoing` child, as an ordered set, with that child; `targets` alike."""
    targets: dict[Element, XmlNode] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id, cut where it is too long to be accepted."""
        return self.id[:MAX_ID_LENGTH]

    @property
    def place(self) -> Place:
        """Where it is drawn, or else stated first."""
        stated = (*self.sources.values(), *self.targets.values())
        return self.drawn.place if self.drawn else min(node.place for node in stated)

    def where(self) -> str:
        return f" (line {self.drawn.line})" if self.drawn else ""


class Flows:
    """Collects what a process says about its flows, then joins it."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._statements: dict[str, _Statement] = {}
        self._drawn: list[_Statement] = []
        self._draws = False
        self._unnamed: list[tuple[Element, XmlNode]] = []
        """Children of flow nodes that name no flow."""

    def draw(self, node: XmlNode, scope: Element) -> None:
        """Notes a `sequenceFlow` element of `scope`."""
        self._draws = True
        flow_id = node.token("id")
        if not flow_id and node.token("sourceRef") and node.token("targetRef"):
            self._drawn.append(_Statement("", node, scope))
            return
        statement = self._statement(flow_id)
        if len(flow_id) > MAX_ID_LENGTH:
            detail = f"ID of sequenceFlow is longer than {MAX_ID_LENGTH} characters (line {node.line})"
            scope.report(Problem("sequence_flow", detail, scope, node.place, statement.name))
        if flow_id and statement.drawn is None:
            statement.drawn, statement.scope = node, scope
            self._drawn.append(statement)
            return
        what = f"sequence flow {statement.name} is defined more than once" if flow_id else "sequence flow has no ID"
        scope.report(Problem("sequence_flow", f"{what} (line {node.line})", scope, node.place, statement.name))

    def state(self, element: Element, node: XmlNode) -> None:
        """Notes an `incoming` or `outgoing` child of a flow node."""
        flow_id = self._references.resolve(node.text)
        if not flow_id:
            self._unnamed.append((element, node))
            return
        statement = self._statement(flow_id)
        incoming = node.tag == "incoming"
        ends = statement.targets if incoming else statement.sources
        if element not in ends:
            ends[element] = node
            (element.incoming_ids if incoming else element.outgoing_ids).append(flow_id)

    def drawn_ids(self) -> list[str]:
        """Ids of the `sequenceFlow` elements, in document order."""
        return [statement.id for statement in self._drawn]

    def join(self, by_id: Mapping[str, Element], others: Collection[str] = ()) -> list[Leftover]:
        """Fills the flows of all elements; what can't be joined becomes a problem of an element.

        Returns the children that name no drawn flow at one end, or one of `others`: these connect something else. They
        are ignored.
        """
        self._name_drawn(by_id)
        leftovers = self._drop_leftovers(others)
        self._report_unnamed()
        joins = {key: _Join(statement, self) for key, statement in self._statements.items() if key}
        joined = {key: flow for key, join in joins.items() if (flow := join.flow(by_id)) is not None}
        doubtful = [join for join in joins.values() if join.findings]
        for role in ("source", "target"):
            for join in doubtful:
                join.report(role)
        for statement in self._drawn:
            joins[statement.id].list_drawn()
        for element in dict.fromkeys(flow.source for flow in joined.values()):
            element.outgoing = [joined[i] for i in element.outgoing_ids if i in joined and joined[i].source is element]
            _forget_empty_conditions(element)
        for element in dict.fromkeys(flow.target for flow in joined.values()):
            element.incoming = [joined[i] for i in element.incoming_ids if i in joined and joined[i].target is element]
        return leftovers

    def resolve(self, text: str) -> str:
        return self._references.resolve(text)

    def undrawn(self, statement: _Statement) -> bool:
        """Whether the process draws its flows, and this is none of them."""
        return self._draws and statement.drawn is None

    def _name_drawn(self, by_id: Mapping[str, Element]) -> None:
        """Gives ids to the drawn flows that have none (BPMN 2.0.2, 8.3.1: they may be missing)."""
        counts: Counter[str] = Counter()
        for statement in self._drawn:
            if statement.id or statement.drawn is None:
                continue
            ends = [self.resolve(statement.drawn.get(end))[:_LONGEST_END] for end in ("sourceRef", "targetRef")]
            base = name = "-".join(ends)
            while name in by_id or name in self._statements:
                counts[base] += 1
                name = f"{base}-{counts[base] + 1}"
            statement.id = name
            self._statements[name] = statement

    def _report_unnamed(self) -> None:
        """A child without text says nothing: where flows are drawn, nothing is missing either."""
        for element, node in () if self._draws else self._unnamed:
            detail = f"sequence flow has no ID (line {node.line})"
            element.report(Problem("sequence_flow", detail, element.parent or element, node.place, ""))

    def _statement(self, flow_id: str) -> _Statement:
        statement = self._statements.get(flow_id)
        if statement is None:
            statement = self._statements[flow_id] = _Statement(flow_id)
        return statement

    def _drop_leftovers(self, others: Collection[str]) -> list[Leftover]:
        """Forgets the undrawn flows that have one end only, or are no sequence flows."""
        found = []
        for statement in list(self._statements.values()):
            is_half = not (statement.sources and statement.targets)
            if self.undrawn(statement) and (is_half or statement.id in others):
                for role, ends in (("outgoing", statement.sources), ("incoming", statement.targets)):
                    found += [Leftover(element, role, statement.name, node.place) for element, node in ends.items()]
                del self._statements[statement.id]
        for element in {leftover.element for leftover in found}:
            element.incoming_ids = [flow_id for flow_id in element.incoming_ids if flow_id in self._statements]
            element.outgoing_ids = [flow_id for flow_id in element.outgoing_ids if flow_id in self._statements]
        return found


@dataclass(frozen=True, slots=True)
class _Finding:
    """What speaks against one end (`role`) of a flow; a problem of `holder`, or else of an element that is known."""

    role: str
    type: str
    detail: str
    holder: Element | None
    place: Place | None = None
    """If it is another one than that of the flow."""


class _Join:
    """Finds the two ends of one flow, and everything that speaks against it."""

    __slots__ = ("_flows", "_source", "_statement", "_target", "findings")

    def __init__(self, statement: _Statement, flows: Flows) -> None:
        self._statement = statement
        self._flows = flows
        self._source: Element | None = None
        self._target: Element | None = None
        self.findings: list[_Finding] = []

    def flow(self, by_id: Mapping[str, Element]) -> SequenceFlow | None:
        """The flow, unless an end is missing or in another scope."""
        statement = self._statement
        source = self._source = self._find("source", by_id)
        target = self._target = self._find("target", by_id)
        if source is None or target is None:
            return None
        if source.parent is not target.parent:
            what = f"sequence flow {statement.name} from {source.id} to {target.id} crosses the border of a scope"
            self.findings.append(_Finding("target", "sequence_flow", what, source))
            return None
        drawn, scope = statement.drawn, statement.scope or source.parent
        assert scope is not None
        if self._flows.undrawn(statement):
            # Earlier versions have accepted it: it stays, for processes that were stored.
            what = f"sequence flow {statement.name} from {source.id} to {target.id} has no sequenceFlow element"
            detail = f"{what} (line {statement.sources[source].line})"
            self.findings.append(_Finding("source", "sequence_flow", detail, source, statement.sources[source].place))
        node = drawn or statement.sources[source]
        condition = _condition(drawn)
        return SequenceFlow(
            statement.id,
            source,
            target,
            scope,
            node.line,
            node.column,
            condition is not None,
            drawn.get("name")[:MAX_NAME_LENGTH] if drawn else "",
            condition.text[: MAX_EXPRESSION_LENGTH + 1] if condition else "",
            condition.token("language") if condition else "",
        )

    def list_drawn(self) -> None:
        """Adds the flow to ends that have no child for it, after those that have one."""
        statement = self._statement
        if self._source is not None and self._source not in statement.sources:
            self._source.outgoing_ids.append(statement.id)
        if self._target is not None and self._target not in statement.targets:
            self._target.incoming_ids.append(statement.id)

    def report(self, role: str) -> None:
        """Leaves what is wrong about one end with an element, unless a refused construct explains it."""
        statement = self._statement
        known = [e for e in (self._source, self._target, *statement.sources, *statement.targets) if e is not None]
        if any(element.refused for element in known):
            return
        scope = statement.scope
        for finding in self.findings:
            if finding.role == role:
                holder = finding.holder or next(iter(known), scope)
                base = scope or (holder.parent if holder else None)
                if holder is not None and base is not None:
                    place = finding.place or statement.place
                    holder.report(Problem(finding.type, finding.detail, base, place, statement.name))

    def _find(self, role: str, by_id: Mapping[str, Element]) -> Element | None:
        statement = self._statement
        stated = statement.sources if role == "source" else statement.targets
        if statement.drawn is not None:
            ref = statement.drawn.attributes.get(f"{role}Ref")
            if ref and (ref := self._flows.resolve(ref)):
                return self._find_referred(role, ref, stated, by_id)
        if len(stated) == 1:
            return next(iter(stated))
        self.findings.append(_without(role, statement, stated))
        return None

    def _find_referred(
        self, role: str, ref: str, stated: Mapping[Element, XmlNode], by_id: Mapping[str, Element]
    ) -> Element | None:
        statement = self._statement
        found = by_id.get(ref)
        if found is None or found.type is ElementType.PROCESS:
            what = f"sequence flow {statement.name} has no {role} element: {ref[:MAX_ID_LENGTH]} is not defined"
            self.findings.append(_Finding(role, "sequence_flow", what + statement.where(), None))
            return None
        for other in stated:
            # An id that is used twice is a problem of its own.
            if other is not found and other.id != found.id:
                child = "outgoing" if role == "source" else "incoming"
                flow = f"sequence flow {statement.name}"
                what = f"{flow} has the {role} element {found.id}, but {other.id} lists it as {child}"
                self.findings.append(_Finding(role, "sequence_flow", what + statement.where(), other))
        return found


def _condition(drawn: XmlNode | None) -> XmlNode | None:
    if drawn is None or not drawn.children:
        return None
    return next((child for child in drawn.children if child.tag == "conditionExpression"), None)


def _forget_empty_conditions(source: Element) -> None:
    """Where no condition may be, one without text says nothing: modelers write it at every flow."""
    is_only = len(source.outgoing_ids) == 1 and source.type not in DECIDING_GATEWAYS
    if is_only or source.type in _UNCONDITIONAL:
        for flow in source.outgoing:
            flow.conditional = flow.conditional and bool(flow.condition)


def _without(role: str, statement: _Statement, stated: Mapping[Element, XmlNode]) -> _Finding:
    flow = f"sequence flow {statement.name}"
    if not stated:
        return _Finding(role, "sequence_flow", f"{flow} has no {role} element", None)
    some = list(stated)[:5]
    names = ", ".join(element.id for element in some) + (", …" if len(stated) > len(some) else "")
    return _Finding(role, "sequence_flow", f"{flow} has more than one {role} element: {names}", some[0])
