"""Random BPMN models that are valid, rendered to XML.

A model is drawn as blocks: a block has one entry, and exits that still need a flow to whatever comes next. Between
parallel fork and join of a *sound* model each block passes on exactly one token, so that its joins can't wait in
vain; the other models also fork without joining, end branches early and have flows across blocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.machine.picture import (
    ERROR_CODES,
    ESCALATION_CODES,
    HEAD,
    MESSAGES,
    PROCESS_IDS,
    SIGNALS,
    Block,
    Model,
    Node,
    Scope,
    render,
)

WORKER_TASKS = ("serviceTask", "scriptTask", "sendTask", "businessRuleTask")
TIMERS = (
    {"timeDuration": "PT1H"},
    {"timeDuration": "P1D"},
    {"timeCycle": "0 * * * *"},
    {"time": "2026-11-23T14:00:00Z"},
)
XML_TIMERS = (
    "<timeDuration>PT1H</timeDuration>",
    "<timeCycle>R2/PT30M</timeCycle>",
    "<timeCycle>0 0 * * *</timeCycle>",
    "<timeDate>2026-11-23T13:00:00Z</timeDate>",
    "<timeDuration>${duration}</timeDuration>",
)
CALLED = ("", "p1", "p2:1", "p3", "nope")

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Artist:
    """Draws one model; `left` bounds how many nodes there will be."""

    def __init__(self, draw: Draw, process_id: str, *, seed: bool, sound: bool, left: int) -> None:
        self._draw = draw
        self._process_id = process_id
        self._seed = seed
        self._sound = sound
        self._left = left
        self._ids = 0
        self.definitions: dict[str, list[dict[str, Any]]] = {}

    def process(self) -> Scope:
        scope = Scope()
        block = self._sequence(scope, depth=0, conserve=False)
        kinds = ["none"] if self._one_in(2) else ["none", "none", "message", "signal", "timer"]
        for kind in dict.fromkeys(self._some(kinds, 1, 2)):
            start = self._node(scope, "startEvent", body=self._start_definition(kind))
            if kind != "none":
                self._define_start(kind, start)
            self._flow(scope, start, self._entry(scope, block.entry))
        self._end_exits(scope, block.exits, depth=0)
        if not self._sound:
            self._cross(scope)
        self._handle(scope, 0)
        return scope

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
        if entry.incoming and entry.tag in ("inclusiveGateway", "parallelGateway") and not entry.joins:
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
        if len(exits) > 1 and (self._one_in(2) or entry.tag in ("inclusiveGateway", "parallelGateway")):
            merge = self._node(scope, "exclusiveGateway")
            for each in exits:
                self._flow(scope, each, merge)
            exits = [merge]
        for each in exits:
            self._flow(scope, each, entry)

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
            kinds += ["user", "throw", "events", "sub", "sub", "call", "link", "receive"]
            if not conserve:
                kinds += ["join"]
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
        """An inclusive gateway that waits for what another one has chosen, or for what comes in parallel."""
        gateway = self._node(scope, self._pick(("inclusiveGateway", "parallelGateway")))
        join = Node("", "inclusiveGateway", joins=True)
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
        if not self._one_in(6):
            block = self._sequence(inner, depth + 1, conserve=False)
            self._flow(inner, start, self._entry(inner, block.entry))
            self._end_exits(inner, block.exits, depth + 1)
        if not self._sound:
            self._cross(inner)
        self._handle(inner, depth + 1)
        tag = self._pick(("subProcess", "subProcess", "transaction"))
        return self._activity(scope, tag, depth, conserve=conserve, inner=inner)

    def _handle(self, scope: Scope, depth: int) -> None:
        """Sometimes with an event sub-process."""
        if self._seed or depth >= 3 or self._left <= 0 or not self._one_in(3):
            return
        inner = Scope()
        start = self._node(inner, "startEvent")
        kind = self._pick(("error", "escalation", "message", "signal", "timer"))
        if kind != "error" and self._one_in(2):
            start.attributes["isInterrupting"] = "false"
        self._define(start, kind, is_required=kind in ("message", "signal"))
        if not self._one_in(6):
            block = self._sequence(inner, depth + 1, conserve=False)
            self._flow(inner, start, self._entry(inner, block.entry))
            self._end_exits(inner, block.exits, depth + 1)
        self._node(scope, "subProcess", triggeredByEvent="true").scope = inner

    def _activity(
        self, scope: Scope, tag: str, depth: int, *, conserve: bool, inner: Scope | None = None, **attributes: str
    ) -> Block:
        """With its boundary events."""
        node = self._node(scope, tag, **attributes)
        node.scope = inner
        if not self._seed and self._one_in(5):
            node.body += self._marker(node)
        exits = [node]
        for _ in range(self._pick((0, 0, 1, 2)) if self._left > 0 else 0):
            kind = self._pick(("error", "escalation", "message", "signal", "timer"))
            interrupting = kind == "error" or self._one_in(2)
            event = self._node(scope, "boundaryEvent", attachedToRef=node.id)
            if not interrupting:
                event.attributes["cancelActivity"] = "false"
            self._define(event, kind)
            if interrupting and (conserve or self._one_in(2)):
                exits.append(event)
            elif self._one_in(3):
                # No flow: what it interrupts ends without a successor.
                pass
            elif not self._sound and self._one_in(3):
                exits.append(event)
            else:
                self._end_exits(scope, self._continued(scope, event), depth)
        return Block(node, exits)

    def _marker(self, node: Node) -> str:
        id = f'id="marker-{node.id}"'
        if self._one_in(3):
            maximum = ' loopMaximum="2"' if self._one_in(2) else ""
            before = ' testBefore="true"' if self._one_in(2) else ""
            condition = "<loopCondition>more</loopCondition>" if not maximum or self._one_in(2) else ""
            return f"<standardLoopCharacteristics {id}{maximum}{before}>{condition}</standardLoopCharacteristics>"
        # At least one: a cycle without a stop would go round for ever.
        cardinality = self._pick(("", "<loopCardinality>2</loopCardinality>"))
        condition = "<completionCondition>enough</completionCondition>" if self._one_in(3) else ""
        sequential = ' isSequential="true"' if self._one_in(2) else ""
        tag = "multiInstanceLoopCharacteristics"
        return f"<{tag} {id}{sequential}>{cardinality}{condition}</{tag}>"

    def _continued(self, scope: Scope, source: Node) -> list[Node]:
        """The exits of an optional block behind a boundary event."""
        if self._left <= 0 or self._one_in(2):
            return [source]
        node = self._node(scope, self._pick(("task", *WORKER_TASKS)))
        self._flow(scope, source, node)
        return [node]

    def _catch(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        node = self._node(scope, "intermediateCatchEvent")
        self._define(node, self._pick(("message", "signal", "timer")))
        return Block(node, [node])

    def _throw(self, scope: Scope, depth: int, *, conserve: bool) -> Block:
        node = self._node(scope, "intermediateThrowEvent")
        self._define(node, self._pick(("escalation", "signal", "message")))
        return Block(node, [node])

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
            event = self._catch(scope, depth, conserve=conserve).entry
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

    def _end_exits(self, scope: Scope, exits: list[Node], depth: int) -> None:
        """At an end event, or just so."""
        if not exits or self._one_in(4):
            return
        kinds = ["", "", "", "terminate"]
        if not self._seed:
            kinds += ["error", "escalation", "message", "signal"] if depth else ["message", "signal", "error"]
        kind = self._pick(kinds)
        end = self._node(scope, "endEvent")
        if kind == "terminate":
            end.body = "<terminateEventDefinition/>"
        elif kind:
            self._define(end, kind)
        for each in exits:
            self._flow(scope, each, end)

    def _cross(self, scope: Scope) -> None:
        """Flows across blocks. They start where something waits, or a cycle might go round without a stop."""
        sources = [node for node in scope.nodes if node.tag in WORKER_TASKS]
        followers = {id(target) for _, source, target in scope.flows if source.tag == "eventBasedGateway"}
        targets = [
            node
            for node in scope.nodes
            if node.tag not in ("startEvent", "boundaryEvent", "inclusiveGateway")
            and "linkEventDefinition" not in node.body
            and id(node) not in followers
        ]
        if sources and targets and self._one_in(3):
            self._flow(scope, self._pick(sources), self._pick(targets))

    def _start_definition(self, kind: str) -> str:
        return "" if kind == "none" else f"<{kind}EventDefinition/>"

    def _define_start(self, kind: str, start: Node) -> None:
        if kind == "message":
            self._request("messages", start, messageName=f"start-{self._process_id}")
        elif kind == "signal":
            self._request("signals", start, signalName=self._pick(SIGNALS))
        else:
            self._request("timers", start, timer=self._pick(TIMERS))

    def _request(self, list_name: str, node: Node, **values: Any) -> None:
        self.definitions.setdefault(list_name, []).append({"bpmnElementId": node.id, **values})

    def _define(self, node: Node, kind: str, *, is_required: bool = False) -> None:
        """With a definition in the XML, in the request, in both, or none at all unless it is required."""
        ways = ((True, False), (False, True), (True, True))
        in_xml, in_request = self._pick(ways if is_required else ((False, False), *ways))
        if kind == "timer":
            node.body = f"<timerEventDefinition>{self._pick(XML_TIMERS) if in_xml else ''}</timerEventDefinition>"
            if in_request:
                self._request("timers", node, timer=self._pick(TIMERS))
            return
        options, list_name, field_name = {
            "error": (("", *ERROR_CODES), "errors", "errorCode"),
            "escalation": (("", *ESCALATION_CODES), "escalations", "escalationCode"),
            "message": (MESSAGES, "messages", "messageName"),
            "signal": (SIGNALS, "signals", "signalName"),
        }[kind]
        reference = f' {kind}Ref="{kind}-{self._pick(options)}"' if in_xml else ""
        node.body = f"<{kind}EventDefinition{reference}/>"
        if in_request:
            self._request(list_name, node, **{field_name: self._pick(options)})


@st.composite
def models(draw: Draw, *, seed: bool = False, nodes: int = 12) -> Model:
    """A model of one of `PROCESS_IDS`, with about `nodes` elements; `seed` keeps to those of the seed document."""
    process_id = draw(st.sampled_from(PROCESS_IDS))
    sound = draw(st.booleans())
    artist = Artist(draw, process_id, seed=seed, sound=sound, left=draw(st.integers(2, nodes)))
    scope = artist.process()
    xml = f'{HEAD}<process id="{process_id}" isExecutable="true">\n{render(scope)}</process></definitions>'
    return Model(process_id, xml, json.dumps(artist.definitions), sound)
