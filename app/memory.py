"""Requests with an Idempotency-Key: what was done for one is not done again, and is answered as it was then.

A request consists of commands, each of which has a place in it. The result of a command is kept in the transaction of
the command, so that a process that is killed leaves either both or none. A command whose result is known is not
executed. Whatever else belongs to the answer is made of these results, each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from app.clock import cut
from app.commands.base import Command
from app.commands.group import Shared
from app.commands.result import kind_of, restored, stored
from app.crypto import Cipher, CipherError
from app.errors import EngineError, ErrorKind
from app.store.idempotency import Kept, write
from app.store.transaction import Transaction


class Memory:
    """What is known of one request, and what it comes to know.

    Results are kept as cipher text wherever there is a key for it: they may hold values of variables that are encrypted
    in their own table, and can be shown only where there is a key.
    """

    def __init__(
        self, key: str, request: Callable[[], str], now: Callable[[], datetime], cipher: Cipher | None
    ) -> None:
        """`key` and `request` are digests; that of the request is asked for once the body was read."""
        self._key = key
        self._fingerprint = request
        self._now = now
        self._cipher = cipher
        self._recalled: set[int] = set()
        self._executed: set[int] = set()

    @cached_property
    def _request(self) -> str:
        return self._fingerprint()

    @property
    def is_replayed(self) -> bool:
        """Whether all that the request has asked for was done before."""
        return bool(self._recalled) and not self._executed

    def recall(self, tx: Transaction, kinds: Mapping[int, Any]) -> dict[int, Any]:
        """The known results of the places, or the refusals, with others who use the key kept out from now on.

        `kinds` are the types of the results. Raises EngineError CONFLICT when the key belongs to another request.
        """
        found = {}
        for kept in tx.recall(self._key):
            if kept.request != self._request:
                raise EngineError(
                    ErrorKind.CONFLICT,
                    "the Idempotency-Key was used with another request: each request needs a key of its own",
                    title="failed to repeat request",
                )
            if kept.place in kinds:
                found[kept.place] = restored(kinds[kept.place], self._decrypted(kept))
        self._recalled |= set(found)
        self._executed -= set(found)
        return found

    def keep(self, tx: Transaction, outcomes: Mapping[int, Any]) -> None:
        """Has outcomes kept in the end of the transaction, in which `recall` has not found them."""
        if outcomes:
            self._executed |= set(outcomes)
            tx.along_when_saved(lambda: write(self._kept(place, outcome) for place, outcome in outcomes.items()))

    def keep_new(self, tx: Transaction, kinds: Mapping[int, Any], outcomes: Mapping[int, Any]) -> dict[int, Any]:
        """Like `keep`, for what may be known by now; the outcomes that are, and the known ones in place of others."""
        known = self.recall(tx, kinds)
        self.keep(tx, {place: outcome for place, outcome in outcomes.items() if place not in known})
        return {**outcomes, **known}

    def _kept(self, place: int, outcome: Any) -> Kept:
        result = stored(outcome)
        return Kept(
            key=self._key,
            place=place,
            request=self._request,
            result=self._cipher.encrypt(result) if self._cipher else result,
            encrypted=self._cipher is not None,
            created_at=cut(self._now()),
        )

    def _decrypted(self, kept: Kept) -> str:
        if not kept.encrypted:
            return kept.result
        try:
            return (self._cipher or Cipher()).decrypt(kept.result)
        except CipherError as error:
            detail = f"the answer to the request was kept, but can't be decrypted: {error}"
            raise EngineError(ErrorKind.UNKNOWN, detail, title="failed to repeat request") from error


class Step:
    """The place of one command in a request."""

    __slots__ = ("memory", "place")

    def __init__(self, memory: Memory, place: int) -> None:
        self.memory = memory
        self.place = place

    def once(self, tx: Transaction, command: Command[Any], execute: Callable[[], Any]) -> Any:
        """The result of the command, which is executed in the transaction unless it was before.

        An empty list tells that there was nothing to be done: another time there may be.
        """
        known = self.memory.recall(tx, {self.place: kind_of(command)})
        if self.place in known:
            return known[self.place]
        result = execute()
        if result != []:
            self.memory.keep(tx, {self.place: result})
        return result


def share_once(
    tx: Transaction,
    steps: Sequence[Step],
    commands: Sequence[Command[Any]],
    execute: Callable[[Sequence[Command[Any]]], Shared],
) -> Shared:
    """What becomes of commands that share a transaction; those are executed together that were not before."""
    memory = steps[0].memory
    numbers = {step.place: number for number, step in enumerate(steps)}
    kinds = {step.place: kind_of(command) for step, command in zip(steps, commands, strict=True)}
    known = {numbers[place]: outcome for place, outcome in memory.recall(tx, kinds).items()}
    left = [number for number in range(len(commands)) if number not in known]
    found = execute([commands[number] for number in left]) if left else Shared()
    settled = {left[number]: outcome for number, outcome in found.settled.items()}
    memory.keep(tx, {steps[n].place: outcome for n, outcome in settled.items() if not isinstance(outcome, EngineError)})
    return Shared(
        settled=known | settled,
        alone=[left[number] for number in found.alone],
        later={left[number]: root for number, root in found.later.items()},
    )
