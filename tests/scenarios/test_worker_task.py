"""Jobs of worker tasks: locking, completing, failing, retrying, resolving incidents, and jobs nobody needs any more."""

from contextlib import closing
from dataclasses import replace

import pytest

from app import criteria as c
from app.commands.incident import ResolveIncident
from app.commands.job import CompleteJob, LockJobs, UnlockJobs
from app.commands.task import LockTasks, RunTask, UnlockTasks
from app.service import open_service
from app.timer import Timer
from tests.flow import PARALLEL, SERVICE, boundary, catch, flow
from tests.story import Story, detail, send, variables

LINE = flow("s -> t -> e")
EVERYTHING = 1000


def lock(engine, limit=EVERYTHING, worker="w", **fields):
    return engine.execute(LockJobs(worker_id=worker, limit=limit, **fields))


def completion_of(job, worker="a", **fields):
    return CompleteJob(partition=job.partition, id=job.id, worker_id=worker, **fields)


def test_a_straight_line_runs_from_start_to_end(engine):
    story = Story.start(engine, LINE, correlation_key="ck")
    story.shows("STARTED | EI: 1 p STARTED by w; 2 s COMPLETED by w; 3 t STARTED by w | J: 1 EXECUTE@3 DUE by w | T: ")
    story.job_completes("t", worker="a", process_variables=variables(x="1"))
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 t COMPLETED by w; 4 e COMPLETED by a "
        "| J: 1 EXECUTE@3 DONE by w"
    )
    (job,) = story.query(c.JobCriteria)
    assert (job.correlation_key, job.locked_by) == ("ck", "a")
    assert story.variables() == {"x": "1"}
    assert story.instance.ended_at == story.visit("e").ended_at == job.completed_at


def test_only_the_worker_that_holds_a_job_completes_it_and_only_once(engine):
    story = Story.start(engine, LINE)
    (job,) = story.jobs()
    name = f"CONFLICT: job {job.partition}/{job.id}"
    assert detail(engine, completion_of(job)) == f"{name} is not locked"
    story.job_is_locked(worker="a")
    assert detail(engine, completion_of(job, worker="b")) == f"{name} is not locked by worker b, but a"
    engine.execute(completion_of(job))
    assert detail(engine, completion_of(job)) == f"{name} is completed"
    missing = CompleteJob(partition=job.partition, id=job.id + 1000, worker_id="a")
    assert detail(engine, missing) == f"NOT_FOUND: job {job.partition}/{job.id + 1000} could not be found"


def test_a_failed_job_is_retried_and_then_becomes_an_incident_that_can_be_resolved(engine):
    story = Story.start(engine, LINE)
    story.job_completes(error="boom", retry_limit=1, retry_timer="PT1M", becomes="CAUSED_RETRY")
    story.shows('STARTED | J: 1 EXECUTE@3 CAUSED_RETRY "boom"; 2 EXECUTE@3 CREATED rc1')
    assert lock(engine) == []
    story.clock_advances(minutes=1)
    story.job_completes(error="boom2", retry_limit=1, becomes="CAUSED_INCIDENT")
    (incident,) = story.incidents()
    failed = story.query(c.JobCriteria)[1]
    assert (incident.job_id, incident.task_id, incident.created_by) == (failed.id, None, "w")
    assert incident.element_instance_id == story.visit("t").id
    story.incident_is_resolved(worker="op")
    story.shows(
        'STARTED | J: 1 EXECUTE@3 CAUSED_RETRY "boom" by w; 2 EXECUTE@3 CAUSED_INCIDENT rc1 "boom2" by w; '
        "3 EXECUTE@3 DUE by op"
    )
    again = ResolveIncident(partition=incident.partition, id=incident.id, worker_id="op")
    assert detail(engine, again) == f"CONFLICT: incident {incident.partition}/{incident.id} is resolved"
    story.job_completes().is_completed()


def test_a_resolved_incident_may_wait_with_its_retry(engine):
    story = Story.start(engine, LINE)
    story.job_completes(error="boom", becomes="CAUSED_INCIDENT")
    story.incident_is_resolved(retry_timer="PT1H")
    story.shows('STARTED | J: 1 EXECUTE@3 CAUSED_INCIDENT "boom"; 2 EXECUTE@3 CREATED')
    story.clock_advances(hours=1).job_completes().is_completed()


