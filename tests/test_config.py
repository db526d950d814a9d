import base64
import dataclasses
import os
from pathlib import Path

import pytest

from app import options
from app.caller import Role
from app.config import Config, ConfigError
from app.config.listing import listing, markdown
from app.config.table import BESIDE_REQUESTS, OPTIONS

KEY = base64.b64encode(b"k" * 32).decode()
OLD_KEY = base64.b64encode(b"o" * 32).decode()
POSTGRES = {"BPMN_DATABASE_URL": "postgresql://me:secret@db:5432/bpmn"}


def errors(**environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Config.from_env(environ)
    return caught.value.errors


def test_an_empty_environment_gives_the_defaults():
    assert Config.from_env({}) == Config()


def test_the_environment_of_the_process_is_used_by_default(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BPMN_ENGINE_ID", "from-process")
    assert Config.from_env().engine_id == "from-process"


def test_every_field_is_an_option():
    assert [option.field for option in OPTIONS] == [field.name for field in dataclasses.fields(Config)]


def test_names_follow_the_fields_but_for_the_basic_auth_pair():
    other = {option.name for option in OPTIONS if option.name != f"BPMN_{option.field.upper()}"}
    assert other == {f"BPMN_HTTP_BASIC_AUTH_{name}" for name in ("USERNAME", "PASSWORD", "ROLES")}


def test_the_basic_auth_pair_may_do_everything_unless_it_has_other_roles():
    assert Config.from_env({}).basic_auth_roles == {Role.ADMIN}
    assert Config.from_env({"BPMN_HTTP_BASIC_AUTH_ROLES": "reader, WORKER"}).basic_auth_roles == {
        Role.READER,
        Role.WORKER,
    }
    with pytest.raises(ConfigError, match="BPMN_HTTP_BASIC_AUTH_ROLES: must be a list of READER, WORKER"):
        Config.from_env({"BPMN_HTTP_BASIC_AUTH_ROLES": "root"})


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("DATABASE_URL", "sqlite:////var/lib/bpmn.db", "database_url", "sqlite:////var/lib/bpmn.db"),
        ("DATABASE_URL", "postgres://me@db/bpmn", "database_url", "postgresql+psycopg://me@db/bpmn"),
        (
            "DATABASE_URL",
            "postgresql://me@db/b?sslmode=require",
            "database_url",
            "postgresql+psycopg://me@db/b?sslmode=require",
        ),
        ("DATABASE_URL", "postgresql+psycopg://me@db/b", "database_url", "postgresql+psycopg://me@db/b"),
        ("DATABASE_URL", "postgresql://me:a/b@db:1/b", "database_url", "postgresql+psycopg://me:a/b@db:1/b"),
        ("DATABASE_URL", "postgresql://[::1]/b", "database_url", "postgresql+psycopg://[::1]/b"),
        ("DATABASE_POOL_SIZE", "25", "database_pool_size", 25),
        ("DATABASE_POOL_TIMEOUT", "500ms", "database_pool_timeout", 0.5),
        ("SQLITE_SYNCHRONOUS", "full", "sqlite_synchronous", "FULL"),
        ("MIGRATE_ON_START", "false", "migrate_on_start", False),
        ("TRANSACTION_TIMEOUT", "1m30s", "transaction_timeout", 90.0),
        ("DROP_PARTITION_ENABLED", "TRUE", "drop_partition_enabled", True),
        ("PARTITION_RETENTION_DAYS", "7", "partition_retention_days", 7),
        ("PARTITION_RETENTION_DAYS", "0", "partition_retention_days", None),
        ("ENCRYPTION_KEYS", "", "encryption_keys", ()),
        ("ENCRYPTION_KEYS", f"{KEY}, {OLD_KEY}", "encryption_keys", (KEY, OLD_KEY)),
        ("ENGINE_ID", "\N{SNOWMAN}" * 255, "engine_id", "\N{SNOWMAN}" * 255),
        ("TASK_EXECUTOR_ENABLED", "0", "task_executor_enabled", False),
        ("TASK_EXECUTOR_INTERVAL", "PT1M", "task_executor_interval", 60.0),
        ("TASK_EXECUTOR_LIMIT", "1000", "task_executor_limit", 1000),
        ("TASK_RETRY_LIMIT", "0", "task_retry_limit", 0),
        ("HTTP_BIND_ADDRESS", ":8080", "http_bind_address", "0.0.0.0:8080"),
        ("HTTP_BIND_ADDRESS", "[::1]:80", "http_bind_address", "[::1]:80"),
        ("AUTH_MODE", "none", "auth_mode", "none"),
        ("LOG_LEVEL", "debug", "log_level", "DEBUG"),
        ("LOG_FORMAT", "json", "log_format", "json"),
    ],
)
def test_an_option_sets_its_field(name: str, text: str, field: str, value: object):
    config = Config.from_env({f"BPMN_{name}": text})
    assert getattr(config, field) == value


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("DATABASE_URL", "mysql://db/bpmn", "must begin with sqlite:/// or postgresql://"),
        ("DATABASE_URL", "", "must begin with sqlite:/// or postgresql://"),
        ("DATABASE_URL", "sqlite://", "must name a file"),
        ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
        ("DATABASE_URL", "postgres://db/b?a=1&search_path=x", "use BPMN_DATABASE_SCHEMA"),
        ("DATABASE_URL", "postgres://db/b?pool_max_conns=3", "use BPMN_DATABASE_POOL_SIZE"),
        ("DATABASE_URL", "postgresql://me:secret@db:port/b", "must have a number as port, but has 'port'"),
        ("DATABASE_SCHEMA", "process_engine", "is for PostgreSQL; a SQLite database has no schemas"),
        (
            "DATABASE_DIRECT_URL",
            "postgresql://db/b",
            "is for PostgreSQL behind a pooler, but BPMN_DATABASE_URL is SQLite",
        ),
        ("DATABASE_DIRECT_URL", "sqlite:///b.db", "must begin with postgresql://"),
        ("DATABASE_SCHEMA", 'x"; drop', "must consist of lower-case letters, digits and _"),
        ("DATABASE_POOL_SIZE", "0", "must be a whole number from 1 to 1000, but is '0'"),
        ("SQLITE_SYNCHRONOUS", "OFF", "must be one of NORMAL, FULL, but is 'OFF'"),
        ("ENCRYPTION_KEYS", "c2hvcnQ=", "encryption key 1 has 5 bytes, 32 are needed"),
        ("ENCRYPTION_KEYS", f"{KEY},{KEY}", "encryption key 2 is the same as key 1"),
        ("ENGINE_ID", "", "must not be blank"),
        ("ENGINE_ID", " ", "must not be blank"),
        ("ENGINE_ID", "a" * 256, "must have at most 255 characters, but has 256"),
        ("ENGINE_ID", "a\udcff", "must be text in UTF-8"),
        ("HTTP_BASIC_AUTH_PASSWORD", "a\udcff", "must be text in UTF-8"),
        ("TASK_EXECUTOR_ENABLED", "maybe", "must be true or false, but is 'maybe'"),
        ("TASK_EXECUTOR_INTERVAL", "999ms", "must be a duration of at least 1s, but is '999ms'"),
        ("TASK_EXECUTOR_INTERVAL", "soon", "must be a duration such as 30s, 1m30s or PT1M, but is 'soon'"),
        ("TASK_EXECUTOR_LIMIT", "1001", "must be a whole number from 1 to 1000, but is '1001'"),
        ("TASK_EXECUTOR_LIMIT", "ten", "must be a whole number from 1 to 1000, but is 'ten'"),
        ("TASK_RETRY_LIMIT", "-1", "must be a whole number from 0 to 1000, but is '-1'"),
        ("HTTP_BIND_ADDRESS", "localhost", "must be HOST:PORT, but is 'localhost'"),
        ("HTTP_BIND_ADDRESS", "::1:80", "must be HOST:PORT, but is '::1:80'"),
        ("HTTP_BIND_ADDRESS", "localhost:65536", "must have a port from 0 to 65535"),
        ("AUTH_MODE", "basic", "must be one of required, none, but is 'basic'"),
    ],
)
def test_an_unusable_value_is_named(name: str, text: str, error: str):
    [found] = errors(**{f"BPMN_{name}": text})
    assert found.startswith(f"BPMN_{name}: ")
    assert error in found


