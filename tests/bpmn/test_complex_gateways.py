"""Complex gateways."""

import pytest

from app.bpmn.evaluation import check_expressions
from app.bpmn.model import ElementType
from tests.bpmn.build import accepted, causes, flow, process, warnings
from tests.bpmn.test_conditions import A_AND_B, conditional

CONDITION = "<activationCondition> activationCount &gt;= 1 </activationCondition>"
JOIN = '<task id="x"/><task id="y"/><complexGateway id="g">{}</complexGateway>' + flow("x", "g") + flow("y", "g")


def test_it_says_when_it_is_activated():
    gateway = accepted(JOIN.format(CONDITION))["g"]
    assert (gateway.type, gateway.condition.text) == (ElementType.COMPLEX_GATEWAY, "activationCount >= 1")


@pytest.mark.parametrize("condition", ["", "<activationCondition/>"])
def test_what_joins_needs_a_condition(condition):
    what = "complex gateway g has several incoming sequence flows, so it must have an activationCondition (line 2)"
    assert causes(JOIN.format(condition)) == [("/p/g", "element", what)]
    assert accepted(JOIN.format(condition).replace(flow("y", "g"), ""))["g"].condition is None


def test_other_gateways_have_no_such_condition():
    detail = "element g is not supported: activationCondition (line 2)"
    body = JOIN.format(CONDITION).replace("complexGateway", "inclusiveGateway")
    assert causes(body) == [("/p/g", "element", detail)]


def test_its_flows_may_have_conditions_and_a_default():
    fork = '<complexGateway id="g" default="g-b"/>' + A_AND_B + '<task id="c"/>'
    body = fork + conditional("g", "a") + flow("g", "b") + flow("g", "c")
    outgoing = accepted(body)["g"].outgoing
    assert [(each.is_chosen, each.is_default) for each in outgoing] == [(True, False), (False, True), (False, False)]
    assert "undecidable-gateway" not in {warning[1] for warning in warnings(body)}
    what = "complex gateway g has no default sequence flow x (line 2)"
    assert causes(body.replace('default="g-b"', 'default="x"')) == [("/p/g", "element", what)]


def test_where_the_engine_evaluates_the_conditions_must_be_evaluable():
    body = (
        JOIN.format("<activationCondition>a b</activationCondition>") + A_AND_B + conditional("g", "a") + flow("g", "b")
    )
    (cause,) = check_expressions(process(body), {})
    reason = "CEL expected an operator or the end at column 3"
    assert cause.detail == f"activationCondition of g cannot be evaluated: {reason} (line 2)"


def test_what_waits_in_a_loop_ends_it():
    body = '<startEvent id="s"/><task id="t"/>' + flow("s", "g") + flow("g", "t") + flow("t", "g")
    gateway = f'<complexGateway id="g">{CONDITION}</complexGateway>'
    assert "endless-loop" not in {warning[1] for warning in warnings(body + gateway)}
    assert "endless-loop" in {warning[1] for warning in warnings(body + '<inclusiveGateway id="g"/>')}
