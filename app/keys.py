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

from app import secret
from app.errors import invalid
from app.store import ApiKey, Store

MOST_REMEMBERED = 10_000
"""Keys; each takes some 300 bytes, however long its id is."""
LONGEST_ID = 255
"""Characters of a new key's id, which ends in an index."""

_NO_HASH = secret.hash_secret("")
"""What a secret is compared with when its key does not exist, so that the time taken does not tell."""


class ApiKeys:
    """Raises EngineError UNAVAILABLE where the database can't be asked."""

    def __init__(self, store: Store, now: Callable[[], datetime], remembered_for: float) -> None:
        """`now` is the time by which keys expire; `remembered_for` are seconds."""
        self._store = store
        self._now = now
        self._remembered_for = remembered_for
        self._valid: OrderedDict[bytes, tuple[float, datetime | None]] = OrderedDict()
        """Until when a key counts as valid, and when it expires, by the hash of its id and secret."""
        self._lock = threading.Lock()

    def is_valid(self, secret_id: str, given: str) -> bool:
        """Whether the key exists, as seen a few seconds ago at most, and has not expired."""
        known = hashlib.sha256(f"{secret_id}:{given}".encode()).digest()
        until, expires_at = self._valid.get(known, (float("-inf"), None))
        if until <= time.monotonic():
            # Read before the lookup, or what is revoked during it would be remembered for longer.
            until = time.monotonic() + self._remembered_for
            key = self._store.find_api_key(secret_id)
            matches = secret.matches(given, key.secret_hash if key else _NO_HASH)
            if key is None or not matches:
                return False
            expires_at = key.expires_at
            self._remember(known, until, expires_at)
        return expires_at is None or expires_at > self._now()

    def _remember(self, known: bytes, until: float, expires_at: datetime | None) -> None:
        with self._lock:
            self._valid[known] = until, expires_at
            self._valid.move_to_end(known)
            while len(self._valid) > MOST_REMEMBERED:
                self._valid.popitem(last=False)

    def exist(self) -> bool:
        """Whether there is any key."""
        return bool(self._store.load_api_keys())

    def create(self, secret_id: str, expires_at: datetime | None = None) -> str:
        """The value of the Authorization header; the secret is not kept.

        Raises EngineError CONFLICT for an id that is taken, VALIDATION for one that is too long.
        """
        if len(secret_id) > LONGEST_ID:
            raise invalid(f"secret ID has {len(secret_id)} characters, which exceeds a maximum of {LONGEST_ID}")
        new = secret.new_secret()
        self._store.insert_api_key(ApiKey(secret_id, secret.hash_secret(new), self._now(), expires_at))
        return secret.authorization_value(secret_id, new)

    def listed(self) -> list[ApiKey]:
        """In the order in which they were created."""
        return self._store.load_api_keys()

    def revoke(self, secret_id: str) -> None:
        """Raises EngineError NOT_FOUND. Other processes may accept the key for the seconds they remember it."""
        self._store.delete_api_key(secret_id)
        with self._lock:
            self._valid.clear()
