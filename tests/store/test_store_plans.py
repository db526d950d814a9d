"""How the databases find what the hot statements ask for, among a hundred thousand others."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from app.config import Config
from app.engine import records
from app.store import idempotency, load, open_store, situation, sql
from app.store.claims import JOB, TASK, Claims
from app.store.dialect import Dialect, Write
from app.store.group import GroupStatements
from app.store.maintenance import KEPT, SOME_EXPIRED
from app.store.postgres import Postgres
from app.store.postgres_expressions import PASSED_OVER
from app.store.removal import ROOTS_AT_ONCE, RemovalStatements
from app.store.save import (
    DELETE_ELEMENT_VARIABLE,
    DELETE_ENTRY,
    DELETE_PROCESS_VARIABLE,
    EXPIRE_MESSAGE,
    SET_QUEUE,
    UPDATE,
    Saver,
)
from app.store.sqlite import SQLite
from app.store.tables import UNCLAIMED_JOB, UNCLAIMED_TASK
from tests.databases import Databases, plain

ROWS = 100_000
LITE_ROWS = 20_000
DAY = date(2026, 11, 23)
OTHER_DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 23, 12)
PROCESSES = 20
OPEN = """
    INSERT INTO job (partition, id, element_id, element_instance_id, process_id, process_instance_id, bpmn_element_id,
        completed_at, created_at, created_by, due_at, locked_at, locked_by, retry_count, state, type, detached)
    SELECT {day}, n, 1, n * 3, n / 4 % {processes} + 1, n, 'a', CASE WHEN n % 2 = 0 THEN {now} END, {now}, 'w',
        {now}, CASE WHEN {locked} THEN {now} END, CASE WHEN {locked} THEN 'w' END, 0, 'CREATED', 'EXECUTE', false
    FROM {numbers}
"""
"""Half of them completed, a quarter with somebody's name on it."""
RARE = """
    UPDATE job SET element_id = CASE WHEN id % 10000 < 5000 THEN 2 ELSE 3 END, process_id = 21 + id / 5 % 2
    WHERE id % 5000 > 4900 AND id % 2 = 1
"""
"""Some jobs, the last of some thousands each, are of other elements and processes than all others."""
LOCKED = "(n % 4 = 0 OR n % 1000 = 53)"
FILLING = (
    OPEN,
    """
    INSERT INTO task (partition, id, element_id, element_instance_id, process_id, process_instance_id, bpmn_element_id,
        completed_at, created_at, created_by, due_at, retry_count, state, type, detached, interruptions)
    SELECT {day}, n, 1, n * 3, n / 4 % {processes} + 1, n, 'a', CASE WHEN n % 2 = 0 THEN {now} END, {now}, 'w',
        {now}, 0, 'CREATED', 'TRIGGER_EVENT', false, 0
    FROM {numbers}
    """,
    """
    INSERT INTO process_instance (partition, id, parent_id, root_id, process_id, bpmn_process_id, created_at,
        created_by, ended_at, started_at, state, version, revision, correlation_key)
    SELECT {day}, n, CASE WHEN n % 100 = 0 THEN n - 1 END, CASE WHEN n % 100 = 0 THEN n - 1 END,
        n % {processes} + 1, 'p' || n % {processes}, {now}, 'w', CASE WHEN n % 2 = 0 THEN {now} END, {now},
        CASE WHEN n % 2 = 0 THEN 'COMPLETED' WHEN n % 1000 = 1 THEN 'QUEUED' ELSE 'STARTED' END, '1', 0,
        'k' || n / {processes}
    FROM {numbers}
    """,
    """
    INSERT INTO element_instance (partition, id, parent_id, prev_id, element_id, process_id, process_instance_id,
        bpmn_element_id, bpmn_element_type, created_at, created_by, ended_at, started_at, state, active_children,
        pending_events)
    SELECT {day}, n, CASE WHEN n % 3 <> 1 THEN n / 3 * 3 + 1 END, CASE WHEN n % 3 = 0 THEN n - 1 END, n % 3 + 1,
        n / 3 % {processes} + 1, n / 3 + 1, 'e',
        CASE n % 3 WHEN 1 THEN 'PROCESS' WHEN 2 THEN 'NONE_START_EVENT' ELSE 'SERVICE_TASK' END, {now}, 'w',
        CASE WHEN n % 3 = 2 OR n % 2 = 0 THEN {now} END, {now}, 'STARTED', 1, 0
    FROM {numbers}
    """,
    """
    INSERT INTO variable (partition, id, element_instance_id, process_id, process_instance_id, created_at, created_by,
        encoding, encrypted, name, updated_at, updated_by, value)
    SELECT {day}, n, CASE WHEN n % 2 = 0 THEN n END, 1, n, {now}, 'w', 'text', false, 'x', {now}, 'w', 'v'
    FROM {numbers}
    """,
    """
    INSERT INTO message (id, correlation_key, created_at, created_by, expires_at, correlated, name, unique_key, digest,
        unique_digest)
    SELECT n, 'k' || n, {now}, 'w', {now}, false, 'm', 'u' || n, n, n FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO process_queue (bpmn_process_id, parallelism, active)
    SELECT 'p' || n, 5, 5 FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO queue_entry (partition, process_instance_id, bpmn_process_id, process_id, created_at)
    SELECT {day}, n, 'p' || n % {processes}, 1, {now} FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO idempotency (key, place, request, result, encrypted, created_at)
    SELECT 'k' || n, 0, 'r', 'null', false, {now} FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO message_variable (id, owner_id, encoding, encrypted, name, value)
    SELECT n, n, 'text', false, 'x', 'v' FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO message_subscription (id, partition, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, correlation_key, created_at, created_by, name, digest)
    SELECT n, {day}, 1, n, 1, n, 'e', 'k' || n, {now}, 'w', 'm', n FROM {numbers} WHERE n <= {few}
    """,
    """
    INSERT INTO signal_subscription (id, partition, element_id, element_instance_id, process_id, process_instance_id,
        bpmn_element_id, created_at, created_by, name)
    SELECT n, {day}, 1, n, 1, n, 'e', {now}, 'w', 'm' || n FROM {numbers} WHERE n <= {few}
    """,
)


