"""Events with several definitions."""

import pytest

from app.bpmn.advice import advise
from app.bpmn.definitions import duplicate_start_names, resolve
from app.bpmn.evaluation import check_expressions
from app.bpmn.model import ElementType, EventDefinition
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import accepted, bpmn, causes, elements, event, flow, process

T = ElementType

HEAD = (
    '<message id="m" name="M"/><message id="n" name="N"/><signal id="a" name="A"/><signal id="b" name="B"/>'
    '<error id="x" errorCode="X"/><escalation id="y" escalationCode="Y"/>'
)
NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}
MESSAGE = '<messageEventDefinition messageRef="m"/>'
A = '<signalEventDefinition signalRef="a"/>'
B = '<signalEventDefinition signalRef="b"/>'
TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
CONDITIONAL = "<conditionalEventDefinition><condition>x</condition></conditionalEventDefinition>"
ERROR = '<errorEventDefinition errorRef="x"/>'
ESCALATION = '<escalationEventDefinition escalationRef="y"/>'
ALL = 'parallelMultiple="true"'


def handler(content, attributes=""):
    start = f'<startEvent id="e" {attributes}>{content}</startEvent>'
    return f'<subProcess id="x" triggeredByEvent="true">{start}</subProcess>'


@pytest.mark.parametrize(
    ("body", "type", "all_type"),
    [
        (event("intermediateCatchEvent", A + B, "{}"), T.MULTIPLE_CATCH_EVENT, T.PARALLEL_MULTIPLE_CATCH_EVENT),
        (event("boundaryEvent", A + B, "{}"), T.MULTIPLE_BOUNDARY_EVENT, T.PARALLEL_MULTIPLE_BOUNDARY_EVENT),
        (handler(A + B, "{}"), T.MULTIPLE_START_EVENT, T.PARALLEL_MULTIPLE_START_EVENT),
        (event("startEvent", A + B, "{}"), T.MULTIPLE_START_EVENT, None),
        (event("intermediateThrowEvent", A + B, "{}"), T.MULTIPLE_THROW_EVENT, T.MULTIPLE_THROW_EVENT),
        (event("endEvent", A + B, "{}"), T.MULTIPLE_END_EVENT, T.MULTIPLE_END_EVENT),
    ],
)
def test_an_event_may_have_several_definitions_of_which_one_is_enough_or_all_are_needed(body, type, all_type):
    found = accepted(body.format(""), HEAD)["e"]
    assert (found.type, found.definition, found.parallel_multiple) == (type, None, False)
    assert [part.definition for part in found.parts] == [EventDefinition(signal_name=name) for name in "AB"]
    if all_type is not None:
        found = accepted(body.format(ALL), HEAD)["e"]
        assert (found.type, found.parallel_multiple) == (all_type, all_type is not type)


def test_the_definitions_are_read_in_document_order():
    found = accepted(event("boundaryEvent", ERROR + CONDITIONAL + TIMER + ESCALATION + MESSAGE), HEAD)["e"]
    assert [part.type for part in found.parts] == [
        T.ERROR_BOUNDARY_EVENT,
        T.CONDITIONAL_BOUNDARY_EVENT,
        T.TIMER_BOUNDARY_EVENT,
        T.ESCALATION_BOUNDARY_EVENT,
        T.MESSAGE_BOUNDARY_EVENT,
    ]
    assert [part.definition.name for part in found.parts if part.definition] == ["X", None, "Y", "M"]
    assert found.parts[1].condition.text == "x"


def test_definitions_may_be_declared_elsewhere():
    head = HEAD + '<signalEventDefinition id="d" signalRef="b"/>'
    body = event("intermediateCatchEvent", A + "<eventDefinitionRef>d</eventDefinitionRef>")
    assert [part.definition.name for part in accepted(body, head)["e"].parts] == ["A", "B"]
    twice = event("intermediateCatchEvent", A + "<eventDefinitionRef>z</eventDefinitionRef>")
    assert causes(twice, head) == [
        ("/p/e", "element", "event definition z is not declared, but element e refers to it (line 2)")
    ]


