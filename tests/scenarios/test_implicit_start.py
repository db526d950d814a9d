"""Processes and sub-processes without start event, and with several."""

import pytest

from app.commands.instance import CreateProcessInstance
from app.engine.completion import CalledProcess
from app.engine.types import ExpressionMode
from tests.flow import SERVICE, Kind, call, flow, start, sub
from tests.story import Story, deploy, detail

NONE = Kind("startEvent")
TWO = flow("s1 -> a -> e; s2 -> b -> e", s1=NONE, s2=NONE)
EXPECTED = "expected one of the start events [s1, s2]"


def test_a_process_begins_at_all_that_nothing_leads_to(engine):
    story = Story.start(engine, flow("a -> e; b", a=SERVICE, b=SERVICE))
    story.shows("STARTED | EI: 1 p STARTED; 2 a STARTED; 3 b STARTED")
    story.job_completes("b").waits_at("a").job_completes("a").is_completed()


def test_a_sub_process_begins_at_all_that_nothing_leads_to(engine):
    story = Story.start(engine, flow("s -> sp -> t", sp=sub("a; b", a=SERVICE, b=SERVICE), t=SERVICE))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 a STARTED ^3; 5 b STARTED ^3")
    story.job_completes("a").waits_at("b").job_completes("b").waits_at("t").job_completes("t").is_completed()


def test_one_of_several_start_events_is_named(engine):
    deploy(engine, TWO, expressions=ExpressionMode.ENGINE)
    command = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w")
    assert detail(engine, command) == f"VALIDATION: {EXPECTED}"
    wrong = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w", bpmn_element_id="a")
    assert detail(engine, wrong) == f"VALIDATION: {EXPECTED}"
    Story.of(engine, bpmn_element_id="s2").waits_at("b").job_completes("b").is_completed()


def test_the_only_start_event_may_be_named(engine):
    Story.start(engine, flow("s -> t -> e"), bpmn_element_id="s").waits_at("t")


def test_who_calls_names_the_start_event(engine):
    deploy(engine, TWO.replace('"p"', '"ch"'), expressions=ExpressionMode.ENGINE)
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch")))
    story.job_completes("ca", becomes="CAUSED_INCIDENT").incident_is_resolved()
    called = CalledProcess(bpmn_element_id="s1")
    story.job_completes("ca", called_process=called).called().waits_at("a")


def test_a_called_process_may_have_no_start_event(engine):
    deploy(engine, flow("a; b", process="ch", a=SERVICE, b=SERVICE))
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch"))).job_completes("ca")
    story.called().waits_at("a", "b").job_completes("a").job_completes("b").is_completed()
    story.job_completes("ca").is_completed()


@pytest.mark.parametrize("event", ["message:m", "signal:g"])
def test_a_process_that_only_events_start_is_not_created(engine, event):
    deploy(engine, flow("m -> t -> e", m=start(event)))
    command = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w")
    assert detail(engine, command) == "PROCESS_MODEL: scope p has no none start event"


def test_a_queued_instance_begins_at_all_of_them(engine):
    model = flow("a; b", a=SERVICE, b=SERVICE)
    first = Story.start(engine, model, parallelism=1)
    second = first.again().has_state("QUEUED")
    first.job_completes("a").job_completes("b").tasks_run("DONE")
    while second.state == "QUEUED":
        second.tasks_run("DONE")
    second.waits_at("a", "b")
