"""Workflow control-flow patterns (van der Aalst et al., 2003; Russell et al., 2006), as far as BPMN has them."""

from __future__ import annotations

import pytest

from app.service import Service
from tests.flow import (
    EVENT_BASED,
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    USER,
    Kind,
    ad_hoc,
    boundary,
    call,
    catch,
    complex_gateway,
    conditional,
    end,
    flow,
    loop,
    multi,
    sub,
)
from tests.trace import hours, person, play, sends, sets, signals, so_far

TERMINATE = end("terminate")


def decided(default: str, **conditions: str) -> Kind:
    return conditional(EXCLUSIVE, default, **conditions)


def chosen(default: str, **conditions: str) -> Kind:
    return conditional(INCLUSIVE, default, **conditions)


def tokens(attribute: str, number: int) -> Kind:
    return Kind("serviceTask", f' {attribute}="{number}"')


PATTERNS = {
    "1 sequence": (flow("s -> a -> b -> c -> e"), "abc"),
    "2 parallel split": (flow("s -> f -> a, b", f=PARALLEL, a=SERVICE, b=SERVICE), "(ab)"),
    "3 synchronization": (flow("s -> f -> a, b -> j -> c -> e", f=PARALLEL, j=PARALLEL), "(ab)c"),
    "4 exclusive choice": (flow("s -> g -> a, b", g=decided("b", a="n == 1"), a=SERVICE, b=SERVICE), "b"),
    "5 simple merge": (flow("s -> g -> a, b -> m -> c -> e", g=decided("b", a="n == 0"), m=EXCLUSIVE), "ac"),
    "6 multi-choice": (flow("s -> g -> a, b, c -> e", g=chosen("", a="n == 0", b="n == 1", c="n == 0")), "(ac)"),
    "6 multi-choice without a gateway": (
        flow("s -> t -> a, b, c -> e", t=conditional(SERVICE, "", a='x.contains("t")', b="n == 1", c="n == 0")),
        "t(ac)",
    ),
    "7 structured synchronizing merge": (
        flow("s -> g -> a, b, c -> j -> d -> e", g=chosen("c", a="n == 0", b="n == 0"), j=INCLUSIVE),
        "(ab)d",
    ),
    "8 multi-merge": (flow("s -> f -> a, b -> m -> c -> e", f=PARALLEL, m=EXCLUSIVE), "(abcc)"),
    "9 structured discriminator": (
        flow("s -> f -> a, u -> k -> c -> e", f=PARALLEL, u=USER, k=complex_gateway("activationCount >= 1")),
        "acu",
        so_far("ac"),
        person("u"),
    ),
    "10 arbitrary cycles": (
        flow(
            "s -> m -> a -> k -> b -> inc -> g; g -> m, h; h -> k, c; c -> e",
            m=EXCLUSIVE,
            k=EXCLUSIVE,
            g=decided("h", m="n == 1"),
            h=decided("c", k="n == 2"),
        ),
        "ababbc",
    ),
    "11 implicit termination": (flow("s -> f -> a, b", f=PARALLEL, a=SERVICE, b=SERVICE), "(ab)"),
    "12 multiple instances without synchronization": (
        flow("s -> m -> f -> inc, a; inc -> g -> m, e; a -> ea", m=EXCLUSIVE, f=PARALLEL, g=decided("e", m="n < 3")),
        "aaa",
    ),
    "13 multiple instances with design-time knowledge": (flow("s -> a -> b -> e", a=multi(cardinality="3")), "aaab"),
    "14 multiple instances with run-time knowledge": (
        flow("s -> inc -> a -> b -> e", a=multi(cardinality="n + 1")),
        "aab",
    ),
    "15 multiple instances without knowledge": (
        flow("s -> m -> a -> inc -> g; g -> m, b; b -> e", m=EXCLUSIVE, g=decided("b", m="n < 2")),
        "aab",
    ),
    "16 deferred choice": (
        flow(
            "s -> g -> m, t; m -> a -> e; t -> b -> e",
            g=EVENT_BASED,
            m=catch("message:m"),
            t=catch("timer:PT1H"),
        ),
        "a",
        sends("m"),
        hours(2),
    ),
    "18 milestone": (
        flow(
            "s -> sp -> c -> e; m -> d -> ed",
            sp=sub("s2 -> a -> u -> e2", u=USER),
            m=boundary("sp", "message:m", interrupting=False),
        ),
        "aduc",
        sends("m"),
        person("u"),
        sends("m"),
    ),
    "19 cancel task": (flow("s -> u -> b -> e; m -> a -> ea", u=USER, m=boundary("u", "message:m")), "a", sends("m")),
    "20 cancel case": (
        flow("s -> f -> u, m; u -> b -> e; m -> a -> t", f=PARALLEL, u=USER, m=catch("message:m"), t=TERMINATE),
        "a",
        sends("m"),
    ),
    "21 structured loop, tested before": (
        flow("s -> inc -> a -> e", inc=loop(condition="n < 0", test_before=True), a=multi(cardinality="n + 1")),
        "a",
    ),
    "21 structured loop, tested after": (
        flow("s -> inc -> a -> e", inc=loop(condition="n < 3"), a=multi(cardinality="n")),
        "aaa",
    ),
    "22 recursion": (
        flow("s -> inc -> g -> c, b; c, b -> m -> d -> e", g=decided("b", c="n < 3"), m=EXCLUSIVE, c=call("p")),
        "bddd",
    ),
    "23 transient trigger": (
        flow("s -> u -> c -> b -> e", u=USER, c=catch("signal:S")),
        "u",
        signals("S"),
        person("u"),
    ),
    "24 persistent trigger": (flow("s -> c -> b -> e", c=catch("message:m")), "b", sends("m")),
    "25 cancel region": (
        flow(
            "s -> sp -> c -> e; er -> a -> ea",
            sp=sub(
                "s2 -> f -> u, m; m -> ee; u -> d -> e2", f=PARALLEL, u=USER, m=catch("message:m"), ee=end("error:X")
            ),
            er=boundary("sp", "error:X"),
        ),
        "a",
        sends("m"),
    ),
    "26 cancel multiple instance activity": (
        flow("s -> u -> b -> e; m -> a -> ea", u=multi(USER, cardinality="3"), m=boundary("u", "message:m")),
        "ua",
        person("u"),
        sends("m"),
    ),
    "27 complete multiple instance activity": (
        flow(
            "s -> u -> m -> b -> e; mb -> m", u=multi(USER, cardinality="3"), m=EXCLUSIVE, mb=boundary("u", "message:m")
        ),
        "ub",
        person("u"),
        sends("m"),
    ),
    "29 cancelling discriminator": (
        flow(
            "s -> sp -> c -> e; er -> d -> ed",
            sp=sub("s2 -> f -> a, u -> m -> ee", f=PARALLEL, u=USER, m=EXCLUSIVE, ee=end("error:X")),
            er=boundary("sp", "error:X"),
        ),
        "ad",
    ),
    "30 structured partial join": (
        flow("s -> f -> a, b, u -> k -> c -> e", f=PARALLEL, u=USER, k=complex_gateway("activationCount >= 2")),
        "(ab)cu",
        so_far("(ab)c"),
        person("u"),
    ),
    "33 generalized AND-join": (
        flow(
            "s -> f -> a, b, c, d; a, b -> m; c, d -> k; m, k -> j -> q -> e",
            f=PARALLEL,
            m=EXCLUSIVE,
            k=EXCLUSIVE,
            j=PARALLEL,
        ),
        "(abcdqq)",
    ),
    "34 static partial join for multiple instances": (
        flow("s -> u -> b -> e", u=multi(USER, cardinality="4", condition="numberOfCompletedInstances == 2")),
        "uub",
        person("u"),
        person("u"),
    ),
    "36 dynamic partial join for multiple instances": (
        flow("s -> u -> b -> e", u=multi(USER, cardinality="4", condition="n >= 1")),
        "uub",
        person("u"),
        sets(n=1),
        person("u"),
    ),
    "37 acyclic synchronizing merge": (
        flow(
            "s -> g -> a, b, c; a, b -> j -> d -> k; c -> k -> q -> e",
            g=chosen("", a="n == 0", b="n == 1", c="n == 0"),
            j=INCLUSIVE,
            k=INCLUSIVE,
        ),
        "(acd)q",
    ),
    "38 general synchronizing merge": (
        flow(
            "s -> f -> a, m; m -> u -> g -> m, j; a -> j -> c -> e",
            f=PARALLEL,
            u=USER,
            m=EXCLUSIVE,
            g=decided("j", m="n == 0"),
            j=INCLUSIVE,
        ),
        "auuc",
        person("u"),
        sets(n=1),
        person("u"),
    ),
    "41 thread merge": (
        flow("s -> a -> b -> e", a=tokens("completionQuantity", 2), b=tokens("startQuantity", 2)),
        "ab",
    ),
    "42 thread split": (flow("s -> a -> b -> e", a=tokens("completionQuantity", 3)), "abbb"),
    "43 explicit termination": (flow("s -> f -> a, u; a -> t; u -> e", f=PARALLEL, u=USER, t=TERMINATE), "a"),
}
WAITING = {"23 transient trigger"}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_workflow_pattern(engine: Service, pattern: str):
    model, trace, *events = PATTERNS[pattern]
    play(engine, model, *events).leaves(trace, "STARTED" if pattern in WAITING else "COMPLETED")


@pytest.mark.parametrize(
    ("selections", "trace"), [([["a"], ["c"], ["b"]], "acbd"), ([["c"], ["a"], ["b"]], "cabd"), ([["a"], ["b"]], "abd")]
)
def test_workflow_pattern_17_interleaved_parallel_routing(engine: Service, selections: list[list[str]], trace: str):
    model = flow("s -> ah -> d -> e", ah=ad_hoc("a -> b; c", sequential=True))
    play(engine, model, selections=[tuple(each) for each in selections]).leaves(trace)
