"""Whatever workers answer, and in whatever order, complex gateways and ad-hoc sub-processes are never stuck."""

import random

import pytest

from app.engine.records import Job
from tests.flow import END, EXCLUSIVE, PARALLEL, ad_hoc, boundary, catch, complex_gateway, multi
from tests.walk import JobStep, TaskStep, Walk

STEPS = 60


def drive(walk: Walk, luck: random.Random) -> None:
    """Answers jobs and runs tasks in any order, suspends and resumes, until nothing is left to be done."""
    for _ in range(STEPS):
        if walk.instance.state == "SUSPENDED":
            walk.resume()
        elif luck.random() < 0.1 and not walk.instance.state.ended:
            walk.suspend()
        steps = left_to_do(walk)
        if not steps:
            if walk.instance.state == "SUSPENDED":
                walk.resume()
            return
        step = luck.choice(steps)
        if isinstance(step, TaskStep):
            step.run()
        else:
            step.done(**answer(walk, step.job, luck))


def left_to_do(walk: Walk) -> list[JobStep | TaskStep]:
    jobs = [JobStep(walk, job) for job in walk.jobs() if not job.detached]
    return [*jobs, *(TaskStep(walk, task) for task in walk.tasks() if not task.detached)]


def answer(walk: Walk, job: Job, luck: random.Random) -> dict:
    assert job.token is not None
    node, flows = job.token.node, job.token.node.outgoing
    if job.type == "EVALUATE_EXCLUSIVE_GATEWAY":
        return {"exclusive_gateway_decision": luck.choice(flows).id}
    if job.type == "EVALUATE_COMPLEX_GATEWAY":
        return {"inclusive_gateway_decision": tuple(f.id for f in flows if f.is_conditional and luck.random() < 0.5)}
    if job.type == "EVALUATE_ACTIVATION_CONDITION":
        return {"condition_fulfilled": luck.random() < 0.7}
    if job.type == "SELECT_ACTIVITIES":
        waiting = {token.node for token in walk.tokens if token.context == "waiting" and not token.state.ended}
        enabled = [child for child in node.children if child.is_selected and (not child.incoming or child in waiting)]
        ids = tuple(child.id for child in enabled if luck.random() < 0.4)
        return {"activities": ids, "condition_fulfilled": not ids}
    return {}


@pytest.mark.parametrize("evaluates", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_only_tokens_that_do_not_activate_a_complex_gateway_are_left(seed, count, evaluates):
    text = "s -> f -> a, b, c; a -> g; b -> x -> g, m, ex; c -> m -> g; g -> t, u, v; t -> y -> m, et"
    kinds = {"f": PARALLEL, "x": EXCLUSIVE, "m": EXCLUSIVE, "y": EXCLUSIVE, **dict.fromkeys(("ex", "et", "v"), END)}
    gateway = complex_gateway(f"activationCount >= {count}", "v", u="waitingForStart")
    walk = Walk(text, evaluates=evaluates, g=gateway, u=END, **kinds)
    drive(walk, random.Random(seed))
    left = {(token.node.id, token.context) for token in walk.tokens if not token.state.ended and token.node.parent}
    assert left <= {("g", None)} or left_to_do(walk), str(walk)


@pytest.mark.parametrize("cancels", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_ad_hoc_sub_processes_end_once_a_worker_says_so(seed, cancels):
    inner = ad_hoc(
        "a -> b; c -> g -> d, t; x; m -> late",
        condition="enough",
        cancels=cancels,
        g=PARALLEL,
        t=catch("timer:PT1H"),
        x=boundary("c", "timer:PT1H"),
        m=multi(cardinality="2"),
        late=catch("timer:PT1H"),
    )
    walk = Walk("s -> ah -> e", ah=inner)
    drive(walk, random.Random(seed))
    assert walk.instance.state == "COMPLETED" or left_to_do(walk), str(walk)
