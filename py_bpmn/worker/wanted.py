"""Which jobs to lock: as few requests as possible, none of which ever locks a job that nobody here does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args

from py_bpmn._operations import JobType
from py_bpmn.worker.process import Handler, Process

MOST_VALUES = 100
"""Of one condition."""
MOST_NAMES = 1000
"""Of variables."""

TYPES: tuple[str, ...] = get_args(JobType)
Kind = tuple[str, str, str]
"""BPMN process id, BPMN element id, and type of a job."""


@dataclass(slots=True, eq=False)
class Wanted:
    """Conditions of one request: all jobs whose process, element and type are among these."""

    is_async: bool
    lease: timedelta
    all_variables: bool
    processes: set[str] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)
    types: set[str] | None = field(default_factory=set)
    """None stands for all."""
    variables: set[str] = field(default_factory=set)

    def matches(self, kind: Kind) -> bool:
        process, element, type = kind
        return process in self.processes and element in self.elements and (self.types is None or type in self.types)

    def widened(self, other: Wanted) -> Wanted:
        is_all = self.types is None or other.types is None
        return Wanted(
            self.is_async,
            self.lease,
            self.all_variables,
            self.processes | other.processes,
            self.elements | other.elements,
            None if is_all else (self.types or set()) | (other.types or set()),
            self.variables | other.variables,
        )

    @property
    def fits(self) -> bool:
        """Whether the service takes so many values."""
        return max(len(self.processes), len(self.elements)) <= MOST_VALUES and len(self.variables) <= MOST_NAMES

    @property
    def conditions(self) -> dict[str, Any]:
        """As `lock_jobs` and LockConditions take them."""
        found: dict[str, Any] = {
            "bpmn_process_ids": tuple(sorted(self.processes)),
            "bpmn_element_ids": tuple(sorted(self.elements)),
            "lock_timeout": self.lease,
        }
        if self.types is not None:
            found["types"] = tuple(sorted(self.types))
        if self.all_variables:
            found["all_variables"] = True
        elif self.variables:
            found["variables"] = tuple(sorted(self.variables))
        return found


Terms = tuple[bool, timedelta, bool]
"""What is the same for all jobs of one request: whether they are done by coroutines, their lease, their variables."""


def wanted(processes: Iterable[Process], strangers: Iterable[Kind]) -> list[Wanted]:
    """Requests for all jobs that the handlers of these processes do.

    `strangers` are kinds of jobs that are known to exist and have no handler here: no request locks them. Nor does one
    lock what another one is for, which has other terms.
    """
    handled = [(process, handler) for process in processes for handler in process.handlers]
    unwanted = list(strangers)
    kinds = [(_terms(handler), kind) for process, handler in handled for kind in _kinds(process, handler)]
    found: list[Wanted] = []
    for process, handler in handled:
        terms = _terms(handler)
        others = [kind for each, kind in kinds if each != terms]
        _add(found, _one(process, handler, others), [*unwanted, *others])
    return found


def _terms(handler: Handler) -> Terms:
    names = handler.variables
    return handler.is_async, handler.lease, names is None or len(names) > MOST_NAMES


def _kinds(process: Process, handler: Handler) -> list[Kind]:
    """The jobs that it does; one that does all others does those of types that are yet to come, too."""
    types: Iterable[str] = handler.kind.types
    if not types:
        taken = {type for each in process.handlers if each.element == handler.element for type in each.kind.types}
        types = [type for type in (*TYPES, "") if type not in taken]
    return [(process.id, handler.element, type) for type in types]


def _one(process: Process, handler: Handler, others: Iterable[Kind]) -> Wanted:
    kinds = _kinds(process, handler)
    is_shared = any(kind[:2] == (process.id, handler.element) for kind in others)
    types = {type for _, _, type in kinds if type} if handler.kind.types or is_shared else None
    terms = _terms(handler)
    return Wanted(*terms, {process.id}, {handler.element}, types, set(() if terms[2] else handler.variables or ()))


def _add(found: list[Wanted], one: Wanted, unwanted: list[Kind]) -> None:
    """Into the first request that would not lock anything unwanted with it; or else as one more."""
    for number, each in enumerate(found):
        if (each.is_async, each.lease, each.all_variables) == (one.is_async, one.lease, one.all_variables):
            both = each.widened(one)
            if both.fits and not any(both.matches(kind) for kind in unwanted):
                found[number] = both
                return
    found.append(one)