def test_a_failed_job_still_writes_its_variables(engine):
    story = Story.start(engine, LINE)
    story.job_completes(error="boom", becomes="CAUSED_INCIDENT", process_variables=variables(reason="x"))
    assert story.variables() == {"reason": "x"}


def test_an_incident_of_what_has_ended_is_resolved_by_a_job_that_ends_canceled(engine):
    model = flow("s -> t -> e; b -> eb", b=boundary("t", "timer:PT1H"))
    story = Story.start(engine, model)
    story.job_completes("t", error="boom", becomes="CAUSED_INCIDENT")
    story.clock_advances(hours=1).task_runs("b")
    story.incident_is_resolved()
    assert lock(engine) == []
    story.job_completes("t", becomes="CANCELED").is_completed()


def test_jobs_are_handed_out_in_order_and_each_to_one_worker(engine):
    first = Story.start(engine, LINE)
    second, third = first.again(), first.again()
    first.job_completes(error="x", retry_limit=1, becomes="CAUSED_RETRY")
    locked = lock(engine, limit=2, worker="a") + lock(engine, worker="b")
    assert [job.process_instance_id for job in locked] == [second.id, third.id, first.id]
    assert [job.locked_by for job in locked] == ["a", "a", "b"]
    assert lock(engine) == []


def test_jobs_can_be_asked_for_by_process_and_by_instance(engine):
    one = Story.start(engine, LINE)
    two = one.again()
    other = Story.start(engine, flow("s -> t -> e", process="q"))
    assert lock(engine, process_ids=(999999,)) == []
    assert [j.process_instance_id for j in lock(engine, process_instance_id=two.id)] == [two.id]
    assert [j.process_instance_id for j in lock(engine, process_ids=(other.created.process_id,))] == [other.id]
    both = (one.created.process_id, other.created.process_id)
    assert [j.process_instance_id for j in lock(engine, process_ids=both)] == [one.id]


def test_unlocked_jobs_are_handed_out_again(engine):
    story = Story.start(engine, flow("s -> f -> a, b -> e", f=PARALLEL))
    held = lock(engine, worker="a")
    assert engine.execute(UnlockJobs(worker_id="b")) == 0
    assert engine.execute(UnlockJobs(worker_id="a", partition=held[0].partition, id=held[0].id)) == 1
    assert [job.id for job in lock(engine, worker="b")] == [held[0].id]
    assert engine.execute(UnlockJobs(worker_id="a")) == 1
    story.shows("STARTED | J: 1 EXECUTE@4 LOCKED; 2 EXECUTE@5 DUE")


def test_a_completed_job_is_not_unlocked(engine):
    story = Story.start(engine, LINE)
    story.job_completes(worker="a")
    assert engine.execute(UnlockJobs(worker_id="a")) == 0


def test_unlocked_tasks_run_again(engine):
    story = Story.start(engine, flow("s -> c -> e; b -> e", b=boundary("c", "timer:PT1H")))
    story.clock_advances(hours=1)
    engine.execute(LockTasks(limit=100))
    story.shows("STARTED | T: 1 TRIGGER_EVENT@4 LOCKED").tasks_run()
    assert engine.execute(UnlockTasks(engine_id="another")) == 0
    assert engine.execute(UnlockTasks(engine_id="default-engine")) >= 1
    story.tasks_run("DONE").is_completed()


INTERRUPTED = flow("s -> t -> e; b -> eb", b=boundary("t", "timer:PT1H"))


def test_a_job_of_an_ended_task_is_not_handed_out_by_polling(engine):
    story = Story.start(engine, INTERRUPTED)
    story.clock_advances(hours=1).task_runs("b").is_completed()
    assert lock(engine) == []
    assert lock(engine, process_instance_id=story.id) == []


def test_a_job_of_an_ended_task_is_handed_out_by_id_and_ends_canceled(engine):
    story = Story.start(engine, INTERRUPTED)
    story.clock_advances(hours=1).task_runs("b")
    story.job_completes("t", error="boom", process_variables=variables(x="1"), becomes="CANCELED")
    assert story.variables() == {}
    assert story.incidents() == []


