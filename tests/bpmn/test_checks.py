"""The rules a process must satisfy: exact cause and order."""

import pytest

from app.bpmn.parser import parse
from tests.bpmn.build import accepted, causes, event

SUB = '<subProcess id="sp">{}</subProcess>'
THROW = '<intermediateThrowEvent id="{}"><linkEventDefinition name="{}"/></intermediateThrowEvent>'
CATCH = '<intermediateCatchEvent id="{}"><linkEventDefinition name="{}"/></intermediateCatchEvent>'
TWO_CATCHES = (
    '<intermediateCatchEvent id="a"><timerEventDefinition/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="b"><signalEventDefinition/></intermediateCatchEvent>'
)


def flow(source, target, flow_id=None):
    return f'<sequenceFlow id="{flow_id or source + target}" sourceRef="{source}" targetRef="{target}"/>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<serviceTask/>", [("/p/", "element", "element of type SERVICE_TASK has no ID (line 2)")]),
        (
            '<eventBasedGateway id="g"/>' + TWO_CATCHES + flow("g", "a"),
            [
                (
                    "/p/g",
                    "element",
                    "event-based gateway g must have at least 2 outgoing sequence flows (line 2)",
                )
            ],
        ),
        (
            '<eventBasedGateway id="g"/>\n<userTask id="u"/>' + TWO_CATCHES + flow("g", "a") + flow("g", "u"),
            [("/p/u", "element", "event-based gateway g cannot be followed by USER_TASK (line 3)")],
        ),
        (
            '<exclusiveGateway id="g" default="f"/>',
            [("/p/g", "element", "exclusive gateway g has no default sequence flow f (line 2)")],
        ),
        (
            '<inclusiveGateway id="g" default="ag"/><task id="a"/>' + flow("a", "g"),
            [("/p/g", "element", "inclusive gateway g has no default sequence flow ag (line 2)")],
        ),
        (
            SUB.format('\n<startEvent id="m"><messageEventDefinition/></startEvent>'),
            [
                (
                    "/p/sp/m",
                    "element",
                    "sub-process sp cannot be started by MESSAGE_START_EVENT: not a none start event (line 3)",
                ),
                ("/p/sp", "element", "sub-process sp has no or multiple none start events (line 2)"),
            ],
        ),
        (
            SUB.format('<startEvent id="a"/><startEvent id="b"/>'),
            [("/p/sp", "element", "sub-process sp has no or multiple none start events (line 2)")],
        ),
        (
            '<boundaryEvent id="b"><errorEventDefinition/></boundaryEvent>',
            [("/p/b", "element", "boundary event b is not attached (line 2)")],
        ),
        (
            '<boundaryEvent id="b" attachedToRef="x"><timerEventDefinition/></boundaryEvent>',
            [("/p/b", "element", "boundary event b is not attached (line 2)")],
        ),
        (
            SUB.format('<startEvent id="s"/><userTask id="u"/>')
            + '<boundaryEvent id="b" attachedToRef="u"><timerEventDefinition/></boundaryEvent>',
            [("/p/b", "element", "boundary event b is attached to u of another scope (line 2)")],
        ),
        (
            '<boundaryEvent id="b" attachedToRef="p"><timerEventDefinition/></boundaryEvent>',
            [("/p/b", "element", "boundary event b is attached to p of another scope (line 2)")],
        ),
        (
            THROW.format("t", "") + "\n" + CATCH.format("c", ""),
            [
                ("/p/c", "element", "link name is empty (line 3)"),
                ("/p/t", "element", "link name is empty (line 2)"),
            ],
        ),
        (
            CATCH.format("a", "l") + "\n" + CATCH.format("b", "l") + CATCH.format("c", "l"),
            [
                ("/p/b", "element", "link name l must be unique (line 3)"),
                ("/p/c", "element", "link name l must be unique (line 3)"),
            ],
        ),
        (
            CATCH.format("a", "l")
            + SUB.format('<startEvent id="s"/>\n' + CATCH.format("b", "l") + CATCH.format("c", "l")),
            [("/p/sp/c", "element", "link name l must be unique (line 3)")],
        ),
        (
            THROW.format("t", "l"),
            [("/p/t", "element", "no link catch event defined for link name l (line 2)")],
        ),
        (
            CATCH.format("c", "l") + SUB.format('<startEvent id="s"/>\n' + THROW.format("t", "l")),
            [("/p/sp/t", "element", "no link catch event defined for link name l in scope sp (line 3)")],
        ),
        (
            '<task id="a"/>\n' + SUB.format('<startEvent id="a"/>'),
            [("/p/sp/a", "element", "ID a is used more than once (line 3)")],
        ),
        ('<task id="p"/>', [("/p/p", "element", "ID p is used more than once (line 2)")]),
        (
            '<task id="a"/><task id="b"/>' + flow("a", "b", "a"),
            [("/p/a", "element", "ID a is used more than once (line 2)")],
        ),
    ],
)
def test_a_broken_rule_is_a_cause(body, expected):
    assert causes(body) == expected


@pytest.mark.parametrize(
    ("host", "kind"), [("exclusiveGateway", "EXCLUSIVE_GATEWAY"), ("startEvent", "NONE_START_EVENT")]
)
def test_boundary_events_need_an_activity(host, kind):
    body = f'<{host} id="h"/><boundaryEvent id="b" attachedToRef="h"><timerEventDefinition/></boundaryEvent>'
    detail = f"boundary event b cannot be attached to {kind}: not an activity (line 2)"
    assert causes(body) == [("/p/b", "element", detail)]


