"""Sequence flows: either statement is enough, contradictions and open ends are refused."""

import pytest

from tests.bpmn.build import accepted, causes, process, warnings

NODES = '<startEvent id="s"/><task id="a"/><task id="b"/>'
SUB = '<subProcess id="sp"><startEvent id="in"/>{}</subProcess>'


def targets(found, source):
    return [(flow.id, flow.target.id) for flow in found[source].outgoing]


def sources(found, target):
    return [(flow.id, flow.source.id) for flow in found[target].incoming]


@pytest.mark.parametrize(
    "body",
    [
        '<task id="a"/><task id="b"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>',
        '<task id="a"><outgoing>f</outgoing></task><task id="b"><incoming>f</incoming></task>',
        '<task id="a"><outgoing>f</outgoing></task><task id="b"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>',
        '<task id="a"/><task id="b"><incoming>f</incoming></task><sequenceFlow id="f" sourceRef="a" targetRef="b"/>',
        '<sequenceFlow id="f" targetRef="b"/><task id="a"><outgoing>f</outgoing></task><task id="b"/>',
        '<sequenceFlow id="f" sourceRef="a"/><task id="b"><incoming>f</incoming></task><task id="a"/>',
        '<sequenceFlow id="f"/><task id="b"><incoming>f</incoming></task><task id="a"><outgoing>f</outgoing></task>',
        '<task id="a"><outgoing>f</outgoing><outgoing>f</outgoing></task><task id="b"><incoming>f</incoming></task>',
    ],
)
def test_one_of_both_statements_is_enough(body):
    found = accepted(body)
    assert targets(found, "a") == [("f", "b")]
    assert sources(found, "b") == [("f", "a")]


def test_outgoing_flows_are_ordered_by_the_children_and_then_by_the_document():
    found = accepted(
        '<sequenceFlow id="f1" sourceRef="a" targetRef="b"/><sequenceFlow id="f2" sourceRef="a" targetRef="b"/>'
        '<task id="a"><outgoing>f3</outgoing><outgoing>f2</outgoing></task><task id="b"/>'
        '<sequenceFlow id="f3" sourceRef="a" targetRef="b"/><sequenceFlow id="f0" sourceRef="a" targetRef="b"/>'
    )
    assert [flow.id for flow in found["a"].outgoing] == ["f3", "f2", "f1", "f0"]
    assert found["a"].outgoing_ids == ["f3", "f2", "f1", "f0"]
    assert sorted(flow.id for flow in found["b"].incoming) == ["f0", "f1", "f2", "f3"]


def test_a_flow_may_return_to_its_element():
    assert targets(accepted('<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="a"/>'), "a") == [("f", "a")]


def test_a_flow_belongs_to_the_scope_of_its_ends_wherever_it_is_drawn():
    found = accepted(SUB.format('<task id="a"/>') + '<sequenceFlow id="f" sourceRef="in" targetRef="a"/>')
    assert targets(found, "in") == [("f", "a")]


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('<task id="a"><incoming>f</incoming></task>', "/p/f", "sequence flow f has no source element"),
        ('<task id="a"><outgoing>f</outgoing></task>', "/p/f", "sequence flow f has no target element"),
        (
            SUB.format('<task id="a"><outgoing>f</outgoing></task>'),
            "/p/sp/f",
            "sequence flow f has no target element",
        ),
        ('<task id="a"/><sequenceFlow id="f" sourceRef="a"/>', "/p/f", "sequence flow f has no target element"),
        (
            '<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="x"/>',
            "/p/f",
            "sequence flow f has no target element: x is not defined (line 2)",
        ),
        (
            '<task id="a"><outgoing>f</outgoing></task><sequenceFlow id="f" sourceRef="p" targetRef="a"/>',
            "/p/f",
            "sequence flow f has no source element: p is not defined (line 2)",
        ),
        (
            NODES + '<task id="c"><outgoing>f</outgoing></task><sequenceFlow id="f" sourceRef="a" targetRef="b"/>',
            "/p/f",
            "sequence flow f has the source element a, but c lists it as outgoing (line 2)",
        ),
        (
            NODES + '<task id="c"><incoming>f</incoming></task><sequenceFlow id="f" sourceRef="a" targetRef="b"/>',
            "/p/f",
            "sequence flow f has the target element b, but c lists it as incoming (line 2)",
        ),
        (
            '<task id="a"><outgoing>f</outgoing></task><task id="b"><outgoing>f</outgoing></task>'
            '<task id="c"><incoming>f</incoming></task>',
            "/p/f",
            "sequence flow f has more than one source element: a, b",
        ),
        (
            NODES
            + '<sequenceFlow id="f" sourceRef="s" targetRef="a"/>\n<sequenceFlow id="f" sourceRef="s" targetRef="b"/>',
            "/p/f",
            "sequence flow f is defined more than once (line 3)",
        ),
        (NODES + '<sequenceFlow sourceRef="a"/>', "/p/", "sequence flow has no ID (line 2)"),
        ('<task id="a"><outgoing/></task>', "/p/", "sequence flow has no ID (line 2)"),
        (
            SUB.format("") + '<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="in"/>',
            "/p/f",
            "sequence flow f from a to in crosses the border of a scope",
        ),
        (
            '<task id="a"><incoming>f</incoming></task>' + SUB.format('<task id="b"><outgoing>f</outgoing></task>'),
            "/p/sp/f",
            "sequence flow f from b to a crosses the border of a scope",
        ),
    ],
)
def test_a_flow_with_an_open_or_contradicting_end_is_refused(body, pointer, detail):
    assert causes(body) == [(pointer, "sequence_flow", detail)]


