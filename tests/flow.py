"""Processes from one line of text.

    flow("start -> fork -> a, b -> join -> end", fork=PARALLEL, join=PARALLEL)

Chains are separated by `;`, steps by `->`; each id of a step leads to each id of the next one. An element without a
kind is a start event where nothing leads to it, an end event where it leads nowhere, and a service task otherwise.
The process has the id `p`, and its elements the order in which they are named first.

Events are written `"message"` without a definition, `"message:order"` with one, `"error:"` to catch every code;
`"conditional:x > 1"`,
`"timer:PT1H"`, `"timer:R3/PT1H"` and `"timer:2027-01-01T00:00:00Z"` are timers as the XML has them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from xml.sax.saxutils import escape

from app.bpmn import definitions as bpmn
from app.bpmn.parser import find_process, parse
from app.engine.compiling import Definitions, compile_graph
from app.engine.elements import equip
from app.engine.graph import Graph

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"

QUOTED = {'"': "&quot;"}
_COMPLEX = ("<complexBehaviorDefinition>", "</complexBehaviorDefinition>")
_NAMES = {"error": "errorCode", "escalation": "escalationCode", "message": "name", "signal": "name"}


@dataclass(frozen=True, slots=True)
class Kind:
    tag: str
    attributes: str = ""
    event: str = ""
    default: str = ""
    """Where the default flow leads."""
    content: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """With `content`: what is inside a sub-process."""
    conditions: Mapping[str, str] = field(default_factory=dict)
    """Those of outgoing flows, by their targets."""
    handler: str = ""
    """Of a compensation boundary event, the activity that it leads to."""
    key: str = ""
    """What gives the correlation key of its message."""
    marker: str = ""
    """The XML of a loop or multi-instance marker, or of other children."""


EVENT_BASED = Kind("eventBasedGateway")
EXCLUSIVE = Kind("exclusiveGateway")
INCLUSIVE = Kind("inclusiveGateway")
PARALLEL = Kind("parallelGateway")
SERVICE = Kind("serviceTask")
TASK = Kind("task")
USER = Kind("userTask")
END = Kind("endEvent")
THROW = Kind("intermediateThrowEvent")


def complex_gateway(condition: str = "", default: str = "", **conditions: str) -> Kind:
    """With the condition that activates it; `conditions` are those of flows, by their targets."""
    marker = f"<activationCondition>{escape(condition)}</activationCondition>" if condition else ""
    return Kind("complexGateway", default=default, conditions=conditions, marker=marker)


def exclusive(default: str) -> Kind:
    return Kind("exclusiveGateway", default=default)


def inclusive(default: str) -> Kind:
    return Kind("inclusiveGateway", default=default)


def start(event: str, *, interrupting: bool = True) -> Kind:
    return Kind("startEvent", "" if interrupting else ' isInterrupting="false"', event)


def catch(event: str) -> Kind:
    return Kind("intermediateCatchEvent", event=event)


def throw(event: str) -> Kind:
    return Kind("intermediateThrowEvent", event=event)


def end(event: str) -> Kind:
    return Kind("endEvent", event=event)


def several(
    tag: str, *events: str, host: str = "", interrupting: bool = True, parallel: bool = False, key: str = ""
) -> Kind:
    """An event with several definitions, at its `host` if it is a boundary event; `key` is that of its messages."""
    attributes = f' attachedToRef="{host}"' if host else ""
    if not interrupting:
        attributes += f' {"cancelActivity" if host else "isInterrupting"}="false"'
    attributes += ' parallelMultiple="true"' if parallel else ""
    return Kind(tag, attributes, marker="".join(f"@@{event}@@" for event in events), key=key)


def boundary(host: str, event: str, *, interrupting: bool = True) -> Kind:
    cancels = "" if interrupting else ' cancelActivity="false"'
    return Kind("boundaryEvent", f' attachedToRef="{host}"{cancels}', event)


def undo(kind: Kind = SERVICE) -> Kind:
    """An activity that undoes another one."""
    return replace(kind, attributes=kind.attributes + ' isForCompensation="true"')


def compensation(host: str, handler: str) -> Kind:
    """The boundary event that leads to what undoes its host."""
    return Kind("boundaryEvent", f' attachedToRef="{host}"', "compensate", handler=handler)


def compensate(activity: str = "", *, tag: str = "intermediateThrowEvent", waits: bool = True) -> Kind:
    """An event that has what has completed undone, or one activity."""
    reference = f' activityRef="{activity}"' if activity else ""
    wait = "" if waits else ' waitForCompletion="false"'
    return Kind(tag, marker=f"<compensateEventDefinition{reference}{wait}/>")


def call(called_element: str = "") -> Kind:
    return Kind("callActivity", f' calledElement="{called_element}"' if called_element else "")


def sub(text: str, **kinds: Kind) -> Kind:
    return Kind("subProcess", content=text, kinds=kinds)


def transaction(text: str, **kinds: Kind) -> Kind:
    return Kind("transaction", content=text, kinds=kinds)


def ad_hoc(text: str, *, sequential: bool = False, condition: str = "", cancels: bool = True, **kinds: Kind) -> Kind:
    """An ad-hoc sub-process; in `text` everything that leads nowhere is an activity."""
    attributes = ' ordering="Sequential"' if sequential else ""
    attributes += "" if cancels else ' cancelRemainingInstances="false"'
    marker = f"<completionCondition>{escape(condition)}</completionCondition>" if condition else ""
    ids = {id.strip() for step in text.replace(";", "->").split("->") for id in step.split(",")}
    found = {**dict.fromkeys(sorted(ids), SERVICE), **kinds}
    return Kind("adHocSubProcess", attributes, content=text, kinds=found, marker=marker)


def event_sub(text: str, **kinds: Kind) -> Kind:
    """An event sub-process; its first element is its start event."""
    return Kind("subProcess", ' triggeredByEvent="true"', content=text, kinds=kinds)


def starting(*, parallel: bool = False) -> Kind:
    """An event-based gateway whose events start the process."""
    kind = ' eventGatewayType="Parallel"' if parallel else ""
    return Kind("eventBasedGateway", f' instantiate="true"{kind}')


def send_task(message: str, key: str) -> Kind:
    """A send task whose message the engine can send."""
    return Kind("sendTask", "", f"message:{message}", key=key)


def receive(message: str = "", *, instantiate: bool = False) -> Kind:
    """A receive task; with `message` its name is declared."""
    return Kind("receiveTask", ' instantiate="true"' if instantiate else "", f"message:{message}" if message else "")


def conditional(kind: Kind, default: str = "", **conditions: str) -> Kind:
    """Some of whose outgoing flows have conditions, by their targets."""
    return replace(kind, default=default, conditions=conditions)


def multi(
    kind: Kind = SERVICE,
    *,
    sequential: bool = False,
    cardinality: str = "",
    collection: str = "",
    item: str = "",
    outputs: str = "",
    output: str = "",
    condition: str = "",
    behavior: str = "",
    throws: Mapping[str, str] = MappingProxyType({}),
) -> Kind:
    """With a multi-instance marker; `outputs` is the collection of what is put out.

    It `throws` events when instances complete, each with its condition where the `behavior` is `Complex`.
    """
    parts = (
        ("loopCardinality", cardinality),
        ("loopDataInputRef", collection),
        ("loopDataOutputRef", outputs),
        ("inputDataItem", item),
        ("outputDataItem", output),
        ("completionCondition", condition),
    )
    inside = "".join(
        f'<{tag} id="{text}"/>' if tag.endswith("Item") else f"<{tag}>{escape(text)}</{tag}>"
        for tag, text in parts
        if text
    )
    attributes = ' isSequential="true"' if sequential else ""
    attributes += f' behavior="{behavior}"' if behavior else ""
    for event, when in throws.items():
        if behavior == "Complex":
            inside += f"<condition>{escape(when)}</condition><event>@@{event}@@</event>".join(_COMPLEX)
        else:
            attributes += f' {behavior.lower()}BehaviorEventRef="@@#{event}@@"'
    marker = f"<multiInstanceLoopCharacteristics{attributes}>{inside}</multiInstanceLoopCharacteristics>"
    return replace(kind, marker=marker)


def loop(kind: Kind = SERVICE, *, condition: str = "", maximum: int = 0, test_before: bool = False) -> Kind:
    """With a marker of a standard loop."""
    attributes = ' testBefore="true"' if test_before else ""
    attributes += f' loopMaximum="{maximum}"' if maximum else ""
    inside = f"<loopCondition>{escape(condition)}</loopCondition>" if condition else ""
    return replace(kind, marker=f"<standardLoopCharacteristics{attributes}>{inside}</standardLoopCharacteristics>")


def flow(text: str, *, process: str = "p", **kinds: Kind) -> str:
    """The BPMN XML."""
    declarations: dict[str, str] = {}
    body = _body(text, kinds, declarations, draws=_has_conditions(kinds))
    head = "".join(declarations.values())
    return (
        f'<definitions xmlns="{BPMN}" id="d">{head}'
        f'<process id="{process}" isExecutable="true">{body}</process></definitions>'
    )


def _has_conditions(kinds: Mapping[str, Kind]) -> bool:
    return any(kind.conditions or _has_conditions(kind.kinds) for kind in kinds.values())


def _body(text: str, kinds: Mapping[str, Kind], declarations: dict[str, str], *, draws: bool) -> str:
    """As soon as one flow is drawn, all of them have to be."""
    nodes: dict[str, tuple[list[str], list[str]]] = {}
    flows: list[str] = []
    drawn: list[str] = []
    for chain in text.split(";"):
        steps = [[id.strip() for id in step.split(",")] for step in chain.split("->")]
        for step in steps:
            for id in step:
                nodes.setdefault(id, ([], []))
        for sources, targets in pairwise(steps):
            for source in sources:
                for target in targets:
                    name = f"{source}_{target}"
                    flow_id = name if name not in flows else f"{name}_{len(flows)}"
                    flows.append(flow_id)
                    nodes[source][1].append(flow_id)
                    nodes[target][0].append(flow_id)
                    condition = kinds[source].conditions.get(target, "") if source in kinds else ""
                    drawn.append(_flow(flow_id, source, target, condition))
    unknown = set(kinds) - set(nodes)
    assert not unknown, f"{text!r} does not name {unknown}"
    elements = (_element(id, *ends, kinds.get(id), declarations, draws=draws) for id, ends in nodes.items())
    return "".join([*elements, *(drawn if draws else ())])


def _flow(id: str, source: str, target: str, condition: str) -> str:
    inside = f"<conditionExpression><![CDATA[{condition}]]></conditionExpression>" if condition else ""
    return f'<sequenceFlow id="{id}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'


def _element(
    id: str,
    incoming: list[str],
    outgoing: list[str],
    kind: Kind | None,
    declarations: dict[str, str],
    *,
    draws: bool,
) -> str:
    if kind is None:
        kind = Kind("startEvent") if not incoming else Kind("endEvent") if not outgoing else SERVICE
    attributes = kind.attributes + (f' default="{id}_{kind.default}"' if kind.default else "")
    content = "".join(f"<incoming>{each}</incoming>" for each in incoming)
    content += "".join(f"<outgoing>{each}</outgoing>" for each in outgoing)
    own = f' xmlns:own="urn:py-bpmn" own:correlationKey="{escape(kind.key, QUOTED)}"' if kind.key else ""
    if kind.event and kind.tag in ("receiveTask", "sendTask"):
        attributes += own
        _event(kind.event, declarations)
        attributes += f' messageRef="{kind.event.replace(":", "_")}"'
    elif kind.event:
        content += _event(kind.event, declarations, own)
    if kind.content:
        content += _body(kind.content, kind.kinds, declarations, draws=draws)
    content += re.sub(
        "@@(#?)([^@]+)@@", lambda found: _part(found[2], declarations, own, shared=bool(found[1])), kind.marker
    )
    if kind.handler:
        after = f'<association id="{id}_{kind.handler}" sourceRef="{id}" targetRef="{kind.handler}"/>'
        return f'<{kind.tag} id="{id}"{attributes}>{content}</{kind.tag}>{after}'
    return f'<{kind.tag} id="{id}"{attributes}>{content}</{kind.tag}>'


def _part(event: str, declarations: dict[str, str], key: str, *, shared: bool) -> str:
    """One of several definitions of an event, or the id of one beside the process."""
    definition = _event(event, declarations, key if event.startswith("message") else "")
    if not shared:
        return definition
    id = f"thrown_{event.replace(':', '_')}"
    declarations[id] = definition.replace(" ", f' id="{id}" ', 1)
    return id


def _event(event: str, declarations: dict[str, str], attributes: str = "") -> str:
    """`attributes` are those of the definition of a message."""
    kind, defined, value = event.partition(":")
    tag = f"{kind}EventDefinition"
    if not defined:
        return f"<{tag}/>"
    if kind == "conditional":
        return f"<{tag}><condition>{escape(value)}</condition></{tag}>"
    if kind == "link":
        return f'<{tag} name="{value}"/>'
    if kind == "timer":
        form = "timeDuration" if value[0] == "P" else "timeCycle" if value[0] == "R" or " " in value else "timeDate"
        return f"<{tag}><{form}>{value}</{form}></{tag}>"
    reference = f"{kind}_{value}"
    declarations[reference] = f'<{kind} id="{reference}" {_NAMES[kind]}="{value}"/>'
    return f'<{tag} {kind}Ref="{reference}"{attributes}/>'


def graph(text: str, *, process_id: int = 1, evaluates: bool = False, **kinds: Kind) -> Graph:
    """The compiled process, deployed as version 1; with `evaluates` the engine evaluates its expressions."""
    model = find_process(parse(flow(text, process="p", **kinds), evaluates=evaluates), "p")
    assert model.causes == [], model.causes
    definitions, causes = bpmn.resolve(model, errors={}, escalations={}, messages={}, signals={}, timers={})
    assert causes == []
    parts = {
        element.id: {place: part.definition for place, part in enumerate(element.parts) if part.definition is not None}
        for element in model.elements()
    }
    ids = {element.id: process_id * 100 + number for number, element in enumerate(model.elements(), 1)}
    return compile_graph(
        model,
        process_id=process_id,
        version="1",
        element_ids=ids,
        definitions=Definitions(definitions, parts),
        equip=equip,
        evaluates=evaluates,
    )
