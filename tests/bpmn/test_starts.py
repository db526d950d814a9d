"""Where processes and sub-processes begin."""

import pytest

from app.bpmn.parser import find_process, parse
from tests.bpmn.build import accepted, bpmn, causes, flow, process, warnings

TIMER = "<timerEventDefinition/>"
ON_TIMER = f'<startEvent id="m">{TIMER}</startEvent>'


def starts(found, scope="p"):
    return [node.id for node in found[scope].start_nodes()]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<startEvent id="s"/><task id="t"/>', ["s"]),
        (f'<startEvent id="s"/><startEvent id="m">{TIMER}</startEvent>', ["s"]),
        (f'<startEvent id="m">{TIMER}</startEvent><task id="t"/>', []),
        ('<task id="a"/><task id="b"/><task id="c"/>' + flow("a", "c"), ["a", "b"]),
        ('<exclusiveGateway id="g"/><endEvent id="e"/>', ["g"]),
        (
            f'<intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent><intermediateThrowEvent id="n"/>',
            ["c", "n"],
        ),
        (f'<task id="t"/><boundaryEvent id="b" attachedToRef="t">{TIMER}</boundaryEvent>', ["t"]),
        (
            '<task id="t"/><intermediateCatchEvent id="l"><linkEventDefinition name="x"/></intermediateCatchEvent>',
            ["t"],
        ),
        (
            '<intermediateThrowEvent id="th"><linkEventDefinition name="x"/></intermediateThrowEvent>'
            '<intermediateCatchEvent id="ca"><linkEventDefinition name="x"/></intermediateCatchEvent>',
            ["th"],
        ),
        (
            f'<task id="t"/><subProcess id="x" triggeredByEvent="true">{ON_TIMER}</subProcess>',
            ["t"],
        ),
        ('<subProcess id="sp"><task id="t"/></subProcess>', ["sp"]),
        ('<task id="a"/>' + flow("a", "a"), []),
        ("", []),
    ],
)
def test_a_process_begins_at_its_start_events_or_else_at_what_no_flow_leads_to(body, expected):
    assert starts(accepted(body)) == expected


@pytest.mark.parametrize("scope", ["subProcess", "transaction"])
def test_a_sub_process_begins_like_a_process(scope):
    assert starts(accepted(f'<{scope} id="sp"><task id="a"/><userTask id="b"/></{scope}>'), "sp") == ["a", "b"]
    assert starts(accepted(f'<{scope} id="sp"><task id="a"/><startEvent id="s"/></{scope}>'), "sp") == ["s"]


def test_a_compensation_activity_is_no_beginning():
    undone = '<boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    handler = '<task id="u" isForCompensation="true"/><association sourceRef="b" targetRef="u"/>'
    assert starts(accepted('<task id="a"/>' + undone + handler)) == ["a"]


def test_an_instantiating_gateway_leaves_no_other_beginning():
    body = '<eventBasedGateway id="g" instantiate="true"/><task id="t"/>'
    catches = "".join(f'<intermediateCatchEvent id="{i}">{TIMER}</intermediateCatchEvent>' + flow("g", i) for i in "ab")
    found = accepted(body + catches)
    assert starts(found) == []
    assert [element.id for element in found.values() if element.instantiates] == ["a", "b"]


TWO_OR_NONE = "sub-process sp has no or multiple none start events"
NOTHING_TO_BEGIN_WITH = (
    "sub-process sp has neither a start event nor an element without incoming sequence flow that it could begin with"
)


