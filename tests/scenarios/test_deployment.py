"""Deploying: what is refused, what is stored, and what a newer version changes."""

from contextlib import closing
from datetime import datetime

import pytest
from sqlalchemy import update

from app import criteria as c
from app.bpmn.parser import parse
from app.commands.process import CreateProcess, GetBpmnXml
from app.errors import EngineError
from app.service import open_service
from app.store.tables import ElementRow, ProcessRow, table
from app.timer import Timer
from tests.flow import END, PARALLEL, SERVICE, Kind, boundary, catch, end, flow, start, sub
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
        flow("s -> e", s=start("message:m")).replace("</startEvent>", "<signalEventDefinition/></startEvent>"),
    ],
    ids=["catch escalation", "boundary link", "start link", "end link", "two definitions"],
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


ODD = flow("s -> g -> t -> e; u -> e", g=PARALLEL, u=SERVICE)


def warned(process):
    return [(warning.pointer, warning.type) for warning in process.warnings]


def test_what_is_odd_is_accepted_with_warnings_each_time_it_is_deployed(engine):
    first = deploy(engine, ODD)
    assert warned(first) == [("/p/u", "unreachable"), ("/p/g", "single-flow-gateway")]
    again = deploy(engine, ODD)
    assert (again.id, warned(again)) == (first.id, warned(first))
    assert warned(deploy(engine, LINE, version="2")) == []
    assert [process.warnings for process in engine.query(c.ProcessCriteria())] == [(), ()]


def test_what_another_pool_gets_wrong_does_not_keep_a_process_from_being_deployed(engine):
    broken = '<process id="q" isExecutable="true"><boundaryEvent id="b"/><receiveTask id="t"/></process>'
    process = deploy(engine, LINE.replace("</definitions>", f"{broken}</definitions>"))
    found = engine.query(c.ElementCriteria(process_id=process.id))
    assert [element.bpmn_element_id for element in found] == ["p", "s", "t", "e"]


def test_a_reference_over_several_lines_starts_a_task_once_and_completes_a_join(engine):
    model = flow("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL)
    drawn = "".join(
        f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}"/>'
        for source, target in ("sf", "fa", "fb", "aj", "bj", "je")
    )
    model = model.replace("<incoming>", "<incoming>\n  ").replace("</process>", f"{drawn}</process>")
    story = Story.start(engine, model)
    assert [job.bpmn_element_id for job in story.jobs()] == ["a", "b"]
    story.job_completes("a").job_completes("b").tasks_run("DONE", "CANCELED").is_completed()


def test_definitions_of_a_request_find_elements_whose_ids_are_written_with_white_space(engine):
    model = flow("s -> c -> e", c=catch("signal")).replace('id="c"', 'id=" c\n"')
    assert Story.start(engine, model, definitions={"signals": {"c": "g"}}).subscriptions() == ["g"]
    process = deploy(engine, model, version="2", signals={" c ": "h"})
    (found,) = engine.query(c.ElementCriteria(process_id=process.id, bpmn_element_id="c"))
    assert found.definition.signal_name == "h"


@pytest.mark.parametrize("kind", ["task", "manualTask"])
def test_a_boundary_event_of_a_task_that_is_passed_through_is_never_reached(engine, kind):
    event = boundary("t", "message:m")
    process = deploy(engine, flow("s -> t -> u -> e; b -> eb", t=Kind(kind), b=event))
    assert warned(process) == [("/p/b", "never-armed")]
    story = Story.of(engine)
    assert [(visit.bpmn_element_id, visit.state) for visit in story.visits()] == [
        ("p", "STARTED"),
        ("s", "COMPLETED"),
        ("t", "COMPLETED"),
        ("u", "STARTED"),
    ]
    assert story.subscriptions() == []
    story.job_completes("u").is_completed()


def test_nothing_is_locked_while_a_file_is_read(config, clock, monkeypatch):
    """A file may take a second; another service deploys meanwhile."""
    with closing(open_service(config, clock)) as service, closing(open_service(config, clock)) as other:

        def slow(xml, **options):
            monkeypatch.setattr("app.commands.process.parse", parse)
            deploy(other, flow("s -> e", process="q"))
            return parse(xml, **options)

        monkeypatch.setattr("app.commands.process.parse", slow)
        deploy(service, LINE)
        assert [process.bpmn_process_id for process in service.query(c.ProcessCriteria())] == ["q", "p"]


