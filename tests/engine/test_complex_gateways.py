"""Complex gateways: activated by a condition, and reset when nothing can come any more."""

import pytest

from app.engine.types import InstanceState, WorkState
from app.errors import Refusal
from tests.flow import END, EXCLUSIVE, PARALLEL, boundary, complex_gateway, sub
from tests.walk import Walk

DISCRIMINATOR = "s -> f -> a, b -> g -> t -> e"
THREE = "s -> f -> a, b, c -> g -> t -> e"
FORK = "s -> f -> a, b, c -> g -> x, y"


def joining(text: str, condition: str = "activationCount >= 1", **fields) -> Walk:
    kinds = {"f": PARALLEL, "g": complex_gateway(condition), "evaluates": True, **fields}
    return Walk(text, **kinds)


def done(walk: Walk, *ids: str) -> Walk:
    for id in ids:
        walk.job(id).done()
    return walk


def open_jobs(walk: Walk) -> list[str]:
    return [f"{job.type}@{job.bpmn_element_id}" for job in walk.jobs() if not job.detached]


def reached(walk: Walk, id: str) -> int:
    """How often."""
    return sum(token.node.id == id for token in walk.tokens)


def test_the_first_token_goes_on_and_the_second_does_not():
    walk = done(joining(DISCRIMINATOR), "a")
    assert walk.trace.endswith("4 a COMPLETED; 5 b STARTED; 6 g STARTED; 7 t STARTED")
    done(walk, "b")
    assert walk.trace.endswith("5 b COMPLETED; 6 g COMPLETED; 7 t STARTED; 8 g COMPLETED")
    assert done(walk, "t").instance.state == "COMPLETED"


def test_two_of_three():
    walk = done(joining(THREE, "activationCount >= 2"), "a")
    assert walk.waiting_at == ["b", "c", "g"]
    done(walk, "b")
    assert walk.waiting_at == ["c", "g", "t"]
    done(walk, "t")
    assert walk.waiting_at == ["c", "g"]
    assert done(walk, "c").instance.state == "COMPLETED"
    assert reached(walk, "t") == 1


def test_it_is_reset_when_the_last_one_goes_another_way():
    walk = joining("s -> f -> a, b -> g -> t -> e; late -> el", late=boundary("b", "timer:PT1H"))
    done(walk, "a")
    walk.task("late").run()
    assert walk.waiting_at == ["t"]


def test_nothing_waits_where_all_have_come_at_once():
    walk = done(joining(DISCRIMINATOR, "activationCount == 2"), "a", "b")
    assert walk.waiting_at == ["t"]
    assert walk.trace.endswith("6 g COMPLETED; 7 g COMPLETED; 8 t STARTED")


def test_tokens_on_used_flows_wait_for_the_next_start():
    walk = joining("s -> f -> x, y, b; x, y -> a -> g -> t -> e; b -> g")
    done(walk, "x", "y", "a")
    assert walk.waiting_at == ["b", "a", "g", "t"]
    done(walk, "a")
    assert walk.waiting_at == ["b", "g", "t", "g"]
    done(walk, "b")
    assert walk.waiting_at == ["t", "t"]
    assert done(walk, "t", "t").instance.state == "COMPLETED"


def test_variables_count_in_the_condition():
    walk = done(joining(DISCRIMINATOR, "activationCount >= needed && waitingForStart", given={"needed": 2}), "a")
    assert walk.waiting_at == ["b", "g"]
    walk.set(needed=1)
    assert done(walk, "b").waiting_at == ["t"]


def test_conditions_of_flows_are_looked_at_once_more_for_what_comes_late():
    gateway = complex_gateway("activationCount >= 1", x="waitingForStart", y="!waitingForStart && activationCount == 3")
    walk = done(joining(FORK, g=gateway, x=END, y=END), "a")
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 0)
    done(walk, "b")
    assert walk.waiting_at == ["c", "g", "g"]
    done(walk, "c")
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 1)
    assert walk.instance.state == "COMPLETED"


def test_nothing_has_to_be_true_for_what_comes_late():
    gateway = complex_gateway("activationCount >= 1", x="waitingForStart", y="false")
    walk = done(joining(FORK, g=gateway, x=END, y=END), "a", "b", "c")
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 0)
    assert walk.instance.state == "COMPLETED"


