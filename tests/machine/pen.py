"""The strokes that models are drawn with: choices, nodes, flows and conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.machine.picture import CONDITIONS, Node, Scope

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Pen:
    """Draws one model; `left` bounds how many nodes there will be."""

    def __init__(
        self, draw: Draw, process_id: str, *, seed: bool, sound: bool, left: int, evaluates: bool = False
    ) -> None:
        self._draw = draw
        self._process_id = process_id
        self._seed = seed
        self._sound = sound
        self._left = left
        self._evaluates = evaluates
        self._ids = 0

    def _pick(self, options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def _one_in(self, n: int) -> bool:
        return bool(self._draw(st.integers(0, n - 1)) == n - 1)

    def _some(self, options: Any, least: int, most: int) -> list[Any]:
        return [self._pick(options) for _ in range(self._draw(st.integers(least, most)))]

    def _node(self, scope: Scope, tag: str, *, body: str = "", **attributes: str) -> Node:
        self._ids += 1
        self._left -= 1
        node = Node(f"{tag}{self._ids}", tag, attributes, body)
        scope.nodes.append(node)
        return node

    def _flow(self, scope: Scope, source: Node, target: Node) -> str:
        self._ids += 1
        flow = f"f{self._ids}"
        scope.flows.append((flow, source, target))
        target.incoming += 1
        return flow

    def _entry(self, scope: Scope, entry: Node) -> Node:
        """What a further flow may lead to in place of `entry`, which may not take several."""
        if entry.incoming and entry.tag in GATEWAYS and not entry.joins:
            for number, (flow, source, target) in enumerate(scope.flows):
                if target is entry:
                    merge = self._node(scope, "exclusiveGateway")
                    merge.incoming = entry.incoming
                    scope.flows[number] = (flow, source, merge)
                    entry.incoming = 0
                    self._flow(scope, merge, entry)
                    return merge
        return entry

    def _connect(self, scope: Scope, exits: list[Node], entry: Node) -> None:
        if len(exits) > 1 and (self._one_in(2) or entry.tag in GATEWAYS):
            merge = self._node(scope, "exclusiveGateway")
            for each in exits:
                self._flow(scope, each, merge)
            exits = [merge]
        for each in exits:
            self._flow(scope, each, entry)

    def _decide(self, scope: Scope) -> None:
        """Puts conditions to flows out of gateways, now that all flows are there; an only flow of others has none."""
        for node in scope.nodes:
            flows = [flow for flow, source, _ in scope.flows if source is node]
            default = node.attributes.get("default")
            if node.tag in DECIDING and self._one_in(2):
                # Where the engine decides, all but the default flow must have one.
                scope.conditions |= {flow: self._pick(CONDITIONS) for flow in flows if flow != default}
            elif len(flows) == 1:
                scope.conditions.pop(flows[0], None)
            if node.scope is not None:
                self._decide(node.scope)


DECIDING = ("complexGateway", "exclusiveGateway", "inclusiveGateway")
GATEWAYS = ("complexGateway", "inclusiveGateway", "parallelGateway")
"""What several flows must not lead to by chance."""
