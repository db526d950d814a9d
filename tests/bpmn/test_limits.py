"""How long names may be, and how large a process: what is more is a cause that names the line."""

import pytest

from app.bpmn.causes import MAX_TEXT
from app.bpmn.parser import find_process, parse
from app.errors import EngineError
from tests.bpmn.build import accepted, causes, event, process
from tests.bpmn.test_checks import CATCH, THROW, flow

LONG, TOO_LONG = "x" * 255, "x" * 256


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ('<task id="{}"/>', f"/p/{LONG}", f"ID of element {LONG} is longer than 255 characters (line 2)"),
        (
            '<subProcess id="{}"><startEvent id="s"/></subProcess>',
            f"/p/{LONG}",
            f"ID of element {LONG} is longer than 255 characters (line 2)",
        ),
        (
            CATCH.format("c", "{}") + THROW.format("t", "{}"),
            ["/p/c", "/p/t"],
            [f"link name of element {id} is longer than 255 characters (line 2)" for id in "ct"],
        ),
    ],
)
def test_ids_and_link_names_have_at_most_255_characters(body, pointer, detail):
    accepted(body.replace("{}", LONG))
    expected = [(pointer, detail)] if isinstance(pointer, str) else list(zip(pointer, detail, strict=True))
    found = causes(body.replace("{}", TOO_LONG))
    assert [(where, what) for where, _, what in found] == expected
    assert {kind for _, kind, _ in found} == {"element"}


def test_white_space_around_an_id_does_not_count():
    assert LONG in accepted(f'<task id="  {LONG}\n"/>')


def test_ids_of_flows_have_at_most_255_characters():
    body = '<task id="a"/><task id="b"/>\n'
    accepted(body + flow("a", "b", LONG))
    detail = "ID of sequenceFlow is longer than 255 characters (line 3)"
    assert causes(body + flow("a", "b", TOO_LONG)) == [(f"/p/{LONG}", "sequence_flow", detail)]


def test_the_id_of_a_process_has_at_most_255_characters():
    def found(process_id):
        model = parse(f'<definitions>\n<process id="{process_id}" isExecutable="1"/></definitions>')
        return find_process(model, process_id).causes

    assert found(LONG) == []
    (cause,) = found(TOO_LONG)
    assert (cause.pointer, cause.type) == (f"/{LONG}", "element")
    assert cause.detail == f"ID of element {LONG} is longer than 255 characters (line 2)"


def test_two_ids_that_are_too_long_are_told_apart():
    body = f'<task id="{TOO_LONG}a"/><task id="{TOO_LONG}b"/>' + flow(TOO_LONG + "a", TOO_LONG + "b", "f")
    assert [detail for _, _, detail in causes(body)] == [
        f"ID of element {LONG} is longer than 255 characters (line 2)",
    ] * 2


def test_names_of_elements_have_at_most_4000_characters():
    accepted(f'<task id="t" name="{"x" * 4000}"/>')
    assert causes(f'<task id="t" name="{"x" * 4001}"/>') == [
        ("/p/t", "element", "name of element t is longer than 4000 characters (line 2)")
    ]


def test_a_called_element_has_room_for_an_id_and_a_version():
    accepted(f'<callActivity id="c" calledElement="{LONG}:{LONG}"/>')
    assert causes(f'<callActivity id="c" calledElement="{LONG}:{TOO_LONG}"/>') == [
        ("/p/c", "element", "called element of element c is longer than 511 characters (line 2)")
    ]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("message", "name"), ("signal", "name"), ("error", "errorCode"), ("escalation", "escalationCode")],
)
def test_names_and_codes_that_events_refer_to_have_at_most_255_characters(kind, value):
    body = event("boundaryEvent", f'<{kind}EventDefinition {kind}Ref="d"/>')
    assert accepted(body, f'<{kind} id="d" {value}="{LONG}"/>')["e"].definition_cause is None
    cause = accepted(body, f'\n<{kind} id="d" {value}="{TOO_LONG}"/>')["e"].definition_cause
    assert (cause.pointer, cause.type) == ("/p/e", f"{kind}_event")
    assert cause.detail == f"{kind} d of element e has a {value} of more than 255 characters (line 2)"


@pytest.mark.parametrize(
    ("collaboration", "what"),
    [
        ('<collaboration id="{}"/>', "ID of the collaboration of process p is longer than 255 characters (line 2)"),
        (
            '<collaboration id="c">\n<participant id="{}" processRef="p"/></collaboration>',
            "ID of the participant of process p is longer than 255 characters (line 3)",
        ),
    ],
)
def test_ids_of_collaboration_and_participant_have_at_most_255_characters(collaboration, what):
    accepted("", "\n" + collaboration.format(LONG))
    assert causes("", "\n" + collaboration.format(TOO_LONG)) == [("/p", "process", what)]


