"""What elements of a process ask workers for, by what is deployed and what the file says beside that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from py_bpmn._operations import Element
from py_bpmn._xml import Node, key_of, strays

_EXECUTED = (
    "BUSINESS_RULE_TASK",
    "MESSAGE_END_EVENT",
    "MESSAGE_THROW_EVENT",
    "SCRIPT_TASK",
    "SEND_TASK",
    "SERVICE_TASK",
)
_ALWAYS = {
    **dict.fromkeys(_EXECUTED, ("EXECUTE",)),
    "AD_HOC_SUB_PROCESS": ("SELECT_ACTIVITIES",),
    "CALL_ACTIVITY": ("CALL_PROCESS", "PASS_VARIABLES"),
}
_WITH_SEVERAL_FLOWS = {
    "COMPLEX_GATEWAY": "EVALUATE_COMPLEX_GATEWAY",
    "EXCLUSIVE_GATEWAY": "EVALUATE_EXCLUSIVE_GATEWAY",
    "INCLUSIVE_GATEWAY": "EVALUATE_INCLUSIVE_GATEWAY",
}
_DEFINED = dict.fromkeys(
    ("MESSAGE_BOUNDARY_EVENT", "MESSAGE_CATCH_EVENT", "RECEIVE_TASK"), ("SET_MESSAGE_CORRELATION_KEY",)
)
_UNDEFINED = {
    "ERROR_BOUNDARY_EVENT": ("SET_ERROR_CODE",),
    "ERROR_END_EVENT": ("SET_ERROR_CODE",),
    "ESCALATION_BOUNDARY_EVENT": ("SET_ESCALATION_CODE",),
    "ESCALATION_END_EVENT": ("SET_ESCALATION_CODE",),
    "ESCALATION_THROW_EVENT": ("SET_ESCALATION_CODE",),
    "MESSAGE_BOUNDARY_EVENT": ("SUBSCRIBE_MESSAGE",),
    "MESSAGE_CATCH_EVENT": ("SUBSCRIBE_MESSAGE",),
    "RECEIVE_TASK": ("SUBSCRIBE_MESSAGE",),
    "SIGNAL_BOUNDARY_EVENT": ("SUBSCRIBE_SIGNAL",),
    "SIGNAL_CATCH_EVENT": ("SUBSCRIBE_SIGNAL",),
    "SIGNAL_END_EVENT": ("SET_SIGNAL_NAME",),
    "SIGNAL_THROW_EVENT": ("SET_SIGNAL_NAME",),
    "TIMER_BOUNDARY_EVENT": ("SET_TIMER",),
    "TIMER_CATCH_EVENT": ("SET_TIMER",),
}
_GLOBAL_TASKS = {
    "globalBusinessRuleTask": ("EXECUTE",),
    "globalManualTask": (),
    "globalScriptTask": ("EXECUTE",),
    "globalTask": (),
    "globalUserTask": (),
}
_CONSTANTS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Asked:
    """The types of the jobs of an element."""

    surely: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    """Whether there are such depends on what the engine can do by itself."""

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.surely, *self.maybe)


@dataclass(slots=True)
class Drawn:
    """What a file says of one element."""

    node: Node | None = None
    flows: set[str] = field(default_factory=set)
    """Ids of those that lead away from it."""
    conditional: set[str] = field(default_factory=set)
    """Of these the ones that have a condition."""
    is_of_handler: bool = False
    """Whether it is directly in an event sub-process."""
    global_task: str = ""
    """The kind of task in the same file that a call activity calls."""


def drawn(root: Node, process: str) -> dict[str, Drawn]:
    """The elements of a process by their ids; ids are unique within a process, and others may have the same."""
    found: dict[str, Drawn] = {}
    tasks = {child.get("id"): child.tag for child in root.children if child.tag in _GLOBAL_TASKS}
    inside = [node for each in root.children if each.get("id") == process for node in each.walk()]
    # Tools leave children of flows that are no more at one end.
    entering = {_id(child.text) for node in inside for child in node.children if child.tag == "incoming"}
    for node in (*inside, *strays(root, process, {node.get("id") for node in inside})):
        if node.tag == "sequenceFlow":
            source = found.setdefault(_id(node.get("sourceRef")), Drawn())
            source.flows.add(key_of(node))
            if node.first("conditionExpression"):
                source.conditional.add(key_of(node))
            continue
        element = found.setdefault(node.get("id"), Drawn())
        element.node = node
        element.flows |= {_id(child.text) for child in node.children if child.tag == "outgoing"} & entering
        element.global_task = tasks.get(_id(node.get("calledElement")), "")
        if node.is_true("triggeredByEvent"):
            for child in node.children:
                found.setdefault(child.get("id"), Drawn()).is_of_handler = True
    return found


def asked_for(element: Element, drawn: Drawn, *, evaluates: bool = False) -> Asked:
    """What an element asks for; with `evaluates`, the engine evaluates what it can."""
    own = _own(element, drawn)
    beside = tuple(_by_marker(drawn)) + tuple(_by_flows(element.bpmn_element_type, drawn))
    if element.bpmn_element_type.startswith(("MULTIPLE_", "PARALLEL_MULTIPLE_")):
        key, timer = _of_parts(element, drawn)
        if evaluates:
            return Asked((), (*key, *timer, *beside))
        # Only one of its definitions may be left to a job.
        return Asked((*key, *beside), () if key else timer)
    if not evaluates:
        return Asked((*own, *beside))
    is_sent = element.bpmn_element_type in ("MESSAGE_END_EVENT", "MESSAGE_THROW_EVENT", "SEND_TASK")
    surely = () if is_sent else tuple(type for type in own if type in ("EXECUTE", "SELECT_ACTIVITIES"))
    return Asked(surely, (*(type for type in own if type not in surely), *beside))


def _own(element: Element, drawn: Drawn) -> tuple[str, ...]:
    type = element.bpmn_element_type
    if drawn.global_task:
        return _GLOBAL_TASKS[drawn.global_task]
    if drawn.is_of_handler and type == "MESSAGE_START_EVENT":
        return ("SET_MESSAGE_CORRELATION_KEY",)
    if drawn.is_of_handler and type == "TIMER_START_EVENT":
        return ("SET_TIMER",) if element.event_definition is None else ()
    if type == "RECEIVE_TASK" and drawn.node is not None and drawn.node.is_true("instantiate"):
        return ()
    if type == "COMPLEX_GATEWAY" and drawn.node is not None and _text(drawn.node, "activationCondition"):
        return ("EVALUATE_ACTIVATION_CONDITION", *_decided(type, drawn))
    if type in _WITH_SEVERAL_FLOWS:
        return _decided(type, drawn)
    if type in _ALWAYS:
        return _ALWAYS[type]
    known: Mapping[str, tuple[str, ...]] = _UNDEFINED if element.event_definition is None else _DEFINED
    return known.get(type, ())


def _of_parts(element: Element, drawn: Drawn) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What an event with several definitions asks for about a message, and what it may ask for about a timer."""
    type = element.bpmn_element_type
    starts = type == "MULTIPLE_START_EVENT" and not drawn.is_of_handler
    if starts or type.endswith(("_THROW_EVENT", "_END_EVENT")):
        return (), ()
    waits_for_message = any(each.message_name for each in element.event_definitions)
    says_all = all(
        each.message_name or each.signal_name or each.error_code or each.escalation_code or each.timer
        for each in element.event_definitions
    )
    return ("SET_MESSAGE_CORRELATION_KEY",) if waits_for_message else (), () if says_all else ("SET_TIMER",)


