"""A BPMN file with everything that a diagram may show, on a grid."""

from __future__ import annotations

from html import escape

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
    ' xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
    ' xmlns:di="http://www.omg.org/spec/DD/20100524/DI" id="defs" targetNamespace="urn:everything">\n'
)
TASKS = ["task", "userTask", "serviceTask", "scriptTask", "sendTask", "receiveTask", "manualTask", "businessRuleTask"]
CAUGHT = ["", "message", "timer", "error", "escalation", "cancel", "compensate", "conditional", "signal"]
THROWN = ["", "message", "escalation", "compensate", "link", "signal"]
ENDED = ["", "message", "error", "escalation", "cancel", "compensate", "signal", "terminate"]
GATEWAYS = ["exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway"]
LOOPS = [
    "<bpmn:standardLoopCharacteristics/>",
    "<bpmn:multiInstanceLoopCharacteristics/>",
    '<bpmn:multiInstanceLoopCharacteristics isSequential="true"/>',
]
NAME = "Check that all of it is there"


class Grid:
    """Elements, and shapes for them in rows."""

    def __init__(self) -> None:
        self.elements: list[str] = []
        self.shapes: list[str] = []
        self.ids: list[str] = []
        self.y = 140
        self._x = 200
        self._row = 0

    def add(
        self,
        tag: str,
        inner: str = "",
        *,
        name: str = NAME,
        size=(100, 80),
        attributes: str = "",
        drawn: str = "",
        gap=40,
    ) -> str:
        id = f"{tag}_{len(self.ids)}"
        named = f' name="{escape(name, quote=True)}"' if name and tag != "textAnnotation" else ""
        self.elements.append(f'<bpmn:{tag} id="{id}"{named} {attributes}>{inner}</bpmn:{tag}>')
        self.place(id, Box(self._x, self.y, *size), drawn)
        self._x += size[0] + gap
        self._row = max(self._row, size[1])
        return id

    def place(self, id: str, box: Box, drawn: str = "", label: Box | None = None) -> None:
        self.ids.append(id)
        inner = bounds(box) + (f"<bpmndi:BPMNLabel>{bounds(label)}</bpmndi:BPMNLabel>" if label else "")
        shape = f'<bpmndi:BPMNShape id="{id}_di" bpmnElement="{id}" {drawn}>'
        self.shapes.append(f"{shape}{inner}</bpmndi:BPMNShape>")

    def connect(
        self, tag: str, id: str, points, inner: str = "", *, name: str = "", attributes: str = "", drawn: str = ""
    ):
        self.ids.append(id)
        named = f' name="{escape(name, quote=True)}"' if name else ""
        self.elements.append(f'<bpmn:{tag} id="{id}"{named} {attributes}>{inner}</bpmn:{tag}>')
        way = "".join(f'<di:waypoint x="{x}" y="{y}"/>' for x, y in points)
        self.shapes.append(f'<bpmndi:BPMNEdge id="{id}_di" bpmnElement="{id}" {drawn}>{way}</bpmndi:BPMNEdge>')

    def next_row(self, gap: int = 60) -> None:
        self.y += self._row + gap
        self._x, self._row = 200, 0


class Box(tuple):
    def __new__(cls, *numbers):
        return super().__new__(cls, numbers)


def bounds(box) -> str:
    x, y, width, height = box
    return f'<dc:Bounds x="{x}" y="{y}" width="{width}" height="{height}"/>'


def definition(kind: str) -> str:
    return f"<bpmn:{kind}EventDefinition/>" if kind else ""


