"""Which definition every event of a process has: the request's before the XML's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.bpmn.model import Element, ElementType, EventDefinition, Process
from app.errors import Cause
from app.timer import Timer

T = ElementType


@dataclass(frozen=True, slots=True)
class _Kind:
    """One list of a request, and the events it may speak about."""

    cause_type: str
    name: str
    types: frozenset[ElementType]
    start: ElementType | None = None
    """The start event that needs a definition."""
    missing: str = ""
    """What to say if it has none."""


_KINDS = (
    _Kind("error_event", "an error event", frozenset({T.ERROR_BOUNDARY_EVENT, T.ERROR_END_EVENT})),
    _Kind(
        "escalation_event",
        "an escalation event",
        frozenset({T.ESCALATION_BOUNDARY_EVENT, T.ESCALATION_END_EVENT, T.ESCALATION_THROW_EVENT}),
    ),
    _Kind(
        "message_event",
        "a message event",
        frozenset(
            {
                T.MESSAGE_BOUNDARY_EVENT,
                T.MESSAGE_CATCH_EVENT,
                T.MESSAGE_END_EVENT,
                T.MESSAGE_START_EVENT,
                T.MESSAGE_THROW_EVENT,
            }
        ),
        start=T.MESSAGE_START_EVENT,
        missing="no message name defined for element",
    ),
    _Kind(
        "signal_event",
        "a signal event",
        frozenset(
            {
                T.SIGNAL_BOUNDARY_EVENT,
                T.SIGNAL_CATCH_EVENT,
                T.SIGNAL_END_EVENT,
                T.SIGNAL_START_EVENT,
                T.SIGNAL_THROW_EVENT,
            }
        ),
        start=T.SIGNAL_START_EVENT,
        missing="no signal name defined for element",
    ),
    _Kind(
        "timer_event",
        "a timer event",
        frozenset({T.TIMER_BOUNDARY_EVENT, T.TIMER_CATCH_EVENT, T.TIMER_START_EVENT}),
        start=T.TIMER_START_EVENT,
        missing="no timer defined for BPMN element",
    ),
)
_EVENTS = frozenset[ElementType]().union(*(kind.types for kind in _KINDS))
_UNDEFINED = frozenset({T.MESSAGE_THROW_EVENT, T.MESSAGE_END_EVENT})
"""Executed by a job in any case: a request's definition is accepted and dropped."""


def resolve(
    process: Process,
    *,
    errors: Mapping[str, str],
    escalations: Mapping[str, str],
    messages: Mapping[str, str],
    signals: Mapping[str, str],
    timers: Mapping[str, Timer],
) -> tuple[dict[str, EventDefinition], list[Cause]]:
    """The definitions by element id, and why they can't be used, in numbering order.

    `errors` to `timers` are the request's, by element id. Entries for unknown elements are left to `unknown_elements`.
    """
    requested = (
        {key: EventDefinition(error_code=code) for key, code in errors.items()},
        {key: EventDefinition(escalation_code=code) for key, code in escalations.items()},
        {key: EventDefinition(message_name=name) for key, name in messages.items()},
        {key: EventDefinition(signal_name=name) for key, name in signals.items()},
        {key: EventDefinition(timer=timer) for key, timer in timers.items()},
    )
    named = set().union(*requested)
    definitions: dict[str, EventDefinition] = {}
    causes: list[Cause] = []
    for element in process.elements():
        if element.type not in _EVENTS and element.id not in named:
            continue
        if element.definition is not None:
            definitions[element.id] = element.definition
        for kind, entries in zip(_KINDS, requested, strict=True):
            entry = entries.get(element.id)
            if entry is None or element.type not in kind.types:
                causes.extend(_causes(element, kind, requested=entry is not None))
            elif element.type not in _UNDEFINED:
                definitions[element.id] = entry
    return definitions, causes


def _causes(element: Element, kind: _Kind, *, requested: bool) -> Iterator[Cause]:
    """What is wrong with an element for which the request has no definition of this kind that fits."""
    if requested:
        yield Cause(element.pointer, kind.cause_type, f"element {element.id} is not {kind.name}", "", *element.place)
    elif element.definition_cause is not None:
        if element.definition_cause.type == kind.cause_type:
            yield element.definition_cause
    elif element.type is kind.start and element.definition is None:
        yield Cause(element.pointer, kind.cause_type, f"{kind.missing} {element.id}", "", *element.place)


def unknown_elements(
    process: Process,
    *,
    errors: Mapping[str, str],
    escalations: Mapping[str, str],
    messages: Mapping[str, str],
    signals: Mapping[str, str],
    timers: Mapping[str, Timer],
) -> list[Cause]:
    """One cause per entry of the request that names no element of the process; in the order of the request."""
    known = {element.id for element in process.elements()}
    pointer = process.element.pointer
    return [
        Cause(pointer, kind.cause_type, f"process {process.element.id} has no element {element_id}")
        for kind, entries in zip(_KINDS, (errors, escalations, messages, signals, timers), strict=True)
        for element_id in entries
        if element_id not in known
    ]


def duplicate_start_names(process: Process, definitions: Mapping[str, EventDefinition]) -> list[Cause]:
    """One cause per start event whose message or signal name an earlier start event of the process has already."""
    causes = []
    seen: set[tuple[str, str | None]] = set()
    for element in process.elements():
        definition = definitions.get(element.id)
        if definition is None:
            continue
        if element.type is T.MESSAGE_START_EVENT:
            kind, name = "message", definition.message_name
        elif element.type is T.SIGNAL_START_EVENT:
            kind, name = "signal", definition.signal_name
        else:
            continue
        if (kind, name) in seen:
            detail = f"start {kind} name {name} must be unique"
            causes.append(Cause(element.pointer, f"{kind}_event", detail, "", *element.place))
        seen.add((kind, name))
    return causes