def _decided(type: str, drawn: Drawn) -> tuple[str, ...]:
    return (_WITH_SEVERAL_FLOWS[type],) if len(drawn.flows) > 1 else ()


def _by_marker(drawn: Drawn) -> Iterator[str]:
    """The jobs of what the instances of an activity with a marker are inside of."""
    if drawn.node is None:
        return
    multi, loop = drawn.node.first("multiInstanceLoopCharacteristics"), drawn.node.first("standardLoopCharacteristics")
    if multi is not None:
        number = _text(multi, "loopCardinality")
        if not number.isdigit() and not _text(multi, "loopDataInputRef"):
            yield "SET_LOOP_CARDINALITY"
        if _text(multi, "completionCondition") not in ("", *_CONSTANTS):
            yield "EVALUATE_COMPLETION_CONDITION"
    elif loop is not None:
        condition = _text(loop, "loopCondition")
        if condition not in _CONSTANTS and (condition or not loop.get("loopMaximum")):
            yield "EVALUATE_LOOP_CONDITION"


def _by_flows(type: str, drawn: Drawn) -> Iterator[str]:
    """The job of an activity or event that some flows leave if their condition is true."""
    default = "" if drawn.node is None else _id(drawn.node.get("default"))
    if drawn.conditional - {default} and not type.endswith("_GATEWAY"):
        yield "EVALUATE_OUTGOING_FLOWS"


def _text(node: Node, tag: str) -> str:
    child = node.first(tag)
    return "" if child is None else child.text.strip()


def _id(text: str) -> str:
    """Without a prefix: ids are referred to by qualified names."""
    return text.strip().rpartition(":")[2]
