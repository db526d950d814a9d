"""Causes at elements and flows, and how many of them are told."""

from __future__ import annotations

from collections.abc import Iterable

from app.bpmn.model import MAX_ID_LENGTH, Element, SequenceFlow
from app.errors import Cause

MAX_CAUSES = 1000
MAX_TEXT = 1_000_000
"""Characters of all causes. More don't help anyone and could make an answer larger than the request by orders of
magnitude: pointers are long where sub-processes are deep.
"""


def bounded(causes: Iterable[Cause]) -> list[Cause]:
    """The first causes: at most `MAX_CAUSES`, with about `MAX_TEXT` characters."""
    found: list[Cause] = []
    left = MAX_TEXT
    for cause in causes:
        found.append(cause)
        left -= len(cause.pointer) + len(cause.detail)
        if len(found) == MAX_CAUSES or left < 0:
            break
    return found


def at(element: Element, detail: str) -> Cause:
    return Cause(element.pointer, "element", f"{detail} (line {element.line})", "", *element.place)


def at_flow(flow: SequenceFlow, what: str) -> Cause:
    detail = f"sequence flow {flow.id[:MAX_ID_LENGTH]} {what} (line {flow.line})"
    return Cause(flow.pointer, "sequence_flow", detail, "", *flow.place)
