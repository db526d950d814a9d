"""Files as modelers export them: they mean the same however they are written, and what else is in them is skipped."""

import pytest

from app.bpmn.advice import advise
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import BPMN, accepted, warnings

CAMUNDA = f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="{BPMN}" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
    xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI"
    xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    id="Definitions_1" targetNamespace="http://bpmn.io/schema/bpmn" exporter="Camunda Modeler" exporterVersion="5.0">
  <bpmn:collaboration id="Collaboration_1">
    <bpmn:participant id="Participant_1" name="Shop" processRef="order" />
    <bpmn:participant id="Participant_2" name="Customer" />
    <bpmn:messageFlow id="Flow_m" sourceRef="Participant_2" targetRef="start" />
  </bpmn:collaboration>
  <bpmn:process id="order" name="Order" isExecutable="true" camunda:historyTimeToLive="180">
    <bpmn:laneSet id="LaneSet_1">
      <bpmn:lane id="Lane_1"><bpmn:flowNodeRef>start</bpmn:flowNodeRef></bpmn:lane>
    </bpmn:laneSet>
    <bpmn:startEvent id="start">
      <bpmn:outgoing>Flow_1</bpmn:outgoing>
    </bpmn:startEvent>
    <bpmn:serviceTask id="work" name="Do&#10;work" camunda:type="external" camunda:topic="work">
      <bpmn:extensionElements><camunda:inputOutput><camunda:script>x</camunda:script></camunda:inputOutput></bpmn:extensionElements>
      <bpmn:incoming>Flow_1</bpmn:incoming>
      <bpmn:outgoing>Flow_2</bpmn:outgoing>
    </bpmn:serviceTask>
    <bpmn:endEvent id="end">
      <bpmn:incoming>Flow_2</bpmn:incoming>
    </bpmn:endEvent>
    <bpmn:sequenceFlow id="Flow_1" sourceRef="start" targetRef="work" />
    <bpmn:sequenceFlow id="Flow_2" sourceRef="work" targetRef="end" />
    <bpmn:textAnnotation id="TextAnnotation_1"><bpmn:text>Note</bpmn:text></bpmn:textAnnotation>
    <bpmn:association id="Association_1" sourceRef="work" targetRef="TextAnnotation_1" />
  </bpmn:process>
  <bpmndi:BPMNDiagram id="BPMNDiagram_1">
    <bpmndi:BPMNPlane id="BPMNPlane_1" bpmnElement="Collaboration_1">
      <bpmndi:BPMNShape id="work_di" bpmnElement="work">
        <dc:Bounds x="1" y="1" width="1" height="1" />
      </bpmndi:BPMNShape>
      <bpmndi:BPMNEdge id="Flow_1_di" bpmnElement="Flow_1"><di:waypoint x="1" y="1" /></bpmndi:BPMNEdge>
    </bpmndi:BPMNPlane>
  </bpmndi:BPMNDiagram>
</bpmn:definitions>
"""

SIGNAVIO = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<definitions xmlns="{BPMN}" xmlns:signavio="http://www.signavio.com" id="sid-1" expressionLanguage="http://www.w3.org/TR/XPath"
    typeLanguage="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.signavio.com">
   <collaboration id="sid-c">
      <extensionElements><signavio:signavioDiagramMetaData metaKey="language" metaValue="en"/></extensionElements>
      <participant id="sid-a" name="Shop" processRef="order"><extensionElements/></participant>
      <participant id="sid-b" name="Bank" processRef="sid-bank"/>
   </collaboration>
   <process id="order" isClosed="false" isExecutable="true" processType="None">
      <extensionElements/>
      <startEvent id="start" isInterrupting="true" name="" parallelMultiple="false">
         <outgoing>sid-1f</outgoing>
      </startEvent>
      <serviceTask completionQuantity="1" id="work" implementation="##WebService" isForCompensation="false"
          startQuantity="1">
         <incoming>
            sid-1f
         </incoming>
         <outgoing>
            sid-2f
         </outgoing>
      </serviceTask>
      <endEvent id="end"><incoming>sid-2f</incoming></endEvent>
      <sequenceFlow id="sid-1f" isImmediate="true" sourceRef="start" targetRef="work"/>
      <sequenceFlow id="sid-2f" sourceRef="work" targetRef="end"/>
   </process>
   <process id="sid-bank" isExecutable="false"><task id="sid-bank-task"/></process>
</definitions>
"""