def test_all_errors_are_listed_sorted_and_counted():
    with pytest.raises(ConfigError) as caught:
        Config.from_env({"BPMN_TASK_RETRY_LIMIT": "x", "BPMN_AUTH_MODE": "x", "BPMN_ENGINE_ID": ""})
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines[:-1]] == [
        "BPMN_AUTH_MODE",
        "BPMN_ENGINE_ID",
        "BPMN_TASK_RETRY_LIMIT",
    ]
    assert lines[-1] == "configuration has 3 error(s)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("30s", 30),
        ("1m30s", 90),
        ("1h2m3s", 3723),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("2d", 172800),
        ("90", 90),
        ("0.5", 0.5),
        ("0", 0),
        ("PT1M", 60),
        ("P1D", 86400),
        ("P1DT1H1M1.5S", 90061.5),
    ],
)
def test_durations_have_several_spellings(text: str, value: float):
    assert options.seconds(text) == value


@pytest.mark.parametrize("text", ["", " ", "s", "-1s", "1x", "P", "PT", "P1M", "P1Y", "1m 30s", "1e3", "9" * 50 + "s"])
def test_other_texts_are_no_durations(text: str):
    with pytest.raises(ValueError, match="must be a duration such as"):
        options.seconds(text)


def test_postgres_works_in_parallel_and_forgets_old_days_unless_told_otherwise():
    config = Config.from_env(POSTGRES)
    assert (config.http_workers, config.partition_retention_days) == (os.cpu_count(), 30)
    assert config.http_threads > Config().http_threads
    assert config.database_pool_size == config.connections
    told = Config.from_env(POSTGRES | {"BPMN_HTTP_WORKERS": "1", "BPMN_PARTITION_RETENTION_DAYS": "0"})
    assert (told.http_workers, told.partition_retention_days) == (1, None)


