"""What events of drawn models are about: in the XML, in the request, or left to workers."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.machine.pen import Draw, Pen
from tests.machine.picture import CONDITIONS, ERROR_CODES, ESCALATION_CODES, KEYS, MESSAGES, SIGNALS, Node

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
)
LEFT_TO_WORKERS = ("message", "timer")
CALCULATED = "<timeDuration>${a &gt; 0 ? 'PT1H' : 'P1D'}</timeDuration>"


class Events(Pen):
    def __init__(
        self, draw: Draw, process_id: str, *, seed: bool, sound: bool, left: int, evaluates: bool = False
    ) -> None:
        super().__init__(draw, process_id, seed=seed, sound=sound, left=left, evaluates=evaluates)
        self.definitions: dict[str, list[dict[str, Any]]] = {}

    def _start_definition(self, kind: str) -> str:
        if kind == "multiple":
            return self._start_of_several()
        return "" if kind == "none" else f"<{kind}EventDefinition/>"

    def _define_start(self, kind: str, start: Node) -> None:
        if kind == "message":
            self._request("messages", start, messageName=f"start-{self._process_id}")
        elif kind == "signal":
            self._request("signals", start, signalName=self._pick(SIGNALS))
        else:
            self._request("timers", start, timer=self._pick(TIMERS))

    def _start_of_several(self) -> str:
        """Definitions each of which starts the process."""
        parts = {
            "message": f'<messageEventDefinition messageRef="message-start-{self._process_id}"/>',
            "signal": f'<signalEventDefinition signalRef="signal-{self._pick(SIGNALS)}"/>',
            "timer": f"<timerEventDefinition>{self._pick(XML_TIMERS)}</timerEventDefinition>",
        }
        kinds = self._draw(st.permutations(list(parts)))
        return "".join(parts[kind] for kind in kinds[: self._pick((2, 3))])

    def _define_several(self, node: Node, *, codes: bool = False, may_need_all: bool = True) -> None:
        """With definitions of which one is enough, or all are needed; at most one of them is left to a worker."""
        interrupts = "false" not in (node.attributes.get("cancelActivity"), node.attributes.get("isInterrupting"))
        needs_all = may_need_all and self._one_in(2)
        kinds = ["message", "signal", "timer", "conditional"]
        kinds += ["escalation"] if codes else []
        kinds += ["error"] if codes and interrupts and not needs_all else []
        if needs_all:
            node.attributes["parallelMultiple"] = "true"
        drawn = self._some(kinds, 2, 3)
        left = self._pick([*(place for place, kind in enumerate(drawn) if kind in LEFT_TO_WORKERS), -1])
        # Where a worker is asked about one, it is not the worker's fault that another one can't be calculated.
        timers = (*XML_TIMERS, CALCULATED) if self._evaluates and left < 0 else XML_TIMERS
        node.body = "".join(self._part(kind, timers, is_left=place == left) for place, kind in enumerate(drawn))

    def _part(self, kind: str, timers: tuple[str, ...], *, is_left: bool) -> str:
        """One of several definitions; with `is_left` a worker is asked for what it lacks."""
        if kind == "conditional":
            condition = f"<condition>{self._pick(CONDITIONS)}</condition>"
            return f"<conditionalEventDefinition>{condition}</conditionalEventDefinition>"
        if kind == "timer":
            return f"<timerEventDefinition>{'' if is_left else self._pick(timers)}</timerEventDefinition>"
        if kind == "message" and not (is_left or self._evaluates):
            # Nobody else knows the key.
            kind = "signal"
        key = ""
        if kind == "message" and not is_left:
            key = f' xmlns:own="urn:py-bpmn" own:correlationKey="{self._pick(KEYS)}"'
        options = {
            "error": ("", *ERROR_CODES),
            "escalation": ("", *ESCALATION_CODES),
            "message": MESSAGES,
            "signal": SIGNALS,
        }[kind]
        return f'<{kind}EventDefinition {kind}Ref="{kind}-{self._pick(options)}"{key}/>'

    def _request(self, list_name: str, node: Node, **values: Any) -> None:
        self.definitions.setdefault(list_name, []).append({"bpmnElementId": node.id, **values})

    def _define(self, node: Node, kind: str, *, is_required: bool = False) -> None:
        """With a definition in the XML, in the request, in both, or none at all unless it is required."""
        if kind in ("compensate", "conditional", "several", "terminate"):
            self._define_in_xml(node, kind)
            return
        ways = ((True, False), (False, True), (True, True))
        in_xml, in_request = self._pick(ways if is_required else ((False, False), *ways))
        if kind == "timer":
            timer = self._pick((*XML_TIMERS, CALCULATED)) if in_xml else ""
            node.body = f"<timerEventDefinition>{timer}</timerEventDefinition>"
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
        if kind == "message" and self._evaluates and self._one_in(3):
            # Then the engine finds it out, or sends by itself.
            reference += f' xmlns:own="urn:py-bpmn" own:correlationKey="{self._pick(KEYS)}"'
        node.body = f"<{kind}EventDefinition{reference}/>"
        if in_request:
            self._request(list_name, node, **{field_name: self._pick(options)})

    def _define_in_xml(self, node: Node, kind: str) -> None:
        if kind == "conditional":
            condition = f"<condition>{self._pick(CONDITIONS)}</condition>"
            node.body = f"<conditionalEventDefinition>{condition}</conditionalEventDefinition>"
        elif kind == "several":
            signal, escalation = self._pick(SIGNALS), self._pick(ESCALATION_CODES)
            node.body = (
                f'<signalEventDefinition signalRef="signal-{signal}"/>'
                f'<escalationEventDefinition escalationRef="escalation-{escalation}"/>'
            )
        elif kind == "compensate":
            waits = ' waitForCompletion="false"' if self._one_in(3) else ""
            node.body = f"<compensateEventDefinition{waits}/>"
        else:
            node.body = "<terminateEventDefinition/>"
