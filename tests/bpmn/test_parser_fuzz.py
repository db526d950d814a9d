"""Whatever text comes: a model or a refusal. And what is accepted holds every flow node and flow of the file."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.bpmn.advice import advise
from app.bpmn.evaluation import check_expressions
from app.bpmn.parser import Model, parse
from app.errors import EngineError, ErrorKind
from tests.bpmn.build import BPMN, bpmn

FUZZ = settings(max_examples=200)

NODE_SUFFIXES = ("Event", "Task", "Gateway", "Activity", "SubProcess", "task", "transaction", "subProcess")
SKIPPED = {"extensionElements", "documentation", "choreography"}
NO_NODES = {"triggeredByEvent"}
"""Names of attributes, which no element has: nothing is lost with what is called so."""

ORDER = bpmn(
    """
    <startEvent id="s"><outgoing>f1</outgoing></startEvent>
    <sequenceFlow id="f1" sourceRef="s" targetRef="g"/>
    <exclusiveGateway id="g" default="f2"><incoming>f1</incoming></exclusiveGateway>
    <sequenceFlow id="f2" sourceRef="g" targetRef="sp"/>
    <sequenceFlow id="f3" sourceRef="g" targetRef="w"/>
    <subProcess id="sp">
      <startEvent id="is"/><userTask id="u"/><sequenceFlow id="i1" sourceRef="is" targetRef="u"/>
      <endEvent id="ie"><errorEventDefinition errorRef="e1"/></endEvent>
      <sequenceFlow id="i2" sourceRef="u" targetRef="ie"/>
    </subProcess>
    <boundaryEvent id="b" attachedToRef="sp" cancelActivity="false"><signalEventDefinition/></boundaryEvent>
    <sequenceFlow id="f4" sourceRef="b" targetRef="e"/>
    <intermediateCatchEvent id="w">
      <timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>
    </intermediateCatchEvent>
    <sequenceFlow id="f5" sourceRef="w" targetRef="e"><documentation>x</documentation></sequenceFlow>
    <intermediateThrowEvent id="l"><linkEventDefinition name="k"/></intermediateThrowEvent>
    <intermediateCatchEvent id="k"><linkEventDefinition name="k"/></intermediateCatchEvent>
    <endEvent id="e"><incoming>f4</incoming><incoming>f5</incoming><terminateEventDefinition/></endEvent>
    <laneSet><lane><flowNodeRef>s</flowNodeRef></lane></laneSet>
    """,
    head='<error id="e1" errorCode="E"/><collaboration id="c"><participant id="q" processRef="p"/></collaboration>',
)
BROAD = bpmn(
    """
    <receiveTask id="r" messageRef="m"><outgoing>f1</outgoing></receiveTask>
    <sequenceFlow id="f1" sourceRef="r" targetRef="x"/>
    <transaction id="x" method="##Compensate">
      <multiInstanceLoopCharacteristics isSequential="true">
        <loopDataInputRef>d</loopDataInputRef><inputDataItem name="item"/>
        <completionCondition>enough</completionCondition>
      </multiInstanceLoopCharacteristics>
      <task id="t"><standardLoopCharacteristics loopMaximum="3"/></task>
      <subProcess id="h" triggeredByEvent="true">
        <startEvent id="hs" isInterrupting="false"><eventDefinitionRef>every</eventDefinitionRef></startEvent>
        <endEvent id="he"/><sequenceFlow id="h1" sourceRef="hs" targetRef="he"/>
      </subProcess>
    </transaction>
    <dataObject id="d"/>
    <inclusiveGateway id="g"/><sequenceFlow id="f2" sourceRef="x" targetRef="g"/>
    <userTask id="u"/><sequenceFlow id="f3" sourceRef="u" targetRef="g"/>
    """,
    head='<message id="m" name="M"/><signal id="s" name="S"/><signalEventDefinition id="every" signalRef="s"/>',
)
UNUSUAL = bpmn(
    """
    <eventBasedGateway id="g" instantiate="true" eventGatewayType="Parallel"/>
    <intermediateCatchEvent id="a"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
    <intermediateCatchEvent id="b"><messageEventDefinition messageRef="n"/></intermediateCatchEvent>
    <sequenceFlow id="f1" sourceRef="g" targetRef="a"/><sequenceFlow id="f2" sourceRef="g" targetRef="b"/>
    <sequenceFlow id="f3" sourceRef="a" targetRef="x"/><sequenceFlow id="f4" sourceRef="b" targetRef="x"/>
    <complexGateway id="x"><activationCondition>activationCount &gt; 1</activationCondition></complexGateway>
    <sequenceFlow id="f5" sourceRef="x" targetRef="t"/>
    <transaction id="t">
      <userTask id="u"/><boundaryEvent id="c" attachedToRef="u"><compensateEventDefinition/></boundaryEvent>
      <task id="h" isForCompensation="true"/><association id="s1" sourceRef="c" targetRef="h"/>
      <sequenceFlow id="i1" sourceRef="u" targetRef="e"/><endEvent id="e"><cancelEventDefinition/></endEvent>
    </transaction>
    <boundaryEvent id="d" attachedToRef="t"><cancelEventDefinition/></boundaryEvent>
    <sequenceFlow id="f6" sourceRef="d" targetRef="k"/><sequenceFlow id="f7" sourceRef="t" targetRef="k"/>
    <adHocSubProcess id="k" ordering="Sequential"><task id="q"/><completionCondition>enough</completionCondition>
    </adHocSubProcess>
    <sequenceFlow id="f8" sourceRef="k" targetRef="l"><conditionExpression>late</conditionExpression></sequenceFlow>
    <sequenceFlow id="f9" sourceRef="k" targetRef="w"/>
    <endEvent id="l"><signalEventDefinition signalRef="s"/><escalationEventDefinition escalationRef="y"/></endEvent>
    <intermediateCatchEvent id="w"><conditionalEventDefinition><condition>ready</condition>
    </conditionalEventDefinition></intermediateCatchEvent>
    <sequenceFlow id="f10" sourceRef="w" targetRef="v"/>
    <serviceTask id="v"><multiInstanceLoopCharacteristics behavior="One" oneBehaviorEventRef="every">
    <loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>
    """,
    head='<message id="m" name="M"/><message id="n" name="N"/><signal id="s" name="S"/>'
    '<escalation id="y" escalationCode="Y"/><signalEventDefinition id="every" signalRef="s"/>',
)
MODELS = st.sampled_from([ORDER, BROAD, UNUSUAL])
WORDS = [
    *("startEvent", "endEvent", "task", "serviceTask", "receiveTask", "subProcess", "transaction", "exclusiveGateway"),
    *("boundaryEvent", "sequenceFlow", "incoming", "outgoing", "timerEventDefinition", "laneSet", "process"),
    *("eventDefinitionRef", "standardLoopCharacteristics", "loopCardinality", "instantiate", "every", "h", "hs", "x"),
    *("extensionElements", "timeCycle", "message", "definitions", "multiInstanceLoopCharacteristics", "unknown"),
    *("complexGateway", "adHocSubProcess", "association", "compensateEventDefinition", "cancelEventDefinition"),
    *(
        "conditionalEventDefinition",
        "isForCompensation",
        "behavior",
        "condition",
        "activationCondition",
        "parallelMultiple",
    ),
    *("id", "sourceRef", "targetRef", "default", "attachedToRef", "triggeredByEvent", "s", "f1", "sp", "u", "true", ""),
]


def parsed(xml: str) -> Model | None:
    """The model, or None where the text is refused; anything else fails the test."""
    try:
        model = parse(xml, evaluates=True)
        for process in model.processes:
            assert len(process.causes) <= 1000
            check_expressions(process, {})
            advise(process)
        return model
    except EngineError as error:
        assert error.kind is ErrorKind.PROCESS_MODEL
        return None


def drawn(xml: str) -> dict[str, tuple[list[str], list[str]]]:
    """By process id: the ids of all flow nodes, and of all `sequenceFlow` elements; read independently."""
    root = ET.fromstring(xml)
    namespace = root.tag.rpartition("}")[0] + "}" if "}" in root.tag else ""

    def read(element: ET.Element, nodes: list[str], flows: list[str]) -> None:
        for child in element:
            tag = child.tag.removeprefix(namespace)
            if "}" in tag or tag in SKIPPED:
                continue
            if tag == "sequenceFlow":
                flows.append(id_of(child))
            elif tag.endswith(NODE_SUFFIXES) and tag not in NO_NODES:
                nodes.append(id_of(child))
            read(child, nodes, flows)

    found: dict[str, tuple[list[str], list[str]]] = {}
    for process in root.iter(namespace + "process"):
        read(process, *found.setdefault(id_of(process), ([], [])))
    return found


def id_of(element: ET.Element) -> str:
    """Without the white space around it, which does not belong to it."""
    return element.get("id", "").strip(" \t\r\n")


def assert_nothing_is_lost(xml: str) -> None:
    model = parsed(xml)
    if model is None:
        return
    expected = drawn(xml)
    for process in model.processes:
        if process.causes:
            continue
        elements = list(process.elements())[1:]
        nodes, flows = expected[process.element.id]
        assert sorted(element.id for element in elements) == sorted(nodes)
        outgoing = [flow.id for element in elements for flow in element.outgoing]
        # A flow without an id gets one, so that these can only be counted.
        assert set(flows) - {""} <= set(outgoing)
        assert len(flows) in (0, len(outgoing))
        assert sorted(outgoing) == sorted(flow.id for element in elements for flow in element.incoming)


@pytest.mark.parametrize("xml", [ORDER, BROAD, UNUSUAL], ids=["order", "broad", "unusual"])
def test_the_files_that_are_mutated_are_accepted(xml):
    (process,) = parse(xml).processes
    assert process.causes == []
    assert_nothing_is_lost(xml)


@FUZZ
@given(st.text())
def test_any_text_is_a_model_or_a_refusal(text):
    parsed(text)


@FUZZ
@given(st.text(alphabet="<>/=\"'&;!?[]-ab:# \n\0\ud800\ufeff", max_size=60))
def test_anything_that_resembles_xml_is_a_model_or_a_refusal(text):
    parsed(text)
    parsed(f"<definitions>{text}</definitions>")


@FUZZ
@example(BROAD, BROAD.index('f1" sourceRef'), 2, "")
@given(MODELS, st.integers(0, len(ORDER)), st.integers(0, 40), st.text(max_size=5))
def test_a_damaged_file_is_a_model_or_a_refusal_and_loses_nothing(xml, start, length, inserted):
    assert_nothing_is_lost(xml[:start] + inserted + xml[start + length :])


@FUZZ
@given(st.data())
def test_a_file_with_exchanged_words_loses_nothing(data):
    xml = data.draw(MODELS)
    for _ in range(data.draw(st.integers(1, 4))):
        old, new = data.draw(st.sampled_from(WORDS)), data.draw(st.sampled_from(WORDS))
        if old:
            xml = xml.replace(old, new, data.draw(st.sampled_from([1, 2, -1])))
    assert_nothing_is_lost(xml)


@FUZZ
@given(st.data())
def test_a_file_with_moved_dropped_and_doubled_elements_loses_nothing(data):
    ET.register_namespace("", BPMN)
    root = ET.fromstring(data.draw(MODELS))
    for _ in range(data.draw(st.integers(1, 4))):
        parents = [element for element in root.iter() if len(element)]
        if not parents:
            # All that the file contained was dropped.
            break
        parent = data.draw(st.sampled_from(parents))
        child = data.draw(st.sampled_from(list(parent)))
        action = data.draw(st.sampled_from(["drop", "move", "double"]))
        if action != "double":
            parent.remove(child)
        if action != "drop":
            inside = set(child.iter())
            goal = data.draw(st.sampled_from([element for element in root.iter() if element not in inside]))
            goal.append(child)
    assert_nothing_is_lost(ET.tostring(root, encoding="unicode"))


NAMES = st.sampled_from(["", "a", "b", "c", "p", "f"])
TAG = st.sampled_from([word for word in WORDS if word[:1].islower() and len(word) > 3])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["id", "name", "sourceRef", "targetRef", "attachedToRef", "default", "messageRef", "isExecutable"]),
    NAMES,
)


def render(tag: str, attributes: dict[str, str], content: str) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    return f"<{tag}{written}>{content}</{tag}>"


TREES = st.recursive(
    st.builds(render, TAG, ATTRIBUTES, NAMES),
    lambda inner: st.builds(render, TAG, ATTRIBUTES, st.lists(inner, max_size=3).map("".join)),
    max_leaves=10,
)


@FUZZ
@example("<incoming><triggeredByEvent></triggeredByEvent></incoming>")
@given(st.lists(TREES, max_size=4).map("".join))
def test_a_made_up_file_loses_nothing(body):
    assert_nothing_is_lost(bpmn(body))


@FUZZ
@given(st.sampled_from(["timeDate", "timeDuration", "timeCycle"]), st.text(alphabet="PTR/0123456789-:.ZWDHMS *,#L+"))
def test_any_timer_text_is_a_definition_or_none(kind, text):
    timer = f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"
    (process,) = parse(bpmn(f'<intermediateCatchEvent id="e">{timer}</intermediateCatchEvent>')).processes
    assert process.causes == []


@pytest.mark.parametrize("end", range(0, len(ORDER), 97))
def test_a_truncated_file_is_refused(end):
    assert parsed(ORDER[:end]) is None
