"""Deploying: what is refused, what is stored, and what a newer version changes."""

from contextlib import closing
from datetime import datetime

import pytest

from app import criteria as c
from app.commands.process import CreateProcess, GetBpmnXml
from app.errors import EngineError
from app.service import open_service
from app.timer import Timer
from tests.flow import PARALLEL, SERVICE, Kind, boundary, catch, end, flow, start, sub
from tests.story import Story, deploy, detail, tasks

LINE = flow("s -> t -> e")


def command(xml, **fields):
    return CreateProcess(**{"bpmn_process_id": "p", "bpmn_xml": xml, "version": "1", "worker_id": "w", **fields})


def causes(engine, xml, **fields):
    """Pointer, type and detail of each."""
    with pytest.raises(EngineError) as error:
        engine.execute(command(xml, **fields))
    assert engine.query(c.ProcessCriteria()) == []
    return [(cause.pointer, cause.type, cause.detail) for cause in error.value.causes]


def test_elements_are_numbered_breadth_first(engine):
    inner = sub("s2 -> f -> t, ee", f=PARALLEL, t=SERVICE, ee=end("error:X"))
    process = deploy(engine, flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "error:X")))
    found = engine.query(c.ElementCriteria(process_id=process.id))
    assert [element.bpmn_element_id for element in found] == ["p", "s", "sp", "e", "b", "eb", "s2", "f", "t", "ee"]
    assert [element.parent_bpmn_element_id for element in found] == [None, *["p"] * 5, *["sp"] * 4]
    assert [e.definition.error_code for e in found if e.definition] == ["X", "X"]


def test_the_same_version_with_the_same_xml_is_answered_with_what_is_there(engine):
    first = deploy(engine, LINE, tags={"a": "1"}, parallelism=1)
    again = deploy(engine, LINE, tags={"a": "2"}, parallelism=5, worker="other")
    assert (again.id, again.tags, again.parallelism, again.created_by) == (first.id, {"a": "1"}, 1, "w")
    Story.of(engine)
    Story.of(engine).has_state("QUEUED")
    assert engine.execute(GetBpmnXml(id=first.id)) == LINE


def test_the_same_version_with_other_xml_is_a_conflict(engine):
    deploy(engine, LINE)
    other = command(flow("s -> e"))
    assert detail(engine, other) == "CONFLICT: process p:1 already exists with a different BPMN XML"


def test_xml_that_ends_too_early_is_refused(engine):
    problem = detail(engine, command(LINE.removesuffix("</definitions>")))
    assert problem.startswith("PROCESS_MODEL: BPMN XML is invalid: ")
    assert detail(engine, command(LINE.replace("<process", "&nope;<process"))).startswith("PROCESS_MODEL: ")
    assert engine.query(c.ProcessCriteria()) == []


@pytest.mark.parametrize(
    "model",
    [
        flow("s -> c -> e", c=catch("escalation")),
        flow("s -> t -> e; b -> e", b=boundary("t", "link:L")),
        flow("s -> e", s=start("link:L")),
        flow("s -> e", e=end("link:L")),
        LINE.replace("<process ", "<messageEventDefinition/><process "),
        flow("s -> e", s=start("message:m")).replace("</startEvent>", "<signalEventDefinition/></startEvent>"),
    ],
    ids=["catch escalation", "boundary link", "start link", "end link", "at the root", "two definitions"],
)
def test_an_event_definition_where_none_may_be_is_refused(engine, model):
    assert detail(engine, command(model)).startswith("PROCESS_MODEL: ")


@pytest.mark.parametrize("tag", ["endEvent", "intermediateThrowEvent"])
def test_a_timer_cannot_be_thrown(engine, tag):
    model = flow("s -> x", x=Kind(tag, event="timer:PT1H"))
    assert [(pointer, type) for pointer, type, _ in causes(engine, model)] == [("/p/x", "element")]


def test_an_id_is_used_once(engine):
    model = LINE.replace('id="e"', 'id="t"')
    assert ("/p/t", "element") in [(pointer, type) for pointer, type, _ in causes(engine, model)]


