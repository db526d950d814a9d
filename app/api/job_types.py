"""What each type of job is about, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping

from app.engine.types import JobType

_FAILS = "the job fails"
JOB_TYPES: Mapping[JobType, tuple[str, str, str]] = {
    JobType.EXECUTE: (
        "A task done by workers has started, or a message throw or end event was reached. `taskType` and "
        "`messageName` tell more.",
        "Nothing: the token goes on. `errorCode` throws a BPMN error, `escalationCode` an escalation.",
        "completed",
    ),
    JobType.EVALUATE_EXCLUSIVE_GATEWAY: (
        "An exclusive gateway with several outgoing flows was reached. `decisions` are the flows.",
        "`exclusiveGatewayDecision`: the id of a flow, or of the element that it leads to.",
        f"the default flow is taken; where there is none, {_FAILS}",
    ),
    JobType.EVALUATE_INCLUSIVE_GATEWAY: (
        "An inclusive gateway with several outgoing flows was reached. `decisions` are the flows.",
        "`inclusiveGatewayDecision`: a list of such ids. The default flow is always taken, too.",
        f"the default flow is taken; where there is none, {_FAILS}",
    ),
    JobType.EVALUATE_COMPLEX_GATEWAY: (
        "A complex gateway with conditions was activated. `decisions` are its flows.",
        "`inclusiveGatewayDecision`: a list of ids of flows with conditions, or of the elements that they lead to.",
        f"the default flow is taken; where there is none, {_FAILS}",
    ),
    JobType.EVALUATE_OUTGOING_FLOWS: (
        "An activity or event is over that has outgoing flows with conditions. `decisions` are these, and the default "
        "flow. Flows without a condition are taken in any case.",
        "`inclusiveGatewayDecision`: a list of ids of flows with conditions, or of the elements that they lead to.",
        f"the default flow is taken; where no flow is taken at all, {_FAILS}",
    ),
    JobType.EVALUATE_ACTIVATION_CONDITION: (
        "A token has arrived at a complex gateway that waits for its start. `expression` is what the file says.",
        "`conditionFulfilled`: whether the gateway is activated by the tokens that wait there.",
        _FAILS,
    ),
    JobType.SET_LOOP_CARDINALITY: (
        "A multi-instance activity was reached whose number of instances is no literal, and that has no collection. "
        "`expression` is what the file says.",
        "`loopCardinality`: how many instances there are; one with 0 is completed at once.",
        _FAILS,
    ),
    JobType.EVALUATE_COMPLETION_CONDITION: (
        "An instance of a multi-instance activity has completed, others are active or still to come, and there is a "
        "completion condition. `expression` is what the file says.",
        "`conditionFulfilled`: whether the activity is complete; instances that are active are terminated then.",
        _FAILS,
    ),
    JobType.EVALUATE_LOOP_CONDITION: (
        "An activity with a standard loop was performed, or is about to be for the first time. `expression` is what "
        "the file says.",
        "`conditionFulfilled`: whether it is performed once more.",
        _FAILS,
    ),
    JobType.SELECT_ACTIVITIES: (
        "An ad-hoc sub-process has started, or one of its activities has completed. `expression` is its completion "
        "condition.",
        "`activities`: a list of ids of the enabled activities to start, or `conditionFulfilled`, which completes it.",
        f"nothing starts; where nothing is active, it completes, or {_FAILS} if it has a condition",
    ),
    JobType.CALL_PROCESS: (
        "A call activity has started. `calledElement` is what the file says.",
        "`calledProcess` with `bpmnProcessId` and `version`; what it leaves out is taken from `calledElement` "
        "(`id`, which is the newest version, or `id:version`).",
        f"`calledElement` is called; where there is none, {_FAILS}",
    ),
    JobType.PASS_VARIABLES: (
        "A called process instance has completed: the occasion to copy variables to the caller.",
        "Nothing: the call activity completes.",
        "completed",
    ),
    JobType.SET_TIMER: (
        "A timer event has no definition that can be used. `timer` is what the file says.",
        "`timer` with `time`, `timeDuration` or `timeCycle`.",
        _FAILS,
    ),
    JobType.SUBSCRIBE_MESSAGE: (
        "An event or receive task waits for a message, and names none.",
        "`messageName` and `messageCorrelationKey`.",
        _FAILS,
    ),
    JobType.SET_MESSAGE_CORRELATION_KEY: (
        "An event or receive task waits for a message that it names, which is `messageName`.",
        "`messageCorrelationKey`.",
        _FAILS,
    ),
    JobType.SUBSCRIBE_SIGNAL: (
        "An event waits for a signal, and names none.",
        "`signalName`.",
        _FAILS,
    ),
    JobType.SET_SIGNAL_NAME: (
        "A signal throw or end event names no signal.",
        "`signalName`.",
        _FAILS,
    ),
    JobType.SET_ERROR_CODE: (
        "An error event names no error.",
        "`errorCode`.",
        f"a boundary event catches every error; at an end event, {_FAILS}",
    ),
    JobType.SET_ESCALATION_CODE: (
        "An escalation event names no escalation.",
        "`escalationCode`.",
        f"a boundary event catches every escalation; elsewhere, {_FAILS}",
    ),
}
"""Why it is created, what its completion needs, and what happens without."""


def described() -> str:
    """All of them, as a table in Markdown."""
    rows = [f"| `{type}` | {why} | {needs} | {without} |" for type, (why, needs, without) in JOB_TYPES.items()]
    head = "| Type | Created when | What the completion needs | Without |\n| --- | --- | --- | --- |"
    return "\n".join(["What a worker is asked for.", "", head, *rows])