MANY = "event e has several definitions, of which only one may be left to a job: a correlation key, or a timer"
SAY = "definition 2 of event e must say which"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            event("intermediateCatchEvent", A + ERROR),
            ["element e is not supported: errorEventDefinition in intermediateCatchEvent"],
        ),
        (event("startEvent", A + ERROR), ["element e is not supported: errorEventDefinition in startEvent"]),
        (
            event("startEvent", A + CONDITIONAL),
            ["element e is not supported: conditionalEventDefinition in startEvent"],
        ),
        (
            event("intermediateThrowEvent", A + MESSAGE),
            ["element e is not supported: messageEventDefinition in intermediateThrowEvent"],
        ),
        (
            event("endEvent", A + "<terminateEventDefinition/>" + ERROR),
            [
                "element e is not supported: terminateEventDefinition in endEvent",
                "element e is not supported: errorEventDefinition in endEvent",
            ],
        ),
        (
            event("boundaryEvent", A + "<compensateEventDefinition/>"),
            ["element e is not supported: compensateEventDefinition in boundaryEvent"],
        ),
        (
            event("intermediateCatchEvent", A + '<linkEventDefinition name="l"/>'),
            ["element e is not supported: linkEventDefinition in intermediateCatchEvent"],
        ),
        (event("intermediateCatchEvent", A + "<signalEventDefinition/>"), [f"{SAY} signal it is about"]),
        (event("intermediateCatchEvent", A + "<messageEventDefinition/>"), [f"{SAY} message it is about"]),
        (event("boundaryEvent", A + "<errorEventDefinition/>"), [f"{SAY} error it is about"]),
        (event("endEvent", A + "<escalationEventDefinition/>"), [f"{SAY} escalation it is about"]),
        (event("startEvent", A + "<timerEventDefinition/>"), [f"{SAY} timer it is about"]),
        (
            event("intermediateCatchEvent", A + "<conditionalEventDefinition/>"),
            ["definition 2 of event e must have a condition"],
        ),
        (
            event("intermediateCatchEvent", A + CONDITIONAL.replace(">x<", ">a b<")),
            ["condition of e cannot be evaluated: CEL expected an operator or the end at column 3"],
        ),
        (
            event("boundaryEvent", A + B, 'parallelMultiple="perhaps"'),
            ["element e is not supported: parallelMultiple perhaps"],
        ),
        (event("intermediateCatchEvent", A + B, 'parallelMultiple=" false "'), []),
        (event("intermediateCatchEvent", A + "<timerEventDefinition/>"), []),
        (event("intermediateCatchEvent", A + MESSAGE), []),
        (event("intermediateCatchEvent", MESSAGE + "<timerEventDefinition/>"), [MANY]),
        (event("intermediateCatchEvent", MESSAGE + MESSAGE.replace('"m"', '"n"')), [MANY]),
        (event("startEvent", MESSAGE + TIMER + A), []),
        (event("startEvent", A + B, ALL), ["start event e of a process must not wait for all of its definitions"]),
        (
            event("boundaryEvent", A + ERROR, ALL),
            ["event e waits for all of its definitions, so none must be an error"],
        ),
        (
            event("boundaryEvent", A + ERROR, 'cancelActivity="false"'),
            ["event e catches an error, so it must interrupt"],
        ),
        (handler(A + ERROR, 'isInterrupting="false"'), ["event e catches an error, so it must interrupt"]),
        (handler(A + "<errorEventDefinition/>"), []),
        (
            event("intermediateCatchEvent", A + '<signalEventDefinition signalRef="z"/>'),
            ["signal z of element e is not declared", f"{SAY} signal it is about"],
        ),
    ],
)
def test_what_several_definitions_must_be_like(body, expected):
    assert [detail.partition(" (line")[0] for _, _, detail in causes(body, HEAD)] == expected


