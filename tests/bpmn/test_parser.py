"""What becomes of each construct of a file: a typed element, a definition, a refusal, or nothing."""

from datetime import datetime

import pytest

from app.bpmn.model import ElementType, EventDefinition
from app.bpmn.parser import find_process, parse
from app.errors import EngineError
from app.timer import Timer
from tests.bpmn.build import accepted, bpmn, causes, event, process

T = ElementType

DEFINITION = "{}EventDefinition"
TASKS = {
    "businessRuleTask": T.BUSINESS_RULE_TASK,
    "callActivity": T.CALL_ACTIVITY,
    "exclusiveGateway": T.EXCLUSIVE_GATEWAY,
    "inclusiveGateway": T.INCLUSIVE_GATEWAY,
    "manualTask": T.MANUAL_TASK,
    "parallelGateway": T.PARALLEL_GATEWAY,
    "scriptTask": T.SCRIPT_TASK,
    "sendTask": T.SEND_TASK,
    "serviceTask": T.SERVICE_TASK,
    "task": T.TASK,
    "userTask": T.USER_TASK,
}
EVENTS = [
    ("startEvent", "", T.NONE_START_EVENT),
    ("startEvent", "message", T.MESSAGE_START_EVENT),
    ("startEvent", "signal", T.SIGNAL_START_EVENT),
    ("startEvent", "timer", T.TIMER_START_EVENT),
    ("endEvent", "", T.NONE_END_EVENT),
    ("endEvent", "terminate", T.NONE_END_EVENT),
    ("endEvent", "error", T.ERROR_END_EVENT),
    ("endEvent", "escalation", T.ESCALATION_END_EVENT),
    ("endEvent", "message", T.MESSAGE_END_EVENT),
    ("endEvent", "signal", T.SIGNAL_END_EVENT),
    ("intermediateThrowEvent", "", T.NONE_THROW_EVENT),
    ("intermediateThrowEvent", "escalation", T.ESCALATION_THROW_EVENT),
    ("intermediateThrowEvent", "message", T.MESSAGE_THROW_EVENT),
    ("intermediateThrowEvent", "signal", T.SIGNAL_THROW_EVENT),
    ("intermediateCatchEvent", "message", T.MESSAGE_CATCH_EVENT),
    ("intermediateCatchEvent", "signal", T.SIGNAL_CATCH_EVENT),
    ("intermediateCatchEvent", "timer", T.TIMER_CATCH_EVENT),
    ("boundaryEvent", "error", T.ERROR_BOUNDARY_EVENT),
    ("boundaryEvent", "escalation", T.ESCALATION_BOUNDARY_EVENT),
    ("boundaryEvent", "message", T.MESSAGE_BOUNDARY_EVENT),
    ("boundaryEvent", "signal", T.SIGNAL_BOUNDARY_EVENT),
    ("boundaryEvent", "timer", T.TIMER_BOUNDARY_EVENT),
]
EVENT_TAGS = sorted({tag for tag, _, _ in EVENTS})
KINDS = ["cancel", "compensate", "conditional", "error", "escalation", "link", "message", "no", "signal", "terminate"]
OTHERS = {
    *(("intermediateThrowEvent", "link"), ("intermediateCatchEvent", "link")),
    *(("boundaryEvent", "cancel"), ("boundaryEvent", "compensate"), ("boundaryEvent", "conditional")),
    *(("endEvent", "cancel"), ("endEvent", "compensate"), ("intermediateThrowEvent", "compensate")),
    ("intermediateCatchEvent", "conditional"),
}
"""Events that need more than a definition."""


def definition(kind, content="", attributes=""):
    return f"<{kind}EventDefinition {attributes}>{content}</{kind}EventDefinition>" if kind else ""


@pytest.mark.parametrize(("tag", "kind"), TASKS.items())
def test_tasks_and_gateways_have_the_type_of_their_tag(tag, kind):
    element = accepted(f'<{tag} id="t" name="Name"/>')["t"]
    assert (element.type, element.name, element.line, element.pointer) == (kind, "Name", 2, "/p/t")


@pytest.mark.parametrize(("tag", "kind", "expected"), EVENTS)
def test_events_have_the_type_of_their_definition(tag, kind, expected):
    element = accepted(event(tag, definition(kind)))["e"]
    assert element.type is expected
    assert element.terminate is (kind == "terminate")
    assert (element.definition, element.definition_cause) == (None, None)