def test_a_flow_with_two_unknown_ends_has_a_cause_for_each():
    assert causes('<sequenceFlow id="f" sourceRef="x" targetRef="y"/>') == [
        ("/p/f", "sequence_flow", "sequence flow f has no source element: x is not defined (line 2)"),
        ("/p/f", "sequence_flow", "sequence flow f has no target element: y is not defined (line 2)"),
    ]


@pytest.mark.parametrize("place", ["head", "tail"])
def test_a_flow_belongs_to_the_process_of_its_ends_wherever_it_is_drawn(place):
    body = (
        '<startEvent id="s"/><exclusiveGateway id="g"/><task id="a"/>'
        '<subProcess id="sp"><task id="b"/><task id="d"/></subProcess>'
    )
    flows = (
        '<sequenceFlow id="f1" sourceRef="s" targetRef="g"/><sequenceFlow id="f3" sourceRef="g" targetRef="sp"/>'
        '<sequenceFlow id="f2" sourceRef="g" targetRef="a"><conditionExpression>x</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="h" sourceRef="c" targetRef="c"/><sequenceFlow id="i" sourceRef="b" targetRef="d"/>'
    )
    found = accepted(body, **{place: f'<process id="q">{flows}<task id="c"/></process>'})
    assert targets(found, "s") == [("f1", "g")]
    assert [(flow.id, flow.condition) for flow in found["g"].outgoing] == [("f3", ""), ("f2", "x")]
    assert [flow.scope.id for flow in found["b"].outgoing] == ["sp"]


def test_a_flow_between_elements_of_another_process_is_none_of_the_one_it_is_drawn_in():
    tail = '<process id="q"><task id="b"/><task id="c"/></process>'
    found = accepted('<task id="a"/><sequenceFlow id="f" sourceRef="b" targetRef="c"/>', tail=tail)
    assert targets(found, "a") == []


def test_a_flow_that_several_processes_draw_is_one():
    flows = '<sequenceFlow id="f" sourceRef="a" targetRef="b"/>'
    others = f'<process id="q">{flows}<task id="c"/></process><process id="r">{flows}<task id="d"/></process>'
    nodes = '<task id="a"/><task id="b"/>'
    assert targets(accepted(nodes + flows, tail=others), "a") == [("f", "b")]
    assert targets(accepted(nodes, tail=others), "a") == [("f", "b")]


def test_an_association_is_no_flow_that_another_process_repeats():
    nodes = '<task id="a"/><task id="b"/>'
    found = accepted(
        f'{nodes}<association id="f" sourceRef="a" targetRef="b"/>',
        tail='<process id="q"><sequenceFlow id="f" sourceRef="a" targetRef="b"/></process>',
    )
    assert targets(found, "a") == [("f", "b")]


