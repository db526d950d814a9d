"""What distinguishes two versions of a process."""

import pytest

from app.bpmn.difference import compare
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import bpmn, flow
from tests.bpmn.test_conditions import A_AND_B, conditional

HEAD = '<message id="m" name="M"/><signal id="a" name="A"/><signal id="b" name="B"/><globalUserTask id="u"/>'
HEAD += '<signalEventDefinition id="da" signalRef="a"/>'


def changed(before, after):
    """Ids of the elements that have changed, with the aspects."""
    files = [
        bpmn(body, HEAD).replace("<definitions", '<definitions xmlns:own="urn:py-bpmn"') for body in (before, after)
    ]
    difference = compare(*(find_process(parse(file, evaluates=True), "p") for file in files))
    assert (difference.added, difference.removed) == ([], [])
    return {each.element.id: list(each.aspects) for each in difference.changed}


FORK = '<task id="g"/>' + A_AND_B + flow("g", "b")
CATCH = '<intermediateCatchEvent id="e">{}</intermediateCatchEvent>'
CONDITION = "<conditionalEventDefinition><condition>{}</condition></conditionalEventDefinition>"
TWO = '<signalEventDefinition signalRef="a"/><signalEventDefinition signalRef="b"/>'
UNDONE = (
    '<task id="a"/><boundaryEvent id="b" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    '<task id="u" isForCompensation="true"/><task id="v" isForCompensation="true"/>'
    '<association sourceRef="b" targetRef="{}"/>'
)
THROW = '<task id="a"/><endEvent id="c"><compensateEventDefinition {}/></endEvent>'
AD_HOC = '<adHocSubProcess id="x" {}><task id="a"/>{}</adHocSubProcess>'
MULTI = '<task id="t"><multiInstanceLoopCharacteristics {}>{}</multiInstanceLoopCharacteristics></task>'
MESSAGE = '<messageEventDefinition messageRef="m" {}/>'
ERROR = '<task id="t"/><boundaryEvent id="e" attachedToRef="t"><errorEventDefinition {}/></boundaryEvent>'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (FORK + conditional("g", "a", "x"), FORK + conditional("g", "a", "y"), {"g": ["outgoing"]}),
        (CATCH.format(CONDITION.format("x")), CATCH.format(CONDITION.format("y")), {"e": ["eventDefinition"]}),
        (CATCH.format(TWO), CATCH.format(TWO.replace('"b"', '"a"')), {"e": ["eventDefinition"]}),
        (
            CATCH.format(TWO),
            CATCH.format(TWO).replace('"e"', '"e" parallelMultiple="true"'),
            {"e": ["type", "eventDefinition"]},
        ),
        (UNDONE.format("u"), UNDONE.format("v"), {"b": ["eventDefinition"]}),
        (THROW.format(""), THROW.format('activityRef="a"'), {"c": ["eventDefinition"]}),
        (THROW.format(""), THROW.format('waitForCompletion="false"'), {"c": ["eventDefinition"]}),
        (AD_HOC.format("", ""), AD_HOC.format('ordering="Sequential"', ""), {"x": ["type"]}),
        (AD_HOC.format("", ""), AD_HOC.format('cancelRemainingInstances="false"', ""), {"x": ["type"]}),
        (
            AD_HOC.format("", "<completionCondition>x</completionCondition>"),
            AD_HOC.format("", "<completionCondition>y</completionCondition>"),
            {"x": ["type"]},
        ),
        (MULTI.format("", ""), MULTI.format('behavior="One" oneBehaviorEventRef="da"', ""), {"t": ["type"]}),
        (
            CATCH.format(MESSAGE.format("")),
            CATCH.format(MESSAGE.format('own:correlationKey="k"')),
            {"e": ["eventDefinition"]},
        ),
        (ERROR.format(""), ERROR.format('own:errorCodeVariable="x"'), {"e": ["eventDefinition"]}),
        (
            '<callActivity id="c" calledElement="q"/>',
            '<callActivity id="c" calledElement="u"/>',
            {"c": ["calledElement"]},
        ),
        (
            '<callActivity id="c" calledElement="q"/>',
            '<callActivity id="c" calledElement="q" own:variables="all"/>',
            {"c": ["calledElement"]},
        ),
    ],
)
def test_what_is_executed_otherwise_has_changed(before, after, expected):
    assert changed(before, after) == expected
    assert changed(after, before) == expected
    # Nothing has, where it is only written elsewhere.
    assert changed(after, f"\n\n{after}") == {}
