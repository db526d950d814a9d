"""Multi-instance activities: numbers, collections, outputs, conditions, boundary events, and what is inside of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from app import criteria as c
from app.commands.base import VariableInput
from app.commands.user_task import UpdateUserTask
from app.commands.variable import GetProcessVariables, SetElementVariables
from app.engine.completion import CalledProcess
from app.service import open_service
from tests.flow import PARALLEL, SERVICE, TASK, USER, boundary, call, end, event_sub, flow, multi, receive, start, sub
from tests.scenarios.test_variables import KEYS
from tests.story import Story, deploy, instances, json_variable, run_tasks, send, signal

CALLED = CalledProcess(bpmn_process_id="ch", version="1")
ORDERS = multi(collection="orders", item="order", outputs="results", output="result")
NO_LIST = "EXECUTION: failed to evaluate expression: expected a variable orders with a list"


def test_each_item_has_an_instance_and_each_output_its_place(engine):
    story = Story.start(engine, flow("s -> t -> e", t=ORDERS), variables=(json_variable("orders", '["a","b"]'),))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 t STARTED ^3; 5 t STARTED ^3 "
        "| J: 1 EXECUTE@4 DUE; 2 EXECUTE@5 DUE | T: "
    )
    assert story.knows("t", -2) == {"loopCounter": "1", "order": '"a"'}
    assert story.knows("t", -1) == {"loopCounter": "2", "order": '"b"'}
    assert [visit.multi_instance for visit in story.visits("t")] == [True, False, False]
    assert [visit.loop_counter for visit in story.visits("t")[1:]] == [1, 2]
    story.job_completes("t", nth=1, element_variables=[json_variable("result", "7")])
    story.job_completes("t", element_variables=[json_variable("result", "6")])
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 t COMPLETED ^3; 5 t COMPLETED ^3; 6 e COMPLETED"
    )
    assert story.variables()["results"] == "[6,7]"


@pytest.mark.parametrize("deleted", [False, True])
def test_an_output_that_was_set_before_the_instance_completes_counts_also_for_the_last_one(engine, deleted):
    story = Story.start(engine, flow("s -> t -> e", t=multi(cardinality="2", outputs="results", output="result")))
    for visit in story.visits("t")[1:]:
        command = SetElementVariables(
            partition=visit.partition, id=visit.id, worker_id="w", variables=(json_variable("result", "7"),)
        )
        engine.execute(command)
    last = (VariableInput(name="result", data=None),) if deleted else ()
    story.job_completes("t").job_completes("t", element_variables=last).is_completed()
    assert story.variables()["results"] == ("[7,null]" if deleted else "[7,7]")


def test_what_is_collected_inside_of_an_instance_can_be_its_output(engine):
    inner = multi(collection="row", item="cell", outputs="sums", output="sum")
    outer = multi(sub("s2 -> t -> e2", t=inner), collection="table", item="row", outputs="all", output="sums")
    story = Story.start(engine, flow("s -> sp -> e", sp=outer), variables=(json_variable("table", "[[1,2],[3]]"),))
    for sum in ("7", "8", "9"):
        story.job_completes("t", element_variables=[json_variable("sum", sum)])
    assert story.is_completed().variables() == {"table": "[[1,2],[3]]", "all": "[[7,8],[9]]"}


def test_what_a_terminated_instance_holds_is_no_output(engine):
    each = multi(cardinality="2", condition="enough", outputs="results", output="result")
    story = Story.start(engine, flow("s -> t -> e", t=each))
    held = story.visits("t")[-1]
    command = SetElementVariables(
        partition=held.partition, id=held.id, worker_id="w", variables=(json_variable("result", "9"),)
    )
    engine.execute(command)
    story.job_completes("t", element_variables=[json_variable("result", "1")])
    story.job_completes("t", nth=1, condition_fulfilled=True).is_completed()
    assert story.variables()["results"] == "[1,null]"


def test_a_worker_says_how_many_and_when_it_is_enough(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(sequential=True, condition="enough")))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED | J: 1 SET_LOOP_CARDINALITY@3 DUE")
    story.job_completes("t", loop_cardinality=3).job_completes("t")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 t COMPLETED ^3 "
        "| J: 1 SET_LOOP_CARDINALITY@3 DONE; 2 EXECUTE@4 DONE; 3 EVALUATE_COMPLETION_CONDITION@3 DUE"
    )
    story.job_completes("t", condition_fulfilled=False).job_completes("t").job_completes("t", condition_fulfilled=True)
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 t COMPLETED ^3; 5 t COMPLETED ^3; 6 e COMPLETED"
    )


def test_an_error_inside_ends_all_instances_by_the_boundary_event(engine):
    model = flow("s -> sp -> e; b -> eb", sp=multi(sub("s2 -> w -> e2"), cardinality="2"), b=boundary("sp", "error:"))
    story = Story.start(engine, model)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 b CREATED; 5 sp STARTED ^3; 6 sp STARTED ^3; "
        "7 s2 COMPLETED ^5; 8 s2 COMPLETED ^6; 9 w STARTED ^5; 10 w STARTED ^6 | J: 1 EXECUTE@9 DUE; 2 EXECUTE@10 DUE"
    )
    story.job_completes("w", error_code="X")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 sp TERMINATED ^3; "
        "6 sp TERMINATED ^3; 7 s2 COMPLETED ^5; 8 s2 COMPLETED ^6; 9 w TERMINATED ^5; 10 w TERMINATED ^6; "
        "11 eb COMPLETED | J: 1 EXECUTE@9 DONE; 2 EXECUTE@10 DUE"
    )
    assert story.jobs()[0].detached
    story.job_completes("w", becomes="CANCELED")


@pytest.mark.parametrize(
    ("completion", "error"),
    [
        ({}, "expected a loop cardinality"),
        ({"loop_cardinality": -1}, "expected a loop cardinality"),
        ({"loop_cardinality": 1001}, "expected a loop cardinality of at most 1000"),
    ],
)
def test_a_number_that_is_none_is_refused(engine, completion, error):
    story = Story.start(engine, flow("s -> t -> e", t=multi()))
    story.job_completes("t", becomes="CAUSED_INCIDENT", **completion)
    assert story.query(c.JobCriteria)[0].error.endswith(error)
    story.incident_is_resolved().job_completes("t", loop_cardinality=0).is_completed()
    assert len(story.visits("t")) == 1


def test_it_must_be_said_whether_it_is_enough(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(cardinality="2", condition="enough")))
    story.job_completes("t")
    story.job_completes("t", nth=1, becomes="CAUSED_INCIDENT")
    assert story.query(c.JobCriteria)[-1].error.endswith("expected whether the condition is fulfilled")
    story.job_completes("t").is_completed()
    story.incident_is_resolved()
    story.job_completes("t", becomes="CANCELED")


def test_a_condition_ends_the_instances_that_are_left(engine):
    each = multi(cardinality="3", condition="enough", outputs="results", output="result")
    story = Story.start(engine, flow("s -> t -> e", t=each))
    story.job_completes("t", element_variables=[json_variable("result", "1")])
    story.job_completes("t", nth=2, condition_fulfilled=True)
    assert [visit.state for visit in story.visits("t")] == ["COMPLETED", "COMPLETED", "TERMINATED", "TERMINATED"]
    assert story.is_completed().variables() == {"results": "[1,null,null]"}


def test_a_collection_that_is_missing_is_an_incident_until_it_is_there(engine):
    story = Story.start(engine, flow("s -> t -> e", t=ORDERS))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED | J:  "
        f'| T: 1 EVALUATE_EXPRESSION@3 CAUSED_INCIDENT "{NO_LIST}" by default-engine'
    )
    story.incident_is_resolved().tasks_run("CAUSED_INCIDENT")
    set_orders(story, '"a"')
    story.incident_is_resolved().tasks_run("CAUSED_INCIDENT")
    set_orders(story, "[1]")
    story.incident_is_resolved().tasks_run("DONE").waits_at("t")
    assert story.knows("t") == {"loopCounter": "1", "order": "1"}


def set_orders(story: Story, value: str) -> None:
    data = json_variable("orders", value).data
    story.sets(orders=data)


def test_what_waits_for_a_collection_can_be_interrupted(engine):
    model = flow("s -> t -> e; b -> eb", t=ORDERS, b=boundary("t", "signal:g"))
    story = Story.start(engine, model)
    signal(engine)
    story.tasks_run("DONE").is_completed()
    story.incident_is_resolved().tasks_run("CANCELED")


def test_one_after_the_other_takes_the_items_of_the_beginning(engine):
    model = flow("s -> t -> e", t=multi(sequential=True, collection="orders", item="order"))
    story = Story.start(engine, model, variables=(json_variable("orders", '["a","b"]'),))
    story.sets(orders=json_variable("orders", "[]").data).job_completes("t").waits_at("t")
    assert story.knows("t") == {"loopCounter": "2", "order": '"b"'}
    story.job_completes("t").is_completed()
    assert story.variables() == {"orders": "[]"}


@pytest.mark.parametrize("changed", ['["a"]', '"none"'])
def test_an_item_that_somebody_has_taken_from_the_copy_is_null(engine, changed):
    model = flow("s -> t -> e", t=multi(collection="orders", item="order", sequential=True))
    story = Story.start(engine, model, variables=(json_variable("orders", '["a","b"]'),))
    body = story.visits("t")[0]
    command = SetElementVariables(
        partition=body.partition, id=body.id, worker_id="w", variables=(json_variable("orders", changed),)
    )
    engine.execute(command)
    story.job_completes("t")
    assert story.knows("t", -1) == {"loopCounter": "2", "order": "null"}
    story.job_completes("t").is_completed()


def test_an_output_goes_to_the_nearest_scope_that_has_it(engine):
    each = multi(cardinality="1", outputs="results", output="result")
    story = Story.start(engine, flow("s -> sp -> e", sp=sub("s2 -> t0 -> t -> u -> e2", t=each, u=USER)))
    story.job_completes("t0", element_variables=[replace(json_variable("results", "0"), bpmn_element_id="sp")])
    story.job_completes("t", element_variables=[json_variable("result", "1")]).waits_at("u")
    assert (story.knows("sp"), story.variables()) == ({"results": "[1]"}, {})


def test_items_and_outputs_of_what_is_encrypted_are_encrypted(config, clock):
    with closing(open_service(replace(config, encryption_keys=KEYS), clock)) as service:
        for sequential in (False, True):
            each = multi(sequential=sequential, collection="orders", item="order", outputs="results", output="result")
            process = "p2" if sequential else "p1"
            orders = json_variable("orders", '["hidden"]', encrypted=True)
            story = Story.start(service, flow("s -> t -> e", process=process, t=each), variables=(orders,))
            assert story.knows("t")["order"] == '"hidden"'
            story.job_completes("t", element_variables=[json_variable("result", '"hidden"', encrypted=True)])
            assert story.is_completed().variables()["results"] == '["hidden"]'
            command = GetProcessVariables(partition=story.partition, id=story.id)
            assert all(variable.encrypted for variable in service.execute(command))
            assert not [v.value for v in story.query(c.VariableCriteria) if "hidden" in v.value]


def test_people_have_a_task_each(engine):
    story = Story.start(engine, flow("s -> u -> e; b -> eb", u=multi(USER, cardinality="2"), b=boundary("u", "error:")))
    assert [task.state for task in story.user_tasks()] == ["STARTED", "STARTED"]
    first = story.user_tasks()[0]
    engine.execute(UpdateUserTask(partition=first.partition, id=first.id, revision=1, worker_id="w", completed=True))
    story.user_task_updates(error_code="E")
    story.is_completed()
    assert [visit.state for visit in story.visits("u")] == ["TERMINATED", "COMPLETED", "TERMINATED"]
    assert [task.state for task in story.user_tasks()] == ["COMPLETED", "TERMINATED"]


def test_an_escalation_inside_leaves_the_others_alone(engine):
    model = flow("s -> t -> e; b -> eb", t=multi(cardinality="2"), b=boundary("t", "escalation:", interrupting=False))
    story = Story.start(engine, model)
    story.job_completes("t", escalation_code="C").job_completes("t").job_completes("t").is_completed()
    assert len(story.visits("eb")) == 1


def test_each_instance_waits_for_its_own_message(engine):
    story = Story.start(engine, flow("s -> r -> e", r=multi(receive("m"), cardinality="2")))
    story.job_completes("r", message_correlation_key="a").job_completes("r", message_correlation_key="b")
    send(engine, key="b")
    story.tasks_run("DONE")
    assert [visit.state for visit in story.visits("r")] == ["STARTED", "STARTED", "COMPLETED"]
    send(engine, key="a")
    story.tasks_run("DONE").is_completed()


def test_instances_call_separately_and_an_error_of_one_ends_all(engine):
    deploy(engine, flow("s -> w -> end", process="ch", end=end("error:X")))
    model = flow("s -> ca -> e; b -> eb", ca=multi(call(), cardinality="2"), b=boundary("ca", "error:X"))
    story = Story.start(engine, model)
    story.job_completes("ca", called_process=CALLED).job_completes("ca", called_process=CALLED)
    first, second = instances(engine, parent_id=story.id)
    first.job_completes("w")
    run_tasks(engine)
    first.has_state("TERMINATED")
    while run_tasks(engine):
        pass
    story.is_completed()
    second.has_state("TERMINATED")
    assert [visit.state for visit in story.visits("ca")] == ["TERMINATED"] * 3
    assert story.visit("eb").state == "COMPLETED"


def test_instances_that_call_hand_over_what_they_have_got(engine):
    deploy(engine, flow("s -> w -> e", process="ch"))
    each = multi(call("ch"), cardinality="2", outputs="results", output="result")
    story = Story.start(engine, flow("s -> ca -> e", ca=each)).job_completes("ca").job_completes("ca")
    for number, called in enumerate(instances(engine, parent_id=story.id)):
        called.job_completes("w").is_completed()
        story.job_completes("ca", element_variables=[json_variable("result", str(number))])
    assert story.is_completed().variables() == {"results": "[0,1]"}


def test_nested_ones_multiply(engine):
    inner = sub("s2 -> t -> e2", t=multi(cardinality="3"))
    story = Story.start(engine, flow("s -> sp -> e", sp=multi(inner, cardinality="2", sequential=True)))
    for _ in range(6):
        story.job_completes("t")
    story.is_completed()
    assert len(story.visits("t")) == 2 * (1 + 3)


def test_a_terminate_end_event_ends_its_own_instance(engine):
    inner = sub("s2 -> f -> a, b; a -> x", f=PARALLEL, b=SERVICE, x=end("terminate"))
    story = Story.start(engine, flow("s -> sp -> e", sp=multi(inner, cardinality="2")))
    story.job_completes("a").waits_at("a", "b")
    assert [visit.state for visit in story.visits("sp")] == ["STARTED", "COMPLETED", "STARTED"]


def test_an_interrupting_event_inside_ends_its_own_instance(engine):
    inner = sub("s2 -> w -> e2; x", x=event_sub("m -> u", m=start("message:m"), u=USER))
    story = Story.start(engine, flow("s -> sp -> e", sp=multi(inner, cardinality="2")))
    story.job_completes("m", message_correlation_key="a").job_completes("m", message_correlation_key="b")
    story.waits_at("w", "w")
    send(engine, key="b")
    story.tasks_run("DONE").waits_at("w", "u")
    story.user_task_updates(completed=True)
    assert [visit.state for visit in story.visits("sp")] == ["STARTED", "STARTED", "COMPLETED"]
    story.job_completes("w").is_completed()


def test_a_timer_at_it_runs_once_for_all(engine):
    model = flow(
        "s -> t -> e; b -> eb",
        t=multi(cardinality="2", sequential=True),
        b=boundary("t", "timer:PT1H", interrupting=False),
    )
    story = Story.start(engine, model)
    story.job_completes("t").clock_advances(hours=1).tasks_run("DONE")
    story.job_completes("t").is_completed()
    assert len(story.visits("eb")) == 1


def test_what_starts_while_suspended_is_held(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(cardinality="2", sequential=True)))
    story.suspends().job_completes("t")
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 t SUSPENDED; 4 t COMPLETED ^3; 5 t SUSPENDED ^3")
    story.resumes().suspends().job_completes("t")
    assert [visit.state for visit in story.visits("t")] == ["SUSPENDED", "COMPLETED", "COMPLETED"]
    story.resumes().is_completed()


def test_a_number_that_is_given_while_suspended_is_begun_with_on_resume(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi())).suspends()
    story.job_completes("t", loop_cardinality=2)
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 t SUSPENDED; 4 t SUSPENDED ^3; 5 t SUSPENDED ^3")
    story.resumes().job_completes("t").job_completes("t").is_completed()


def test_a_queued_instance_begins_with_it_when_it_is_released(engine):
    model = flow("s -> t -> e", t=multi(cardinality="2"))
    first = Story.start(engine, model, parallelism=1)
    second = first.again()
    first.job_completes("t").job_completes("t").is_completed()
    run_tasks(engine)
    second.job_completes("t").job_completes("t").is_completed()


def test_canceling_ends_bodies_and_what_they_contain(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(cardinality="2"))).job_completes("t")
    story.cancels()
    assert [visit.state for visit in story.visits("t")] == ["CANCELED", "COMPLETED", "CANCELED"]
    story.job_completes("t", becomes="CANCELED")


def test_what_passes_through_does_so_at_once(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(TASK, cardinality="3", sequential=True)))
    assert [visit.loop_counter for visit in story.is_completed().visits("t")][1:] == [1, 2, 3]


def test_a_thousand_at_once(engine):
    story = Story.start(engine, flow("s -> t -> e", t=multi(TASK)))
    story.job_completes("t", loop_cardinality=1000).is_completed()
    numbers = [
        visit.loop_counter
        for visit in engine.query(
            c.ElementInstanceCriteria(process_instance_id=story.id, bpmn_element_id="t"), limit=1001
        )
    ]
    assert numbers[1:] == list(range(1, 1001))
