"""Definitions of events: the request before the XML, and what is wrong with either."""

import pytest

from app.bpmn.definitions import duplicate_start_names, resolve, unknown_elements
from app.bpmn.model import EventDefinition
from app.timer import Timer
from tests.bpmn.build import event, process

HOUR = Timer(time_duration="PT1H")
NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}
DECLARED = '<message id="m" name="M"/><message id="nameless"/><signal id="s" name="S"/><error id="x" errorCode="X"/>'


def resolved(body, **requested):
    found, causes = resolve(process(body, DECLARED), **{**NOTHING, **requested})
    return found, [(cause.pointer, cause.type, cause.detail) for cause in causes]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (event("startEvent", '<messageEventDefinition messageRef="m"/>'), EventDefinition(message_name="M")),
        (event("intermediateThrowEvent", '<signalEventDefinition signalRef="s"/>'), EventDefinition(signal_name="S")),
        (event("boundaryEvent", '<errorEventDefinition errorRef="x"/>'), EventDefinition(error_code="X")),
    ],
)
def test_the_definition_of_the_xml_counts_where_the_request_has_none(body, expected):
    assert resolved(body) == ({"e": expected}, [])


@pytest.mark.parametrize(
    ("body", "requested", "expected"),
    [
        (
            event("boundaryEvent", '<errorEventDefinition errorRef="x"/>'),
            {"errors": {"e": ""}},
            EventDefinition(error_code=""),
        ),
        (
            event("endEvent", "<escalationEventDefinition/>"),
            {"escalations": {"e": "C"}},
            EventDefinition(escalation_code="C"),
        ),
        (
            event("startEvent", '<messageEventDefinition messageRef="m"/>'),
            {"messages": {"e": "N"}},
            EventDefinition(message_name="N"),
        ),
        (
            event("endEvent", '<signalEventDefinition signalRef="s"/>'),
            {"signals": {"e": "N"}},
            EventDefinition(signal_name="N"),
        ),
        (
            event("startEvent", "<timerEventDefinition><timeDate>2030-01-01</timeDate></timerEventDefinition>"),
            {"timers": {"e": HOUR}},
            EventDefinition(timer=HOUR),
        ),
        (
            event("startEvent", '<messageEventDefinition messageRef="nameless"/>'),
            {"messages": {"e": "N"}},
            EventDefinition(message_name="N"),
        ),
    ],
)
def test_the_definition_of_the_request_overrides_the_xml(body, requested, expected):
    assert resolved(body, **requested) == ({"e": expected}, [])


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
def test_a_message_for_a_throwing_event_is_accepted_and_dropped(tag):
    body = event(tag, '<messageEventDefinition messageRef="m"/>')
    assert resolved(body) == ({}, [])
    assert resolved(body, messages={"e": "N"}) == ({}, [])


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("message", "no message name defined for element e"),
        ("signal", "no signal name defined for element e"),
        ("timer", "no timer defined for BPMN element e"),
    ],
)
def test_a_start_event_needs_a_definition(kind, detail):
    body = event("startEvent", f"<{kind}EventDefinition/>")
    assert resolved(body) == ({}, [("/p/e", f"{kind}_event", detail)])


@pytest.mark.parametrize("tag", ["intermediateCatchEvent", "boundaryEvent"])
def test_other_events_do_without_definition(tag):
    assert resolved(event(tag, "<timerEventDefinition/>")) == ({}, [])


@pytest.mark.parametrize("tag", ["startEvent", "intermediateCatchEvent", "endEvent"])
def test_a_reference_that_leads_nowhere_is_the_only_cause(tag):
    body = event(tag, '<messageEventDefinition messageRef="nameless"/>')
    detail = "message nameless of element e has no name (line 1)"
    assert resolved(body) == ({}, [("/p/e", "message_event", detail)])


def test_definitions_of_another_kind_are_refused_in_numbering_order_and_then_by_kind():
    body = '<subProcess id="s"><startEvent id="i"/></subProcess><task id="t"/>'
    requested = {
        "timers": {"t": HOUR, "p": HOUR},
        "signals": {"t": "S"},
        "messages": {"t": "M", "i": "M"},
        "escalations": {"t": "C", "s": "C"},
        "errors": {"t": "E"},
    }
    assert resolved(body, **requested) == (
        {},
        [
            ("/p", "timer_event", "element p is not a timer event"),
            ("/p/s", "escalation_event", "element s is not an escalation event"),
            ("/p/t", "error_event", "element t is not an error event"),
            ("/p/t", "escalation_event", "element t is not an escalation event"),
            ("/p/t", "message_event", "element t is not a message event"),
            ("/p/t", "signal_event", "element t is not a signal event"),
            ("/p/t", "timer_event", "element t is not a timer event"),
            ("/p/s/i", "message_event", "element i is not a message event"),
        ],
    )


def test_a_definition_of_another_kind_does_not_hide_the_missing_one():
    body = event("startEvent", "<signalEventDefinition/>")
    assert resolved(body, messages={"e": "M"})[1] == [
        ("/p/e", "message_event", "element e is not a message event"),
        ("/p/e", "signal_event", "no signal name defined for element e"),
    ]


def test_unknown_elements_are_reported_for_the_process():
    requested = {
        "errors": {"x": ""},
        "escalations": {"x": ""},
        "messages": {"y": "M", "t": "M"},
        "signals": {"x": "S"},
        "timers": {"x": HOUR},
    }
    found = process('<task id="t"/>')
    assert [(cause.pointer, cause.type, cause.detail) for cause in unknown_elements(found, **requested)] == [
        ("/p", "error_event", "process p has no element x"),
        ("/p", "escalation_event", "process p has no element x"),
        ("/p", "message_event", "process p has no element y"),
        ("/p", "signal_event", "process p has no element x"),
        ("/p", "timer_event", "process p has no element x"),
    ]
    assert resolve(found, **{**requested, "messages": {"y": "M"}}) == ({}, [])


def test_start_events_of_one_process_need_different_names():
    starts = "".join(
        f'<startEvent id="{kind[0]}{number}"><{kind}EventDefinition/></startEvent>'
        for kind in ("message", "signal")
        for number in range(3)
    )
    catch = '<intermediateCatchEvent id="c"><messageEventDefinition/></intermediateCatchEvent>'
    found = process(catch + starts)
    names = {"messages": {"c": "N", "m0": "N", "m1": "other", "m2": "N"}, "signals": {"s0": "N", "s1": "N", "s2": "x"}}
    definitions, causes = resolve(found, **{**NOTHING, **names})
    assert causes == []
    assert [(cause.pointer, cause.type, cause.detail) for cause in duplicate_start_names(found, definitions)] == [
        ("/p/m2", "message_event", "start message name N must be unique"),
        ("/p/s1", "signal_event", "start signal name N must be unique"),
    ]
