"""What the engine evaluates by itself, where a deployment says so."""

import json

import pytest

from app.commands.base import Data, VariableInput
from app.commands.variable import SetProcessVariables
from app.errors import EngineError
from app.service import Service
from tests.flow import (
    END,
    EXCLUSIVE,
    INCLUSIVE,
    SERVICE,
    Kind,
    boundary,
    call,
    catch,
    conditional,
    flow,
    loop,
    multi,
    send_task,
    throw,
)
from tests.story import Story, deploy

ENGINE = {"expressions": "ENGINE"}


def values(**given) -> tuple[VariableInput, ...]:
    """Variables of JSON."""
    return tuple(VariableInput(name=n, data=Data(encoding="json", value=json.dumps(v))) for n, v in given.items())


def start(service: Service, model: str, **given) -> Story:
    return Story.start(service, model, definitions=ENGINE, variables=values(**given))


def set_values(story: Story, **given) -> None:
    command = SetProcessVariables(partition=story.partition, id=story.id, worker_id="op", variables=values(**given))
    story.service.execute(command)


@pytest.mark.parametrize(("x", "taken"), [(5, "a"), (1, "b")])
def test_an_exclusive_gateway_takes_the_first_flow_that_is_true(service: Service, x: int, taken: str):
    model = flow("s -> g -> a, b; a, b -> e", g=conditional(EXCLUSIVE, default="b", a="x > 3"))
    start(service, model, x=x).waits_at(taken)


def test_an_inclusive_gateway_takes_all_flows_that_are_true_and_joins_them(service: Service):
    model = flow(
        "s -> g -> a, b, c -> j -> e", g=conditional(INCLUSIVE, default="c", a="x > 1", b="x > 2"), j=INCLUSIVE
    )
    story = start(service, model, x=3).waits_at("a", "b")
    story.job_completes("a").waits_at("b", "j").job_completes("b").is_completed()
    story.again(variables=values(x=0)).waits_at("c")


def test_flows_out_of_an_activity_fork_where_they_are_true(service: Service):
    model = flow("s -> t -> a, b, c", t=conditional(SERVICE, default="b", a="x > 1"), a=SERVICE, b=SERVICE, c=SERVICE)
    story = start(service, model, x=5)
    story.job_completes("t").waits_at("a", "c")
    story.again(variables=values(x=0)).job_completes("t").waits_at("b", "c")


def test_a_condition_that_cannot_be_evaluated_waits_for_an_operator(service: Service):
    model = flow("s -> t -> a, b, c", t=conditional(SERVICE, default="b", a="x > 1"), a=SERVICE, b=SERVICE, c=SERVICE)
    story = start(service, model).job_completes("t").waits_at("t")
    (incident,) = story.incidents()
    assert incident.error is not None and "unknown variable x" in incident.error
    story.incident_is_resolved().tasks_run("CAUSED_INCIDENT")
    set_values(story, x=5)
    story.incident_is_resolved().tasks_run("DONE").waits_at("a", "c")


def test_a_missing_collection_waits_for_an_operator(service: Service):
    model = flow("s -> t -> e", t=multi(collection="orders", item="order"))
    story = Story.start(service, model).waits_at("t")
    set_values(story, orders=["a", "b"])
    story.incident_is_resolved().tasks_run("DONE").waits_at("t", "t")
    story.job_completes("t").job_completes("t").is_completed()


def test_a_number_of_instances_and_their_end_are_evaluated(service: Service):
    model = flow("s -> t -> e", t=multi(cardinality="n", condition="numberOfCompletedInstances >= 2"))
    story = start(service, model, n=3).waits_at("t", "t", "t")
    story.job_completes("t").waits_at("t", "t").job_completes("t").is_completed()


def test_a_loop_goes_on_while_its_condition_is_true(service: Service):
    story = start(service, flow("s -> t -> e", t=loop(condition="more && loopCounter < 3")), more=True)
    story.job_completes("t").job_completes("t").waits_at("t").job_completes("t").is_completed()
    early = story.again(variables=values(more=True))
    early.job_completes("t", process_variables=values(more=False)).is_completed()


