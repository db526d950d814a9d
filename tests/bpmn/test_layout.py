"""The computed drawing: nothing overlaps, flows go around what they don't connect, and it costs what the size says."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from hypothesis import given

from app.bpmn.diagram import diagram, document
from app.bpmn.drawn import draws
from app.bpmn.layout import lay_out
from app.bpmn.model import Element, Loop, Process
from app.bpmn.parser import find_process, parse
from app.errors import EngineError
from tests.bpmn.build import BPMN, bpmn, process
from tests.bpmn.drawings import check, lines_upon_each_other
from tests.bpmn.test_cost import FAMILIES
from tests.http.corpus import CORPUS
from tests.machine.models import models
from tests.models.stage import FILES

MODELS = [*sorted(FILES.glob("*.bpmn")), *sorted((CORPUS / "models").glob("*.bpmn"))]


def flows(*pairs: str) -> str:
    return "".join(
        f'<sequenceFlow id="f{number}" sourceRef="{a}" targetRef="{b}"/>'
        for number, (a, b) in enumerate(pair.split() for pair in pairs)
    )


def tasks(ids: str) -> str:
    return "".join(f'<serviceTask id="{id}" name="Task {id}"/>' for id in ids)


def said(found: Process) -> list[object]:
    """All that a document says about a process."""
    return [found.executable, *(of_element(element) for element in found.elements())]


def of_element(element: Element) -> tuple[object, ...]:
    return (
        *(element.id, element.type, element.name, element.parent and element.parent.id, element.default_flow),
        *(element.direction, element.attached_to and element.attached_to.id, [each.id for each in element.attached]),
        *(element.says_interrupting, element.terminate, element.called_element, element.link_name, element.definition),
        *(element.unread_timer, [flow.id for flow in element.incoming], element.instantiate, element.parallel),
        *(element.parallel_multiple, [(part.type, part.definition, part.unread_timer) for part in element.parts]),
        *(element.handler and element.handler.id, element.is_compensation, element.waits),
        *(element.activity_ref and element.activity_ref.id, element.sequential, element.cancel_remaining),
        [each.condition and each.condition.text for each in (element, *element.parts)],
        *(element.interrupting, element.start_quantity, element.completion_quantity, of_loop(element.loop)),
        [(flow.id, flow.name, flow.target.id, flow.scope.id, flow.conditional) for flow in element.outgoing],
    )


def of_loop(loop: Loop | None) -> object:
    if loop is None:
        return None
    texts = [each and each.text for each in (loop.cardinality, loop.condition)]
    # What is thrown when its instances complete has no place in a drawing.
    return replace(loop, cardinality=None, condition=None, behavior="All", events=()), texts


@given(models(nodes=40))
def test_generated_models_are_drawn_cleanly_and_read_again_as_they_were(model):
    found = find_process(parse(model.xml), model.process_id)
    check(found)
    written = document(found)
    again = find_process(parse(written), model.process_id)
    assert said(again) == said(found)
    # Without evaluation keys that are expressions don't count, in the one as in the other.
    assert [cause.pointer for cause in again.causes] == [cause.pointer for cause in found.causes]
    assert draws(written, again)


@pytest.mark.parametrize("file", MODELS, ids=lambda file: file.name)
def test_models_of_tools_are_drawn_cleanly_and_read_again_as_they_were(file):
    try:
        found = parse(file.read_text()).processes
    except EngineError:
        assert file.name.startswith("bad-")
        return
    for each in found:
        if not each.causes:
            layout = check(each)
            assert list(lines_upon_each_other(layout)) == []
            assert said(parse(document(each)).processes[0]) == said(each)


BROAD = {
    "receive task": '<message id="m" name="M"/><receiveTask id="r" messageRef="m"/><receiveTask id="q"/>',
    "event sub-process": (
        '<subProcess id="x" name="X" triggeredByEvent="true"><startEvent id="b" isInterrupting="false">'
        "<escalationEventDefinition/></startEvent></subProcess>" + tasks("t")
    ),
    "transaction": '<transaction id="x"><startEvent id="s"/></transaction>',
    "loop": (
        '<task id="t"><standardLoopCharacteristics testBefore="true" loopMaximum="3"><loopCondition>a &lt; 1'
        "</loopCondition></standardLoopCharacteristics></task>"
    ),
    "multi-instance": (
        '<subProcess id="sp"><startEvent id="s"/><multiInstanceLoopCharacteristics isSequential="true">'
        '<loopDataInputRef>d</loopDataInputRef><inputDataItem id="i"/><loopDataOutputRef>o</loopDataOutputRef>'
        '<outputDataItem name="r"/><completionCondition>done</completionCondition>'
        '</multiInstanceLoopCharacteristics></subProcess><dataObject id="d" name="orders"/>'
    ),
    "cardinality": (
        '<task id="t"><multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>'
        "</multiInstanceLoopCharacteristics></task>"
    ),
    "several definitions": (
        '<boundaryEvent id="b" attachedToRef="t" cancelActivity="false" parallelMultiple="true">'
        '<signalEventDefinition signalRef="g"/><timerEventDefinition><timeDuration>PT1H</timeDuration>'
        '</timerEventDefinition><escalationEventDefinition escalationRef="x"/></boundaryEvent>'
        '<intermediateCatchEvent id="c"><timerEventDefinition><timeDuration>${a}</timeDuration></timerEventDefinition>'
        "<eventDefinitionRef>d</eventDefinitionRef></intermediateCatchEvent>"
        '<intermediateThrowEvent id="i"><signalEventDefinition signalRef="g"/><eventDefinitionRef>d'
        "</eventDefinitionRef></intermediateThrowEvent>"
        '<endEvent id="e"><signalEventDefinition signalRef="g"/><escalationEventDefinition escalationRef="x"/>'
        '</endEvent><subProcess id="h" triggeredByEvent="true"><startEvent id="hs" isInterrupting="false">'
        '<escalationEventDefinition escalationRef="x"/><eventDefinitionRef>d</eventDefinitionRef></startEvent>'
        "</subProcess>" + tasks("t") + flows("t c", "c i", "i e", "b e")
    ),
    "shared definition": '<startEvent id="s"><eventDefinitionRef>d</eventDefinitionRef></startEvent>',
}


@pytest.mark.parametrize("body", BROAD.values(), ids=BROAD)
def test_what_a_process_says_is_drawn_and_read_again(body):
    head = (
        '<signal id="g" name="G"/><signalEventDefinition id="d" signalRef="g"/><escalation id="x" escalationCode="X"/>'
    )
    found = process(body, head)
    assert found.causes == []
    check(found)
    assert said(parse(document(found)).processes[0]) == said(found)


def test_what_starts_a_process_or_takes_several_tokens_is_drawn_and_read_again():
    body = '<eventBasedGateway id="g" instantiate="true" eventGatewayType="Parallel"/>' + tasks("ab") + flows("a b")
    found = process(body.replace('id="b"', 'id="b" startQuantity="2" completionQuantity="3"'))
    assert said(parse(document(found)).processes[0]) == said(found)


BODIES = {
    "nothing": "",
    "no flows": tasks("abc"),
    "a straight line": tasks("abc") + flows("a b", "b c"),
    "a loop": tasks("abc") + flows("a b", "b c", "c a"),
    "to itself": tasks("a") + flows("a a"),
    "two between the same": tasks("ab") + flows("a b", "a b", "b a", "b a"),
    "everything with everything": tasks("abcde") + flows(*(f"{a} {b}" for a in "abcde" for b in "abcde")),
    "a way around": tasks("abcd") + flows("a b", "b c", "c d", "a d", "a c", "b d", "d b", "c a"),
    "crossing": tasks("abcd") + flows("a d", "b c", "a c", "b d"),
    "an empty sub-process": '<subProcess id="s" name="S"/><subProcess id="u"><startEvent id="v"/></subProcess>'
    + flows("s u"),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_form_is_drawn_cleanly(body):
    check(process(body))


def test_a_line_of_elements_is_a_straight_line():
    layout = check(process('<startEvent id="s"/>' + tasks("abc") + flows("s a", "a b", "b c")))
    assert len({box.middle.y for box in layout.shapes.values()}) == 1
    assert [len(points) for points in layout.edges.values()] == [2, 2, 2]


def test_branches_stand_below_each_other_and_come_together_again():
    body = tasks("sabcj") + flows("s a", "s b", "s c", "a j", "b j", "c j")
    found = process(body)
    layout = check(found)
    boxes = {element.id: box for element, box in layout.shapes.items()}
    assert boxes["a"].x == boxes["b"].x == boxes["c"].x
    assert boxes["a"].bottom < boxes["b"].y < boxes["b"].bottom < boxes["c"].y
    assert boxes["s"].right < boxes["a"].x < boxes["a"].right < boxes["j"].x


def boundary(id: str, host: str, name: str = "") -> str:
    return f'<boundaryEvent id="{id}" attachedToRef="{host}" name="{name}"><timerEventDefinition/></boundaryEvent>'


@pytest.mark.parametrize("host", ['<serviceTask id="t"/>', '<subProcess id="t"><startEvent id="i"/></subProcess>'])
@pytest.mark.parametrize("name", ["", "Every 14 days, until somebody answers"])
def test_boundary_events_stand_on_the_lower_border_of_their_host(host, name):
    events = "".join(boundary(id, "t", name) for id in "bcdef")
    body = host + events + tasks("uvwxyz") + flows("t u", "b v", "c w", "d x", "e y", "f z", "u z", "x t", "v b2")
    layout = check(process(body))
    assert sum(element.attached_to is not None for element in layout.shapes) == 5


def test_names_stand_beside_events_gateways_and_flows_and_in_all_others():
    body = (
        '<startEvent id="s" name="Begin"/><exclusiveGateway id="g" name="Which?"/><serviceTask id="t" name="Do it"/>'
        '<endEvent id="e"/><sequenceFlow id="f" name="this" sourceRef="g" targetRef="t"/>' + flows("s g", "t e", "g e")
    )
    labels = check(process(body)).labels
    assert {labelled.id for labelled in labels} == {"s", "g", "f"}


def test_what_is_not_accepted_can_be_drawn_all_the_same():
    body = boundary("b", "nowhere") + boundary("c", "b") + tasks("t") + flows("t b", "b c", "t c", "c t")
    layout = lay_out(process(body))
    assert len(layout.shapes) == 3
    assert len(layout.edges) == 4


AWKWARD = "<&>\"'\t\n\r]]>é😀"


def test_every_text_is_written_so_that_it_is_read_again():
    quoted = "".join(f"&#{ord(character)};" for character in AWKWARD)
    body = (
        f'<startEvent id="s {quoted}s" name="{quoted}"/><task id="a:b"/><task id="_shape_1"/>'
        f'<intermediateThrowEvent id="l"><linkEventDefinition name="{quoted}"/></intermediateThrowEvent>'
        f'<intermediateCatchEvent id="c"><linkEventDefinition name="{quoted}"/></intermediateCatchEvent>'
        f'<intermediateCatchEvent id="m"><messageEventDefinition messageRef="n"/></intermediateCatchEvent>'
        f'<callActivity id="k" calledElement="{quoted}."/>'
        f'<sequenceFlow id="f{quoted}f" name="{quoted}" sourceRef="s {quoted}s" targetRef="a:b"/>'
        '<sequenceFlow id="__diagram" sourceRef="a:b" targetRef="_shape_1"/>'
    )
    found = process(body, head=f'<message id="n" name="{quoted}"/>')
    assert found.element.children[0].name == AWKWARD
    written = document(found)
    again = find_process(parse(written), "p")
    assert said(again) == said(found)
    assert again.doubled_ids == []
    assert draws(written, again)


DRAWN = (
    f'<definitions xmlns="{BPMN}" xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:c="http://www.omg.org/spec/DD/20100524/DC" xmlns:i="http://www.omg.org/spec/DD/20100524/DI">'
    '<process id="p" isExecutable="true"><startEvent id="s"/><endEvent id="e"/>'
    '<sequenceFlow id="f" sourceRef="s" targetRef="e"/></process>'
    '<d:BPMNDiagram><d:BPMNPlane bpmnElement="p">'
    '<d:BPMNShape bpmnElement="x:s"><c:Bounds x="1" y="2" width="36" height="36"/></d:BPMNShape>'
    '<d:BPMNShape bpmnElement="e"><c:Bounds x="99" y="2.5" width="36" height="36"/></d:BPMNShape>'
    '<d:BPMNEdge bpmnElement="f"><i:waypoint x="37" y="20"/><i:waypoint x="99" y="20"/></d:BPMNEdge>'
    "</d:BPMNPlane></d:BPMNDiagram></definitions>"
)


def test_a_file_that_draws_its_process_is_its_diagram():
    assert diagram(DRAWN, "p") == DRAWN
    assert diagram("\ufeff" + DRAWN, "p") == "\ufeff" + DRAWN


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        (BPMN, "urn:other"),
        (f' xmlns="{BPMN}"', ""),
        ("20100524/DI", "20100524/XX"),
        ("d:BPMNDiagram", "extensionElements"),
        ('<c:Bounds x="1"', "<c:Bounds"),
        ('x="99" y="2.5"', 'x="99" y="NaN"'),
        ('"x:s"', '"t"'),
        ('<i:waypoint x="99" y="20"/>', ""),
        ('<d:BPMNEdge bpmnElement="f">', '<d:BPMNEdge bpmnElement="g">'),
    ],
)
def test_a_file_whose_drawing_lacks_something_is_drawn_anew(what, instead):
    lacking = DRAWN.replace(what, instead)
    assert lacking != DRAWN
    made = diagram(lacking, "p")
    assert made != lacking
    assert draws(made, find_process(parse(made), "p"))


def cost(xml: str) -> int:
    """How many lines of Python are executed, and how many functions called, to make the document."""
    found = find_process(parse(xml), "p")
    count = 0

    def step(_frame, event, _argument):
        nonlocal count
        count += event in ("line", "call")
        return step

    sys.settrace(step)
    try:
        document(found)
    finally:
        sys.settrace(None)
    return count


KNOWN = ("tasks", "flows", "a chain", "a loop", "a gateway", "boundary events", "link events")
LARGE = {name: FAMILIES[name] for name in KNOWN} | {
    "a fork and a join": lambda n: (
        "".join(f'<task id="t{i}"/>' for i in range(n))
        + '<parallelGateway id="g"/><parallelGateway id="j"/>'
        + flows(*(f"g t{i}" for i in range(n)), *(f"t{i} j" for i in range(n)))
    ),
    "ways back and forth": lambda n: (
        "".join(f'<task id="t{i}"/>' for i in range(n))
        + flows(*(f"t{i} t{i + 1}" for i in range(n - 1)), *(f"t{i} t{(i * 7) % n}" for i in range(n)))
    ),
    "sub-processes": lambda n: "".join(
        f'<subProcess id="u{i}"><startEvent id="s{i}"/><endEvent id="e{i}"/>'
        f'<sequenceFlow id="f{i}" sourceRef="s{i}" targetRef="e{i}"/></subProcess>'
        for i in range(n)
    ),
}


@pytest.mark.parametrize("family", LARGE)
def test_twice_the_size_costs_at_most_about_twice_as_much(family):
    small, large = (cost(bpmn(LARGE[family](size))) for size in (150, 300))
    assert large < 2.3 * small + 500


def test_a_process_with_thousands_of_elements_is_drawn():
    parts = ["<startEvent id='s'/>", *(f"<task id='t{i}'/><exclusiveGateway id='g{i}'/>" for i in range(2500))]
    ways = ["s t0", *(f"t{i} g{i}" for i in range(2500)), *(f"g{i} t{i + 1}" for i in range(2499))]
    ways += [f"g{i} t{i * 13 % 2500}" for i in range(0, 2500, 5)]
    written = document(process("".join(parts) + flows(*ways)))
    assert draws(written, find_process(parse(written), "p"))


def test_the_name_of_a_way_back_stands_above_it():
    body = (
        '<startEvent id="s"/><task id="t"/><exclusiveGateway id="g"/><endEvent id="e"/>'
        '<sequenceFlow id="f" name="again" sourceRef="g" targetRef="t"/>' + flows("s t", "t g", "g e")
    )
    layout = check(process(body))
    ((flow, box),) = layout.labels.items()
    left, right = (layout.edges[flow][place].x for place in (-3, 2))
    assert left < box.x and box.right < right
    assert box.bottom <= layout.edges[flow][2].y
