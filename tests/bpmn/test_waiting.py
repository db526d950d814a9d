"""Receive tasks, and events that refer to a shared definition."""

import pytest

from app.bpmn.definitions import duplicate_start_names, resolve
from app.bpmn.lint import File
from app.bpmn.model import ElementType, EventDefinition
from app.timer import Timer
from tests.bpmn.build import accepted, bpmn, causes, event, flow, process, warnings

T = ElementType
MESSAGE = '<message id="m" name="M"/>'
NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}
RECEIVE = '<receiveTask id="r" messageRef="m"/>'
INSTANTIATING = '<receiveTask id="r" messageRef="m" instantiate="true"/>'
CATCH = '<intermediateCatchEvent id="{}"><{}EventDefinition/></intermediateCatchEvent>'
BOUNDARY = '<boundaryEvent id="b" attachedToRef="r"><timerEventDefinition/></boundaryEvent>'
GATEWAY = '<eventBasedGateway id="g"/>' + CATCH.format("t", "timer") + flow("g", "t") + flow("g", "r")


def test_a_receive_task_waits_for_the_message_it_refers_to():
    element = accepted(RECEIVE, MESSAGE)["r"]
    assert (element.type, element.definition) == (T.RECEIVE_TASK, EventDefinition(message_name="M"))
    assert element.declared_name == "M"
    assert not element.instantiates


def test_a_receive_task_needs_no_message():
    assert accepted('<receiveTask id="r" operationRef="o" implementation="##WebService"/>')["r"].definition is None
    assert resolve(process('<receiveTask id="r"/>'), **NOTHING) == ({}, [])


def test_a_request_may_name_the_message_of_a_receive_task():
    found = resolve(process(RECEIVE, MESSAGE), **{**NOTHING, "messages": {"r": "N"}})
    assert found == ({"r": EventDefinition(message_name="N")}, [])


@pytest.mark.parametrize(
    ("reference", "reason"), [("x", "is not declared (line 2)"), ("nameless", "has no name (line 1)")]
)
def test_a_reference_of_a_receive_task_must_lead_somewhere(reference, reason):
    found = process(f'<receiveTask id="r" messageRef="{reference}"/>', '<message id="nameless"/>')
    (cause,) = resolve(found, **NOTHING)[1]
    detail = f"message {reference} of element r {reason}"
    assert (cause.pointer, cause.type, cause.detail) == ("/p/r", "message_event", detail)


def test_a_receive_task_may_carry_boundary_events_and_stand_behind_an_event_based_gateway():
    assert accepted(RECEIVE + BOUNDARY, MESSAGE)["b"].attached_to.id == "r"
    assert accepted(RECEIVE + GATEWAY, MESSAGE)["r"].incoming[0].source.id == "g"


BEHIND = "receive task r behind event-based gateway g must have no"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            RECEIVE + BOUNDARY + GATEWAY,
            [("/p/b", "boundary event b cannot be attached to receive task r behind event-based gateway g")],
        ),
        (
            RECEIVE + GATEWAY + '<task id="u"/>' + flow("u", "r"),
            [("/p/r", f"{BEHIND} other incoming sequence flow")],
        ),
        (
            '<receiveTask id="r"><standardLoopCharacteristics/></receiveTask>' + GATEWAY,
            [("/p/r", f"{BEHIND} loop or multi-instance marker")],
        ),
        (
            RECEIVE + GATEWAY + CATCH.format("c", "message") + flow("g", "c"),
            [
                (
                    "/p/g",
                    "event-based gateway g cannot be followed by both message catch events and receive tasks",
                )
            ],
        ),
    ],
)
def test_behind_an_event_based_gateway_a_receive_task_is_an_event(body, expected):
    assert causes(body, MESSAGE) == [(pointer, "element", f"{detail} (line 2)") for pointer, detail in expected]


def test_an_instantiating_receive_task_starts_its_process():
    found = accepted(INSTANTIATING + '<task id="t"/>' + flow("r", "t"), MESSAGE)
    assert found["r"].instantiates
    assert found["p"].start_nodes() == []
    assert warnings(INSTANTIATING + '<endEvent id="e"/>' + flow("r", "e"), MESSAGE) == []