def test_the_engine_sends_a_message_to_who_waits_for_it(service: Service):
    receiver = flow("s -> r -> e", process="q", r=Kind("receiveTask", "", "message:order", key="= id"))
    deploy(service, receiver, expressions="ENGINE")
    waiting = Story.of(service, "q", variables=values(id="a1"))
    other = Story.of(service, "q", variables=values(id="a2"))
    sender = flow("s -> m -> t -> e", m=send_task("order", "= orderId"))
    start(service, sender, orderId="a1").waits_at("t").tasks_run("DONE")
    waiting.is_completed()
    other.waits_at("r")


def test_a_message_reaches_who_begins_to_wait_in_the_same_walk(service: Service):
    model = flow(
        "s -> f -> r, m; r -> e; m -> e2",
        f=Kind("parallelGateway"),
        r=Kind("receiveTask", "", "message:order", key="= id"),
        m=send_task("order", "= id"),
    )
    start(service, model, id="a1").tasks_run("DONE").is_completed()


def test_a_message_that_nobody_waits_for_is_lost(service: Service):
    start(service, flow("s -> m -> e", m=send_task("order", "= id")), id=7).is_completed()


def test_a_key_that_cannot_be_evaluated_waits_for_an_operator(service: Service):
    story = start(service, flow("s -> m -> e", m=send_task("order", "= id"))).waits_at("m")
    set_values(story, id="x")
    story.incident_is_resolved().tasks_run("DONE").is_completed()


def test_a_timer_is_evaluated_when_it_is_armed(service: Service):
    model = flow("s -> t -> e; b -> late", b=boundary("t", "timer:PT${hours}H"), late=END)
    story = start(service, model, hours=2).waits_at("t").tasks_run()
    story.clock_advances(hours=2).tasks_run("DONE").is_completed()


def test_an_activity_begins_when_the_timer_of_its_boundary_event_can_be_evaluated(service: Service):
    model = flow("s -> t -> e; b -> late", b=boundary("t", "timer:PT${hours}H"), late=END)
    story = start(service, model)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t CREATED; 4 b CREATED | J: ")
    set_values(story, hours=1)
    story.incident_is_resolved().tasks_run("DONE").shows("STARTED | J: 1 EXECUTE@3 DUE")


def test_names_of_signals_are_evaluated(service: Service):
    model = flow("s -> f -> c, x; x -> th -> e; c -> e2", f=Kind("parallelGateway"), c=catch("signal:g-${n}"),
                 th=throw("signal:g-${n}"))  # fmt: skip
    story = start(service, model, n=1).waits_at("c", "x")
    assert story.subscriptions() == ["g-1"]
    story.job_completes("x").tasks_run("DONE").tasks_run("DONE").is_completed()


def test_the_engine_calls_a_process_and_takes_its_variables_back(service: Service):
    deploy(service, flow("s -> w -> e", process="q"), expressions="ENGINE")
    own = ' xmlns:own="urn:py-bpmn" own:variables="all" own:outVariables="all"'
    activity = call("q")
    model = flow("s -> c -> e", c=Kind(activity.tag, activity.attributes + own))
    story = start(service, model, n=1).tasks_run("DONE")
    called = story.called().waits_at("w")
    assert called.variables() == {"n": "1"}
    called.job_completes("w", process_variables=values(m=2)).is_completed()
    story.tasks_run("DONE").is_completed()
    assert story.variables() == {"m": "2", "n": "1"}


def test_a_text_that_does_not_compile_is_refused(service: Service):
    model = flow("s -> g -> a, b; a, b -> e", g=conditional(EXCLUSIVE, default="b", a="credit approved"))
    with pytest.raises(EngineError) as refused:
        start(service, model)
    (cause,) = refused.value.causes
    assert "cannot be evaluated" in cause.detail
    Story.start(service, model).waits_at("g")


def test_a_version_that_is_there_keeps_who_decides_whatever_a_repetition_says(service: Service):
    model = flow("s -> g -> a, b; a, b -> e", g=conditional(EXCLUSIVE, default="b", a="credit approved"))
    deployed = deploy(service, model)
    assert deploy(service, model, **ENGINE).id == deployed.id
    with pytest.raises(EngineError) as refused:
        deploy(service, model, version="2", **ENGINE)
    assert [cause.type for cause in refused.value.causes] == ["sequence_flow"]
