"""How each kind of element looks, and where its name is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from py_bpmn import _icons
from py_bpmn._diagram import CONVERSATIONS, DATA, EVENTS, POOLS, SUB_PROCESSES, Box, File, Point, Shape, name_of
from py_bpmn._ink import FONT, LABEL_FONT, Text, circle, icon, n, path, rect
from py_bpmn._text import LINE, width, wrap
from py_bpmn._xml import Node

ROOM = 90.0
"""For a line of a label beside a shape."""
_BAND = 30.0
"""Where pools and lanes have their names."""


def figure(shape: Shape, file: File) -> Iterable[str]:
    tag = shape.node.tag
    if shape.is_band:
        return _band(shape)
    if tag in POOLS:
        return _pool(shape)
    if tag in EVENTS:
        return _event(shape, file)
    if tag.endswith("Gateway"):
        return _gateway(shape)
    if tag in DATA:
        return _data(shape, file)
    if tag in CONVERSATIONS:
        return _conversation(shape)
    other = {
        "dataStore": _data_store,
        "dataStoreReference": _data_store,
        "group": _frame,
        "message": _message,
        "textAnnotation": _annotation,
    }.get(tag, _activity)
    return other(shape)


def _activity(shape: Shape) -> Iterator[str]:
    node, box, tag = shape.node, shape.box, shape.node.tag
    is_sub = tag in SUB_PROCESSES
    is_open = is_sub and shape.is_expanded
    kinds = ["shape"]
    if is_open:
        kinds.append("frame")
    if tag in ("callActivity", "callChoreography"):
        kinds.append("thick")
    if node.is_true("triggeredByEvent"):
        kinds.append("dotted")
    yield rect(box, " ".join(kinds), 10)
    if tag == "transaction":
        yield rect(box, "line", 10, 3)
    symbol = _icons.TASKS.get(tag, "")
    symbol_foot = 24.0
    if tag == "receiveTask" and node.is_true("instantiate"):
        symbol_foot = 29.0
        yield circle(Point(box.x + 16, box.y + 16), 10.5, "line")
        yield icon(symbol, Point(box.x + 16, box.y + 16), 0.72)
    else:
        yield icon(symbol, Point(box.x + 15, box.y + 14))
    markers = list(_markers(shape, is_open))
    # The lower participant has its band there.
    bottom = box.y + box.height - (33 if "horeography" in tag else 11)
    for number, marker in enumerate(markers):
        x = box.middle.x + (number - (len(markers) - 1) / 2) * 18
        yield icon(_icons.MARKERS[marker], Point(x, bottom))
    name = name_of(node)
    if not name:
        return
    if is_open:
        room = Box(box.x + 10, box.y + 7, box.width - 20, min(2.2 * FONT * LINE, box.height))
        yield Text.in_box(name, room, FONT, top=True).draw()
        return
    foot = 20.0 if markers else 4.0
    room = Box(box.x + 6, box.y + 4, box.width - 12, box.height - 4 - foot)
    text = Text.in_box(name, room, FONT)
    if symbol and text.y < box.y + symbol_foot - 1:
        # Beside the symbol there is no room for a line of full width.
        lower = Box(room.x, box.y + symbol_foot, room.width, room.y + room.height - box.y - symbol_foot)
        again = Text.in_box(name, lower, FONT)
        text = again if len(again.lines) >= len(text.lines) or lower.height > 40 else text
    yield text.draw()


def _markers(shape: Shape, is_open: bool) -> Iterator[str]:
    node = shape.node
    for child in node.children:
        if child.tag == "standardLoopCharacteristics":
            yield "loop"
        elif child.tag == "multiInstanceLoopCharacteristics":
            yield "sequential" if child.is_true("isSequential") else "parallel"
    loop = {"Standard": "loop", "MultiInstanceSequential": "sequential", "MultiInstanceParallel": "parallel"}
    if node.get("loopType") in loop:
        yield loop[node.get("loopType")]
    if node.is_true("isForCompensation"):
        yield "compensation"
    if (node.tag in SUB_PROCESSES and not is_open) or node.tag in ("callActivity", "callChoreography"):
        yield "collapsed"
    if node.tag == "adHocSubProcess":
        yield "adHoc"


def _event(shape: Shape, file: File) -> Iterator[str]:
    node, tag, at = shape.node, shape.node.tag, shape.box.middle
    radius = min(shape.box.width, shape.box.height) / 2
    dashed = node.is_false("cancelActivity") or (tag == "startEvent" and node.is_false("isInterrupting"))
    kind = "shape" + (" dashed" if dashed else "") + (" thick" if tag == "endEvent" else "")
    yield circle(at, radius, kind)
    if tag not in ("startEvent", "endEvent"):
        yield circle(at, radius - 3, "line dashed" if dashed else "line")
    throws = tag in ("endEvent", "intermediateThrowEvent", "implicitThrowEvent")
    yield icon(_icons.event(_definition(node, file), throws=throws), at, radius / 18)


def _definition(node: Node, file: File) -> str:
    """The kind of an event, as icons are named; empty without a definition."""
    kinds = [
        child.tag.removesuffix("EventDefinition") for child in node.children if child.tag.endswith("EventDefinition")
    ]
    for child in node.children:
        if child.tag == "eventDefinitionRef":
            found = file.find(child.text.strip())
            kinds.append(found.tag.removesuffix("EventDefinition") if found else "")
    if len(kinds) > 1:
        return "parallelMultiple" if node.is_true("parallelMultiple") else "multiple"
    return kinds[0] if kinds else ""


def _gateway(shape: Shape) -> Iterator[str]:
    box, tag = shape.box, shape.node.tag
    x, y = box.middle
    corners = f"M{n(x)} {n(box.y)}L{n(box.x + box.width)} {n(y)}L{n(x)} {n(box.y + box.height)}L{n(box.x)} {n(y)}z"
    yield path(corners, "shape")
    scale = min(box.width, box.height) / 50
    if tag == "eventBasedGateway":
        instantiates = shape.node.is_true("instantiate")
        inner = _icons.event_gateway(shape.node.get("eventGatewayType"), instantiates=instantiates)
        yield icon(inner, box.middle, scale)
    elif not (tag == "exclusiveGateway" and shape.drawn.is_false("isMarkerVisible")):
        yield icon(_icons.GATEWAYS.get(tag, ""), box.middle, scale)


def _pool(shape: Shape) -> Iterator[str]:
    box, name = shape.box, name_of(shape.node)
    is_lane = shape.node.tag == "lane"
    yield rect(box, "shape frame none" if is_lane else "shape frame")
    is_closed = not is_lane and not shape.node.get("processRef")
    if is_closed:
        yield Text.in_box(name, Box(box.x + 6, box.y + 4, box.width - 12, box.height - 8), FONT).draw()
        return
    if shape.drawn.is_false("isHorizontal"):
        if not is_lane:
            yield path(f"M{n(box.x)} {n(box.y + _BAND)}h{n(box.width)}", "line")
        yield Text.in_box(name, Box(box.x + 4, box.y, box.width - 8, _BAND), FONT).draw()
        return
    if not is_lane:
        yield path(f"M{n(box.x + _BAND)} {n(box.y)}v{n(box.height)}", "line")
    lines = wrap(name, FONT, max(box.height - 8, 0), 2 if len(name) > 4 else 1)
    middle = box.y + box.height / 2
    text = Text(lines, box.x + _BAND / 2, middle - len(lines) * FONT * LINE / 2, FONT)
    turn = f"rotate(-90 {n(box.x + _BAND / 2)} {n(middle)})"
    yield f'<g transform="{turn}">{text.draw()}</g>'


def _band(shape: Shape) -> Iterator[str]:
    """A participant of a choreography task; those that don't begin are shaded."""
    kind = shape.drawn.get("participantBandKind")
    begins = "non_initiating" not in kind
    x, y, w, h = shape.box
    top, bottom = ((10.0 if kind.startswith(side) else 0.0) for side in ("top", "bottom"))
    upper, lower = n(top), n(bottom)
    head = f"M{n(x)} {n(y + top)}q0 -{upper} {upper} -{upper}h{n(w - 2 * top)}q{upper} 0 {upper} {upper}"
    foot = f"v{n(h - top - bottom)}q0 {lower} -{lower} {lower}h{n(2 * bottom - w)}q-{lower} 0 -{lower} -{lower}z"
    yield path(head + foot, "shape" if begins else "shape shaded")
    room = Box(shape.box.x + 4, shape.box.y, shape.box.width - 8, shape.box.height)
    yield Text.in_box(name_of(shape.node), room, LABEL_FONT).draw()
    if shape.drawn.is_true("isMessageVisible"):
        beside = y - 16 if kind.startswith("top") else y + h + 16
        yield icon(_icons.event("message", throws=not begins), Point(shape.box.middle.x, beside))


