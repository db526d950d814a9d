"""PostgreSQL away, silent, busy, or lost in the middle: what is repeated, what is not, and who is told what."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
import pytest

from app.clock import ManualClock
from app.commands.job import UnlockJobs
from app.commands.task import LockTasks
from app.config import Config
from app.criteria import JobCriteria
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from app.store import driver
from app.store.trouble import Outages, Trouble, TroubleKind
from tests.databases import Databases
from tests.races.held import InBackground
from tests.store import play
from tests.store.database import connected, require_sound, rows, value
from tests.store.together import PATIENCE, in_threads
from tests.wire import Wire

pytestmark = pytest.mark.postgres

NOON = datetime(2026, 11, 23, 12)
LOCKED_JOBS = "SELECT count(*) FROM job WHERE locked_by IS NOT NULL"
INSTANCES = "SELECT count(*) FROM process_instance"


@dataclass(slots=True)
class Line:
    """A service whose connections pass through a proxy, and the way to the database that does not."""

    wire: Wire
    url: str
    service: Service

    @contextmanager
    def another(self, **options: Any) -> Iterator[Service]:
        with closing(opened(self.wire.url, **options)) as service:
            yield service


def opened(url: str, **options: Any) -> Service:
    return open_service(Config(database_url=url, **{"partition_ahead_days": 0, **options}), ManualClock(NOON))


@pytest.fixture(scope="module")
def lasting(databases: Databases) -> Iterator[Line]:
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        service = opened(wire.url)
        play.deploy(service)
        yield Line(wire, url, service)
        service.close()
        wire.close()


@pytest.fixture
def line(lasting: Line) -> Iterator[Line]:
    with connected(lasting.url) as connection:
        for table in ("job", "element_instance", "process_instance", "api_key"):
            connection.execute(f"DELETE FROM {table}")
    # What the test before has left of an outage is over.
    lasting.service.upcoming()
    yield lasting
    assert not lasting.wire.losses


class Lines(logging.Handler):
    """What is logged from warnings on, and whether something was tried again."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.retries = 0

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage().startswith("retrying"):
            self.retries += 1
        elif record.levelno >= logging.WARNING:
            self.texts.append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler, root, ours = Lines(), logging.getLogger(), logging.getLogger("app.store.trouble")
    level = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.DEBUG)
    yield handler
    ours.setLevel(level)
    root.removeHandler(handler)


@contextmanager
def unavailable() -> Iterator[pytest.ExceptionInfo[EngineError]]:
    with pytest.raises(EngineError) as raised:
        yield raised
    assert raised.value.kind is ErrorKind.UNAVAILABLE
    assert isinstance(raised.value.__cause__, psycopg.Error), raised.value.__cause__


ASKED: dict[str, tuple[str, Callable[[Service], Any]]] = {
    "a query": ("FROM job", lambda service: service.query(JobCriteria())),
    "a key look-up": ("FROM api_key", lambda service: service.keys.grant("nobody", "nothing")),
    "the list of keys": ("FROM api_key", lambda service: service.keys.listed()),
    "the next due task": ("FROM task", lambda service: service.upcoming()),
}
"""A word in the statement, and what asks by it."""


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("name", ASKED)
def test_what_only_reads_is_asked_again_over_another_connection(line: Line, name: str, arrives: bool):
    word, ask = ASKED[name]
    expected = ask(line.service)
    loss = line.wire.loses(word, arrives=arrives)
    assert ask(line.service) == expected
    assert loss.happened.is_set()


def test_engine_time_is_asked_for_again_over_another_connection(line: Line):
    with line.another(set_time_enabled=True) as service:
        loss = line.wire.loses("FROM engine_clock", arrives=True)
        assert service.now() == NOON
        assert loss.happened.is_set()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_command_whose_connection_is_lost_before_its_commit_is_repeated(line: Line, lines: Lines, arrives: bool):
    play.start(line.service)
    (job,) = play.lock(line.service)
    loss = line.wire.loses("FROM process_instance", arrives=arrives)
    assert play.complete(line.service, job).state == "DONE"
    assert loss.happened.is_set()
    assert (lines.retries, lines.texts) == (1, [])
    assert value(line.url, INSTANCES + " WHERE state = 'COMPLETED'") == 1
    require_sound(line.url)


