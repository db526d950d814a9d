"""How many statements and round trips a request takes. These do not wobble, unlike times."""

from __future__ import annotations

from typing import Any

from app import create_app
from app.config import Config
from app.service import open_service
from tests.bench.load import SCENARIOS, Answer, Failed, play, prepare
from tests.bench.serve import AUTHORIZATION, PASSWORD, USERNAME
from tests.store.counting import counting_statements
from tests.wire import Wire

WARM = 3
"""Turns that are played before one is counted: they fill caches and prepare statements."""


def count(url: str) -> dict[str, dict[str, list[Answer]]]:
    """By scenario and operation, what each request of one turn took.

    BEGIN and COMMIT are counted apart from other statements. SQLite has no round trips.
    """
    if url.startswith("sqlite"):
        return _count(url, counting_statements)
    wire = Wire(url)
    try:
        return _count(wire.url, wire.counting)
    finally:
        wire.close()


def _count(url: str, counting: Any) -> dict[str, dict[str, list[Answer]]]:
    config = Config(
        database_url=url,
        basic_auth_username=USERNAME,
        basic_auth_password=PASSWORD,
        task_executor_enabled=False,
        log_level="WARNING",
    )
    service = open_service(config)
    app = create_app(config, service=service)
    client = app.test_client()
    found: dict[str, list[Answer]] = {}

    def send(operation: str, method: str, path: str, body: Answer) -> Answer:
        answer = client.open(path, method=method, json=body, headers={"Authorization": AUTHORIZATION})
        if answer.status_code not in (200, 201):
            raise Failed(f"{operation}: {answer.status} {answer.text}")
        parsed: Answer = answer.get_json()
        return parsed

    def ask(operation: str, method: str, path: str, body: Answer) -> Answer:
        with counting() as counted:
            answer = send(operation, method, path, body)
        numbers = {
            "statements": counted.statements,
            "transaction": len(counted.transactions),
            "round_trips": counted.round_trips or None,
        }
        found.setdefault(operation, []).append(numbers)
        return answer

    paths = {rule.rule for rule in app.url_map.iter_rules()}
    result: dict[str, dict[str, list[Answer]]] = {}
    try:
        for scenario in SCENARIOS.values():
            if scenario.open_jobs or (scenario.optional and scenario.optional not in paths):
                continue
            stage = prepare(send, scenario)
            for _ in range(WARM):
                play(ask, scenario.turn(stage, "bench"))
            found = {}
            # One more than once: a query asks for something else the next time.
            for _ in range(2 if scenario.name == "query" else 1):
                play(ask, scenario.turn(stage, "bench"))
            result[scenario.name], found = found, {}
    finally:
        service.close()
    return result