def everything() -> tuple[str, list[str]]:
    """The file, and the ids of all that it draws."""
    grid = Grid()
    for tag in TASKS:
        grid.add(tag)
    grid.next_row()
    for loop in LOOPS:
        grid.add("serviceTask", loop)
    grid.add("task", "<bpmn:multiInstanceLoopCharacteristics/>", attributes='isForCompensation="true"')
    grid.add("receiveTask", attributes='instantiate="true"')
    grid.add("callActivity", attributes='calledElement="other"')
    for tag in ("subProcess", "adHocSubProcess", "transaction"):
        grid.add(tag, drawn='isExpanded="false"', size=(100, 80))
    grid.next_row()
    event = {"size": (36, 36), "gap": 74}
    for kind in CAUGHT:
        grid.add("startEvent", definition(kind), name=kind or "Start", **event)
    grid.add("startEvent", definition("message"), attributes='isInterrupting="false"', **event)
    grid.add("startEvent", definition("message") + definition("signal"), name="Several", **event)
    grid.next_row()
    for kind in [*CAUGHT[1:], "link"]:
        grid.add("intermediateCatchEvent", definition(kind), name=kind, **event)
    several = definition("message") + definition("timer")
    grid.add("intermediateCatchEvent", several, attributes='parallelMultiple="true"', name="All of them", **event)
    grid.next_row()
    for kind in THROWN:
        grid.add("intermediateThrowEvent", definition(kind), name=kind, **event)
    grid.add("intermediateThrowEvent", definition("message") + definition("signal"), name="Several", **event)
    grid.next_row()
    for kind in ENDED:
        grid.add("endEvent", definition(kind), name=kind or "End", **event)
    grid.next_row()
    gateway = {"size": (50, 50), "gap": 60}
    for tag in GATEWAYS:
        grid.add(tag, name="Which way?", **gateway)
    grid.add("exclusiveGateway", drawn='isMarkerVisible="false"', name="No marker", **gateway)
    grid.add("eventBasedGateway", attributes='instantiate="true"', name="Starts", **gateway)
    parallel = 'instantiate="true" eventGatewayType="Parallel"'
    grid.add("eventBasedGateway", attributes=parallel, name="Starts with all", **gateway)
    grid.next_row()
    page = {"size": (36, 50), "gap": 74}
    for tag in ("dataObject", "dataInput", "dataOutput"):
        grid.add(tag, name="Order", **page)
    grid.add(
        "dataObjectReference", '<bpmn:dataState name="paid"/>', attributes='dataObjectRef="many"', name="Orders", **page
    )
    grid.elements.append('<bpmn:dataObject id="many" isCollection="true"/>')
    grid.add("dataStoreReference", name="Warehouse", size=(50, 50), gap=60)
    grid.add("message", name="Letter", size=(36, 24), gap=74)
    annotation = "<bpmn:text>Whoever reads this knows what it is about &amp; why</bpmn:text>"
    note = grid.add("textAnnotation", annotation, size=(140, 50), name="")
    group = grid.add("group", name="", size=(140, 60), attributes='categoryValueRef="value"')
    grid.elements.append(
        '<bpmn:category id="cat"><bpmn:categoryValue id="value" value="Belongs together"/></bpmn:category>'
    )
    grid.next_row(70)
    _conversations(grid)
    _frames(grid)
    _hosts(grid)
    _flows(grid, note, group)
    return _file(grid), grid.ids


def _conversations(grid: Grid) -> None:
    for tag in ("conversation", "subConversation", "callConversation"):
        grid.add(tag, name=tag, size=(60, 50), gap=60)
    x, y = grid._x, grid.y
    grid.connect("conversationLink", "link", [(x, y + 25), (x + 80, y + 25)])
    grid._x += 160
    for tag in ("choreographyTask", "callChoreography"):
        task = grid.add(tag, name="Agree", size=(120, 120), attributes='loopType="Standard"')
        x = grid._x - 160
        for kind, seen, top in (("top_initiating", "true", 0), ("bottom_non_initiating", "false", 100)):
            id = f"{task}_{kind}"
            grid.elements.append(f'<bpmn:participant id="{id}" name="{kind[:6]}"/>')
            grid.place(id, Box(x, y + top, 120, 20), f'participantBandKind="{kind}" isMessageVisible="{seen}"')
    grid.next_row()


def _frames(grid: Grid) -> None:
    for tag, attributes in (("subProcess", ""), ("subProcess", 'triggeredByEvent="true"'), ("transaction", "")):
        grid.add(tag, attributes=attributes, drawn='isExpanded="true"', size=(240, 120))
    grid.add("adHocSubProcess", drawn='isExpanded="true"', size=(240, 120))
    grid.next_row()