QUALIFIED = f"""<semantic:definitions xmlns:semantic="{BPMN}" xmlns:tns="http://example.com/order"
    targetNamespace="http://example.com/order">
  <semantic:process id="order" isExecutable="1">
    <semantic:startEvent id="start"><semantic:outgoing>tns:one</semantic:outgoing></semantic:startEvent>
    <semantic:serviceTask id="work">
      <semantic:incoming>tns:one</semantic:incoming><semantic:outgoing>tns:two</semantic:outgoing>
    </semantic:serviceTask>
    <semantic:endEvent id="end"><semantic:incoming>tns:two</semantic:incoming></semantic:endEvent>
    <semantic:sequenceFlow id="one" sourceRef="start" targetRef="work"/>
    <semantic:sequenceFlow id="two" sourceRef="work" targetRef="end"/>
  </semantic:process>
</semantic:definitions>
"""

GENERATED = QUALIFIED.replace("semantic:", "ns0:").replace(":semantic=", ":ns0=")
ONE_LINE = "".join(line.strip() + " " for line in CAMUNDA.splitlines())


@pytest.mark.parametrize(
    "xml",
    [CAMUNDA, SIGNAVIO, QUALIFIED, GENERATED, ONE_LINE, CAMUNDA.replace("\n", "\r\n"), "\ufeff" + CAMUNDA],
    ids=["camunda", "signavio", "qualified", "generated", "one line", "carriage returns", "byte order mark"],
)
def test_every_tool_says_the_same(xml):
    process = find_process(parse(xml), "order")
    assert (process.causes, advise(process)) == ([], [])
    flows = [(flow.source.id, flow.target.id) for element in process.elements() for flow in element.outgoing]
    assert flows == [("start", "work"), ("work", "end")]


@pytest.mark.parametrize(
    "wrong",
    [
        '<boundaryEvent id="b"/>',
        '<intermediateCatchEvent id="c"/>',
        f'<task id="{"x" * 300}"/>',
        "<subProcess>" * 60 + "</subProcess>" * 60,
        '<callChoreography id="r"/><futureTask id="u"/><anotherGateway id="g"/>',
        '<task id="t"/><task id="t"/>',
        '<startEvent id="s"/><subProcess id="s2"/>',
        '<sequenceFlow id="f" sourceRef="t" targetRef="nowhere"/>',
        '<sequenceFlow id="f1" sourceRef="u" targetRef="u"/>',
        '<task id="u"><incoming>f1</incoming></task>',
        '<boundaryEvent id="b" attachedToRef="t"><timerEventDefinition/></boundaryEvent>',
        '<endEvent id="e"><messageEventDefinition messageRef="nameless"/></endEvent>',
        '<endEvent id="work"><standardLoopCharacteristics/></endEvent>',
        "<timerEventDefinition/>",
    ],
)
@pytest.mark.parametrize("place", ["head", "tail"])
@pytest.mark.parametrize("executable", ["true", "false"])
def test_what_is_wrong_in_another_pool_is_not_looked_at(wrong, place, executable):
    body = (
        '<startEvent id="s"/><serviceTask id="t"/><endEvent id="e"/>'
        '<sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/>'
    )
    other = {place: f'<process id="q" isExecutable="{executable}">{wrong}</process>'}
    assert warnings(body, **other) == []
    assert [flow.target.id for flow in accepted(body, **other)["s"].outgoing] == ["t"]


KINDS = [
    *("cancel", "compensate", "conditional", "error", "escalation", "link", "message", "signal"),
    *("terminate", "timer"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["head", "tail"])
def test_event_definitions_at_the_root_that_nothing_refers_to_are_skipped(kind, place):
    accepted('<startEvent id="s"/>', **{place: f'<{kind}EventDefinition id="d"/>'})


@pytest.mark.parametrize("place", ["body", "head", "tail"])
@pytest.mark.parametrize(
    "skipped",
    [
        '<itemDefinition id="i"/><category id="c"/><resource id="r"/>',
        '<textAnnotation id="a"><text>x</text></textAnnotation><association id="b"/><group id="c"/>',
        '<participant id="q"/>',
        '<messageFlow id="m" sourceRef="s" targetRef="x"/>',
        '<dataStore id="d"/>',
        '<lane id="l"><flowNodeRef>s</flowNodeRef></lane>',
        '<dataObject id="d"><dataState/></dataObject>',
    ],
)
def test_what_tools_put_into_the_wrong_place_is_skipped(skipped, place):
    places = {"body": "", "head": "", "tail": ""} | {place: skipped}
    assert list(accepted('<startEvent id="s"/>' + places.pop("body"), **places)) == ["p", "s"]
