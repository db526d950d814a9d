"""What an operator can set, what goes together, and where it comes from: the environment, which is read here only."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from app.caller import Role
from app.config.reader import Reader
from app.config.table import BESIDE_REQUESTS, KEPT_DAYS, OPTIONS

logger = logging.getLogger(__name__)


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
        reader = Reader(os.environ if environ is None else environ, warn)
        reader.warn_of_unknown_names()
        values = {option.field: value for option in OPTIONS for value in reader.read(option)}
        errors = reader.errors + _errors_between(values)
        if errors:
            raise ConfigError(errors)
        config = cls(**defaults_by_others(values) | values)
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


def defaults_by_others(values: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults that depend on other options.

    PostgreSQL works for several processes at once, is waited for by more threads, and has data that comes and goes by
    day.
    """
    defaults: dict[str, Any] = {}
    if not values.get("database_url", default_of("database_url")).startswith("sqlite"):
        defaults = {"http_workers": os.cpu_count() or 1, "http_threads": 8, "partition_retention_days": KEPT_DAYS}
    threads: int = {"http_threads": default_of("http_threads"), **defaults, **values}["http_threads"]
    return {**defaults, "database_pool_size": threads + BESIDE_REQUESTS}


def _errors_between(values: Mapping[str, Any]) -> list[str]:
    errors = []
    username, password = "BPMN_HTTP_BASIC_AUTH_USERNAME", "BPMN_HTTP_BASIC_AUTH_PASSWORD"
    if bool(values.get("basic_auth_username")) != bool(values.get("basic_auth_password")):
        missing = password if values.get("basic_auth_username") else username
        errors.append(f"{missing}: is required, since the other half of the pair is set")
    if values.get("database_schema") and values.get("database_url", default_of("database_url")).startswith("sqlite"):
        errors.append("BPMN_DATABASE_SCHEMA: is for PostgreSQL; a SQLite database has no schemas")
    if values.get("database_direct_url"):
        errors += _errors_of_pooler(values)
    return errors


def _errors_of_pooler(values: Mapping[str, Any]) -> list[str]:
    """What does not go together with a pooler that gives each transaction a session."""
    errors = []
    if values.get("database_url", default_of("database_url")).startswith("sqlite"):
        errors.append("BPMN_DATABASE_DIRECT_URL: is for PostgreSQL behind a pooler, but BPMN_DATABASE_URL is SQLite")
    if re.search(r"[?&]options=", values.get("database_url", "")):
        errors.append("BPMN_DATABASE_URL: can't have options where a pooler stands between; set them at the role")
    if values.get("database_schema"):
        hint = "set the search path at the role instead: ALTER ROLE ... SET search_path = ..."
        errors.append(f"BPMN_DATABASE_SCHEMA: can't be used where a pooler stands between; {hint}")
    return errors


def default_of(name: str) -> Any:
    """Of a field of `Config`."""
    return next(each.default for each in fields(Config) if each.name == name)
