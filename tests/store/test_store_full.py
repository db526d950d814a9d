"""SQLite on a disk that is full, broken or busy: every command ends, and the next one finds the database free."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError

from app.clock import ManualClock
from app.commands.job import UnlockJobs
from app.config import Config
from app.criteria import JobCriteria, ProcessInstanceCriteria
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from app.store.dialect import Execution
from app.store.sqlite import SQLite
from tests.databases import Databases
from tests.races.held import InBackground
from tests.store import play
from tests.store.counting import noting_statements
from tests.store.database import connected, require_sound, value
from tests.store.together import PATIENCE, in_threads

pytestmark = pytest.mark.sqlite

NOON = datetime(2026, 11, 23, 12)
ROOT = Path(__file__).resolve().parents[2]
FOR_EVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    with databases.fresh("sqlite") as url:
        yield url


def opened(url: str, **options: Any) -> closing[Service]:
    return closing(open_service(Config(database_url=url, **options), ManualClock(NOON)))


@contextmanager
def unavailable(detail: str) -> Iterator[pytest.ExceptionInfo[EngineError]]:
    with pytest.raises(EngineError) as raised:
        yield raised
    assert (raised.value.kind, raised.value.detail) == (ErrorKind.UNAVAILABLE, detail)


@pytest.mark.parametrize("how", [[], ["--limit"]], ids=["disk", "size of files"])
def test_a_full_disk_stops_no_request_and_loses_nothing_that_was_acknowledged(tmp_path: Path, how: list[str]):
    command = [sys.executable, "-m", "tests.store.full_disk", str(tmp_path), *how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("mounted") in (True, False)
    assert found == {
        "past": 0,
        "probes": [200, 200],
        "query": 200,
        "full": [201, 503],
        "after": [201],
        "lost": [],
        "unwanted": [],
    }


class Pages:
    """Limits the pages of a database as a quota would, for connections that are opened from now on."""

    def __init__(self, service: Service) -> None:
        self._dialect = service._store._dialect
        self.most = 1_000_000
        self._dialect.engine.dispose()
        event.listen(self._dialect.engine, "checkout", self._limit)

    def _limit(self, connection: sqlite3.Connection, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {self.most}").close()

    def run_out(self) -> None:
        # SQLite takes no less than there are.
        self.most = 1

    def grow(self) -> None:
        self.most = 1_000_000


@contextmanager
def limited(url: str) -> Iterator[tuple[Service, Pages]]:
    with opened(url) as service:
        play.deploy(service)
        yield service, Pages(service)


def start_large(service: Service) -> Any:
    return play.start(service, variables=play.variables(v="x" * 100_000))


def test_the_next_writer_goes_on_after_sqlite_has_rolled_back_by_itself(url: str):
    with limited(url) as (service, pages):
        pages.run_out()
        for _ in range(3):
            with unavailable("the database has no space left") as raised:
                start_large(service)
            assert raised.value.__cause__.sqlite_errorname == "SQLITE_FULL"
        assert service.query(ProcessInstanceCriteria()) == []
        pages.grow()
        outcomes = in_threads(*[partial(start_large, service)] * 8)
        assert len({instance.id for instance in outcomes}) == 8
        require_sound(url)


def _commits(service: Service) -> None:
    start_large(service)


def _drops_a_day(service: Service) -> None:
    dialect: Any = service._store._dialect
    with service._store.begin() as tx:
        for _ in range(2):
            dialect.drop_day(tx._session, date(2026, 1, 1))


WORK: dict[str, Callable[[Service], Any]] = {
    "a command": _commits,
    "a claim": lambda service: service.execute(UnlockJobs(worker_id="w")),
    "a query": lambda service: service.query(JobCriteria()),
    "dropping a day": _drops_a_day,
}


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "ROLLBACK", "INSERT", "UPDATE", "SELECT", "DELETE"])
@pytest.mark.parametrize("name", WORK)
def test_a_statement_that_fails_leaves_neither_lock_nor_transaction(url: str, name: str, statement: str):
    """Whichever it is; those that a piece of work does not run can't fail in it."""
    with opened(url) as service:
        play.deploy(service)
        engine = service._store._dialect.engine

        def fail(sql: str) -> None:
            if sql.lstrip().upper().startswith(statement):
                raise sqlite3.OperationalError("broken on purpose")

        try:
            with noting_statements(fail):
                WORK[name](service)
        except (OperationalError, sqlite3.OperationalError) as error:
            assert "broken on purpose" in str(error)
        assert engine.pool.checkedout() == 0
        with connected(url) as other:
            other.execute("PRAGMA busy_timeout = 0")
            other.execute("BEGIN IMMEDIATE")
            other.execute("ROLLBACK")
        # In another thread: the one that holds the lock of the writers could go on.
        assert InBackground(partial(play.start, service)).result().state == "STARTED"
        require_sound(url)


