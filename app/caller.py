"""Who asks for something, as the edge knows it: what they may do, and which processes there are for them.

The edge sets `current` for the time of a request or a command line; what is done without it is the engine's own.
A thread that goes on for a request must be handed its context (`contextvars.copy_context`): without it, nobody would
be held back from anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a credential is for, the strongest last."""

    READER = "READER"
    WORKER = "WORKER"
    OPERATOR = "OPERATOR"
    ADMIN = "ADMIN"


@dataclass(frozen=True, slots=True)
class Scope:
    """Some processes, by BPMN process id."""

    names: tuple[str, ...]
    prefixes: tuple[str, ...]

    def covers(self, bpmn_process_id: str) -> bool:
        return bpmn_process_id in self.names or bpmn_process_id.startswith(self.prefixes)


def scope_of(patterns: Sequence[str]) -> Scope | None:
    """The processes with one of the ids, or an id that begins like one that ends with `*`; None, for no ids, is all."""
    if not patterns:
        return None
    exact = tuple(pattern for pattern in patterns if not pattern.endswith("*"))
    return Scope(exact, tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a credential may do; by default everything."""

    credential: str = ""
    """The id of an API key, or a user name; empty without authentication."""
    roles: frozenset[Role] = field(default_factory=lambda: frozenset({Role.ADMIN}))
    scope: Scope | None = None
    """The processes that there are for it; None is all."""
    may_deploy: bool = False
    """Whether it may deploy without being ADMIN."""
    may_send: bool = False
    """Whether it may send messages and signals, which belong to no process, though it has a scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One request, or one command line."""

    grant: Grant
    role: Role
    """The least of its roles that suffices."""
    operation: str
    """The operation id of the OpenAPI document."""
    request_id: str = ""


current: ContextVar[Caller | None] = ContextVar("caller", default=None)
"""None for what the engine does by itself."""


def scope() -> Scope | None:
    """The processes that there are for who asks; None is all."""
    found = current.get()
    return found.grant.scope if found else None


def covers(bpmn_process_id: str) -> bool:
    """Whether there is such a process for who asks, if there is one at all."""
    found = scope()
    return found is None or found.covers(bpmn_process_id)


@contextmanager
def calling(caller: Caller) -> Iterator[None]:
    """What happens in the block is asked for by `caller`."""
    before = current.set(caller)
    try:
        yield
    finally:
        current.reset(before)