WHO = "instantiating receive task r"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            INSTANTIATING + '<task id="t"/>' + flow("t", "r"),
            [("/p/t-r", "sequence_flow", f"sequence flow t-r must not lead into {WHO} (line 2)")],
        ),
        (
            f'<subProcess id="sp"><startEvent id="s"/>{INSTANTIATING}</subProcess>',
            [("/p/sp/r", "element", f"{WHO} must not be in a sub-process (line 2)")],
        ),
        (
            INSTANTIATING.replace("/>", "><standardLoopCharacteristics/></receiveTask>"),
            [("/p/r", "element", f"{WHO} must have no loop or multi-instance marker (line 2)")],
        ),
        (
            INSTANTIATING + BOUNDARY,
            [("/p/b", "element", f"boundary event b cannot be attached to {WHO} (line 2)")],
        ),
        (
            INSTANTIATING.replace("/>", ' startQuantity="2"/>'),
            [("/p/r", "element", "startQuantity of element r must be 1, since it starts the process (line 2)")],
        ),
    ],
)
def test_an_instantiating_receive_task_is_like_a_start_event(body, expected):
    assert causes(body, MESSAGE) == expected


def test_an_instantiating_receive_task_needs_a_name_of_its_own():
    nameless = process(INSTANTIATING.replace('messageRef="m"', ""))
    (cause,) = resolve(nameless, **NOTHING)[1]
    assert (cause.type, cause.detail) == ("message_event", "no message name defined for element r")
    start = '<startEvent id="s"><messageEventDefinition messageRef="m"/></startEvent>'
    found = process(start + INSTANTIATING, MESSAGE)
    (cause,) = duplicate_start_names(found, resolve(found, **NOTHING)[0])
    assert (cause.pointer, cause.detail) == ("/p/r", "start message name M must be unique")


SHARED = (
    MESSAGE + '<messageEventDefinition id="d" messageRef="m"/>'
    '<timerEventDefinition id="h"><timeDuration>PT1H</timeDuration></timerEventDefinition>'
    '<signalEventDefinition id="twice"/><signalEventDefinition id="twice"/>'
)
REFERENCE = "<eventDefinitionRef>{}</eventDefinitionRef>"


@pytest.mark.parametrize("place", ["head", "tail"])
@pytest.mark.parametrize("tag", ["startEvent", "intermediateCatchEvent", "boundaryEvent"])
def test_a_shared_definition_is_read_as_if_it_stood_in_the_event(tag, place):
    here = accepted(event(tag, '<messageEventDefinition messageRef="m"/>'), **{place: SHARED})["e"]
    for reference in ("d", " d ", "x:d"):
        there = accepted(event(tag, REFERENCE.format(reference)), **{place: SHARED})["e"]
        assert (there.type, there.definition, there.declared_name) == (here.type, here.definition, "M")


def test_events_may_share_a_definition():
    hour = EventDefinition(timer=Timer(time_duration="PT1H", repetitions=1))
    start = f'<startEvent id="s">{REFERENCE.format("h")}</startEvent>'
    inner = f'<subProcess id="x" triggeredByEvent="true">{start}</subProcess>'
    found = accepted(event("intermediateCatchEvent", REFERENCE.format("h")) + inner, SHARED)
    assert (found["e"].definition, found["s"].definition) == (hour, hour)


@pytest.mark.parametrize(
    ("tag", "reference", "detail"),
    [
        ("startEvent", "no", "event definition no is not declared, but element e refers to it (line 3)"),
        ("boundaryEvent", "", "event definition  is not declared, but element e refers to it (line 3)"),
        (
            "intermediateCatchEvent",
            "twice",
            "event definition twice is declared more than once (line 1), but element e refers to it (line 3)",
        ),
        (
            "intermediateThrowEvent",
            "h",
            "element e is not supported: timerEventDefinition in intermediateThrowEvent (line 3)",
        ),
    ],
)
def test_a_reference_to_a_definition_must_lead_to_one_that_fits(tag, reference, detail):
    assert causes(event(tag, "\n" + REFERENCE.format(reference)), SHARED) == [("/p/e", "element", detail)]


def test_definitions_inside_of_events_are_not_shared():
    catch = '<intermediateCatchEvent id="c"><timerEventDefinition id="own"/></intermediateCatchEvent>'
    (cause,) = causes(event("startEvent", REFERENCE.format("own")) + catch)
    assert cause[2] == "event definition own is not declared, but element e refers to it (line 2)"


def test_what_a_shared_definition_refers_to_is_used_by_its_events():
    catching = File(bpmn(event("intermediateCatchEvent", REFERENCE.format("d")), SHARED))
    (declared,) = catching.declared
    assert declared.uses["caught"] == 1
    thrown = File(bpmn(event("intermediateThrowEvent", REFERENCE.format("d")), SHARED))
    (declared,) = thrown.declared
    assert (declared.uses["caught"], declared.uses["thrown"]) == (0, 1)