def filling(numbers: str, *, day: str, now: str, few: int) -> Iterator[str]:
    for statement in FILLING:
        yield statement.format(numbers=numbers, day=day, now=now, processes=PROCESSES, few=few, locked=LOCKED)
    yield RARE


LIMIT = 10
CLAIM = {"now": NOW, "worker": "w", "until": NOW}
CLAIMS: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "without a filter": (frozenset(), {}),
    "one process": (frozenset({"process_id"}), {"f_process_id": 3}),
    "several processes": (frozenset({"process_ids"}), {"process_ids": [3, 7]}),
    "a day": (frozenset({"partition"}), {"f_partition": DAY}),
    "a day, one process": (frozenset({"partition", "process_id"}), {"f_partition": DAY, "f_process_id": 3}),
}
"""Filters of claims that go through the backlog in its order."""
KEYED: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "one element": (frozenset({"element_id"}), {"f_element_id": 2}),
    "an element of a day": (frozenset({"element_id", "partition"}), {"f_element_id": 2, "f_partition": DAY}),
    "elements": (frozenset({"element_ids"}), {"element_ids": [2, 3, 4711]}),
    "elements of a day": (frozenset({"element_ids", "partition"}), {"element_ids": [2, 3], "f_partition": DAY}),
    "elements, types": (frozenset({"element_ids", "types"}), {"element_ids": [2, 3], "types": '["EXECUTE"]'}),
    "processes": (frozenset({"process_ids"}), {"process_ids": [21, 22]}),
}
"""Filters of what the rest of the backlog, which waits for others, has nothing of but for a few."""
POINTED: dict[str, tuple[frozenset[str], dict[str, Any]]] = {
    "by id": (frozenset({"partition", "id"}), {"f_partition": DAY, "f_id": 51}),
    "by id, detached too": (frozenset({"partition", "id", "detached"}), {"f_partition": DAY, "f_id": 51}),
    "of an instance": (frozenset({"process_instance_id"}), {"f_process_instance_id": 51}),
    "of an instance of a day": (
        frozenset({"partition", "process_instance_id"}),
        {"f_partition": DAY, "f_process_instance_id": 51},
    ),
}
"""Filters that find so little that its order does not matter."""