def test_the_name_of_a_participant_has_at_most_4000_characters():
    collaboration = '<collaboration><participant name="{}" processRef="p"/></collaboration>'
    accepted("", collaboration.format("x" * 4000))
    assert causes("", collaboration.format("x" * 4001)) == [
        ("/p", "process", "name of the participant of process p is longer than 4000 characters (line 1)")
    ]


def test_a_process_has_at_most_20_000_elements():
    tasks = [f'<task id="t{number}"/>' for number in range(20_000)]
    accepted("".join(tasks[:-1]))
    assert causes("".join(tasks)) == [("/p", "process", "process p has more than 20000 elements (line 1)")]


def test_a_process_has_at_most_1000_start_events_with_a_definition():
    starts = [f'<startEvent id="s{number}"><timerEventDefinition/></startEvent>' for number in range(1001)]
    accepted("".join(starts[:-1]) + '<startEvent id="s"/>')
    assert causes("".join(starts)) == [("/p", "process", "process p has more than 1000 start events (line 1)")]


@pytest.mark.parametrize("tag", ["intermediateCatchEvent", "startEvent", "intermediateThrowEvent"])
def test_an_event_has_at_most_1000_definitions(tag):
    head = "".join(f'<signal id="s{number}" name="S{number}"/>' for number in range(1001))
    parts = [f'<signalEventDefinition signalRef="s{number}"/>' for number in range(1001)]
    assert len(accepted(event(tag, "".join(parts[1:])), head)["e"].parts) == 1000
    assert ("/p/e", "element", "event e has more than 1000 definitions (line 2)") in causes(
        event(tag, "".join(parts)), head
    )


def test_start_events_of_a_process_have_at_most_1000_definitions():
    head = "".join(f'<signal id="s{number}" name="S{number}"/>' for number in range(1002))
    parts = [f'<signalEventDefinition signalRef="s{number}"/>' for number in range(1002)]

    def starts(count):
        half = event("startEvent", "".join(parts[:501])).replace('id="e"', 'id="f"')
        return half + event("startEvent", "".join(parts[501:count]))

    accepted(starts(1000), head)
    detail = "start events of process p have more than 1000 definitions (line 1)"
    assert causes(starts(1002), head) == [("/p", "process", detail)]


def test_causes_in_deep_sub_processes_do_not_add_up_to_an_endless_answer():
    deep = "".join(f'<subProcess id="{"x" * 250}{level}"><startEvent id="s{level}"/>' for level in range(50))
    body = deep + "".join(f'<callChoreography id="r{number}"/>' for number in range(1000)) + "</subProcess>" * 50
    found = process(body).causes
    assert 50 < len(found) < 100
    assert sum(len(cause.pointer) + len(cause.detail) for cause in found) < MAX_TEXT + 20_000


@pytest.mark.parametrize(
    "body",
    [
        '<task id="{}"/>',
        '<task id="t"><incoming>{}</incoming></task>',
        '<sequenceFlow id="f" sourceRef="{}" targetRef="{}"/>',
        '<exclusiveGateway id="g" default="{}"/>',
        '<task id="t" startQuantity="{}"/>',
        '<eventBasedGateway id="t" eventGatewayType="{}"/>',
        '<boundaryEvent id="b" attachedToRef="{}"><timerEventDefinition/></boundaryEvent>',
        THROW.format("t", "{}"),
        CATCH.format("t", "{}") + CATCH.format("u", "{}"),
        '<callActivity id="c" calledElement="{}"/>',
    ],
)
def test_a_problem_does_not_repeat_a_text_of_any_length(body):
    found = causes(body.replace("{}", "x" * 100_000))
    assert found
    assert all(len(pointer) + len(detail) < 1000 for pointer, _, detail in found)


def test_the_ids_of_other_processes_are_listed_up_to_a_hundred():
    processes = "".join(f'<process id="q{number}"/>' for number in range(101))
    model = parse(f"<definitions>{processes}</definitions>")
    with pytest.raises(EngineError) as caught:
        find_process(model, "p")
    assert caught.value.detail.startswith("BPMN model has no process p, but [q0, q1, ")
    assert caught.value.detail.endswith(", q99, …]")


def test_an_undefined_event_is_named_up_to_255_characters():
    with pytest.raises(EngineError) as caught:
        process(f'<boundaryEvent id="{TOO_LONG}"/>')
    assert caught.value.detail == f"BPMN XML is invalid: failed to determine type of boundary event {LONG}"
