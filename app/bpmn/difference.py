"""What distinguishes two versions of a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from app.bpmn.kinds import ElementType
from app.bpmn.model import Element, Expression, Part, Process

_PERFORMED = frozenset({ElementType.AD_HOC_SUB_PROCESS, ElementType.COMPLEX_GATEWAY})
"""Types with a condition that says when they are activated or over, and not what is waited for."""


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
    "outgoing": lambda element: sorted(
        (flow.target.id, flow.name, flow.conditional, flow.condition, flow.language) for flow in element.outgoing
    ),
    "default": lambda element: next((f.target.id for f in element.outgoing if f.id == element.default_flow), ""),
    "host": lambda element: (element.attached_to and element.attached_to.id, element.interrupting),
    "eventDefinition": lambda element: (
        *(_event(element), [(part.type, _event(part)) for part in element.parts], element.parallel_multiple),
        *(element.link_name, list(element.inputs), element.waits),
        *(each and each.id for each in (element.handler, element.activity_ref)),
    ),
    "calledElement": lambda element: (
        *(element.called_element, element.global_task, element.variables_in, element.variables_out),
    ),
}
"""What of an element may have changed. Ids of flows are not among it: tools give new ones."""


def _event(event: Element | Part) -> tuple[object, ...]:
    """What is waited for or thrown, and where it is put."""
    variables = event.error_code_variable, event.error_message_variable, event.escalation_code_variable
    condition = None if event.type in _PERFORMED else _text(event.condition)
    texts = condition, _text(event.correlation_key)
    return event.definition, event.unread_timer, *texts, *variables


def _text(expression: Expression | None) -> tuple[str, str] | None:
    """An expression wherever it is in a file."""
    return (expression.text, expression.language) if expression is not None else None


def _markers(element: Element) -> tuple[object, ...]:
    """How often it is performed, and when."""
    quantities = element.start_quantity, element.completion_quantity
    marks = element.instantiate, element.parallel, element.is_compensation, element.sequential, element.cancel_remaining
    condition = _text(element.condition) if element.type in _PERFORMED else None
    loop = element.loop
    if loop is None:
        return (*quantities, *marks, condition)
    thrown = [(event.type, _event(event)) for event in loop.events]
    texts = _text(loop.cardinality), _text(loop.condition)
    return (*quantities, *marks, condition, *texts, *thrown, replace(loop, cardinality=None, condition=None, events=()))


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
