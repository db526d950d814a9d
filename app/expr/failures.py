"""What goes wrong with an expression: a text that does not compile, and an evaluation that gives no usable value.

Reasons say what was expected. They may repeat names that stand in the text, but never the value of a variable, which
might be encrypted.
"""

from __future__ import annotations

_LONGEST = 40


class CompileError(Exception):
    """The text can't be evaluated; `column` counts from 1, from the first character that is no white space."""

    def __init__(self, reason: str, column: int = 1) -> None:
        super().__init__(f"{reason} at column {column}")
        self.reason = reason
        self.column = column


class EvaluationError(Exception):
    """The expression has no value with the variables of now, or not one that its place takes."""

    def __init__(self, expected: str, column: int = 0) -> None:
        super().__init__(expected)
        self.expected = expected
        self.column = column
        """Where it is in the text, counted from 1; 0 for the expression as a whole."""
        self.spelling = ""

    def at(self, column: int) -> EvaluationError:
        """The same error, which keeps the place that it has."""
        self.column = self.column or column
        return self

    @property
    def reason(self) -> str:
        """A sentence such as `unknown variable discount (CEL, column 1)`."""
        place = f"column {self.column}" if self.column else ""
        where = ", ".join(each for each in (self.spelling, place) if each)
        return f"{self.expected} ({where})" if where else self.expected

    def __str__(self) -> str:
        return self.reason


class WrongKind(EvaluationError):
    """A value is not of the kind that the operator or function takes; FEEL has null in its place."""


class LimitExceeded(EvaluationError):
    """The evaluation costs too much; nothing that another operand says makes up for it."""


def shown(name: str) -> str:
    """A name of the text as reasons show it."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…"
