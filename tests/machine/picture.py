"""A BPMN model while it is drawn, and its XML."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

PROCESS_IDS = ("p1", "p2", "p3")
ERROR_CODES = ("E1", "E2")
ESCALATION_CODES = ("C1", "C2")
MESSAGES = ("m1", "m2")
SIGNALS = ("s1", "s2")
KEYS = ("k1", "k2")
CONDITIONS = ("a &gt; 0", "b == 1", "a &lt; 2")
"""About the variables that there are."""

GLOBAL_TASKS = ("globalUserTask", "globalScriptTask", "globalBusinessRuleTask", "globalManualTask", "globalTask")
"""They are also the ids."""

HEAD = "".join(
    [
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">\n',
        *(f'<error id="error-{code}" errorCode="{code}"/>' for code in ERROR_CODES),
        '<error id="error-"/>\n',
        *(f'<escalation id="escalation-{code}" escalationCode="{code}"/>' for code in ESCALATION_CODES),
        '<escalation id="escalation-"/>\n',
        *(f'<{tag} id="{tag}"/>' for tag in GLOBAL_TASKS),
        "\n",
        *(f'<message id="message-{name}" name="{name}"/>' for name in MESSAGES),
        *(f'<message id="message-start-{id}" name="start-{id}"/>' for id in PROCESS_IDS),
        "\n",
        *(f'<signal id="signal-{name}" name="{name}"/>' for name in SIGNALS),
        *(f'<signalEventDefinition id="thrown-{name}" signalRef="signal-{name}"/>' for name in SIGNALS),
        "\n",
    ]
)


@dataclass(frozen=True)
class Model:
    """A process, as it is deployed."""

    process_id: str
    xml: str
    definitions: str
    """The event definitions of the request, as JSON."""
    sound: bool
    evaluates: bool = False
    """Whether the engine evaluates its expressions."""

    def __repr__(self) -> str:
        rest = f"{self.definitions!r}, {self.sound}, {self.evaluates}"
        return f'Model({self.process_id!r}, """{self.xml}""", {rest})'

    def request(self) -> dict[str, Any]:
        mode = {"expressions": "ENGINE"} if self.evaluates else {}
        return {"bpmnProcessId": self.process_id, "bpmnXml": self.xml, **mode, **json.loads(self.definitions)}


@dataclass(eq=False)
class Node:
    """A drawn element."""

    id: str
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    body: str = ""
    scope: Scope | None = None
    """The content of a sub-process."""
    incoming: int = 0
    joins: bool = False
    """A gateway that is meant to join."""


@dataclass(eq=False)
class Scope:
    nodes: list[Node] = field(default_factory=list)
    flows: list[tuple[str, Node, Node]] = field(default_factory=list)
    conditions: dict[str, str] = field(default_factory=dict)
    """By flow."""
    associations: list[tuple[Node, Node]] = field(default_factory=list)
    """Of compensation boundary events with what undoes their hosts."""
    compensable: list[str] = field(default_factory=list)
    """Activities that can be undone."""
    is_ad_hoc: bool = False
    """Nothing starts or ends in it by an event."""


@dataclass(eq=False)
class Block:
    entry: Node
    exits: list[Node]


def render(scope: Scope) -> str:
    """The nodes, with the content of sub-processes, and the sequence flows."""
    lines = []
    for node in scope.nodes:
        attributes = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes.items())
        content = node.body + (f"\n{render(node.scope)}" if node.scope else "")
        tag = node.tag
        lines.append(f'<{tag} id="{node.id}"{attributes}' + (f">{content}</{tag}>" if content else "/>"))
    for flow, source, target in scope.flows:
        condition = scope.conditions.get(flow)
        content = f"<conditionExpression>{condition}</conditionExpression>" if condition else ""
        lines.append(
            f'<sequenceFlow id="{flow}" sourceRef="{source.id}" targetRef="{target.id}">{content}</sequenceFlow>'
        )
    for event, handler in scope.associations:
        lines.append(f'<association id="to-{handler.id}" sourceRef="{event.id}" targetRef="{handler.id}"/>')
    return "".join(line + "\n" for line in lines)
