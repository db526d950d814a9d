"""What is drawn in tasks, events, gateways and at the foot of activities: pieces of SVG around the point 0, 0.

The classes are those of `svg`: `line` is an outline, `full` is filled with ink, `gap` is a line on what is filled.
"""

from __future__ import annotations

from math import cos, pi, sin


def _path(d: str, kind: str = "line") -> str:
    return f'<path class="{kind}" d="{d}"/>'


def _circle(x: float, y: float, r: float, kind: str = "line") -> str:
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="{r:g}"/>'


def _polygon(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "z"


def _gear(x: float, y: float, outer: float, teeth: int = 8) -> str:
    inner, step = outer * 0.74, 2 * pi / teeth
    points = []
    for tooth in range(teeth):
        for share, radius in ((-0.3, inner), (-0.17, outer), (0.17, outer), (0.3, inner)):
            angle = (tooth + share) * step
            points.append((x + radius * cos(angle), y + radius * sin(angle)))
    return _path(_polygon(points), "line paper") + _circle(x, y, outer * 0.36)


def _star(points: int, outer: float) -> list[tuple[float, float]]:
    return [(outer * sin(2 * pi * n / points), -outer * cos(2 * pi * n / points)) for n in range(points)]


def _ticks() -> str:
    angles = [n * pi / 6 for n in range(12)]
    return "".join(f"M{7.6 * sin(a):.1f} {-7.6 * cos(a):.1f}L{9.6 * sin(a):.1f} {-9.6 * cos(a):.1f}" for a in angles)


_ENVELOPE = "M-8.5-5.8h17v11.6h-17z"
_FLAP = "M-8.5-5.8L0 1 8.5-5.8"

TASKS = {
    "businessRuleTask": _path("M-7.5-5.5h15v3.5h-15z", "full")
    + _path("M-7.5-5.5h15v11h-15zM-7.5-2h15M-7.5 1.8h15M-3-2v7.5"),
    "manualTask": _path(
        "M-8 .2c2-2 4-5.4 5.5-5.4 1 0 1.1 1 .4 1.9l-1 1.4h7.9c1.4 0 1.4 2 0 2H.6h5.4c1.5 0 1.5 2 0 2H.6h4.5"
        "c1.4 0 1.4 1.9 0 1.9H.6h3.4c1.3 0 1.3 1.7 0 1.7h-6.4c-3.2 0-5.6-1.4-5.6-3.4z"
    ),
    "receiveTask": f'<g transform="scale(.88)">{_path(_ENVELOPE)}{_path(_FLAP)}</g>',
    "scriptTask": _path("M-3.5-7.5h10c-2.6 2.5-2.9 4.4-.9 7.4s1.5 5.1-1.1 7.6h-10c2.6-2.5 3-4.6 1-7.6s-1.6-4.9 1-7.4z")
    + _path("M-2.6-4.4h5.6M-2.2-1.2h5.4M-.4 2h5M-.8 5h4.6"),
    "sendTask": f'<g transform="scale(.88)">{_path(_ENVELOPE, "full")}{_path(_FLAP, "gap")}</g>',
    "serviceTask": _gear(-2, -2, 5.8) + _gear(4.2, 4.2, 4.4),
    "userTask": _path("M-6.5 7.5v-1.6c0-3.4 2.6-5.4 6.5-5.4s6.5 2 6.5 5.4v1.6z") + _circle(0, -3.4, 3.6, "line paper"),
}
"""By tag, 18 wide and high."""

_SHAPES = {
    "cancel": "M-8.2-5.6L-5.6-8.2 0-2.6 5.6-8.2 8.2-5.6 2.6 0 8.2 5.6 5.6 8.2 0 2.6-5.6 8.2-8.2 5.6-2.6 0z",
    "compensate": "M-9.5 0L-1-6.3v12.6zM-1 0l8.5-6.3v12.6z",
    "error": "M-8.5 8L-3.4-6.2 1.6.6 8.5-8 3.6 6.4-1.9-.6z",
    "escalation": "M0-9.2L6.6 8.2 0 2-6.6 8.2z",
    "link": "M-9-3.2h9.5v-4.6L9.6 0 .5 7.8V3.2H-9z",
    "multiple": _polygon(_star(5, 9)),
    "parallelMultiple": "M-2.4-8.8h4.8v6.4h6.4v4.8H2.4v6.4h-4.8V2.4h-6.4v-4.8h6.4z",
    "signal": "M0-8.6L8.6 6.3H-8.6z",
}


def event(kind: str, *, throws: bool) -> str:
    """Of an event definition; `kind` is its tag without the end. 20 wide and high; empty for what is unknown."""
    if kind == "message":
        return _path(_ENVELOPE, "full") + _path(_FLAP, "gap") if throws else _path(_ENVELOPE) + _path(_FLAP)
    if kind == "timer":
        return _circle(0, 0, 9.6) + _path(_ticks()) + _path("M0-6.2V0l4 2.2")
    if kind == "conditional":
        return _path("M-6.2-8.4h12.4v16.8h-12.4z") + _path("M-3.8-5h7.6M-3.8-1.7h7.6M-3.8 1.7h7.6M-3.8 5h7.6")
    if kind == "terminate":
        return _circle(0, 0, 10.5, "full")
    shape = _SHAPES.get(kind, "")
    return _path(shape, "full" if throws else "line") if shape else ""


GATEWAYS = {
    "complexGateway": _path("M0-11V11M-11 0H11M-7.8-7.8L7.8 7.8M-7.8 7.8L7.8-7.8", "bold"),
    "exclusiveGateway": _path("M-6.5-8.5L6.5 8.5M6.5-8.5L-6.5 8.5", "bold"),
    "inclusiveGateway": _circle(0, 0, 10.5, "bold"),
    "parallelGateway": _path("M0-11.5V11.5M-11.5 0H11.5", "bold"),
}
"""By tag, for a gateway 50 wide and high."""


def event_gateway(kind: str, *, instantiates: bool) -> str:
    """Of an event-based gateway that is `Exclusive` or `Parallel`."""
    rings = _circle(0, 0, 12.5) + ("" if instantiates else _circle(0, 0, 10.2))
    plus = "M-1.6-6.4h3.2v4.8h4.8v3.2H1.6v4.8h-3.2V1.6h-4.8v-3.2h4.8z"
    return rings + _path(plus if kind == "Parallel" else _polygon(_star(5, 6.6)))


MARKERS = {
    "loop": _path("M-2.6 5.2A5.8 5.8 0 1 1 1.9 5.4M-5.9 5.6h3.5V2.1"),
    "parallel": _path("M-4.4-6V6M0-6V6M4.4-6V6", "bold"),
    "sequential": _path("M-6-4.4H6M-6 0H6M-6 4.4H6", "bold"),
    "compensation": _path("M-7 0L-.5-5v10zM-.5 0L6-5v10z"),
    "adHoc": _path("M-6.5 1.6c2.1-4.6 4.4-3.4 6.5-1.3s4.4 3.3 6.5-1.6", "bold"),
    "collapsed": _path("M-7-7h14v14h-14zM0-4.2v8.4M-4.2 0h8.4"),
}
"""At the foot of an activity, 14 wide and high."""
