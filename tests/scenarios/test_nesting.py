"""What is repeated, handled, thrown and undone inside of something else (BPMN 2.0.2, 13.3, 13.5), by its trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.service import Service
from tests.flow import (
    END,
    EXCLUSIVE,
    PARALLEL,
    SERVICE,
    THROW,
    USER,
    Kind,
    ad_hoc,
    boundary,
    call,
    compensate,
    compensation,
    conditional,
    end,
    event_sub,
    flow,
    loop,
    multi,
    start,
    sub,
    throw,
    transaction,
    undo,
)
from tests.trace import hours, person, play, sends, sets, signals, so_far

TERMINATE = end("terminate")
X = end("error:X")
BESIDE = boundary("a", "signal:S", interrupting=False)
UNDONE = {"ca": compensation("a", "u"), "u": undo(), "cb": compensation("b", "v"), "v": undo()}
WITH_SCOPE = "s -> sp -> z -> e"


def decided(default: str, **conditions: str) -> Kind:
    return conditional(EXCLUSIVE, default, **conditions)


def scope(text: str, **kinds: Kind) -> str:
    """A process with a sub-process, and behind it z."""
    return flow(WITH_SCOPE, sp=sub(text, **kinds))


LOOPS = {
    "the number of iterations in its condition": (
        flow("s -> a -> b -> e", a=loop(condition="loopCounter < 3")),
        "aaab",
    ),
    "a condition that ends it before the maximum": (
        flow("s -> sp -> b -> e", sp=loop(sub("s2 -> a -> inc -> e2"), condition="n < 2", maximum=9)),
        "aab",
    ),
    "a loop inside": (flow("s -> sp -> b -> e", sp=loop(sub("s2 -> a -> e2", a=loop(maximum=2)), maximum=2)), "aaaab"),
    "an error inside": (
        flow(
            "s -> sp -> b -> e; er -> c -> ec",
            sp=loop(sub("s2 -> a -> inc -> g -> e2, x", g=decided("e2", x="n == 2"), e2=END, x=X), condition="true"),
            er=boundary("sp", "error:X"),
        ),
        "aac",
    ),
    "an event sub-process inside": (
        flow(
            "s -> sp -> b -> e",
            sp=loop(
                sub("s2 -> inc -> u -> e2; h", u=USER, h=event_sub("t -> c -> eh", t=start("signal:S"))),
                condition="n < 2",
            ),
        ),
        "ccb",
        signals("S"),
        signals("S"),
    ),
    "a start quantity": (
        flow(
            "s -> f -> a, b -> c -> d -> e",
            f=PARALLEL,
            c=Kind("serviceTask", ' startQuantity="2"', marker=loop(maximum=2).marker),
        ),
        "(ab)ccd",
    ),
    "a receive task": (
        flow("s -> r -> b -> e", r=loop(Kind("receiveTask", "", "message:m"), maximum=2)),
        "b",
        sends("m"),
        so_far(""),
        sends("m"),
    ),
}


@pytest.mark.parametrize("having", LOOPS)
def test_a_loop_with(engine: Service, having: str):
    model, trace, *events = LOOPS[having]
    play(engine, model, *events).leaves(trace)


@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize(
    ("kind", "trace"),
    [
        (multi(cardinality="0"), "b"),
        (multi(cardinality="3", condition="true"), "ab"),
        (multi(cardinality="5", condition="numberOfCompletedInstances == 2"), "aab"),
        (multi(USER, cardinality="2"), "aab"),
        (multi(cardinality="3", behavior="None", throws={"signal:S": ""}), "(aaacccb)"),
        (multi(cardinality="3", behavior="One", throws={"signal:S": ""}), "(aaacb)"),
        (multi(cardinality="3", behavior="Complex", throws={"signal:S": 'x == "aa"'}), "(aaacb)"),
    ],
    ids=["no instances", "enough at once", "enough after two", "people", "None", "One", "Complex"],
)
def test_instances(engine: Service, kind: Kind, sequential: bool, trace: str):
    way = f'<multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"'
    a = replace(kind, marker=kind.marker.replace("<multiInstanceLoopCharacteristics", way, 1))
    people = [person("a")] * 2 if kind.tag == "userTask" else []
    play(engine, flow("s -> a -> b -> e; bs -> c -> ec", a=a, bs=BESIDE), *people).leaves(trace)


@pytest.mark.parametrize("sequential", [False, True])
def test_instances_take_the_items_of_a_collection(engine: Service, sequential: bool):
    kind = multi(collection="items", item="item", sequential=sequential)
    model = flow("s -> item -> b -> e", item=kind)
    play(engine, model, given={"items": ["p", "q", "r"]}).leaves("pqrb" if sequential else "(pqr)b")


HANDLERS = {
    "message": (start("message:m"), sends("m")),
    "signal": (start("signal:S"), signals("S")),
    "timer": (start("timer:PT1H"), hours(2)),
    "condition": (start("conditional:n > 5"), sets(n=6)),
}


@pytest.mark.parametrize("event", HANDLERS)
def test_an_event_sub_process_interrupts_and_the_outer_flow_goes_on(engine: Service, event: str):
    begin, happens = HANDLERS[event]
    model = scope("s2 -> a -> u -> b -> e2; h", u=USER, h=event_sub("t -> c -> eh", t=begin))
    play(engine, model, happens).leaves("acz")


@pytest.mark.parametrize("event", HANDLERS)
def test_an_event_sub_process_runs_beside_its_scope(engine: Service, event: str):
    begin, happens = HANDLERS[event]
    beside = Kind(begin.tag, ' isInterrupting="false"', begin.event)
    model = scope("s2 -> a -> u -> b -> e2; h", u=USER, h=event_sub("t -> v -> c -> eh", t=beside, v=USER))
    play(engine, model, happens, person("u"), so_far("aub"), happens, person("v")).leaves("aubvcz")


RAISED = {
    "an error is caught inside before outside": (
        flow(
            f"{WITH_SCOPE}; er -> d -> ed",
            sp=sub("s2 -> a -> x; h", x=X, h=event_sub("t -> c -> eh", t=start("error:X"))),
            er=boundary("sp", "error:X"),
        ),
        "acz",
    ),
    "an error is thrown again": (
        flow(
            f"{WITH_SCOPE}; er -> d -> ed",
            sp=sub("s2 -> a -> x; h", x=X, h=event_sub("t -> c -> eh", t=start("error:X"), eh=X)),
            er=boundary("sp", "error:X"),
        ),
        "acd",
    ),
    "an error beside is caught by a sibling": (
        scope(
            "s2 -> u -> e2; h; i",
            u=USER,
            h=event_sub("t -> c -> eh", t=start("signal:S", interrupting=False), eh=X),
            i=event_sub("k -> d -> ei", k=start("error:X")),
        ),
        "cdz",
        signals("S"),
    ),
    "an error of another code goes on outside": (
        flow(
            f"{WITH_SCOPE}; er -> d -> ed",
            sp=sub("s2 -> a -> x; h", x=X, h=event_sub("t -> c -> eh", t=start("error:Y"))),
            er=boundary("sp", "error:X"),
        ),
        "ad",
    ),
    "an escalation out of two scopes": (
        scope(
            "s2 -> i -> b -> e2; h",
            i=sub("s3 -> et -> a -> e3", et=throw("escalation:X")),
            h=event_sub("t -> c -> eh", t=start("escalation:X", interrupting=False)),
        ),
        "(abc)z",
    ),
    "an escalation of each instance": (
        flow(
            "s -> sp -> b -> e; es -> c -> ec",
            sp=multi(sub("s2 -> a -> ee", ee=end("escalation:X")), sequential=True, cardinality="2"),
            es=boundary("sp", "escalation:X", interrupting=False),
        ),
        "(aaccb)",
    ),
    "a signal to the boundary of its own scope": (
        flow(
            f"{WITH_SCOPE}; bs -> c -> ec",
            sp=sub("s2 -> st -> u -> e2", st=throw("signal:S"), u=USER),
            bs=boundary("sp", "signal:S"),
        ),
        "c",
    ),
    "a terminate end event ends its instance only": (
        flow(WITH_SCOPE, sp=multi(sub("s2 -> f -> a, u; a -> t", f=PARALLEL, u=USER, t=TERMINATE), cardinality="2")),
        "aaz",
    ),
}


@pytest.mark.parametrize("what", RAISED)
def test_what_is_thrown(engine: Service, what: str):
    model, trace, *events = RAISED[what]
    play(engine, model, *events).leaves(trace)


UNDOING = {
    "what was done twice": (
        flow(
            "s -> m -> a -> inc -> g; g -> m, k; k -> c -> e; ca; u",
            m=EXCLUSIVE,
            g=decided("k", m="n < 2"),
            k=compensate(),
            ca=compensation("a", "u"),
            u=undo(),
        ),
        "aauuc",
    ),
    "what was not done": (
        flow(
            "s -> g -> a, b; a, b -> m -> k -> c -> e; ca; u; cb; v",
            g=decided("b", a="n == 0"),
            m=EXCLUSIVE,
            k=compensate("b"),
            **UNDONE,
        ),
        "ac",
    ),
    "out of an error handler": (
        scope(
            "s2 -> a -> b -> x; ca; u; cb; v; h",
            x=X,
            h=event_sub("t -> k -> eh", t=start("error:X"), k=compensate()),
            **UNDONE,
        ),
        "abvuz",
    ),
    "instead of what is inside": (
        flow(
            "s -> sp -> k -> c -> e",
            sp=sub("s2 -> a -> b -> e2; ca; u; cb; v; h", h=event_sub("t -> w -> eh", t=start("compensate")), **UNDONE),
            k=compensate(),
        ),
        "abwc",
    ),
    "in each instance": (
        flow(
            "s -> sp -> k -> c -> e",
            sp=multi(
                sub("s2 -> a -> e2; ca; u", ca=compensation("a", "u"), u=undo()), sequential=True, cardinality="2"
            ),
            k=compensate("sp"),
        ),
        "aauuc",
    ),
    "not what a boundary event has ended": (
        flow(
            "s -> sp -> z -> e; er -> k -> c -> ec",
            sp=sub("s2 -> a -> x; ca; u", ca=compensation("a", "u"), u=undo(), x=X),
            er=boundary("sp", "error:X"),
            k=compensate(),
        ),
        "ac",
    ),
    "in a transaction until it succeeds": (
        flow(
            "s -> m -> tx -> b -> e; cb -> inc -> g -> m, q; q -> eq",
            m=EXCLUSIVE,
            tx=transaction(
                "s2 -> a -> h -> e2, ce; ca; u",
                h=decided("e2", ce="n < 2"),
                e2=END,
                ce=end("cancel"),
                ca=compensation("a", "u"),
                u=undo(),
            ),
            cb=boundary("tx", "cancel"),
            g=decided("q", m="n < 3"),
        ),
        "auauab",
    ),
    "not in a transaction that fails": (
        flow(
            "s -> tx -> b -> e; cb -> c -> ec; er -> d -> ed",
            tx=transaction(
                "s2 -> a -> x; ca; u; y -> ce", x=X, ca=compensation("a", "u"), u=undo(), y=THROW, ce=end("cancel")
            ),
            cb=boundary("tx", "cancel"),
            er=boundary("tx", "error:X"),
        ),
        "ad",
    ),
}


@pytest.mark.parametrize("what", UNDOING)
def test_undoing(engine: Service, what: str):
    model, trace, *events = UNDOING[what]
    play(engine, model, *events).leaves(trace)


def test_an_ad_hoc_sub_process_in_a_loop(engine: Service):
    model = flow("s -> ah -> b -> e", ah=loop(ad_hoc("a; c"), maximum=2))
    play(engine, model, selections=[("a",), (), ("c",)]).leaves("acb")


def test_a_called_process_without_start_event(engine: Service):
    called = flow("a; b", process="q", a=SERVICE, b=SERVICE)
    play(engine, flow("s -> ca -> c -> e", ca=call("q")), called=[called]).leaves("(ab)c")
