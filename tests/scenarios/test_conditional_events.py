"""Events that wait for a condition to become true (BPMN 2.0.2, 10.5.5)."""

import json

import pytest

from app.commands.base import Data, VariableInput
from app.commands.variable import SetElementVariables, SetProcessVariables
from app.engine.types import WorkState
from app.service import Service
from tests.flow import EVENT_BASED, SERVICE, boundary, catch, event_sub, flow, start, sub
from tests.flow import Kind as Tag
from tests.story import Story, send


def values(**given) -> tuple[VariableInput, ...]:
    return tuple(VariableInput(name=n, data=Data(encoding="json", value=json.dumps(v))) for n, v in given.items())


def set_values(story: Story, **given) -> Story:
    command = SetProcessVariables(partition=story.partition, id=story.id, worker_id="op", variables=values(**given))
    story.service.execute(command)
    return story


def test_a_boundary_event_happens_each_time_its_condition_becomes_true(service: Service):
    model = flow("s -> t -> e; b -> w", b=boundary("t", "conditional:stock < 5", interrupting=False), w=SERVICE)
    story = Story.start(service, model)
    set_values(story, stock=10).tasks_run()
    set_values(story, stock=3).tasks_run("DONE")
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 b COMPLETED; 5 b CREATED; 6 w STARTED")
    set_values(story, stock=2).tasks_run()
    set_values(story, stock=8).tasks_run()
    set_values(story, stock=1).tasks_run("DONE")
    story.waits_at("t", "w", "w")


def test_an_interrupting_event_ends_its_host_and_does_not_take_back(service: Service):
    story = Story.start(service, flow("s -> t -> e; b -> w", b=boundary("t", "conditional:stop"), w=SERVICE))
    set_values(story, stop=True)
    set_values(story, stop=False).tasks_run("DONE").waits_at("w")


@pytest.mark.parametrize(
    "model",
    [
        flow("s -> t -> e; b -> w", b=boundary("t", "conditional:stop"), w=SERVICE),
        flow("s -> c -> w", c=catch("conditional:stop"), w=SERVICE),
        flow("s -> g -> c, d; c, d -> w", g=EVENT_BASED, c=catch("conditional:stop"), d=catch("signal:D"), w=SERVICE),
        flow("s -> t -> e; h", h=event_sub("hs -> w", hs=start("conditional:stop"), w=SERVICE)),
    ],
)
def test_what_happens_once_leaves_nothing_behind_where_its_condition_becomes_true_again(service: Service, model: str):
    story = Story.start(service, model)
    for stop in (True, False, True):
        set_values(story, stop=stop)
    story.tasks_run("DONE").waits_at("w")
    assert story.tasks() == []


def test_a_catch_event_happens_at_once_where_its_condition_is_true(service: Service):
    model = flow("s -> c -> e", c=catch("conditional:approved"))
    story = Story.start(service, model, variables=values(approved=True)).tasks_run("DONE").is_completed()
    story.again().tasks_run().waits_at("c")


def test_a_condition_is_looked_at_when_a_job_sets_its_variable_even_if_the_job_fails(service: Service):
    model = flow("s -> t -> e; b -> w", b=boundary("t", "conditional:stop"), w=SERVICE)
    story = Story.start(service, model)
    story.job_completes("t", error="no", process_variables=values(stop=True), becomes=WorkState.CAUSED_INCIDENT)
    story.tasks_run("DONE").waits_at("w")
    refused = story.again()
    refused.job_completes(
        "t",
        error_code="E",
        process_variables=values(stop=True),
        becomes=WorkState.CAUSED_INCIDENT,
    )
    refused.tasks_run("DONE").waits_at("w")


def test_a_message_brings_what_a_condition_waits_for(service: Service):
    model = flow("s -> f -> m, c -> j -> e", f=Tag("parallelGateway"), j=Tag("parallelGateway"),
                 m=catch("message:m"), c=catch("conditional:n > 1"))  # fmt: skip
    story = Story.start(service, model).job_completes("m", message_correlation_key="k")
    send(service, "m", "k", variables=values(n=2))
    story.tasks_run("DONE").tasks_run("DONE", "DONE").tasks_run("DONE").is_completed()


def test_a_variable_of_a_scope_is_seen_inside_of_it_only(service: Service):
    model = flow("s -> sp -> e", sp=sub("s2 -> c -> e2", c=catch("conditional:go")))
    story = Story.start(service, model)
    other = story.again()
    visit = story.visit("sp")
    command = SetElementVariables(partition=visit.partition, id=visit.id, worker_id="op", variables=values(go=True))
    service.execute(command)
    other.tasks_run("DONE").waits_at("c")
    story.is_completed()


def test_an_event_sub_process_begins_when_its_condition_is_true(service: Service):
    model = flow("s -> t -> e; x", x=event_sub("k -> u", k=start("conditional:late"), u=SERVICE))
    story = Story.start(service, model).waits_at("t")
    set_values(story, late=True).tasks_run("DONE").waits_at("u").job_completes("u").is_completed()
