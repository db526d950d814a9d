"""What operators ask goes by indexes, among many instances of many days.

By default there is a tenth of what `make finding` has: 100,000 instances with a million element instances.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from app import criteria as c
from app.config import Config
from app.criteria import Paging, Range, StatisticsCriteria
from app.errors import EngineError
from app.store import Store, open_store
from app.store.dialect import Execution
from tests.databases import Databases
from tests.store import crowd

DAYS = 60
PER_DAY = int(os.environ.get("BPMN_TEST_PER_DAY", "167"))
DAY = date(2026, 10, 10)
NOW = datetime(2026, 11, 24, 12)
LIMIT = 50
SOME_TIME = Range(from_=datetime(2026, 10, 10, 0, 0), until=datetime(2026, 10, 10, 0, 2))
LATER = Range(from_=datetime(2026, 10, 10, 1, 0), until=datetime(2026, 10, 10, 1, 2))

Instances, Visits, Jobs = c.ProcessInstanceCriteria, c.ElementInstanceCriteria, c.JobCriteria
OPEN = ("STARTED", "SUSPENDED")
ASKED: dict[str, tuple[Any, str, str]] = {
    "all": (Instances(), "", "pkey"),
    "the last ones": (Instances(), "-id", "pkey"),
    "the last created": (Instances(), "-created_at", "created_at"),
    "the last ended": (Instances(), "-ended_at", "ended_at"),
    "of a process": (Instances(bpmn_process_id="p3"), "", ""),
    "open ones of a process": (Instances(bpmn_process_id="p3", states=OPEN), "", "bpmn_process_id"),
    "the last open ones of a process": (Instances(bpmn_process_id="p3", states=OPEN), "-id", "bpmn_process_id"),
    "open ones": (Instances(states=OPEN), "-created_at", ""),
    "the last canceled": (Instances(states=("CANCELED",)), "-ended_at", "ended_at"),
    "a correlation key": (Instances(correlation_key="k77"), "", "correlation_key"),
    "no correlation key": (Instances(correlation_key="nothing"), "", "correlation_key"),
    "created in some minutes": (Instances(created=SOME_TIME), "", ""),
    "the last created in some minutes": (Instances(created=SOME_TIME), "-created_at", "created_at"),
    "ended in some minutes": (Instances(ended=LATER), "-ended_at", "ended_at"),
    "with an incident": (Instances(has_incident=True), "", "incident"),
    "the last ones with an incident": (Instances(has_incident=True), "-id", "incident"),
    "with an incident, of a process": (Instances(has_incident=True, bpmn_process_id="p3"), "", "incident"),
    "waiting at an element": (Instances(waiting_at="e5"), "", "element_instance"),
    "waiting at an element of a process": (Instances(waiting_at="e5", bpmn_process_id="p3"), "-id", "element_instance"),
    "waiting nowhere": (Instances(waiting_at="nothing"), "", ""),
    "active visits of a process": (Visits(process_id=10, active=True), "", "element_instance"),
    "visits of an instance": (Visits(partition=DAY, process_instance_id=77), "", "process_instance_id"),
    "open jobs": (Jobs(open=True), "", ""),
    "open jobs by time": (Jobs(open=True), "due_at", ""),
    "jobs a worker holds": (Jobs(locked_by="w6", states=("LOCKED",)), "", "locked_by"),
    "open incidents": (c.IncidentCriteria(open=True), "-created_at", ""),
    "incidents alike": (c.IncidentCriteria(error_id="id7"), "", "error_id"),
    "open user tasks": (c.UserTaskCriteria(states=("STARTED",)), "", ""),
}
"""Criteria, order, and what the name of an index that is used has in it."""


class Crowd:
    def __init__(self, url: str) -> None:
        self.store: Store = open_store(Config(database_url=url, query_timeout=30))
        self.is_sqlite = url.startswith("sqlite")

    def page(self, criteria: Any, order: str, **more: Any) -> c.Page:
        return self.store.page(criteria, NOW, Paging(limit=LIMIT, order=order, with_cursor=True, **more))

    def plans(self, ask: Any) -> list[Any]:
        """How the database finds what is asked for: the answers to EXPLAIN of each statement."""
        session = self.store._dialect.session()
        found = []

        def explain(*calls: Execution, **_: Any) -> list[list[Any]]:
            for call in calls:
                found.append(explained(self.store, session, call, self.is_sqlite))
            return session_type.read(session, *calls, seconds=30)

        session_type = type(session)
        session.read = explain
        try:
            ask(session)
        finally:
            session.close()
            session.connection.close()
        return found


def explained(store: Store, session: Any, call: Execution, is_sqlite: bool) -> Any:
    compiled = store._dialect.statements.compiled(call.statement if is_sqlite else call)
    driver = session.connection.connection.driver_connection
    if is_sqlite:
        return [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", compiled.bind(call.parameters))]
    text = b"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) " + compiled.text
    values = compiled.bind(call.parameters)
    result = driver.pgconn.exec_params(text, values)
    assert result.ntuples, result.error_message
    return json.loads(result.get_value(0, 0))[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def crowd_of(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Crowd]:
    with databases.fresh(request.param) as url:
        crowd.fill(url, DAYS, PER_DAY)
        found = Crowd(url)
        yield found
        found.store.close()


def used(plan: Any) -> str:
    """The names of the indexes that were entered, one after the other."""
    if isinstance(plan, list):
        return " ".join(plan)
    return " ".join(each["Index Name"] for each in nodes(plan) if each.get("Actual Loops") and "Index Name" in each)


def visited(plan: dict[str, Any]) -> int:
    """How many rows were read from tables and indexes, whether they were wanted or not."""
    return sum(
        int(each["Actual Loops"] * (each["Actual Rows"] + each.get("Rows Removed by Filter", 0)))
        for each in nodes(plan)
        if "Relation Name" in each
    )


def read_whole(plan: Any) -> list[str]:
    """Tables of many rows that are read from end to end."""
    if isinstance(plan, list):
        scans = [step.split()[1] for step in plan if step.startswith("SCAN") and "INDEX" not in step]
        return [table for table in scans if table in BIG]
    return [
        each["Relation Name"]
        for each in nodes(plan)
        if each["Node Type"] == "Seq Scan" and "_2026" in each["Relation Name"]
    ]


BIG = ("process_instance", "element_instance", "job", "incident", "user_task")
READ_WHOLE_ON_SQLITE = {"open jobs by time"}
"""SQLite can't go by two partial indexes at once."""


