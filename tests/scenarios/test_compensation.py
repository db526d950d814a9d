"""Compensation and transactions, as a service keeps them."""

from app.commands.instance import CancelProcessInstance
from app.commands.job import CompleteJob
from app.commands.variable import GetElementVariables, SetElementVariables
from app.engine.types import WorkState
from app.service import Service
from tests.flow import (
    EXCLUSIVE,
    SERVICE,
    boundary,
    compensate,
    compensation,
    end,
    event_sub,
    flow,
    start,
    sub,
    transaction,
    undo,
)
from tests.story import Story, variables

ONE = {"ua": undo(), "ba": compensation("a", "ua")}
UNDOING = {**ONE, "ub": undo(), "bb": compensation("b", "ub")}


def test_what_has_completed_is_undone_the_last_one_first_and_with_its_variables(service: Service):
    story = Story.start(service, flow("s -> a -> b -> c -> e; ba; bb; ua; ub", c=compensate(), **UNDOING))
    story.job_completes("a", element_variables=variables(booking="x1")).job_completes("b")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 a COMPLETED; 4 b COMPLETED; 5 c STARTED; 6 bb COMPLETED; "
        "7 ub STARTED | J: 1 EXECUTE@3 DONE; 2 EXECUTE@4 DONE; 3 EXECUTE@7 DUE"
    )
    story.job_completes("ub")
    (job,) = story.jobs("ua")
    command = GetElementVariables(
        partition=job.partition, id=job.element_instance_id, names=None, exclude_parent_variables=True
    )
    found = service.execute(command)
    assert [(variable.name, variable.value) for variable in found] == [("booking", "x1")]
    story.job_completes("ua").is_completed()


def test_a_sub_process_is_undone_by_its_event_sub_process(service: Service):
    undoing = event_sub("k -> y", k=start("compensate"), y=compensate(tag="endEvent"))
    model = flow(
        "s -> sp -> t -> c -> e",
        sp=sub("s2 -> a -> b -> e2; x; ba; bb; ua; ub", x=undoing, **UNDOING),
        t=SERVICE,
        c=compensate(),
    )
    story = Story.start(service, model).job_completes("a").job_completes("b").job_completes("t")
    story.job_completes("ub").job_completes("ua").is_completed()
    visited = [visit.bpmn_element_id for visit in story.visits()]
    assert visited[8:] == ["c", "k", "x", "y", "bb", "ub", "ba", "ua", "e"]


def test_a_transaction_that_is_canceled_is_undone_and_left_by_its_cancel_event(service: Service):
    model = flow(
        "s -> tx -> ok; b -> ko",
        tx=transaction(
            "s2 -> a -> x -> e2, ce; ba; ua", x=EXCLUSIVE, ce=end("cancel"), ua=undo(), ba=compensation("a", "ua")
        ),
        b=boundary("tx", "cancel"),
        ko=SERVICE,
        ok=SERVICE,
    )
    story = Story.start(service, model).job_completes("a").job_completes("x", exclusive_gateway_decision="ce")
    story.job_completes("ua").waits_at("ko")
    assert story.visit("tx").state == "TERMINATED"
    other = story.again().job_completes("a").job_completes("x", exclusive_gateway_decision="e2").waits_at("ok")
    assert other.visit("b").state == "TERMINATED"


def test_an_instance_that_is_canceled_undoes_nothing_more(service: Service):
    story = Story.start(service, flow("s -> a -> c -> e; ba; ua", c=compensate(), **ONE))
    job = story.job_completes("a").job_is_locked("ua")
    service.execute(CancelProcessInstance(partition=story.partition, id=story.id, worker_id="op"))
    done = service.execute(CompleteJob(partition=job.partition, id=job.id, worker_id="w"))
    assert done.state is WorkState.CANCELED
    story.has_state("CANCELED").tasks_run()


def test_what_fails_to_be_undone_waits_for_an_operator(service: Service):
    story = Story.start(service, flow("s -> a -> c -> e; ba; ua", c=compensate(), **ONE))
    story.job_completes("a").job_completes("ua", error="no answer", becomes=WorkState.CAUSED_INCIDENT)
    story.incident_is_resolved().job_completes("ua").is_completed()


def test_what_the_last_job_deletes_is_not_known_to_what_undoes(service: Service):
    model = flow("s -> sp -> c -> e", c=compensate(), sp=sub("s2 -> a -> e2; ba; ua", **ONE))
    story = Story.start(service, model)
    for id, given in (("sp", variables(seat="1", meal="none")), ("a", variables(seat="2", bag="big"))):
        visit = story.visit(id)
        service.execute(SetElementVariables(partition=visit.partition, id=visit.id, worker_id="w", variables=given))
    story.job_completes("a", element_variables=variables(seat=None, bag=None))
    assert story.knows("ua") == {"seat": "1", "meal": "none"}
