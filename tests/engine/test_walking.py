"""What holds for every kind of element: order, ids, scopes, endless walks, links, queued and suspended instances."""

import pytest

from app.engine.changes import Changes
from app.engine.needs import Missing
from app.engine.run import Run
from app.engine.tokens import MAX_STEPS
from app.engine.types import InstanceState
from app.errors import EngineError, ErrorKind
from app.timer import Timer
from tests.flow import PARALLEL, SERVICE, TASK, USER, Kind, boundary, catch, end, graph, sub, throw
from tests.walk import NOW, Walk, variables


def test_a_straight_line_is_walked_to_the_first_wait_state():
    walk = Walk("s -> t -> e")
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED"
    walk.job("t").done()
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 t COMPLETED; 4 e COMPLETED"


def test_tokens_are_numbered_breadth_first():
    walk = Walk("s -> f -> a1, b1; a1 -> a2 -> ea; b1 -> b2 -> eb", f=PARALLEL, a1=TASK, a2=TASK, b1=TASK, b2=TASK)
    assert [token.node.id for token in walk.tokens] == ["p", "s", "f", "a1", "b1", "a2", "b2", "ea", "eb"]


def test_a_task_with_several_outgoing_flows_forks():
    walk = Walk("s -> t -> a, b", t=TASK, a=SERVICE, b=SERVICE)
    assert walk.waiting_at == ["a", "b"]


def test_an_instance_ends_with_the_last_of_its_branches():
    walk = Walk("s -> f -> a, b -> e", f=PARALLEL)
    walk.job("a").done()
    assert walk.instance.state == "STARTED"
    walk.job("b").done()
    assert (walk.instance.state, walk.instance.ended_at) == ("COMPLETED", NOW)


def test_an_element_that_leads_nowhere_ends_its_branch():
    walk = Walk("s -> t", t=SERVICE)
    walk.job("t").done()
    assert walk.instance.state == "COMPLETED"


@pytest.mark.parametrize("tag", ["businessRuleTask", "scriptTask", "sendTask", "serviceTask"])
def test_worker_tasks_wait_with_an_execute_job(tag):
    walk = Walk("s -> t -> e", t=Kind(tag))
    (job,) = walk.jobs()
    assert (job.type, job.bpmn_element_id, job.retry_count, job.due_at) == ("EXECUTE", "t", 0, NOW)


@pytest.mark.parametrize("tag", ["task", "manualTask"])
def test_tasks_without_a_worker_pass_through(tag):
    assert Walk("s -> t -> e", t=Kind(tag)).instance.state == "COMPLETED"


@pytest.mark.parametrize("kind", [throw("message:m"), end("message:m")])
def test_message_throw_and_end_events_are_executed_by_a_worker(kind):
    walk = Walk("s -> m", m=kind)
    (job,) = walk.jobs()
    assert job.type == "EXECUTE"
    walk.job("m").done()
    assert walk.instance.state == "COMPLETED"


def test_a_cycle_that_nobody_waits_at_is_cut_off():
    with pytest.raises(EngineError) as error:
        Walk("s -> a -> b -> a", a=TASK, b=TASK)
    assert error.value.kind is ErrorKind.EXECUTION
    assert error.value.detail.startswith(f"no wait state was reached within {MAX_STEPS} element instances")


def test_a_cycle_with_a_wait_state_is_walked_as_often_as_it_is_completed():
    walk = Walk("s -> a -> b -> a", b=TASK)
    for _ in range(3):
        walk.job("a").done()
    assert [token.node.id for token in walk.tokens].count("a") == 4


def test_a_link_jumps_to_the_catch_event_of_its_name():
    walk = Walk("s -> th; ca -> t -> e", th=throw("link:L"), ca=catch("link:L"), t=TASK)
    assert [token.node.id for token in walk.tokens] == ["p", "s", "th", "ca", "t", "e"]
    assert walk.instance.state == "COMPLETED"


