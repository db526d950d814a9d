"""Attributes of our own and extensions of other tools that count where the engine evaluates."""

import pytest

from app.bpmn.evaluation import check_expressions
from app.bpmn.ignored import ignored
from app.bpmn.lint import File, findings
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import bpmn, elements

SPACES = (
    'xmlns:own="urn:py-bpmn" xmlns:c="http://camunda.org/schema/1.0/bpmn" xmlns:x="urn:other"'
    ' xmlns:z="http://camunda.org/schema/zeebe/1.0"'
)


def written(body, head=""):
    return bpmn(body, head).replace("<definitions", f"<definitions {SPACES}")


def evaluated(body, head="", *, evaluates=True):
    """The elements of a process that must have no causes."""
    found = find_process(parse(written(body, head), evaluates=evaluates), "p")
    assert found.causes == []
    assert check_expressions(found, {}) == []
    return elements(found)


def causes(body, head=""):
    return [cause.detail for cause in find_process(parse(written(body, head), evaluates=True), "p").causes]


def zeebe(text):
    return f"<extensionElements><z:{text}/></extensionElements>"


CATCH = '<intermediateCatchEvent id="e"><messageEventDefinition messageRef="m" {}/></intermediateCatchEvent>'
THROW = '<intermediateThrowEvent id="e"><messageEventDefinition messageRef="m" {}/></intermediateThrowEvent>'
END = '<endEvent id="e"><messageEventDefinition messageRef="m" {}/></endEvent>'
RECEIVE = '<receiveTask id="e" messageRef="m" {}/>'
SEND = '<sendTask id="e" messageRef="m" {}/>'
OWN = 'own:correlationKey="= a"'
SUBSCRIPTION = zeebe('subscription correlationKey="= c"')
PLAIN = '<message id="m" name="order"/>'
WITH_OWN = '<message id="m" name="order" own:correlationKey="= b"/>'
WITH_ZEEBE = f'<message id="m" name="order">{SUBSCRIPTION}</message>'
WITH_BOTH = f'<message id="m" name="order" own:correlationKey="= b">{SUBSCRIPTION}</message>'


@pytest.mark.parametrize("event", [CATCH, THROW, END, RECEIVE, SEND])
@pytest.mark.parametrize(
    ("attribute", "message", "caught", "thrown"),
    [
        ("", PLAIN, None, None),
        (OWN, PLAIN, "= a", "= a"),
        (OWN, WITH_BOTH, "= a", "= a"),
        ("", WITH_BOTH, "= b", "= b"),
        ("", WITH_OWN, "= b", "= b"),
        ("", WITH_ZEEBE, "= c", None),
        ('x:correlationKey="= a"', PLAIN, None, None),
    ],
)
def test_the_first_correlation_key_counts(event, attribute, message, caught, thrown):
    element = evaluated(event.format(attribute), message)["e"]
    key = caught if event in (CATCH, RECEIVE) else thrown
    assert (element.correlation_key and element.correlation_key.text) == key
    assert element.declared_name == "order"


@pytest.mark.parametrize("event", [CATCH, THROW, END, RECEIVE, SEND])
def test_a_correlation_key_has_no_effect_where_workers_decide(event):
    element = evaluated(event.format(OWN), WITH_BOTH, evaluates=False)["e"]
    assert element.correlation_key is None
    assert not element.inputs


def test_a_correlation_key_of_a_shared_definition_counts():
    head = f'<messageEventDefinition id="d" messageRef="m" {OWN}/>' + PLAIN
    event = '<intermediateCatchEvent id="e"><eventDefinitionRef>d</eventDefinitionRef></intermediateCatchEvent>'
    assert evaluated(event, head)["e"].correlation_key.text == "= a"


