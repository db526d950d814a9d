"""Where a walk can be: elements at which something is waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from py_bpmn.testing.story import At, Called, Story
from py_bpmn.testing.stub import STUB

if TYPE_CHECKING:
    from py_bpmn._operations import Waiting, WaitingEvent

ASKS: Mapping[str, str] = {
    "CALL_PROCESS": "call",
    "EVALUATE_EXCLUSIVE_GATEWAY": "decide",
    "EVALUATE_INCLUSIVE_GATEWAY": "decide",
    "EXECUTE": "complete",
    "PASS_VARIABLES": "complete",
    "SET_ERROR_CODE": "code",
    "SET_ESCALATION_CODE": "code",
    "SET_MESSAGE_CORRELATION_KEY": "key",
    "SET_SIGNAL_NAME": "name",
    "SET_TIMER": "timer",
    "SUBSCRIBE_MESSAGE": "key",
    "SUBSCRIBE_SIGNAL": "name",
}
"""The step that answers a job."""
HAPPENS: Mapping[str, str] = {
    "INCIDENT": "retry",
    "MESSAGE": "message",
    "SIGNAL": "signal",
    "TIMER": "fire",
    "USER_TASK": "user",
}
"""The step that ends another wait."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where something is waited for."""

    label: str
    """The element; in a called process behind the call activity, such as `ship/pack`."""
    told: Told
    waiting: Waiting | WaitingEvent
    stub: Told | None = None
    """What stands for the process that is called here."""
    events: Sequence[Position] = ()
    """Boundary events that wait meanwhile."""

    @property
    def id(self) -> str:
        return self.waiting.bpmn_element_id

    @property
    def step(self) -> str:
        """The word of what would usually follow; empty where others have to come first."""
        if self.waiting.kind == "JOB":
            return ASKS.get(self.waiting.job_type or "", "")
        return "complete" if self.stub else HAPPENS.get(self.waiting.kind, "")

    @property
    def at(self) -> At:
        return self.told.story.at(self.id)

    @property
    def is_beside(self) -> bool:
        """Whether it is a boundary event, which asks for nothing and waits while something else does."""
        asks = self.waiting.kind in ("INCIDENT", "JOB")
        return "BOUNDARY" in self.waiting.bpmn_element_type and not asks

    @property
    def seen(self) -> str:
        return f"{self.label} (incident)" if self.waiting.kind == "INCIDENT" else self.label


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """An instance whose story is told."""

    story: Story
    name: str
    """Of its variable in a test."""
    label: str = ""
    """Of the call activity that has called it."""

    @property
    def is_stub(self) -> bool:
        return isinstance(self.story, Called) and self.story.instance.version == STUB


def joined(label: str, id: str) -> str:
    return f"{label}/{id}" if label else id