def plan_of(crowd: Crowd, criteria: Any, order: str) -> Any:
    store = crowd.store
    paging = Paging(limit=LIMIT, order=order, with_cursor=True)
    (plan,) = crowd.plans(lambda session: store._queries.page(session, criteria, NOW, paging, store._bounds))
    return plan


@pytest.mark.parametrize("name", ASKED)
def test_a_query_of_operators_goes_by_an_index(crowd_of: Crowd, name: str):
    criteria, order, index = ASKED[name]
    plan = plan_of(crowd_of, criteria, order)
    names = used(plan)
    assert index in names or (crowd_of.is_sqlite and index == "pkey"), names
    if crowd_of.is_sqlite:
        assert read_whole(plan) == [] or name in READ_WHOLE_ON_SQLITE
    else:
        assert read_whole(plan) == []
        # Some find next to nothing on most days; none reads more than a part of what there is.
        assert visited(plan) < DAYS * PER_DAY


@pytest.mark.parametrize("name", ["visits of an instance"])
def test_what_belongs_to_one_instance_is_looked_for_on_its_day_only(crowd_of: Crowd, name: str):
    criteria, order, _ = ASKED[name]
    plan = plan_of(crowd_of, criteria, order)
    if not crowd_of.is_sqlite:
        tables = {each["Relation Name"] for each in nodes(plan) if "_2026" in each.get("Relation Name", "")}
        assert tables <= {f"element_instance_{DAY:%Y%m%d}"}
        assert visited(plan) <= 100
    else:
        assert [step for step in plan if step.startswith("SEARCH") and "element_instance" in step]
        assert not [step for step in plan if step.startswith("SCAN")]