@pytest.mark.parametrize(
    ("slot", "attribute", "message", "reason"),
    [
        ("correlationKey", 'own:correlationKey="= a b"', PLAIN, "FEEL expected an operator or the end at column 5"),
        ("messageName", OWN, PLAIN.replace("order", "${"), "JUEL expected } at column 3"),
    ],
)
def test_keys_and_names_of_what_is_sent_must_be_evaluable(slot, attribute, message, reason):
    found = find_process(parse(written(SEND.format(attribute), message), evaluates=True), "p")
    (cause,) = check_expressions(found, {})
    assert (cause.pointer, cause.detail) == ("/p/e", f"{slot} of e cannot be evaluated: {reason} (line 2)")


INPUTS = '<dataInput id="i" name="total"/><dataInput id="j"/><dataInput id="k"/><dataInputAssociation>'
INPUTS += "<sourceRef>o</sourceRef><targetRef>k</targetRef></dataInputAssociation>"
OBJECT = '<dataObject id="o" name="order"/>'


@pytest.mark.parametrize(
    "event",
    [
        f'<endEvent id="e">{INPUTS}<messageEventDefinition messageRef="m" {{}}/></endEvent>',
        f'<sendTask id="e" messageRef="m" {{}}><ioSpecification>{INPUTS}</ioSpecification></sendTask>',
    ],
)
def test_a_message_carries_what_its_data_inputs_name(event):
    assert list(evaluated(OBJECT + event.format(OWN), PLAIN)["e"].inputs) == ["total", "j", "order"]
    assert not evaluated(OBJECT + event.format(""), PLAIN)["e"].inputs


def test_a_data_input_of_a_message_names_a_variable():
    event = f'<endEvent id="e"><dataInput {{}} name="a b"/><messageEventDefinition messageRef="m" {OWN}/></endEvent>'
    found = evaluated(event.format('id="i"'), PLAIN)["e"]
    assert (list(found.inputs), list(found.renamed)) == (["i"], [("a b", "i")])
    assert causes(event.format(""), PLAIN) == [
        "dataInput of element e must be the name of a variable, and not a b (line 2)",
    ]


def call(attributes="", extensions=""):
    return f'<callActivity id="c" {attributes}><extensionElements>{extensions}</extensionElements></callActivity>'


CALLS = {
    call('calledElement="q"'): ("q", "", ""),
    call('calledElement="q" own:variables="all" own:outVariables="none"'): ("q", "all", "none"),
    call('calledElement="q" own:variables="none"', '<c:in variables="all"/>'): ("q", "none", ""),
    call('calledElement="q"', '<c:in variables="all"/><c:out variables="all"/>'): ("q", "all", "all"),
    call('calledElement="q"', '<c:in variables="all"/><c:in source="a" target="b"/>'): ("q", "", ""),
    call('calledElement="q"', '<c:in variables="all" local="true"/>'): ("q", "", ""),
    call('calledElement="q"', '<c:out variables="all"/><c:in businessKey="x"/>'): ("q", "", ""),
    call("", '<z:calledElement processId="q" propagateAllParentVariables="true"/>'): ("q", "all", ""),
    call('calledElement="r"', '<z:calledElement processId="q" propagateAllChildVariables="true"/>'): ("r", "", "all"),
    call("", '<z:calledElement processId="= q" propagateAllParentVariables="false"/>'): ("= q", "none", ""),
    call("", '<z:calledElement processId="q" propagateAllParentVariables="true"/><z:ioMapping/>'): ("q", "", ""),
    call("", '<z:calledElement processId="q" propagateAllParentVariables="true" bindingType="deployment"/>'): (
        *("q", "", ""),
    ),
    call("", '<z:calledElement processId="q" propagateAllParentVariables="true" bindingType="latest"/>'): (
        *("q", "all", ""),
    ),
    call('calledElement="q" c:calledElementVersion="3"', '<c:in variables="all"/>'): ("q:3", "all", ""),
    call('calledElement="${q}" c:calledElementVersion="3"', '<c:in variables="all"/>'): ("${q}:3", "all", ""),
    call('calledElement="= q" c:calledElementVersion="3"', '<c:in variables="all"/>'): ("= q", "", ""),
    call('calledElement="q:2" c:calledElementVersion="3"', '<c:in variables="all"/>'): ("q:2", "", ""),
    call('calledElement="q" c:calledElementBinding="deployment"', '<c:in variables="all"/>'): ("q", "", ""),
}