def test_there_are_connections_for_all_threads_and_what_runs_beside_them():
    assert Config().database_pool_size == Config.from_env({}).database_pool_size >= Config().connections
    assert Config.from_env({"BPMN_HTTP_THREADS": "20"}).database_pool_size >= 20 + BESIDE_REQUESTS


def test_fewer_connections_than_may_be_needed_are_warned_of():
    warnings: list[str] = []
    config = Config.from_env({"BPMN_HTTP_THREADS": "2", "BPMN_DATABASE_POOL_SIZE": "5"}, warn=warnings.append)
    assert config.database_pool_size == 5
    assert warnings == [
        "BPMN_DATABASE_POOL_SIZE is 5, but 2 threads and what runs beside them may need 6 connections at once: "
        "some will have to wait"
    ]
    Config.from_env({"BPMN_HTTP_THREADS": "2", "BPMN_DATABASE_POOL_SIZE": "6"}, warn=warnings.append)
    assert len(warnings) == 1


def test_secrets_can_come_from_files(tmp_path: Path):
    (tmp_path / "keys").write_text(f"{KEY}\n{OLD_KEY}\n")
    (tmp_path / "password").write_text(" with spaces \n")
    config = Config.from_env(
        {
            "BPMN_ENCRYPTION_KEYS_FILE": str(tmp_path / "keys"),
            "BPMN_HTTP_BASIC_AUTH_USERNAME": "test",
            "BPMN_HTTP_BASIC_AUTH_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )
    assert config.encryption_keys == (KEY, OLD_KEY)
    assert config.basic_auth_password == " with spaces "


def test_a_secret_has_one_source_which_can_be_read(tmp_path: Path):
    missing = str(tmp_path / "missing")
    assert "can't be read" in errors(BPMN_ENCRYPTION_KEYS_FILE=missing)[0]
    assert errors(BPMN_ENCRYPTION_KEYS_FILE=missing, BPMN_ENCRYPTION_KEYS=KEY) == [
        "BPMN_ENCRYPTION_KEYS: BPMN_ENCRYPTION_KEYS_FILE is set, too; only one of them can be"
    ]


@pytest.mark.parametrize(("given", "missing"), [("USERNAME", "PASSWORD"), ("PASSWORD", "USERNAME")])
def test_basic_auth_needs_both_halves(given: str, missing: str):
    [error] = errors(**{f"BPMN_HTTP_BASIC_AUTH_{given}": "test"})
    assert error.startswith(f"BPMN_HTTP_BASIC_AUTH_{missing}: is required")


@pytest.mark.parametrize(
    ("alias", "text", "field", "value"),
    [
        ("GO_BPMN_PG_DATABASE_URL", "postgres://db/b", "database_url", "postgresql+psycopg://db/b"),
        ("GO_BPMN_ENCRYPTION_KEYS", KEY, "encryption_keys", (KEY,)),
        ("GO_BPMN_ENGINE_ID", "old", "engine_id", "old"),
        ("GO_BPMN_TASK_EXECUTOR_ENABLED", "false", "task_executor_enabled", False),
        ("GO_BPMN_TASK_EXECUTOR_INTERVAL", "1m0s", "task_executor_interval", 60.0),
        ("GO_BPMN_TASK_EXECUTOR_LIMIT", "5", "task_executor_limit", 5),
        ("GO_BPMN_TASK_RETRY_LIMIT", "2", "task_retry_limit", 2),
        ("GO_BPMN_SET_TIME_ENABLED", "true", "set_time_enabled", True),
        ("GO_BPMN_HTTP_BIND_ADDRESS", "0.0.0.0:80", "http_bind_address", "0.0.0.0:80"),
    ],
)
def test_a_name_of_the_reference_is_accepted_with_a_warning(
    caplog: pytest.LogCaptureFixture, alias: str, text: str, field: str, value: object
):
    assert getattr(Config.from_env({alias: text}), field) == value
    assert f"{alias} is deprecated, use BPMN_" in caplog.text


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("BPMN_DATABASE_ULR", ": did you mean BPMN_DATABASE_URL?"),
        ("BPMN_ENCRYPTION_KEY_FILE", ": did you mean BPMN_ENCRYPTION_KEYS_FILE?"),
        ("BPMN_HTTP_BASIC_AUTH_USERNAME_FILE", ": did you mean BPMN_HTTP_BASIC_AUTH_USERNAME?"),
        ("GO_BPMN_DATABASE_URL", ": did you mean BPMN_DATABASE_URL?"),
        ("BPMN_X", ""),
    ],
)
def test_a_name_that_is_no_option_is_warned_of_with_the_nearest_one(name: str, hint: str):
    warnings: list[str] = []
    assert Config.from_env({name: "x"}, warn=warnings.append) == Config()
    assert warnings == [f"{name} is not an option{hint}"]


