"""Event-based gateways that start a process."""

import pytest

from app.bpmn.definitions import duplicate_start_names, resolve
from tests.bpmn.build import accepted, causes, flow, process, warnings

HEAD = '<message id="m" name="M"/><message id="n" name="N"/><signal id="y" name="S"/>'
NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}
MESSAGE = '<intermediateCatchEvent id="{}"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
OTHER = '<receiveTask id="{}" messageRef="n"/>'
SIGNAL = '<intermediateCatchEvent id="{}"><signalEventDefinition signalRef="y"/></intermediateCatchEvent>'
TIMER = (
    '<intermediateCatchEvent id="{}"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>'
    "</intermediateCatchEvent>"
)
CONDITIONAL = (
    '<intermediateCatchEvent id="{}"><conditionalEventDefinition><condition>x</condition></conditionalEventDefinition>'
    "</intermediateCatchEvent>"
)
FLOWS = flow("g", "a") + flow("g", "b")


def gateway(a, b, attributes=""):
    return f'<eventBasedGateway id="g" instantiate="true" {attributes}/>{a.format("a")}{b.format("b")}{FLOWS}'


PARALLEL = 'eventGatewayType="Parallel"'
WHO = "instantiating event-based gateway g"


@pytest.mark.parametrize(("a", "b"), [(MESSAGE, SIGNAL), (MESSAGE, TIMER), (OTHER, SIGNAL), (TIMER, SIGNAL)])
def test_the_events_behind_it_start_the_process(a, b):
    found = accepted(gateway(a, b), HEAD)
    assert (found["g"].instantiate, found["g"].parallel) == (True, False)
    assert (found["a"].instantiates, found["b"].instantiates, found["g"].instantiates) == (True, True, False)
    assert found["p"].start_nodes() == []


def test_all_of_its_messages_may_be_waited_for():
    found = accepted(gateway(MESSAGE, MESSAGE.replace('"m"', '"n"'), PARALLEL), HEAD)
    assert found["g"].parallel
    assert [element.id for element in found.values() if element.instantiates] == ["a", "b"]


def test_it_is_where_the_process_begins():
    ends = '<endEvent id="e"/>' + flow("a", "e") + flow("b", "e")
    assert warnings(gateway(MESSAGE, SIGNAL) + ends, HEAD) == []


def test_each_event_needs_a_name_of_its_own():
    nameless = gateway(MESSAGE.replace('messageRef="m"', ""), SIGNAL)
    (cause,) = resolve(process(nameless, HEAD), **NOTHING)[1]
    assert (cause.type, cause.detail) == ("message_event", "no message name defined for element a")
    twice = process(gateway(MESSAGE, MESSAGE), HEAD)
    (cause,) = duplicate_start_names(twice, resolve(twice, **NOTHING)[0])
    assert (cause.pointer, cause.detail) == ("/p/b", "start message name M must be unique")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            gateway(MESSAGE, SIGNAL) + '<task id="t"/>' + flow("t", "g"),
            [("/p/t-g", f"sequence flow t-g must not lead into {WHO}")],
        ),
        (
            f'<subProcess id="sp"><startEvent id="s"/>{gateway(MESSAGE, SIGNAL)}</subProcess>',
            [("/p/sp/g", f"{WHO} must not be in a sub-process")],
        ),
        (
            gateway(MESSAGE, SIGNAL, PARALLEL).replace('instantiate="true"', ""),
            [("/p/g", "element g is not supported: Parallel event-based gateway")],
        ),
        (gateway(MESSAGE, SIGNAL, PARALLEL), [("/p/b", f"parallel {WHO} cannot be followed by SIGNAL_CATCH_EVENT")]),
        (gateway(TIMER, MESSAGE, PARALLEL), [("/p/a", f"parallel {WHO} cannot be followed by TIMER_CATCH_EVENT")]),
        (gateway(CONDITIONAL, MESSAGE), [("/p/a", f"{WHO} cannot be followed by CONDITIONAL_CATCH_EVENT")]),
        (gateway(MESSAGE, '<task id="{}"/>'), [("/p/b", "event-based gateway g cannot be followed by TASK")]),
        (
            gateway(MESSAGE, SIGNAL) + '<task id="t"/>' + flow("t", "a"),
            [("/p/a", "event a behind event-based gateway g must have no other incoming sequence flow")],
        ),
        (
            gateway(MESSAGE, SIGNAL).replace(flow("g", "b"), ""),
            [("/p/g", "event-based gateway g must have at least 2 outgoing sequence flows")],
        ),
        (
            gateway(OTHER, SIGNAL) + '<boundaryEvent id="x" attachedToRef="a"><errorEventDefinition/></boundaryEvent>',
            [("/p/x", "boundary event x cannot be attached to receive task a behind event-based gateway g")],
        ),
    ],
)
def test_what_an_instantiating_gateway_must_be_like(body, expected):
    assert [(pointer, detail.partition(" (line")[0]) for pointer, _, detail in causes(body, HEAD)] == expected