@pytest.mark.parametrize("body", CALLS)
def test_a_call_says_which_variables_it_passes(body):
    element = evaluated(body)["c"]
    assert (element.called_element, element.variables_in, element.variables_out) == CALLS[body]


def test_calls_say_nothing_beyond_bpmn_where_workers_decide():
    for body in CALLS:
        element = evaluated(body, evaluates=False)["c"]
        assert (element.variables_in, element.variables_out) == ("", "")
        assert ":3" not in element.called_element


@pytest.mark.parametrize("attribute", ["variables", "outVariables"])
def test_a_call_passes_all_variables_or_none(attribute):
    body = call(f'calledElement="q" own:{attribute}="some"')
    assert causes(body) == [f"{attribute} of element c must be all or none, and not some (line 2)"]


MULTI = '<serviceTask id="t"><multiInstanceLoopCharacteristics {}>{}</multiInstanceLoopCharacteristics></serviceTask>'
LOOP = zeebe('loopCharacteristics inputCollection="= orders" inputElement="order" {}')
OUT = 'outputCollection="results" outputElement="= result"'
STANDARD = '<loopDataInputRef>a</loopDataInputRef><inputDataItem name="b"/>'


@pytest.mark.parametrize(
    ("attributes", "content", "expected"),
    [
        ("", LOOP.format(""), ("orders", "order", "", "")),
        ("", LOOP.format(OUT), ("orders", "order", "results", "result")),
        ("", LOOP.format(OUT) + STANDARD, ("a", "b", "results", "result")),
        ("", LOOP.format("") + "<loopCardinality>3</loopCardinality>", ("", "", "", "")),
        ('c:collection="${orders}" c:elementVariable="order"', "", ("orders", "order", "", "")),
        ('c:collection="orders"', "", ("orders", "", "", "")),
        ('c:collection="orders"', '<inputDataItem name="b"/>', ("orders", "b", "", "")),
    ],
)
def test_extensions_name_collections_and_items(attributes, content, expected):
    loop = evaluated(MULTI.format(attributes, content))["t"].loop
    assert (loop.collection, loop.item, loop.output_collection, loop.output_item) == expected


def test_extensions_name_no_collections_where_workers_decide():
    loop = evaluated(MULTI.format('c:collection="orders"', LOOP.format(OUT)), evaluates=False)["t"].loop
    assert (loop.collection, loop.item, loop.output_collection, loop.output_item) == ("", "", "", "")


@pytest.mark.parametrize(
    ("text", "shown"), [("= a.b", "= a.b"), ("${a[0]}", "${a[0]}"), ("loopCounter", "loopCounter")]
)
def test_a_collection_of_an_extension_is_a_variable(text, shown):
    what = f"inputCollection of multi-instance t must be the name of a variable, and not {shown} (line 2)"
    assert causes(MULTI.format(f'c:collection="{text}"', "")) == [what]


def test_an_extension_names_an_output_and_its_items_together():
    content = zeebe('loopCharacteristics inputCollection="= orders" outputCollection="results"')
    what = "multi-instance t must have both a loopDataOutputRef and an outputDataItem, or neither (line 2)"
    assert causes(MULTI.format("", content)) == [what]


ERROR = '<errorEventDefinition {0}:errorCodeVariable="code" {0}:errorMessageVariable="text"/>'
ESCALATION = '<escalationEventDefinition {0}:escalationCodeVariable="code"/>'
BOUNDARY = '<serviceTask id="t"/><boundaryEvent id="e" attachedToRef="t">{}</boundaryEvent>'
HANDLER = '<subProcess id="x" triggeredByEvent="true"><startEvent id="e">{}</startEvent></subProcess>'


