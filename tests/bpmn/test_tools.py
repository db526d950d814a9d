"""Files in the manner of many tools mean what the schema says that they mean, and can be deployed."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from app.bpmn.advice import advise
from app.bpmn.extensions import user_task_tags
from app.bpmn.kinds import BOUNDARY_EVENTS, START_EVENTS, ElementType
from app.bpmn.model import Element
from app.bpmn.parser import only_process, parse
from app.clock import ManualClock
from app.commands.process import CreateProcess
from app.engine.types import ExpressionMode
from app.errors import EngineError
from app.service import Service, open_service
from tests.bpmn.build import BPMN, accepted, bpmn, causes, event, flow, warnings
from tests.bpmn.tools import Drawing, Node, draw
from tests.conftest import configured
from tests.databases import Databases

FILES = sorted((Path(__file__).parent.parent / "files" / "tools").glob("*.bpmn"))
NOT_COMPILED = {
    "bizagi-purchase.bpmn": "condition of Id_f3 cannot be evaluated",
    "bonita-support.bpmn": "loopCondition of _answer cannot be evaluated",
    "signavio-loan.bpmn": "condition of sid-f3 cannot be evaluated",
}
"""Files with conditions in words, or in unknown languages, and what is said where they are to be evaluated."""

each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture(scope="module")
def service(databases: Databases) -> Iterator[Service]:
    with databases.fresh("sqlite") as url:
        service = open_service(configured(url), ManualClock(datetime(2026, 11, 23, 12)))
        yield service
        service.close()


def told(xml: str) -> Drawing:
    """The same of the parser."""
    process = only_process(parse(xml))
    assert process.causes == []
    found = Drawing()
    for element in process.elements():
        if element is not process.element:
            found.nodes[element.id] = _node(element)
        for each in element.outgoing:
            assert each in each.target.incoming
            is_named = f'id="{each.id}"' in xml
            found.flows.append((each.id if is_named else "", each.source.id, each.target.id, each.condition))
    found.flows.sort()
    return found


def _node(element: Element) -> Node:
    assert element.parent is not None
    node = Node(element.type, element.name, element.parent.id)
    node.attached_to = element.attached_to.id if element.attached_to else ""
    node.default = element.default_flow
    node.quantities = element.start_quantity, element.completion_quantity
    node.compensates = element.is_compensation
    node.terminates = element.terminate
    node.timer = element.timer_text[1] if element.timer_text else ""
    node.condition = element.condition.text if element.condition else ""
    if element.type in BOUNDARY_EVENTS or element.parent.type is ElementType.EVENT_SUB_PROCESS:
        node.cancels = element.interrupting
    if element.loop is not None:
        once = "sequential" if element.loop.sequential else "parallel"
        node.marker = once if element.loop.multi else "loop"
        node.cardinality = element.loop.cardinality.text if element.loop.cardinality else ""
    if element.definition is not None:
        node.refers_to = element.definition.name or ""
    return node


def _without_more(drawing: Drawing) -> Drawing:
    """Without what the parser has no need to know: what a job asks for, and whether a start of a process interrupts."""
    for node in drawing.nodes.values():
        if node.type in ("MESSAGE_END_EVENT", "MESSAGE_THROW_EVENT"):
            node.refers_to = ""
        if node.type in START_EVENTS:
            scope = drawing.nodes.get(node.parent)
            node.cancels = node.cancels or scope is None or scope.type != "EVENT_SUB_PROCESS"
    return drawing


@each_file
def test_a_file_means_what_its_schema_says(file):
    xml = file.read_text(encoding="utf-8")
    assert told(xml) == _without_more(draw(xml))


@pytest.mark.parametrize("mode", ExpressionMode)
@each_file
def test_a_file_is_deployed(service, file, mode):
    command = CreateProcess(
        bpmn_xml=file.read_text(encoding="utf-8"), version=f"1-{mode}", worker_id="w", expressions=mode
    )
    if mode is ExpressionMode.ENGINE and file.name in NOT_COMPILED:
        with pytest.raises(EngineError) as refused:
            service.execute(command)
        assert refused.value.causes[0].detail.startswith(NOT_COMPILED[file.name])
    else:
        assert service.execute(command).version == f"1-{mode}"


def test_the_files_use_every_type_of_element_that_has_one_definition():
    used = {node.type for file in FILES for node in draw(file.read_text(encoding="utf-8")).nodes.values()}
    assert used == {type for type in ElementType if type != "PROCESS" and "MULTIPLE" not in type}


def test_what_is_no_element_of_bpmn_is_skipped_with_a_warning():
    [file] = [file for file in FILES if file.name == "ea-inspection.bpmn"]
    found = [
        each for each in advise(only_process(parse(file.read_text(encoding="utf-8")))) if each.type == "unknown-element"
    ]
    assert [each.detail for each in found] == ["BPMNConnector is no element of BPMN, and is skipped (line 32)"]


FLOW = '<sequenceFlow id="f" sourceRef="{}" targetRef="b">{}</sequenceFlow>'
SPARE = '<startEvent id="s"/><task id="a"/><parallelGateway id="g"/><task id="b"/>'


@pytest.mark.parametrize("source", ["s", "a", "g"])
def test_a_condition_without_text_is_none_where_none_may_be(source):
    assert not accepted(SPARE + FLOW.format(source, "<conditionExpression/>"))[source].outgoing[0].conditional
    [cause] = causes(SPARE + FLOW.format(source, "<conditionExpression>x</conditionExpression>"))
    assert "must have no condition" in cause[2]


def test_a_condition_without_text_is_left_to_a_decision_where_there_is_one():
    found = accepted(SPARE + FLOW.format("a", "<conditionExpression/>") + flow("a", "g"))
    assert [each.conditional for each in found["a"].outgoing] == [True, False]


def test_drawn_flows_without_ids_are_given_some():
    ends = 'sourceRef="s" targetRef="a"'
    body = SPARE + f'<sequenceFlow {ends}/><sequenceFlow id="s-a-2" {ends}/><sequenceFlow {ends}/><task id="s-a-3"/>'
    assert [each.id for each in accepted(body)["s"].outgoing] == ["s-a", "s-a-2", "s-a-4"]


@pytest.mark.parametrize("missing", ["", 'sourceRef="a"', 'targetRef="b"'])
def test_a_flow_without_id_and_without_both_ends_is_refused(missing):
    assert causes(SPARE + f"<sequenceFlow {missing}/>") == [
        ("/p/", "sequence_flow", "sequence flow has no ID (line 2)")
    ]


def test_links_without_names_are_joined_by_their_labels():
    link = '<{0} id="{1}" name="{2}"><linkEventDefinition/></{0}>'
    throw, catch = link.format("intermediateThrowEvent", "t", "there"), "intermediateCatchEvent"
    found = accepted(throw + link.format(catch, "c", "there"))
    assert found["t"].link_name == found["c"].link_name == "there"
    assert causes(throw + link.format(catch, "c", "")) != []


def test_timers_without_text_do_not_count_beside_others():
    timers = "<timeDate/><timeDuration>PT1H</timeDuration><timeCycle> </timeCycle>"
    found = accepted(event("intermediateCatchEvent", f"<timerEventDefinition>{timers}</timerEventDefinition>"))
    assert found["e"].timer_text == ("timeDuration", "PT1H")


@pytest.mark.parametrize("place", ["head", "tail"])
def test_associations_outside_of_a_process_say_what_undoes(place):
    body = (
        '<task id="t"/><boundaryEvent id="b" attachedToRef="t"><compensateEventDefinition/></boundaryEvent>'
        '<task id="h" isForCompensation="true"/>'
    )
    association = '<association sourceRef="b" targetRef="h"/>'
    for around in ("collaboration", "process"):
        found = accepted(body, **{place: f"<{around}>{association}</{around}>"})
        assert found["b"].handler is found["h"]


def unknown_elements(body: str, head: str = "") -> list[tuple[str, str, str]]:
    return [each for each in warnings(body, head) if each[1] == "unknown-element"]


@pytest.mark.parametrize("unknown", ["fooBar", "inputOutput", "BPMNConnector"])
@pytest.mark.parametrize(
    "body",
    [
        "<{}/>",
        '<task id="t"><{}><more/></{}></task>',
        '<subProcess id="u"><{}/><task id="t"/></subProcess>',
        '<task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"><{}/></sequenceFlow>',
    ],
)
def test_elements_that_are_not_known_are_skipped(unknown, body):
    detail = f"{unknown} is no element of BPMN, and is skipped (line {{}})"
    written = body.replace("{}", unknown)
    assert unknown_elements('<startEvent id="s"/>' + written) == [("/p", "unknown-element", detail.format(2))]
    assert unknown_elements('<startEvent id="s"/>', f"<{unknown}/>") == [("/p", "unknown-element", detail.format(1))]


@pytest.mark.parametrize(
    "unknown", ["fooTask", "fooEvent", "fooGateway", "fooSubProcess", "fooFlow", "fooCharacteristics"]
)
def test_elements_that_are_not_known_but_look_like_a_part_of_the_flow_are_refused(unknown):
    assert [each[1] for each in causes(f'<startEvent id="s"/><{unknown} id="x"/>')] == ["element"]


@pytest.mark.parametrize("namespace", ["", "http://schema.omg.org/spec/BPMN/2.0"])
@pytest.mark.parametrize(
    ("lost", "body"),
    [
        ("task", "{}"),
        ("sequenceFlow", '<subProcess id="u">{}<task id="t"/></subProcess>'),
        ("conditionExpression", '<task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t">{}</sequenceFlow>'),
        ("terminateEventDefinition", '<endEvent id="e">{}</endEvent>'),
        ("standardLoopCharacteristics", '<task id="t">{}</task>'),
    ],
)
def test_what_has_another_namespace_than_the_file_is_not_lost_silently(lost, body, namespace):
    told = f"{lost} of another namespace is no element of BPMN, and is skipped (line 2)"
    written = f'<startEvent id="s"/>{body.format(f"""<{lost} xmlns="{namespace}"><x/></{lost}>""")}'
    assert unknown_elements(written) == [("/p", "unknown-element", told)]


@pytest.mark.parametrize(
    "body",
    [
        '<task id="t"><extensionElements><task xmlns=""/></extensionElements></task>',
        '<task id="t"><documentation>Begin with <task xmlns="">that</task></documentation></task>',
        '<task xmlns="urn:of-a-tool"/>',
        '<task id="t"><incoming xmlns="">f</incoming></task>',
    ],
)
def test_what_tools_say_in_namespaces_of_their_own_is_skipped(body):
    assert unknown_elements(f'<startEvent id="s"/>{body}') == []


def test_of_what_has_another_namespace_the_first_are_told():
    lost = '<note xmlns=""/>' * 1000 + '<task xmlns=""/>' * 1000
    assert len(unknown_elements(f'<startEvent id="s"/>{lost}')) == 100


@pytest.mark.parametrize(
    "skipped", ["operation", "subConversation", "conversationLink", "formalExpression", "assignment"]
)
def test_parts_of_harmless_elements_are_skipped_elsewhere(skipped):
    assert unknown_elements(f'<startEvent id="s"/><{skipped}/>', f"<{skipped}/>") == []


def test_parts_of_a_process_do_not_get_lost_in_what_is_skipped():
    assert causes('<fooBar><task id="t"/></fooBar>')[0][2] == "element p is not supported: task in fooBar (line 2)"
    assert causes("", "<fooBar><task/></fooBar>")[0][2] == "element p is not supported: task outside a process (line 1)"


def test_an_element_of_an_abstract_type_without_a_type_is_refused():
    assert causes('<flowElement id="x"/>')[0][2] == "element x is not supported: flowElement (line 2)"


@pytest.mark.parametrize(
    ("written", "type"),
    [
        ('task id="x" xsi:type="tUserTask"', "USER_TASK"),
        ('task id="x" xsi:type=" b:tReceiveTask "', "RECEIVE_TASK"),
        ('task id="x" xsi:type="tTask"', "TASK"),
        ('task id="x" xsi:type="vendor"', "TASK"),
        ('task id="x" xsi:type="v:tSpecial"', "TASK"),
        ('userTask id="x" xsi:type="tServiceTask"', "USER_TASK"),
        ('subProcess id="x" xsi:type="tTransaction"', "TRANSACTION"),
        ('flowElement id="x" xsi:type="tManualTask"', "MANUAL_TASK"),
    ],
)
def test_an_element_may_be_of_a_type_that_is_derived_from_its_own(written, type):
    tag = written.partition(" ")[0]
    inside = "" if "ask" in written else '<task id="t"/>'
    instance = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert accepted(f"<{written} {instance}>{inside}</{tag}>")["x"].type == type


def test_user_tasks_of_an_abstract_type_are_assigned():
    names = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:c="http://camunda.org/schema/1.0/bpmn"'
    xml = bpmn(f'<flowElement {names} xsi:type="tUserTask" id="x" c:assignee="ann"/>')
    assert list(user_task_tags(xml, "p")) == ["x"]


def test_user_tasks_whose_attributes_have_a_prefix_are_assigned():
    namespaces = f'xmlns:b="{BPMN}" xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'
    xml = bpmn(f'<userTask b:id="x" {namespaces} camunda:assignee="ada"/>')
    assert list(user_task_tags(xml, "p")) == ["x"]