KEY = {"day": DAY, "id": 51}
PAIR = {"digest": 7, "name": "m", "correlation_key": "k7"}
UNIQUE = {"unique_digest": 7, "name": "m", "correlation_key": "k7", "unique_key": "u7"}
READS: dict[str, tuple[Any, dict[str, Any]]] = {
    **{f"lock the instance of a {name}": (statement, KEY) for name, statement in load.LOCK.items()},
    **{f"load a {name} with its instance": (statement, KEY) for name, statement in load.WITH_INSTANCE.items()},
    **{f"tokens near a {name}": (statement, KEY) for name, statement in load.NEAR.items()},
    "tokens near a join": (load.NEAR_WITH_SIBLINGS, KEY),
    **{f"all tokens of the instance of a {name}": (statement, KEY) for name, statement in load.WHOLE.items()},
    "called instances": (load.CALLED, {"day": DAY, "parent": 99}),
    "called instances that are waited for": (situation.CALLED, {"day": DAY, "parent": 99}),
    "instances below a root": (load.BELOW, {"day": DAY, "root": 99}),
    "an instance": (sql.INSTANCE, KEY),
    "what is kept of a request": (idempotency.OF_KEY, {"key": "k7"}),
    "whether anything is to be forgotten": (idempotency.LAST_OF_OLDEST, {"since": NOW}),
    "forgetting it": (idempotency.FORGET, {"last": NOW - timedelta(days=1)}),
    "an open instance by its correlation key": (sql.OPEN_ROOT, {"correlation_key": "k7", "bpmn_process_id": "p7"}),
    "an element instance": (sql.VISIT, KEY),
    "variables of an instance": (sql.PROCESS_VARIABLES, KEY),
    "variables of an element instance": (sql.ELEMENT_VARIABLES, KEY),
    "a queue": (sql.LOCK_QUEUE, {"bpmn_process_id": "p7"}),
    "the first in a queue": (sql.QUEUE_ENTRIES, {"bpmn_process_id": "p7", "limit": 2}),
    "the entry of an instance": (sql.QUEUE_ENTRY, KEY),
    "a job": (sql.JOB, KEY),
    "a task": (sql.TASK, KEY),
    "a subscriber of a message": (sql.MESSAGE_SUBSCRIPTION, PAIR),
    "a buffered message": (sql.BUFFERED, {**PAIR, "now": NOW}),
    "a message with a unique key": (sql.WITH_UNIQUE_KEY, UNIQUE),
    "variables of a message": (sql.MESSAGE_VARIABLES, {"id": 7}),
    "locking a subscription": (sql.LOCK_MESSAGE_SUBSCRIPTION, {"id": 7}),
    "locking the subscriptions of a signal": (sql.LOCK_SIGNAL_SUBSCRIPTIONS, {"name": "m7"}),
    "subscriptions of an element instance": (sql.SUBSCRIPTIONS, KEY),
    "tasks that are to start a process": (sql.OPEN_STARTS, {"process_id": 3}),
}
BIG = {"job", "task", "process_instance", "element_instance", "variable", "message", "message_subscription"}
BIG |= {"message_variable", "signal_subscription", "process_queue", "queue_entry", "idempotency"}


@dataclass(slots=True)
class Full:
    """A database with a long backlog on one day, some of it on the next one, and a connection to ask for plans."""

    dialect: Dialect
    connection: Any


