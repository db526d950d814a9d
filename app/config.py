"""What an operator can set: the options, their checks, and where each comes from.

`OPTIONS` is the one table of all options: `Config.from_env` reads by it, `listing` and `markdown` print by it. Options
are environment variables, `BPMN_` and the upper-case field name unless the table says otherwise.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from app import options
from app.caller import Role

logger = logging.getLogger(__name__)

LONGEST_NAME = 255
"""Characters of the ids of engines and API keys."""
BESIDE_REQUESTS = 4
"""Connections of a process that no request takes: of the executor, the leases of its tasks, probes, and a spare one."""
KEPT_DAYS = 30
"""Days that stay attached on PostgreSQL, unless it is said otherwise: history is looked for by the week and month."""
FOR_TESTS = "BPMN_TEST_"
"""How names begin that belong to the tests of this project."""
OF_CLIENTS = frozenset(
    f"BPMN_{name}" for name in ("URL", "AUTHORIZATION", "USERNAME", "PASSWORD", "WORKER_ID", "CA_FILE", "PROFILE")
)
"""Variables that clients of a service read, which may run beside it."""


class ConfigError(Exception):
    """The environment is unusable; `errors` has one sentence per option, sorted."""

    def __init__(self, errors: list[str]) -> None:
        self.errors = sorted(errors)
        super().__init__("\n".join([*self.errors, f"configuration has {len(errors)} error(s)"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one service process. Durations are seconds, sizes are bytes."""

    database_url: str = field(default="sqlite:///bpmn.db", repr=False)
    """As SQLAlchemy takes it: `sqlite:///...` or `postgresql+psycopg://...`."""
    database_direct_url: str = field(default="", repr=False)
    """Of the same database without a pooler between; empty where there is none."""
    database_schema: str = ""
    database_pool_size: int = 4 + BESIDE_REQUESTS
    database_pool_timeout: float = 10.0
    sqlite_synchronous: str = "NORMAL"
    migrate_on_start: bool = True
    transaction_timeout: float = 30.0
    audit_retention_days: int | None = 365
    """None keeps it for ever."""
    drop_partition_enabled: bool = False
    message_unique_retention: float = 86400.0
    idempotency_hours: int = 24
    partition_ahead_days: int = 2
    partition_retention_days: int | None = None
    """None keeps all partitions attached for ever."""
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    engine_id: str = "default-engine"
    task_executor_enabled: bool = True
    task_executor_interval: float = 60.0
    task_executor_limit: int = 25
    task_lock_timeout: float = 60.0
    task_retry_limit: int = 0
    job_lock_timeout: float = 0.0
    """0 locks without a lease, unless the worker asks for one."""
    set_time_enabled: bool = False
    test_operations: bool = False
    xml_timers: bool = True
    expressions: str = "WORKER"
    default_query_limit: int = 1000
    max_query_limit: int = 100_000
    query_timeout: float = 2.0
    count_limit: int = 100_000
    http_bind_address: str = "127.0.0.1:8080"
    http_workers: int = 1
    http_threads: int = 4
    http_waiters: int = 256
    long_poll_max: float = 30.0
    http_keep_alive: float = 60.0
    http_request_timeout: float = 10.0
    http_max_body: int = 1024 * 1024
    shutdown_delay: float = 5.0
    shutdown_grace: float = 30.0
    auth_mode: str = "required"
    basic_auth_username: str = ""
    basic_auth_password: str = field(default="", repr=False)
    basic_auth_roles: frozenset[Role] = frozenset({Role.ADMIN})
    api_key_cache_ttl: float = 10.0
    api_keys_over_http: bool = True
    docs_public: bool = True
    log_level: str = "INFO"
    log_format: str = "text"
    log_requests: bool = True
    log_errors: bool = True
    metrics_enabled: bool = False
    metrics_public: bool = False
    metrics_directory: str = ""

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def connections(self) -> int:
        """How many connections one process may need at once."""
        return self.http_threads + BESIDE_REQUESTS

    @property
    def has_basic_auth(self) -> bool:
        return bool(self.basic_auth_username)

    @property
    def binds_loopback(self) -> bool:
        """Whether only this machine can reach the bind address."""
        host = self.http_bind_address.rpartition(":")[0].strip("[]")
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, *, warn: Callable[[str], object] = logger.warning
    ) -> Config:
        """The configuration in `environ`, by default that of the process. Raises `ConfigError` with all errors.

        `warn` is told of names that are deprecated or unknown.
        """
        reader = _Reader(os.environ if environ is None else environ, warn)
        reader.warn_of_unknown_names()
        values = {option.field: value for option in OPTIONS for value in reader.read(option)}
        errors = reader.errors + _errors_between(values)
        if errors:
            raise ConfigError(errors)
        config = cls(**_defaults_by_others(values) | values)
        if config.database_pool_size < config.connections:
            warn(
                f"BPMN_DATABASE_POOL_SIZE is {config.database_pool_size}, but {config.http_threads} threads and what "
                f"runs beside them may need {config.connections} connections at once: some will have to wait"
            )
        return config


