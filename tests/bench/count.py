"""How many statements and round trips an operation takes. These do not wobble, unlike times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from app import create_app
from app.config import Config
from app.service import open_service
from tests.bench.load import UNITS, Answer, Failed, deploy
from tests.bench.serve import AUTHORIZATION, PASSWORD, USERNAME
from tests.wire import Count, Wire

WARM = 3
"""Instances that are played before one is counted: they fill caches and prepare statements."""


def count(url: str) -> dict[str, dict[str, list[Answer]]]:
    """By process and operation, what each request of one instance took.

    BEGIN and COMMIT are counted apart from other statements. SQLite has no round trips.
    """
    if url.startswith("sqlite"):
        return _count(url, _statements)
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
    client = create_app(config, service=service).test_client()
    found: dict[str, list[Answer]] = {}

    def ask(operation: str, method: str, path: str, body: Answer) -> Answer:
        with counting() as counted:
            answer = client.open(path, method=method, json=body, headers={"Authorization": AUTHORIZATION})
        if answer.status_code not in (200, 201):
            raise Failed(f"{operation}: {answer.status} {answer.text}")
        numbers = {
            "statements": counted.statements,
            "transaction": len(counted.transactions),
            "round_trips": counted.round_trips or None,
        }
        found.setdefault(operation, []).append(numbers)
        parsed: Answer = answer.get_json()
        return parsed

    result: dict[str, dict[str, list[Answer]]] = {}
    try:
        for name, unit in UNITS.items():
            process = deploy(ask, name)
            for _ in range(WARM):
                unit(ask, process, "bench")
            found = result[name] = {}
            unit(ask, process, "bench")
            found = {}
    finally:
        service.close()
    return result


@contextmanager
def _statements() -> Iterator[Count]:
    """Counts what goes through SQLAlchemy, on all engines; a statement for many rows counts once."""
    found = Count()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        control = statement.split()[0] in ("BEGIN", "COMMIT", "ROLLBACK")
        (found.transactions if control else found.texts).append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)