@pytest.mark.parametrize(("arrives", "instances"), [(True, 1), (False, 0)])
def test_a_command_whose_connection_is_lost_at_its_commit_is_not_repeated(
    line: Line, lines: Lines, arrives: bool, instances: int
):
    play.start(line.service)
    (job,) = play.lock(line.service)
    loss = line.wire.loses("COMMIT", arrives=arrives)
    with unavailable() as raised:
        play.complete(line.service, job)
    assert loss.happened.is_set()
    assert "it may or may not have taken effect" in raised.value.detail
    assert (lines.retries, lines.texts) == (0, [raised.value.detail])
    assert value(line.url, INSTANCES + " WHERE state = 'COMPLETED'") == instances
    require_sound(line.url)


@pytest.mark.parametrize(("arrives", "locked"), [(True, 1), (False, 0)])
def test_a_claim_whose_answer_is_lost_is_not_repeated(line: Line, arrives: bool, locked: int):
    """The jobs of the first attempt would stay locked beside those of the second."""
    for _ in range(3):
        play.start(line.service)
    loss = line.wire.loses("UPDATE job", arrives=arrives)
    with unavailable():
        play.lock(line.service, limit=1)
    assert loss.happened.is_set()
    assert value(line.url, LOCKED_JOBS) == locked
    line.service.execute(UnlockJobs(worker_id=play.WORKER))
    assert value(line.url, LOCKED_JOBS) == 0


