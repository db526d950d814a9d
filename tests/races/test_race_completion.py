"""Several complete one job, or the jobs of one instance, at once: the instance is walked once, one after the other."""

from __future__ import annotations

import base64
from functools import partial

from flask.testing import FlaskClient

from app import create_app
from app.commands.instance import CancelProcessInstance
from app.config import Config
from app.criteria import ElementInstanceCriteria, JobCriteria, ProcessInstanceCriteria
from app.errors import EngineError, ErrorKind
from app.service import Service
from tests.store import play
from tests.store.database import require_sound, value
from tests.store.play import model
from tests.store.together import failures, in_threads

ROUNDS = 8
TWO_IN_A_ROW = model("start -> a -> b -> end")


def test_of_two_requests_to_complete_one_job_one_is_refused(config: Config, service: Service, other: Service):
    clients = [create_app(config, service=each).test_client() for each in (service, other)]
    headers = {"Authorization": "Basic " + base64.b64encode(b"test:test").decode()}
    for _ in range(ROUNDS):
        instance = play.begin(service, TWO_IN_A_ROW)
        (job,) = play.lock_of(service, instance)
        request = partial(
            FlaskClient.patch,
            path=f"/jobs/{job.partition}/{job.id}/complete",
            json={"workerId": play.WORKER},
            headers=headers,
        )
        answers = in_threads(*[partial(request, client) for client in clients])
        assert failures(answers) == []
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        visits = service.query(ElementInstanceCriteria(process_instance_id=instance.id))
        assert [visit.bpmn_element_id for visit in visits] == ["p", "start", "a", "b"]
        assert len(service.query(JobCriteria(process_instance_id=instance.id))) == 2
    require_sound(config.database_url)


def test_the_last_two_branches_end_the_instance_once(config: Config, service: Service, other: Service):
    for _ in range(ROUNDS):
        instance = play.begin(service, play.wide(2))
        jobs = play.lock_of(service, instance)
        outcomes = in_threads(
            *[
                lambda each=each, job=job: play.complete(each, job)
                for each, job in zip((service, other), jobs, strict=True)
            ]
        )
        assert failures(outcomes) == []
        (ended,) = service.query(ProcessInstanceCriteria(id=instance.id))
        assert ended.state == "COMPLETED"
    require_sound(config.database_url)


def test_branches_that_meet_at_a_join_pass_it_once(config: Config, service: Service, other: Service):
    for _ in range(ROUNDS):
        instance = play.begin(service, play.TWO_TASKS)
        jobs = play.lock_of(service, instance)
        outcomes = in_threads(
            *[
                lambda each=each, job=job: play.complete(each, job)
                for each, job in zip((service, other), jobs, strict=True)
            ]
        )
        outcomes += in_threads(*[lambda each=each: play.run_joins(each) for each in (service, other)])
        assert failures(outcomes) == []
        visits = service.query(ElementInstanceCriteria(process_instance_id=instance.id, bpmn_element_id="end"))
        assert len(visits) == 1
    assert value(config.database_url, "SELECT count(*) FROM process_instance WHERE ended_at IS NULL") == 0
    require_sound(config.database_url)


def test_completing_and_canceling_at_once_end_the_instance_either_way(config: Config, service: Service, other: Service):
    for _ in range(ROUNDS):
        instance = play.begin(service)
        (job,) = play.lock_of(service, instance)
        cancel = CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER)
        completed, canceled = in_threads(lambda job=job: play.complete(service, job), lambda c=cancel: other.execute(c))
        (ended,) = service.query(ProcessInstanceCriteria(id=instance.id))
        if ended.state == "CANCELED":
            assert (completed.state, canceled) == ("CANCELED", None)
        else:
            assert (ended.state, completed.state) == ("COMPLETED", "DONE")
            assert isinstance(canceled, EngineError) and canceled.kind is ErrorKind.CONFLICT
    require_sound(config.database_url)
