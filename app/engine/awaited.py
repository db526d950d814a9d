"""What events wait for, and how far one has come that waits for several things."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.bpmn.model import EventDefinition
from app.engine.payload import read_timer, timer_content
from app.timer import Timer

_MARK = "parts:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What an event waits for, as the model, what was evaluated, or a worker says."""

    name: str = ""
    """Of a message or signal; the code of an error or escalation."""
    correlation_key: str = ""
    timer: Timer | None = None

    def content(self) -> dict[str, Any]:
        found = {
            "name": self.name,
            "key": self.correlation_key,
            "timer": timer_content(self.timer) if self.timer else None,
            "repetitions": self.timer.repetitions if self.timer else None,
        }
        return {name: value for name, value in found.items() if value}

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Awaited:
        timer = read_timer(content["timer"], content.get("repetitions")) if "timer" in content else None
        return cls(name=content.get("name", ""), correlation_key=content.get("key", ""), timer=timer)


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far an event with several definitions has come since it is armed: its context.

    Its parts are the places of bits.
    """

    happened: int = 0
    """Those that have happened, of an event that waits for all of them; of another one, those that can't any more."""
    true: int = 0
    """Those that are conditions which were true when they were looked at last."""
    known: dict[int, Awaited] = field(default_factory=dict)
    """What the model does not say."""
    raised: dict[str, str] = field(default_factory=dict)
    """What is known of what has been caught, for those who handle it."""

    @classmethod
    def of(cls, context: str | None) -> Progress | None:
        """None where the event is not armed."""
        if context is None or not context.startswith(_MARK):
            return None
        happened, _, rest = context.removeprefix(_MARK).partition(" ")
        content: dict[str, Any] = json.loads(rest) if rest else {}
        return cls(
            happened=int(happened),
            true=content.get("true", 0),
            known={int(part): Awaited.of(each) for part, each in content.get("known", {}).items()},
            raised=content.get("raised", {}),
        )

    @property
    def context(self) -> str:
        content = {
            "true": self.true,
            "known": {str(part): awaited.content() for part, awaited in self.known.items()},
            "raised": self.raised,
        }
        content = {name: value for name, value in content.items() if value}
        rest = " " + json.dumps(content, ensure_ascii=False, separators=(",", ":")) if content else ""
        return f"{_MARK}{self.happened}{rest}"


def name_of(part: int, context: str | None, definition: EventDefinition | None) -> str | None:
    """What a part of an event is about whose context this is; `definition` is that of the model."""
    progress = Progress.of(context)
    known = progress.known.get(part) if progress is not None else None
    if known is not None:
        return known.name
    return definition.name if definition is not None else None