LONG = "\N{GRINNING FACE}" * 255


def test_names_of_255_characters_of_any_kind_are_stored_and_found(engine):
    starts = flow("s -> t -> e; b -> eb", s=start("message"), b=boundary("t", "signal:x"))
    process = deploy(engine, starts.replace('name="x"', f'name="{LONG}"'), messages={"s": LONG})
    found = {e.bpmn_element_id: e.definition for e in engine.query(c.ElementCriteria(process_id=process.id))}
    assert (found["s"].message_name, found["b"].signal_name) == (LONG, LONG)
    named = flow("s -> t -> e", process="q").replace('id="t"', f'id="{"x" * 255}" name="{LONG * 10}"')
    process = deploy(engine, named)
    assert [e.bpmn_element_name for e in engine.query(c.ElementCriteria(process_id=process.id))][2] == LONG * 10


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_a_name_of_more_than_255_characters_is_a_cause(engine, kind):
    model = flow("s -> c -> e", c=catch(f"{kind}:x")).replace('name="x"', f'name="{LONG}!"')
    (found,) = causes(engine, model)
    assert found == (
        "/p/c",
        f"{kind}_event",
        f"{kind} {kind}_x of element c has a name of more than 255 characters (line 1)",
    )


def store(config, clock, accepted, xml, **ids):
    """Stores `xml` as an earlier version did, which refused less; `accepted` is a model with the same elements.

    `ids` are those of elements that it has kept as they were written.
    """
    with closing(open_service(config, clock)) as service:
        deploy(service, accepted)
        with service._store._dialect.engine.connect() as connection:
            connection.execute(update(table(ProcessRow)).values(bpmn_xml=xml))
            element = table(ElementRow)
            for id, written in ids.items():
                connection.execute(
                    update(element).where(element.c.bpmn_element_id == id).values(bpmn_element_id=written)
                )


def test_a_stored_process_runs_whatever_would_be_refused_today(config, clock):
    model = flow("s -> t -> e; e -> s", s=Kind("startEvent"), e=END)
    store(config, clock, flow("s -> t -> e"), model)
    with closing(open_service(config, clock)) as service:
        with pytest.raises(EngineError):
            deploy(service, model, version="2")
        story = Story.of(service)
        assert [job.bpmn_element_id for job in story.jobs()] == ["t"]
        story.job_completes("t")
        assert [job.bpmn_element_id for job in story.jobs()] == ["t"]


def test_a_stored_process_that_would_be_refused_today_is_still_answered_with_warnings(config, clock):
    model = flow("s -> t -> e; e -> s", s=Kind("startEvent"), e=END)
    store(config, clock, flow("s -> t -> e"), model)
    with closing(open_service(config, clock)) as service:
        process = deploy(service, model)
        assert warned(process)[:2] == [("/p/e_s", "refused"), ("/p/e_s", "refused")]
        assert [known.id for known in service.query(c.ProcessCriteria())] == [process.id]


def test_a_stored_flow_that_is_not_drawn_is_still_taken(config, clock):
    drawn = '<sequenceFlow id="s_t" sourceRef="s" targetRef="t"/></process>'
    store(config, clock, LINE, LINE.replace("</process>", drawn))
    with closing(open_service(config, clock)) as service:
        Story.of(service).job_completes("t").is_completed()


def test_a_stored_process_keeps_its_ids_and_loses_the_flows_that_white_space_made(config, clock):
    drawn = "".join(
        f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}"/>'
        for source, target in ("st", "te")
    )
    model = LINE.replace('id="t"', 'id=" t"').replace("</process>", f"{drawn}</process>")
    model = model.replace("coming>s_t<", "coming> s_t<").replace("going>s_t<", "going> s_t<")
    store(config, clock, LINE, model, t=" t")
    with closing(open_service(config, clock)) as service:
        story = Story.of(service)
        assert [job.bpmn_element_id for job in story.jobs()] == [" t"]
        story.job_completes(" t").is_completed()
