"""Forks, decisions and joins."""

import pytest

from app.engine.types import WorkState
from app.errors import Refusal
from tests.flow import EXCLUSIVE, INCLUSIVE, PARALLEL, TASK, exclusive, inclusive, sub
from tests.walk import JobStep, Walk

FORK_AND_JOIN = "start -> fork -> a, b -> join -> end"


def fork_and_join() -> Walk:
    return Walk(FORK_AND_JOIN, fork=PARALLEL, join=PARALLEL)


def test_a_fork_reaches_every_branch_at_once():
    assert fork_and_join().waiting_at == ["a", "b"]


def test_a_join_waits_for_every_branch():
    walk = fork_and_join()
    walk.job("a").done()
    assert walk.task("join").run() is WorkState.DONE
    assert walk.waiting_at == ["b", "join"]


def test_a_join_goes_on_once_when_every_branch_has_arrived():
    walk = fork_and_join()
    walk.job("a").done()
    walk.job("b").done()
    walk.task("join").run()
    assert walk.trace.endswith("6 join COMPLETED; 7 join COMPLETED; 8 end COMPLETED")


def test_the_task_of_an_arrival_that_was_joined_meanwhile_is_canceled():
    walk = fork_and_join()
    walk.job("a").done()
    walk.job("b").done()
    walk.task("join").run()
    assert walk.task("join").run() is WorkState.CANCELED


def test_two_flows_from_one_source_need_two_arrivals():
    walk = Walk("start -> a -> join -> end; a -> join", join=PARALLEL)
    walk.job("a").done()
    assert walk.waiting_at == ["join", "join"]
    walk.task("join").run()
    assert walk.trace.endswith("4 join COMPLETED; 5 join COMPLETED; 6 end COMPLETED")


def test_two_arrivals_over_one_flow_do_not_make_up_for_the_other_flow():
    walk = Walk("start -> f -> x, y, b; x -> a; y -> a -> join -> end; b -> join", f=PARALLEL, join=PARALLEL)
    for id in ("x", "y", "a", "a"):
        walk.job(id).done()
    walk.task("join").run()
    walk.task("join").run()
    assert walk.waiting_at == ["b", "join", "join"]


def test_surplus_arrivals_wait_for_the_next_round():
    walk = Walk("start -> f -> x, y, b; x -> a; y -> a -> join -> end; b -> join", f=PARALLEL, join=PARALLEL)
    for id in ("x", "y", "a", "a", "b"):
        walk.job(id).done()
    walk.tasks_run()
    assert walk.waiting_at == ["join"]
    assert not walk.instance.state.ended


def test_a_join_takes_its_own_arrival_first():
    walk = Walk("start -> f -> x, y, b; x -> a; y -> a -> join -> end; b -> join", f=PARALLEL, join=PARALLEL)
    for id in ("x", "a", "y", "a", "b"):
        walk.job(id).done()
    first, second, _ = (task.token for task in walk.tasks())
    walk.task("join", nth=1).run()
    assert (first.state, second.state) == ("STARTED", "COMPLETED")


def test_a_join_does_not_mix_two_visits_of_its_sub_process():
    inner = sub("s -> f -> a, b -> j -> e", f=PARALLEL, j=PARALLEL)
    walk = Walk("start -> fork -> x, y -> sp -> end", fork=PARALLEL, x=TASK, y=TASK, sp=inner)
    first, second = (token for token in walk.tokens if token.node.id == "sp")
    for job in walk.jobs():
        if (job.bpmn_element_id == "a") == (job.token.parent is first):
            JobStep(walk, job).done()
    walk.tasks_run()
    assert walk.waiting_at == ["b", "a", "j", "j"]
    assert (first.active_children, second.active_children) == (2, 2)


def test_a_join_in_a_loop_counts_every_visit_anew():
    walk = Walk("start -> m -> f -> a, b -> j -> x; x -> m; x -> end", m=TASK, f=PARALLEL, j=PARALLEL, x=EXCLUSIVE)
    for target in ("m", "end"):
        walk.job("a").done()
        walk.job("b").done()
        walk.tasks_run()
        walk.job("x").done(exclusive_gateway_decision=target)
    assert walk.instance.state == "COMPLETED"
    assert [t.node.id for t in walk.tokens].count("j") == 4


def test_a_join_may_fork_again():
    walk = Walk("start -> f -> a, b -> j -> c, d", f=PARALLEL, j=PARALLEL, c=TASK, d=TASK)
    walk.job("a").done()
    walk.job("b").done()
    walk.task("j").run()
    assert walk.trace.endswith("8 c COMPLETED; 9 d COMPLETED")


