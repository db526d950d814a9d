"""The elements of BPMN that are executed."""

from __future__ import annotations

from collections.abc import Mapping

from app.bpmn.kinds import ElementType

T = ElementType

TAGS: Mapping[str, ElementType | Mapping[str, ElementType]] = {
    "adHocSubProcess": T.AD_HOC_SUB_PROCESS,
    "businessRuleTask": T.BUSINESS_RULE_TASK,
    "callActivity": T.CALL_ACTIVITY,
    "complexGateway": T.COMPLEX_GATEWAY,
    "eventBasedGateway": T.EVENT_BASED_GATEWAY,
    "exclusiveGateway": T.EXCLUSIVE_GATEWAY,
    "inclusiveGateway": T.INCLUSIVE_GATEWAY,
    "manualTask": T.MANUAL_TASK,
    "parallelGateway": T.PARALLEL_GATEWAY,
    "receiveTask": T.RECEIVE_TASK,
    "scriptTask": T.SCRIPT_TASK,
    "sendTask": T.SEND_TASK,
    "serviceTask": T.SERVICE_TASK,
    "subProcess": T.SUB_PROCESS,
    "task": T.TASK,
    "transaction": T.TRANSACTION,
    "userTask": T.USER_TASK,
    "startEvent": {
        "": T.NONE_START_EVENT,
        "messageEventDefinition": T.MESSAGE_START_EVENT,
        "signalEventDefinition": T.SIGNAL_START_EVENT,
        "timerEventDefinition": T.TIMER_START_EVENT,
    },
    "intermediateCatchEvent": {
        "conditionalEventDefinition": T.CONDITIONAL_CATCH_EVENT,
        "linkEventDefinition": T.LINK_CATCH_EVENT,
        "messageEventDefinition": T.MESSAGE_CATCH_EVENT,
        "signalEventDefinition": T.SIGNAL_CATCH_EVENT,
        "timerEventDefinition": T.TIMER_CATCH_EVENT,
    },
    "intermediateThrowEvent": {
        "": T.NONE_THROW_EVENT,
        "compensateEventDefinition": T.COMPENSATION_THROW_EVENT,
        "escalationEventDefinition": T.ESCALATION_THROW_EVENT,
        "linkEventDefinition": T.LINK_THROW_EVENT,
        "messageEventDefinition": T.MESSAGE_THROW_EVENT,
        "signalEventDefinition": T.SIGNAL_THROW_EVENT,
    },
    "boundaryEvent": {
        "cancelEventDefinition": T.CANCEL_BOUNDARY_EVENT,
        "compensateEventDefinition": T.COMPENSATION_BOUNDARY_EVENT,
        "conditionalEventDefinition": T.CONDITIONAL_BOUNDARY_EVENT,
        "errorEventDefinition": T.ERROR_BOUNDARY_EVENT,
        "escalationEventDefinition": T.ESCALATION_BOUNDARY_EVENT,
        "messageEventDefinition": T.MESSAGE_BOUNDARY_EVENT,
        "signalEventDefinition": T.SIGNAL_BOUNDARY_EVENT,
        "timerEventDefinition": T.TIMER_BOUNDARY_EVENT,
    },
    "endEvent": {
        "": T.NONE_END_EVENT,
        "cancelEventDefinition": T.CANCEL_END_EVENT,
        "compensateEventDefinition": T.COMPENSATION_END_EVENT,
        "errorEventDefinition": T.ERROR_END_EVENT,
        "escalationEventDefinition": T.ESCALATION_END_EVENT,
        "messageEventDefinition": T.MESSAGE_END_EVENT,
        "signalEventDefinition": T.SIGNAL_END_EVENT,
        "terminateEventDefinition": T.NONE_END_EVENT,
    },
}
"""XML element -> type, or type by event definition (`""`: without one)."""

HANDLER_STARTS: Mapping[str, ElementType] = {
    "": T.NONE_START_EVENT,
    "compensateEventDefinition": T.COMPENSATION_START_EVENT,
    "conditionalEventDefinition": T.CONDITIONAL_START_EVENT,
    "errorEventDefinition": T.ERROR_START_EVENT,
    "escalationEventDefinition": T.ESCALATION_START_EVENT,
    "messageEventDefinition": T.MESSAGE_START_EVENT,
    "signalEventDefinition": T.SIGNAL_START_EVENT,
    "timerEventDefinition": T.TIMER_START_EVENT,
}
"""The same for start events of event sub-processes."""

MULTIPLE: Mapping[str, ElementType] = {
    "boundaryEvent": T.MULTIPLE_BOUNDARY_EVENT,
    "endEvent": T.MULTIPLE_END_EVENT,
    "intermediateCatchEvent": T.MULTIPLE_CATCH_EVENT,
    "intermediateThrowEvent": T.MULTIPLE_THROW_EVENT,
    "startEvent": T.MULTIPLE_START_EVENT,
}
"""Events with several definitions."""

PARALLEL_MULTIPLE: Mapping[str, ElementType] = {
    "boundaryEvent": T.PARALLEL_MULTIPLE_BOUNDARY_EVENT,
    "intermediateCatchEvent": T.PARALLEL_MULTIPLE_CATCH_EVENT,
    "startEvent": T.PARALLEL_MULTIPLE_START_EVENT,
}
"""Events all of whose definitions must occur."""

CAUGHT_PARTS = frozenset(
    {
        "conditionalEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
        "messageEventDefinition",
        "signalEventDefinition",
        "timerEventDefinition",
    }
)
"""What one of several definitions of an event may be, if it may be the only one."""
THROWN_PARTS = frozenset({"escalationEventDefinition", "signalEventDefinition"})
"""The same of an event that throws."""

GLOBAL_TASKS: Mapping[str, ElementType] = {
    "globalBusinessRuleTask": T.BUSINESS_RULE_TASK,
    "globalManualTask": T.MANUAL_TASK,
    "globalScriptTask": T.SCRIPT_TASK,
    "globalTask": T.TASK,
    "globalUserTask": T.USER_TASK,
}
"""Tasks beside the processes of a file: which task a call activity that calls one is done as."""


def is_definition(tag: str) -> bool:
    """Whether it is, or refers to, the definition of an event."""
    return tag.endswith("EventDefinition") or tag in ("eventDefinition", "eventDefinitionRef")


def is_marker(tag: str) -> bool:
    """Whether it has an activity be performed several times; by any spelling, so that none gets lost."""
    return tag.lower().endswith("loopcharacteristics")


def is_executed(tag: str) -> bool:
    """Whether an element of that name counts where it is BPMN's."""
    return (
        tag in TAGS or tag in ("conditionExpression", "process", "sequenceFlow") or is_definition(tag) or is_marker(tag)
    )


def readable() -> frozenset[ElementType]:
    """All types that an element of a file may have."""
    found = {T.EVENT_SUB_PROCESS, T.PROCESS, *MULTIPLE.values(), *PARALLEL_MULTIPLE.values()}
    for row in [*TAGS.values(), HANDLER_STARTS]:
        found |= {row} if isinstance(row, ElementType) else set(row.values())
    return frozenset(found)