@pytest.mark.parametrize("event", [BOUNDARY, HANDLER])
@pytest.mark.parametrize(
    ("prefix", "evaluates", "counts"),
    [("own", False, True), ("own", True, True), ("c", False, False), ("c", True, True), ("x", True, True)],
)
def test_an_event_says_where_it_puts_what_it_has_caught(event, prefix, evaluates, counts):
    error = evaluated(event.format(ERROR.format(prefix)), evaluates=evaluates)["e"]
    found = (error.error_code_variable, error.error_message_variable, error.escalation_code_variable)
    assert found == (("code", "text", "") if counts else ("", "", ""))
    escalation = evaluated(event.format(ESCALATION.format(prefix)), evaluates=evaluates)["e"]
    found = (escalation.error_code_variable, escalation.error_message_variable, escalation.escalation_code_variable)
    assert found == (("", "", "code") if counts else ("", "", ""))


def test_our_own_name_of_a_variable_comes_first():
    both = '<errorEventDefinition c:errorCodeVariable="theirs" own:errorCodeVariable="ours"/>'
    assert evaluated(BOUNDARY.format(both))["e"].error_code_variable == "ours"


def test_what_is_thrown_is_put_nowhere():
    body = f'<endEvent id="e">{ERROR.format("own")}</endEvent>'
    assert evaluated(body)["e"].error_code_variable == ""


def test_what_is_caught_is_put_into_a_variable():
    body = BOUNDARY.format('<errorEventDefinition own:errorCodeVariable="a b"/>')
    what = "errorCodeVariable of element e must be the name of a variable, and not a b (line 2)"
    assert causes(body) == [what]


@pytest.mark.parametrize(
    ("body", "head", "kind"),
    [
        (CATCH.format(""), WITH_ZEEBE, "ignored-correlation-key"),
        (call("", '<z:calledElement processId="q"/>'), "", "ignored-called-element"),
        (call('calledElement="q"', '<c:in variables="all"/>'), "", "ignored-called-variables"),
        (call('calledElement="q"', '<c:out variables="all"/>'), "", "ignored-called-variables"),
        (BOUNDARY.format('<errorEventDefinition c:errorCodeVariable="code"/>'), "", "ignored-mapping"),
        (
            '<exclusiveGateway id="g"/><task id="a"/><sequenceFlow id="f" sourceRef="g" targetRef="a">'
            "<conditionExpression>x</conditionExpression></sequenceFlow>",
            "",
            "ignored-evaluation",
        ),
    ],
)
def test_what_counts_is_not_told_to_have_no_effect(body, head, kind):
    xml = written(body, head)
    told = [
        {warning.type for warning in ignored(xml, find_process(parse(xml, evaluates=evaluates), "p"))}
        for evaluates in (False, True)
    ]
    assert told == [{kind}, set()]


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (CATCH.format(OWN), PLAIN),
        (call('calledElement="q" own:variables="all" own:outVariables="none"'), ""),
        (BOUNDARY.format(ERROR.format("own")), ""),
    ],
)
@pytest.mark.parametrize("evaluates", [False, True])
def test_our_own_attributes_are_not_told_to_have_no_effect(body, head, evaluates):
    xml = written(body, head)
    found = findings(File(xml), find_process(parse(xml, evaluates=evaluates), "p"), [], [])
    assert [finding.detail for finding in found if finding.rule == "ignored"] == []


@pytest.mark.parametrize(
    ("body", "head"),
    [
        (call("", '<z:calledElement processId="q"/><c:in variables="all"/><c:out variables="all"/>'), ""),
        (MULTI.format('c:collection="orders" c:elementVariable="order"', LOOP.format("")), ""),
        (BOUNDARY.format(ERROR.format("x")), ""),
    ],
)
def test_what_counts_for_the_engine_is_told_to_have_no_effect_elsewhere(body, head):
    xml = written(body, head)
    told = [
        {finding.rule for finding in findings(File(xml), find_process(parse(xml, evaluates=evaluates), "p"), [], [])}
        for evaluates in (False, True)
    ]
    assert ["ignored" in rules for rules in told] == [True, False]
