"""What distinguishes two versions of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.bpmn.model import Element, Process


@dataclass(frozen=True, slots=True)
class Changed:
    element: Element
    """As it is in the newer version."""
    aspects: Sequence[str]
    """Names of `ASPECTS`."""


@dataclass(frozen=True, slots=True)
class Difference:
    added: Sequence[Element]
    removed: Sequence[Element]
    changed: Sequence[Changed]


ASPECTS: Mapping[str, Callable[[Element], object]] = {
    "type": lambda element: (element.type, element.terminate, *_markers(element)),
    "name": lambda element: element.name,
    "parent": lambda element: element.parent and element.parent.id,
    "incoming": lambda element: sorted(flow.source.id for flow in element.incoming),
    "outgoing": lambda element: sorted((flow.target.id, flow.name, flow.conditional) for flow in element.outgoing),
    "default": lambda element: next((f.target.id for f in element.outgoing if f.id == element.default_flow), ""),
    "host": lambda element: (element.attached_to and element.attached_to.id, element.interrupting),
    "eventDefinition": lambda element: (element.definition, element.unread_timer, element.link_name),
    "calledElement": lambda element: element.called_element,
}
"""What of an element may have changed. Ids of flows are not among it: tools give new ones."""


def _markers(element: Element) -> tuple[object, ...]:
    """How often it is performed, and when."""
    quantities = element.start_quantity, element.completion_quantity
    marks = element.instantiate, element.parallel, element.is_compensation
    loop = element.loop
    if loop is None:
        return (*quantities, *marks)
    texts = [each and (each.text, each.language) for each in (loop.cardinality, loop.condition)]
    return (*quantities, *marks, *texts, replace(loop, cardinality=None, condition=None))


def compare(older: Process, newer: Process) -> Difference:
    """The elements that only one of them has, and those that are not the same in both; in the order of their files."""
    before = {element.id: element for element in older.elements()}
    after = {element.id: element for element in newer.elements()}
    changed = []
    for id, element in after.items():
        if id in before:
            aspects = [name for name, of in ASPECTS.items() if of(before[id]) != of(element)]
            if aspects:
                changed.append(Changed(element, aspects))
    return Difference(
        added=[element for id, element in after.items() if id not in before],
        removed=[element for id, element in before.items() if id not in after],
        changed=changed,
    )