def test_links_of_one_name_stay_within_their_scopes():
    inner = sub("s2 -> th2; ca2 -> b -> e2", th2=throw("link:L"), ca2=catch("link:L"))
    walk = Walk("s -> th; ca -> sp -> e", th=throw("link:L"), ca=catch("link:L"), sp=inner)
    assert walk.trace == (
        "1 p STARTED; 2 s COMPLETED; 3 th COMPLETED; 4 ca COMPLETED; 5 sp STARTED; 6 s2 COMPLETED ^5; "
        "7 th2 COMPLETED ^5; 8 ca2 COMPLETED ^5; 9 b STARTED ^5"
    )
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_a_scope_without_start_event_begins_at_a_link_that_no_flow_leads_to():
    links = {"th": throw("link:L"), "ca": catch("link:L")}
    walk = Walk("sp -> e", sp=sub("th; ca -> t", t=SERVICE, **links))
    assert walk.trace == "1 p STARTED; 2 sp STARTED; 3 th COMPLETED ^2; 4 ca COMPLETED ^2; 5 t STARTED ^2"
    walk.job("t").done()
    assert walk.instance.state == "COMPLETED"


def test_several_links_may_lead_to_one_catch_event():
    walk = Walk("s -> f -> t1, t2; ca -> e", f=PARALLEL, t1=throw("link:L"), t2=throw("link:L"), ca=catch("link:L"))
    assert [token.node.id for token in walk.tokens].count("e") == 2


def test_a_queued_instance_stops_before_its_start_event():
    walk = Walk("s -> t -> e", state=InstanceState.QUEUED)
    assert walk.trace == "1 p QUEUED; 2 s QUEUED"
    assert walk.instance.started_at is None
    walk.dequeue()
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 t STARTED"
    assert walk.instance.started_at == NOW


def test_only_what_is_newly_reached_stops_in_a_suspended_instance():
    walk = Walk("s -> f -> a, b -> c -> e", f=PARALLEL)
    walk.suspend()
    walk.job("a").done()
    assert walk.trace == ("1 p SUSPENDED; 2 s COMPLETED; 3 f COMPLETED; 4 a COMPLETED; 5 b STARTED; 6 c SUSPENDED")
    walk.resume()
    assert walk.waiting_at == ["b", "c"]
    assert [job.bpmn_element_id for job in walk.jobs()] == ["b", "c"]


def test_what_was_reached_while_suspended_is_continued_by_whoever_resumes():
    walk = Walk("s -> a -> b -> e")
    walk.suspend()
    walk.job("a").done()
    walk.resume()
    (job,) = walk.jobs()
    assert (job.bpmn_element_id, job.created_by) == ("b", "op")


def test_boundary_events_appear_when_their_host_is_resumed():
    walk = Walk("s -> a -> b -> e; bb -> e", bb=boundary("b", "signal"))
    walk.suspend()
    walk.job("a").done()
    assert walk.trace.endswith("4 b SUSPENDED")
    walk.resume()
    assert walk.trace.endswith("4 b CREATED; 5 bb CREATED")


def test_an_activity_starts_in_a_suspended_instance_when_its_last_event_is_defined():
    walk = Walk("s -> b -> e; bb -> eb", bb=boundary("b", "signal"))
    walk.suspend()
    walk.job("bb").done(signal_name="g")
    assert walk.trace == "1 p SUSPENDED; 2 s COMPLETED; 3 b STARTED; 4 bb CREATED"


def test_an_event_that_is_defined_while_suspended_still_happens():
    walk = Walk("s -> c -> e", c=catch("timer"))
    walk.suspend()
    walk.job("c").done(timer=Timer(time_duration="PT1H"))
    assert walk.trace == "1 p SUSPENDED; 2 s COMPLETED; 3 c STARTED"
    walk.task("c").run()
    assert walk.trace.endswith("3 c COMPLETED; 4 e SUSPENDED")
    walk.resume()
    assert walk.instance.state == "COMPLETED"


