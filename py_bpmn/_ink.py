"""Pieces of SVG: boxes, paths, circles, and lines of text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from py_bpmn._diagram import Box, Point
from py_bpmn._text import LINE, width, wrap

FONT, LABEL_FONT = 12.0, 11.0
"""Sizes of texts in shapes, and beside them."""


def n(number: float) -> str:
    """A number as SVG has it."""
    return f"{number:.1f}".removesuffix(".0")


def rect(box: Box, kind: str, radius: float = 0, inset: float = 0) -> str:
    round_ = f' rx="{n(max(radius - inset, 0))}"' if radius else ""
    x, y = n(box.x + inset), n(box.y + inset)
    w, h = n(max(box.width - 2 * inset, 0)), n(max(box.height - 2 * inset, 0))
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{w}" height="{h}"{round_}/>'


def path(d: str, kind: str) -> str:
    return f'<path class="{kind}" d="{d}"/>'


def circle(at: Point, radius: float, kind: str) -> str:
    return f'<circle class="{kind}" cx="{n(at.x)}" cy="{n(at.y)}" r="{n(max(radius, 0))}"/>'


def icon(inner: str, at: Point, scale: float = 1.0) -> str:
    if not inner:
        return ""
    size = f" scale({scale:.2f})" if abs(scale - 1) > 0.02 else ""
    return f'<g transform="translate({n(at.x)} {n(at.y)}){size}">{inner}</g>'


@dataclass(slots=True, eq=False)
class Text:
    """Lines around a point: each is centered at it, or begins there."""

    lines: list[str]
    x: float
    y: float
    """Of the top of the first line."""
    size: float
    kind: str = ""
    centered: bool = True
    turned: bool = False
    """From the bottom to the top, around the point."""
    corners: tuple[Point, Point] = field(init=False)

    def __post_init__(self) -> None:
        wide = max((width(line, self.size) for line in self.lines), default=0.0) + 2
        high = len(self.lines) * self.size * LINE
        left = self.x - wide / 2 if self.centered else self.x
        if self.turned:
            self.corners = Point(self.x, self.y), Point(self.x, self.y)
        else:
            self.corners = Point(left, self.y), Point(left + wide, self.y + high)

    @classmethod
    def in_box(cls, text: str, box: Box, size: float, kind: str = "", *, top: bool = False) -> Text:
        """Centered in the box, or at its top."""
        lines = wrap(text, size, box.width, int(max(box.height, 0) / (size * LINE)))
        high = len(lines) * size * LINE
        y = box.y if top else box.middle.y - high / 2
        return cls(lines, box.middle.x, y, size, kind)

    def draw(self) -> str:
        kind = f' class="{self.kind}"' if self.kind else ""
        anchor = ' text-anchor="middle"' if self.centered else ""
        turn = f' transform="rotate(-90 {n(self.x)} {n(self.y)})"' if self.turned else ""
        first = self.y + self.size * 0.98
        spans = "".join(
            f'<tspan x="{n(self.x)}" y="{n(first + number * self.size * LINE)}">{escape(line)}</tspan>'
            for number, line in enumerate(self.lines)
        )
        return f"<text{kind}{anchor}{turn}>{spans}</text>" if self.lines else ""
