"""What becomes of each type of job whose completion says nothing, as its description has it."""

from __future__ import annotations

import pytest

from app.api.job_types import JOB_TYPES
from app.criteria import JobCriteria
from app.engine.types import JobType, WorkState
from app.service import Service
from tests.store import play
from tests.store.play import model

HEAD = '<message id="m" name="paid"/>'


def catch(definition: str, tag: str = "intermediateCatchEvent") -> str:
    body = f'<{tag} id="at">{definition}</{tag}>'
    return model("start -> at" if tag == "endEvent" else "start -> at -> end", body=body, head=HEAD)


def boundary(definition: str) -> str:
    return model(
        "start -> a -> end", "at -> end2", body=f'<boundaryEvent id="at" attachedToRef="a">{definition}</boundaryEvent>'
    )


def gateway(tag: str, default: str = "") -> str:
    return model("start -> at -> end", "at -> end2", body=f'<{tag} id="at"{default}/>')


CALLING = model("start -> at -> end", body='<callActivity id="at" calledElement="c"/>')
DEFAULT = ' default="f1"'
MODELS: dict[str, tuple[str, JobType, bool]] = {
    "task": (model("start -> at -> end"), JobType.EXECUTE, True),
    "exclusive gateway": (gateway("exclusiveGateway"), JobType.EVALUATE_EXCLUSIVE_GATEWAY, False),
    "exclusive gateway with default": (gateway("exclusiveGateway", DEFAULT), JobType.EVALUATE_EXCLUSIVE_GATEWAY, True),
    "inclusive gateway": (gateway("inclusiveGateway"), JobType.EVALUATE_INCLUSIVE_GATEWAY, False),
    "inclusive gateway with default": (gateway("inclusiveGateway", DEFAULT), JobType.EVALUATE_INCLUSIVE_GATEWAY, True),
    "call activity": (model("start -> at -> end", body='<callActivity id="at"/>'), JobType.CALL_PROCESS, False),
    "call activity that names it": (CALLING, JobType.CALL_PROCESS, True),
    "timer": (catch("<timerEventDefinition/>"), JobType.SET_TIMER, False),
    "message": (catch("<messageEventDefinition/>"), JobType.SUBSCRIBE_MESSAGE, False),
    "named message": (
        catch('<messageEventDefinition messageRef="m"/>'),
        JobType.SET_MESSAGE_CORRELATION_KEY,
        False,
    ),
    "signal": (catch("<signalEventDefinition/>"), JobType.SUBSCRIBE_SIGNAL, False),
    "thrown signal": (catch("<signalEventDefinition/>", "intermediateThrowEvent"), JobType.SET_SIGNAL_NAME, False),
    "error": (catch("<errorEventDefinition/>", "endEvent"), JobType.SET_ERROR_CODE, False),
    "caught error": (boundary("<errorEventDefinition/>"), JobType.SET_ERROR_CODE, True),
    "escalation": (
        catch("<escalationEventDefinition/>", "intermediateThrowEvent"),
        JobType.SET_ESCALATION_CODE,
        False,
    ),
    "caught escalation": (boundary("<escalationEventDefinition/>"), JobType.SET_ESCALATION_CODE, True),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_completion_that_says_nothing_does_what_is_described(engine: Service, name: str):
    xml, type, goes_on = MODELS[name]
    play.deploy(engine, model("start -> end", process_id="c"))
    instance = play.begin(engine, xml)
    (job,) = play.lock_of(engine, instance)
    assert job.type is type
    done = play.complete(engine, job)
    assert done.state is (WorkState.DONE if goes_on else WorkState.CAUSED_INCIDENT)
    assert bool(done.error) is not goes_on
    assert "fails" in JOB_TYPES[type][2] or goes_on


def test_passing_variables_needs_nothing(engine: Service):
    play.deploy(engine, model("start -> end", process_id="c"))
    instance = play.begin(engine, CALLING)
    for type in (JobType.CALL_PROCESS, JobType.PASS_VARIABLES):
        (job,) = play.lock_of(engine, instance)
        assert (job.type, play.complete(engine, job).state) == (type, WorkState.DONE)
    assert all(job.completed_at for job in engine.query(JobCriteria()))
