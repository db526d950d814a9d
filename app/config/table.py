"""The table of all options: `Config` is read by it, and listed by it.

Options are environment variables, `BPMN_` and the upper-case field name unless the table says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app import options
from app.caller import Role
from app.redact import mask_password

LONGEST_NAME = 255
"""Characters of the ids of engines and API keys."""
BESIDE_REQUESTS = 4
"""Connections of a process that no request takes: of the executor, the leases of its tasks, probes, and a spare one."""
KEPT_DAYS = 30
"""Days that stay attached on PostgreSQL, unless it is said otherwise: history is looked for by the week and month."""


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
