"""What is refused where the engine evaluates expressions."""

import pytest

from app.bpmn.definitions import resolve
from app.bpmn.evaluation import check_expressions
from app.bpmn.model import EventDefinition
from app.bpmn.parser import find_process, parse
from app.timer import Timer
from tests.bpmn.build import bpmn, flow, process
from tests.bpmn.test_conditions import A_AND_B, conditional

NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}
MESSAGE = '<message id="m" name="order-${id}"/><message id="l" name="order"/><message id="x" name="${id"/>'
SIGNAL = '<signal id="m" name="= order.name"/><signal id="l" name="order"/><signal id="x" name="= "/>'
ERROR = '<error id="m" errorCode="${code}"/><error id="l" errorCode="E1"/><error id="x" errorCode="${"/>'
ESCALATION = ERROR.replace("errorCode", "escalationCode").replace("error", "escalation")


def refused(body, head="", attributes="", **requested):
    found = process(body, head)
    assert found.causes == []
    definitions, causes = resolve(found, **NOTHING | requested)
    return [(cause.pointer, cause.type, cause.detail) for cause in causes + check_expressions(found, definitions)]


@pytest.mark.parametrize("tag", ["exclusiveGateway", "inclusiveGateway", "task"])
@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("", "CEL expected a value at column 1"),
        ("a b", "CEL expected an operator or the end at column 3"),
        ("${a", "JUEL expected } at column 4"),
        ("= ", "FEEL expected a value at column 2"),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_refused_at_its_flow(tag, condition, reason):
    body = f'<{tag} id="g" default="g-b"/>{A_AND_B}{conditional("g", "a", condition)}{flow("g", "b")}'
    detail = f"condition of g-a cannot be evaluated: {reason} (line 2)"
    assert refused(body) == [("/p/g-a", "sequence_flow", detail)]


@pytest.mark.parametrize(
    "condition", ["x > 1 &amp;&amp; y in [1]".replace(">", "&gt;"), "${x gt 1}", "= x &gt; 1", "true"]
)
def test_a_condition_in_each_spelling_is_accepted(condition):
    body = '<exclusiveGateway id="g" default="g-b"/>' + A_AND_B + conditional("g", "a", condition) + flow("g", "b")
    assert refused(body) == []


def test_the_languages_of_an_expression_and_of_the_file_count():
    body = '<exclusiveGateway id="g" default="g-b"/>' + A_AND_B + flow("g", "b")
    told = "expected CEL, FEEL or JUEL as the language of the expression at column 1"
    foreign = conditional("g", "a", language=' language="groovy"')
    assert refused(body + foreign) == [
        ("/p/g-a", "sequence_flow", f"condition of g-a cannot be evaluated: {told} (line 2)")
    ]
    assert refused(body + conditional("g", "a", "x between 1 and 2", ' language="feel"')) == []


@pytest.mark.parametrize(("tag", "kind"), [("exclusive", "exclusive gateway"), ("inclusive", "inclusive gateway")])
def test_a_gateway_has_conditions_at_all_flows_but_the_default_flow_or_at_none(tag, kind):
    gateway = f'<{tag}Gateway id="g"/>' + A_AND_B
    assert refused(gateway + flow("g", "a") + flow("g", "b")) == []
    what = f"sequence flow g-b must have a condition, since others of {kind} g have one and it is no default flow"
    assert refused(gateway + conditional("g", "a") + flow("g", "b")) == [
        ("/p/g-b", "sequence_flow", f"{what} (line 2)")
    ]
    assert refused('<task id="g"/>' + A_AND_B + conditional("g", "a") + flow("g", "b")) == []


LOOPS = {
    "loopCardinality": "<multiInstanceLoopCharacteristics><loopCardinality>{}</loopCardinality>"
    "</multiInstanceLoopCharacteristics>",
    "completionCondition": "<multiInstanceLoopCharacteristics><completionCondition>{}</completionCondition>"
    "</multiInstanceLoopCharacteristics>",
    "loopCondition": "<standardLoopCharacteristics><loopCondition>{}</loopCondition></standardLoopCharacteristics>",
}


@pytest.mark.parametrize("slot", LOOPS)
def test_a_loop_is_refused_whose_expression_cannot_be_evaluated(slot):
    task = f'<serviceTask id="t">{LOOPS[slot]}</serviceTask>'
    detail = f"{slot} of t cannot be evaluated: CEL expected a value at column 3 (line 2)"
    assert refused(task.format("x.")) == [("/p/t", "element", detail.replace("a value", "a name"))] or refused(
        task.format("x+")
    ) == [("/p/t", "element", detail)]
    assert refused(task.format("x + 1 &lt; 5")) == []
    assert refused(task.format("3" if slot == "loopCardinality" else "true")) == []


