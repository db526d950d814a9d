"""API keys: creating, revoking and checking them, and remembering for some seconds which ones are valid.

Only valid keys are remembered. A wrong one costs a lookup each time, but no memory; it can't push out a valid one, and
does not stay wrong when the key is created a moment later.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any

from app import secret
from app.caller import Grant
from app.commands.base import Command
from app.commands.key import CreateApiKey, RevokeApiKey
from app.errors import invalid
from app.store import ApiKey, Store

MOST_REMEMBERED = 10_000
"""Keys; each takes some 300 bytes, however long its id is."""
LONGEST_ID = 255
"""Characters of a new key's id, which ends in an index."""

_UNKNOWN = float("-inf"), None, Grant(roles=frozenset())
_NO_HASH = secret.hash_secret("")
"""What a secret is compared with when its key does not exist, so that the time taken does not tell."""


class ApiKeys:
    """Raises EngineError UNAVAILABLE where the database can't be asked."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        remembered_for: float,
        execute: Callable[[Command[Any]], Any],
    ) -> None:
        """`now` is the time by which keys expire; `remembered_for` are seconds."""
        self._execute = execute
        self._used: set[str] = set()
        """The ids of the keys that were used since that was last noted."""
        self._store = store
        self._now = now
        self._remembered_for = remembered_for
        self._valid: OrderedDict[bytes, tuple[float, datetime | None, Grant]] = OrderedDict()
        """Until when a key counts as valid, when it expires, and what it may do, by the hash of its id and secret."""
        self._lock = threading.Lock()

    def grant(self, secret_id: str, given: str) -> Grant | None:
        """What the key may do, as seen a few seconds ago at most; None for one that does not exist, or has expired."""
        known = hashlib.sha256(f"{secret_id}:{given}".encode()).digest()
        until, expires_at, grant = self._valid.get(known, _UNKNOWN)
        if until <= time.monotonic():
            # Read before the lookup, or what is revoked during it would be remembered for longer.
            until = time.monotonic() + self._remembered_for
            key = self._store.find_api_key(secret_id)
            matches = secret.matches(given, key.secret_hash if key else _NO_HASH)
            if key is None or not matches:
                return None
            expires_at, grant = key.expires_at, key.grant
            self._remember(known, until, expires_at, grant)
        if expires_at is not None and expires_at <= self._now():
            return None
        self._used.add(secret_id)
        return grant

    def _remember(self, known: bytes, until: float, expires_at: datetime | None, grant: Grant) -> None:
        with self._lock:
            self._valid[known] = until, expires_at, grant
            self._valid.move_to_end(known)
            while len(self._valid) > MOST_REMEMBERED:
                self._valid.popitem(last=False)

    def exist(self) -> bool:
        """Whether there is any key."""
        return bool(self._store.load_api_keys())

    def create(self, secret_id: str, expires_at: datetime | None = None, **options: Any) -> str:
        """The value of the Authorization header; see `issue`."""
        return self.issue(secret_id, expires_at, **options)[1]

    def issue(
        self, secret_id: str, expires_at: datetime | None = None, *, worker_id: str = "", **options: Any
    ) -> tuple[ApiKey, str]:
        """A new key, and the value of the Authorization header; the secret is not kept.

        `options` are those of CreateApiKey. Raises EngineError CONFLICT for an id that is taken, VALIDATION for one
        that is too long.
        """
        if len(secret_id) > LONGEST_ID:
            raise invalid(f"secret ID has {len(secret_id)} characters, which exceeds a maximum of {LONGEST_ID}")
        now = self._now()
        if expires_at is not None and expires_at <= now:
            raise invalid("the time at which the key expires must lie in the future")
        new = secret.new_secret()
        key: ApiKey = self._execute(
            CreateApiKey(
                secret_id=secret_id,
                secret_hash=secret.hash_secret(new),
                created_at=now,
                expires_at=expires_at,
                worker_id=worker_id,
                **options,
            )
        )
        return key, secret.authorization_value(secret_id, new)

    def listed(self) -> list[ApiKey]:
        """In the order in which they were created."""
        return self._store.load_api_keys()

    def revoke(self, secret_id: str, *, worker_id: str = "", reason: str = "") -> None:
        """Raises EngineError NOT_FOUND. Other processes may accept the key for the seconds they remember it."""
        self._execute(RevokeApiKey(secret_id=secret_id, worker_id=worker_id, reason=reason))
        self.forget()

    def forget(self) -> None:
        """Remembers no key any more, after one was revoked."""
        with self._lock:
            self._valid.clear()

    def note_use(self) -> bool:
        """Keeps which keys were used since the last time, and when, to the minute; there is never more of it to do."""
        with self._lock:
            noted, self._used = self._used, set()
        try:
            if noted:
                # A copy: a request that is about to add to the set of before may do so any moment.
                self._store.note_use(set(noted), self._now().replace(second=0, microsecond=0))
        except BaseException:
            with self._lock:
                self._used |= noted
            raise
        return False