@pytest.fixture(scope="module")
def postgres(databases: Databases) -> Iterator[Full]:
    with databases.fresh("postgres") as url:
        config = Config(database_url=url)
        store = open_store(config)
        store.ensure_days([DAY, OTHER_DAY])
        store.close()
        dialect = Postgres(config)
        with psycopg.connect(plain(url), autocommit=True) as connection:
            for day, count in ((DAY, ROWS), (OTHER_DAY, ROWS // 100)):
                numbers = f"generate_series(1, {count}) n"
                few = ROWS // 2 if day == DAY else 0
                for statement in filling(numbers, day=f"date '{day}'", now=f"timestamp '{NOW}'", few=few):
                    connection.execute(statement)
            connection.execute("ANALYZE")
            # Prepared statements get a plan for any parameters, as soon as it looks no worse: that one must be good.
            connection.execute("SET plan_cache_mode = force_generic_plan")
            yield Full(dialect, connection)
        dialect.engine.dispose()


@pytest.fixture(scope="module")
def lite(databases: Databases) -> Iterator[Full]:
    with databases.fresh("sqlite") as url:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        series = f"s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {LITE_ROWS})"
        numbers = f"(WITH RECURSIVE {series} SELECT n FROM s)"
        for statement in filling(numbers, day=f"'{DAY}'", now=f"'{NOW}.000000'", few=2000):
            connection.execute(statement)
        for name in ("job", "task"):
            connection.execute(f"INSERT INTO id_counter VALUES ('{name}', '{DAY}', {LITE_ROWS})")
        connection.commit()
        dialect = SQLite(Config(database_url=url))
        yield Full(dialect, connection)
        dialect.engine.dispose()
        connection.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def explained(full: Full, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of the plan of a prepared statement, after running it; what it has written is taken back."""
    compiled = statement.compile(dialect=full.dialect.engine.dialect)
    text = f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {compiled.string}"
    full.connection.execute("BEGIN")
    try:
        (plan,) = full.connection.execute(text, {**compiled.params, **parameters}, prepare=True).fetchone()
    finally:
        full.connection.execute("ROLLBACK")
    found = json.loads(plan) if isinstance(plan, str) else plan
    return list(nodes(found[0]["Plan"]))


def is_big(table: str) -> bool:
    return table in BIG or table.rpartition("_")[0] in BIG


def sequential(found: list[dict[str, Any]]) -> list[str]:
    """Tables that are read from end to end."""
    return [
        node["Relation Name"]
        for node in found
        if node["Node Type"] == "Seq Scan" and is_big(node["Relation Name"]) and node["Actual Loops"]
    ]


def visited(found: list[dict[str, Any]]) -> int:
    """How many rows were read from tables, whether they were wanted or not."""
    return sum(
        node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
        for node in found
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    )


def indexes(found: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in found if "Index Name" in node and node["Actual Loops"]}


@pytest.mark.postgres
@pytest.mark.parametrize("of", [JOB, TASK], ids=lambda table: table.name)
@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_follows_the_index_of_what_is_due(postgres: Full, of: Any, name: str):
    filters, parameters = CLAIMS[name]
    found = explained(postgres, Claims(postgres.dialect).claim(of, filters, LIMIT), {**CLAIM, **parameters})
    assert sequential(found) == []
    # The days are sorted, their work is not; of several processes it is merged, but only the first few of each.
    sorts = [node["Sort Key"] for node in found if node["Node Type"] in ("Sort", "Incremental Sort")]
    merged = [["head.due_at", "head.id"]] if of is JOB and "process_ids" in filters else []
    assert sorts in (merged, [["partition_day.partition"], *merged])
    assert any("due" in index for index in indexes(found)), indexes(found)
    # Ten are wanted, and of one process is every twentieth.
    assert visited(found) <= 50 * PROCESSES


@pytest.mark.postgres
@pytest.mark.parametrize("name", KEYED)
def test_a_claim_by_element_or_process_leaves_the_rest_of_the_backlog_unread(postgres: Full, name: str):
    filters, parameters = KEYED[name]
    found = explained(postgres, Claims(postgres.dialect).claim(JOB, filters, LIMIT), {**CLAIM, **parameters})
    assert sequential(found) == []
    assert indexes(found) & {"job_element_due_idx", "job_process_due_idx"} or any(
        index.startswith("job_2026") for index in indexes(found)
    )
    # Of each key as many as are wanted and passed over, and those again to lock and to write them.
    assert visited(found) <= 3 * (LIMIT + PASSED_OVER)
    assert next(node["Actual Rows"] for node in found) == LIMIT


@pytest.mark.postgres
@pytest.mark.parametrize("of", [JOB, TASK], ids=lambda table: table.name)
@pytest.mark.parametrize("name", POINTED)
def test_a_claim_of_little_reads_little(postgres: Full, of: Any, name: str):
    filters, parameters = POINTED[name]
    found = explained(postgres, Claims(postgres.dialect).claim(of, filters, LIMIT), {**CLAIM, **parameters})
    assert sequential(found) == []
    assert visited(found) <= 10


@pytest.mark.postgres
@pytest.mark.parametrize("name", READS)
def test_a_hot_read_goes_by_indexes(postgres: Full, name: str):
    statement, parameters = READS[name]
    found = explained(postgres, statement, parameters)
    assert sequential(found) == []
    assert visited(found) <= 30


GROUP: dict[str, Any] = {"day": DAY, "ids": list(range(1, 101, 2))}
GROUP_KINDS = {
    "lock": ("job", "task"),
    "with_instance": ("job", "task", "element_instance"),
    "active": ("job", "task", "element_instance"),
}
GROUPS = [(kind, source) for kind, sources in GROUP_KINDS.items() for source in sources]


@pytest.mark.postgres
@pytest.mark.parametrize(("kind", "source"), GROUPS)
def test_what_a_group_reads_goes_by_indexes(postgres: Full, kind: str, source: str):
    statement = getattr(GroupStatements(postgres.dialect), kind)[source]
    found = explained(postgres, statement, GROUP)
    assert sequential(found) == []
    assert visited(found) <= 10 * len(GROUP["ids"])


@pytest.mark.sqlite
@pytest.mark.parametrize(("kind", "source"), GROUPS)
def test_what_a_group_reads_goes_by_indexes_on_sqlite(lite: Full, kind: str, source: str):
    details = plan_of(lite, getattr(GroupStatements(lite.dialect), kind)[source], GROUP)
    assert [detail for detail in details if detail.split()[0] == "SCAN" and detail.split()[1] in BIG] == []
    # Such a filter is made of all rows of a day, to look up one of them.
    assert [detail for detail in details if detail.startswith("BLOOM")] == []
    assert steps_of(lite, getattr(GroupStatements(lite.dialect), kind)[source], GROUP) < LITE_ROWS / 2


LEFTOVERS = {"day": DAY, "ids": [51, 54], "closed": "TERMINATED"}


@pytest.mark.postgres
def test_clearing_away_goes_by_indexes(postgres: Full):
    saver = Saver(postgres.dialect)
    for statement in (*saver._leftovers.values(), saver._close_user_tasks):
        found = explained(postgres, statement, LEFTOVERS)
        assert sequential(found) == []
        assert visited(found) <= 10


@pytest.mark.postgres
def test_what_goes_over_to_a_renewed_event_goes_by_indexes(postgres: Full):
    saver = Saver(postgres.dialect)
    for statement in saver._move_on.values():
        found = explained(postgres, statement, {"day": DAY, "happened": 51, "renewed": 99})
        assert sequential(found) == []
        assert visited(found) <= 10
    requeued = {"before": 7, "behind": ROWS * 2, "at": NOW, "by": "w"}
    assert visited(explained(postgres, saver._requeue, requeued)) == 1


@pytest.mark.postgres
def test_purging_goes_on_where_it_has_been_by_the_index_of_what_expires(postgres: Full):
    kept = {"until": NOW, "keyed_until": NOW - timedelta(days=1)}
    found = explained(postgres, SOME_EXPIRED, {**kept, "since": NOW + timedelta(seconds=1)})
    assert indexes(found) == {"message_expires_at_idx"}
    assert visited(found) == 0


REMOVED: dict[str, Any] = {"day": DAY, "ids": list(range(2, 202, 2))}
OLD = {"bpmn_process_id": "p4", "until": NOW + timedelta(days=1)}


@pytest.mark.postgres
def test_what_is_to_be_deleted_is_found_by_indexes(postgres: Full):
    statements = RemovalStatements(postgres.dialect)
    for statement in (statements.called, *statements.parts.values(), *statements.delete.values()):
        found = explained(postgres, statement, REMOVED)
        assert sequential(found) == []
        assert visited(found) <= 10 * len(REMOVED["ids"])
    found = explained(postgres, statements.ended, OLD)
    assert (sequential(found), visited(found) <= 5 * ROOTS_AT_ONCE) == ([], True)
    assert any("bpmn_process_id_ended" in index for index in indexes(found)), indexes(found)
    assert visited(explained(postgres, statements.ended, OLD | {"until": NOW - timedelta(days=1)})) <= 5


@pytest.mark.sqlite
def test_what_is_to_be_deleted_is_found_by_indexes_on_sqlite(lite: Full):
    statements = RemovalStatements(lite.dialect)
    details = plan_of(lite, statements.ended, OLD)
    assert any("process_instance_retention_idx" in detail for detail in details), details
    assert steps_of(lite, statements.ended, OLD) < 50 * ROOTS_AT_ONCE
    for statement in (statements.called, *statements.parts.values()):
        details = plan_of(lite, statement, REMOVED)
        assert [detail for detail in details if detail.split()[0] == "SCAN" and detail.split()[1] in BIG] == []


@pytest.mark.postgres
def test_whether_a_day_is_to_be_kept_is_told_by_one_row(postgres: Full):
    asked = {"day": DAY, "bpmn_process_id": "p4", "since": NOW - timedelta(days=1)}
    found = explained(postgres, KEPT, asked)
    assert (sequential(found), visited(found) <= 5) == ([], True)
    assert visited(explained(postgres, KEPT, asked | {"since": NOW + timedelta(days=1)})) <= 5


WRITES: dict[str, Write] = {
    "tokens": Write(
        UPDATE[records.ElementInstance],
        [
            {
                "partition": DAY,
                "id": id,
                "context": None,
                "ended_at": NOW,
                "started_at": NOW,
                "state": "COMPLETED",
                "active_children": 0,
                "pending_events": 0,
                "active_handlers": 0,
                "waiting_joins": 0,
                "loop_counter": None,
                "loop_cardinality": None,
                "loop_completed": 0,
                "compensation": None,
                "duration_ms": 0,
            }
            for id in (51, 54, 57)
        ],
    ),
    "a job": Write(
        UPDATE[records.Job],
        [
            {
                "partition": DAY,
                "id": 53,
                "completed_at": NOW,
                "error": None,
                "state": "DONE",
                "locked_by": "w",
                "lock_version": 0,
            }
        ],
    ),
    "an instance": Write(
        UPDATE[records.ProcessInstance],
        [{"partition": DAY, "id": 51, "ended_at": NOW, "started_at": NOW, "state": "COMPLETED", "revision": 0}],
    ),
    "a queue": Write(SET_QUEUE, [{"bpmn_process_id": "p7", "parallelism": 5, "active": 4}]),
    "an entry": Write(DELETE_ENTRY, [{"partition": DAY, "process_instance_id": 51}]),
    "a deleted variable": Write(DELETE_PROCESS_VARIABLE, [{"partition": DAY, "process_instance_id": 51, "name": "x"}]),
    "a deleted variable of an element instance": Write(
        DELETE_ELEMENT_VARIABLE, [{"partition": DAY, "element_instance_id": 50, "name": "x"}]
    ),
    "a used message": Write(EXPIRE_MESSAGE, [{"id": 7, "expires_at": NOW}]),
}


@pytest.mark.postgres
@pytest.mark.parametrize("name", WRITES)
def test_a_hot_write_goes_by_indexes(postgres: Full, name: str):
    (call,) = postgres.dialect.writes([WRITES[name]])
    found = explained(postgres, call.statement, call.parameters)
    assert sequential(found) == []
    assert visited(found) <= 10


@pytest.mark.parametrize(("of", "predicate"), [(JOB, UNCLAIMED_JOB), (TASK, UNCLAIMED_TASK)], ids=["job", "task"])
@pytest.mark.parametrize(
    "kind", [pytest.param("lite", marks=pytest.mark.sqlite), pytest.param("postgres", marks=pytest.mark.postgres)]
)
def test_claim_and_index_share_one_predicate_word_for_word(
    request: pytest.FixtureRequest, kind: str, of: Any, predicate: str
):
    full = request.getfixturevalue(kind)
    claim = str(Claims(full.dialect).claim(of, frozenset(), LIMIT).compile(dialect=full.dialect.engine.dialect))
    condition = claim.split("WHERE ")[1].split(" ORDER BY")[0].replace(f"{of.name}.", "").replace("\n", " ")
    assert condition.startswith(f"{predicate} AND due_at <= ")
    (index,) = [index for index in of.indexes if index.name == f"{of.name}_due_idx"]
    assert str(index.dialect_options["postgresql"]["where"]) == predicate
    assert str(index.dialect_options["sqlite"]["where"]) == predicate
    assert [column.name for column in index.columns] == ["partition", "due_at", "id"]


@pytest.mark.sqlite
@pytest.mark.parametrize("of", [JOB, TASK], ids=lambda table: table.name)
@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_follows_the_index_of_what_is_due_on_sqlite(lite: Full, of: Any, name: str):
    filters, parameters = CLAIMS[name]
    details = plan_of(lite, Claims(lite.dialect).claim(of, filters, LIMIT), {**CLAIM, **parameters})
    assert any(re.search(rf"INDEX {of.name}(_process)?_due_idx", detail) for detail in details), details
    if "process_ids" not in filters:
        assert [detail for detail in details if "TEMP B-TREE" in detail] == []


@pytest.mark.sqlite
@pytest.mark.parametrize("of", [JOB, TASK], ids=lambda table: table.name)
@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_leaves_the_rest_of_the_backlog_unread_on_sqlite(lite: Full, of: Any, name: str):
    """Several processes are merged by sorting, but only the first few of each."""
    filters, parameters = CLAIMS[name]
    assert steps_of(lite, Claims(lite.dialect).claim(of, filters, LIMIT), {**CLAIM, **parameters}) < LITE_ROWS / 2


VISIBLE: dict[str, Any] = {"day": DAY, "ids": list(range(3, 63, 3)), "names": '["x"]'}


@pytest.mark.postgres
@pytest.mark.parametrize("named", [False, True])
def test_the_variables_of_locked_jobs_are_found_by_indexes(postgres: Full, named: bool):
    found = explained(postgres, Claims(postgres.dialect).visible[named], VISIBLE)
    assert sequential(found) == []
    assert visited(found) <= 10 * len(VISIBLE["ids"])


@pytest.mark.sqlite
@pytest.mark.parametrize("named", [False, True])
def test_the_variables_of_locked_jobs_are_found_by_indexes_on_sqlite(lite: Full, named: bool):
    details = plan_of(lite, Claims(lite.dialect).visible[named], VISIBLE)
    assert [detail for detail in details if detail.split()[0] == "SCAN" and detail.split()[1] in BIG] == []
    assert steps_of(lite, Claims(lite.dialect).visible[named], VISIBLE) < LITE_ROWS / 2


@pytest.mark.sqlite
@pytest.mark.parametrize("name", KEYED)
def test_a_claim_by_element_or_process_leaves_the_rest_of_the_backlog_unread_on_sqlite(lite: Full, name: str):
    filters, parameters = KEYED[name]
    statement = Claims(lite.dialect).claim(JOB, filters, LIMIT)
    assert steps_of(lite, statement, {**CLAIM, **parameters}) < LITE_ROWS / 4


@pytest.mark.sqlite
@pytest.mark.parametrize("name", [*READS, *POINTED])
def test_a_hot_read_goes_by_indexes_on_sqlite(lite: Full, name: str):
    if name in POINTED:
        filters, more = POINTED[name]
        statement, parameters = Claims(lite.dialect).claim(JOB, filters, LIMIT), {**CLAIM, **more}
    else:
        statement, parameters = READS[name]
    details = plan_of(lite, statement, parameters)
    assert [detail for detail in details if detail.split()[0] == "SCAN" and detail.split()[1] in BIG] == []


def plan_of(full: Full, statement: Any, parameters: dict[str, Any]) -> list[str]:
    """What SQLite says about each table it goes through; the statement is run, and what it has written taken back."""
    executed: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, text: str, given: Any, *_: Any) -> None:
        executed.append((text, given))

    with full.dialect.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        event.listen(connection, "before_cursor_execute", note)
        connection.execute(statement, parameters).close()
        event.remove(connection, "before_cursor_execute", note)
        connection.exec_driver_sql("ROLLBACK")
    ((text, given),) = executed
    return [row[3] for row in full.connection.execute(f"EXPLAIN QUERY PLAN {text}", given)]


def steps_of(full: Full, statement: Any, parameters: dict[str, Any]) -> int:
    """How many instructions SQLite needs; a row of a scan takes about ten."""
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    with full.dialect.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(step, 1)
        connection.execute(statement, parameters).close()
        driver.set_progress_handler(None, 0)
        connection.exec_driver_sql("ROLLBACK")
    return steps