def test_the_default_flow_is_taken_where_nothing_is_true():
    gateway = complex_gateway("activationCount >= 1", "y", x="waitingForStart")
    walk = done(joining(FORK, g=gateway, x=END, y=END), "a", "b", "c")
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 1)


def test_flows_without_condition_are_taken_when_it_is_activated_only():
    gateway = complex_gateway("activationCount >= 1", x="true")
    walk = done(joining(FORK, g=gateway, x=END, y=END), "a", "b", "c")
    assert (reached(walk, "x"), reached(walk, "y")) == (2, 1)


def test_no_true_condition_and_no_default_flow_wait_for_an_operator():
    gateway = complex_gateway("activationCount >= 1", x="open", y="false")
    walk = done(joining(FORK, g=gateway, given={"open": False}, x=END, y=END), "a")
    (incident,) = walk.records.incidents
    assert incident.error.endswith("no condition of g is true and it has no default sequence flow")
    done(walk, "b")
    assert walk.waiting_at == ["c", "g", "g"]
    walk.set(open=True)
    assert walk.resolved().run() is WorkState.DONE
    assert reached(walk, "x") == 1
    done(walk, "c")
    assert reached(walk, "x") == 2
    assert walk.instance.state == "COMPLETED"


def test_a_condition_that_fails_is_evaluated_by_the_next_token_or_when_it_is_resolved():
    walk = done(joining(THREE, "activationCount >= needed"), "a")
    (incident,) = walk.records.incidents
    assert incident.task.serialized_task == '{"Expression":"activationCondition"}'
    walk.set(needed=2)
    done(walk, "b")
    assert walk.waiting_at == ["c", "g", "t"]
    walk = done(joining(THREE, "activationCount >= needed"), "a")
    walk.set(needed=1)
    assert walk.resolved().run() is WorkState.DONE
    assert walk.waiting_at == ["b", "c", "g", "t"]


def test_workers_say_whether_it_is_activated():
    walk = done(joining(THREE, evaluates=False), "a")
    assert open_jobs(walk)[-1] == "EVALUATE_ACTIVATION_CONDITION@g"
    walk.job("g").done(condition_fulfilled=False)
    assert walk.waiting_at == ["b", "c", "g"]
    done(walk, "b")
    walk.job("g").done(condition_fulfilled=True)
    assert walk.waiting_at == ["c", "g", "t"]
    done(walk, "c", "t")
    assert walk.instance.state == "COMPLETED"
    assert open_jobs(walk) == []


def test_a_worker_has_to_say_something():
    walk = done(joining(DISCRIMINATOR, evaluates=False), "a")
    with pytest.raises(Refusal, match="expected whether the condition is fulfilled"):
        walk.job("g").done()


def test_the_answer_about_a_token_comes_too_late_when_another_one_has_activated_it():
    walk = done(joining(THREE, evaluates=False), "a", "b")
    assert open_jobs(walk)[-2:] == ["EVALUATE_ACTIVATION_CONDITION@g", "EVALUATE_ACTIVATION_CONDITION@g"]
    walk.job("g").done(condition_fulfilled=True)
    assert walk.trace.endswith("7 g COMPLETED; 8 g STARTED; 9 t STARTED")
    walk.job("g").done(condition_fulfilled=True)
    assert walk.waiting_at == ["c", "g", "t"]
    done(walk, "c", "t")
    assert walk.instance.state == "COMPLETED"


def test_what_waits_for_the_next_start_is_asked_about_when_that_is_awaited():
    text = "s -> f -> x, y, b; x, y -> a -> g -> t -> e; b -> g"
    walk = done(joining(text, evaluates=False), "x", "y", "a")
    walk.job("g").done(condition_fulfilled=True)
    done(walk, "a")
    assert "EVALUATE_ACTIVATION_CONDITION@g" not in open_jobs(walk)
    done(walk, "b")
    assert open_jobs(walk)[-1] == "EVALUATE_ACTIVATION_CONDITION@g"
    walk.job("g").done(condition_fulfilled=True)
    assert walk.waiting_at == ["t", "t"]


