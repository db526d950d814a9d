"""What is judged of what is known, finding by finding."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from app.config import Config
from app.health import HealthLevel, Known, judge, status
from app.store import ApiKey, Facts, Node
from app.store.facts import Files, Waiting

NOW = datetime(2026, 11, 23, 12)
TODAY = NOW.date()
DAYS = tuple(TODAY + timedelta(days=n) for n in range(-29, 3))
GIB = 1024**3
OK, WARN, ERROR = HealthLevel
NODE = Node(
    id=1,
    engine_id="e",
    host="h",
    pid=1,
    version="1",
    executor=True,
    executor_seen=NOW,
    started_at=NOW,
    last_seen=NOW,
    waits_since=None,
)
FACTS = Facts(
    revision="0003",
    days=DAYS,
    database_time=NOW,
    files=Files(path="bpmn.db", size=GIB, wal=0, free=10 * GIB, disk=20 * GIB),
)
WELL = Known(
    config=Config(partition_retention_days=30),
    facts=FACTS,
    newest_revision="0003",
    nodes=(NODE,),
    keys=(),
    encrypted=3,
    now=NOW,
    clock=NOW,
    machine_time=NOW,
)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def facts(**changed: Any) -> Known:
    return replace(WELL, facts=replace(FACTS, **changed))


def nodes(*changed: dict[str, Any]) -> Known:
    return replace(WELL, nodes=tuple(replace(NODE, **each) for each in changed))


def key(expires_at: datetime | None) -> Known:
    return replace(WELL, keys=(ApiKey("shop", "", ago(days=100), expires_at),))


def files(**changed: int) -> Known:
    return facts(files=replace(FACTS.files, **changed))


def configured(**changed: Any) -> Known:
    return replace(WELL, config=replace(WELL.config, **changed))


def test_a_system_that_is_well_has_no_other_findings():
    found = judge(WELL)
    assert {finding.level for finding in found} == {OK}
    assert status(found) is OK
    looked_at = {"database", "schema", "clock", "nodes", "executor", "tasks", "jobs", "incidents", "days", "api-keys"}
    assert {finding.code for finding in found} == looked_at | {"encryption", "disk"}
    assert not any(finding.hint for finding in found)


@pytest.mark.parametrize(
    ("known", "code", "level", "words"),
    [
        (facts(revision="0002"), "schema", ERROR, "has revision 0002, this version 0003"),
        (facts(database_time=NOW + timedelta(seconds=90)), "clock", WARN, "1m 30s ahead"),
        (facts(database_time=ago(seconds=3)), "clock", WARN, "3s behind"),
        (facts(offset_ms=3_600_000), "engine-time", WARN, "1h ahead"),
        (nodes({"last_seen": ago(minutes=5)}), "nodes", WARN, "one was last seen 5m ago"),
        (nodes({}, {"version": "2"}), "nodes", WARN, "1: 1, 2: 1"),
        (nodes({"executor_seen": ago(minutes=5)}), "executor", ERROR, "one was last seen 5m ago"),
        (nodes({"executor": False, "executor_seen": None}), "executor", ERROR, "none was seen"),
        (facts(tasks_overdue=Waiting(count=7, since=ago(minutes=2))), "tasks", WARN, "7 tasks should"),
        (facts(tasks_overdue=Waiting(count=1, since=ago(hours=2))), "tasks", ERROR, "the first one 2h ago"),
        (facts(jobs_due=Waiting(count=4, since=ago(hours=2))), "jobs", WARN, "4 jobs waiting, the first one for 2h"),
        (facts(locked_without_lease=Waiting(count=1, since=ago(days=1))), "locks", WARN, "1 job, the first one for 1d"),
        (facts(ended_leases=2), "leases", WARN, "2 jobs"),
        (facts(incidents={"order": 2, "": 1}), "incidents", WARN, "order: 2, (no process): 1"),
        (facts(days=DAYS[:-3]), "days", ERROR, "2026-11-23, 2026-11-24, 2026-11-25"),
        (facts(days=DAYS[:-1]), "days", WARN, "2026-11-25"),
        (facts(days=(date(2026, 10, 1), *DAYS)), "retention", WARN, "2026-10-01; days are to be kept for 30"),
        (key(NOW + timedelta(days=3)), "api-keys", WARN, "shop on 2026-11-26"),
        (key(ago(days=3)), "api-keys", WARN, "shop on 2026-11-20"),
        (replace(WELL, unreadable=2), "encryption", ERROR, "2 of the newest 3"),
        (files(free=GIB // 2), "disk", WARN, "512 MiB are free"),
        (files(free=1024), "disk", ERROR, "1 KiB are free"),
        (files(wal=GIB), "disk", WARN, "its log 1 GiB"),
    ],
)
def test_what_is_wrong_comes_first_with_what_is_so_and_what_helps(
    known: Known, code: str, level: HealthLevel, words: str
):
    found = judge(known)
    finding = found[0]
    assert (finding.code, finding.level) == (code, level)
    assert words in finding.detail
    assert finding.hint
    assert status(found) is level
    assert [each for each in found[1:] if each.level is not OK] == []


@pytest.mark.parametrize(
    "known",
    [
        facts(database_time=NOW + timedelta(seconds=1)),
        facts(tasks_overdue=Waiting(count=1, since=ago(seconds=50))),
        facts(jobs_due=Waiting(count=1000, since=ago(minutes=5))),
        facts(days=(TODAY - timedelta(days=31), *DAYS)),
        facts(days=None, files=None),
        nodes({}, {"executor": False, "executor_seen": None}),
        nodes({"executor_seen": ago(seconds=70)}),
        nodes({}, {"version": "2", "last_seen": ago(minutes=10)}),
        key(NOW + timedelta(days=30)),
        key(None),
        configured(partition_retention_days=None),
    ],
)
def test_what_is_usual_is_no_matter_for_anybody(known: Known):
    assert status(judge(known)) is OK


def test_a_system_without_any_process_has_no_executor_either():
    found = {finding.code: finding for finding in judge(nodes())}
    assert found["executor"].level is ERROR
    assert found["nodes"].level is WARN and "none was seen" in found["nodes"].detail


def test_several_things_that_are_wrong_are_told_the_worst_first():
    known = replace(facts(incidents={"order": 2}, revision="0002"), nodes=())
    levels = [finding.level for finding in judge(known)]
    assert levels[:4] == [ERROR, ERROR, WARN, WARN]
    assert set(levels[4:]) == {OK}


def test_long_lists_are_cut():
    [finding] = [each for each in judge(facts(incidents={f"p{n}": 1 for n in range(9)})) if each.code == "incidents"]
    assert finding.detail.endswith("p4: 1, and 4 more")
    assert finding.title == "9 incidents open"
