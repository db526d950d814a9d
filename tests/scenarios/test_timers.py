"""Timer events: boundary, catch and start, from requests, jobs and the XML."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from app import criteria as c
from app.commands import runner
from app.commands.incident import ResolveIncident
from app.commands.process import CreateProcess
from app.commands.system import SetTime
from app.errors import execution_failed
from app.service import Service
from app.timer import Timer
from tests.flow import boundary, catch, flow, start
from tests.story import Story, advance, deploy, detail, instances, run_tasks, tasks

HOUR = Timer(time_duration="PT1H")
ALONGSIDE = flow("s -> t -> e; b -> eb", b=boundary("t", "timer", interrupting=False))


def at(engine, text):
    """Moves engine time to a point in time."""
    engine.execute(SetTime(timer=Timer(time=datetime.fromisoformat(text))))


def alongside(timer):
    return flow("s -> t -> e; b -> eb", b=boundary("t", f"timer:{timer}", interrupting=False))


def run_states(engine):
    """Executes what is due, and returns what became of it."""
    return [task.state for task in run_tasks(engine)]


def fired(story):
    return len(story.visits("eb"))


def test_a_non_interrupting_timer_keeps_the_task_and_repeats_from_its_execution(engine):
    story = Story.start(engine, ALONGSIDE, definitions={"timers": {"b": HOUR}})
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b CREATED | J: 1 EXECUTE@3 DUE "
        "| T: 1 TRIGGER_EVENT@4 CREATED"
    )
    story.tasks_run()
    story.clock_advances(hours=1, minutes=30).tasks_run("DONE")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b CREATED; 6 eb COMPLETED "
        "| J: 1 EXECUTE@3 DUE | T: 1 TRIGGER_EVENT@4 DONE; 2 TRIGGER_EVENT@5 CREATED"
    )
    (again,) = story.tasks()
    assert again.due_at - again.created_at == timedelta(hours=1)
    story.job_completes("t")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 t COMPLETED by w; 4 b COMPLETED by w; "
        "5 b TERMINATED by default-engine; 6 eb COMPLETED by default-engine; 7 e COMPLETED by w "
        "| T: 1 TRIGGER_EVENT@4 DONE by w; 2 TRIGGER_EVENT@5 CREATED by default-engine"
    )
    story.clock_advances(hours=2).tasks_run("CANCELED")


def test_a_duration_that_a_worker_gives_repeats(engine):
    story = Story.start(engine, ALONGSIDE)
    story.job_completes("b", timer=HOUR)
    for _ in range(3):
        story.clock_advances(hours=1).tasks_run("DONE")
    assert fired(story) == 3


@pytest.mark.parametrize(("timer", "times"), [("PT1H", 1), ("R3/PT1H", 3), ("2026-11-23T12:30:00Z", 1)])
def test_a_timer_in_the_xml_fires_as_often_as_it_says(engine, timer, times):
    story = Story.start(engine, alongside(timer))
    for _ in range(times):
        story.clock_advances(hours=1).tasks_run("DONE")
    story.clock_advances(hours=10).tasks_run()
    assert fired(story) == times
    story.waits_at("t").job_completes("t").is_completed()


def test_a_cycle_without_an_end_in_the_xml_goes_on_until_the_task_ends(engine):
    story = Story.start(engine, alongside("R/PT1H"))
    for _ in range(4):
        story.clock_advances(hours=1).tasks_run("DONE")
    story.job_completes("t").is_completed()
    story.clock_advances(hours=1).tasks_run("CANCELED")


def test_a_fixed_time_fires_once_and_is_not_attached_again(engine):
    timer = Timer(time=datetime(2026, 11, 23, 13))
    story = Story.start(engine, ALONGSIDE, definitions={"timers": {"b": timer}})
    story.clock_advances(hours=1).tasks_run("DONE").tasks_run()
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 eb COMPLETED")


def test_a_timer_of_the_request_is_taken_before_the_one_in_the_xml(engine):
    story = Story.start(engine, alongside("PT10H"), definitions={"timers": {"b": HOUR}})
    story.clock_advances(hours=1).tasks_run("DONE")
    story.clock_advances(hours=1).tasks_run("DONE")


@pytest.mark.parametrize(
    ("timer", "left"), [("0 * * * *", None), ("R/PT1H", None), ("R3/PT1H", 2), ("R/2026-11-23T10:30:00Z/PT1H", None)]
)
def test_ticks_that_a_boundary_event_has_missed_come_to_one_firing(engine, timer, left):
    at(engine, "2026-11-23T12:30:00")
    story = Story.start(engine, alongside(timer))
    at(engine, "2026-11-23T16:45:00")
    story.tasks_run("DONE").tasks_run()
    (task,) = story.tasks()
    assert (task.due_at.replace(minute=0, second=0, microsecond=0), task.repetitions) == (
        datetime(2026, 11, 23, 17),
        left,
    )
    for _ in range(2):
        story.clock_advances(hours=10).tasks_run("DONE")
    assert bool(story.tasks()) == (left is None)


def test_a_monthly_timer_of_a_boundary_event_keeps_its_day(engine):
    at(engine, "2026-12-31T08:00:00")
    story = Story.start(engine, alongside("R/P1M"))
    assert story.tasks()[0].serialized_task.startswith('{"FirstDueAt":"2027-01-31T08:00:0')
    due = [story.tasks()[0].due_at]
    for _ in range(3):
        at(engine, due[-1].isoformat())
        story.clock_advances().tasks_run("DONE")
        due.append(story.tasks()[0].due_at)
    assert [f"{each:%d %b}" for each in due] == ["31 Jan", "28 Feb", "31 Mar", "30 Apr"]


def test_a_monthly_start_event_keeps_its_day_and_catches_up(engine):
    at(engine, "2026-12-31T08:00:00")
    deploy(engine, flow("s -> e", s=start("timer:R3/P1M")))
    at(engine, "2027-06-01T00:00:00")
    for _ in range(3):
        assert run_states(engine) == ["DONE"]
    assert run_states(engine) == []
    assert [f"{task.due_at:%d %b}" for task in tasks(engine)] == ["31 Jan", "28 Feb", "31 Mar"]


BREAKS = flow("s -> c -> e", s=start("timer:R3/PT1H"), c=catch("timer"))
UNTIL_TWO = {"timers": {"c": Timer(time_cycle="0 0 14 23 11 ? 2026")}}
"""From then on, what each instance waits for does not come any more."""


def test_a_failed_firing_does_not_end_the_cycle_of_a_start_event(engine):
    at(engine, "2026-11-23T12:30:00")
    deploy(engine, BREAKS, **UNTIL_TWO)
    for hour, states in ((13, ["DONE"]), (14, ["DONE", "CAUSED_INCIDENT"]), (15, ["CAUSED_INCIDENT"]), (16, [])):
        at(engine, f"2026-11-23T{hour}:45:00")
        assert sorted(run_states(engine), reverse=True) == states
    firings = [task for task in tasks(engine) if task.bpmn_element_id == "s"]
    assert [(task.due_at.hour, task.state) for task in firings] == [
        (13, "DONE"),
        (14, "CAUSED_INCIDENT"),
        (15, "CAUSED_INCIDENT"),
    ]
    assert len(instances(engine)) == 1


def test_a_failed_firing_that_is_made_up_for_plans_no_further_one(engine):
    at(engine, "2026-11-23T12:30:00")
    deploy(engine, BREAKS, **UNTIL_TWO)
    at(engine, "2026-11-23T14:45:00")
    assert run_states(engine) == ["CAUSED_INCIDENT"]
    (incident,) = engine.query(c.IncidentCriteria())
    engine.execute(ResolveIncident(partition=incident.partition, id=incident.id, worker_id="op"))
    assert run_states(engine) == ["CAUSED_INCIDENT", "CAUSED_INCIDENT"]
    assert [(task.due_at.hour, task.state) for task in tasks(engine)] == [
        (13, "CAUSED_INCIDENT"),
        (14, "CAUSED_INCIDENT"),
        (14, "CAUSED_INCIDENT"),
        (15, "CREATED"),
    ]


def test_a_failed_firing_that_is_repeated_plans_no_further_one(engine):
    limit = replace(engine.config, task_retry_limit=1)
    patient = Service(limit, engine._store, engine._clock)
    at(patient, "2026-11-23T12:30:00")
    deploy(patient, BREAKS, **UNTIL_TWO)
    at(patient, "2026-11-23T14:45:00")
    assert run_states(patient) == ["CAUSED_RETRY"]
    assert sorted(run_states(patient)) == ["CAUSED_INCIDENT", "CAUSED_RETRY"]
    assert [task.due_at.hour for task in tasks(patient) if task.retry_count == 0] == [13, 14, 15]


def test_a_failed_firing_of_a_replaced_version_plans_no_further_one(engine, monkeypatch):
    def fails(*_arguments):
        raise execution_failed("failed to start", "on purpose")

    monkeypatch.setattr(runner, "must_queue", fails)
    at(engine, "2026-11-23T12:30:00")
    deploy(engine, BREAKS, **UNTIL_TWO)
    at(engine, "2026-11-23T13:45:00")
    assert run_states(engine) == ["CAUSED_INCIDENT"]
    deploy(engine, flow("s -> e"), version="2")
    at(engine, "2026-11-23T17:45:00")
    assert run_states(engine) == ["DONE"]
    assert [task for task in tasks(engine) if task.completed_at is None] == []


def test_a_catch_event_waits_for_its_timer(engine):
    story = Story.start(engine, flow("s -> c -> e", c=catch("timer:PT1H")))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 c STARTED | J:  | T: 1 TRIGGER_EVENT@3 CREATED")
    story.clock_advances(hours=1).tasks_run("DONE").is_completed()


def test_a_worker_sets_the_timer_of_a_catch_event(engine):
    story = Story.start(engine, flow("s -> c -> e", c=catch("timer")))
    story.job_fails("c", "expected a timer").incident_is_resolved()
    story.job_fails("c", "failed to evaluate timer: must specify a time, time cycle or time duration", timer=Timer())
    story.incident_is_resolved().job_completes("c", timer=Timer(time=datetime(2020, 1, 1)))
    story.tasks_run("DONE").is_completed()


PAST = Timer(time_cycle="0 0 0 1 1 ? 2020")


def test_a_timer_without_another_tick_is_an_incident_of_the_job_that_leads_to_it(engine):
    model = flow("s -> t -> c -> e", c=catch("timer"))
    story = Story.start(engine, model, definitions={"timers": {"c": PAST}})
    story.job_completes("t", becomes="CAUSED_INCIDENT").waits_at("t")
    assert "failed to evaluate timer" in story.query(c.JobCriteria)[0].error


def test_a_timer_without_another_tick_is_an_incident_of_the_task_that_leads_to_it(engine):
    model = flow("s -> c1 -> c2 -> e", c1=catch("timer:PT1H"), c2=catch("timer"))
    story = Story.start(engine, model, definitions={"timers": {"c2": PAST}})
    story.clock_advances(hours=1).tasks_run("CAUSED_INCIDENT").waits_at("c1")
    (incident,) = story.incidents()
    (task,) = story.query(c.TaskCriteria)
    assert (incident.task_id, incident.job_id, incident.created_by) == (task.id, None, "default-engine")
    story.incident_is_resolved().tasks_run("CAUSED_INCIDENT")
    assert len(story.incidents()) == 2


@pytest.mark.parametrize(
    ("begin", "duration", "due"),
    [
        ("2027-01-31T08:00:00", "P1M", "2027-02-28T08:00:00"),
        ("2028-01-31T08:00:00", "P1M", "2028-02-29T08:00:00"),
        ("2028-02-29T08:00:00", "P1Y", "2029-02-28T08:00:00"),
        ("2027-03-31T08:00:00", "P1M1D", "2027-05-01T08:00:00"),
    ],
)
def test_calendar_months_end_at_their_last_day(engine, begin, duration, due):
    at(engine, begin)
    story = Story.start(engine, flow("s -> c -> e", c=catch(f"timer:{duration}")))
    assert [task.due_at.isoformat(timespec="seconds") for task in story.tasks()] == [due]


def test_a_start_event_creates_an_instance_at_every_tick_and_catches_up(engine):
    at(engine, "2026-11-23T12:30:00")
    timer = Timer(time_cycle="0 * * * *")
    model = flow("s -> e", s=start("timer"))
    deploy(engine, model, timers={"s": timer})
    (first,) = tasks(engine)
    assert (first.due_at, first.created_by, first.process_instance_id) == (datetime(2026, 11, 23, 13), "w", None)
    at(engine, "2026-11-23T14:30:00")
    assert run_states(engine) == ["DONE"]
    assert [task.due_at.hour for task in tasks(engine)] == [13, 14]
    assert run_states(engine) == ["DONE"]
    assert [(task.due_at.hour, task.state) for task in tasks(engine)] == [(13, "DONE"), (14, "DONE"), (15, "CREATED")]
    assert [(s.state, s.instance.created_by) for s in instances(engine)] == [("COMPLETED", "default-engine")] * 2
    deploy(engine, model, version="2", timers={"s": Timer(time=datetime(2026, 11, 24))})
    at(engine, "2026-11-24T00:00:00")
    assert run_states(engine) == ["DONE", "DONE"]
    assert [s.instance.version for s in instances(engine)] == ["1", "1", "2"]
    assert {s.partition for s in instances(engine)} == {date(2026, 11, 23)}
    assert all(task.state == "DONE" for task in tasks(engine))


def test_the_task_of_a_start_event_names_the_instance_it_has_created(engine):
    deploy(engine, flow("s -> t -> e", s=start("timer:PT1H")))
    advance(engine, hours=1)
    assert run_states(engine) == ["DONE"]
    (story,) = instances(engine)
    assert [task.process_instance_id for task in tasks(engine)] == [story.id]
    assert [task.serialized_task for task in tasks(engine)] == ['{"Timer":{"timeDuration":"PT1H"}}']


def test_a_start_timer_that_cannot_be_evaluated_is_refused_and_leaves_nothing(engine):
    command = CreateProcess(
        bpmn_process_id="p",
        bpmn_xml=flow("s -> e", s=start("timer")),
        version="1",
        worker_id="w",
        timers={"s": PAST},
    )
    assert detail(engine, command) == "VALIDATION: invalid or missing event definitions"
    assert engine.query(c.ProcessCriteria()) == []
    assert engine.query(c.ElementCriteria()) == []
    deploy(engine, flow("s -> e", s=start("timer")), timers={"s": HOUR})
    assert len(tasks(engine)) == 1


def test_a_date_that_never_comes_has_no_tick(engine):
    deploy(engine, flow("s -> e", process="good", s=start("timer")), timers={"s": Timer(time_cycle="0 0 29 2 *")})
    command = CreateProcess(
        bpmn_process_id="p",
        bpmn_xml=flow("s -> e", s=start("timer")),
        version="1",
        worker_id="w",
        timers={"s": Timer(time_cycle="0 0 31 2 *")},
    )
    assert detail(engine, command) == "VALIDATION: invalid or missing event definitions"