def share_metrics(folder: str) -> None:
    """Has prometheus_client, which is to be imported after this, count in files of the folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder


def inherits_sockets() -> bool:
    """Whether whoever started this process has bound the sockets for it: systemd, or a gunicorn that gives way."""
    return "LISTEN_FDS" in os.environ or "GUNICORN_FD" in os.environ


def _defaults_by_others(values: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults that depend on other options.

    PostgreSQL works for several processes at once, is waited for by more threads, and has data that comes and goes by
    day.
    """
    defaults: dict[str, Any] = {}
    if not values.get("database_url", _default("database_url")).startswith("sqlite"):
        defaults = {"http_workers": os.cpu_count() or 1, "http_threads": 8, "partition_retention_days": KEPT_DAYS}
    threads: int = {"http_threads": _default("http_threads"), **defaults, **values}["http_threads"]
    return {**defaults, "database_pool_size": threads + BESIDE_REQUESTS}


def _errors_between(values: Mapping[str, Any]) -> list[str]:
    errors = []
    username, password = "BPMN_HTTP_BASIC_AUTH_USERNAME", "BPMN_HTTP_BASIC_AUTH_PASSWORD"
    if bool(values.get("basic_auth_username")) != bool(values.get("basic_auth_password")):
        missing = password if values.get("basic_auth_username") else username
        errors.append(f"{missing}: is required, since the other half of the pair is set")
    if values.get("database_schema") and values.get("database_url", _default("database_url")).startswith("sqlite"):
        errors.append("BPMN_DATABASE_SCHEMA: is for PostgreSQL; a SQLite database has no schemas")
    if values.get("database_direct_url"):
        errors += _errors_of_pooler(values)
    return errors


def _errors_of_pooler(values: Mapping[str, Any]) -> list[str]:
    """What does not go together with a pooler that gives each transaction a session."""
    errors = []
    if values.get("database_url", _default("database_url")).startswith("sqlite"):
        errors.append("BPMN_DATABASE_DIRECT_URL: is for PostgreSQL behind a pooler, but BPMN_DATABASE_URL is SQLite")
    if re.search(r"[?&]options=", values.get("database_url", "")):
        errors.append("BPMN_DATABASE_URL: can't have options where a pooler stands between; set them at the role")
    if values.get("database_schema"):
        hint = "set the search path at the role instead: ALTER ROLE ... SET search_path = ..."
        errors.append(f"BPMN_DATABASE_SCHEMA: can't be used where a pooler stands between; {hint}")
    return errors