def test_an_event_behind_an_event_based_gateway_may_have_several_definitions_of_which_one_is_enough():
    gateway = '<eventBasedGateway id="g"/>' + flow("g", "e") + flow("g", "o")
    other = f'<intermediateCatchEvent id="o">{TIMER}</intermediateCatchEvent>'
    accepted(gateway + other + event("intermediateCatchEvent", A + B), HEAD)
    what = "event-based gateway g cannot be followed by PARALLEL_MULTIPLE_CATCH_EVENT (line 2)"
    assert causes(gateway + other + event("intermediateCatchEvent", A + B, ALL), HEAD) == [("/p/e", "element", what)]


def test_each_definition_of_a_start_event_starts_the_process():
    found = process(event("startEvent", MESSAGE + A) + '<startEvent id="s">' + A + "</startEvent>", HEAD)
    assert elements(found)["e"].instantiates
    (cause,) = duplicate_start_names(found, resolve(found, **NOTHING)[0])
    assert (cause.pointer, cause.type, cause.detail) == ("/p/s", "signal_event", "start signal name A must be unique")


def test_only_one_event_sub_process_interrupts_for_a_trigger():
    second = handler(B).replace('id="x"', 'id="y"').replace('id="e"', 'id="f"')
    what = "interrupting start event f catches the same as e (line 2)"
    assert causes(handler(A + B) + second, HEAD) == [("/p/y/f", "element", what)]


@pytest.mark.parametrize("kind", ["errors", "messages", "signals", "timers"])
def test_a_request_says_nothing_about_an_event_with_several_definitions(kind):
    found = process(event("boundaryEvent", A + TIMER), HEAD)
    _, told = resolve(found, **NOTHING | {kind: {"e": None}})
    assert [cause.pointer for cause in told] == ["/p/e"]


def test_a_timer_that_is_no_timer_is_told():
    found = process(event("intermediateCatchEvent", A + TIMER.replace("PT1H", "an hour")), HEAD)
    told = [warning.detail for warning in advise(found) if warning.type == "timer-text"]
    assert told == ["timeDuration 'an hour' of event e is not an ISO 8601 duration (line 2)"]


def evaluated(content, head=HEAD, tag="intermediateCatchEvent"):
    xml = bpmn(event(tag, content), head).replace("<definitions", '<definitions xmlns:own="urn:py-bpmn"')
    found = find_process(parse(xml, evaluates=True), "p")
    return [cause.detail.partition(" (line")[0] for cause in found.causes + check_expressions(found, {})]


def test_where_the_engine_evaluates_several_keys_and_timers_may_be_needed():
    key = 'own:correlationKey="= key" messageRef'
    both = MESSAGE + MESSAGE.replace('"m"', '"n"')
    assert evaluated(both) == [MANY]
    assert evaluated(both.replace("messageRef", key) + TIMER.replace("PT1H", "= wait")) == []
    assert evaluated(both.replace("messageRef", key) + TIMER.replace("PT1H", "${")) == [
        "timer of e cannot be evaluated: JUEL expected } at column 3"
    ]


def test_where_the_engine_evaluates_names_must_be_evaluable_and_codes_that_are_caught_literal():
    assert evaluated(A + B, HEAD.replace('"B"', '"= b"')) == []
    assert evaluated(A + B, HEAD.replace('"B"', '"= b c"')) == [
        "signalName of e cannot be evaluated: FEEL expected an operator or the end at column 5"
    ]
    assert evaluated(A + B, HEAD.replace('"B"', '"= b"'), "startEvent") == ["no signal name defined for element e"]
    assert evaluated(A + ERROR, HEAD.replace('"X"', '"= x"'), "boundaryEvent") == [
        "error code of element e must be a literal, since the event catches it"
    ]
