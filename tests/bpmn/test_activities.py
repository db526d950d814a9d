"""Transactions, global tasks, and how many tokens an activity takes and gives."""

import pytest

from app.bpmn.model import ElementType
from tests.bpmn.build import accepted, causes, flow, warnings

T = ElementType
START = '<startEvent id="s"/>'
COMPENSATE = ["##Compensate", "##compensate", "http://example.com/transactions/Compensate", "urn:x#compensate", ""]


@pytest.mark.parametrize("method", COMPENSATE)
def test_a_transaction_is_a_sub_process_of_its_own_type(method):
    found = accepted(f'<transaction id="x" method="{method}">{START}<task id="t"/>{flow("s", "t")}</transaction>')
    assert found["x"].type is T.TRANSACTION
    assert found["t"].pointer == "/p/x/t"


@pytest.mark.parametrize("method", ["##Store", "##Image", "http://example.com/store"])
def test_other_methods_of_transactions_are_refused(method):
    detail = f"element x is not supported: transaction method {method} (line 2)"
    assert causes(f'<transaction id="x" method="{method}">{START}</transaction>') == [("/p/x", "element", detail)]


def test_a_transaction_carries_boundary_events_and_markers():
    boundary = '<boundaryEvent id="b" attachedToRef="x"><timerEventDefinition/></boundaryEvent>'
    found = accepted(f'<transaction id="x"><standardLoopCharacteristics/>{START}</transaction>{boundary}')
    assert found["x"].attached == [found["b"]]


GLOBAL = '<globalTask id="g"/><globalUserTask id="u"/><globalScriptTask id="c"/><globalManualTask id="m"/>'
GLOBAL += '<globalBusinessRuleTask id="b"/>'


@pytest.mark.parametrize("place", ["head", "tail"])
@pytest.mark.parametrize(
    ("called", "type"),
    [
        *(("g", T.TASK), ("u", T.USER_TASK), ("c", T.SCRIPT_TASK), ("m", T.MANUAL_TASK), ("b", T.BUSINESS_RULE_TASK)),
        *(("x:u", T.USER_TASK), ("x:y:u", T.USER_TASK), ("u:x", None), ("other", None), ("", None)),
    ],
)
def test_a_call_activity_may_call_a_task_of_the_file(called, type, place):
    element = accepted(f'<callActivity id="a" calledElement="{called}"/>', **{place: GLOBAL})["a"]
    assert (element.type, element.global_task) == (T.CALL_ACTIVITY, type)


def test_a_process_is_called_before_a_task_of_the_same_id():
    tail = '<process id="q"/><globalTask id="q"/>'
    assert accepted('<callActivity id="a" calledElement="q"/>', tail=tail)["a"].global_task is None


TASK = START + '<serviceTask id="t" {}/>' + flow("s", "t")


@pytest.mark.parametrize(("value", "quantity"), [("1", 1), ("", 1), (" 2 ", 2), ("1000", 1000), ("002", 2)])
def test_quantities_of_tokens_are_read(value, quantity):
    found = accepted(TASK.format(f'startQuantity="{value}" completionQuantity="{value}"'))
    assert (found["t"].start_quantity, found["t"].completion_quantity) == (quantity, quantity)


@pytest.mark.parametrize("attribute", ["startQuantity", "completionQuantity"])
@pytest.mark.parametrize("value", ["0", "-1", "1001", "1.5", "many", "9" * 30])
def test_a_quantity_is_a_number_from_1_to_1000(attribute, value):
    detail = f"{attribute} of element t must be an integer from 1 to 1000 (line 2)"
    assert causes(TASK.format(f'{attribute}="{value}"')) == [("/p/t", "element", detail)]


def test_quantities_belong_to_activities():
    detail = "element g is not supported: completionQuantity 2 (line 2)"
    assert causes('<exclusiveGateway id="g" completionQuantity="2"/>') == [("/p/g", "element", detail)]


BEGIN = "startQuantity of element t must be 1, since"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<task id="t" startQuantity="2"/>', "no sequence flow leads to it"),
        (
            '<task id="h"/><boundaryEvent id="b" attachedToRef="h"><compensateEventDefinition/></boundaryEvent>'
            '<task id="t" startQuantity="2" isForCompensation="true"/><association sourceRef="b" targetRef="t"/>',
            "it is a compensation activity",
        ),
        (
            '<eventBasedGateway id="g"/><receiveTask id="t" startQuantity="2"/><receiveTask id="r"/>'
            + flow("g", "t")
            + flow("g", "r"),
            "it waits for an event",
        ),
    ],
)
def test_only_tokens_that_come_along_flows_are_waited_for(body, reason):
    assert causes(body) == [("/p/t", "element", f"{BEGIN} {reason} (line 2)")]


def test_an_inclusive_gateway_may_join():
    join = '<inclusiveGateway id="g"/><task id="a"/><task id="b"/>' + flow("a", "g") + flow("b", "g")
    assert [each.id for each in accepted(join)["g"].incoming] == ["a-g", "b-g"]


def test_several_tokens_that_an_activity_gives_can_be_joined():
    nodes = START + '<serviceTask id="t" {}/><exclusiveGateway id="c"/><parallelGateway id="j"/><endEvent id="e"/>'
    nodes += '<exclusiveGateway id="x"/><exclusiveGateway id="y"/>'
    ways = [("s", "t"), ("t", "c"), ("c", "x"), ("c", "y"), ("x", "j"), ("y", "j"), ("x", "y"), ("y", "x"), ("j", "e")]
    body = nodes + "".join(flow(*ends) for ends in ways)
    assert "never-joined" in {warning[1] for warning in warnings(body.format(""))}
    assert "never-joined" not in {warning[1] for warning in warnings(body.format('completionQuantity="2"'))}
