"""What is odd about a process without being wrong: it is executed as it says, but hardly means what it says.

One rule is one function, under the name that warnings carry as their type. The rules see a process that satisfies all
checks, and what its file says; what a request defines for its events is not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from app.bpmn.causes import bounded
from app.bpmn.kinds import (
    ACTIVITIES,
    BOUNDARY_EVENTS,
    DECIDING_GATEWAYS,
    END_EVENTS,
    GATEWAYS,
    INTERMEDIATE_EVENTS,
    LINK_EVENTS,
    MULTIPLE_EVENTS,
    PASSED_THROUGH_TASKS,
    SCOPES,
    START_EVENTS,
    TIMER_EVENTS,
    ElementType,
)
from app.bpmn.model import MAX_ID_LENGTH, Element, Process, SequenceFlow
from app.bpmn.reader import Place
from app.bpmn.ways import (
    beginnings,
    caught_links,
    exclude_each_other,
    following,
    passes,
    pruned,
    reached,
    reached_by_several,
    start_events,
)
from app.cron import quoted
from app.errors import Cause

T = ElementType

Remark = tuple[str, str, Place]
"""Pointer, sentence, and where it is in the file."""
Find = Callable[[Process], Iterable[Remark]]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    find: Find

    @property
    def about(self) -> str:
        """What the rule looks for, in one sentence."""
        return (self.find.__doc__ or "").partition("\n")[0]


RULES: dict[str, Rule] = {}
"""By name, in the order in which warnings are given."""
REFUSED = "refused"
"""Type of the warnings that are no rule's, but what a check says of a model that is deployed already."""


def advise(process: Process) -> list[Cause]:
    """All warnings, as far as `bounded` lets them: by rule, and for each in numbering order."""
    return bounded(
        Cause(pointer, rule.name, sentence, "", *place)
        for rule in RULES.values()
        for pointer, sentence, place in rule.find(process)
    )


def refused(cause: Cause) -> Cause:
    """The warning for a cause that came too late: an earlier version has accepted the model."""
    return replace(cause, type=REFUSED)


def _rule(name: str) -> Callable[[Find], Find]:
    def register(find: Find) -> Find:
        RULES[name] = Rule(name, find)
        return find

    return register


_NEEDS_INCOMING = INTERMEDIATE_EVENTS | {T.LINK_THROW_EVENT}
_NEEDS_OUTGOING = (INTERMEDIATE_EVENTS | START_EVENTS | BOUNDARY_EVENTS | {T.LINK_CATCH_EVENT}) - {
    T.COMPENSATION_BOUNDARY_EVENT
}
_MAY_BE_LAST = END_EVENTS | INTERMEDIATE_EVENTS | START_EVENTS | BOUNDARY_EVENTS | LINK_EVENTS | {T.EVENT_SUB_PROCESS}
"""Types that end a path, are outside of all paths, or are an event without flow."""
_EXPRESSIONS = ("${", "#{", "=")
_TIMERS = {
    "timeDate": "an ISO 8601 date-time",
    "timeDuration": "an ISO 8601 duration",
    "timeCycle": "an ISO 8601 repeating interval or a cron expression",
}


def _at(element: Element, sentence: str) -> Remark:
    return element.pointer, f"{sentence} (line {element.line})", element.place


def _at_flow(flow: SequenceFlow, sentence: str) -> Remark:
    return flow.pointer, f"sequence flow {flow.id} {sentence} (line {flow.line})", flow.place


def _scopes(process: Process) -> Iterator[Element]:
    return process.of_types(SCOPES)


@_rule("no-start-event")
def _no_start_event(process: Process) -> Iterator[Remark]:
    """A process has neither a start event nor anything else to begin with (BPMN 2.0.2, 10.5.2)."""
    if not beginnings(process.element):
        what = f"process {process.element.id} has no start event, and no element without incoming sequence flow"
        yield _at(process.element, f"{what}: it can't be started")


@_rule("unreachable")
def _unreachable(process: Process) -> Iterator[Remark]:
    """No path leads from where its scope begins to the element: it is never executed."""
    for scope in _scopes(process):
        found = reached(scope)
        begins = "activity that can be selected" if scope.type is T.AD_HOC_SUB_PROCESS else "start event"
        if found:
            for child in scope.children:
                if child not in found and child.type is not T.EVENT_SUB_PROCESS:
                    yield _at(child, f"no {begins} leads to element {child.id}: it is never executed")