def _data(shape: Shape, file: File) -> Iterator[str]:
    x, y, w, h = shape.box
    fold = min(w, h) * 0.3
    page = f"M{n(x)} {n(y)}h{n(w - fold)}l{n(fold)} {n(fold)}v{n(h - fold)}h{n(-w)}z"
    yield path(page, "shape")
    yield path(f"M{n(x + w - fold)} {n(y)}v{n(fold)}h{n(fold)}", "line")
    tag = shape.node.tag
    if tag in ("dataInput", "dataOutput"):
        arrow = _icons.event("link", throws=tag == "dataOutput")
        yield icon(arrow, Point(x + 11, y + 11), 0.7)
    object_ = file.find(shape.node.get("dataObjectRef")) or shape.node
    if object_.is_true("isCollection") or shape.node.is_true("isCollection"):
        yield icon(_icons.MARKERS["parallel"], Point(x + w / 2, y + h - 9))


def _data_store(shape: Shape) -> Iterator[str]:
    x, y, w, h = shape.box
    r = h * 0.13
    arc = f"a{n(w / 2)} {n(r)} 0 0 "
    yield path(f"M{n(x)} {n(y + r)}{arc}1 {n(w)} 0v{n(h - 2 * r)}{arc}1 {n(-w)} 0z", "shape")
    for number in range(3):
        yield path(f"M{n(x)} {n(y + r + number * r * 0.75)}{arc}0 {n(w)} 0", "line")


