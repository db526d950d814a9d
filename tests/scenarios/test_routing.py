"""Where tokens go beside and inside of other constructs (BPMN 2.0.2, 13.3.1, 13.4.3, 13.4.5), by their trace."""

from __future__ import annotations

import pytest

from app.service import Service
from tests.flow import (
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    USER,
    Kind,
    boundary,
    catch,
    complex_gateway,
    conditional,
    end,
    event_sub,
    flow,
    multi,
    start,
    sub,
    throw,
)
from tests.trace import hours, person, play, signals, so_far

X = end("error:X")
ONE_OF = complex_gateway("activationCount >= 1")
WITH_SCOPE = "s -> sp -> z -> e"


def decided(default: str, **conditions: str) -> Kind:
    return conditional(EXCLUSIVE, default, **conditions)


def chosen(default: str, **conditions: str) -> Kind:
    return conditional(INCLUSIVE, default, **conditions)


def scope(text: str, **kinds: Kind) -> str:
    """A process with a sub-process, and behind it z."""
    return flow(WITH_SCOPE, sp=sub(text, **kinds))


JOINS = {
    "boundary event that does not interrupt": (
        flow(
            "s -> u -> j -> c -> e; b -> d -> j", u=USER, j=INCLUSIVE, b=boundary("u", "signal:S", interrupting=False)
        ),
        "duc",
        signals("S"),
        so_far("d"),
        person("u"),
    ),
    "boundary event that interrupts": (
        flow(
            "s -> f -> a, u -> j -> c -> e; b -> d -> j", f=PARALLEL, u=USER, j=INCLUSIVE, b=boundary("u", "signal:S")
        ),
        "adc",
        so_far("a"),
        signals("S"),
    ),
    "error that leads elsewhere": (
        flow(
            "s -> f -> a, sp -> j -> c -> e; b -> d -> eb",
            f=PARALLEL,
            sp=sub("s2 -> u -> x", u=USER, x=X),
            j=INCLUSIVE,
            b=boundary("sp", "error:X"),
        ),
        "au(cd)",
        so_far("a"),
        person("u"),
    ),
    "cycle upstream": (
        flow(
            "s -> f -> a, m; m -> u -> inc -> g; g -> m, b; a, b -> j -> c -> e",
            f=PARALLEL,
            u=USER,
            m=EXCLUSIVE,
            g=decided("b", m="n < 2"),
            j=INCLUSIVE,
        ),
        "auubc",
        person("u"),
        so_far("au"),
        person("u"),
    ),
    "cycle over split and join": (
        flow(
            "s -> m -> o -> a, b -> j -> inc -> g; g -> m, c; c -> e",
            m=EXCLUSIVE,
            o=chosen("", a="n != 1", b="n != 0"),
            j=INCLUSIVE,
            g=decided("c", m="n < 3"),
        ),
        "ab(ab)c",
    ),
    "flow directly from split to join": (
        flow("s -> o -> j, a; a -> j; j -> c -> e", o=chosen("", j="n == 0", a="n == 0"), j=INCLUSIVE),
        "ac",
    ),
    "pair inside of a pair": (
        flow(
            "s -> o -> a, i; i -> b, c -> k -> j; a -> j -> d -> e",
            o=chosen("", a="n == 0", i="n == 0"),
            i=chosen("", b="n == 0", c="n == 1"),
            k=INCLUSIVE,
            j=INCLUSIVE,
        ),
        "(ab)d",
    ),
    "two tokens of one activity": (
        flow(
            "s -> f -> a, b -> j -> c -> e",
            f=PARALLEL,
            a=Kind("serviceTask", ' completionQuantity="2"'),
            j=INCLUSIVE,
        ),
        "(ab)cc",
    ),
    "handler of an event sub-process": (
        scope(
            "s2 -> f -> a, u -> j -> b -> e2; h",
            f=PARALLEL,
            u=USER,
            j=INCLUSIVE,
            h=event_sub("t -> v -> eh", t=start("signal:S", interrupting=False), v=USER),
        ),
        "aubvz",
        signals("S"),
        person("u"),
        so_far("aub"),
        person("v"),
    ),
    "pair inside of each instance": (
        flow(
            WITH_SCOPE,
            sp=multi(
                sub("s2 -> o -> a, b, c -> j -> d -> e2", o=chosen("c", a="n == 0", b="n == 0"), j=INCLUSIVE),
                cardinality="2",
            ),
        ),
        "(aabbdd)z",
    ),
}


