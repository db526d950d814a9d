"""Event sub-processes: what is read, and what is wrong about them."""

import pytest

from app.bpmn.definitions import duplicate_start_names, resolve
from app.bpmn.model import ElementType, EventDefinition
from tests.bpmn.build import accepted, causes, flow, process, warnings

T = ElementType
DECLARED = '<message id="m" name="M"/><signal id="g" name="G"/><error id="x" errorCode="X"/><error id="any"/>'
NOTHING = {"errors": {}, "escalations": {}, "messages": {}, "signals": {}, "timers": {}}


def handler(definition, id="x", attributes="", content=""):
    start = f'<startEvent id="s{id}" {attributes}>{definition}</startEvent>'
    return f'<subProcess id="{id}" triggeredByEvent="true">\n{start}{content}</subProcess>'


MESSAGE = '<messageEventDefinition messageRef="m"/>'
SIGNAL = '<signalEventDefinition signalRef="g"/>'
ERROR = '<errorEventDefinition errorRef="x"/>'


@pytest.mark.parametrize(
    ("definition", "type", "expected"),
    [
        (MESSAGE, T.MESSAGE_START_EVENT, EventDefinition(message_name="M")),
        (SIGNAL, T.SIGNAL_START_EVENT, EventDefinition(signal_name="G")),
        ("<timerEventDefinition/>", T.TIMER_START_EVENT, None),
        (ERROR, T.ERROR_START_EVENT, EventDefinition(error_code="X")),
        ('<errorEventDefinition errorRef="any"/>', T.ERROR_START_EVENT, EventDefinition(error_code="")),
        ("<errorEventDefinition/>", T.ERROR_START_EVENT, EventDefinition(error_code="")),
        ("<escalationEventDefinition/>", T.ESCALATION_START_EVENT, EventDefinition(escalation_code="")),
    ],
)
def test_a_start_event_has_the_type_of_its_definition(definition, type, expected):
    found = accepted(handler(definition), DECLARED)
    assert (found["x"].type, found["x"].children) == (T.EVENT_SUB_PROCESS, [found["sx"]])
    assert (found["sx"].type, found["sx"].definition) == (type, expected)
    assert found["sx"].interrupting
    assert not found["sx"].instantiates


@pytest.mark.parametrize("kind", ["cancel", "link", "terminate"])
def test_start_events_that_react_to_nothing_are_refused(kind):
    detail = f"element sx is not supported: {kind}EventDefinition in startEvent (line 3)"
    assert causes(handler(f"<{kind}EventDefinition/>")) == [("/p/x/sx", "element", detail)]


def test_a_start_event_says_whether_it_interrupts():
    assert not accepted(handler(MESSAGE, attributes='isInterrupting="false"'), DECLARED)["sx"].interrupting
    assert accepted(handler(MESSAGE, attributes='isInterrupting="1"'), DECLARED)["sx"].interrupting
    found = accepted('<startEvent id="s" isInterrupting="false"/>')
    assert found["s"].interrupting


@pytest.mark.parametrize("scope", ["subProcess", "transaction"])
def test_it_may_be_in_any_scope(scope):
    inner = handler("<timerEventDefinition/>", content=handler("<errorEventDefinition/>", "y"))
    found = accepted(f'<{scope} id="sp"><startEvent id="s"/>{inner}</{scope}>')
    assert found["y"].pointer == "/p/sp/x/y"


def test_that_it_is_for_compensation_says_nothing_new():
    body = handler("<timerEventDefinition/>").replace("triggered", 'isForCompensation="true" triggered')
    assert not accepted(body)["x"].is_compensation