def test_workers_decide_where_it_goes_on_at_both_times():
    gateway = complex_gateway("any", x="one", y="two")
    walk = done(joining(FORK, g=gateway, evaluates=False, x=END, y=END), "a")
    walk.job("g").done(condition_fulfilled=True)
    with pytest.raises(Refusal, match="expected an outgoing sequence flow"):
        walk.job("g").done()
    walk = done(joining(FORK, g=gateway, evaluates=False, x=END, y=END), "a")
    walk.job("g").done(condition_fulfilled=True)
    assert open_jobs(walk)[-1] == "EVALUATE_COMPLEX_GATEWAY@g"
    walk.job("g").done(inclusive_gateway_decision=("x",))
    done(walk, "b", "c")
    assert open_jobs(walk) == ["EVALUATE_COMPLEX_GATEWAY@g"]
    walk.job("g").done()
    assert (reached(walk, "x"), reached(walk, "y")) == (1, 0)
    assert walk.instance.state == "COMPLETED"


def test_one_that_only_diverges_is_decided_by_a_worker():
    text = "s -> g -> a, b, d"
    gateway = complex_gateway(default="d")
    walk = Walk(text, g=gateway, a=END, b=END, d=END)
    assert open_jobs(walk) == ["EVALUATE_COMPLEX_GATEWAY@g"]
    walk.job("g").done(inclusive_gateway_decision=("a", "b"))
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 a COMPLETED; 5 b COMPLETED"
    walk = Walk(text, g=gateway, a=END, b=END, d=END)
    walk.job("g").done()
    assert walk.trace.endswith("3 g COMPLETED; 4 d COMPLETED")
    walk = Walk(text, g=complex_gateway(), a=END, b=END, d=END)
    with pytest.raises(Refusal, match="expected an outgoing sequence flow"):
        walk.job("g").done()


def test_one_that_only_diverges_by_conditions():
    walk = Walk("s -> g -> a, b", evaluates=True, g=complex_gateway("", "b", a="activationCount == 1"), a=END, b=END)
    assert walk.trace == "1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 a COMPLETED"


def test_a_single_incoming_flow_may_have_a_condition_too():
    gateway = complex_gateway("go")
    walk = joining("s -> f -> x, y -> m -> g -> t", m=EXCLUSIVE, g=gateway, given={"go": False})
    done(walk, "x")
    assert walk.waiting_at == ["y", "g"]
    walk.set(go=True)
    done(walk, "y")
    assert reached(walk, "t") == 2
    assert walk.instance.state == "COMPLETED"


def test_two_gateways_do_not_wait_for_what_has_gone_on():
    text = "s -> f -> a, b -> g -> h; f -> c -> h -> e"
    both = complex_gateway("activationCount >= 1")
    walk = joining(text, g=both, h=complex_gateway("activationCount >= 2"))
    done(walk, "a", "c")
    assert reached(walk, "e") == 1
    assert done(walk, "b").instance.state == "COMPLETED"


def test_it_is_reset_when_the_instance_is_resumed():
    walk = done(joining(DISCRIMINATOR), "a")
    walk.suspend()
    done(walk, "b")
    assert walk.waiting_at == ["g", "t", "g"]
    walk.resume()
    assert walk.waiting_at == ["t"]


def test_a_token_that_arrives_in_a_suspended_one_counts_when_it_is_resumed():
    walk = joining(DISCRIMINATOR)
    walk.suspend()
    done(walk, "a")
    assert walk.waiting_at == ["b", "g"]
    walk.resume()
    assert walk.waiting_at == ["b", "g", "t"]


def test_what_waits_there_ends_with_its_scope():
    inner = sub("is -> f -> a, b -> g -> t -> ie", f=PARALLEL, g=complex_gateway("activationCount >= 1"))
    walk = Walk("s -> sp -> e; late -> el", sp=inner, late=boundary("sp", "timer:PT1H"), evaluates=True)
    done(walk, "a")
    walk.task("late").run()
    assert walk.instance.state == "COMPLETED"


def test_it_is_cancelled():
    walk = done(joining(THREE, evaluates=False), "a", "b")
    walk.end(InstanceState.CANCELED)
    assert open_jobs(walk) == []
