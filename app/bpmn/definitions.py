"""Which definition every event of a process has: the request's before the XML's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.bpmn.kinds import (
    ERROR_EVENTS,
    ESCALATION_EVENTS,
    MESSAGE_EVENTS,
    SIGNAL_EVENTS,
    START_EVENTS,
    TIMER_EVENTS,
    ElementType,
)
from app.bpmn.model import Element, EventDefinition, Process
from app.errors import Cause
from app.timer import Timer

T = ElementType


@dataclass(frozen=True, slots=True)
class _Kind:
    """One list of a request, and the events it may speak about."""

    cause_type: str
    name: str
    types: frozenset[ElementType]
    required: frozenset[ElementType] = frozenset()
    """Start events that need a definition, like everything else of these types that starts a process."""
    missing: str = ""
    """What to say if it has none."""

    def requires(self, element: Element) -> bool:
        """Whether the element needs a definition of this kind."""
        return (
            bool(self.missing)
            and element.type in self.types
            and (element.type in self.required or element.instantiates)
        )


_KINDS = (
    _Kind("error_event", "an error event", ERROR_EVENTS),
    _Kind("escalation_event", "an escalation event", ESCALATION_EVENTS),
    _Kind(
        "message_event",
        "a message event",
        MESSAGE_EVENTS,
        required=frozenset({T.MESSAGE_START_EVENT}),
        missing="no message name defined for element",
    ),
    _Kind(
        "signal_event",
        "a signal event",
        SIGNAL_EVENTS,
        required=frozenset({T.SIGNAL_START_EVENT}),
        missing="no signal name defined for element",
    ),
    _Kind("timer_event", "a timer event", TIMER_EVENTS, missing="no timer defined for BPMN element"),
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
    elif element.definition is None and kind.requires(element):
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
    """One cause for each element, or part of it, that waits for what an earlier one waits for already.

    That is for whatever starts the process by a message or signal, and for start events that interrupt one scope.
    """
    causes = []
    seen: dict[tuple[Element | None, ElementType | str, str], Element] = {}
    for element in process.elements():
        for type, definition in _defined(element, definitions):
            name = definition.name
            if name is None:
                continue
            if element.instantiates:
                kind = "message" if type in MESSAGE_EVENTS else "signal"
                if (None, kind, name) in seen:
                    detail = f"start {kind} name {name} must be unique"
                    causes.append(Cause(element.pointer, f"{kind}_event", detail, "", *element.place))
                seen[None, kind, name] = element
            elif element.type in START_EVENTS and element.interrupting and element.parent is not None:
                first = seen.setdefault((element.parent.parent, type, name), element)
                if first is not element:
                    kind = next(kind.cause_type for kind in _KINDS if type in kind.types)
                    detail = f"interrupting start event {element.id} catches the same as {first.id}"
                    causes.append(Cause(element.pointer, kind, detail, "", *element.place))
    return causes


def _defined(
    element: Element, definitions: Mapping[str, EventDefinition]
) -> Iterator[tuple[ElementType, EventDefinition]]:
    """What an event waits for or throws, and the type of an event that has nothing but that."""
    if element.id in definitions:
        yield element.type, definitions[element.id]
    yield from ((part.type, part.definition) for part in element.parts if part.definition is not None)
