"""Ad-hoc sub-processes, in which somebody selects what is performed."""

import pytest

from app.bpmn.evaluation import check_expressions
from app.bpmn.model import ElementType
from tests.bpmn.build import accepted, causes, flow, process, warnings

T = ElementType
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"


def ad_hoc(content='<task id="a"/>', attributes=""):
    return f'<adHocSubProcess id="ah" {attributes}>{content}</adHocSubProcess>'


@pytest.mark.parametrize(
    ("attributes", "sequential", "cancels"),
    [
        ("", False, True),
        ('ordering="Parallel" cancelRemainingInstances="true"', False, True),
        ('ordering="Sequential" cancelRemainingInstances="false"', True, False),
    ],
)
def test_what_an_ad_hoc_sub_process_says_is_read(attributes, sequential, cancels):
    found = accepted(ad_hoc(attributes=attributes))
    assert (found["ah"].type, found["a"].pointer) == (T.AD_HOC_SUB_PROCESS, "/p/ah/a")
    assert (found["ah"].sequential, found["ah"].cancel_remaining, found["ah"].condition) == (sequential, cancels, None)


def test_it_may_have_a_condition_that_completes_it():
    content = '<task id="a"/><completionCondition language="feel"> enough = true </completionCondition>'
    condition = accepted(ad_hoc(content))["ah"].condition
    assert (condition.text, condition.language) == ("enough = true", "feel")


def test_where_the_engine_evaluates_the_condition_must_be_evaluable():
    found = process(ad_hoc('<task id="a"/><completionCondition>a b</completionCondition>'))
    assert found.causes == []
    (cause,) = check_expressions(found, {})
    what = "completionCondition of ah cannot be evaluated: CEL expected an operator or the end at column 3 (line 2)"
    assert (cause.pointer, cause.detail) == ("/p/ah", what)


def test_other_sub_processes_have_no_such_attributes():
    found = accepted(
        '<subProcess id="x" ordering="Sequential" cancelRemainingInstances="false"><task id="a"/></subProcess>'
    )
    assert (found["x"].sequential, found["x"].cancel_remaining) == (False, True)


NODES = '<task id="a"/><exclusiveGateway id="g"/><task id="b"/><task id="d"/>'
NODES += f'<intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent>'
FLOW = NODES + flow("a", "g") + flow("g", "c") + flow("c", "b") + flow("g", "d")


def test_flows_gateways_and_intermediate_events_may_be_in_it():
    assert warnings(ad_hoc(FLOW)) == []
    assert accepted(ad_hoc(FLOW))["ah"].start_nodes() == []


def test_a_gateway_or_event_that_no_flow_leads_to_is_never_executed():
    content = f'<task id="a"/><parallelGateway id="g"/><intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent>'
    told = [(pointer, detail) for pointer, type, detail in warnings(ad_hoc(content)) if type == "unreachable"]
    what = "no activity that can be selected leads to element {}: it is never executed (line 2)"
    assert told == [(f"/p/ah/{id}", what.format(id)) for id in "gc"]


def test_what_is_selected_more_than_once_may_be_joined():
    content = '<task id="a"/><exclusiveGateway id="x"/><parallelGateway id="j"/><task id="b"/><task id="d"/>'
    ways = [("a", "x"), ("x", "b"), ("x", "d"), ("b", "j"), ("d", "j")]
    told = {warning[1] for warning in warnings(ad_hoc(content + "".join(flow(*way) for way in ways)))}
    assert "never-joined" not in told


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            ad_hoc('<startEvent id="s"/><task id="a"/>'),
            [("/p/ah/s", "start event s must not be in ad-hoc sub-process ah")],
        ),
        (ad_hoc('<task id="a"/><endEvent id="e"/>'), [("/p/ah/e", "end event e must not be in ad-hoc sub-process ah")]),
        (ad_hoc(""), [("/p/ah", "ad-hoc sub-process ah must have an activity that can be selected")]),
        (
            ad_hoc('<parallelGateway id="g"/>'),
            [("/p/ah", "ad-hoc sub-process ah must have an activity that can be selected")],
        ),
        (
            ad_hoc(
                '<task id="a"/><subProcess id="x" triggeredByEvent="true"><startEvent id="s"><errorEventDefinition/>'
                "</startEvent></subProcess>"
            ),
            [("/p/ah/x", "event sub-process x must not be in ad-hoc sub-process ah")],
        ),
        (
            ad_hoc(attributes='ordering="Random"'),
            [("/p/ah", "ordering of ad-hoc sub-process ah must be Parallel or Sequential, and not Random")],
        ),
        (ad_hoc(attributes='triggeredByEvent="true"'), [("/p/ah", "element ah is not supported: event sub-process")]),
        (
            ad_hoc(attributes='cancelRemainingInstances="perhaps"'),
            [("/p/ah", "element ah is not supported: cancelRemainingInstances perhaps")],
        ),
    ],
)
def test_what_an_ad_hoc_sub_process_must_be_like(body, expected):
    assert [(pointer, detail.partition(" (line")[0]) for pointer, _, detail in causes(body)] == expected