@pytest.mark.parametrize(
    ("tag", "kind"),
    sorted({(tag, kind) for tag in EVENT_TAGS for kind in [*KINDS, "timer"]} - {row[:2] for row in EVENTS} - OTHERS),
)
def test_an_event_definition_that_does_not_fit_is_refused(tag, kind):
    body = event(tag, "\n" + definition(kind))
    detail = f"element e is not supported: {DEFINITION.format(kind)} in {tag} (line 3)"
    assert causes(body) == [("/p/e", "element", detail)]


@pytest.mark.parametrize(
    ("tag", "name"),
    [("boundaryEvent", "boundary event"), ("intermediateCatchEvent", "intermediate catch event")],
)
def test_events_that_must_have_a_definition_make_the_file_invalid_without(tag, name):
    with pytest.raises(EngineError, match=f"^BPMN XML is invalid: failed to determine type of {name} e$"):
        find_process(parse(bpmn(event(tag))), "p")


@pytest.mark.parametrize(
    ("body", "pointer", "construct", "line"),
    [
        ('<parallelGateway id="x"><activationCondition/></parallelGateway>', "/p/x", "activationCondition", 2),
        ('<callChoreography id="x"/>', "/p/x", "callChoreography", 2),
        ('<futureTask id="x"/>', "/p/x", "futureTask", 2),
        ('<implicitThrowEvent id="x"/>', "/p/x", "implicitThrowEvent", 2),
        ('<transaction id="x" method="##Store"><task id="t"/></transaction>', "/p/x", "transaction method ##Store", 2),
        ('<transaction id="x" triggeredByEvent="true"><task id="t"/></transaction>', "/p/x", "event sub-process", 2),
        ('<parallelGateway id="x" startQuantity="2"/>', "/p/x", "startQuantity 2", 2),
        ('<parallelGateway id="x" isForCompensation="true"/>', "/p/x", "compensation marker", 2),
        ('<parallelGateway id="x" instantiate="true"/>', "/p/x", "instantiating parallelGateway", 2),
        (
            '<eventBasedGateway id="x" eventGatewayType="Parallel"/>',
            "/p/x",
            "Parallel event-based gateway",
            2,
        ),
        ('<task id="x">\n<timerEventDefinition/></task>', "/p/x", "timerEventDefinition", 3),
        ('<task id="x">\n<startEvent id="s"/></task>', "/p/x", "startEvent", 3),
        ('<task id="x">\n<sequenceFlow id="f"/></task>', "/p/x", "sequenceFlow", 3),
        ('<endEvent id="x">\n<loopCharacteristics/></endEvent>', "/p/x", "loopCharacteristics", 3),
        ("\n<messageEventDefinition/>", "/p", "messageEventDefinition", 3),
        ('<subProcess id="x" triggeredByEvent="yes"/>', "/p/x", "triggeredByEvent yes", 2),
        ('<task id="x" isForCompensation="perhaps"/>', "/p/x", "isForCompensation perhaps", 2),
        ('<laneSet>\n<lane><task id="t"/></lane></laneSet>', "/p", "task in laneSet", 3),
        ('<task id="x">\n<inputSet><endEvent/></inputSet></task>', "/p/x", "endEvent in inputSet", 3),
    ],
)  # fmt: skip
def test_a_construct_that_cannot_be_executed_is_refused(body, pointer, construct, line):
    detail = f"element {pointer.rpartition('/')[2]} is not supported: {construct} (line {line})"
    assert causes(body) == [(pointer, "element", detail)]


def test_a_refused_element_without_id_is_still_pointed_at():
    detail = "element without ID is not supported: futureTask (line 2)"
    assert causes("<futureTask/>") == [("/p/", "element", detail)]


def test_each_construct_has_a_cause_of_its_own():
    body = (
        '<task id="a" startQuantity="0" triggeredByEvent="1"><loopCharacteristics/></task>'
        '<subProcess id="t" instantiate="1"><callChoreography id="r"/></subProcess>'
    )
    assert [cause[0] for cause in causes(body)] == ["/p/a", "/p/a", "/p/a", "/p/t", "/p/t/r"]