class _Reader:
    """Takes the texts of options out of an environment, and keeps the errors."""

    def __init__(self, environ: Mapping[str, str], warn: Callable[[str], object]) -> None:
        self._environ = environ
        self._warn = warn
        self.errors: list[str] = []

    def warn_of_unknown_names(self) -> None:
        """A misspelt name would else leave an option at its default without a word."""
        current = [name for option in OPTIONS for name in option.names]
        for name in sorted(set(self._environ) - {*current, *(option.alias for option in OPTIONS), *OF_CLIENTS}):
            if name.startswith(("BPMN_", "GO_BPMN_")) and not name.startswith(FOR_TESTS):
                nearest = get_close_matches(name.removeprefix("GO_"), current, 1, cutoff=0.75)
                self._warn(f"{name} is not an option{f': did you mean {nearest[0]}?' if nearest else ''}")

    def read(self, option: Option) -> Iterator[Any]:
        """Yields the option's value, or nothing when it is not set or has an error."""
        name, text = self._find(option)
        if text is None:
            return
        try:
            # Bytes of an environment that are no text arrive as lone surrogates, which can be neither kept nor sent.
            text.encode()
            yield option.parse(text)
        except UnicodeEncodeError:
            self.errors.append(f"{name}: must be text in UTF-8")
        except ValueError as error:
            self.errors.append(f"{name}: {error}")

    def _find(self, option: Option) -> tuple[str, str | None]:
        if option.from_file and option.name + "_FILE" in self._environ:
            return option.name + "_FILE", self._content(option)
        if option.name in self._environ:
            return option.name, self._environ[option.name]
        if option.alias in self._environ:
            self._warn(f"{option.alias} is deprecated, use {option.name}")
            return option.alias, self._environ[option.alias]
        return option.name, None

    def _content(self, option: Option) -> str | None:
        if option.name in self._environ:
            self.errors.append(f"{option.name}: {option.name}_FILE is set, too; only one of them can be")
            return None
        try:
            return Path(self._environ[option.name + "_FILE"]).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.errors.append(f"{option.name}_FILE: can't be read: {error}")
            return None


def mask_password(url: str) -> str:
    """`url` without the password, be it before the host or a parameter."""
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url))


def _mask(value: object) -> str:
    return "***" if value else ""


def _show(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}s"
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the table of options."""

    field: str
    """The field of `Config`."""
    parse: Callable[[str], Any]
    """Raises `ValueError` with the rest of a sentence that begins with the name of the option."""
    description: str
    default: str = ""
    """In words, where the field's own default does not tell all."""
    variable: str = ""
    show: Callable[[Any], str] = _show
    from_file: bool = False
    """Whether the name followed by `_FILE` is accepted: a file that contains the value."""
    alias: str = ""
    """A name that is still accepted, with a warning."""

    @property
    def name(self) -> str:
        return "BPMN_" + (self.variable or self.field.upper())

    @property
    def names(self) -> tuple[str, ...]:
        """All variables that set it, but for the alias."""
        return (self.name, self.name + "_FILE") if self.from_file else (self.name,)


