"""Random BPMN models that are valid, rendered to XML.

A model is drawn as blocks: a block has one entry, and exits that still need a flow to whatever comes next. Between
parallel fork and join of a *sound* model each block passes on exactly one token, so that its joins can't wait in
vain; the other models also fork without joining, end branches early and have flows across blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import strategies as st

from tests.machine.activities import WORKER_TASKS, Activities
from tests.machine.pen import Draw
from tests.machine.picture import (
    CONDITIONS,
    GLOBAL_TASKS,
    HEAD,
    MESSAGES,
    PROCESS_IDS,
    Block,
    Model,
    Node,
    Scope,
    render,
)

CALLED = ("", "p1", "p2:1", "p3", "nope", *GLOBAL_TASKS)


class Artist(Activities):
    """Draws one process."""

    def process(self) -> Scope:
        scope = Scope()
        block = self._sequence(scope, depth=0, conserve=False)
        kinds = ["none"] if self._one_in(2) else ["none", "none", "message", "signal", "timer"]
        drawn = list(dict.fromkeys(self._some(kinds, 1, 2)))
        if not self._seed and self._one_in(6):
            # Beside another one it might be about the same.
            drawn = ["multiple", *(kind for kind in drawn if kind == "none")]
        for kind in drawn:
            start = self._node(scope, "startEvent", body=self._start_definition(kind))
            if kind not in ("none", "multiple"):
                self._define_start(kind, start)
            self._flow(scope, start, self._entry(scope, block.entry))
        self._end_exits(scope, block.exits, depth=0)
        if not self._sound:
            self._cross(scope)
        self._handle(scope, 0)
        self._decide(scope)
        return scope

    def _sequence(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        first = self._block(scope, depth, conserve=conserve)
        exits = first.exits
        for _ in range(self._draw(st.integers(0, 2))):
            if not exits or self._left <= 0:
                break
            following = self._block(scope, depth, conserve=conserve)
            self._connect(scope, exits, following.entry)
            exits = following.exits
        return Block(first.entry, exits)

    def _block(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        if self._left <= 0:
            return self._activity(scope, self._pick(WORKER_TASKS), depth, conserve=conserve)
        kinds = ["task", "task", "pass", "catch", "exclusive", "parallel", "loop"]
        if not conserve:
            kinds += ["inclusive"]
        if not self._seed:
            kinds += ["user", "throw", "events", "sub", "sub", "call", "link", "receive", "ad_hoc", "compensate"]
            kinds += ["several", "complex"]
            if not conserve:
                kinds += ["join", "join"]
        if not self._sound:
            kinds += ["fork"]
        kind = self._pick(kinds)
        method: Callable[..., Block] = getattr(self, f"_{kind}")
        return method(scope, depth, conserve=conserve)

    def _task(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        return self._activity(scope, self._pick(WORKER_TASKS), depth, conserve=conserve)

    def _user(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        return self._activity(scope, "userTask", depth, conserve=conserve)

    def _receive(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        reference = {"messageRef": f"message-{self._pick(MESSAGES)}"} if self._one_in(2) else {}
        return self._activity(scope, "receiveTask", depth, conserve=conserve, **reference)

    def _join(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        """A gateway that waits for what an inclusive one has chosen, or for what comes in parallel."""
        gateway = self._node(scope, self._pick(("inclusiveGateway", "parallelGateway")))
        join = Node("", self._pick(("complexGateway", "inclusiveGateway")), joins=True)
        if join.tag == "complexGateway":
            condition = self._pick(("activationCount &gt;= 1", "activationCount &gt;= 2", *CONDITIONS))
            join.body = f"<activationCondition>{condition}</activationCondition>"
        exits, _ = self._branches(scope, gateway, depth, conserve=False)
        self._ids += 1
        join.id = f"join{self._ids}"
        scope.nodes.append(join)
        for each in exits:
            self._flow(scope, each, join)
        return Block(gateway, [join])

    def _call(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        called = self._pick(CALLED)
        return self._activity(
            scope, "callActivity", depth, conserve=conserve, **({"calledElement": called} if called else {})
        )

    def _pass(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        tag = self._pick(("task", "manualTask", "intermediateThrowEvent", "exclusiveGateway"))
        node = self._node(scope, tag)
        return Block(node, [node])

    def _sub(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        if depth >= 3:
            return self._task(scope, depth, conserve=conserve)
        inner = Scope()
        start = self._node(inner, "startEvent")
        exits = [start]
        if not self._one_in(6):
            block = self._sequence(inner, depth + 1, conserve=False)
            self._flow(inner, start, self._entry(inner, block.entry))
            exits = block.exits
        tag = self._pick(("subProcess", "subProcess", "transaction"))
        is_canceled = tag == "transaction" and bool(exits) and self._one_in(2)
        if is_canceled:
            way = self._node(inner, "exclusiveGateway")
            for each in exits:
                self._flow(inner, each, way)
            self._flow(inner, way, self._node(inner, "endEvent", body="<cancelEventDefinition/>"))
            exits = [way]
        if exits != [start]:
            self._end_exits(inner, exits, depth + 1)
        if not self._sound:
            self._cross(inner)
        self._handle(inner, depth + 1)
        is_undone = self._one_in(3)
        if is_undone:
            self._event_sub_process(inner, depth + 1, "compensate")
        return self._activity(
            scope, tag, depth, conserve=conserve, inner=inner, is_canceled=is_canceled, is_undone=is_undone
        )

    def _ad_hoc(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        if depth >= 3:
            return self._task(scope, depth, conserve=conserve)
        inner = Scope(is_ad_hoc=True)
        for _ in range(self._draw(st.integers(1, 2))):
            first = self._task(inner, depth + 1, conserve=False)
            if first.exits and self._one_in(2):
                block = self._sequence(inner, depth + 1, conserve=False)
                self._connect(inner, first.exits, block.entry)
        if not self._sound:
            self._cross(inner)
        attributes = {"ordering": "Sequential"} if self._one_in(3) else {}
        if self._one_in(2):
            attributes["cancelRemainingInstances"] = "false"
        condition = f"<completionCondition>{self._pick(CONDITIONS)}</completionCondition>" if self._one_in(2) else ""
        block = self._activity(scope, "adHocSubProcess", depth, conserve=conserve, inner=inner, **attributes)
        block.entry.body += condition
        return block

    def _handle(self, scope: Scope, depth: int) -> None:
        """Sometimes with an event sub-process."""
        if not self._seed and depth < 3 and self._left > 0 and self._one_in(2):
            kinds = ["error", "escalation", "message", "signal", "timer"]
            kinds += ["conditional"] * 2 + ["multiple"] * 3
            self._event_sub_process(scope, depth, self._pick(kinds))

    def _event_sub_process(self, scope: Scope, depth: int, kind: str) -> None:
        inner = Scope()
        start = self._node(inner, "startEvent")
        if kind not in ("compensate", "error") and self._one_in(2):
            start.attributes["isInterrupting"] = "false"
        if kind == "compensate":
            start.body = "<compensateEventDefinition/>"
        elif kind == "multiple":
            self._define_several(start, codes=True)
        else:
            self._define(start, kind, is_required=kind in ("message", "signal"))
        if not self._one_in(6):
            block = self._sequence(inner, depth + 1, conserve=False)
            self._flow(inner, start, self._entry(inner, block.entry))
            self._end_exits(inner, block.exits, depth + 1)
        self._node(scope, "subProcess", triggeredByEvent="true").scope = inner

    @property
    def _caught(self) -> tuple[str, ...]:
        return ("message", "signal", "timer") if self._seed else ("message", "signal", "timer", "conditional")

    def _catch(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        node = self._node(scope, "intermediateCatchEvent")
        if not self._seed and self._one_in(4):
            self._define_several(node)
        else:
            self._define(node, self._pick(self._caught))
        if not self._seed:
            self._aside(scope, node, depth)
        return Block(node, [node])

    def _throw(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        node = self._node(scope, "intermediateThrowEvent")
        self._define(node, self._pick(("escalation", "signal", "message", "several")))
        self._aside(scope, node, depth)
        return Block(node, [node])

    def _compensate(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        node = self._node(scope, "intermediateThrowEvent")
        self._compensates(scope, node)
        self._aside(scope, node, depth)
        return Block(node, [node])

    def _several(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        """As many tokens as are needed."""
        first = self._activity(scope, self._pick(WORKER_TASKS), depth, conserve=True, completionQuantity="2")
        second = self._node(scope, self._pick(("userTask", *WORKER_TASKS)), startQuantity="2")
        self._flow(scope, first.entry, second)
        return Block(first.entry, [second, *first.exits[1:]])

    def _complex(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        if conserve:
            return self._pass(scope, depth, conserve=conserve)
        return self._decision(scope, "complexGateway", depth, conserve=conserve)

    def _link(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        catch = self._node(scope, "intermediateCatchEvent")
        catch.body = f'<linkEventDefinition name="{catch.id}"/>'
        throw = self._node(scope, "intermediateThrowEvent", body=catch.body)
        return Block(throw, [catch])

    def _branches(self, scope: Scope, gateway: Node, depth: int, *, conserve: bool) -> tuple[list[Node], list[str]]:
        """Exits of all branches, and the flows into them; a branch may be empty: then the gateway is an exit."""
        exits: list[Node] = []
        flows: list[str] = []
        for _ in range(self._draw(st.integers(2, 3))):
            if self._one_in(5):
                exits.append(gateway)
                continue
            branch = self._sequence(scope, depth, conserve=conserve)
            flows.append(self._flow(scope, gateway, self._entry(scope, branch.entry)))
            if not conserve and self._one_in(4):
                self._end_exits(scope, branch.exits, depth)
            else:
                exits += branch.exits
        return exits, flows

    def _exclusive(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        return self._decision(scope, "exclusiveGateway", depth, conserve=conserve)

    def _inclusive(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        return self._decision(scope, "inclusiveGateway", depth, conserve=conserve)

    def _decision(self, scope: Scope, tag: str, depth: int, *, conserve: bool) -> Block:
        gateway = self._node(scope, tag)
        exits, flows = self._branches(scope, gateway, depth, conserve=conserve)
        if flows and self._one_in(2):
            gateway.attributes["default"] = self._pick(flows)
        return Block(gateway, self._merged(scope, exits))

    def _merged(self, scope: Scope, exits: list[Node]) -> list[Node]:
        """Gateways may stand among the exits twice, and then have two flows to one element."""
        if len(exits) < 2 or self._one_in(2):
            return exits
        merge = self._node(scope, "exclusiveGateway")
        for each in exits:
            self._flow(scope, each, merge)
        return [merge]

    def _parallel(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        gateway = self._node(scope, "parallelGateway")
        join = Node("", "parallelGateway", joins=True)
        branches = self._draw(st.integers(2, 3))
        exits: list[list[Node]] = []
        for _ in range(branches):
            if self._one_in(5):
                exits.append([gateway])
                continue
            branch = self._sequence(scope, depth, conserve=conserve or self._sound)
            self._flow(scope, gateway, self._entry(scope, branch.entry))
            exits.append(branch.exits)
        self._ids += 1
        join.id = f"join{self._ids}"
        scope.nodes.append(join)
        for found in exits:
            # One flow for each branch, as the join waits for each of its flows.
            if len(found) > 1 and (self._sound or self._one_in(2)):
                merge = self._node(scope, "exclusiveGateway")
                for each in found:
                    self._flow(scope, each, merge)
                found = [merge]
            for each in found:
                self._flow(scope, each, join)
        return Block(gateway, [join])

    def _fork(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        """Several flows out of something, never to be joined."""
        node = self._node(scope, self._pick(("parallelGateway", *WORKER_TASKS)))
        exits, _ = self._branches(scope, node, depth, conserve=False)
        return Block(node, exits)

    def _events(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        gateway = self._node(scope, "eventBasedGateway")
        exits = []
        for _ in range(self._draw(st.integers(2, 3))):
            event = self._node(scope, "intermediateCatchEvent")
            if not self._seed and self._one_in(4):
                self._define_several(event, may_need_all=False)
            else:
                self._define(event, self._pick(self._caught))
            self._flow(scope, gateway, event)
            exits.append(event)
        return Block(gateway, self._merged(scope, exits))

    def _loop(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        """Something that waits is in it."""
        merge = self._node(scope, "exclusiveGateway")
        body = self._activity(scope, self._pick(WORKER_TASKS), depth, conserve=conserve)
        self._flow(scope, merge, body.entry)
        decision = self._node(scope, "exclusiveGateway")
        for each in body.exits:
            self._flow(scope, each, decision)
        self._flow(scope, decision, merge)
        return Block(merge, [decision])

    def _cross(self, scope: Scope) -> None:
        """Flows across blocks. They start where something waits, or a cycle might go round without a stop."""
        nodes = [node for node in scope.nodes if "isForCompensation" not in node.attributes]
        sources = [node for node in nodes if node.tag in WORKER_TASKS]
        followers = {id(target) for _, source, target in scope.flows if source.tag == "eventBasedGateway"}
        targets = [
            node
            for node in nodes
            if node.tag not in ("startEvent", "boundaryEvent", "complexGateway", "inclusiveGateway")
            and "linkEventDefinition" not in node.body
            and id(node) not in followers
            and (node.incoming or not scope.is_ad_hoc)
        ]
        if sources and targets and self._one_in(3):
            self._flow(scope, self._pick(sources), self._pick(targets))


@st.composite
def models(draw: Draw, *, seed: bool = False, nodes: int = 12) -> Model:
    """A model of one of `PROCESS_IDS`, with about `nodes` elements; `seed` keeps to those of the seed document."""
    process_id = draw(st.sampled_from(PROCESS_IDS))
    sound = draw(st.booleans())
    evaluates = not seed and draw(st.booleans())
    left = draw(st.integers(2, nodes))
    artist = Artist(draw, process_id, seed=seed, sound=sound, left=left, evaluates=evaluates)
    scope = artist.process()
    xml = f'{HEAD}<process id="{process_id}" isExecutable="true">\n{render(scope)}</process></definitions>'
    return Model(process_id, xml, json.dumps(artist.definitions), sound, evaluates)
