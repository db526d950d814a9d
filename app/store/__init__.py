"""Where everything is kept: one store of truth on SQLite or PostgreSQL."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, make_url

from app import caller
from app.clock import Clock, SystemClock
from app.config import Config
from app.criteria import (
    Criteria,
    IncidentCriteria,
    IncidentGroup,
    InstanceCount,
    Page,
    Paging,
    ProcessInstanceCriteria,
    Statistics,
    StatisticsCriteria,
)
from app.engine.graph import Graph
from app.engine.records import Job, ProcessInstance
from app.engine.waiting import Situation
from app.errors import EngineError, StartError
from app.store import backup, graphs, keys, nodes, schema
from app.store.audit import PURGE, PURGED_AT_ONCE
from app.store.claims import Claims
from app.store.counts import Counts
from app.store.dialect import Dialect, Ear, Execution, Row, Session
from app.store.elements import Elements
from app.store.emptying import EMPTIED
from app.store.facts import Facts, FactStatements
from app.store.graphs import GraphMissing, Graphs, ProcessGone, Stored
from app.store.group import Group, GroupStatements
from app.store.happened import Asked, Outstanding
from app.store.history import Histories
from app.store.keys import ALL, BY_SECRET_ID, ApiKey, read_key
from app.store.nodes import Node
from app.store.query import Bounds, Queries
from app.store.removal import RemovalStatements
from app.store.save import AssumedWrongly, Saver
from app.store.schema import Migrated, Schema, head_revision
from app.store.scope import Scoped
from app.store.situation import Situations
from app.store.statistics import StatisticStatements
from app.store.transaction import Transaction
from app.store.trouble import Guard, Outages, TroubleKind

__all__ = [
    "ApiKey",
    "AssumedWrongly",
    "Ear",
    "Facts",
    "GraphMissing",
    "Migrated",
    "Node",
    "ProcessGone",
    "Schema",
    "Store",
    "Transaction",
    "back_up",
    "find_schema",
    "head_revision",
    "migrate",
    "migrating",
    "open_store",
    "usable",
]

logger = logging.getLogger(__name__)

R = TypeVar("R")


class Store:
    """What is here raises EngineError UNAVAILABLE for the database's trouble; `begin` leaves that to `reach`."""

    def __init__(
        self,
        dialect: Dialect,
        transaction_timeout: float = 30.0,
        *,
        bounds: Bounds | None = None,
        quiet: bool = False,
    ) -> None:
        self._dialect = dialect
        self._bounds = bounds or Bounds()
        self._guard = Guard(dialect, transaction_timeout, quiet=quiet)
        self._guard.on_retry = self._retried
        self.on_retry: Callable[[], None] | None = None
        """Told each time that something is repeated after a conflict in the database, or a lost connection."""
        self._saver = Saver(dialect)
        self._claims = Claims(dialect)
        self._queries = Queries(dialect)
        self._counts = Counts(dialect)
        self._statistics = StatisticStatements(dialect)
        self._situations = Situations(dialect)
        self._histories = Histories(dialect)
        self._group_statements = GroupStatements(dialect)
        self._scoped = Scoped(dialect)
        self._removal = RemovalStatements(dialect)
        self._note_use = keys.note_use(dialect)
        self._outstanding = Outstanding(dialect)
        self._facts = FactStatements(dialect)
        self._graphs = Graphs()
        self._elements = Elements(dialect)
        self._days: set[date] = set()
        self._days_lock = threading.Lock()

    def _retried(self) -> None:
        if self.on_retry:
            self.on_retry()

    def tell_of_outages(self) -> None:
        """Logs them from now on; those that were kept quiet are forgotten."""
        self._guard.outages = Outages()

    @property
    def clock(self) -> Clock:
        """The one that all processes on the database agree on."""
        return self._dialect.clock

    def reach(self, do: Callable[[], R]) -> R:
        """What `do` returns, which uses transactions of this store; repeated where it has changed nothing."""
        return self._guard.reach(do)

    def written(self, began: float) -> None:
        """Something that began at that (monotonic) time was committed, so the database can be written to."""
        self._guard.outages.written(began)

    def begin(self, loaded: Mapping[int, Graph] | None = None) -> Transaction:
        """One command's transaction, as a context manager; `loaded` are the graphs that it has missed before."""
        return Transaction(
            self._dialect.session(),
            self._dialect,
            self._saver,
            self._claims,
            self._graphs,
            self._elements,
            self.ensure_days,
            loaded or {},
            self._scoped,
            self._removal,
        )

    def begin_group(self, loaded: Mapping[int, Graph]) -> Group:
        """One transaction of several commands, like `begin`."""
        return Group(
            self._group_statements,
            self._dialect.session(),
            self._dialect,
            self._saver,
            self._claims,
            self._graphs,
            self._elements,
            self.ensure_days,
            loaded,
            self._scoped,
            self._removal,
        )

    def is_away(self, error: BaseException) -> bool:
        """Whether `error` says that the database can't be had or used at all, whoever asks for what."""
        trouble = self._dialect.trouble(error)
        return trouble is not None and not (trouble.kind is TroubleKind.BUSY and self._dialect.retryable(error))

    def load_graph(self, process_id: int) -> Graph:
        """The graph of a process version that exists; takes its time for a large one."""
        return self._graphs.load(process_id, self._read_graph)

    def describe(self, records: Iterable[Any]) -> None:
        """Has the jobs among the records know their elements; each process version is loaded once.

        What can't be loaded now is left out: a worker has locked its jobs already, and must get them.
        """
        nodes: dict[int, Graph | None] = {}
        for record in records:
            if not isinstance(record, Job) or record.node is not None:
                continue
            if record.process_id not in nodes:
                nodes[record.process_id] = self._graph_if_possible(record.process_id)
            graph = nodes[record.process_id]
            record.node = graph.node(record.element_id) if graph else None

    def _graph_if_possible(self, process_id: int) -> Graph | None:
        try:
            return self.load_graph(process_id)
        except Exception:
            logger.warning("jobs are shown without what their process %d says", process_id, exc_info=True)
            return None

    def _read_graph(self, process_id: int) -> Stored:
        def read() -> Stored:
            with self._dialect.engine.connect() as connection:
                return graphs.read(connection, process_id)

        return self.reach(read)

    def query(self, criteria: Criteria, now: datetime, offset: int, limit: int) -> list[Any]:
        """Raises EngineError QUERY for what takes too long, if it is limited in time."""
        return self._read(lambda session: self._queries.find(session, criteria, now, offset, limit, self._bounds))

    def page(self, criteria: Criteria, now: datetime, paging: Paging) -> Page:
        """Raises EngineError QUERY for a cursor that does not fit, and for what takes too long."""
        return self._read(lambda session: self._queries.page(session, criteria, now, paging, self._bounds))

    def situation(self, partition: date, id: int, limit: int) -> Situation | None:
        """What an instance waits for, at as many element instances.

        None without the instance, or where it is none of the caller's processes.
        """
        found = self._read(lambda session: self._situations.find(session, partition, id, limit, self._bounds))
        return found if found and caller.covers(found.instance.bpmn_process_id) else None

    def places(self, instances: Sequence[ProcessInstance]) -> dict[tuple[date, int], tuple[int, list[str]]]:
        """How many open incidents each of the instances has, and BPMN elements where it waits."""
        return self._read(lambda session: self._situations.places(session, instances, self._bounds))

    def history(self, partition: date, id: int, paging: Paging) -> Page | None:
        """What has happened in an instance; None without the instance."""
        return self._read(lambda session: self._histories.find(session, partition, id, paging, self._bounds))

    def statistics(self, criteria: StatisticsCriteria, now: datetime) -> Statistics:
        return self._read(lambda session: self._statistics.find(session, criteria, now, self._bounds))

    def count_instances(
        self, criteria: ProcessInstanceCriteria, group_by: Sequence[str], limit: int
    ) -> list[InstanceCount]:
        return self._read(lambda session: self._counts.instances(session, criteria, group_by, limit, self._bounds))

    def group_incidents(self, criteria: IncidentCriteria, offset: int, limit: int) -> list[IncidentGroup]:
        return self._read(lambda session: self._counts.incidents(session, criteria, offset, limit, self._bounds))

    def outstanding(self, asked: Collection[Asked]) -> set[Asked]:
        """Those of the instances that have not ended, tasks not executed, and signals that are on their way."""
        return self._read(lambda session: self._outstanding.find(session, asked))

    def next_job(self, now: datetime) -> datetime | None:
        """When the next job becomes due that nobody has locked, of those that are not due at `now`."""
        return self._read(lambda session: self._outstanding.next_job(session, now))

    def open_ear(self) -> Ear | None:
        """None where processes can't tell each other anything. Whoever opens it closes it."""
        return self._guard.reach(self._dialect.ear, again=False)

    def tell(self, message: str) -> None:
        """Tells the processes that have an ear."""
        self._read(lambda session: session.run(self._dialect.message(message)))

    def _read(self, do: Callable[[Session], R]) -> R:
        """What `do` reads, outside of any transaction."""

        def read() -> R:
            session = self._dialect.session()
            try:
                return do(session)
            finally:
                session.close()
                session.connection.close()

        return self.reach(read)

    def read_facts(self, **until: datetime) -> Facts:
        """What is known about the state of the system; see `FactStatements.read`."""
        return self._read(lambda session: self._facts.read(session, **until))

    def read_encrypted(self, days: Sequence[date]) -> list[str]:
        """Some of the newest encrypted values of variables of these days, as they are stored."""
        return self._read(lambda session: self._facts.read_encrypted(session, days))

    @property
    def connections_in_use(self) -> int:
        """Of the pool of this process."""
        pool = self._dialect.engine.pool
        return int(pool.checkedout())  # type: ignore[attr-defined]  # the pools that we ask for have it

    def ensure_days(self, days: Iterable[date]) -> None:
        """Makes sure the days can be written to; a day that is known costs nothing."""
        missing = sorted(set(days) - self._days)
        if missing:
            with self._days_lock:
                self._dialect.create_days(missing)
                self._days |= set(missing)

    def why_silent(self) -> str:
        """Why the database does not answer, or an empty text; asked once, however long it takes."""

        def ping() -> None:
            with self._dialect.engine.connect() as connection:
                self._dialect.ping(connection)

        try:
            self._guard.reach(ping, again=False)
        except EngineError as error:
            return error.detail
        return ""

    def empty(self) -> None:
        """Deletes all rows but those of API keys, service processes, and what ids were given last."""

        def empty() -> None:
            session = self._dialect.session()
            try:
                session.commit(*EMPTIED)
            finally:
                session.close()
                session.connection.close()

        self.reach(empty)
        self._graphs = Graphs()
        self._elements = Elements(self._dialect)

    def close(self) -> None:
        self._dialect.engine.dispose()

    def find_api_key(self, secret_id: str) -> ApiKey | None:
        found = self._api_keys(BY_SECRET_ID, {"secret_id": secret_id})
        return found[0] if found else None

    def load_api_keys(self) -> list[ApiKey]:
        return self._api_keys(ALL, {})

    def _api_keys(self, statement: Any, parameters: dict[str, Any]) -> list[ApiKey]:
        def load() -> list[ApiKey]:
            with self._dialect.engine.connect() as connection:
                return [read_key(row) for row in connection.execute(statement, parameters)]

        return self.reach(load)

    def note_use(self, secret_ids: Collection[str], at: datetime) -> None:
        """Keeps that the API keys were used at that time."""

        parameters = {"at": at, "secret_ids": orjson.dumps(sorted(secret_ids)).decode()}
        self._change(Execution(self._note_use, parameters))

    def purge_audit(self, until: datetime) -> bool:
        """Deletes some of what was noted before; whether there may be more of it."""
        return len(self._change(Execution(PURGE, {"until": until}))) == PURGED_AT_ONCE

    def find_nodes(self) -> list[Node]:
        """The service processes that have a row, in the order in which they were started."""

        def find() -> list[Node]:
            with self._dialect.engine.connect() as connection:
                return [Node(**row) for row in connection.execute(nodes.ALL).mappings()]

        return self.reach(find)

    def write_node(self, node: Node, gone: Iterable[Node] = ()) -> None:
        """Writes the row of a service process, whether or not it has one, and deletes those of others."""

        def write() -> None:
            with self.begin() as tx:
                tx.along(*nodes.writes(node, gone))

        self.reach(write)

    def delete_node(self, id: int) -> None:
        self._change(Execution(nodes.one(id)))

    def _change(self, execution: Execution) -> list[Row]:
        """What a statement returns that is committed by itself."""

        def change() -> list[Row]:
            session = self._dialect.session()
            try:
                return session.run(execution)[0]
            finally:
                session.close()
                session.connection.close()

        return self.reach(change)


