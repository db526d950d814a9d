"""What a handler works with, and the steps that several handlers share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from app.caller import Caller
from app.config import Config
from app.crypto import Cipher, CipherError, NoKeyError
from app.engine.changes import Changes
from app.engine.needs import Need
from app.engine.records import (
    Message,
    ProcessInstance,
    Queue,
    VariableView,
)
from app.engine.run import Run
from app.engine.variables import Variables
from app.errors import EngineError, ErrorKind, invalid
from app.store.load import Snapshot
from app.store.transaction import Transaction
from app.timer import TimerError, add_duration


class EngineClock(Protocol):
    def __call__(self, tx: Transaction) -> datetime: ...


@dataclass(slots=True, kw_only=True)
class Options:
    """What handlers need of the configuration."""

    config: Config
    cipher: Cipher
    limited: set[str] = field(default_factory=set)
    """BPMN ids of processes that were seen to have a limit on parallelism. A hint that saves attempts, no more."""


class Context:
    def __init__(
        self, tx: Transaction, options: Options, clock: EngineClock, *, limited: bool, caller: Caller | None = None
    ) -> None:
        self.tx = tx
        self.caller = caller
        """Who has asked for the command; None for the engine itself."""
        tx.scope = caller.grant.scope if caller else None
        self.config = options.config
        self.engine_id = options.config.engine_id
        self.cipher = options.cipher
        self.queues: dict[str, Queue] = {}
        """Those that are locked, by BPMN process id."""
        self.limits: dict[str, int] = {}
        """The limits on parallelism that were read with the instances at hand, by BPMN process id."""
        self._limited = limited
        tx.is_doubtful = limited
        self._known = options.limited
        self._clock = clock
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """Engine time of the command. After this, locks are refused: it has to follow the holder before."""
        # No cached_property: before Python 3.12 all commands would wait for the one that is asking the database.
        if self._now is None:
            self.tx.is_timed = True
            self._now = self._clock(self.tx)
        return self._now

    def clock(self) -> datetime:
        """Engine time at this moment, for what is decided before the last lock."""
        return self._clock(self.tx)

    def covers(self, bpmn_process_id: str) -> bool:
        """Whether there is such a process for who asks, if there is one at all."""
        return self.tx.scope is None or self.tx.scope.covers(bpmn_process_id)

    def begin_audited(self) -> None:
        """Has what follows, a statement by itself, committed together with the note of who has asked for it."""
        if self.caller is not None:
            self.tx.begin()

    def start_over(self) -> None:
        """The walk begins anew, and with it the time of the command."""
        self.tx.start_over()
        self._now = None
        self.tx.is_timed = False

    def may_be_limited(self, bpmn_process_id: str) -> bool:
        """True for a process that was seen to have a limit, and for all when an attempt before was refused."""
        return self._limited or bpmn_process_id in self._known

    def lock_queue(self, bpmn_process_id: str, members: Sequence[ProcessInstance] = ()) -> Queue:
        """The queue of a process, locked once; `members` are instances whose entries are needed, too."""
        queue = self.queues.get(bpmn_process_id)
        if queue is None:
            queue = self.queues[bpmn_process_id] = self.tx.lock_queue(bpmn_process_id, members)
            self.remember(bpmn_process_id, limited=queue.parallelism != 0)
        return queue

    def remember(self, bpmn_process_id: str, *, limited: bool) -> None:
        """Spares later commands of this process an attempt."""
        (self._known.add if limited else self._known.discard)(bpmn_process_id)

    def lock_instances(self) -> None:
        """Keeps all instances from being written; only after the last other lock, since it stops everyone."""
        today = self.clock().date()
        # Creating a day needs a lock that this one refuses, and is done apart.
        self.tx.maintenance.create_days({today, *([today + timedelta(days=1)] if today < date.max else [])})
        self.tx.lock_instances()

    def after(self, duration: str, what: str = "retry timer") -> datetime:
        """Now and an ISO 8601 duration; raises EngineError VALIDATION beyond the year 9999."""
        if not duration:
            return self.now
        try:
            return add_duration(self.now, duration)
        except TimerError as error:
            raise invalid(f"failed to evaluate {what}: {error}") from error

    def run(
        self,
        snapshot: Snapshot,
        actor: str,
        changes: Changes,
        known: Mapping[Need[Any], Any] | None = None,
        message: Message | None = None,
    ) -> Run:
        """A walk over a loaded instance, which is about a message that has arrived, or not."""
        caller = None
        self.limits[snapshot.instance.bpmn_process_id] = snapshot.parallelism
        if snapshot.caller:
            caller = self.run(snapshot.caller, actor, changes)
        return Run(
            snapshot.instance,
            snapshot.graph,
            now=self.now,
            actor=actor,
            engine_id=self.engine_id,
            changes=changes,
            tokens=snapshot.tokens,
            whole=snapshot.whole,
            completed=snapshot.completed,
            variables=self.variables(changes, actor),
            known=known or {},
            message=message,
            called=snapshot.called,
            caller=caller,
        )

    def variables(self, changes: Changes, actor: str) -> Variables:
        """What `actor` sets and deletes now."""
        return Variables(changes, now=self.now, actor=actor, encrypt=self._encrypt, decrypt=self._decrypt)

    def _decrypt(self, value: str) -> str:
        """Raises EngineError UNKNOWN for a value that no configured key fits."""
        try:
            return self.cipher.decrypt(value)
        except CipherError as error:
            raise EngineError(ErrorKind.UNKNOWN, str(error)) from error

    def _encrypt(self, value: str) -> str:
        """Raises EngineError VALIDATION when no key is configured."""
        try:
            return self.cipher.encrypt(value)
        except NoKeyError as error:
            raise invalid("an encrypted variable needs an encryption key, but none is configured") from error

    def decrypted(self, variables: Iterable[VariableView]) -> list[VariableView]:
        """The variables with clear text. Raises EngineError UNKNOWN for a value that no configured key fits."""
        found = list(variables)
        for variable in found:
            if variable.encrypted:
                try:
                    variable.value = self.cipher.decrypt(variable.value)
                except CipherError as error:
                    detail = f"variable {variable.name} can't be decrypted: {error}"
                    raise EngineError(ErrorKind.UNKNOWN, detail) from error
        return found


def later(now: datetime, seconds: float) -> datetime:
    try:
        return now + timedelta(seconds=seconds)
    except OverflowError:
        # The calendar ends here.
        return now


def message_key(name: str, correlation_key: str) -> str:
    """Guards who waits for a message and who sends it against missing each other."""
    return f"message\0{name}\0{correlation_key}"