def _hosts(grid: Grid) -> None:
    for interrupts in ("true", "false"):
        host = grid.add("userTask", name="Wait", size=(200, 80))
        x, y = grid._x - 240, grid.y
        for number, kind in enumerate(["message", "timer", "escalation", "signal", "conditional"]):
            id = f"boundary_{interrupts}_{kind}"
            attributes = f'id="{id}" name="{kind}" attachedToRef="{host}" cancelActivity="{interrupts}"'
            grid.elements.append(f"<bpmn:boundaryEvent {attributes}>{definition(kind)}</bpmn:boundaryEvent>")
            grid.place(id, Box(x + 4 + number * 40, y + 62, 36, 36))
    host = grid.add("task", name="Book", size=(200, 80))
    for number, kind in enumerate(["error", "cancel", "compensate"]):
        id = f"boundary_{kind}"
        attributes = f'id="{id}" attachedToRef="{host}"'
        grid.elements.append(f"<bpmn:boundaryEvent {attributes}>{definition(kind)}</bpmn:boundaryEvent>")
        grid.place(id, Box(grid._x - 240 + 10 + number * 60, grid.y + 62, 36, 36))
    grid.next_row(90)


def _flows(grid: Grid, note: str, group: str) -> None:
    a = grid.add("task", name="A", gap=240)
    b = grid.add("task", name="B", gap=240, attributes='default="flow_default"')
    c = grid.add("task", name="C")
    y = grid.y
    ends = f'sourceRef="{a}" targetRef="{b}"'
    condition = "<bpmn:conditionExpression>x</bpmn:conditionExpression>"
    grid.connect("sequenceFlow", "flow_plain", [(300, y + 15), (540, y + 15)], name="plain", attributes=ends)
    way = [(300, y + 65), (420, y + 65), (420, y + 50), (540, y + 50)]
    grid.connect("sequenceFlow", "flow_condition", way, condition, name="if it is so", attributes=ends)
    ends = f'sourceRef="{b}" targetRef="{c}"'
    grid.connect("sequenceFlow", "flow_default", [(640, y + 20), (880, y + 20)], name="else", attributes=ends)
    for number, direction in enumerate(["None", "One", "Both"]):
        attributes = f'sourceRef="{c}" targetRef="{note}" associationDirection="{direction}"'
        way = [(980, y + 10 + number * 25), (1080, y + 10 + number * 25)]
        grid.connect("association", f"association_{direction}", way, attributes=attributes)
    for number, tag in enumerate(["dataInputAssociation", "dataOutputAssociation"]):
        way = [(690, y + 45 + number * 20), (860, y + 45 + number * 20)]
        grid.connect(tag, f"data_{number}", way)
    grid.next_row(80)


def _file(grid: Grid) -> str:
    height = grid.y + 40
    lanes = [("lane_upper", "Sales", 100, height - 300), ("lane_lower", "Warehouse & Co.", height - 200, 160)]
    collaboration = (
        '<bpmn:collaboration id="collab"><bpmn:participant id="pool" name="Shop" processRef="p"/>'
        '<bpmn:participant id="closed" name="Customer"/><bpmn:participant id="upright" name="Bank" processRef="q"/>'
        '<bpmn:messageFlow id="message_flow" name="order" sourceRef="closed" targetRef="pool"/>'
        '<bpmn:messageFlow id="message_seen" sourceRef="closed" targetRef="pool"/></bpmn:collaboration>'
    )
    shapes = list(grid.shapes)
    grid.shapes.clear()
    grid.place("closed", Box(120, -60, 900, 90))
    grid.place("pool", Box(120, 100, 1400, height - 140), 'isHorizontal="true"')
    grid.place("upright", Box(1560, 100, 200, 500), 'isHorizontal="false"')
    for id, _, y, lane_height in lanes:
        grid.place(id, Box(150, y, 1370, lane_height), 'isHorizontal="true"')
    way = '<di:waypoint x="{0}" y="30"/><di:waypoint x="{0}" y="100"/>'
    for id, x, seen in (("message_flow", 400, ""), ("message_seen", 600, 'messageVisibleKind="initiating"')):
        grid.ids.append(id)
        points = way.format(x)
        grid.shapes.append(f'<bpmndi:BPMNEdge id="{id}_di" bpmnElement="{id}" {seen}>{points}</bpmndi:BPMNEdge>')
    lane_set = "".join(f'<bpmn:lane id="{id}" name="{escape(name)}"/>' for id, name, *_ in lanes)
    return (
        f'{HEAD}{collaboration}<bpmn:process id="p"><bpmn:laneSet id="set">{lane_set}</bpmn:laneSet>'
        f'{"".join(grid.elements)}</bpmn:process><bpmn:process id="q"/>'
        f'<bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="collab">'
        f"{''.join(grid.shapes)}{''.join(shapes)}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>"
    )
