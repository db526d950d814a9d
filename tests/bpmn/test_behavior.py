"""What multi-instances throw when instances of them complete."""

import pytest

from app.bpmn.evaluation import check_expressions
from app.bpmn.model import ElementType
from tests.bpmn.build import accepted, causes, process

T = ElementType

HEAD = (
    '<signal id="s" name="S"/><escalation id="c" escalationCode="C"/><escalation id="n"/><error id="x"/>'
    '<signalEventDefinition id="ds" signalRef="s"/><escalationEventDefinition id="dc" escalationRef="c"/>'
    '<errorEventDefinition id="dx" errorRef="x"/><escalationEventDefinition id="dn" escalationRef="n"/>'
    '<signalEventDefinition id="du"/>'
)
SIGNAL = '<signalEventDefinition signalRef="s"/>'
ESCALATION = '<escalationEventDefinition escalationRef="c"/>'


def task(attributes, content=""):
    marker = "multiInstanceLoopCharacteristics"
    return f'<serviceTask id="t"><{marker} {attributes}>{content}</{marker}></serviceTask>'


def definition(event, condition="numberOfCompletedInstances == 2"):
    return (
        f"<complexBehaviorDefinition><condition>{condition}</condition><event>{event}</event>"
        "</complexBehaviorDefinition>"
    )


def thrown(loop):
    return [(event.type, event.definition.name, event.condition and event.condition.text) for event in loop.events]


@pytest.mark.parametrize(("behavior", "attribute"), [("One", "oneBehaviorEventRef"), ("None", "noneBehaviorEventRef")])
@pytest.mark.parametrize(
    ("reference", "expected"),
    [("ds", (T.SIGNAL_THROW_EVENT, "S", None)), ("y:dc", (T.ESCALATION_THROW_EVENT, "C", None))],
)
def test_the_first_or_each_instance_throws_the_event_that_is_referred_to(behavior, attribute, reference, expected):
    loop = accepted(task(f'behavior="{behavior}" {attribute}="{reference}"'), HEAD)["t"].loop
    assert (loop.behavior, thrown(loop)) == (behavior, [expected])


def test_without_a_behavior_nothing_is_thrown():
    for attributes in ("", 'behavior="All"', 'behavior="All" oneBehaviorEventRef="nothing"'):
        loop = accepted(task(attributes), HEAD)["t"].loop
        assert (loop.behavior, thrown(loop)) == ("All", [])


def test_conditions_choose_among_events():
    content = definition(SIGNAL) + definition("<eventDefinitionRef>dc</eventDefinitionRef>" + SIGNAL, "true")
    loop = accepted(task('behavior="Complex"', content), HEAD)["t"].loop
    assert thrown(loop) == [
        (T.SIGNAL_THROW_EVENT, "S", "numberOfCompletedInstances == 2"),
        (T.ESCALATION_THROW_EVENT, "C", "true"),
        (T.SIGNAL_THROW_EVENT, "S", "true"),
    ]


MUST = "event that multi-instance t throws must be a signal or an escalation, and not"
BOTH = "complexBehaviorDefinition of multi-instance t must have a condition and an event"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (task('behavior="One"'), "multi-instance t with behavior One must have a oneBehaviorEventRef"),
        (
            task('behavior="None" oneBehaviorEventRef="ds"'),
            "multi-instance t with behavior None must have a noneBehaviorEventRef",
        ),
        (
            task('behavior="One" oneBehaviorEventRef="z"'),
            "event definition z is not declared, but element t refers to it",
        ),
        (task('behavior="One" oneBehaviorEventRef="dx"'), f"{MUST} errorEventDefinition"),
        (task('behavior="One" oneBehaviorEventRef="du"'), "signal that multi-instance t throws must have a name"),
        (task('behavior="One" oneBehaviorEventRef="dn"'), "escalation that multi-instance t throws must have a code"),
        (task('behavior="Complex"'), "multi-instance t with behavior Complex must have a complexBehaviorDefinition"),
        (task('behavior="Complex"', "<complexBehaviorDefinition/>"), BOTH),
        (task('behavior="Complex"', definition("")), BOTH),
        (task('behavior="Complex"', definition(SIGNAL, "")), BOTH),
        (task('behavior="Complex"', definition("<timerEventDefinition/>")), f"{MUST} timerEventDefinition"),
        (
            task('behavior="Complex"', definition("<eventDefinitionRef>z</eventDefinitionRef>")),
            "event definition z is not declared, but element t refers to it",
        ),
        (
            task('behavior="Complex"', definition(SIGNAL, "a b")),
            "condition of a complexBehaviorDefinition of t cannot be evaluated: "
            "CEL expected an operator or the end at column 3",
        ),
    ],
)
def test_what_a_behavior_must_be_like(body, expected):
    assert causes(body, HEAD) == [("/p/t", "element", f"{expected} (line 2)")]


@pytest.mark.parametrize("head", [HEAD.replace('"S"', '"= a"'), HEAD.replace('"S"', '"a-${b}"')])
def test_where_the_engine_evaluates_the_name_must_be_a_literal(head):
    found = process(task('behavior="One" oneBehaviorEventRef="ds"'), head)
    assert found.causes == []
    (cause,) = check_expressions(found, {})
    assert cause.detail == "name or code of what multi-instance t throws must be a literal (line 2)"


def test_where_the_engine_evaluates_a_literal_is_one():
    assert check_expressions(process(task('behavior="One" oneBehaviorEventRef="ds"'), HEAD), {}) == []
