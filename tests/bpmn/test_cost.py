"""What reading and checking a file costs: in proportion to its size, whatever is in it.

Calls of functions are counted, so that nothing depends on the speed of the machine.
"""

import sys

import pytest

from app.bpmn.advice import advise
from app.bpmn.evaluation import check_expressions
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import bpmn

HOST = '<startEvent id="s"/><serviceTask id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>'


def times(count, text):
    return "".join(text.replace("#", str(number)) for number in range(count))


FAMILIES = {
    "tasks": lambda n: times(n, '<task id="t#"/>'),
    "tasks without ID": lambda n: "<task/>" * n,
    "flows": lambda n: HOST + times(n, '<sequenceFlow id="f#" sourceRef="s" targetRef="t"/>'),
    "flows without end": lambda n: times(n, '<sequenceFlow id="f#" sourceRef="x" targetRef="y"/>'),
    "flows of one name": lambda n: HOST + n * '<sequenceFlow id="f" sourceRef="s" targetRef="t"/>',
    "a chain": lambda n: (
        '<startEvent id="t-1"/>'
        + times(n, '<serviceTask id="t#"><incoming>f#</incoming></serviceTask>')
        + "".join(f'<sequenceFlow id="f{i}" sourceRef="t{i - 1}" targetRef="t{i}"/>' for i in range(n))
    ),
    "a loop": lambda n: (
        HOST
        + times(n, '<task id="t#"/>')
        + "".join(f'<sequenceFlow id="f{i}" sourceRef="t{i}" targetRef="t{(i + 1) % n}"/>' for i in range(n))
    ),
    "leftover references": lambda n: HOST + f"<task id='u'>{times(n, '<outgoing>x#</outgoing>')}</task>",
    "one reference in many": lambda n: HOST + times(n, '<task id="u#"><outgoing>f</outgoing></task>'),
    "one leftover reference in many": lambda n: HOST + times(n, '<task id="u#"><outgoing>x</outgoing></task>'),
    "one undrawn flow from many": lambda n: (
        HOST + times(n, '<task id="u#"><outgoing>x</outgoing></task>') + '<task id="v"><incoming>x</incoming></task>'
    ),
    "boundary events": lambda n: (
        HOST + times(n, '<boundaryEvent id="b#" attachedToRef="t"><errorEventDefinition/></boundaryEvent>')
    ),
    "boundary events beside": lambda n: (
        HOST
        + times(
            n,
            '<boundaryEvent id="b#" attachedToRef="t" cancelActivity="false"><signalEventDefinition/></boundaryEvent>'
            '<sequenceFlow id="g#" sourceRef="b#" targetRef="s"/>',
        )
    ),
    "a receive task": lambda n: (
        '<startEvent id="s"/><receiveTask id="r"/>'
        + times(
            n,
            '<boundaryEvent id="b#" attachedToRef="r"><errorEventDefinition/></boundaryEvent>'
            '<sequenceFlow id="f#" sourceRef="s" targetRef="r"/>',
        )
    ),
    "link events": lambda n: times(
        n, '<intermediateThrowEvent id="l#"><linkEventDefinition name="x#"/></intermediateThrowEvent>'
    ),
    "a gateway": lambda n: (
        '<exclusiveGateway id="s"/>' + times(n, '<task id="t#"/><sequenceFlow id="f#" sourceRef="s" targetRef="t#"/>')
    ),
    "an event-based gateway": lambda n: (
        '<eventBasedGateway id="s"/>'
        + times(
            n,
            '<intermediateCatchEvent id="c#"><timerEventDefinition/></intermediateCatchEvent>'
            '<sequenceFlow id="f#" sourceRef="s" targetRef="c#"/>',
        )
    ),
    "attributes": lambda n: '<task id="t" ' + times(n, "a#='#' ") + "/>",
    "foreign attributes": lambda n: '<task id="t" xmlns:x="urn:x" ' + times(n, "x:a#='#' ") + "/>",
    "prefixes": lambda n: times(n, '<a#:t xmlns:a#="urn:#"/>'),
    "text": lambda n: "<task id='t'><incoming>" + "a&lt;" * n + "</incoming></task>",
    "foreign depth": lambda n: f"<extensionElements>{'<a>' * n}{'</a>' * n}</extensionElements>",
    "lanes": lambda n: f"<laneSet>{times(n, '<lane><flowNodeRef>t#</flowNodeRef></lane>')}</laneSet>",
    "data objects": lambda n: '<dataObject id="d"/>' * n,
    "processes": lambda n: "</process>" + times(n, "<process id='q#'><task/></process>") + "<process id='r'>",
    "participants": lambda n: (
        "</process><collaboration>"
        + times(n, "<participant id='a#' processRef='q#'/>")
        + '</collaboration><process id="r">'
    ),
    "event sub-processes": lambda n: times(
        n,
        '<subProcess id="x#" triggeredByEvent="true"><startEvent id="s#"><errorEventDefinition/></startEvent>'
        "</subProcess>",
    ),
    "multi-instances": lambda n: (
        '<dataObject id="d"/>'
        + times(
            n,
            '<task id="t#"><multiInstanceLoopCharacteristics><loopDataInputRef>d</loopDataInputRef>'
            "</multiInstanceLoopCharacteristics></task>",
        )
    ),
    "shared definitions": lambda n: (
        times(n, '<startEvent id="s#"><eventDefinitionRef>d#</eventDefinitionRef></startEvent>')
        + "</process>"
        + times(n, "<timerEventDefinition id='d#'/>")
        + '<process id="r">'
    ),
    "conditions": lambda n: (
        '<startEvent id="s"/><task id="t"/><exclusiveGateway id="g"/>'
        + times(n, '<sequenceFlow id="f#" sourceRef="s" targetRef="t"/>')
        + times(n, '<sequenceFlow id="a#" sourceRef="t" targetRef="g"/>')
        + times(n, '<sequenceFlow id="b#" sourceRef="g" targetRef="t"/>')
        + '<sequenceFlow id="c" sourceRef="g" targetRef="t"><conditionExpression>x</conditionExpression></sequenceFlow>'
    ),
    "compensation": lambda n: (
        HOST
        + "<subProcess id='x'>"
        + times(
            n,
            '<task id="t#"/><boundaryEvent id="b#" attachedToRef="t#"><compensateEventDefinition/></boundaryEvent>'
            '<task id="u#" isForCompensation="true"/><association id="a#" sourceRef="b#" targetRef="u#"/>',
        )
        + "</subProcess>"
        + times(n, '<endEvent id="e#"><compensateEventDefinition activityRef="x"/></endEvent>')
    ),
    "associations with one event": lambda n: (
        HOST
        + '<boundaryEvent id="b" attachedToRef="t"><compensateEventDefinition/></boundaryEvent>'
        + times(n, '<association id="a#" sourceRef="b" targetRef="t"/>')
    ),
    "transactions": lambda n: times(
        n, '<transaction id="x#"><task id="t#"/><endEvent id="e#"><cancelEventDefinition/></endEvent></transaction>'
    ),
    "conditional events": lambda n: times(
        n,
        '<intermediateCatchEvent id="c#"><conditionalEventDefinition><condition>x</condition>'
        "</conditionalEventDefinition></intermediateCatchEvent>",
    ),
    "definitions of one event": lambda n: (
        '<endEvent id="e">' + '<signalEventDefinition signalRef="s"/>' * n + "</endEvent>"
    ),
    "an ad-hoc sub-process": lambda n: (
        '<adHocSubProcess id="x">'
        + times(n, '<task id="t#"/><sequenceFlow id="f#" sourceRef="t0" targetRef="t#"/>')
        + "</adHocSubProcess>"
    ),
    "behaviors": lambda n: (
        '<task id="t"><multiInstanceLoopCharacteristics behavior="Complex">'
        + "<complexBehaviorDefinition><condition>x</condition><event><signalEventDefinition signalRef='s'/></event>"
        "</complexBehaviorDefinition>" * n + "</multiInstanceLoopCharacteristics></task>"
    ),
    "mappings of a call": lambda n: (
        "<callActivity id='c' xmlns:c='http://camunda.org/schema/1.0/bpmn'><extensionElements>"
        + '<c:in source="a" target="b"/>' * n
        + "</extensionElements></callActivity>"
    ),
    "messages": lambda n: "</process>" + times(n, "<message id='m#'/>") + '<process id="r">',
}


def calls(xml):
    """How many functions are called to read and check a file."""

    def read():
        process = find_process(parse(xml, evaluates=True), "p")
        _ = process.causes
        check_expressions(process, {})
        advise(process)

    return calls_of(read)


def calls_of(do):
    """How many functions are called, in Python and in C."""
    count = 0

    def called(_frame, event, _argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_size_costs_at_most_about_twice_as_much(family):
    small, large = (calls(bpmn(FAMILIES[family](size))) for size in (300, 600))
    assert large < 2.2 * small + 500
