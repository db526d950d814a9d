"""What every operation is: a frozen dataclass that names its result type, and values shared by several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from app.engine.completion import CalledProcess, Completion, Data, VariableInput

__all__ = ["Audited", "CalledProcess", "Command", "Completion", "Data", "VariableInput"]

R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Generic[R_co]):
    """One operation; `Service.execute` runs it in one transaction and returns an `R_co`."""

    title: ClassVar[str] = ""
    """Title of the problem when it fails."""
    reads: ClassVar[bool] = False
    """Whether it changes nothing, so that it may be executed again at any time."""
    of_engine: ClassVar[bool] = False
    """Whether it is the engine's own, whoever has caused it: it is not held to the processes of a caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited(Command[R_co]):
    """One that is noted with who has asked for it, and why (`app.commands.audit`)."""

    reason: str = ""
