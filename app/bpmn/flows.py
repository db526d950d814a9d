"""Sequence flows from the two places a file states them: `sequenceFlow` elements and the `incoming` and `outgoing`
children of flow nodes. Either is enough; where both speak they must agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.bpmn.model import Element, ElementType, Problem, SequenceFlow
from app.bpmn.reader import XmlNode

_DECIDED_BY_WORKER = frozenset({ElementType.EXCLUSIVE_GATEWAY, ElementType.INCLUSIVE_GATEWAY})


@dataclass(slots=True, eq=False)
class _Statement:
    """All that is said about one flow."""

    id: str
    drawn: XmlNode | None = None
    scope: Element | None = None
    """Where the `sequenceFlow` element is."""
    sources: dict[Element, None] = field(default_factory=dict)
    """Nodes with the flow as an `outgoing` child, as an ordered set; `targets` alike."""
    targets: dict[Element, None] = field(default_factory=dict)

    def ref(self, attribute: str) -> str:
        return self.drawn.get(attribute) if self.drawn else ""

    def where(self) -> str:
        return f" (line {self.drawn.line})" if self.drawn else ""


class Flows:
    """Collects what a process says about its flows, then joins it."""

    def __init__(self) -> None:
        self._statements: dict[str, _Statement] = {}
        self._drawn: list[_Statement] = []

    def draw(self, node: XmlNode, scope: Element) -> None:
        """Notes a `sequenceFlow` element of `scope`."""
        flow_id = node.get("id")
        statement = self._statements.setdefault(flow_id, _Statement(flow_id))
        if flow_id and statement.drawn is None:
            statement.drawn, statement.scope = node, scope
            self._drawn.append(statement)
            return
        what = f"sequence flow {flow_id} is defined more than once" if flow_id else "sequence flow has no ID"
        scope.problems.append(Problem("sequence_flow", f"{what} (line {node.line})", scope, flow_id))

    def state(self, element: Element, node: XmlNode) -> None:
        """Notes an `incoming` or `outgoing` child of a flow node."""
        flow_id = node.text
        if not flow_id:
            detail = f"sequence flow has no ID (line {node.line})"
            element.problems.append(Problem("sequence_flow", detail, element.parent or element, flow_id))
            return
        statement = self._statements.setdefault(flow_id, _Statement(flow_id))
        incoming = node.tag == "incoming"
        ends = statement.targets if incoming else statement.sources
        if element not in ends:
            ends[element] = None
            (element.incoming_ids if incoming else element.outgoing_ids).append(flow_id)

    def drawn_ids(self) -> list[str]:
        """Ids of the `sequenceFlow` elements, in document order."""
        return [statement.id for statement in self._drawn]

    def join(self, by_id: Mapping[str, Element]) -> None:
        """Fills the flows of all elements; what can't be joined becomes a problem of an element."""
        joins = {key: _Join(statement, by_id) for key, statement in self._statements.items() if key}
        joined = {key: flow for key, join in joins.items() if (flow := join.flow()) is not None}
        for role in ("source", "target"):
            for join in joins.values():
                join.report(role)
        for statement in self._drawn:
            joins[statement.id].list_drawn()
        for element in dict.fromkeys(end for flow in joined.values() for end in (flow.source, flow.target)):
            element.outgoing = [joined[i] for i in element.outgoing_ids if i in joined and joined[i].source is element]
            element.incoming = [joined[i] for i in element.incoming_ids if i in joined and joined[i].target is element]


class _Join:
    """Finds the two ends of one flow, and everything that speaks against it."""

    def __init__(self, statement: _Statement, by_id: Mapping[str, Element]) -> None:
        self._statement = statement
        self._by_id = by_id
        self._findings: list[tuple[str, str, Element | None]] = []
        self._source = self._find("source", "outgoing", statement.ref("sourceRef"), statement.sources)
        self._target = self._find("target", "incoming", statement.ref("targetRef"), statement.targets)

    def flow(self) -> SequenceFlow | None:
        """The flow, unless an end is missing or in another scope."""
        source, target = self._source, self._target
        if source is None or target is None:
            return None
        if source.parent is not target.parent:
            what = f"sequence flow {self._statement.id} from {source.id} to {target.id} crosses the border of a scope"
            self._findings.append(("target", what, source))
            return None
        return SequenceFlow(self._statement.id, source, target)

    def list_drawn(self) -> None:
        """Adds the flow to ends that have no child for it, after those that have one."""
        if self._source is not None and self._source not in self._statement.sources:
            self._source.outgoing_ids.append(self._statement.id)
        if self._target is not None and self._target not in self._statement.targets:
            self._target.incoming_ids.append(self._statement.id)

    def report(self, role: str) -> None:
        """Leaves what is wrong about one end with an element, unless a refused construct explains it."""
        statement = self._statement
        known = [e for e in (self._source, self._target, *statement.sources, *statement.targets) if e is not None]
        if any(element.refused for element in known):
            return
        scope = statement.scope
        for detail, end in (finding[1:] for finding in self._findings if finding[0] == role):
            holder = end or next(iter(known), scope)
            base = scope or (holder.parent if holder else None)
            if holder is not None and base is not None:
                holder.problems.append(Problem("sequence_flow", detail, base, statement.id))
        if role == "source":
            self._check_condition()

    def _find(self, role: str, child: str, ref: str, stated: Mapping[Element, None]) -> Element | None:
        statement = self._statement
        flow = f"sequence flow {statement.id}"
        if ref:
            found = self._by_id.get(ref)
            if found is None or found.type is ElementType.PROCESS:
                what = f"{flow} has no {role} element: {ref} is not defined"
                self._findings.append((role, what + statement.where(), None))
                return None
            for other in stated:
                if other.id != ref:
                    what = f"{flow} has the {role} element {ref}, but {other.id} lists it as {child}"
                    self._findings.append((role, what + statement.where(), other))
            return found
        if len(stated) == 1:
            return next(iter(stated))
        if stated:
            names = ", ".join(element.id for element in stated)
            self._findings.append((role, f"{flow} has more than one {role} element: {names}", next(iter(stated))))
        else:
            self._findings.append((role, f"{flow} has no {role} element", None))
        return None

    def _check_condition(self) -> None:
        source, drawn, scope = self._source, self._statement.drawn, self._statement.scope
        if source is None or drawn is None or scope is None or source.type in _DECIDED_BY_WORKER:
            return
        for child in drawn.children:
            if child.tag == "conditionExpression":
                what = "condition at a flow that leaves neither an exclusive nor an inclusive gateway"
                detail = f"sequence flow {drawn.get('id')} is not supported: {what} (line {child.line})"
                source.problems.append(Problem("element", detail, scope, drawn.get("id")))
