"""Joining inclusive gateways (BPMN 2.0.2, 13.4.3)."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.engine import reach
from app.engine.changes import Changes
from app.engine.elements.gateway import can_still_come
from app.engine.graph import Node
from app.engine.reach import reach_of
from app.engine.records import ElementInstance
from app.engine.run import Run
from app.engine.types import InstanceState
from tests.engine.paths import exits, is_activated, reached
from tests.flow import EXCLUSIVE, INCLUSIVE, PARALLEL, SERVICE, TASK, Kind, boundary, catch, end, multi, sub, throw
from tests.walk import NOW, Walk, variables

FORK = "s -> f -> a, b -> j -> e"


def test_it_waits_for_what_has_been_chosen_and_goes_on_once():
    walk = Walk("s -> g -> a, b, c -> j -> e", g=INCLUSIVE, j=INCLUSIVE)
    walk.job("g").done(inclusive_gateway_decision=["a", "b"])
    walk.job("a").done()
    assert walk.waiting_at == ["b", "j"]
    walk.job("b").done()
    assert walk.trace == (
        "1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 4 a COMPLETED; 5 b COMPLETED; 6 j COMPLETED; 7 j COMPLETED; "
        "8 e COMPLETED"
    )
    assert walk.records.tasks == []


def test_it_goes_on_as_soon_as_nothing_can_come_any_more():
    walk = Walk("s -> f -> a, b; a -> j -> e; b -> x -> j, b, e2", f=PARALLEL, j=INCLUSIVE, x=EXCLUSIVE)
    walk.job("a").done()
    walk.job("b").done()
    walk.job("x").done(exclusive_gateway_decision="b")
    assert walk.waiting_at == ["j", "b"]
    walk.job("b").done()
    walk.job("x").done(exclusive_gateway_decision="e2")
    assert walk.instance.state == "COMPLETED"


def test_it_does_not_wait_for_what_can_get_to_a_filled_flow_as_well():
    walk = Walk(
        "s -> f -> a, b; a -> m; b -> y -> m, j; m -> j -> e", f=PARALLEL, m=EXCLUSIVE, y=EXCLUSIVE, j=INCLUSIVE
    )
    walk.job("a").done()
    assert walk.waiting_at == ["b"]
    walk.job("b").done()
    walk.job("y").done(exclusive_gateway_decision="j")
    assert [token.node.id for token in walk.tokens].count("e") == 2
    assert walk.instance.state == "COMPLETED"


def test_it_decides_where_to_go_on_by_one_job():
    walk = Walk("s -> f -> a, b -> j -> c, d", f=PARALLEL, j=INCLUSIVE, c=SERVICE, d=SERVICE)
    walk.job("a").done()
    walk.job("b").done()
    (job,) = walk.jobs()
    assert (job.type, job.bpmn_element_id) == ("EVALUATE_INCLUSIVE_GATEWAY", "j")
    walk.job("j").done(inclusive_gateway_decision=["c", "d"])
    assert walk.waiting_at == ["c", "d"]


def test_several_tokens_of_one_flow_go_on_one_after_the_other():
    walk = Walk("s -> f -> a, b; a -> j; b -> j; f -> a; j -> e", f=PARALLEL, j=INCLUSIVE)
    walk.job("a").done()
    walk.job("a").done()
    assert walk.waiting_at == ["b", "j", "j"]
    walk.job("b").done()
    assert [token.node.id for token in walk.tokens].count("e") == 2
    assert walk.instance.state == "COMPLETED"


def test_two_flows_from_one_element_are_two_ways_to_come():
    walk = Walk("s -> a -> j; a -> j; s -> b -> j -> e", j=INCLUSIVE)
    walk.job("a").done()
    assert walk.waiting_at == ["b", "j", "j"]
    walk.job("b").done()
    assert [token.node.id for token in walk.tokens].count("e") == 1
    assert walk.instance.state == "COMPLETED"


def test_it_waits_for_a_sub_process_whatever_happens_inside():
    inner = sub("s2 -> f2 -> c, d -> j2 -> e2", f2=PARALLEL, j2=INCLUSIVE)
    walk = Walk("s -> f -> a, sp -> j -> e", f=PARALLEL, j=INCLUSIVE, sp=inner)
    walk.job("c").done()
    walk.job("a").done()
    assert walk.waiting_at == ["d", "j2", "j"]
    walk.job("d").done()
    assert walk.instance.state == "COMPLETED"


def test_it_waits_for_the_body_of_a_multi_instance():
    walk = Walk(FORK, f=PARALLEL, j=INCLUSIVE, b=multi(cardinality="2"))
    walk.job("a").done()
    walk.job("b").done()
    assert walk.waiting_at == ["b", "j"]
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_a_token_may_still_come_by_a_boundary_event():
    walk = Walk(
        "s -> f -> a, b; a -> j -> e; b -> eb; bb -> c -> j", f=PARALLEL, j=INCLUSIVE, bb=boundary("b", "signal:g")
    )
    walk.job("a").done()
    walk.happens("bb")
    assert walk.waiting_at == ["j", "c"]
    walk.job("c").done()
    assert walk.instance.state == "COMPLETED"


def test_it_waits_for_an_activity_beside_which_a_boundary_event_has_led_to_it():
    """From the activity, flows lead to the empty one only: that the event leads to the other is no path of flows."""
    walk = Walk("s -> b -> j -> e; bb -> c -> j", j=INCLUSIVE, bb=boundary("b", "signal:g", interrupting=False))
    walk.happens("bb")
    walk.job("c").done()
    assert walk.waiting_at == ["b", "j"]
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_it_does_not_wait_for_a_boundary_event_that_leads_to_a_filled_flow_as_well():
    walk = Walk(
        "s -> f -> a, b; a -> m; b -> eb; bb -> y -> m, j; m -> j -> e",
        f=PARALLEL,
        m=EXCLUSIVE,
        y=EXCLUSIVE,
        j=INCLUSIVE,
        bb=boundary("b", "signal:g"),
    )
    walk.job("a").done()
    assert walk.waiting_at == ["b"]


def test_it_goes_on_when_an_armed_boundary_event_cannot_happen_any_more():
    walk = Walk("s -> f -> a, b; a -> j -> e; b -> eb; bb -> j", f=PARALLEL, j=INCLUSIVE, bb=boundary("b", "signal:g"))
    walk.job("a").done()
    assert walk.waiting_at == ["b", "j"]
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_it_waits_for_the_throw_event_of_a_link():
    walk = Walk(
        "s -> f -> a, b; a -> j -> e; b -> th; ca -> j",
        f=PARALLEL,
        j=INCLUSIVE,
        th=throw("link:L"),
        ca=catch("link:L"),
    )
    walk.job("a").done()
    assert walk.waiting_at == ["b", "j"]
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_what_ends_from_outside_comes_no_more():
    inner = sub("s2 -> f -> a, b -> j -> t2; bb -> x", f=PARALLEL, j=INCLUSIVE, t2=TASK, bb=boundary("b", "signal:g"))
    walk = Walk("s -> sp -> e", sp=inner)
    walk.job("a").done()
    walk.happens("bb")
    assert walk.token("t2").state == "COMPLETED"
    assert walk.instance.state == "COMPLETED"


def test_a_terminate_end_event_ends_what_waits():
    walk = Walk("s -> f -> a, b, c; a, b -> j -> t; c -> x", f=PARALLEL, j=INCLUSIVE, t=SERVICE, x=end("terminate"))
    walk.job("a").done()
    walk.job("c").done()
    assert (walk.token("j").state, walk.instance.state) == ("TERMINATED", "COMPLETED")


def test_it_looks_again_when_the_instance_is_resumed():
    walk = Walk(FORK, f=PARALLEL, j=INCLUSIVE)
    walk.job("a").done()
    walk.suspend()
    walk.job("b").done()
    assert [token.state for token in walk.tokens if token.node.id == "j"] == ["STARTED", "SUSPENDED"]
    walk.resume()
    assert walk.instance.state == "COMPLETED"


def test_it_does_not_go_on_while_suspended():
    walk = Walk(
        "s -> f -> a, b; a -> j -> t; b -> eb; bb -> j",
        f=PARALLEL,
        j=INCLUSIVE,
        t=SERVICE,
        bb=boundary("b", "signal:g"),
    )
    walk.job("a").done()
    walk.suspend()
    walk.job("b").done()
    assert walk.waiting_at == ["j", "eb"]
    walk.resume()
    assert walk.waiting_at == ["t"]


def test_two_joins_in_a_row_of_one_scope():
    walk = Walk("s -> f -> a, b, c; a, b -> j -> k; c -> k -> e", f=PARALLEL, j=INCLUSIVE, k=INCLUSIVE)
    walk.job("c").done()
    walk.job("a").done()
    assert walk.waiting_at == ["b", "k", "j"]
    walk.job("b").done()
    assert [token.node.id for token in walk.tokens].count("e") == 1
    assert walk.instance.state == "COMPLETED"


def test_joins_that_wait_for_each_other_stay_where_they_are():
    walk = Walk("s -> f -> a, b; a -> j; b -> k; j -> t -> k; k -> u -> j", f=PARALLEL, j=INCLUSIVE, k=INCLUSIVE)
    walk.job("a").done()
    walk.job("b").done()
    assert walk.waiting_at == ["j", "k"]


def test_it_counts_anew_in_each_round_of_a_loop():
    walk = Walk("s -> m -> f -> a, b -> j -> y -> m; y -> e", m=EXCLUSIVE, f=PARALLEL, j=INCLUSIVE, y=EXCLUSIVE)
    for decision in ("m", "m", "e"):
        walk.job("a").done()
        walk.job("b").done()
        walk.job("y").done(exclusive_gateway_decision=decision)
    assert walk.instance.state == "COMPLETED"


def test_it_may_be_where_a_loop_begins():
    walk = Walk("s -> j -> t -> y -> j; y -> e", j=INCLUSIVE, y=EXCLUSIVE)
    for decision in ("j", "j", "e"):
        walk.job("t").done()
        walk.job("y").done(exclusive_gateway_decision=decision)
    assert walk.instance.state == "COMPLETED"


def test_the_ways_of_each_node_are_looked_at_twice_however_many_flows_come_in(monkeypatch):
    asked: list[Node] = []
    ways = reach._ways

    def counted(node):
        asked.append(node)
        return ways(node)

    monkeypatch.setattr(reach, "_ways", counted)
    line = " -> ".join(f"t{number}" for number in range(40))
    fan = ", ".join(f"u{number}" for number in range(40))
    walk = Walk(f"s -> {line} -> f -> {fan} -> j -> e", f=PARALLEL, j=INCLUSIVE)
    (gateway,) = walk.graph.root.joins
    found = reach_of(gateway)
    assert list(found[walk.token("s").node]) == [2**40 - 1]
    assert len(asked) <= 2 * len(walk.graph)


MANY = 8


@given(st.randoms(use_true_random=False))
def test_it_goes_on_exactly_when_a_search_over_paths_says_so(random):
    walk, gateway = _drawn(random)
    places = {flow: place for place, flow in enumerate(gateway.incoming)}
    for node in gateway.parent.children if gateway.parent else ():
        cases = [reached(begin, gateway) for begin in [node, *exits(node, gateway)]]
        masks = {sum(1 << places[flow] for flow in flows) for flows in cases}
        assert {*reach_of(gateway).get(node, ())} == masks - {0}, f"from {node.id}"
    root = walk.token("p")
    for _ in range(4):
        nodes = [node for node in root.node.children if node is not gateway]
        elsewhere = [random.choice(nodes) for _ in range(random.randrange(4))]
        waiting = sorted(random.sample(range(len(places)), random.randint(1, len(places))))
        tokens = [_at(walk, root, node) for node in elsewhere]
        root.active_children = len(tokens)
        run = Run(
            walk.instance,
            walk.graph,
            now=NOW,
            actor="w",
            engine_id="engine",
            variables=variables(Changes(), "w"),
            changes=Changes(),
            tokens=[root, *tokens],
            whole=True,
        )
        flows = [gateway.incoming[place] for place in waiting]
        comes = can_still_come(run, root, gateway, sum(1 << place for place in waiting))
        assert comes != is_activated(gateway, flows, elsewhere)


def _drawn(random: Random) -> tuple[Walk, Node]:
    """A process with flows anywhere, and a gateway with several incoming ones."""
    ids = [f"n{number}" for number in range(random.randint(2, MANY))]
    kinds: dict[str, Kind] = dict.fromkeys(ids, SERVICE)
    chains = ["s -> n0", *(f"{random.choice(ids)} -> {random.choice(ids)}" for _ in range(random.randrange(2 * MANY)))]
    chains += [f"{random.choice(ids)} -> j" for _ in range(random.randint(2, 3))]
    chains += [f"j -> {random.choice(ids)}" for _ in range(random.randint(1, 2))]
    for number in range(random.randrange(3)):
        event = f"b{number}"
        kinds[event] = boundary(random.choice(ids), "signal:g")
        chains.append(f"{event} -> {random.choice([*ids, 'j'])}")
    chains += ids
    walk = Walk("; ".join(chains), j=INCLUSIVE, **kinds)
    return walk, next(node for node in walk.graph.root.children if node.id == "j")


def _at(walk: Walk, root: ElementInstance, node: Node) -> ElementInstance:
    return ElementInstance(
        partition=NOW.date(),
        node=node,
        instance=walk.instance,
        parent=root,
        created_at=NOW,
        created_by="w",
        state=InstanceState.STARTED,
    )
