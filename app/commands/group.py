"""Several commands in one transaction, each of them as it would be alone.

A command takes part with what can be locked and read before all of them begin. One that turns out to need more leaves
the group before it has changed anything, and is to be executed alone. One that is refused leaves no trace either: the
refusal is its answer.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import caller
from app.commands import HANDLERS
from app.commands.audit import note
from app.commands.base import Command
from app.commands.context import Context, EngineClock, Options
from app.commands.instance import CreateProcessInstance
from app.commands.job import CompleteJob
from app.commands.task import RunTask
from app.engine.changes import Changes
from app.engine.payload import parse_payload
from app.engine.types import TaskType
from app.errors import EngineError, ErrorKind
from app.store import GraphMissing
from app.store.group import Address, Group, Root

_UNCERTAIN = frozenset({ErrorKind.BUG, ErrorKind.UNAVAILABLE, ErrorKind.UNKNOWN})
"""Errors that say nothing about the command itself."""


@dataclass(slots=True)
class Shared:
    """What became of commands that came together, each named by its place among them."""

    settled: dict[int, Any] = field(default_factory=dict)
    """The result, or the EngineError that the command was refused with."""
    alone: list[int] = field(default_factory=list)
    """To be executed alone."""
    later: dict[int, Root] = field(default_factory=dict)
    """To be tried again once others of the same tree of instances are done, which is named."""


class Rounds:
    """Deals out commands, each once, in rounds of at most `most` that may share a transaction.

    Those with the same key are dealt out in their order, and not in the same round. A command without a key may turn
    out to have one only when its turn has come: `defer` puts it back.
    """

    def __init__(self, keys: Sequence[Hashable | None], most: int) -> None:
        self._keys = dict(enumerate(keys))
        self._most = most
        self._left = list(self._keys)

    def deal(self) -> list[int]:
        """The next commands, each named by its place; none when all are done."""
        dealt: list[int] = []
        met: set[Hashable] = set()
        left: list[int] = []
        for number, place in enumerate(self._left):
            if len(dealt) == self._most:
                left += self._left[number:]
                break
            key = self._keys[place]
            if key is not None and key in met:
                left.append(place)
            else:
                met.add(key)
                dealt.append(place)
        self._left = left
        return dealt

    def defer(self, places: Mapping[int, Hashable]) -> None:
        """Puts back commands of the last round, whose keys are known now."""
        self._keys |= places
        self._left = sorted([*self._left, *places])


def shares(command: Command[Any]) -> bool:
    """Whether the command can be executed together with others, as far as one can tell by its looks."""
    if isinstance(command, CreateProcessInstance):
        # Who must be unique takes a lock of its own.
        return not command.unique_correlation_key
    return address_of(command) is not None


def key_of(command: Command[Any]) -> Root | None:
    """The instance that the command is about, where the command tells."""
    if isinstance(command, RunTask) and command.task.process_instance_id is not None:
        return Root(command.task.partition, command.task.process_instance_id)
    return None


def address_of(command: Command[Any]) -> Address | None:
    """What the command starts from; None for one without an instance, or that needs more than that."""
    if isinstance(command, CompleteJob):
        return Address("job", command.partition, command.id)
    if not isinstance(command, RunTask) or command.task.process_instance_id is None or command.task.interruptions:
        return None
    task = command.task
    if task.type not in (TaskType.JOIN_PARALLEL_GATEWAY, TaskType.TRIGGER_EVENT):
        return None
    payload = parse_payload(task.serialized_task)
    # Messages and signals are locked and read by themselves.
    return None if payload.message_id or payload.signal_id else Address("task", task.partition, task.id)


def execute_together(tx: Group, options: Options, clock: EngineClock, commands: Sequence[Command[Any]]) -> Shared:
    """Has the changes of all commands that can be executed together registered in the transaction.

    Raises GraphMissing like any command.
    """
    addresses = [address_of(command) for command in commands]
    tx.lock({address for address in addresses if address})
    now = clock(tx)
    shared = Shared()
    met: set[Root] = set()
    changes = Changes()
    for place, (command, address) in enumerate(zip(commands, addresses, strict=True)):
        root = tx.root(address) if address else None
        if root in met:
            shared.later[place] = root
            continue
        if root:
            met.add(root)
        member = tx.member()
        try:
            asking = None if command.of_engine else caller.current.get()
            context = Context(member, options, lambda _: now, limited=False, caller=asking)
            result = HANDLERS[type(command)](context, command)
            note(context, command, result)
            shared.settled[place] = result
        except EngineError as error:
            if error.kind in _UNCERTAIN:
                shared.alone.append(place)
            else:
                error.title = error.title or command.title
                shared.settled[place] = error
        except GraphMissing:
            raise
        except Exception:
            # More than the group has, or something unexpected: alone it is told, and hits no other.
            shared.alone.append(place)
        else:
            changes.absorb(member.changes)
            tx.along(*member.noted)
    tx.save(changes)
    return shared