OPTIONS = (
    Option(
        "database_url",
        options.database_url,
        "Database to use: sqlite:///FILE, sqlite:////ABSOLUTE/FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME",
        show=mask_password,
        from_file=True,
        alias="GO_BPMN_PG_DATABASE_URL",
    ),
    Option(
        "database_direct_url",
        options.postgres_url_or_nothing,
        "The same database without a pooler between, to be set where BPMN_DATABASE_URL leads to one that gives each "
        "transaction a session, such as PgBouncer",
        show=mask_password,
        from_file=True,
    ),
    Option(
        "database_schema", options.schema_name, "PostgreSQL schema of all tables; empty is the search path of the user"
    ),
    Option(
        "database_pool_size",
        options.whole_number(1, 1000),
        "Most connections of one worker process; with fewer than the default, some requests wait for one",
        default=f"{BESIDE_REQUESTS} more than BPMN_HTTP_THREADS",
    ),
    Option("database_pool_timeout", options.duration_of_at_least(0), "How long a request waits for a free connection"),
    Option(
        "sqlite_synchronous",
        options.choice("NORMAL", "FULL"),
        "SQLite durability. NORMAL survives a crash of the service; FULL a power failure, too, and is slower",
    ),
    Option("migrate_on_start", options.flag, "Whether the service migrates the database; else run `py-bpmn migrate`"),
    Option("transaction_timeout", options.duration_of_at_least(1), "How long one operation may take in the database"),
    Option(
        "audit_retention_days",
        options.days_or_ever,
        "For how many days it is kept what operators have done; 0 keeps it for ever",
        show=lambda value: str(value or 0),
    ),
    Option(
        "drop_partition_enabled",
        options.flag,
        "Whether partitions (days) of ended instances are deleted, once detached",
    ),
    Option(
        "message_unique_retention",
        options.duration_of_at_least(0),
        "How long a message with a unique key is kept, and repeats of it are recognized, once it has expired or was "
        "consumed",
        default="1d",
    ),
    Option(
        "idempotency_hours",
        options.whole_number(1, 8760),
        "How many hours at least a request with an Idempotency-Key is remembered, and a repetition of it answered like "
        "the first one",
    ),
    Option("partition_ahead_days", options.whole_number(1, 365), "How many days in advance partitions are created"),
    Option(
        "partition_retention_days",
        options.days_or_ever,
        "After how many days partitions without open instances are detached; 0 keeps them for ever",
        default=f"{KEPT_DAYS} on PostgreSQL, 0 on SQLite",
        show=lambda value: str(value or 0),
    ),
    Option(
        "encryption_keys",
        options.encryption_keys,
        "Keys (base64, 32 bytes each) for variables, comma separated, the newest first; the first one encrypts",
        show=_mask,
        from_file=True,
        alias="GO_BPMN_ENCRYPTION_KEYS",
    ),
    Option(
        "engine_id",
        options.name_of_at_most(LONGEST_NAME),
        "Name of this engine as author of what it executes",
        alias="GO_BPMN_ENGINE_ID",
    ),
    Option(
        "task_executor_enabled",
        options.flag,
        "Whether due tasks (timers, joins, ...) are executed in the background",
        alias="GO_BPMN_TASK_EXECUTOR_ENABLED",
    ),
    Option(
        "task_executor_interval",
        options.duration_of_at_least(1),
        "Longest pause between two looks for due tasks",
        alias="GO_BPMN_TASK_EXECUTOR_INTERVAL",
    ),
    Option(
        "task_executor_limit",
        options.whole_number(1, 1000),
        "Most tasks that are locked and executed at once",
        alias="GO_BPMN_TASK_EXECUTOR_LIMIT",
    ),
    Option(
        "task_lock_timeout",
        options.duration_of_at_least(1),
        "How long a task stays locked by a process that has died or lost its database, before others execute it",
    ),
    Option(
        "task_retry_limit",
        options.whole_number(0, 1000),
        "How often a failed task is repeated before it becomes an incident",
        alias="GO_BPMN_TASK_RETRY_LIMIT",
    ),
    Option(
        "job_lock_timeout",
        options.duration_or_zero(1),
        "How long jobs stay locked for workers that do not say so themselves (`lockTimeout`), before others can have "
        "them; with 0 until they are completed or unlocked",
    ),
    Option(
        "set_time_enabled",
        options.flag,
        "Whether engine time can be moved by PATCH /time; for tests only",
        alias="GO_BPMN_SET_TIME_ENABLED",
    ),
    Option(
        "test_operations",
        options.flag,
        "Whether POST /testing/reset empties the database, on SQLite only; for tests only",
    ),
    Option(
        "xml_timers",
        options.flag,
        "Whether timer definitions in BPMN files are used; else only those given at creation",
    ),
    Option(
        "expressions",
        options.choice("WORKER", "ENGINE"),
        "Who evaluates the expressions of processes that are deployed without saying so: WORKER asks workers by jobs, "
        "ENGINE has the engine evaluate them",
    ),
    Option("default_query_limit", options.whole_number(1, 100_000), "Most results of a query that names no limit"),
    Option(
        "max_query_limit", options.whole_number(1, 2**31 - 1), "Most results of any query; a larger limit is refused"
    ),
    Option(
        "query_timeout",
        options.duration_of_at_least(0.1),
        "How long a query by order, cursor, total or the criteria beside them may take, before it is refused",
    ),
    Option("count_limit", options.whole_number(1, 2**31 - 2), "Up to how many results a query with a total counts"),
    Option(
        "http_bind_address",
        options.bind_address,
        "HOST:PORT to listen on; an empty host means all addresses",
        alias="GO_BPMN_HTTP_BIND_ADDRESS",
    ),
    Option(
        "http_workers",
        options.whole_number(1, 256),
        "Worker processes. Several work on SQLite, too, but wait for one another to write",
        default="one per core on PostgreSQL, 1 on SQLite",
    ),
    Option(
        "http_threads",
        options.whole_number(1, 256),
        "Threads of each worker process: requests that are served at once",
        default="8 on PostgreSQL, 4 on SQLite",
    ),
    Option(
        "http_waiters",
        options.whole_number(0, 10_000),
        "Requests of each worker process that may wait, as by `waitTimeout`; more are answered at once",
    ),
    Option(
        "long_poll_max",
        options.duration_of_at_least(0),
        "Longest `waitTimeout`; one that is longer is taken as this one",
    ),
    Option("http_keep_alive", options.duration_of_at_least(1), "How long an idle connection stays open"),
    Option(
        "http_request_timeout",
        options.duration_of_at_least(0.1),
        "How long a client may take to send a request, and to take more of an answer",
    ),
    Option("http_max_body", options.whole_number(1024, 1024**3), "Largest request body in bytes"),
    Option(
        "shutdown_delay",
        options.duration_of_at_least(0),
        "How long a service that is told to stop (SIGTERM) still serves, with a readiness that keeps new requests away",
    ),
    Option(
        "shutdown_grace", options.duration_of_at_least(1), "How long running requests may take when the service stops"
    ),
    Option(
        "auth_mode",
        options.choice("required", "none"),
        "`none` serves without authentication: on loopback addresses only, and no request that came through a proxy",
    ),
    Option(
        "basic_auth_username",
        options.username,
        "User name for basic authentication, beside API keys",
        variable="HTTP_BASIC_AUTH_USERNAME",
        alias="GO_BPMN_HTTP_BASIC_AUTH_USERNAME",
    ),
    Option(
        "basic_auth_password",
        options.any_text,
        "Password for basic authentication",
        variable="HTTP_BASIC_AUTH_PASSWORD",
        show=_mask,
        from_file=True,
        alias="GO_BPMN_HTTP_BASIC_AUTH_PASSWORD",
    ),
    Option(
        "basic_auth_roles",
        options.roles,
        "Roles of the user name for basic authentication, comma separated: READER, WORKER, OPERATOR or ADMIN",
        variable="HTTP_BASIC_AUTH_ROLES",
        show=lambda value: ",".join(role.value for role in Role if role in value),
    ),
    Option("api_key_cache_ttl", options.duration_of_at_least(0), "How long a revoked API key may still be accepted"),
    Option(
        "api_keys_over_http",
        options.flag,
        "Whether API keys are made and revoked by requests of ADMIN, too; else by `py-bpmn api-key` only",
    ),
    Option("docs_public", options.flag, "Whether /docs and /openapi.json are served without authentication"),
    Option("log_level", options.choice("DEBUG", "INFO", "WARNING", "ERROR"), "Least level of log messages"),
    Option("log_format", options.choice("text", "json"), "Format of log messages"),
    Option("log_requests", options.flag, "Whether there is a line in the log for each request, but for probes"),
    Option(
        "log_errors",
        options.flag,
        "Whether the log tells of an incident by what error it was caused: one line, without what looks like a value",
    ),
    Option("metrics_enabled", options.flag, "Whether /metrics is there for Prometheus; what is counted costs a little"),
    Option("metrics_public", options.flag, "Whether /metrics is served without authentication"),
    Option(
        "metrics_directory",
        options.any_text,
        "Folder in which worker processes count together, best in memory; it is emptied at the start",
        default="a new temporary one under `py-bpmn serve`, else empty: each process counts for itself",
    ),
)