def test_an_instance_whose_last_branch_ends_while_suspended_is_completed():
    walk = Walk("s -> a", a=SERVICE)
    walk.suspend()
    walk.job("a").done()
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 a COMPLETED"


def test_a_sub_process_that_ran_empty_while_suspended_completes_when_resumed():
    walk = Walk("s -> sp -> t -> e", sp=sub("s2 -> a", a=SERVICE))
    walk.suspend()
    walk.job("a").done()
    assert walk.token("sp").state == "SUSPENDED"
    walk.resume()
    assert walk.trace == (
        "1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 s2 COMPLETED ^3; 5 a COMPLETED ^3; 6 t STARTED"
    )


def test_a_sub_process_that_is_reached_while_suspended_starts_when_resumed():
    walk = Walk("s -> a -> sp -> e", sp=sub("s2 -> b -> e2"))
    walk.suspend()
    walk.job("a").done()
    walk.resume()
    assert walk.trace.endswith("4 sp STARTED; 5 s2 COMPLETED ^4; 6 b STARTED ^4")
    assert walk.token("sp").started_at == NOW


def test_a_sub_process_that_starts_while_suspended_stops_at_its_start_event():
    walk = Walk("s -> sp -> e; b -> e", sp=sub("s2 -> t -> e2"), b=boundary("sp", "signal"))
    walk.suspend()
    walk.job("b").done(signal_name="g")
    assert walk.trace == "1 p SUSPENDED; 2 s COMPLETED; 3 sp SUSPENDED; 4 b CREATED; 5 s2 SUSPENDED ^3"
    walk.resume()
    assert walk.trace == "1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 b CREATED; 5 s2 COMPLETED ^3; 6 t STARTED ^3"
    assert walk.token("sp").started_at == NOW


def test_ending_an_instance_ends_all_that_is_active_in_it():
    walk = Walk("s -> f -> sp, u -> e", f=PARALLEL, sp=sub("s2 -> t -> e2"), u=USER)
    walk.end(InstanceState.CANCELED)
    assert walk.trace == (
        "1 p CANCELED; 2 s COMPLETED; 3 f COMPLETED; 4 sp CANCELED; 5 u CANCELED; 6 s2 COMPLETED ^4; 7 t CANCELED ^4"
    )
    assert walk.records.user_tasks[0].state == "CANCELED"
    assert walk.records.jobs[0].detached


def test_a_walk_that_knows_only_a_part_asks_for_the_whole_instance_before_it_ends_it():
    walk = Walk("s -> sp -> e", sp=sub("s2 -> t -> e2"))
    near = [walk.token("p"), walk.token("sp")]
    changes = Changes()
    run = Run(
        walk.instance,
        walk.graph,
        now=NOW,
        actor="w",
        engine_id="engine",
        changes=changes,
        variables=variables(changes, "w"),
        tokens=near,
    )
    with pytest.raises(Missing):
        run.end_instance(InstanceState.TERMINATED)
    with pytest.raises(Missing):
        run.terminate(walk.token("sp"))
    assert walk.token("sp").state == "STARTED"


def test_a_compiled_graph_knows_its_neighbours():
    found = graph("s -> x -> a, b; x -> a; be -> b", a=SERVICE, be=boundary("a", "error:"), b=SERVICE)
    (x,) = [node for node in found.root.children if node.id == "x"]
    assert [flow.target.id for flow in x.outgoing] == ["a", "b", "a"]
    (a,) = [node for node in found.root.children if node.id == "a"]
    assert a.incoming == [x.outgoing[0], x.outgoing[2]]
    assert [(event.id, event.host) for event in a.attached] == [("be", a)]
    assert [flow.source for flow in x.outgoing] == [x, x, x]
    first, second, third = x.outgoing
    assert (x.flow("b"), x.flow("a"), x.flow("s")) == (second, first, None)
    assert x.flow(third.id) is third