def test_a_job_that_is_held_while_its_task_ends_is_canceled_when_completed(engine):
    story = Story.start(engine, INTERRUPTED)
    job = story.job_is_locked(worker="a")
    story.clock_advances(hours=1).task_runs("b")
    assert engine.execute(completion_of(job, retry_limit=3, error="boom")).state == "CANCELED"
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED; 5 eb COMPLETED "
        "| J: 1 EXECUTE@3 CANCELED"
    )


def test_a_job_that_was_unlocked_after_its_task_ended_is_not_polled_either(engine):
    story = Story.start(engine, INTERRUPTED)
    story.job_is_locked(worker="a")
    story.clock_advances(hours=1).task_runs("b")
    assert engine.execute(UnlockJobs(worker_id="a")) == 1
    assert lock(engine) == []


def test_a_leftover_timer_is_canceled_when_it_is_due(engine):
    story = Story.start(engine, INTERRUPTED)
    story.job_completes("t").is_completed().tasks_run()
    story.clock_advances(hours=1).tasks_run("CANCELED")


@pytest.mark.parametrize("after", ["STARTED", "COMPLETED"])
def test_a_completed_activity_leaves_no_subscription_behind(engine, after):
    model = flow(
        "s -> t -> n; b -> eb; b2 -> eb",
        b=boundary("t", "message:m"),
        b2=boundary("t", "signal:g"),
        **({"n": SERVICE} if after == "STARTED" else {}),
    )
    story = Story.start(engine, model)
    story.job_completes("b", message_correlation_key="k")
    assert sorted(story.subscriptions()) == ["g", "m"]
    story.job_completes("t").has_state(after)
    assert story.subscriptions() == []
    assert send(engine).correlated is False


@pytest.fixture
def retrying(config, clock):
    with closing(open_service(replace(config, task_retry_limit=1), clock)) as service:
        yield service


def test_a_failed_task_is_retried_as_often_as_the_engine_is_configured(retrying):
    model = flow("s -> c1 -> c2 -> e", c1=catch("timer:PT1H"), c2=catch("timer"))
    past = Timer(time_cycle="0 0 0 1 1 ? 2020")
    story = Story.start(retrying, model, definitions={"timers": {"c2": past}})
    story.clock_advances(hours=1).tasks_run("CAUSED_RETRY")
    assert story.incidents() == []
    story.tasks_run("CAUSED_INCIDENT").tasks_run()
    first, second = story.query(c.TaskCriteria)
    assert (first.error, second.retry_count, second.created_by) == (second.error, 1, "default-engine")
    assert [incident.task_id for incident in story.incidents()] == [second.id]
    story.incident_is_resolved(worker="op")
    third = story.tasks()[0]
    assert (third.retry_count, third.created_by, third.serialized_task) == (0, "op", first.serialized_task)


def test_a_task_that_breaks_becomes_an_incident_and_takes_no_other_with_it(engine, monkeypatch):
    model = flow("s -> f -> c1, c2 -> e", f=PARALLEL, c1=catch("timer:PT1H"), c2=catch("timer:PT2H"))
    story = Story.start(engine, model)
    story.clock_advances(hours=2)
    execute = engine.execute

    def breaks(command):
        if isinstance(command, RunTask) and command.task.bpmn_element_id == "c1":
            raise RuntimeError("a secret")
        return execute(command)

    monkeypatch.setattr(engine, "execute", breaks)
    executed = engine.execute_tasks(LockTasks(limit=100, type="TRIGGER_EVENT"))
    assert [task.bpmn_element_id for task in executed.completed] == ["c1", "c2"]
    assert executed.failed == []
    error = "UNKNOWN: failed to execute task: unexpected RuntimeError, see the log of default-engine"
    story.shows(f'STARTED | T: 1 TRIGGER_EVENT@4 CAUSED_INCIDENT "{error}"; 2 TRIGGER_EVENT@5 DONE')
    monkeypatch.undo()
    story.incident_is_resolved()
    story.tasks_run("DONE").is_completed()
