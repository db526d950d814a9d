"""Activities of drawn models, with their boundary events, markers, what undoes them, and where paths end."""

from __future__ import annotations

from tests.machine.events import Events
from tests.machine.picture import CONDITIONS, SIGNALS, Block, Node, Scope

WORKER_TASKS = ("serviceTask", "scriptTask", "sendTask", "businessRuleTask")

PASSED = ("globalManualTask", "globalTask")
"""What nobody does if it is called."""


class Activities(Events):
    def _activity(
        self,
        scope: Scope,
        tag: str,
        depth: int,
        *,
        conserve: bool,
        inner: Scope | None = None,
        is_canceled: bool = False,
        is_undone: bool = False,
        **attributes: str,
    ) -> Block:
        """With its boundary events, and sometimes with what undoes it."""
        node = self._node(scope, tag, **attributes)
        node.scope = inner
        if not self._seed and not is_canceled and self._one_in(5):
            passes = attributes.get("calledElement") in PASSED or (inner is not None and self._evaluates)
            node.body += self._marker(passes=passes)
        exits = [node]
        if not self._seed:
            self._aside(scope, node, depth)
            if is_undone or self._one_in(5):
                scope.compensable.append(node.id)
                if not is_undone:
                    self._undo(scope, node)
        kinds = ["error", "escalation", "message", "signal", "timer"]
        kinds += [] if self._seed else ["conditional", "multiple"]
        attached = [self._pick(kinds) for _ in range(self._pick((0, 0, 1, 2)) if self._left > 0 else 0)]
        for kind in ["cancel"] * is_canceled + attached:
            exits += self._boundary_event(scope, node, kind, depth, conserve=conserve)
        return Block(node, exits)

    def _boundary_event(self, scope: Scope, host: Node, kind: str, depth: int, *, conserve: bool) -> list[Node]:
        """What of it is left to be connected."""
        interrupting = kind in ("cancel", "error") or self._one_in(2)
        event = self._node(scope, "boundaryEvent", attachedToRef=host.id)
        if not interrupting:
            event.attributes["cancelActivity"] = "false"
        if kind == "cancel":
            event.body = "<cancelEventDefinition/>"
        elif kind == "multiple":
            self._define_several(event, codes=True)
        else:
            self._define(event, kind)
        if not self._seed:
            self._aside(scope, event, depth)
        if interrupting and (conserve or self._one_in(2)):
            return [event]
        if self._one_in(3):
            # No flow: what it interrupts ends without a successor.
            return []
        if not self._sound and self._one_in(3):
            return [event]
        self._end_exits(scope, self._continued(scope, event), depth)
        return []

    def _undo(self, scope: Scope, node: Node) -> None:
        """An activity that undoes it, once that is asked for."""
        event = self._node(scope, "boundaryEvent", attachedToRef=node.id, body="<compensateEventDefinition/>")
        tag = self._pick((*WORKER_TASKS, "userTask", "callActivity"))
        handler = self._node(scope, tag, isForCompensation="true")
        if self._one_in(5):
            handler.body += self._marker()
        scope.associations.append((event, handler))

    def _aside(self, scope: Scope, node: Node, depth: int) -> None:
        """Sometimes with a flow that has a condition and leads to an end, and sometimes with a default one, too."""
        if scope.is_ad_hoc or self._left <= 0 or not self._one_in(6):
            return
        flow = self._flow(scope, node, self._node(scope, "endEvent"))
        scope.conditions[flow] = self._pick(CONDITIONS)
        if self._one_in(3):
            node.attributes["default"] = self._flow(scope, node, self._node(scope, "endEvent"))

    def _marker(self, *, passes: bool = False) -> str:
        """Of what may pass without a stop, where that is said."""
        if self._one_in(3):
            # A cycle must not go round without a stop.
            maximum = ' loopMaximum="2"' if passes or self._one_in(2) else ""
            before = ' testBefore="true"' if not self._evaluates and self._one_in(2) else ""
            condition = f"<loopCondition>{self._pick(CONDITIONS)}</loopCondition>"
            condition = condition if not maximum or self._one_in(2) else ""
            return f"<standardLoopCharacteristics{maximum}{before}>{condition}</standardLoopCharacteristics>"
        # At least one, for the same reason.
        cardinality = self._pick(("", "<loopCardinality>2</loopCardinality>"))
        condition = f"<completionCondition>{self._pick(CONDITIONS)}</completionCondition>" if self._one_in(3) else ""
        attributes = ' isSequential="true"' if self._one_in(2) else ""
        if self._one_in(4):
            when = self._pick(("none", "one"))
            attributes += f' behavior="{when.capitalize()}" {when}BehaviorEventRef="thrown-{self._pick(SIGNALS)}"'
        tag = "multiInstanceLoopCharacteristics"
        return f"<{tag}{attributes}>{cardinality}{condition}</{tag}>"

    def _continued(self, scope: Scope, source: Node) -> list[Node]:
        """The exits of an optional block behind a boundary event."""
        if self._left <= 0 or self._one_in(2):
            return [source]
        node = self._node(scope, self._pick(("task", *WORKER_TASKS)))
        self._flow(scope, source, node)
        return [node]

    def _end_exits(self, scope: Scope, exits: list[Node], depth: int) -> None:
        """At an end event, or just so."""
        if not exits or scope.is_ad_hoc or self._one_in(4):
            return
        kinds = ["", "", "", "terminate"]
        if not self._seed:
            kinds += ["error", "escalation", "message", "signal"] if depth else ["message", "signal", "error"]
            kinds += ["compensate", "several"]
        kind = self._pick(kinds)
        end = self._node(scope, "endEvent")
        if kind == "compensate":
            self._compensates(scope, end)
        elif kind:
            self._define(end, kind)
        for each in exits:
            self._flow(scope, each, end)

    def _compensates(self, scope: Scope, node: Node) -> None:
        """Has everything undone, or one activity."""
        self._define(node, "compensate")
        if scope.compensable and self._one_in(2):
            reference = f' activityRef="{self._pick(scope.compensable)}"'
            node.body = node.body.replace("<compensateEventDefinition", f"<compensateEventDefinition{reference}")