TWO = "must have exactly one start event, but has"
EMPTY = '<subProcess id="x" triggeredByEvent="true"/>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (EMPTY, [("/p/x", "element", f"event sub-process x {TWO} none (line 2)")]),
        (
            handler("<timerEventDefinition/>", content='<startEvent id="b"><timerEventDefinition/></startEvent>'),
            [("/p/x", "element", f"event sub-process x {TWO} 2 (line 2)")],
        ),
        (
            handler(""),
            [
                (
                    "/p/x/sx",
                    "element",
                    "start event sx of event sub-process x must have an event definition (line 3)",
                )
            ],
        ),
        (
            handler("<errorEventDefinition/>", attributes='isInterrupting="false"'),
            [
                (
                    "/p/x/sx",
                    "element",
                    "start event sx of event sub-process x catches an error, so it must interrupt (line 3)",
                )
            ],
        ),
        (
            handler("<timerEventDefinition/>", attributes='isInterrupting="perhaps"'),
            [("/p/x/sx", "element", "element sx is not supported: isInterrupting perhaps (line 3)")],
        ),
        (
            handler("<timerEventDefinition/>") + '<task id="t"/>' + flow("t", "x") + flow("x", "t"),
            [
                (
                    "/p/t-x",
                    "sequence_flow",
                    "sequence flow t-x must not lead into event sub-process x (line 3)",
                ),
                ("/p/x-t", "sequence_flow", "sequence flow x-t must not leave event sub-process x (line 3)"),
            ],
        ),
        (
            handler("<timerEventDefinition/>")
            + '<boundaryEvent id="b" attachedToRef="x"><timerEventDefinition/></boundaryEvent>',
            [
                (
                    "/p/b",
                    "element",
                    "boundary event b cannot be attached to EVENT_SUB_PROCESS: not an activity (line 3)",
                )
            ],
        ),
    ],
)
def test_a_broken_rule_is_a_cause(body, expected):
    assert causes(body) == expected


@pytest.mark.parametrize("definition", [MESSAGE, SIGNAL, ERROR, "<errorEventDefinition/>"])
def test_only_one_may_interrupt_a_scope_by_the_same_trigger(definition):
    body = handler(definition, "x") + handler(definition, "y")
    detail = "interrupting start event sy catches the same as sx (line 4)"
    assert causes(body, DECLARED) == [("/p/y/sy", "element", detail)]


def test_different_triggers_scopes_and_those_that_do_not_interrupt_are_no_matter():
    beside = 'isInterrupting="false"'
    accepted(handler(ERROR, "x") + handler("<errorEventDefinition/>", "y"), DECLARED)
    accepted(handler(SIGNAL, "x") + handler(SIGNAL, "y", beside) + handler(SIGNAL, "z", beside), DECLARED)
    accepted(handler(SIGNAL, "x", content=handler(SIGNAL, "y")), DECLARED)
    accepted(handler("<timerEventDefinition/>", "x") + handler("<timerEventDefinition/>", "y"))


def test_it_must_not_be_in_an_ad_hoc_sub_process():
    body = f'<adHocSubProcess id="a"><task id="t"/>{handler("<timerEventDefinition/>")}</adHocSubProcess>'
    detail = "event sub-process x must not be in ad-hoc sub-process a (line 2)"
    assert causes(body) == [("/p/a/x", "element", detail)]


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("message", "no message name defined for element sx"),
        ("signal", "no signal name defined for element sx"),
    ],
)
def test_messages_and_signals_need_a_name(kind, detail):
    found = process(handler(f"<{kind}EventDefinition/>"))
    definitions, missing = resolve(found, **NOTHING)
    assert definitions == {}
    assert [(cause.pointer, cause.type, cause.detail) for cause in missing] == [("/p/x/sx", f"{kind}_event", detail)]
    named = EventDefinition(**{f"{kind}_name": "N"})
    assert resolve(found, **{**NOTHING, f"{kind}s": {"sx": "N"}}) == ({"sx": named}, [])


@pytest.mark.parametrize("definition", ["<timerEventDefinition/>", ERROR, "<escalationEventDefinition/>"])
def test_other_events_need_no_definition(definition):
    assert resolve(process(handler(definition), DECLARED), **NOTHING)[1] == []


def test_names_are_free_for_starts_of_processes_but_not_for_the_same_scope():
    start = f'<startEvent id="s">{MESSAGE}</startEvent>'
    found = process(start + handler(MESSAGE, "x") + handler("<messageEventDefinition/>", "y"), DECLARED)
    definitions, _ = resolve(found, **{**NOTHING, "messages": {"sy": "M"}})
    assert [(cause.pointer, cause.type, cause.detail) for cause in duplicate_start_names(found, definitions)] == [
        ("/p/y/sy", "message_event", "interrupting start event sy catches the same as sx")
    ]


LINE = '<startEvent id="s"/><serviceTask id="t"/><endEvent id="e"/>' + flow("s", "t") + flow("t", "e")


def test_an_event_sub_process_is_reached_without_a_flow():
    content = '<userTask id="u"/><endEvent id="f"/>' + flow("sx", "u") + flow("u", "f")
    assert warnings(LINE + handler("<timerEventDefinition/>", content=content)) == []
    assert [
        warning[:2]
        for warning in warnings(LINE + handler("<timerEventDefinition/>", content=content + "<task id='v'/>"))
    ] == [
        ("/p/x/v", "unreachable"),
        ("/p/x/v", "implicit-end"),
    ]