@_rule("link-not-thrown")
def _link_not_thrown(process: Process) -> Iterator[Remark]:
    """Nothing throws the link that a catch event waits for."""
    thrown = {(element.parent, element.link_name) for element in process.of_types({T.LINK_THROW_EVENT})}
    for element in process.of_types({T.LINK_CATCH_EVENT}):
        if (element.parent, element.link_name) not in thrown:
            yield _at(element, f"no link throw event leads to link catch event {element.id}")


@_rule("event-without-flow")
def _event_without_flow(process: Process) -> Iterator[Remark]:
    """An event has no sequence flow on a side where it needs one (BPMN 2.0.2, 10.5.2 and 10.5.4)."""
    begins = {element for scope in _scopes(process) for element in scope.start_nodes()}
    for element in process.of_types(_NEEDS_INCOMING | _NEEDS_OUTGOING):
        if element.type in _NEEDS_INCOMING and not element.incoming and element not in begins:
            yield _at(element, f"event {element.id} has no incoming sequence flow")
        if element.type in _NEEDS_OUTGOING and not element.outgoing:
            yield _at(element, f"event {element.id} has no outgoing sequence flow: the path ends there")


@_rule("implicit-end")
def _implicit_end(process: Process) -> Iterator[Remark]:
    """A path ends at something else than an end event, though the scope has end events (BPMN 2.0.2, 10.5.3)."""
    for scope in _scopes(process):
        if any(child.type in END_EVENTS for child in scope.children):
            for child in scope.children:
                if not child.outgoing and child.type not in _MAY_BE_LAST and not child.is_compensation:
                    yield _at(child, f"element {child.id} has no outgoing sequence flow: the path ends there")


@_rule("no-end-event")
def _no_end_event(process: Process) -> Iterator[Remark]:
    """A scope has a start event, but no end event (BPMN 2.0.2, 10.5.3)."""
    for scope in _scopes(process):
        if start_events(scope) and not any(child.type in END_EVENTS for child in scope.children):
            yield _at(scope, f"{_kind(scope)} {scope.id} has no end event")


def _kind(scope: Element) -> str:
    return scope.type.replace("SUB_PROCESS", "SUB-PROCESS").replace("_", " ").lower()


@_rule("empty-sub-process")
def _empty_sub_process(process: Process) -> Iterator[Remark]:
    """A sub-process has no content: it completes at once, and what it stands for is not done."""
    for element in process.elements():
        if element.is_empty:
            yield _at(element, f"{_kind(element)} {element.id} has no content: it completes at once")


@_rule("endless-loop")
def _endless_loop(process: Process) -> Iterator[Remark]:
    """Nothing waits or is decided in a loop: an instance that enters it can't go on."""
    for scope in _scopes(process):
        caught = caught_links(scope)
        passing = {element for element in scope.children if passes(element)}
        after = {
            element: [target for target in following(element, caught) if target in passing]
            for element in scope.children
            if element in passing
        }
        before: dict[Element, list[Element]] = {}
        for element, targets in after.items():
            for target in targets:
                before.setdefault(target, []).append(element)
        looping = pruned(pruned(set(after), after, before), before, after)
        for element in scope.children:
            if element in looping:
                yield _at(element, f"element {element.id} is in a loop in which nothing waits: it never ends")


@_rule("never-joined")
def _never_joined(process: Process) -> Iterator[Remark]:
    """A parallel gateway waits for several paths of which only one is ever taken: it waits for ever."""
    for scope in process.of_types(SCOPES - {T.AD_HOC_SUB_PROCESS}):
        found, several = reached(scope), reached_by_several(scope)
        for element in scope.children:
            if element.type is T.PARALLEL_GATEWAY and element in found:
                sources = list(dict.fromkeys(flow.source for flow in element.incoming))
                if len(sources) > 1 and (element not in several or exclude_each_other(element, sources)):
                    yield _at(element, f"parallel gateway {element.id} waits for paths of which only one is ever taken")


