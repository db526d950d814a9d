"""Conditions and default flows: where they may be, and what is read of them."""

import pytest

from tests.bpmn.build import accepted, causes, flow, warnings

A_AND_B = '<task id="a"/><task id="b"/>'
WAITS = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
HOST = '<serviceTask id="h"/>'
LINK = f'{HOST}<intermediateThrowEvent id="t"><linkEventDefinition name="l"/></intermediateThrowEvent>{flow("h", "t")}'


def conditional(source, target, condition="x &gt; 1", language=""):
    return (
        f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">'
        f"<conditionExpression{language}> {condition} </conditionExpression></sequenceFlow>"
    )


CHOOSING = [
    '<exclusiveGateway id="g" {}/>',
    '<inclusiveGateway id="g" {}/>',
    '<task id="g" {}/>',
    '<serviceTask id="g" {}/>',
    '<userTask id="g" {}/>',
    '<receiveTask id="g" {}/>',
    '<callActivity id="g" {}/>',
    '<subProcess id="g" {}><startEvent id="in"/></subProcess>',
    '<transaction id="g" {}><startEvent id="in"/></transaction>',
    '<intermediateThrowEvent id="g" {}/>',
    f'<intermediateCatchEvent id="g" {{}}>{WAITS}</intermediateCatchEvent>',
    LINK + '<intermediateCatchEvent id="g" {}><linkEventDefinition name="l"/></intermediateCatchEvent>',
    f'{HOST}<boundaryEvent id="g" attachedToRef="h" {{}}>{WAITS}</boundaryEvent>',
]


@pytest.mark.parametrize("node", CHOOSING)
def test_gateways_activities_and_events_may_choose_among_their_flows(node):
    language = ' language="feel"'
    body = node.format('default="g-b"') + A_AND_B + conditional("g", "a", language=language) + flow("g", "b")
    to_a, to_b = accepted(body)["g"].outgoing
    assert (to_a.condition, to_a.language, to_a.is_chosen, to_a.is_default) == ("x > 1", "feel", True, False)
    assert (to_b.condition, to_b.language, to_b.is_chosen, to_b.is_default) == ("", "", False, True)


@pytest.mark.parametrize("node", CHOOSING[2:])
def test_a_condition_needs_another_flow_beside_it_unless_it_is_at_a_gateway(node):
    what = "sequence flow g-a must have no condition, since it is the only one that leaves g (line 2)"
    assert causes(node.format("") + A_AND_B + conditional("g", "a")) == [("/p/g-a", "sequence_flow", what)]


@pytest.mark.parametrize("gateway", CHOOSING[:2])
def test_a_gateway_may_have_a_condition_at_its_only_flow(gateway):
    assert accepted(gateway.format("") + A_AND_B + conditional("g", "a"))["g"].outgoing[0].is_chosen


EVENTS = "".join(f'<intermediateCatchEvent id="{id}">{WAITS}</intermediateCatchEvent>' for id in "ab")


@pytest.mark.parametrize(
    ("body", "pointer", "who"),
    [
        ('<startEvent id="g"/>' + A_AND_B, "/p/g-a", "start event g"),
        ('<parallelGateway id="g"/>' + A_AND_B, "/p/g-a", "parallel gateway g"),
        ('<eventBasedGateway id="g"/>' + EVENTS, "/p/g-a", "event-based gateway g"),
    ],
)
def test_start_events_and_other_gateways_do_not_choose(body, pointer, who):
    found = causes(body + conditional("g", "a") + flow("g", "b"))
    what = f"sequence flow g-a must have no condition, since it leaves {who} (line 2)"
    assert found == [(pointer, "sequence_flow", what)]


@pytest.mark.parametrize("refused", ["s", "t"])
def test_a_condition_at_a_flow_of_something_refused_is_not_reported_on_top(refused):
    nodes = {"s": '<parallelGateway id="s"/>', "t": '<task id="t"/>', refused: f'<callChoreography id="{refused}"/>'}
    assert [cause[0] for cause in causes("".join(nodes.values()) + conditional("s", "t"))] == [f"/p/{refused}"]


@pytest.mark.parametrize(
    ("node", "who"),
    [(CHOOSING[0], "exclusive gateway g"), (CHOOSING[1], "inclusive gateway g"), (CHOOSING[2], "element g")],
)
@pytest.mark.parametrize("default", ["no-flow", "h-a"])
def test_a_default_flow_leaves_what_chooses(node, who, default):
    body = HOST + flow("h", "a") + A_AND_B + conditional("g", "a") + flow("g", "b")
    what = f"{who} has no default sequence flow {default} (line 2)"
    assert causes(node.format(f'default="{default}"') + body) == [("/p/g", "element", what)]


@pytest.mark.parametrize("default", ["no-flow", "g-a"])
@pytest.mark.parametrize("tag", ["task", "parallelGateway", "intermediateThrowEvent"])
def test_a_default_flow_has_no_effect_where_nothing_is_chosen(tag, default):
    body = f'<{tag} id="g" default="{default}"/>{A_AND_B}{flow("g", "a")}{flow("g", "b")}'
    what = f"default flow {default} of element g has no effect (line 2)"
    assert ("/p/g", "ignored-default-flow", what) in warnings(body)


def test_the_condition_of_a_default_flow_does_not_count():
    body = f'<task id="g" default="g-a"/>{A_AND_B}{conditional("g", "a")}{flow("g", "b")}'
    assert not any(each.is_chosen for each in accepted(body)["g"].outgoing)
    told = [warning for warning in warnings(body) if warning[0].startswith("/p/g")]
    assert told == [
        ("/p/g-a", "ignored-condition", "sequence flow g-a is a default flow, so its condition doesn't count (line 2)"),
        ("/p/g", "ignored-default-flow", "default flow g-a of element g has no effect (line 2)"),
    ]


@pytest.mark.parametrize(("condition", "is_endless"), [("", True), (conditional("t", "e"), False)])
def test_a_loop_ends_where_it_is_decided_whether_it_goes_on(condition, is_endless):
    body = '<startEvent id="s"/><task id="t"/><task id="u"/><endEvent id="e"/>' + flow("s", "t") + flow("u", "t")
    body += conditional("t", "u") + condition if condition else flow("t", "u")
    assert ("endless-loop" in {warning[1] for warning in warnings(body)}) is is_endless


def test_a_condition_is_kept_as_long_as_an_expression_may_be_and_its_end_is_seen():
    body = CHOOSING[0].format("") + A_AND_B
    assert len(accepted(body + conditional("g", "a", "x" * 4096))["g"].outgoing[0].condition) == 4096
    assert len(accepted(body + conditional("g", "a", "x" * 9000))["g"].outgoing[0].condition) == 4097