@pytest.mark.parametrize(
    "host",
    [
        *("businessRuleTask", "callActivity", "manualTask", "scriptTask", "sendTask"),
        *("serviceTask", "subProcess", "task", "userTask"),
    ],
)
def test_boundary_events_are_attached_to_activities(host):
    content = '<startEvent id="s"/>' if host == "subProcess" else ""
    boundary = '<boundaryEvent id="b" attachedToRef="h"><timerEventDefinition/></boundaryEvent>'
    found = accepted(f'{boundary}<{host} id="h">{content}</{host}>')
    assert found["b"].attached_to is found["h"]
    assert found["h"].attached == [found["b"]]


@pytest.mark.parametrize("value", ["", 'isExecutable="false"', 'isExecutable="yes"', 'isExecutable=""'])
def test_a_process_must_be_executable(value):
    (process,) = parse(f'<definitions><process id="p" {value}/></definitions>').processes
    (cause,) = process.causes
    assert (cause.pointer, cause.type, cause.detail) == ("/p", "process", "process p is not executable")


@pytest.mark.parametrize("value", ["1", "t", "T", "TRUE", "true", "True", " true\n"])
def test_words_for_true_make_a_process_executable(value):
    (process,) = parse(f'<definitions><process id="p" isExecutable="{value}"/></definitions>').processes
    assert process.causes == []


def test_the_id_of_a_process_must_be_unique_in_the_file():
    body = '<startEvent id="s"/>'
    tail = '<process id=" p "/><process id="q"/><process id="q"/>'
    assert causes(body, tail="\n" + tail) == [("/p", "element", "ID p is used more than once (line 3)")]


def test_boundary_events_do_not_reach_into_another_process():
    tail = '<process id="q" isExecutable="true"><userTask id="u"/></process>'
    body = '<boundaryEvent id="b" attachedToRef="u"><timerEventDefinition/></boundaryEvent>'
    assert causes(body, tail=tail) == [("/p/b", "element", "boundary event b is not attached (line 2)")]


def test_causes_come_in_numbering_order_with_link_events_last():
    xml = (
        "<definitions><process id='e' isExecutable='false'><startEvent id='a'><outgoing>f1</outgoing></startEvent>"
        "<serviceTask/><intermediateThrowEvent id='l'><linkEventDefinition/></intermediateThrowEvent>"
        "<subProcess id='sp'><task id='t'><outgoing>f3</outgoing><incoming>f2</incoming></task></subProcess>"
        "<callChoreography id='r'/></process></definitions>"
    )
    (process,) = parse(xml).processes
    assert [(cause.pointer, cause.type, cause.detail) for cause in process.causes] == [
        ("/e", "process", "process e is not executable"),
        ("/e/f1", "sequence_flow", "sequence flow f1 has no target element"),
        ("/e/", "element", "element of type SERVICE_TASK has no ID (line 1)"),
        ("/e/r", "element", "element r is not supported: callChoreography (line 1)"),
        ("/e/sp/f2", "sequence_flow", "sequence flow f2 has no source element"),
        ("/e/sp/f3", "sequence_flow", "sequence flow f3 has no target element"),
        ("/e/l", "element", "link name is empty (line 1)"),
    ]


def test_a_flow_without_target_counts_as_outgoing_flow_of_a_gateway():
    body = (
        '<eventBasedGateway id="g"><outgoing>ga</outgoing></eventBasedGateway><sequenceFlow id="x" sourceRef="g"/>'
        '<exclusiveGateway id="h" default="y"/><sequenceFlow id="y" sourceRef="h"/>'
    )
    assert [cause[0] for cause in causes(body + TWO_CATCHES + flow("g", "a"))] == ["/p/x", "/p/y"]


def test_a_refused_element_breaks_no_rules_of_its_neighbours():
    gateway = (
        '<eventBasedGateway id="g"/>' + TWO_CATCHES + '<callChoreography id="r"/>' + flow("g", "a") + flow("g", "r")
    )
    assert [cause[0] for cause in causes(gateway)] == ["/p/r"]
    host = '<callChoreography id="r"/><boundaryEvent id="b" attachedToRef="r"><timerEventDefinition/></boundaryEvent>'
    assert [cause[0] for cause in causes(host)] == ["/p/r"]
    start = SUB.format('<startEvent id="r"><errorEventDefinition/></startEvent>')
    assert [cause[0] for cause in causes(start)] == ["/p/sp/r"]


def test_at_most_a_thousand_causes_are_reported():
    assert len(causes("<task/>" * 1001)) == 1000


def test_a_gateway_may_have_several_flows_to_different_targets_and_cycles_are_left_to_the_run():
    accepted(
        '<exclusiveGateway id="g" default="ga"/><task id="a"/><manualTask id="b"/>'
        + flow("g", "a")
        + flow("g", "b")
        + flow("a", "g")
        + flow("b", "g")
    )


def test_links_are_accepted_within_their_scope():
    inner = '<startEvent id="s"/>' + THROW.format("t2", "k") + CATCH.format("c2", "k")
    found = accepted(THROW.format("t1", "l") + THROW.format("t3", "l") + CATCH.format("c1", "l") + SUB.format(inner))
    assert [found[i].link_name for i in ("t1", "t3", "c1", "t2", "c2")] == ["l", "l", "l", "k", "k"]


def test_a_non_interrupting_boundary_event_keeps_its_activity_unless_it_catches_errors():
    def interrupting(definition, attributes):
        return accepted(event("boundaryEvent", definition, attributes))["e"].interrupting

    assert interrupting("<timerEventDefinition/>", "")
    assert interrupting("<timerEventDefinition/>", 'cancelActivity=""')
    assert interrupting("<timerEventDefinition/>", 'cancelActivity="T"')
    assert interrupting("<timerEventDefinition/>", 'cancelActivity=" true "')
    assert not interrupting("<timerEventDefinition/>", 'cancelActivity="false"')
    assert interrupting("<errorEventDefinition/>", 'cancelActivity="false"')
