"""Events that wait for a condition."""

import pytest

from app.bpmn.model import ElementType
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import accepted, bpmn, causes, event, flow

T = ElementType
HANDLER = '<subProcess id="x" triggeredByEvent="true"><startEvent id="e" {}>{}</startEvent></subProcess>'
EVENTS = {
    T.CONDITIONAL_CATCH_EVENT: event("intermediateCatchEvent", "{}"),
    T.CONDITIONAL_BOUNDARY_EVENT: event("boundaryEvent", "{}"),
    T.CONDITIONAL_START_EVENT: HANDLER.format("", "{}"),
}


def conditional(text="stock &lt; 5", attributes=""):
    condition = f"<condition {attributes}> {text} </condition>"
    return f"<conditionalEventDefinition>{condition}</conditionalEventDefinition>"


@pytest.mark.parametrize("type", EVENTS)
@pytest.mark.parametrize(
    ("text", "attributes", "language"), [("stock < 5", "", ""), ("a = 1", 'language="feel"', "feel")]
)
def test_a_conditional_event_has_a_condition(type, text, attributes, language):
    found = accepted(EVENTS[type].format(conditional(text.replace("<", "&lt;"), attributes)))["e"]
    assert (found.type, found.definition, found.instantiates) == (type, None, False)
    assert (found.condition.text, found.condition.language) == (text, language)


@pytest.mark.parametrize("type", EVENTS)
@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        ("<conditionalEventDefinition/>", "conditional event e must have a condition"),
        (conditional(""), "conditional event e must have a condition"),
        (conditional("a b"), "condition of e cannot be evaluated: CEL expected an operator or the end at column 3"),
        (
            conditional("a", 'language="groovy"'),
            "condition of e cannot be evaluated: "
            "expected CEL, FEEL or JUEL as the language of the expression at column 1",
        ),
    ],
)
def test_a_condition_must_be_there_and_evaluable_since_no_job_asks_for_it(type, definition, reason):
    assert [cause[2] for cause in causes(EVENTS[type].format(definition))] == [f"{reason} (line 2)"]


def test_the_language_of_the_file_counts():
    xml = bpmn(EVENTS[T.CONDITIONAL_CATCH_EVENT].format(conditional("a between 1 and 2")))
    feel = xml.replace("<definitions", '<definitions expressionLanguage="https://www.omg.org/spec/DMN/20191111/FEEL/"')
    assert len(find_process(parse(xml), "p").causes) == 1
    assert find_process(parse(feel), "p").causes == []


def test_a_process_is_not_started_by_a_condition():
    detail = "element e is not supported: conditionalEventDefinition in startEvent (line 2)"
    assert causes(event("startEvent", conditional())) == [("/p/e", "element", detail)]


def test_a_conditional_event_may_spare_its_activity_or_scope():
    boundary = event("boundaryEvent", conditional(), 'cancelActivity="false"')
    start = HANDLER.format('isInterrupting="false"', conditional())
    assert not accepted(boundary)["e"].interrupting
    assert not accepted(start)["e"].interrupting


def test_conditional_events_may_follow_an_event_based_gateway():
    catches = "".join(f'<intermediateCatchEvent id="{id}">{conditional()}</intermediateCatchEvent>' for id in "ab")
    accepted('<eventBasedGateway id="g"/>' + catches + flow("g", "a") + flow("g", "b"))