@pytest.mark.parametrize(
    ("outside", "construct"),
    [
        ('<serviceTask id="t"/>', "serviceTask"),
        ("<definitions/>", "definitions"),
        ("<collaboration><process/></collaboration>", "process"),
    ],
)
def test_what_should_be_in_a_process_counts_against_all_processes(outside, construct):
    expected = [("/p", "element", f"element p is not supported: {construct} outside a process (line 1)")]
    assert causes("", head=outside) == expected


HARMLESS_TASK_PARTS = """
    <documentation><serviceTask/></documentation><extensionElements><receiveTask/></extensionElements>
    <ioSpecification><dataInput id="i"/><inputSet/><outputSet/></ioSpecification>
    <property/><dataInputAssociation/><dataOutputAssociation/><potentialOwner/><script>x</script>
    <auditing/><monitoring/><categoryValueRef/><rendering/>
"""
HARMLESS_PROCESS_PARTS = """
    <laneSet><lane><flowNodeRef>t</flowNodeRef><childLaneSet/></lane></laneSet>
    <dataObject id="d"/><dataObjectReference/><dataStoreReference/><textAnnotation><text>x</text></textAnnotation>
    <association/><group/><property/><correlationSubscription/><supports>x</supports>
"""


def test_what_has_no_influence_on_the_execution_is_skipped():
    head = "<import/><itemDefinition/><interface><operation/></interface><choreography><startEvent/></choreography>"
    tail = "<collaboration><messageFlow/></collaboration><category/><BPMNDiagram><BPMNPlane/></BPMNDiagram>"
    body = f'<userTask id="t" implementation="x">{HARMLESS_TASK_PARTS}</userTask>{HARMLESS_PROCESS_PARTS}'
    assert list(accepted(body, head, tail)) == ["p", "t"]
    sub = f'<subProcess id="s"><startEvent id="t"/>{HARMLESS_PROCESS_PARTS}{HARMLESS_TASK_PARTS}</subProcess>'
    assert list(accepted(sub)) == ["p", "s", "t"]


@pytest.mark.parametrize(
    "attributes",
    [
        'startQuantity="1" completionQuantity=" 1 "',
        'isForCompensation="false"',
        'triggeredByEvent=" 0"',
        'default=""',
        'instantiate=""',
    ],
)
def test_attributes_that_state_the_usual_are_accepted(attributes):
    accepted(f'<subProcess id="s" {attributes}><startEvent id="t"/></subProcess>')


def test_elements_are_numbered_breadth_first_in_document_order():
    body = (
        '<subProcess id="a"><startEvent id="a1"/><subProcess id="a2"><startEvent id="a21"/></subProcess></subProcess>'
        '<task id="b"/><subProcess id="c"><startEvent id="c1"/></subProcess>'
    )
    found = accepted(body)
    assert list(found) == ["p", "a", "b", "c", "a1", "a2", "c1", "a21"]
    assert found["a21"].pointer == "/p/a/a2/a21"


def test_a_call_activity_keeps_what_it_calls():
    found = accepted('<callActivity id="a" calledElement="q:1"/><callActivity id="b"/>')
    assert (found["a"].called_element, found["b"].called_element) == ("q:1", "")


DECLARED = (
    '<error id="e1" errorCode="E"/><error id="e2"/><escalation id="c1" escalationCode="C"/><escalation id="c2"/>'
    '<message id="m1" name="M"/><message id="m2"/><signal id="s1" name="S"/><signal id="s2" name=""/>'
    '<signal id="twice" name="A"/><signal id="twice" name="B"/>'
)


@pytest.mark.parametrize("place", ["head", "tail"])
@pytest.mark.parametrize(
    ("tag", "kind", "ref", "expected"),
    [
        ("boundaryEvent", "error", "e1", EventDefinition(error_code="E")),
        ("endEvent", "error", "e1", EventDefinition(error_code="E")),
        ("boundaryEvent", "error", "e2", EventDefinition(error_code="")),
        ("boundaryEvent", "escalation", "c1", EventDefinition(escalation_code="C")),
        ("intermediateThrowEvent", "escalation", "c2", EventDefinition(escalation_code="")),
        ("endEvent", "escalation", "c1", EventDefinition(escalation_code="C")),
        ("startEvent", "message", "m1", EventDefinition(message_name="M")),
        ("intermediateCatchEvent", "message", "m1", EventDefinition(message_name="M")),
        ("boundaryEvent", "message", "m1", EventDefinition(message_name="M")),
        ("intermediateThrowEvent", "message", "m1", None),
        ("endEvent", "message", "m1", None),
        ("startEvent", "signal", "s1", EventDefinition(signal_name="S")),
        ("intermediateThrowEvent", "signal", "s1", EventDefinition(signal_name="S")),
    ],
)
def test_a_reference_defines_an_event_wherever_it_is_declared(place, tag, kind, ref, expected):
    body = event(tag, definition(kind, attributes=f'{kind}Ref="{ref}"'))
    element = accepted(body, **{place: DECLARED})["e"]
    assert (element.definition, element.definition_cause) == (expected, None)