def test_only_a_parallel_gateway_synchronises():
    walk = Walk("start -> f -> a, b -> x -> end", f=PARALLEL, x=EXCLUSIVE)
    walk.job("a").done()
    walk.job("b").done()
    assert walk.trace.endswith("6 x COMPLETED; 7 end COMPLETED; 8 x COMPLETED; 9 end COMPLETED")


@pytest.mark.parametrize("gateway", [EXCLUSIVE, INCLUSIVE, PARALLEL])
def test_a_gateway_without_a_choice_passes_tokens_through(gateway):
    assert (
        Walk("start -> x -> end", x=gateway).trace == "1 p COMPLETED; 2 start COMPLETED; 3 x COMPLETED; 4 end COMPLETED"
    )


def decided(gateway, **completion):
    """Where an instance goes on; the gateway leads to e1 (by default, if it has one), e2 and e3."""
    walk = Walk("start -> x -> e1, e2, e3", x=gateway)
    walk.job("x").done(**completion)
    assert walk.instance.state == "COMPLETED"
    return [token.node.id for token in walk.tokens[3:]]


@pytest.mark.parametrize(
    ("gateway", "completion", "reached"),
    [
        (EXCLUSIVE, {"exclusive_gateway_decision": "e2"}, ["e2"]),
        (EXCLUSIVE, {"exclusive_gateway_decision": "x_e2"}, ["e2"]),
        (exclusive("e1"), {"exclusive_gateway_decision": "e3"}, ["e3"]),
        (exclusive("e1"), {}, ["e1"]),
        (exclusive("e1"), {"exclusive_gateway_decision": ""}, ["e1"]),
        (INCLUSIVE, {"inclusive_gateway_decision": ("e3", "e2")}, ["e3", "e2"]),
        (INCLUSIVE, {"inclusive_gateway_decision": ("x_e3", "e2")}, ["e3", "e2"]),
        (inclusive("e1"), {}, ["e1"]),
        (inclusive("e1"), {"inclusive_gateway_decision": ("e3",)}, ["e3", "e1"]),
        (inclusive("e1"), {"inclusive_gateway_decision": ("e3", "e1")}, ["e3", "e1"]),
    ],
)
def test_a_decision_is_a_flow_or_its_target_and_an_empty_one_is_the_default(gateway, completion, reached):
    assert decided(gateway, **completion) == reached


NO_FLOW = "element x has no outgoing sequence flow to"
POSSIBLE = "possible: e1 (flow x_e1), e2 (flow x_e2), e3 (flow x_e3)"


@pytest.mark.parametrize(
    ("gateway", "completion", "sentence"),
    [
        (EXCLUSIVE, {}, f"expected an exclusive gateway decision; {POSSIBLE}"),
        (EXCLUSIVE, {"exclusive_gateway_decision": "start"}, f"{NO_FLOW} start; {POSSIBLE}"),
        (INCLUSIVE, {}, f"expected an inclusive gateway decision; {POSSIBLE}"),
        (INCLUSIVE, {"inclusive_gateway_decision": ("e2", "e2")}, "decision contains duplicate BPMN element ID e2"),
        (INCLUSIVE, {"inclusive_gateway_decision": ("e2", "x_e2")}, "decision contains duplicate BPMN element ID x_e2"),
        (inclusive("e1"), {"inclusive_gateway_decision": ("nope",)}, f"{NO_FLOW} nope; {POSSIBLE}"),
    ],
)
def test_an_unusable_decision_is_refused_with_a_sentence(gateway, completion, sentence):
    with pytest.raises(Refusal) as refusal:
        decided(gateway, **completion)
    assert refusal.value.as_text() == sentence


def test_two_flows_to_one_target_are_taken_once_by_a_decision():
    walk = Walk("start -> x -> a -> end; x -> a; x -> b", x=EXCLUSIVE)
    walk.job("x").done(exclusive_gateway_decision="a")
    assert walk.waiting_at == ["a"]


@pytest.mark.parametrize(
    ("gateway", "completion"),
    [
        (EXCLUSIVE, {"exclusive_gateway_decision": "j"}),
        (INCLUSIVE, {"inclusive_gateway_decision": ("j",)}),
    ],
)
def test_a_decision_that_leads_directly_into_a_join_counts_there(gateway, completion):
    walk = Walk("start -> f -> x, b; x -> j, c; b -> j -> end", f=PARALLEL, j=PARALLEL, x=gateway)
    walk.job("x").done(**completion)
    walk.job("b").done()
    walk.task("j").run()
    assert walk.instance.state == "COMPLETED"
