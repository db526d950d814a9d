"""Tests of processes: the fixture `bpmn` of the pytest plugin, and the types of what it gives.

def test_order_is_paid_and_shipped(bpmn: Bpmn) -> None:
    bpmn.use(order)
    story = bpmn.start("order", amount=20)
    story.waits_at("charge-card").runs()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from py_bpmn.testing.clock import Clock
    from py_bpmn.testing.kit import Bpmn
    from py_bpmn.testing.story import At, Called, Story

_HOME_OF = {"At": "story", "Bpmn": "kit", "Called": "story", "Clock": "clock", "Story": "story"}

__all__ = ["At", "Bpmn", "Called", "Clock", "Story"]


def __getattr__(name: str) -> Any:
    """Loads what is asked for when it is: pytest loads the plugin in every run."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"py_bpmn.testing.{home}"), name)
