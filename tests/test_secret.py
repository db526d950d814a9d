"""API key secrets: what is handed out, stored, sent and compared."""

import base64

import pytest

from app.secret import authorization_value, hash_secret, matches, new_secret, split_authorization


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def test_secrets_are_32_random_bytes_without_a_colon():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    for secret in secrets:
        assert len(base64.urlsafe_b64decode(secret + "=")) == 32
        assert ":" not in secret


def test_the_stored_hash_is_the_base64_of_sha_256():
    # printf abc | openssl dgst -sha256 -binary | base64
    assert hash_secret("abc") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def test_the_authorization_value_is_the_base64_of_id_and_secret():
    assert authorization_value("worker", "s3cret") == "d29ya2VyOnMzY3JldA=="


@pytest.mark.parametrize("secret_id", ["worker", "team:worker:1", "Ärger", " "])
def test_an_authorization_value_is_split_at_its_last_colon(secret_id):
    assert split_authorization(authorization_value(secret_id, "s3cret")) == (secret_id, "s3cret")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "worker:s3cret",
        encoded("worker"),
        encoded(":s3cret"),
        encoded("worker:"),
        encoded(":"),
        encoded("work\0er:s3cret"),
        encoded(b"w\xff:s3cret"),
        encoded("worker:s3cret") + "\n",
        " " + encoded("worker:s3cret"),
        encoded("worker:s3cret").rstrip("="),
        encoded("worker:s3cret") + "====",
        "ä" + encoded("worker:s3cret"),
        "Bearer " + encoded("worker:s3cret"),
        base64.urlsafe_b64encode(b"??>:s3cret").decode(),
    ],
)
def test_a_malformed_authorization_value_has_no_parts(value):
    assert split_authorization(value) is None


def test_a_secret_matches_its_own_hash_only():
    stored = hash_secret("s3cret")
    assert matches("s3cret", stored)
    assert not matches("S3cret", stored)
    assert not matches("", stored)
    assert not matches("s3cret", "")
    assert not matches("s3cret", "ä")
    assert not matches("s3cret", "s3cret")