def test_flows_that_share_an_id_and_connect_others_are_refused():
    drawn = '<task id="a"/><task id="b"/><task id="c"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>'
    tail = '<process id="q"><sequenceFlow id="f" sourceRef="b" targetRef="c"/></process>'
    assert causes(drawn, tail=tail) == [("/p/f", "sequence_flow", "sequence flow f is defined more than once (line 2)")]


def test_a_flow_between_elements_that_several_processes_have_belongs_to_none_of_them():
    tail = (
        '<process id="q"><task id="a"/></process><process id="r"><sequenceFlow sourceRef="a" targetRef="a"/></process>'
    )
    assert targets(accepted('<task id="a"/>', tail=tail), "a") == []


@pytest.mark.parametrize("empty", ["<incoming/>", "<outgoing> </outgoing>"])
def test_a_child_that_names_nothing_says_nothing_where_flows_are_drawn(empty):
    body = f'<task id="a">{empty}</task><task id="b">{empty}</task><sequenceFlow id="f" sourceRef="a" targetRef="b"/>'
    assert targets(accepted(body), "a") == [("f", "b")]
    assert warnings(body) == []


def test_flows_do_not_reach_into_another_process():
    tail = '<process id="q"><task id="b"/></process>'
    assert causes('<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="b"/>', tail=tail) == [
        ("/p/f", "sequence_flow", "sequence flow f has no target element: b is not defined (line 2)")
    ]


@pytest.mark.parametrize(
    "refused",
    [
        '<callChoreography id="r"><incoming>f</incoming><outgoing>g</outgoing></callChoreography>',
        '<task id="r"><incoming>f</incoming><outgoing>g</outgoing><timerEventDefinition/></task>',
    ],
)
def test_flows_at_a_refused_element_are_not_reported_on_top(refused):
    assert [cause[:2] for cause in causes(refused)] == [("/p/r", "element")]


DRAWN = (
    '<startEvent id="s"/><serviceTask id="a">{}</serviceTask><endEvent id="e">{}</endEvent>'
    '<sequenceFlow id="f" sourceRef="s" targetRef="a"/><sequenceFlow id="g" sourceRef="a" targetRef="e"/>'
)


@pytest.mark.parametrize(
    ("at_a", "at_e", "expected"),
    [
        ("<outgoing>x</outgoing>", "", ["element a names outgoing sequence flow x, which does not exist (line 2)"]),
        ("", "\n<incoming>x</incoming>", ["element e names incoming sequence flow x, which does not exist (line 3)"]),
        (
            "<outgoing>g</outgoing><outgoing>x</outgoing><outgoing>y</outgoing>",
            "",
            [
                "element a names outgoing sequence flow x, which does not exist (line 2)",
                "element a names outgoing sequence flow y, which does not exist (line 2)",
            ],
        ),
        (
            "<incoming>x</incoming>",
            "<incoming>x</incoming>",
            [
                "element a names incoming sequence flow x, which does not exist (line 2)",
                "element e names incoming sequence flow x, which does not exist (line 2)",
            ],
        ),
    ],
)
def test_a_child_that_names_no_drawn_flow_is_ignored_with_a_warning(at_a, at_e, expected):
    body = DRAWN.format(at_a, at_e)
    found = accepted(body)
    assert [(targets(found, id), sources(found, id)) for id in "ae"] == [
        ([("g", "e")], [("f", "s")]),
        ([], [("g", "a")]),
    ]
    assert (found["a"].outgoing_ids, found["a"].incoming_ids) == (["g"], ["f"])
    pointers = [f"/p/{detail.split()[1]}" for detail in expected]
    assert warnings(body) == [
        (pointer, "leftover-reference", detail) for pointer, detail in zip(pointers, expected, strict=True)
    ]


def test_a_flow_that_both_ends_name_and_nobody_draws_is_refused_but_kept():
    """Running it or dropping it may both be wrong; what was stored by an earlier version is run."""
    found = process(DRAWN.format("\n<outgoing>x</outgoing>", "<incoming>x</incoming>"))
    assert [(cause.pointer, cause.type, cause.detail) for cause in found.causes] == [
        ("/p/x", "sequence_flow", "sequence flow x from a to e has no sequenceFlow element (line 3)")
    ]
    (a,) = (element for element in found.elements() if element.id == "a")
    assert [flow.id for flow in a.outgoing] == ["x", "g"]


