"""Encryption of variable values: AES-256-GCM, stored as base64 of nonce, ciphertext and tag.

Keys are 32 random bytes in base64. Messages of errors name no value and no key.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class CipherError(Exception):
    """A value can't be encrypted or decrypted; the message holds no part of it."""


class NoKeyError(CipherError):
    """No encryption key is configured."""

    def __init__(self) -> None:
        super().__init__("no encryption key is configured")


class Cipher:
    """Encrypts with the first of its keys (newest first) and decrypts with whichever fits.

    Without keys it raises `NoKeyError` when used; unusable keys raise `CipherError` right away.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        problems = check_keys(keys)
        if problems:
            raise CipherError("; ".join(problems))
        self._ciphers = _ciphers(keys) if keys else []

    def encrypt(self, text: str) -> str:
        """`text` in its stored form, different on every call."""
        if not self._ciphers:
            raise NoKeyError
        try:
            plain = text.encode()
        except UnicodeEncodeError:
            raise CipherError("value is not valid Unicode") from None
        nonce = secrets.token_bytes(NONCE_BYTES)
        return base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, plain, None)).decode()

    def fits(self, stored: str) -> bool:
        """Whether one of the keys decrypts a stored value."""
        try:
            self.decrypt(stored)
        except CipherError:
            return False
        return True

    def decrypt(self, stored: str) -> str:
        """The text behind a stored value; `CipherError` when it is damaged or none of the keys fits."""
        if not self._ciphers:
            raise NoKeyError
        try:
            data = _decoded(stored)
        except ValueError:
            raise CipherError("encrypted value is not base64") from None
        if len(data) < NONCE_BYTES + TAG_BYTES:
            raise CipherError("encrypted value is too short")
        from cryptography.exceptions import InvalidTag

        for cipher in self._ciphers:
            try:
                return cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], None).decode()
            except InvalidTag:
                continue
            except UnicodeDecodeError:
                raise CipherError("encrypted value is not text") from None
        raise CipherError("encrypted value is damaged, or its key is not configured")


def _ciphers(keys: Sequence[str]) -> list[AESGCM]:
    # Loaded by those who encrypt only: it takes its time at the start.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return [AESGCM(_decoded(key)) for key in keys]


def new_key() -> str:
    """A fresh random key."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def check_keys(keys: Sequence[str]) -> list[str]:
    """What is wrong with a list of keys, one sentence each, naming keys by position; empty when all is well."""
    problems = []
    positions: dict[bytes, int] = {}
    for position, key in enumerate(keys, 1):
        try:
            data = _decoded(key)
        except ValueError:
            problems.append(f"encryption key {position} is not base64")
            continue
        if len(data) != KEY_BYTES:
            problems.append(f"encryption key {position} has {len(data)} bytes, {KEY_BYTES} are needed")
        first = positions.setdefault(data, position)
        if first != position:
            problems.append(f"encryption key {position} is the same as key {first}")
    return problems


def _decoded(text: str) -> bytes:
    """The bytes behind standard base64 with padding; `ValueError` for anything else."""
    return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
