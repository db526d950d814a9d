"""Encrypted values: the stored format, several keys, and what tampering does."""

import base64
import traceback

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto import Cipher, CipherError, NoKeyError, check_keys, new_key

OLD = base64.b64encode(bytes(range(32))).decode()
NEW = base64.b64encode(bytes(range(32, 64))).decode()


@pytest.mark.parametrize("text", ["", "hello", "Grüße 🎉", "\0", pytest.param("x" * 100_000, id="long")])
def test_a_decrypted_value_is_the_encrypted_one(text):
    cipher = Cipher((NEW,))
    assert cipher.decrypt(cipher.encrypt(text)) == text


def test_a_stock_implementation_reads_what_is_stored():
    stored = Cipher((OLD,)).encrypt("hello")
    assert len(stored) == 44
    data = base64.b64decode(stored, validate=True)
    assert AESGCM(bytes(range(32))).decrypt(data[:12], data[12:], None) == b"hello"


def test_values_of_a_stock_implementation_are_read():
    nonce = b"twelve bytes"
    stored = base64.b64encode(nonce + AESGCM(bytes(range(32))).encrypt(nonce, "größer".encode(), None)).decode()
    assert Cipher((OLD,)).decrypt(stored) == "größer"


def test_the_same_text_is_never_stored_twice_alike():
    cipher = Cipher((OLD,))
    assert len({cipher.encrypt("hello") for _ in range(100)}) == 100


def test_the_newest_key_encrypts_and_every_key_decrypts():
    rotated = Cipher((NEW, OLD))
    assert rotated.decrypt(Cipher((OLD,)).encrypt("before")) == "before"
    assert Cipher((NEW,)).decrypt(rotated.encrypt("after")) == "after"
    with pytest.raises(CipherError):
        Cipher((OLD,)).decrypt(rotated.encrypt("after"))


@pytest.mark.parametrize("position", [0, 12, -1])
def test_a_changed_byte_is_noticed(position):
    data = bytearray(base64.b64decode(Cipher((OLD,)).encrypt("hello")))
    data[position] ^= 1
    with pytest.raises(CipherError, match="damaged"):
        Cipher((NEW, OLD)).decrypt(base64.b64encode(data).decode())


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ("", "too short"),
        (base64.b64encode(bytes(27)).decode(), "too short"),
        (base64.b64encode(bytes(28)).decode(), "damaged"),
        ("hello", "not base64"),
        ("äöü=", "not base64"),
        (base64.b64encode(bytes(40)).decode() + "\n", "not base64"),
        (base64.urlsafe_b64encode(b"\xff" * 30).decode(), "not base64"),
    ],
)
def test_what_was_never_encrypted_is_refused(stored, reason):
    with pytest.raises(CipherError, match=reason):
        Cipher((OLD,)).decrypt(stored)


def test_encrypted_bytes_that_are_no_text_are_refused():
    nonce = bytes(12)
    stored = base64.b64encode(nonce + AESGCM(bytes(range(32))).encrypt(nonce, b"secret \xff", None)).decode()
    with pytest.raises(CipherError, match="not text") as caught:
        Cipher((OLD,)).decrypt(stored)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_text_that_cannot_be_encoded_is_not_shown():
    with pytest.raises(CipherError, match="not valid Unicode") as caught:
        Cipher((OLD,)).encrypt("secret \ud800")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_without_a_key_nothing_is_encrypted_or_decrypted():
    stored = Cipher((OLD,)).encrypt("hello")
    with pytest.raises(NoKeyError, match="no encryption key is configured"):
        Cipher(()).encrypt("hello")
    with pytest.raises(NoKeyError, match="no encryption key is configured"):
        Cipher(()).decrypt(stored)


def test_a_new_key_is_usable_and_new():
    key = new_key()
    assert len(key) == 44
    assert key != new_key()
    assert check_keys((key,)) == []


@pytest.mark.parametrize(
    ("keys", "problems"),
    [
        ((), []),
        ((NEW, OLD), []),
        (("",), ["encryption key 1 has 0 bytes, 32 are needed"]),
        ((base64.b64encode(bytes(16)).decode(),), ["encryption key 1 has 16 bytes, 32 are needed"]),
        ((NEW, base64.b64encode(bytes(33)).decode()), ["encryption key 2 has 33 bytes, 32 are needed"]),
        ((OLD[:-1],), ["encryption key 1 is not base64"]),
        ((NEW, "no key", OLD + " "), ["encryption key 2 is not base64", "encryption key 3 is not base64"]),
        ((base64.urlsafe_b64encode(b"\xff" * 32).decode(),), ["encryption key 1 is not base64"]),
        ((NEW, OLD, NEW), ["encryption key 3 is the same as key 1"]),
    ],
)
def test_unusable_keys_are_named_by_position(keys, problems):
    assert check_keys(keys) == problems


def test_a_cipher_with_unusable_keys_is_refused():
    with pytest.raises(CipherError, match=r"^encryption key 2 is not base64; encryption key 3 is the same as key 1$"):
        Cipher((NEW, "no key", NEW))