@pytest.mark.parametrize(
    ("content", "pointer", "detail"),
    [
        ('<startEvent id="a"/><startEvent id="b"/>', "/p/sp", TWO_OR_NONE),
        ('<endEvent id="e"/>', "/p/sp", NOTHING_TO_BEGIN_WITH),
        ('<task id="t"/>' + flow("t", "t"), "/p/sp", NOTHING_TO_BEGIN_WITH),
    ],
)
@pytest.mark.parametrize("scope", ["subProcess", "transaction"])
def test_a_sub_process_has_one_beginning(scope, content, pointer, detail):
    assert causes(f'<{scope} id="sp">{content}</{scope}>') == [(pointer, "element", f"{detail} (line 2)")]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<documentation>What is drawn elsewhere</documentation>",
        '<laneSet id="l"/><dataObject id="d"/><textAnnotation id="a"><text>later</text></textAnnotation>',
    ],
)
@pytest.mark.parametrize("scope", ["subProcess", "transaction"])
def test_a_sub_process_may_have_no_content(scope, content):
    body = f'<{scope} id="sp" name="Collapsed">{content}</{scope}>'
    assert starts(accepted(body), "sp") == []
    kind = "transaction" if scope == "transaction" else "sub-process"
    expected = ("/p/sp", "empty-sub-process", f"{kind} sp has no content: it completes at once (line 2)")
    assert expected in warnings(body)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ('<adHocSubProcess id="sp"/>', "ad-hoc sub-process sp must have an activity that can be selected"),
        (
            '<subProcess id="sp" triggeredByEvent="true"/>',
            "event sub-process sp must have exactly one start event, but has none",
        ),
    ],
)
def test_what_others_begin_must_have_content(body, what):
    assert causes(body) == [("/p/sp", "element", f"{what} (line 2)")]


def test_a_sub_process_is_not_started_by_an_event():
    assert causes(f'<subProcess id="sp"><startEvent id="m">{TIMER}</startEvent></subProcess>') == [
        (
            "/p/sp/m",
            "element",
            "sub-process sp cannot be started by TIMER_START_EVENT: not a none start event (line 2)",
        ),
        ("/p/sp", "element", f"{TWO_OR_NONE} (line 2)"),
    ]


def test_several_none_start_events_are_alternatives_for_those_who_have_the_engine_evaluate():
    body = '<startEvent id="s"/><startEvent id="r"/><task id="t"/>'
    assert causes(body) == [("/p", "process", "process p has multiple none start events")]
    found = find_process(parse(bpmn(body), evaluates=True), "p")
    assert found.causes == []
    assert [node.id for node in found.element.start_nodes()] == ["s", "r"]


@pytest.mark.parametrize(
    ("body", "startable"),
    [
        ('<startEvent id="s"/>', True),
        ('<startEvent id="s"/><startEvent id="r"/>', True),
        (f'<startEvent id="m">{TIMER}</startEvent><task id="t"/>', False),
        ('<task id="t"/>', True),
        ('<eventBasedGateway id="g" instantiate="true"/>', False),
        ('<dataObject id="d"/>', False),
    ],
)
def test_it_is_known_which_processes_can_be_called(body, startable):
    assert process(body).startable == {"p": startable}


END = '<endEvent id="e"/>'


def test_what_a_process_without_start_event_begins_with_is_nothing_odd():
    assert warnings('<serviceTask id="t"/>' + END + flow("t", "e")) == []
    catch = f'<intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent>'
    assert warnings(catch + END + flow("c", "e")) == []
    sub = '<subProcess id="sp"><serviceTask id="t"/></subProcess>'
    assert warnings('<startEvent id="s"/>' + sub + END + flow("s", "sp") + flow("sp", "e")) == []


def test_two_beginnings_can_be_joined():
    join = '<parallelGateway id="j"/>' + END + flow("a", "j") + flow("b", "j") + flow("j", "e")
    assert warnings('<serviceTask id="a"/><serviceTask id="b"/>' + join) == []


def test_beside_a_start_event_what_no_flow_leads_to_is_not_executed():
    line = '<startEvent id="s"/>' + END + flow("s", "e")
    found = warnings(line + '<serviceTask id="t"/>' + flow("t", "e"))
    assert [warning[:2] for warning in found] == [("/p/t", "unreachable")]
