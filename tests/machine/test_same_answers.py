"""The same commands have the same answers and leave the same rows, whichever database is below."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples
from tests.databases import Databases
from tests.machine.models import models
from tests.machine.player import Answer, World
from tests.machine.steps import ALL, LUCK, PARALLELISM, steps
from tests.machine.tables import PARTITIONED, Row, Tables, differences

REFERENCES = {
    "element_id": "element",
    "element_instance_id": "element_instance",
    "incident_id": "incident",
    "job_id": "job",
    "message_id": "message",
    "prev_element_id": "element",
    "host_id": "element_instance",
    "prev_id": "element_instance",
    "process_id": "process",
    "process_instance_id": "process_instance",
    "root_id": "process_instance",
    "signal_id": "signal",
    "task_id": "task",
    "user_task_id": "user_task",
}
"""The table of the row that a column refers to; `id`, `parent_id` and `owner_id` depend on their own table."""
RESOURCES = {
    "/processes": "process",
    "/process-instances": "process_instance",
    "/element-instances": "element_instance",
    "/jobs": "job",
    "/tasks": "task",
    "/user-tasks": "user_task",
    "/incidents": "incident",
    "/variables": "variable",
    "/messages": "message",
    "/messages/subscriptions": "message_subscription",
    "/signals": "signal",
    "/signals/subscriptions": "signal_subscription",
}


class Ranks:
    """Ids as positions among those of their table and day, since ids have gaps, and each database has others."""

    def __init__(self, tables: Tables) -> None:
        self._ranks: dict[tuple[str, str, int], int] = {}
        for table, rows in tables.items():
            counts: dict[str, int] = {}
            for row in rows:
                if "id" in row:
                    day = row["partition"] if table in PARTITIONED else ""
                    counts[day] = counts.get(day, 0) + 1
                    self._ranks[table, day, row["id"]] = counts[day]

    def row(self, table: str, row: Row) -> Row:
        return {name: self._value(table, name, value, row.get("partition", "")) for name, value in row.items()}

    def answer(self, table: str, value: Any, partition: str = "") -> Any:
        """JSON of a resource that is kept in `table`."""
        if isinstance(value, list):
            return [self.answer(table, each, partition) for each in value]
        if not isinstance(value, dict):
            return PATH.sub(r"\1/#", value) if isinstance(value, str) else value
        day = value.get("partition", partition)
        found = {}
        for name, each in value.items():
            if isinstance(each, int) and not isinstance(each, bool):
                found[name] = self._value(table, re.sub("([A-Z])", r"_\1", name).lower().lstrip("_"), each, day)
            else:
                found[name] = self._payload(each) if name == "serializedTask" else self.answer(table, each, day)
        return found

    def _value(self, table: str, name: str, value: Any, day: str) -> Any:
        if name == "serialized_task" and value:
            return self._payload(value)
        of = REFERENCES.get(name)
        if name == "id":
            of = table
        elif name == "parent_id":
            of = table if table in ("process_instance", "element_instance") else None
        elif name == "owner_id":
            of = table.removesuffix("_variable")
        if of is None or value is None:
            return value
        return self._ranks.get((of, day if of in PARTITIONED else "", value), "gone")

    def _payload(self, text: str) -> dict[str, Any]:
        return self.answer("", {**json.loads(text)})


PATH = re.compile(r"(\d{4}-\d\d-\d\d)/\d+")


def comparable(answer: Answer) -> Any:
    resource = next((r for r in sorted(RESOURCES, reverse=True) if answer.path.startswith(r)), "")
    return answer.status, Ranks(answer.tables).answer(RESOURCES.get(resource, ""), answer.body)


def comparable_rows(tables: Tables) -> Tables:
    ranks = Ranks(tables)
    return Tables({table: [ranks.row(table, row) for row in rows] for table, rows in tables.items()})


@pytest.fixture(scope="module")
def worlds(databases: Databases) -> Iterator[tuple[World, World]]:
    with databases.fresh("sqlite") as sqlite_url, databases.fresh("postgres") as postgres_url:
        worlds = World(sqlite_url), World(postgres_url)
        yield worlds
        for world in worlds:
            world.close()


@pytest.mark.postgres
@settings(
    max_examples=examples(check=8, full=220),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(model=models(), parallelism=PARALLELISM, luck=LUCK, program=st.lists(steps(ALL), min_size=5, max_size=25))
def test_both_databases_answer_alike(worlds, model, parallelism, luck, program):
    first, second = (world.play(maintenance=False) for world in worlds)
    begin = [
        ("deploy", {"model": model, "parallelism": parallelism}),
        ("start", {"pick": 0, "luck": luck}),
        ("start", {"pick": 0, "luck": luck}),
    ]
    for step in (*begin, *program):
        done = len(first.answers)
        first.play(*step)
        second.play(*step)
        one, other = ([comparable(answer) for answer in player.answers[done:]] for player in (first, second))
        assert one == other, f"{step}:\n{one}\n{other}"
    found = list(differences(comparable_rows(first.tables), comparable_rows(second.tables)))
    assert not found, "\n".join(found)
