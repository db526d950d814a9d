"""API key secrets: how they are made, stored, sent and compared.

A client sends base64 of `id:secret`; only the SHA-256 of the secret is stored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets


def new_secret() -> str:
    """32 random bytes as URL-safe text, which contains no colon."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is stored of a secret: base64 of its SHA-256."""
    return base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()


def authorization_value(secret_id: str, secret: str) -> str:
    """What a client sends in the Authorization header, after the scheme if it names one."""
    return base64.b64encode(f"{secret_id}:{secret}".encode()).decode()


def split_authorization(value: str) -> tuple[str, str] | None:
    """Id and secret from a header without its scheme; None when it is malformed.

    The secret stands after the last colon, since ids may contain colons. Neither may be empty or contain NUL, which
    PostgreSQL can't look up.
    """
    try:
        text = binascii.a2b_base64(value.encode("ascii"), strict_mode=True).decode()
    except ValueError:
        return None
    secret_id, _, secret = text.rpartition(":")
    if not secret_id or not secret or "\0" in text:
        return None
    return secret_id, secret


def matches(secret: str, stored_hash: str) -> bool:
    """Whether `secret` is the one behind `stored_hash`, in time that doesn't depend on where they differ."""
    return hmac.compare_digest(hash_secret(secret).encode(), stored_hash.encode())