def _dialect(config: Config, clock: SystemClock | None = None) -> Dialect:
    if make_url(config.database_url).get_backend_name() == "sqlite":
        from app.store.sqlite import SQLite

        return SQLite(config, clock)
    from app.store.postgres import Postgres

    return Postgres(config, clock)


def _direct(config: Config) -> Dialect:
    """Without a pooler between: what migrates is one long transaction."""
    if config.database_direct_url:
        config = replace(config, database_url=config.database_direct_url, database_direct_url="")
    return _dialect(config)


def open_store(config: Config, clock: SystemClock | None = None, *, quiet: bool = False) -> Store:
    """A store on a migrated database; connections are opened when they are needed. `clock` is this machine's."""
    bounds = Bounds(config.query_timeout, config.count_limit)
    return Store(_dialect(config, clock), config.transaction_timeout, bounds=bounds, quiet=quiet)


def migrate(config: Config) -> Migrated:
    """Brings the database to the newest schema, and tells what was done.

    Processes that do so at once wait for each other. Raises StartError.
    """
    return schema.migrate(_direct(config), config.database_schema)


def migrating(config: Config) -> AbstractContextManager[Connection]:
    """A connection with a transaction in which nobody else migrates; it is committed after the block."""
    return schema.migrating(_direct(config), config.database_schema)


def find_schema(config: Config) -> Schema:
    """What is in the database, which is not created by looking. Raises StartError where it can't be used."""
    return schema.find(_dialect(config))


def back_up(config: Config, target: Path) -> int:
    """Copies a SQLite database, which may be in use, into a new file; its size in bytes. Raises StartError."""
    dialect = _dialect(config)
    if dialect.creates_days:
        raise StartError("this is for SQLite; a PostgreSQL database is copied by pg_dump, see the guide on deploying")
    return backup.copy(dialect.place, target)


def usable(config: Config) -> AbstractContextManager[None]:
    """Raises StartError for what the driver raises in the block."""
    return schema.usable(_dialect(config))
