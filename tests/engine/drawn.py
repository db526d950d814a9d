"""Random processes of all that tokens can get stuck in: markers, joins, event sub-processes, quantities, events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from tests.flow import (
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    TASK,
    USER,
    Kind,
    boundary,
    catch,
    conditional,
    end,
    event_sub,
    loop,
    multi,
    receive,
    start,
    sub,
    throw,
)

T = TypeVar("T")

NONE_START = Kind("startEvent")
EMPTY = Kind("subProcess")
"""Without content."""
MOST = 14
"""Elements after which no further choice is made."""
EVENTS = (
    "error:E",
    "error:",
    "escalation:C",
    "escalation:",
    "message:m",
    "signal:g",
    "timer:PT1H",
    "message",
    "signal",
)


@dataclass
class Scope:
    chains: list[str] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "; ".join(self.chains)


class Artist:
    """Draws one process; whatever it draws is accepted."""

    def __init__(self, random: Random, most: int = MOST) -> None:
        self._random = random
        self._most = most
        self._ids = 0

    def scope(self, depth: int, kind: Kind = NONE_START) -> Scope:
        """Begins at a start event, of that kind."""
        scope = Scope()
        last = self._sequence(scope, self._id(scope, "s", kind), depth)
        scope.chains.append(f"{last} -> {self._id(scope, 'e', self._end())}")
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

    def _end(self) -> Kind:
        return end(self._pick(("error:E", "escalation:C", "terminate"))) if self._one_in(4) else Kind("endEvent")

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
            "throw": lambda scope, before, _: self._step(scope, before, "x", throw("escalation:C")),
            "catch": lambda scope, before, _: self._step(scope, before, "c", catch(self._pick(EVENTS[4:]))),
            "repeat": self._repeat,
            "quantities": self._quantities,
        }
        return drawn[self._pick(("activity", "activity", *drawn))](scope, before, depth)

    def _step(self, scope: Scope, before: str, letter: str, kind: Kind) -> str:
        id = self._id(scope, letter, kind)
        scope.chains.append(f"{before} -> {id}")
        return id

    def _activity(self, scope: Scope, before: str, depth: int) -> str:
        kind = self._pick((SERVICE, USER, receive("m"), TASK, EMPTY, None, None))
        if kind is None:
            inner = self.scope(depth + 1) if depth < 2 else Scope([self._id(Scope(), "o", SERVICE)])
            kind = sub(inner.text, **inner.kinds)
        id = self._step(scope, before, "a", self._marked(kind))
        if self._one_in(4):
            aside = self._id(scope, "e", self._end())
            scope.chains.append(f"{id} -> {aside}")
            scope.kinds[id] = conditional(scope.kinds[id], **{aside: "x"})
        for _ in range(self._pick((0, 0, 1, 2)) if self._left else 0):
            event = self._pick(EVENTS)
            interrupting = event.startswith("error") or self._one_in(2)
            at = self._id(scope, "b", boundary(id, event, interrupting=interrupting))
            scope.chains.append(f"{at} -> {self._id(scope, 'e', self._end())}")
        return id

    def _marked(self, kind: Kind) -> Kind:
        condition = "enough" if self._one_in(3) else ""
        marks = (
            lambda: kind,
            lambda: kind,
            lambda: multi(kind, cardinality=self._pick(("0", "1", "2")), condition=condition),
            lambda: multi(kind, cardinality="2", sequential=True, condition=condition),
            lambda: multi(kind, condition=condition, sequential=self._one_in(2)),
            lambda: loop(kind, maximum=2, condition=condition, test_before=self._one_in(2)),
        )
        return self._pick(marks)()

    def _split(self, scope: Scope, before: str, depth: int) -> str:
        fork = self._step(scope, before, "f", self._pick((PARALLEL, INCLUSIVE)))
        join = self._id(scope, "j", self._pick((INCLUSIVE, INCLUSIVE, PARALLEL, EXCLUSIVE)))
        for _ in range(self._random.randint(2, 3)):
            last = self._sequence(scope, fork, depth) if self._left else self._step(scope, fork, "t", SERVICE)
            if self._one_in(4):
                way = self._step(scope, last, "y", EXCLUSIVE)
                scope.chains.append(f"{way} -> {self._id(scope, 'e', self._end())}")
                last = way
            scope.chains.append(f"{last} -> {join}")
        return join

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
        interrupting = event.startswith("error") or self._one_in(2)
        inner = self.scope(depth + 1, start(event, interrupting=interrupting))
        scope.chains.append(self._id(scope, "x", event_sub(inner.text, **inner.kinds)))


def processes() -> st.SearchStrategy[Scope]:
    return st.builds(lambda random: Artist(random).scope(0), st.randoms(use_true_random=False))