def test_a_connection_that_breaks_before_it_is_rolled_back_is_not_used_again(url: str):
    with opened(url) as service:
        play.deploy(service)
        with pytest.raises(ValueError, match="first"), service._store.begin() as tx:
            tx._session.begin()
            session: Any = tx._session
            session._raw.close()
            raise ValueError("first")
        assert InBackground(partial(play.start, service)).result().state == "STARTED"


def test_a_statement_that_takes_too_long_is_interrupted(url: str):
    with opened(url, transaction_timeout=0.2) as service:
        store = service._store

        def ask() -> Any:
            with store.begin() as tx:
                return tx._session.run(Execution(text(FOR_EVER)))

        with unavailable("the database takes too long"):
            store.reach(ask)


def test_a_transaction_that_takes_too_long_is_rolled_back_and_lets_others_write(url: str):
    with opened(url, transaction_timeout=0.2) as service:
        play.deploy(service)
        store = service._store

        def write() -> Any:
            with store.begin() as tx:
                tx._session.begin()
                tx._session.run(Execution(text("UPDATE process SET created_by = 'nobody'")))
                # SQLite rolls back by itself when a statement that writes is interrupted.
                return tx._session.run(Execution(text(f"UPDATE process SET id = ({FOR_EVER})")))

        with unavailable("the database takes too long"):
            store.reach(write)
        assert value(url, "SELECT created_by FROM process") == play.WORKER
        assert InBackground(partial(play.start, service)).result().state == "STARTED"


def test_a_writer_waits_for_another_of_its_process_no_longer_than_it_may(url: str):
    with opened(url, transaction_timeout=0.2) as service:
        play.deploy(service)
        with service._store.begin() as tx:
            tx._session.begin()
            for do in (partial(play.start, service), partial(play.lock, service)):
                with unavailable("the database is busy with other commands"):
                    InBackground(do).result()
            assert service.query(JobCriteria()) == []
            assert service.ready()
        assert InBackground(partial(play.start, service)).result().state == "STARTED"


def test_a_writer_waits_for_another_process_no_longer_than_it_may(url: str):
    with opened(url, transaction_timeout=0.2) as service, connected(url) as somebody:
        play.deploy(service)
        somebody.execute("BEGIN IMMEDIATE")
        for do in (partial(play.start, service), partial(play.lock, service)):
            with unavailable("the database is busy with another process"):
                do()
        somebody.execute("ROLLBACK")
        assert play.start(service).state == "STARTED"


def test_a_file_that_was_read_only_can_be_written_to_afterwards(url: str):
    """A connection that was opened meanwhile would stay read-only."""
    with opened(url) as service:
        play.deploy(service)
        engine = service._store._dialect.engine

        def protect(connection: sqlite3.Connection, record: Any) -> None:
            connection.execute("PRAGMA query_only = 1").close()

        event.listen(engine, "connect", protect)
        engine.dispose()
        with unavailable("the database is read-only"):
            play.start(service)
        event.remove(engine, "connect", protect)
        assert play.start(service).state == "STARTED"


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path):
    dialect = SQLite(Config(database_url=f"sqlite:///{tmp_path}/missing/bpmn.db"))
    with pytest.raises(OperationalError) as raised:
        dialect.engine.connect()
    found = dialect.trouble(raised.value)
    assert found
    assert found.detail == "the database can't be opened"
    assert str(tmp_path) not in found.detail


def test_a_command_without_a_free_connection_is_unavailable(url: str):
    with opened(url, database_pool_size=1, database_pool_timeout=0.1) as service:
        play.deploy(service)
        with service._store.begin(), unavailable("all connections to the database are in use"):
            play.start(service)
        assert play.start(service).state == "STARTED"


def test_migrating_has_no_limit_in_time(url: str):
    with opened(url) as service:
        dialect: Any = service._store._dialect
        with dialect.engine.connect() as connection:
            dialect.migrating(connection)
            assert connection.info["limit"].left == float("inf")
            connection.exec_driver_sql("ROLLBACK")