CLAIMS: dict[str, tuple[str, Callable[[Service], Any]]] = {
    "locking tasks": ("UPDATE task", lambda service: service.execute(LockTasks(limit=10))),
    "unlocking jobs": ("UPDATE job", lambda service: service.execute(UnlockJobs(worker_id="nobody"))),
    "creating a key": ("INSERT INTO api_key", lambda service: service.keys.create("shop")),
    "revoking a key": ("DELETE FROM api_key", lambda service: service.keys.revoke("old")),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_statement_that_commits_by_itself_is_sent_once(line: Line, name: str):
    word, do = CLAIMS[name]
    line.service.keys.create("old")
    with line.wire.counting() as count, unavailable():
        loss = line.wire.loses(word, arrives=True)
        do(line.service)
    assert loss.happened.is_set()
    assert len([text for text in count.texts if word in text]) == 1


def test_a_claim_that_the_server_has_ended_itself_is_repeated(line: Line):
    """Whom the server tells that it ends the connection, it tells that nothing was committed."""
    play.start(line.service)
    with connected(line.url) as somebody:
        somebody.execute("BEGIN")
        somebody.execute("LOCK TABLE job IN EXCLUSIVE MODE")
        locking = InBackground(partial(play.lock, line.service))
        waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not (found := rows(line.url, waiting)):
            assert not locking.is_done
        rows(line.url, f"SELECT pg_terminate_backend({found[0][0]})")
        somebody.execute("ROLLBACK")
    assert len(locking.result()) == 1
    assert value(line.url, LOCKED_JOBS) == 1


@pytest.mark.parametrize(
    ("day", "word"), list(enumerate(["CREATE TABLE", "ANALYZE", "TRUNCATE", "ATTACH PARTITION"], 3))
)
def test_a_new_day_is_created_again_after_its_connection_was_lost(line: Line, day: int, word: str):
    loss = line.wire.loses(word, arrives=True)
    with line.another(partition_ahead_days=day) as service:
        assert loss.happened.is_set()
        assert play.start(service).state == "STARTED"


def test_the_first_error_is_told_although_rolling_back_has_failed(line: Line):
    play.start(line.service)
    (job,) = play.lock(line.service)
    loss = line.wire.loses("ROLLBACK", arrives=False)
    with pytest.raises(EngineError) as raised:
        play.complete(line.service, job, worker="somebody else")
    assert loss.happened.is_set()
    assert raised.value.kind is ErrorKind.CONFLICT
    assert play.complete(line.service, job).state == "DONE"


def all_at_once(service: Service, count: int = 8) -> list[Any]:
    return in_threads(*[partial(service.query, JobCriteria(id=n + 1)) for n in range(count)])


def test_connections_that_ended_while_nobody_used_them_cost_no_retry(line: Line, lines: Lines):
    """As when the server was restarted."""
    all_at_once(line.service)
    rows(
        line.url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'default-engine'",
    )
    ended = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name <> ''"
    while value(line.url, ended):
        pass
    assert all_at_once(line.service) == [[]] * 8
    assert play.start(line.service).state == "STARTED"
    assert (lines.retries, lines.texts) == (0, [])


def test_everything_is_unavailable_while_the_database_is_away_and_works_afterwards(line: Line):
    play.start(line.service)
    (job,) = play.lock(line.service)
    does: list[Callable[[], Any]] = [
        lambda: play.start(line.service),
        lambda: play.lock(line.service),
        lambda: play.complete(line.service, job),
        lambda: line.service.query(JobCriteria()),
        lambda: line.service.upcoming(),
        lambda: line.service.keys.create("shop"),
        lambda: line.service.keys.listed(),
        lambda: line.service.keys.grant("somebody", "something"),
    ]
    with line.wire.away():
        for do in does:
            with unavailable() as raised:
                do()
            assert "can't be reached" in raised.value.detail or "may or may not" in raised.value.detail
        assert not line.service.ready()
        assert line.service.why_not_ready() == "the database can't be reached"
    assert play.complete(line.service, job).state == "DONE"
    require_sound(line.url)


def test_an_outage_is_one_line_when_it_begins_and_one_when_it_is_over(line: Line, lines: Lines):
    with line.wire.away():
        outcomes = in_threads(*[partial(play.start, line.service)] * 30)
        assert {type(outcome) for outcome in outcomes} == {EngineError}
    play.start(line.service)
    play.start(line.service)
    first, last = lines.texts
    assert first == "the database can't be reached"
    assert last.startswith("the database answers again after")


def test_a_server_that_falls_silent_is_given_up(line: Line, lines: Lines):
    """All come back while nothing passes: from statements, and from trying to connect."""
    with line.another(transaction_timeout=1.0) as service:
        play.start(service)
        (job,) = play.lock(service)
        all_at_once(service)
        asked: list[Callable[[], Any]] = [
            lambda: service.query(JobCriteria()),
            lambda: play.start(service),
            lambda: play.complete(service, job),
            lambda: play.lock(service),
        ]
        with line.wire.silent():
            for asking in [InBackground(ask) for ask in asked]:
                with unavailable():
                    asking.result()
            with unavailable() as raised:
                service.query(JobCriteria())
            assert isinstance(raised.value.__cause__, psycopg.errors.ConnectionTimeout)
        assert play.complete(service, job).state == "DONE"
        assert len(service.query(JobCriteria())) == 1
    assert len(lines.texts) == 2, lines.texts


def test_readiness_is_known_while_the_database_is_silent(line: Line):
    with line.another() as service:
        assert service.ready()
        service._probe._asked = float("-inf")
        with line.wire.silent(), line.wire.counting():
            answers = [service.why_not_ready() for _ in range(3)]
            asking = [thread for thread in threading.enumerate() if thread.name == "probe"]
            assert answers == ["the database does not answer"] * 3
            assert len(asking) == 1
        asking[0].join(PATIENCE)
        assert service.ready()


def test_a_statement_that_waits_for_too_long_makes_the_command_unavailable(line: Line):
    with line.another(transaction_timeout=1.0) as service, connected(line.url) as somebody:
        play.start(service)
        (job,) = play.lock(service)
        somebody.execute("BEGIN")
        somebody.execute("SELECT 1 FROM process_instance FOR UPDATE")
        with unavailable() as raised:
            play.complete(service, job)
        assert isinstance(raised.value.__cause__, psycopg.errors.QueryCanceled)
        assert raised.value.detail == "the database takes too long"
        assert service.ready()
        somebody.execute("ROLLBACK")
        assert play.complete(service, job).state == "DONE"


def test_a_command_without_a_free_connection_is_unavailable(line: Line):
    with line.another(database_pool_size=1, database_pool_timeout=0.1) as service:
        with service._store.begin(), pytest.raises(EngineError) as raised:
            play.start(service)
        assert raised.value.kind is ErrorKind.UNAVAILABLE
        assert raised.value.detail == "all connections to the database are in use"
        assert play.start(service).state == "STARTED"


def test_a_read_only_database_is_told_so_and_can_be_read(line: Line):
    play.start(line.service)
    with line.another() as service:
        with service._store._dialect.engine.connect() as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = on")
        with unavailable() as raised:
            play.start(service)
        assert raised.value.detail == "the database is read-only"
        assert len(service.query(JobCriteria())) == 1


def test_migrating_has_no_limit_in_time(line: Line):
    with line.another() as service:
        dialect = service._store._dialect
        with dialect.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            assert raw.limit is not None
            dialect.migrating(connection)
            assert raw.limit is None
            connection.exec_driver_sql("ROLLBACK")
            connection.invalidate()


STATES = {
    "08006": (TroubleKind.AWAY, True),
    "25006": (TroubleKind.READ_ONLY, False),
    "25P03": (TroubleKind.AWAY, True),
    "40001": (TroubleKind.BUSY, True),
    "40P01": (TroubleKind.BUSY, True),
    "53100": (TroubleKind.FULL, False),
    "53300": (TroubleKind.BUSY, False),
    "55P03": (TroubleKind.BUSY, True),
    "57014": (TroubleKind.BUSY, False),
    "57P01": (TroubleKind.AWAY, True),
    "57P03": (TroubleKind.AWAY, True),
    "58030": (TroubleKind.BROKEN, False),
    "23514": (None, True),
    "23505": (None, False),
    "42P01": (None, False),
    "22003": (None, False),
}
"""SQLSTATE: what it is, and whether the same may be tried again at once."""


@pytest.mark.parametrize("state", STATES)
def test_the_state_of_an_error_tells_whose_trouble_it_is(state: str):
    error = psycopg.errors.lookup(state)("canary")
    trouble = driver.trouble(error)
    assert (trouble.kind if trouble else None, driver.is_repeatable(error)) == STATES[state]
    assert trouble is None or "canary" not in trouble.detail


def test_a_url_may_say_how_lost_connections_are_noticed(line: Line):
    url = line.wire.url + "&tcp_user_timeout=4321&connect_timeout=7"
    with closing(opened(url)) as service, service._store._dialect.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        given = raw.info.get_parameters()
    assert (given["tcp_user_timeout"], given["connect_timeout"], given["keepalives_idle"]) == ("4321", "7", "15")


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def hands() -> Hands:
    return Hands()


def trouble(kind: TroubleKind) -> Trouble:
    return Trouble(kind, f"it is {kind.value}", ValueError())


def test_a_busy_database_counts_as_such_until_nobody_was_refused_for_a_while(hands: Hands, lines: Lines):
    outages = Outages(hands)
    for hands.time in (0.0, 3.0, 6.0):
        outages.begin(trouble(TroubleKind.BUSY))
        outages.answered(hands.time)
    hands.time = 20.0
    outages.answered(hands.time)
    assert lines.texts == ["it is busy", "the database answers again after 20 s"]


def test_a_full_database_answers_again_when_something_was_written(hands: Hands, lines: Lines):
    outages = Outages(hands)
    outages.begin(trouble(TroubleKind.FULL))
    hands.time = 60.0
    outages.answered(hands.time)
    assert outages.lasts(TroubleKind.FULL)
    outages.written(hands.time)
    assert lines.texts == ["it is full", "the database answers again after 60 s"]


def test_what_began_before_the_last_failure_proves_nothing(hands: Hands, lines: Lines):
    outages = Outages(hands)
    hands.time = 5.0
    outages.begin(trouble(TroubleKind.AWAY))
    outages.answered(4.0)
    assert outages.lasts(TroubleKind.AWAY)
    outages.answered(6.0)
    assert len(lines.texts) == 2


def test_troubles_of_two_kinds_are_told_apart(hands: Hands, lines: Lines):
    outages = Outages(hands)
    outages.begin(trouble(TroubleKind.AWAY))
    outages.begin(trouble(TroubleKind.BUSY))
    outages.begin(trouble(TroubleKind.AWAY))
    assert lines.texts == ["it is away", "it is busy"]
