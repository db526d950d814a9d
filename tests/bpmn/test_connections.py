"""Connections that BPMN forbids, since a token would vanish, pass or run twice: exact causes; and their legal twins."""

import pytest

from tests.bpmn.build import accepted, causes, event
from tests.bpmn.test_checks import CATCH, SUB, THROW, flow

STARTS = {
    "none": "",
    "message": "<messageEventDefinition/>",
    "signal": "<signalEventDefinition/>",
    "timer": "<timerEventDefinition/>",
}
ENDS = {
    "none": "",
    "error": "<errorEventDefinition/>",
    "escalation": "<escalationEventDefinition/>",
    "message": "<messageEventDefinition/>",
    "signal": "<signalEventDefinition/>",
    "terminate": "<terminateEventDefinition/>",
}
BOUNDARIES = {kind: text for kind, text in {**STARTS, **ENDS}.items() if kind not in ("none", "terminate")}
A, B, C = (
    f'<intermediateCatchEvent id="{id}"><{kind}EventDefinition/></intermediateCatchEvent>'
    for id, kind in (("a", "message"), ("b", "signal"), ("c", "timer"))
)


@pytest.mark.parametrize("kind", STARTS)
def test_a_flow_into_a_start_event_is_refused(kind):
    body = event("startEvent", STARTS[kind]) + '<serviceTask id="t"/>' + flow("e", "t")
    accepted(body)
    assert causes(body + "\n" + flow("t", "e")) == [
        ("/p/te", "sequence_flow", "sequence flow te must not lead into start event e (line 3)")
    ]


def test_a_flow_into_the_start_event_of_a_sub_process_is_refused():
    inner = '<startEvent id="s"/><task id="t"/>' + flow("s", "t") + flow("t", "s")
    assert causes(SUB.format(inner)) == [
        ("/p/sp/ts", "sequence_flow", "sequence flow ts must not lead into start event s (line 2)")
    ]


@pytest.mark.parametrize("kind", BOUNDARIES)
def test_a_flow_into_a_boundary_event_is_refused(kind):
    body = event("boundaryEvent", BOUNDARIES[kind]) + '<task id="t"/>' + flow("e", "t")
    accepted(body)
    assert causes(body + flow("t", "e")) == [
        ("/p/te", "sequence_flow", "sequence flow te must not lead into boundary event e (line 2)")
    ]


@pytest.mark.parametrize("kind", ENDS)
def test_a_flow_out_of_an_end_event_is_refused(kind):
    body = event("endEvent", ENDS[kind]) + '<task id="t"/>' + flow("t", "e")
    accepted(body)
    assert causes(body + flow("e", "t")) == [
        ("/p/et", "sequence_flow", "sequence flow et must not leave end event e (line 2)")
    ]


def test_a_flow_between_a_wrong_end_and_a_wrong_start_has_a_cause_for_each():
    assert causes('<startEvent id="s"/><endEvent id="e"/>' + flow("e", "s")) == [
        ("/p/es", "sequence_flow", "sequence flow es must not lead into start event s (line 2)"),
        ("/p/es", "sequence_flow", "sequence flow es must not leave end event e (line 2)"),
    ]


def test_a_flow_out_of_a_link_throw_event_is_refused():
    body = THROW.format("t", "l") + CATCH.format("c", "l") + '<task id="a"/>' + flow("a", "t") + flow("c", "a")
    accepted(body)
    assert causes(body + flow("t", "a")) == [
        ("/p/ta", "sequence_flow", "sequence flow ta must not leave link throw event t (line 2)")
    ]


def test_a_flow_into_a_link_catch_event_is_refused():
    body = THROW.format("t", "l") + CATCH.format("c", "l") + '<task id="a"/>' + flow("a", "t") + flow("c", "a")
    assert causes(body + flow("a", "c")) == [
        ("/p/ac", "sequence_flow", "sequence flow ac must not lead into link catch event c (line 2)")
    ]