def test_a_definition_that_is_refused_leaves_nothing_behind(engine):
    model = flow("s -> t -> e", s=start("message"))
    refused = command(model, messages={"s": "go", "unknown": "x"})
    assert detail(engine, refused) == "VALIDATION: invalid or missing event definitions"
    assert engine.query(c.ElementCriteria()) == []
    process = deploy(engine, model, messages={"s": "go"})
    found = engine.query(c.ElementCriteria(process_id=process.id, bpmn_element_id="s"))
    assert [e.definition.message_name for e in found] == ["go"]


@pytest.mark.parametrize(
    ("event", "type"), [("message", "message_event"), ("signal", "signal_event"), ("timer", "timer_event")]
)
def test_a_start_event_needs_a_definition(engine, event, type):
    found = causes(engine, flow("s -> e", s=start(event)))
    assert [(pointer, cause) for pointer, cause, _ in found] == [("/p/s", type)]


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_a_reference_to_something_undeclared_or_nameless_is_refused(engine, kind):
    named = flow("s -> c -> e", c=catch(f"{kind}:x"))
    for model in (named.replace(f'{kind}Ref="{kind}_x"', f'{kind}Ref="no"'), named.replace('name="x"', 'name=""')):
        assert [(pointer, type) for pointer, type, _ in causes(engine, model)] == [("/p/c", f"{kind}_event")]


def test_a_request_overrides_a_reference_that_leads_nowhere(engine):
    model = flow("s -> c -> e", c=catch("signal:x")).replace('name="x"', 'name=""')
    story = Story.start(engine, model, definitions={"signals": {"c": "g"}})
    assert story.subscriptions() == ["g"]


def test_a_message_starts_one_process_only(engine):
    deploy(engine, flow("s -> e", process="q", s=start("message:go")))
    with pytest.raises(EngineError) as error:
        engine.execute(command(flow("s -> e", s=start("message:go"))))
    assert [cause.detail for cause in error.value.causes] == [
        "start message name go must be unique - already defined in process q:1"
    ]
    deploy(engine, flow("s -> e", process="q", s=start("message:other")), version="2")
    deploy(engine, flow("s -> e", s=start("message:go")))


def test_a_timer_of_a_replaced_version_is_done_without_an_instance(engine):
    model = flow("s -> e", s=start("timer"))
    deploy(engine, model, timers={"s": Timer(time_cycle="0 * * * *")})
    deploy(engine, model, version="2", timers={"s": Timer(time_duration="P1D")})
    story = Story.start(engine, flow("s -> e", process="q"))
    story.clock_advances(hours=1).tasks_run("DONE")
    assert [s.bpmn_process_id for s in engine.query(c.ProcessInstanceCriteria())] == ["q"]
    assert len(tasks(engine)) == 2


def test_a_time_with_another_zone_keeps_its_instant(engine):
    story = Story.start(engine, flow("s -> c -> e", c=catch("timer:2026-11-24T01:30:00+02:00")))
    assert [task.due_at.isoformat() for task in story.tasks()] == ["2026-11-23T23:30:00"]


def test_a_time_keeps_its_milliseconds_over_a_restart(config, clock):
    time = datetime(2026, 11, 24, 1, 30, 0, 123_000)
    with closing(open_service(config, clock)) as service:
        deploy(service, flow("s -> c -> e", c=catch("timer")), timers={"c": Timer(time=time)})
    with closing(open_service(config, clock)) as service:
        (task,) = Story.of(service).tasks()
        assert task.due_at == time
        assert task.serialized_task == '{"Timer":{"time":"2026-11-24T01:30:00.123Z","timeDuration":null}}'


def test_processes_are_found_by_their_tags(engine):
    first = deploy(engine, LINE, tags={"a": "1", "gone": ""})
    deploy(engine, LINE, version="2", tags={"a": "2"})
    assert first.tags == {"a": "1"}
    assert [p.version for p in engine.query(c.ProcessCriteria(tags={"a": "1"}))] == ["1"]
    assert [p.version for p in engine.query(c.ProcessCriteria(tags={"a": ""}))] == ["1", "2"]


def test_a_process_tells_who_takes_part_in_a_collaboration(engine):
    collaboration = '<collaboration id="c"><participant id="x" name="We" processRef="p"/></collaboration>'
    found = deploy(engine, LINE.replace("<process ", f"{collaboration}<process "))
    assert (found.bpmn_collaboration_id, found.bpmn_participant_id, found.bpmn_participant_name) == ("c", "x", "We")