@_rule("single-flow-gateway")
def _single_flow_gateway(process: Process) -> Iterator[Remark]:
    """A gateway has neither several incoming nor several outgoing sequence flows (BPMN 2.0.2, 10.6.1)."""
    for element in process.of_types(GATEWAYS):
        if len(element.incoming) < 2 and len(element.outgoing) < 2:
            yield _at(element, f"gateway {element.id} has one path in and out at most: it neither forks nor joins")


@_rule("gateway-direction")
def _gateway_direction(process: Process) -> Iterator[Remark]:
    """The sequence flows of a gateway contradict its gatewayDirection (BPMN 2.0.2, 10.6.1)."""
    for element in process.of_types(GATEWAYS):
        joins, forks = len(element.incoming) > 1, len(element.outgoing) > 1
        fits = {
            "": True,
            "Unspecified": True,
            "Converging": joins and not forks,
            "Diverging": forks and not joins,
            "Mixed": joins and forks,
        }
        if not fits.get(element.direction, False):
            flows = f"{len(element.incoming)} incoming and {len(element.outgoing)} outgoing sequence flows"
            yield _at(element, f"gateway {element.id} is {element.direction[:MAX_ID_LENGTH]}, but has {flows}")


@_rule("undecidable-gateway")
def _undecidable_gateway(process: Process) -> Iterator[Remark]:
    """Conditions do not cover all flows of a gateway, or a decision can't tell two flows apart (BPMN 2.0.2, 10.6.2)."""
    for element in process.of_types(DECIDING_GATEWAYS):
        # A complex gateway goes on along flows without conditions in any case.
        chooses = element.type is not T.COMPLEX_GATEWAY and len(element.outgoing) > 1
        if chooses and any(flow.conditional for flow in element.outgoing):
            for flow in element.outgoing:
                if not flow.conditional and flow.id != element.default_flow:
                    yield _at_flow(flow, "has no condition and is no default flow, but others of its gateway have one")
        targets = Counter(flow.target for flow in element.outgoing)
        for target, count in targets.items():
            if count > 1:
                yield _at(element, f"gateway {element.id} has {count} flows to {target.id}, which look alike")


@_rule("ignored-condition")
def _ignored_condition(process: Process) -> Iterator[Remark]:
    """A condition is not looked at, since its flow is the default flow or the only one."""
    for element in process.elements():
        for flow in element.outgoing:
            if flow.conditional and flow.is_default:
                yield _at_flow(flow, "is a default flow, so its condition doesn't count")
            elif flow.conditional and len(element.outgoing) == 1 and not process.evaluates:
                yield _at_flow(flow, "is the only one of its gateway, so its condition doesn't count")


@_rule("ignored-default-flow")
def _ignored_default_flow(process: Process) -> Iterator[Remark]:
    """A default flow has no effect, since there is nothing else to choose."""
    for element in process.elements():
        default = element.default_flow[:MAX_ID_LENGTH]
        chooses = element.type in DECIDING_GATEWAYS or any(flow.is_chosen for flow in element.outgoing)
        if default and not chooses:
            yield _at(element, f"default flow {default} of element {element.id} has no effect")


@_rule("timer-text")
def _timer_text(process: Process) -> Iterator[Remark]:
    """The text of a timer is neither a literal nor an expression: a job will ask for the timer."""
    for element in process.of_types(TIMER_EVENTS | MULTIPLE_EVENTS):
        for event in element.with_parts:
            if event.unread_timer is not None and not event.unread_timer[1].startswith(_EXPRESSIONS):
                tag, text = event.unread_timer
                yield _at(element, f"{tag} {quoted(text)} of event {element.id} is not {_TIMERS[tag]}")


@_rule("never-armed")
def _never_armed(process: Process) -> Iterator[Remark]:
    """A boundary event is attached to a task that is over as soon as it begins."""
    for element in process.of_types(BOUNDARY_EVENTS - {T.COMPENSATION_BOUNDARY_EVENT}):
        host = element.attached_to
        if host is not None and host.type in PASSED_THROUGH_TASKS and host.loop is None:
            yield _at(element, f"boundary event {element.id} never happens: {host.id} is over as soon as it begins")


@_rule("interrupting-error")
def _interrupting_error(process: Process) -> Iterator[Remark]:
    """An error boundary event says that it doesn't interrupt; it does (BPMN 2.0.2, 10.5.4)."""
    for element in process.of_types({T.ERROR_BOUNDARY_EVENT}):
        if not element.says_interrupting:
            yield _at(element, f"boundary event {element.id} catches an error, so it interrupts in any case")