def test_a_sequence_flow_anywhere_in_the_process_means_that_flows_are_drawn():
    body = (
        '<startEvent id="s"><outgoing>x</outgoing></startEvent><endEvent id="e"><incoming>x</incoming></endEvent>'
        + SUB.format('<endEvent id="a"/><sequenceFlow id="f" sourceRef="in" targetRef="a"/>')
    )
    assert [cause[:2] for cause in causes(body)] == [("/p/x", "sequence_flow")]


UNDONE = """<serviceTask id="t"/><boundaryEvent id="b" attachedToRef="t"><outgoing>c</outgoing>
<compensateEventDefinition/></boundaryEvent><serviceTask id="u" isForCompensation="true"><incoming>c</incoming>
</serviceTask><startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>"""
ASSOCIATION = '<association id="c" sourceRef="b" targetRef="u"/>'


@pytest.mark.parametrize(
    ("inside", "beside"), [(ASSOCIATION, ""), ("", f"<collaboration>{ASSOCIATION}</collaboration>")]
)
def test_children_that_name_an_association_state_no_flow(inside, beside):
    found = accepted(UNDONE + inside, tail=beside)
    assert found["b"].handler is found["u"]
    assert found["b"].outgoing == found["u"].incoming == []
    told = [detail for _, rule, detail in warnings(UNDONE + inside, tail=beside) if rule == "leftover-reference"]
    assert told == [
        "element b names outgoing sequence flow c, which does not exist (line 2)",
        "element u names incoming sequence flow c, which does not exist (line 3)",
    ]


def test_a_leftover_child_does_not_count_as_a_flow_of_a_gateway():
    gateway = '<inclusiveGateway id="g"><incoming>old</incoming><incoming>f</incoming></inclusiveGateway>'
    accepted(gateway + '<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="g"/>')
    gateway = '<exclusiveGateway id="g" default="old"><outgoing>old</outgoing></exclusiveGateway>'
    assert causes(gateway + '<task id="a"/><sequenceFlow id="f" sourceRef="a" targetRef="g"/>') == [
        ("/p/g", "element", "exclusive gateway g has no default sequence flow old (line 2)")
    ]


@pytest.mark.parametrize(
    "stray",
    [
        "<outgoing>f</outgoing>",
        "<incoming>f</incoming>",
        "<outgoing>x</outgoing>",
        "<outgoing/>",
        "<dataObject id='d'><incoming>f</incoming><outgoing>x</outgoing></dataObject>",
        "<textAnnotation id='d'><incoming>x</incoming></textAnnotation>",
        "<laneSet><outgoing>f</outgoing></laneSet>",
    ],
)
def test_a_child_of_something_that_is_no_flow_node_changes_nothing(stray):
    found = accepted(DRAWN.format("", "") + stray)
    assert [targets(found, id) for id in "sae"] == [[("f", "a")], [("g", "e")], []]
    assert warnings(DRAWN.format("", "") + stray) == []


@pytest.mark.parametrize("place", ["head", "tail"])
def test_a_child_outside_of_all_processes_changes_nothing(place):
    assert targets(accepted(DRAWN.format("", ""), **{place: "<outgoing>f</outgoing>"}), "s") == [("f", "a")]


def test_a_child_of_a_sequence_flow_changes_nothing():
    body = DRAWN.format("", "").replace('targetRef="e"/>', 'targetRef="e"><incoming>f</incoming></sequenceFlow>')
    assert targets(accepted(body), "a") == [("g", "e")]


@pytest.mark.parametrize("tag", ["incoming", "outgoing"])
@pytest.mark.parametrize("place", ['<task id="t">{}</task>', "{}"])
def test_nothing_gets_lost_in_a_reference(tag, place):
    body = place.format(f"\n<{tag}>f<serviceTask/></{tag}>")
    assert any(detail.endswith(f"not supported: serviceTask in {tag} (line 3)") for _, _, detail in causes(body))
