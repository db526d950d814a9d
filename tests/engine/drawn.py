"""Random processes of all that is executed, but for calls and for what starts an instance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from tests.flow import (
    EVENT_BASED,
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    TASK,
    USER,
    Kind,
    ad_hoc,
    boundary,
    catch,
    compensate,
    compensation,
    complex_gateway,
    conditional,
    end,
    event_sub,
    loop,
    multi,
    receive,
    several,
    start,
    sub,
    throw,
    transaction,
    undo,
)

T = TypeVar("T")

NONE_START = Kind("startEvent")
EMPTY = Kind("subProcess")
"""Without content."""
MOST = 14
"""Elements after which no further choice is made."""
CONDITIONS = ("x > 1", "x == 2", "x < 2")
"""About the one variable there is."""
CAUGHT = ("conditional:x > 1", "message:m", "signal:g", "timer:PT1H", "message", "signal")
"""What a catch event waits for."""
EVENTS = ("error:E", "error:", "escalation:C", "escalation:", *CAUGHT)
"""What a boundary event waits for; an event sub-process does for the first ones, which need no job."""
OF_SEVERAL = (
    "conditional:x > 1",
    "conditional:x < 2",
    "message:m",
    "signal:g",
    "signal:h",
    "timer:PT1H",
    "timer:R/PT1H",
)
"""What an event waits for that waits for several things."""
IN_CODES = ("error:E", "escalation:C", "escalation:")
"""The same of those that are caught where they are thrown."""
THROWN = ("escalation:C", "signal:g")


@dataclass
class Scope:
    chains: list[str] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    evaluates: bool = False
    """Of a process, whether the engine evaluates its expressions."""
    is_ad_hoc: bool = False
    """Then no event ends a path in it."""
    compensable: list[str] = field(default_factory=list)
    """Activities in it that have a handler."""

    @property
    def text(self) -> str:
        return "; ".join(self.chains)


class Artist:
    """Draws one process; whatever it draws is accepted."""

    def __init__(self, random: Random, most: int = MOST) -> None:
        self._random = random
        self._most = most
        self._ids = 0
        self._handlers = 0
        """Event sub-processes around: what they throw may start them again."""

    def process(self) -> Scope:
        evaluates = self._one_in(2)
        return replace(self.scope(0), evaluates=evaluates)

    def scope(self, depth: int, kind: Kind = NONE_START, *, cancels: bool = False) -> Scope:
        """Begins at a start event, of that kind; with `cancels` it is a transaction that can be canceled."""
        scope = Scope()
        last = self._sequence(scope, self._id(scope, "s", kind), depth)
        if cancels:
            last = self._step(scope, last, "y", EXCLUSIVE)
            scope.chains.append(f"{last} -> {self._id(scope, 'e', end('cancel'))}")
        scope.chains.append(f"{last} -> {self._aside(scope)}")
        if depth < 2 and self._left and self._one_in(3):
            self._handler(scope, depth)
        return scope

    def _pick(self, options: Sequence[T]) -> T:
        return options[self._random.randrange(len(options))]

    def _one_in(self, n: int) -> bool:
        return self._random.randrange(n) == n - 1

    @property
    def _left(self) -> bool:
        return self._ids < self._most

    def _id(self, scope: Scope, letter: str, kind: Kind) -> str:
        self._ids += 1
        id = f"{letter}{self._ids}"
        scope.kinds[id] = kind
        return id

    def _aside(self, scope: Scope) -> str:
        """Where a path ends."""
        if scope.is_ad_hoc:
            return self._id(scope, "t", self._pick((SERVICE, TASK)))
        kind = Kind("endEvent")
        if self._one_in(4):
            kind = self._pick(
                (
                    *map(end, ("error:E", "escalation:C", "signal:g", "terminate")),
                    several("endEvent", *THROWN),
                    compensate(tag="endEvent"),
                )
            )
        return self._id(scope, "e", kind)

    def _sequence(self, scope: Scope, before: str, depth: int) -> str:
        for _ in range(self._random.randint(1, 2)):
            before = self._block(scope, before, depth)
        return before

    def _block(self, scope: Scope, before: str, depth: int) -> str:
        if not self._left:
            return self._step(scope, before, "t", SERVICE)
        drawn: dict[str, Callable[[Scope, str, int], str]] = {
            "activity": self._activity,
            "split": self._split,
            "throw": self._throw,
            "catch": self._catch,
            "choose": self._choose,
            "compensate": self._compensate,
            "repeat": self._repeat,
            "quantities": self._quantities,
        }
        return drawn[self._pick(("activity", "activity", "activity", *drawn))](scope, before, depth)

    def _step(self, scope: Scope, before: str, letter: str, kind: Kind) -> str:
        id = self._id(scope, letter, kind)
        scope.chains.append(f"{before} -> {id}" if before else id)
        return id

    def _activity(self, scope: Scope, before: str, depth: int) -> str:
        """With what is attached to it, and what undoes it."""
        name = self._pick(("task", "task", "user", "receive", "pass", "empty", "sub", "sub", "transaction", "ad hoc"))
        is_canceled = name == "transaction" and depth < 2 and self._one_in(2)
        kind, is_undone = self._drawn(name, depth, cancels=is_canceled)
        id = self._step(scope, before, "a", kind if is_canceled else self._marked(kind))
        self._sometimes_conditional(scope, id)
        if is_canceled:
            self._attach(scope, id, "cancel")
        if is_undone:
            scope.compensable.append(id)
        elif self._one_in(4):
            handler = self._id(scope, "u", undo(self._marked(self._pick((SERVICE, SERVICE, USER)))))
            scope.chains += [handler, self._id(scope, "b", compensation(id, handler))]
            scope.compensable.append(id)
        for _ in range(self._pick((0, 0, 1, 2)) if self._left else 0):
            self._attach(scope, id, self._pick(EVENTS))
        return id

    def _drawn(self, name: str, depth: int, *, cancels: bool) -> tuple[Kind, bool]:
        """An activity, and whether what undoes it is inside of it."""
        tasks = {"task": SERVICE, "user": USER, "receive": receive("m"), "pass": TASK, "empty": EMPTY}
        if name in tasks or depth >= 2:
            return tasks.get(name, SERVICE), False
        if name == "ad hoc":
            return self._ad_hoc(depth + 1), False
        inner = self.scope(depth + 1, cancels=cancels)
        is_undone = self._left and self._one_in(4)
        if is_undone:
            undoing = self.scope(2, start("compensate"))
            inner.chains.append(self._id(inner, "x", event_sub(undoing.text, **undoing.kinds)))
        return (sub if name == "sub" else transaction)(inner.text, **inner.kinds), is_undone

    def _attach(self, scope: Scope, host: str, event: str) -> None:
        if event != "cancel" and self._one_in(3):
            kind = self._several("boundaryEvent", host=host)
        else:
            interrupting = event.startswith(("cancel", "error")) or self._one_in(2)
            kind = boundary(host, event, interrupting=interrupting)
        at = self._id(scope, "b", kind)
        scope.chains.append(f"{at} -> {self._aside(scope)}")
        self._sometimes_conditional(scope, at)

    def _ad_hoc(self, depth: int) -> Kind:
        inner = Scope(is_ad_hoc=True)
        for _ in range(self._random.randint(1, 2)):
            first = self._activity(inner, "", depth)
            if self._one_in(2):
                self._sequence(inner, first, depth)
        condition = self._pick(("", *CONDITIONS))
        return ad_hoc(
            inner.text, sequential=self._one_in(3), condition=condition, cancels=self._one_in(2), **inner.kinds
        )

    def _sometimes_conditional(self, scope: Scope, id: str) -> None:
        """With a flow that has a condition, beside those that have none; or a default flow, too."""
        if not self._one_in(4):
            return
        aside = self._aside(scope)
        scope.chains.append(f"{id} -> {aside}")
        scope.kinds[id] = conditional(scope.kinds[id], **{aside: self._pick(CONDITIONS)})
        if scope.is_ad_hoc or self._one_in(3):
            other = self._aside(scope)
            scope.chains.append(f"{id} -> {other}")
            scope.kinds[id] = replace(scope.kinds[id], default=other)

    def _marked(self, kind: Kind) -> Kind:
        condition = self._pick(CONDITIONS) if self._one_in(3) else ""
        throws = {self._pick(THROWN) if not self._handlers else "signal:g": self._pick(CONDITIONS)}
        marks = (
            lambda: kind,
            lambda: kind,
            lambda: kind,
            lambda: multi(kind, cardinality=self._pick(("0", "1", "2", "x")), condition=condition),
            lambda: multi(kind, cardinality="2", sequential=True, condition=condition),
            lambda: multi(kind, condition=condition, sequential=self._one_in(2)),
            lambda: multi(kind, cardinality="2", behavior=self._pick(("None", "One", "Complex")), throws=throws),
            lambda: loop(kind, maximum=2, condition=condition, test_before=self._one_in(2)),
        )
        marked = self._pick(marks)()
        return marked if marked is kind else replace(marked, marker=marked.marker + kind.marker)

    def _throw(self, scope: Scope, before: str, depth: int) -> str:
        kind = self._pick((*map(throw, THROWN), several("intermediateThrowEvent", *THROWN)))
        id = self._step(scope, before, "x", kind)
        self._sometimes_conditional(scope, id)
        return id

    def _catch(self, scope: Scope, before: str, depth: int) -> str:
        kind = self._several("intermediateCatchEvent") if self._one_in(3) else catch(self._pick(CAUGHT))
        id = self._step(scope, before, "c", kind)
        self._sometimes_conditional(scope, id)
        return id

    def _choose(self, scope: Scope, before: str, depth: int) -> str:
        """Behind an event-based gateway."""
        gateway = self._step(scope, before, "g", EVENT_BASED)
        merge = self._id(scope, "m", EXCLUSIVE)
        for _ in range(2):
            kind = catch(self._pick(CAUGHT))
            if self._one_in(3):
                kind = self._several("intermediateCatchEvent", may_need_all=False)
            scope.chains.append(f"{self._step(scope, gateway, 'c', kind)} -> {merge}")
        return merge

    def _several(self, tag: str, *, host: str = "", may_need_all: bool = True) -> Kind:
        """An event that waits for one of several things, or for all; at most one of them is left to a worker."""
        options = OF_SEVERAL if tag == "intermediateCatchEvent" else (*OF_SEVERAL, *IN_CODES)
        events: list[str] = []
        for _ in range(self._random.randint(2, 3)):
            event = self._pick(options)
            events.append("signal:g" if event in events else event)
        parallel = may_need_all and self._one_in(2)
        if parallel:
            events = ["signal:h" if event.startswith("error") else event for event in events]
        interrupting = tag == "intermediateCatchEvent" or "error:E" in events or self._one_in(2)
        return several(tag, *events, host=host, interrupting=interrupting, parallel=parallel)

    def _compensate(self, scope: Scope, before: str, depth: int) -> str:
        activity = self._pick(("", "", *scope.compensable))
        id = self._step(scope, before, "x", compensate(activity, waits=not self._one_in(3)))
        self._sometimes_conditional(scope, id)
        return id

    def _split(self, scope: Scope, before: str, depth: int) -> str:
        fork = self._step(scope, before, "f", self._pick((PARALLEL, INCLUSIVE, complex_gateway())))
        joining = complex_gateway(self._pick(("activationCount >= 1", "activationCount >= 2", *CONDITIONS)))
        join = self._id(scope, "j", self._pick((INCLUSIVE, INCLUSIVE, PARALLEL, EXCLUSIVE, joining, joining)))
        for _ in range(self._random.randint(2, 3)):
            last = self._sequence(scope, fork, depth) if self._left else self._step(scope, fork, "t", SERVICE)
            if self._one_in(4):
                way = self._step(scope, last, "y", EXCLUSIVE)
                scope.chains.append(f"{way} -> {self._aside(scope)}")
                last = way
            scope.chains.append(f"{last} -> {join}")
        for gateway in (fork, join):
            self._sometimes_decided(scope, gateway)
        return join

    def _sometimes_decided(self, scope: Scope, gateway: str) -> None:
        """By conditions of all flows but a default one: whatever follows, it may be that two more do."""
        kind = scope.kinds[gateway]
        if kind.tag == "parallelGateway" or not self._one_in(2):
            return
        aside, other = self._aside(scope), self._aside(scope)
        scope.chains.append(f"{gateway} -> {aside}, {other}")
        targets = [aside]
        if kind.tag == "complexGateway":
            targets += [chain.split(" -> ")[1] for chain in scope.chains if chain.startswith(f"{gateway} -> ")][:1]
        scope.kinds[gateway] = replace(
            kind, conditions={target: self._pick(CONDITIONS) for target in targets}, default=other
        )

    def _repeat(self, scope: Scope, before: str, depth: int) -> str:
        """Something that waits, as often as is decided; where it goes in may be a join."""
        into = self._step(scope, before, "i", self._pick((EXCLUSIVE, INCLUSIVE)))
        again = self._step(scope, self._step(scope, into, "t", SERVICE), "y", EXCLUSIVE)
        scope.chains.append(f"{again} -> {into}")
        return again

    def _quantities(self, scope: Scope, before: str, depth: int) -> str:
        many = self._step(scope, before, "q", replace(SERVICE, attributes=' completionQuantity="2"'))
        return self._step(scope, many, "q", replace(SERVICE, attributes=' startQuantity="2"'))

    def _handler(self, scope: Scope, depth: int) -> None:
        event = self._pick(EVENTS[:-2])
        if self._one_in(3):
            kind = self._several("startEvent")
        else:
            kind = start(event, interrupting=event.startswith("error") or self._one_in(2))
        self._handlers += 1
        inner = self.scope(depth + 1, kind)
        self._handlers -= 1
        scope.chains.append(self._id(scope, "x", event_sub(inner.text, **inner.kinds)))


def processes() -> st.SearchStrategy[Scope]:
    return st.builds(lambda random: Artist(random).process(), st.randoms(use_true_random=False))