@pytest.mark.parametrize("beside", JOINS)
def test_an_inclusive_join_and(engine: Service, beside: str):
    model, trace, *events = JOINS[beside]
    play(engine, model, *events).leaves(trace)


SPLITS = {
    "of a sub-process": (
        flow("s -> sp -> b, c", sp=conditional(sub("s2 -> a -> e2"), "c", b='x == "a"'), b=SERVICE, c=SERVICE),
        "ab",
    ),
    "of all instances": (
        flow("s -> a -> b, c", a=conditional(multi(cardinality="2"), "c", b='x == "aa"'), b=SERVICE, c=SERVICE),
        "aab",
    ),
    "of a boundary event": (
        flow(
            "s -> u -> e; t -> b, c",
            u=USER,
            t=conditional(boundary("u", "timer:PT1H"), "c", b="n == 1"),
            b=SERVICE,
            c=SERVICE,
        ),
        "c",
        hours(2),
    ),
    "beside one without condition": (
        flow("s -> a -> b, c", a=conditional(SERVICE, "", b="n == 1"), b=SERVICE, c=SERVICE),
        "ac",
    ),
    "into a join": (
        flow("s -> a -> b, c, d -> j -> q -> e", a=conditional(SERVICE, "d", b="n == 0", c="n == 0"), j=INCLUSIVE),
        "a(bc)q",
    ),
}


@pytest.mark.parametrize("which", SPLITS)
def test_conditional_flows(engine: Service, which: str):
    model, trace, *events = SPLITS[which]
    play(engine, model, *events).leaves(trace)


COMPLEX = {
    "a boundary event that leads to it": (
        flow("s -> u -> k -> c -> e; b -> d -> k", u=USER, b=boundary("u", "signal:S", interrupting=False), k=ONE_OF),
        "dcu",
        signals("S"),
        so_far("dc"),
        person("u"),
    ),
    "a late branch that ends elsewhere": (
        flow(
            "s -> f -> a, u; a -> k; u -> g -> k, eg; k -> c -> e",
            f=PARALLEL,
            u=USER,
            g=decided("eg", k="n == 1"),
            k=ONE_OF,
        ),
        "acu",
        person("u"),
    ),
    "flows for each of its phases": (
        flow(
            "s -> f -> a, u -> k -> c, d -> e",
            f=PARALLEL,
            u=USER,
            k=complex_gateway("activationCount >= 1", "d", c="waitingForStart"),
        ),
        "acud",
        so_far("ac"),
        person("u"),
    ),
    "the same gateway again": (
        flow(
            "s -> m -> f -> a, b -> k -> inc -> g; g -> m, c; c -> e",
            m=EXCLUSIVE,
            f=PARALLEL,
            k=complex_gateway("activationCount >= 2"),
            g=decided("c", m="n < 2"),
        ),
        "(ab)(ab)c",
    ),
}


@pytest.mark.parametrize("having", COMPLEX)
def test_a_complex_gateway_with(engine: Service, having: str):
    model, trace, *events = COMPLEX[having]
    play(engine, model, *events).leaves(trace)


def test_several_sources_of_a_link(engine: Service):
    link = throw("link:L")
    model = flow("s -> f -> t, a; a -> v; l -> b -> e", f=PARALLEL, t=link, v=link, l=catch("link:L"))
    play(engine, model).leaves("(abb)")