def test_no_name_that_has_an_effect_is_warned_of(tmp_path: Path):
    warnings: list[str] = []
    shown = {line.name: line.value for line in listing(Config())}
    (tmp_path / "keys").write_text(KEY)
    shown["BPMN_ENCRYPTION_KEYS_FILE"] = str(tmp_path / "keys")
    del shown["BPMN_ENCRYPTION_KEYS"]
    others = {"BPMN_TEST_PROFILE": "full", "HOME": "/", "TEST_DATABASE_URL": "postgresql://"}
    Config.from_env(shown | others, warn=warnings.append)
    assert warnings == []


def test_a_schema_has_a_name_on_postgresql():
    assert Config.from_env(POSTGRES | {"BPMN_DATABASE_SCHEMA": "process_engine"}).database_schema == "process_engine"


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"BPMN_DATABASE_SCHEMA": "process_engine"}, "ALTER ROLE ... SET search_path"),
        ({"BPMN_DATABASE_URL": "postgresql://pool/b?options=-c%20jit%3Doff"}, "can't have options where a pooler"),
    ],
)
def test_what_needs_a_session_is_refused_behind_a_pooler(given: dict[str, str], error: str):
    pooled = {"BPMN_DATABASE_URL": "postgresql://pool/b", "BPMN_DATABASE_DIRECT_URL": "postgresql://me:topsecret@db/b"}
    config = Config.from_env(pooled)
    assert config.database_direct_url == "postgresql+psycopg://me:topsecret@db/b"
    assert "topsecret" not in repr(config) + str(listing(config))
    with pytest.raises(ConfigError) as caught:
        Config.from_env(pooled | given)
    assert error in str(caught.value)


def test_the_new_name_wins_over_the_old_one():
    config = Config.from_env({"GO_BPMN_ENGINE_ID": "old", "BPMN_ENGINE_ID": "new"})
    assert config.engine_id == "new"


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.8.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        (":1", False),
        ("10.0.0.1:1", False),
        ("example.org:1", False),
    ],
)
def test_a_loopback_address_is_recognized(address: str, loopback: bool):
    assert Config.from_env({"BPMN_HTTP_BIND_ADDRESS": address}).binds_loopback is loopback


def test_no_secret_is_shown():
    environ = POSTGRES | {
        "BPMN_ENCRYPTION_KEYS": KEY,
        "BPMN_HTTP_BASIC_AUTH_USERNAME": "me",
        "BPMN_HTTP_BASIC_AUTH_PASSWORD": "secret",
    }
    config = Config.from_env(environ)
    shown = {line.name: line.value for line in listing(config)}
    assert shown["BPMN_DATABASE_URL"] == "postgresql+psycopg://me:***@db:5432/bpmn"
    assert shown["BPMN_ENCRYPTION_KEYS"] == shown["BPMN_HTTP_BASIC_AUTH_PASSWORD"] == "***"
    for text in (str(shown), repr(config)):
        assert "secret" not in text
        assert KEY not in text


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://db/b?user=me&password=secret&x=1", "postgresql+psycopg://db/b?user=me&password=***&x=1"),
        ("postgresql://me:se@cr:et@db/b", "postgresql+psycopg://me:***@db/b"),
        ("postgresql://me@db/b", "postgresql+psycopg://me@db/b"),
    ],
)
def test_the_password_of_the_database_is_masked_wherever_it_stands(url: str, masked: str):
    [line] = [line for line in listing(Config.from_env({"BPMN_DATABASE_URL": url})) if line.name == "BPMN_DATABASE_URL"]
    assert line.value == masked


def test_what_is_shown_of_an_option_can_be_set_again():
    shown = {line.name: line.value for line in listing(Config())}
    assert Config.from_env(shown) == Config()


def test_the_table_for_documents_has_a_row_for_every_option():
    rows = markdown().splitlines()
    assert len(rows) == len(OPTIONS) + 2
    assert all(row.count("|") == 4 for row in rows)