def test_declarations_within_a_process_count():
    body = '<signal id="s" name="S"/>' + event("endEvent", definition("signal", attributes='signalRef="s"'))
    assert accepted(body)["e"].definition == EventDefinition(signal_name="S")


@pytest.mark.parametrize(
    ("kind", "ref", "reason"),
    [
        ("error", "x", "error x of element e is not declared (line 2)"),
        ("escalation", "m1", "escalation m1 of element e is not declared (line 2)"),
        ("message", "x", "message x of element e is not declared (line 2)"),
        ("message", "m2", "message m2 of element e has no name (line 1)"),
        ("signal", "s2", "signal s2 of element e has no name (line 1)"),
        ("signal", "twice", "signal twice of element e is declared more than once (line 1)"),
    ],
)
def test_a_reference_that_leads_nowhere_is_remembered_as_cause(kind, ref, reason):
    body = event("endEvent", definition(kind, attributes=f'{kind}Ref="{ref}"'))
    element = accepted(body, head=DECLARED)["e"]
    assert element.definition is None
    cause = element.definition_cause
    assert (cause.pointer, cause.type, cause.detail) == ("/p/e", f"{kind}_event", reason)


@pytest.mark.parametrize(
    ("timer", "expected"),
    [
        ("<timeDate> 2030-01-02T03:04:05Z\n</timeDate>", Timer(time=datetime(2030, 1, 2, 3, 4, 5), repetitions=1)),
        ("<timeDuration>PT1H</timeDuration>", Timer(time_duration="PT1H", repetitions=1)),
        ("<timeCycle>R3/PT10H</timeCycle>", Timer(time_cycle="R3/PT10H", repetitions=3)),
        ("<timeCycle>0 * * * *</timeCycle>", Timer(time_cycle="0 * * * *")),
    ],
)
@pytest.mark.parametrize("tag", ["startEvent", "intermediateCatchEvent", "boundaryEvent"])
def test_a_timer_in_the_xml_defines_an_event(tag, timer, expected):
    body = event(tag, definition("timer", timer))
    assert accepted(body)["e"].definition == EventDefinition(timer=expected)
    assert accepted(body, xml_timers=False)["e"].definition is None


@pytest.mark.parametrize(
    "timer", ["", "<timeDate/>", "<timeDuration>${hours}</timeDuration>", "<timeCycle>x</timeCycle>"]
)
def test_a_timer_that_is_no_literal_is_no_definition(timer):
    assert accepted(event("startEvent", definition("timer", timer)))["e"].definition is None


def test_several_timers_in_one_event_are_refused():
    body = event(
        "startEvent", definition("timer", "<timeDuration>PT1H</timeDuration><timeDuration>PT1H</timeDuration>")
    )
    assert causes(body) == [("/p/e", "element", "element e is not supported: several timers in one event (line 2)")]


@pytest.mark.parametrize("place", ["head", "tail"])
def test_a_process_knows_its_collaboration_and_its_first_participant(place):
    collaboration = (
        '<collaboration id="c"><participant id="a" name="A" processRef="q"/>'
        '<participant id="b" name="B" processRef="p"/><participant id="d" name="D" processRef="p"/></collaboration>'
    )
    found = process("", **{place: collaboration})
    assert (found.collaboration_id, found.participant_id, found.participant_name) == ("c", "b", "B")


def test_a_process_without_participant_still_knows_the_collaboration():
    found = process("", head='<participant id="a" processRef="p"/><collaboration id="c"/>'.partition("/>")[2])
    assert (found.collaboration_id, found.participant_id, found.participant_name) == ("c", "", "")


def test_a_file_may_hold_many_processes():
    model = parse('<definitions><process id="a" isExecutable="1"/><process id="b"/></definitions>')
    assert [(p.element.id, p.executable, len(p.causes)) for p in model.processes] == [("a", True, 0), ("b", False, 1)]
