"""What a walk has to know beyond its own instance: behaviours say what they need, and somebody else gets it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from app.engine.changes import Receivers
from app.engine.graph import Graph
from app.engine.records import Message, SignalSubscription
from app.engine.values import Stored

T = TypeVar("T")


class Need(Generic[T]):
    """Known by what it says: two needs that say the same are one. A T is what there is then."""

    __slots__ = ()


class Missing(Exception):
    """The walk can't go on without this: it is to be loaded, and the walk to begin anew."""

    def __init__(self, need: Need[Any]) -> None:
        super().__init__(need)
        self.need = need


@dataclass(frozen=True, slots=True)
class WholeInstance(Need[None]):
    """All active element instances of the process instance, and who it has called."""


@dataclass(frozen=True, slots=True)
class LockedQueue(Need[None]):
    """The queue of a process with a limit on parallelism, one of whose instances ends."""

    bpmn_process_id: str


@dataclass(frozen=True, slots=True)
class Callee:
    """A process that is about to be called, and whether its new instance has to queue up."""

    graph: Graph
    queued: bool


@dataclass(frozen=True, slots=True)
class CalledProcess(Need[Callee | None]):
    """None where there is no such process for who calls it."""

    bpmn_process_id: str
    version: str
    """The newest one where it is empty."""
    is_modeled: bool
    """Whether the model names it; else it is up to the worker, who has what it could start by itself."""


@dataclass(frozen=True, slots=True)
class SignalSubscribers(Need[list[SignalSubscription]]):
    """All that wait for a signal, so that nobody else sends it to them, or misses it, meanwhile."""

    name: str


@dataclass(frozen=True, slots=True)
class MessageReceivers(Need[Receivers]):
    """Who waits for a message, with its name and key guarded until the walk is saved."""

    name: str
    correlation_key: str


@dataclass(frozen=True, slots=True)
class AllVariables(Need[Mapping[tuple[int | None, str], Stored]]):
    """What is stored in a process instance, by the element instance, or None for the instance itself, and name."""

    partition: date
    process_instance_id: int


@dataclass(frozen=True, slots=True)
class VariablesNamed(Need[Mapping[tuple[int | None, str], Stored]]):
    """What is stored under these names, by the element instance, or None for the process instance, and name."""

    partition: date
    process_instance_id: int
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class ElementVariables(Need[Mapping[tuple[int, str], Stored]]):
    """What element instances hold, by their id and the name."""

    partition: date
    element_instance_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OutputItems(Need[Mapping[int, Stored]]):
    """The variable of inner instances of a body that were not terminated, by the number of the instance."""

    partition: date
    process_instance_id: int
    body_id: int
    name: str


@dataclass(frozen=True, slots=True)
class IsSubscribed(Need[bool]):
    """Whether an element instance has a subscription left."""

    partition: date
    element_instance_id: int


@dataclass(frozen=True, slots=True)
class BufferedMessage(Need[Message | None]):
    """The oldest one that nobody has got yet, with its name and key guarded until the walk is saved."""

    name: str
    correlation_key: str