def _conversation(shape: Shape) -> Iterator[str]:
    x, y, w, h = shape.box
    side, middle = w / 4, y + h / 2
    corners = f"M{n(x)} {n(middle)}l{n(side)} {n(-h / 2)}h{n(w - 2 * side)}l{n(side)} {n(h / 2)}"
    kind = "shape thick" if shape.node.tag == "callConversation" else "shape"
    yield path(f"{corners}l{n(-side)} {n(h / 2)}h{n(2 * side - w)}z", kind)
    if shape.node.tag == "subConversation":
        yield icon(_icons.MARKERS["collapsed"], Point(x + w / 2, y + h - 10))


def _message(shape: Shape) -> Iterator[str]:
    x, y, w, h = shape.box
    yield rect(shape.box, "shape")
    yield path(f"M{n(x)} {n(y)}l{n(w / 2)} {n(h * 0.58)}l{n(w / 2)} {n(-h * 0.58)}", "line")


def _frame(shape: Shape) -> Iterator[str]:
    yield rect(shape.box, "shape group none", 10)


def _annotation(shape: Shape) -> Iterator[str]:
    x, y, w, h = shape.box
    yield rect(shape.box, "shape none blank")
    yield path(f"M{n(x + 10)} {n(y)}h-10v{n(h)}h10", "thin")
    lines = wrap(name_of(shape.node), FONT, max(w - 10, 30), int(max(h, 16) / (FONT * LINE) + 0.4))
    yield Text(lines, x + 7, y + max(4.0, (h - len(lines) * FONT * LINE) / 2), FONT, centered=False).draw()


def shape_label(shape: Shape, name: str, room: float) -> Text:
    """Below, or where the file wants it."""
    box = shape.label
    if box is not None and box.width > 0:
        # Other programs have other fonts: a text is not cut because its box was made for theirs.
        lines = wrap(name, LABEL_FONT, max(box.width + 6, 60.0), 6)
        return Text(lines, box.middle.x, box.y, LABEL_FONT, "label")
    if room >= ROOM:
        # A word that is a little longer stays whole.
        room = max(room, min(max(width(word, LABEL_FONT) for word in name.split()), 1.4 * room))
    lines = wrap(name, LABEL_FONT, room, 4)
    return Text(lines, shape.box.middle.x, shape.box.y + shape.box.height + 4, LABEL_FONT, "label")
