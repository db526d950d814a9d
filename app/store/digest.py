"""Digests that stand in an index for texts which, together, would be too long for it on PostgreSQL."""

from __future__ import annotations

import hashlib


def digest(*texts: str) -> int:
    """64 bits (signed) of the SHA-256 over the texts, each with its length in bytes before it.

    Equal texts have equal digests. The reverse is only likely, so the texts themselves are compared along with it.
    """
    found = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        found.update(len(encoded).to_bytes(4, "big"))
        found.update(encoded)
    return int.from_bytes(found.digest()[:8], "big", signed=True)