class Line(NamedTuple):
    """An option as it is listed; secrets are masked."""

    name: str
    value: str
    default: str
    description: str


def _default(name: str) -> Any:
    return next(each.default for each in fields(Config) if each.name == name)


def listing(config: Config) -> list[Line]:
    """All options with the values of `config`."""
    return [
        Line(
            option.name,
            option.show(getattr(config, option.field)),
            option.default or option.show(_default(option.field)),
            option.description + (f" (or {option.name}_FILE)" if option.from_file else ""),
        )
        for option in OPTIONS
    ]


def changed(config: Config) -> dict[str, str]:
    """The options of `config` that are not at the defaults of its database, as they are listed; without its address."""
    usual = Config(database_url=config.database_url, **_defaults_by_others({"database_url": config.database_url}))
    return {
        option.name: option.show(getattr(config, option.field))
        for option in OPTIONS
        if getattr(config, option.field) != getattr(usual, option.field) and option.field != "database_url"
    }


def version() -> str:
    """The version of py-bpmn that is installed; "unknown" where it is run without an installation."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("py-bpmn-server")
    except PackageNotFoundError:
        return "unknown"


def markdown() -> str:
    """The table of options for the guide: name, default and description."""
    rows = [f"| `{line.name}` | {line.default} | {line.description} |" for line in listing(Config())]
    return "\n".join(["| Option | Default | Meaning |", "| --- | --- | --- |", *rows])