@pytest.mark.parametrize(
    ("event", "definition", "head", "slot", "reason"),
    [
        ("intermediateCatchEvent", "message", MESSAGE, "messageName", "JUEL expected } at column 5"),
        ("intermediateCatchEvent", "signal", SIGNAL, "signalName", "FEEL expected a value at column 2"),
        ("endEvent", "signal", SIGNAL, "signalName", "FEEL expected a value at column 2"),
        ("endEvent", "error", ERROR, "errorCode", "JUEL expected } at column 3"),
        ("intermediateThrowEvent", "escalation", ESCALATION, "escalationCode", "JUEL expected } at column 3"),
    ],
)
def test_names_and_codes_may_be_expressions(event, definition, head, slot, reason):
    event = f'<{event} id="e"><{definition}EventDefinition {definition}Ref="{{}}"/></{event}>'
    assert refused(event.format("m"), head) == []
    assert refused(event.format("l"), head) == []
    detail = f"{slot} of e cannot be evaluated: {reason} (line 2)"
    assert refused(event.format("x"), head) == [("/p/e", "element", detail)]


def test_the_name_of_a_receive_task_may_be_an_expression():
    task = '<receiveTask id="e" messageRef="{}"/>'
    detail = "messageName of e cannot be evaluated: JUEL expected } at column 5 (line 2)"
    assert refused(task.format("m"), MESSAGE) == []
    assert refused(task.format("x"), MESSAGE) == [("/p/e", "element", detail)]


@pytest.mark.parametrize(
    ("kind", "head", "requested"),
    [("message", MESSAGE, {"messages": {"s": "n"}}), ("signal", SIGNAL, {"signals": {"s": "n"}})],
)
def test_what_starts_a_process_needs_a_name_that_is_known(kind, head, requested):
    start = f'<startEvent id="s"><{kind}EventDefinition {kind}Ref="m"/></startEvent>'
    missing = [("/p/s", f"{kind}_event", f"no {kind} name defined for element s")]
    assert refused(start, head) == missing
    assert refused(start, head, **requested) == []
    inside = f'<subProcess id="x" triggeredByEvent="true">{start}</subProcess>'
    assert refused(inside, head) == []


@pytest.mark.parametrize(("kind", "head"), [("error", ERROR), ("escalation", ESCALATION)])
def test_what_catches_needs_a_code_that_is_known(kind, head):
    body = f'<serviceTask id="t"/><boundaryEvent id="b" attachedToRef="t"><{kind}EventDefinition {kind}Ref="{{}}"/>'
    body += "</boundaryEvent>"
    detail = f"{kind} code of element b must be a literal, since the event catches it (line 2)"
    assert refused(body.format("m"), head) == [("/p/b", f"{kind}_event", detail)]
    assert refused(body.format("l"), head) == []
    assert refused(body.format("m"), head, **{f"{kind}s": {"b": "E1"}}) == []


TIMER = '<intermediateCatchEvent id="e"><timerEventDefinition><timeDuration>{}</timeDuration></timerEventDefinition>'
TIMER += "</intermediateCatchEvent>"


@pytest.mark.parametrize("text", ["PT1H", "= wait", "${wait}", "PT${hours}H", "five minutes"])
def test_a_timer_may_be_an_expression_or_anything_that_a_job_asks_for(text):
    assert refused(TIMER.format(text)) == []


def test_a_timer_that_looks_like_an_expression_must_be_one():
    detail = "timer of e cannot be evaluated: JUEL expected } at column 4 (line 2)"
    assert refused(TIMER.format("${a")) == [("/p/e", "element", detail)]
    assert refused(TIMER.format("${a"), timers={"e": Timer(time_duration="PT1H")}) == []


def test_a_called_element_may_be_an_expression():
    assert refused('<callActivity id="c" calledElement="ship-${kind}:1"/>') == []
    detail = "calledElement of c cannot be evaluated: JUEL expected } at column 8 (line 2)"
    assert refused('<callActivity id="c" calledElement="ship-${"/>') == [("/p/c", "element", detail)]


def test_a_condition_is_bounded():
    body = '<task id="g"/>' + A_AND_B + conditional("g", "a", "x" * 5000) + flow("g", "b")
    (cause,) = refused(body)
    assert cause[2] == "condition of g-a cannot be evaluated: expected at most 4096 characters at column 4097 (line 2)"


def test_the_file_says_in_which_language_plain_texts_are():
    xml = bpmn('<task id="g"/>' + A_AND_B + conditional("g", "a", "x between 1 and 2") + flow("g", "b"))
    for language, is_fine in (("", False), ("https://www.omg.org/spec/DMN/20191111/FEEL/", True), ("xpath", False)):
        found = find_process(parse(xml.replace("<definitions", f'<definitions expressionLanguage="{language}"')), "p")
        assert (check_expressions(found, {}) == []) is is_fine


def test_a_definition_of_a_request_replaces_a_text():
    body = '<intermediateCatchEvent id="e"><messageEventDefinition messageRef="x"/></intermediateCatchEvent>'
    found = process(body, MESSAGE)
    assert check_expressions(found, {"e": EventDefinition(message_name="n")}) == []
