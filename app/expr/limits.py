"""How large an expression may be, and how much one evaluation may cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from app.expr.failures import LimitExceeded

TEXT = 4096
"""Characters of a text."""
NODES = 500
"""Nodes of its syntax tree: names, constants, operators, functions."""
NESTING = 32
"""How deep these, and brackets, may be nested."""
STEPS = 10_000
"""What one evaluation may cost: a step for each node, and as many as values are long that are compared, searched or
joined."""
RESULT = 65_536
"""Bytes of a resulting text."""


class Environment:
    """What one evaluation reads, and how many steps it has left."""

    __slots__ = ("_now", "_read", "lookup", "steps")

    def __init__(self, lookup: Callable[[str], object], now: Callable[[], datetime], steps: int) -> None:
        self.lookup = lookup
        self.steps = steps
        self._read = now
        self._now: datetime | None = None

    def now(self) -> datetime:
        """The time of the engine, the same for the whole evaluation."""
        if self._now is None:
            self._now = self._read()
        return self._now

    def spend(self, steps: int) -> None:
        """Raises `LimitExceeded` where no so many are left."""
        self.steps -= steps
        if self.steps < 0:
            raise LimitExceeded(f"expected an evaluation of at most {STEPS} steps")