def test_what_an_instance_waits_for_is_looked_for_on_its_day_only(crowd_of: Crowd):
    store = crowd_of.store
    plans = crowd_of.plans(lambda session: store._situations.find(session, DAY, 83, 1000, store._bounds))
    plans += crowd_of.plans(
        lambda session: store._histories.find(session, DAY, 83, Paging(limit=LIMIT, with_cursor=True), store._bounds)
    )
    assert len(plans) > 10
    if crowd_of.is_sqlite:
        assert not [step for plan in plans for step in plan if step.startswith("SCAN") and "USING" not in step]
        return
    for plan in plans:
        tables = [each["Relation Name"] for each in nodes(plan) if "_2026" in each.get("Relation Name", "")]
        assert all(table.endswith(f"{DAY:%Y%m%d}") for table in tables)
        assert read_whole(plan) == []
        assert visited(plan) <= 100


def test_where_the_instances_of_a_page_wait_is_found_by_key(crowd_of: Crowd):
    store = crowd_of.store
    page = crowd_of.page(Instances(states=OPEN), "-created_at")
    (plan,) = crowd_of.plans(lambda session: store._situations.places(session, page.records, store._bounds))
    if crowd_of.is_sqlite:
        assert read_whole(plan) == []
    else:
        assert visited(plan) <= 30 * LIMIT
    places = store.places(page.records)
    assert all(elements for _, elements in places.values())
    assert len(places) == LIMIT


def counted(crowd: Crowd, statement: str) -> int:
    session = crowd.store._dialect.session()
    try:
        ((row,),) = session.run(Execution(text(statement)))
        return int(row[0])
    finally:
        session.close()
        session.connection.close()


def test_totals_are_exact(crowd_of: Crowd):
    for name, where in {
        "of a process": "process_instance WHERE bpmn_process_id = 'p3'",
        "open ones": "process_instance WHERE state IN ('STARTED', 'SUSPENDED')",
        "with an incident": "process_instance WHERE (partition, id) IN "
        "(SELECT partition, process_instance_id FROM incident WHERE resolved_at IS NULL)",
        "open incidents": "incident WHERE resolved_at IS NULL",
        "jobs a worker holds": "job WHERE locked_by = 'w6' AND state = 'LOCKED'",
    }.items():
        criteria, order, _ = ASKED[name]
        total = crowd_of.page(criteria, order, with_total=True).total
        assert total == counted(crowd_of, f"SELECT count(*) FROM {where}"), name
        assert total, name


def test_statistics_count_what_there_is(crowd_of: Crowd):
    found = crowd_of.store.statistics(StatisticsCriteria(bpmn_process_id="p3", flows=True), NOW)
    of_process = "element_instance WHERE process_id IN (SELECT id FROM process WHERE bpmn_process_id = 'p3')"
    for name, condition in {"active": "ended_at IS NULL", "completed": "state = 'COMPLETED'"}.items():
        expected = counted(crowd_of, f"SELECT count(*) FROM {of_process} AND {condition}")
        assert sum(getattr(each, name) for each in found.elements) == expected > 0
    passed = counted(crowd_of, f"SELECT count(*) FROM {of_process} AND prev_element_id IS NOT NULL")
    assert sum(flow.count for flow in found.flows) == passed
    assert {each.average_ms for each in found.elements if each.bpmn_element_id == "e2"} == {1002}
    incidents = counted(crowd_of, "SELECT count(*) FROM incident WHERE resolved_at IS NULL AND bpmn_process_id = 'p3'")
    assert sum(each.incidents for each in found.elements) == incidents > 0


def test_statistics_read_indexes_only(crowd_of: Crowd):
    store = crowd_of.store
    plans = crowd_of.plans(
        lambda session: store._statistics.find(session, StatisticsCriteria(bpmn_process_id="p3"), NOW, store._bounds)
    )
    ended, active, *_ = plans
    assert "ended" in used(ended) if crowd_of.is_sqlite else "state_prev" in used(ended)
    if crowd_of.is_sqlite:
        assert not [step for step in (*ended, *active) if "TEMP B-TREE" in step]
    else:
        assert visited(ended) < DAYS * PER_DAY


def test_what_takes_too_long_is_ended_and_refused(crowd_of: Crowd):
    url = crowd_of.store._dialect.engine.url.render_as_string(hide_password=False)
    impatient = open_store(Config(database_url=url, query_timeout=0.001))
    with pytest.raises(EngineError) as caught:
        impatient.statistics(StatisticsCriteria(process_ids=tuple(range(1, 61))), NOW)
    assert caught.value.kind == "QUERY"
    impatient.close()