def test_flows_that_are_stated_by_children_only_are_looked_at_too():
    body = '<endEvent id="e">\n<outgoing>f</outgoing></endEvent><startEvent id="s"><incoming>f</incoming></startEvent>'
    assert [detail for _, _, detail in causes(body)] == [
        "sequence flow f must not leave end event e (line 3)",
        "sequence flow f must not lead into start event s (line 3)",
    ]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (
            '<task id="t"/>' + A + "\n" + B + flow("g", "a") + flow("g", "b") + flow("t", "b"),
            "/p/b",
            "event b behind event-based gateway g must have no other incoming sequence flow (line 3)",
        ),
        (
            A + B + flow("g", "a") + flow("g", "b") + flow("g", "b", "again"),
            "/p/b",
            "event b behind event-based gateway g must have no other incoming sequence flow (line 2)",
        ),
        (
            A + B + flow("g", "a") + flow("g", "b") + flow("a", "b"),
            "/p/b",
            "event b behind event-based gateway g must have no other incoming sequence flow (line 2)",
        ),
        (
            '<eventBasedGateway id="h"/>'
            + A
            + B
            + C
            + flow("g", "a")
            + flow("g", "b")
            + flow("h", "c")
            + flow("h", "b"),
            "/p/b",
            "event b behind event-based gateway g must have no other incoming sequence flow (line 2)",
        ),
        (
            A + flow("g", "a"),
            "/p/g",
            "event-based gateway g must have at least 2 outgoing sequence flows (line 2)",
        ),
        (
            '<serviceTask id="t"/>' + A + flow("g", "a") + flow("g", "t"),
            "/p/t",
            "event-based gateway g cannot be followed by SERVICE_TASK (line 2)",
        ),
        (
            '<endEvent id="t"/>' + A + flow("g", "a") + flow("g", "t"),
            "/p/t",
            "event-based gateway g cannot be followed by NONE_END_EVENT (line 2)",
        ),
        (
            '<intermediateThrowEvent id="t"/>' + A + flow("g", "a") + flow("g", "t"),
            "/p/t",
            "event-based gateway g cannot be followed by NONE_THROW_EVENT (line 2)",
        ),
        (
            '<eventBasedGateway id="h"/>'
            + A
            + B
            + C
            + flow("g", "a")
            + flow("g", "h")
            + flow("h", "b")
            + flow("h", "c"),
            "/p/h",
            "event-based gateway g cannot be followed by EVENT_BASED_GATEWAY (line 2)",
        ),
    ],
)
def test_what_follows_an_event_based_gateway_belongs_to_it_alone(body, pointer, detail):
    assert causes('<eventBasedGateway id="g"/>' + body) == [(pointer, "element", detail)]


def test_events_behind_an_event_based_gateway_may_lead_back_to_it():
    accepted('<eventBasedGateway id="g"/>' + A + B + flow("g", "a") + flow("g", "b") + flow("a", "g") + flow("b", "g"))


def test_a_catch_event_in_the_flow_may_have_several_incoming_flows():
    accepted('<task id="t"/><task id="u"/>' + A + flow("t", "a") + flow("u", "a"))


@pytest.mark.parametrize("refused", ['<callChoreography id="r"/>', '<task id="r"><startEvent/></task>'])
def test_flows_between_a_refused_element_and_a_wrong_end_are_not_reported_on_top(refused):
    body = refused + '<startEvent id="s"/><endEvent id="e"/>' + flow("r", "s") + flow("e", "r")
    assert [cause[0] for cause in causes(body)] == ["/p/r"]


@pytest.mark.parametrize(
    "attribute",
    [
        'cancelActivity="yes"',
        'cancelActivity="no"',
        'cancelActivity="TRUE!"',
    ],
)
def test_a_boundary_event_that_neither_interrupts_nor_does_not_is_refused(attribute):
    detail = f"element e is not supported: {attribute.replace(chr(34), '').replace('=', ' ')} (line 2)"
    body = event("boundaryEvent", "<timerEventDefinition/>", attribute)
    assert causes(body) == [("/p/e", "element", detail)]