@_rule("same-trigger")
def _same_trigger(process: Process) -> Iterator[Remark]:
    """Two boundary events of an activity catch the same error or escalation: only the first one is triggered."""
    for element in process.of_types(ACTIVITIES):
        seen: dict[tuple[ElementType, str, bool], Element] = {}
        for event in element.attached:
            code = event.definition and (event.definition.error_code, event.definition.escalation_code)
            caught = next((part for part in code or () if part is not None), None)
            if caught is not None:
                first = seen.setdefault((event.type, caught, event.interrupting), event)
                if first is not event:
                    yield _at(event, f"boundary event {event.id} catches the same as {first.id}: it never happens")


@_rule("throw-without-code")
def _throw_without_code(process: Process) -> Iterator[Remark]:
    """An error or escalation is thrown without a code: only events that catch every code catch it."""
    for element in process.of_types({T.ERROR_END_EVENT, T.ESCALATION_END_EVENT, T.ESCALATION_THROW_EVENT}):
        definition = element.definition
        if definition is not None and not (definition.error_code or definition.escalation_code):
            kind = "error" if element.type is T.ERROR_END_EVENT else "escalation"
            yield _at(element, f"event {element.id} throws an {kind} without a code")


@_rule("called-process")
def _called_process(process: Process) -> Iterator[Remark]:
    """A call activity calls a process of the file that can't be called, or names it by a prefix."""
    for element in process.of_types({T.CALL_ACTIVITY}):
        called, _, version = element.called_element.partition(":")
        if process.startable.get(called) is False:
            yield _at(element, f"process {called} has no none start event, so {element.id} can't call it")
        elif called in process.prefixes and called not in process.startable and version in process.startable:
            sentence = f"{element.id} calls version {version} of process {called}, not process {version}"
            yield _at(element, f"{sentence}: a prefix has no meaning there")


@_rule("leftover-reference")
def _leftover_reference(process: Process) -> Iterator[Remark]:
    """An element names an incoming or outgoing sequence flow that is not drawn: it is ignored."""
    for leftover in process.leftovers:
        sentence = f"element {leftover.element.id} names {leftover.role} sequence flow {leftover.flow_id}"
        place = leftover.place
        yield leftover.element.pointer, f"{sentence}, which does not exist (line {place.line})", place


@_rule("nameless-declaration")
def _nameless_declaration(process: Process) -> Iterator[Remark]:
    """A message or signal has no name, and no event refers to it."""
    for declared in process.nameless:
        sentence = f"{declared.tag} {declared.id} has no name, and no event refers to it (line {declared.place.line})"
        yield process.element.pointer, sentence, declared.place


@_rule("duplicate-id")
def _duplicate_id(process: Process) -> Iterator[Remark]:
    """A part that has no influence on the execution has an id that is used before (BPMN 2.0.2, 8.2.1)."""
    for id, place in process.doubled_ids:
        sentence = f"ID {id[:MAX_ID_LENGTH]} is used more than once (line {place.line})"
        yield process.element.pointer, sentence, place


@_rule("data-name")
def _data_name(process: Process) -> Iterator[Remark]:
    """The name of data is none that a variable can have: the variable has the id as its name."""
    for element in process.elements():
        for name, variable in dict.fromkeys(element.renamed):
            what = f"data {quoted(name)} of element {element.id} has no name that a variable can have"
            yield _at(element, f"{what}: it means the variable {variable}")


@_rule("must-understand")
def _must_understand(process: Process) -> Iterator[Remark]:
    """The file says that an extension must be understood (BPMN 2.0.2, 8.2.3): it is skipped."""
    for definition, place in process.extensions:
        what = f"extension {definition}".strip()
        sentence = f"{what} must be understood, as the file says, and is skipped (line {place.line})"
        yield process.element.pointer, sentence, place


@_rule("unknown-element")
def _unknown_element(process: Process) -> Iterator[Remark]:
    """An element looks like one of BPMN's, but is none, or lacks the namespace of the file: it is skipped."""
    for tag, place in process.unknown:
        yield process.element.pointer, f"{tag} is no element of BPMN, and is skipped (line {place.line})", place
