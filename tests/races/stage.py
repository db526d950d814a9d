"""A database that two services share, and that is set back to the same rows before each race."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import psycopg

from app.clock import ManualClock
from app.commands.base import Command, Completion
from app.commands.task import LockTasks, UnlockTasks
from app.config import Config
from app.criteria import (
    ElementInstanceCriteria,
    IncidentCriteria,
    JobCriteria,
    ProcessInstanceCriteria,
    TaskCriteria,
    UserTaskCriteria,
)
from app.engine.records import ElementVisit, Incident, Job, ProcessInstance, Task, UserTask
from app.service import Service
from app.store.tables import Base
from tests.machine.tables import Database, Tables
from tests.races.gate import GatedService, in_order_of_meeting
from tests.races.held import WAITING, InBackground
from tests.store import play

START = datetime(2026, 11, 23, 12)
ENGINE = "default-engine"
OTHER_WORKER = "other-worker"
KEPT = {
    kind: tuple(name for name, each in Base.metadata.tables.items() if each.info.get("only", kind) == kind)
    for kind in ("sqlite", "postgresql")
}
VACUUM_EVERY = 100
"""Rows that are gone would make each reading slower than the one before."""


class Saved:
    """The rows of a moment, and how to have them again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._is_sqlite = database.url.startswith("sqlite")
        self._times = 0
        self._tables = KEPT["sqlite" if self._is_sqlite else "postgresql"]
        self._rows = {name: self._read(name) for name in self._tables}
        self._sequences = [] if self._is_sqlite else database.execute(_SEQUENCES)

    def _read(self, name: str) -> Any:
        if self._is_sqlite:
            return [tuple(row.values()) for row in self._database.execute(f"SELECT * FROM {name}")]
        return self._database.execute(f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text AS rows FROM {name} t")[0][
            "rows"
        ]

    def restore(self) -> None:
        (self._restore_sqlite if self._is_sqlite else self._restore_postgres)()
        self._times += 1
        if not self._is_sqlite and self._times % VACUUM_EVERY == 0:
            self._database.change("VACUUM")
        self._database.change()

    def _restore_sqlite(self) -> None:
        connection = self._database.connection
        connection.execute("BEGIN IMMEDIATE")
        for name, rows in self._rows.items():
            connection.execute(f"DELETE FROM {name}")
            if rows:
                connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        connection.execute("COMMIT")

    def _restore_postgres(self) -> None:
        connection: psycopg.Connection[Any] = self._database.connection
        with connection.pipeline():
            connection.execute("BEGIN")
            for name, rows in self._rows.items():
                connection.execute(f"DELETE FROM {name}")
                if rows != "[]":
                    found = f"SELECT * FROM jsonb_populate_recordset(null::{name}, %s::jsonb)"
                    connection.execute(f"INSERT INTO {name} {found}", (rows,))
            connection.execute(_SET_SEQUENCES, {"rows": json.dumps(self._sequences)})
            connection.execute("COMMIT")


_SEQUENCES = """
    SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename) AS name,
           coalesce(last_value, 1) AS value, last_value IS NOT NULL AS used
    FROM pg_sequences WHERE schemaname = current_schema()"""
_SET_SEQUENCES = """
    SELECT setval(name::regclass, value, used)
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS known(name text, value bigint, used boolean)"""


class Answer:
    """What a command has answered, without ids: these depend on who came first."""

    def __init__(self, done: InBackground[Any]) -> None:
        self.error: BaseException | None = None
        self.text = ""
        try:
            self.text = described(done.result())
        except Exception as error:
            self.error = error
            self.text = f"{getattr(error, 'kind', repr(error))}"


def described(value: Any) -> str:
    """A record, or a list of them, by what is not an id."""
    if isinstance(value, list):
        return f"[{', '.join(sorted(map(described, value)))}]"
    names = getattr(type(value), "__dataclass_fields__", None)
    if names is None:
        return repr(value)
    fields = {name: getattr(value, name) for name in names if name != "id" and not name.endswith("_id")}
    shown = {name: field for name, field in fields.items() if isinstance(field, str | bool | datetime) and field}
    for name in ("serialized_task", "locked_until"):
        # Ids are in the one, and nobody is told the other.
        shown.pop(name, None)
    return f"{type(value).__name__}({', '.join(f'{name}={field}' for name, field in sorted(shown.items()))})"


class Stage:
    """Two services as of two machines, the time, and names for the instances that play a part."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.database.clean()
        self.clock = ManualClock(START)
        self.config = Config(
            database_url=url,
            engine_id=ENGINE,
            auth_mode="none",
            set_time_enabled=True,
            task_executor_enabled=False,
            partition_ahead_days=1,
        )
        self.services: list[GatedService] = []
        self.forget()
        self.service.prepare()
        self.instances: dict[str, ProcessInstance] = {}
        self.saved: Saved | None = None

    @property
    def service(self) -> Service:
        return self.services[0]

    def forget(self) -> None:
        """What the services remember of other rows, such as the processes."""
        for service in self.services:
            service.close()
        self.services = [GatedService(self.config, self.clock) for _ in range(2)]

    def save(self) -> None:
        """From now on, each race begins with these rows. The leases of tasks that were claimed have just ended."""
        self.clock.advance(timedelta(seconds=self.config.task_lock_timeout))
        self.saved = Saved(self.database)

    def restore(self) -> None:
        assert self.saved is not None
        self.saved.restore()

    def tables(self) -> Tables:
        return self.database.tables()

    @property
    def now(self) -> str:
        return f"{self.service.now():%Y-%m-%d %H:%M:%S.%f}"

    def close(self) -> None:
        for service in self.services:
            service.close()
        self.database.close()

    # Building

    def begin(self, name: str, bpmn_process_id: str = "p", version: str = "1", **options: Any) -> ProcessInstance:
        """Starts an instance, which goes by the name from now on."""
        self.instances[name] = play.start(
            self.service, bpmn_process_id, version=version, tags={"name": name}, **options
        )
        return self.instances[name]

    def call_it(self, name: str, caller: str) -> None:
        """Names the instance that was called."""
        (self.instances[name],) = self.service.query(ProcessInstanceCriteria(parent_id=self.instances[caller].id))

    def call_each(self, caller: str) -> None:
        """Names all instances that were called, in the order of their ids."""
        for number, called in enumerate(
            self.service.query(ProcessInstanceCriteria(parent_id=self.instances[caller].id))
        ):
            self.instances[f"{caller}.{number}"] = called

    def lock(self, name: str, element: str, worker: str = play.WORKER, **options: Any) -> Job:
        id = self.job(name, element).id
        (job,) = play.lock(self.service, worker=worker, partition=START.date(), id=id, **options)
        return job

    def complete(self, name: str, element: str, completion: Completion | None = None, **options: Any) -> None:
        play.complete(self.service, self.lock(name, element), completion=completion, **options)

    def claim(self, type: str, name: str = "", element: str = "") -> Task:
        """Locks a task as the executor does, without running it."""
        task = self.task(type, name, element)
        (locked,) = self.service.execute(LockTasks(limit=1, partition=task.partition, id=task.id))
        return locked

    def run(self, type: str = "") -> None:
        play.run_tasks(self.service, type)

    def pass_time(self, hours: int) -> None:
        self.clock.advance(timedelta(hours=hours))

    # Finding

    def _in(self, criteria: type[Any], name: str, element: str, **filters: Any) -> list[Any]:
        if name:
            filters["process_instance_id"] = self.instances[name].id
        found = self.service.query(criteria(**filters))
        return [row for row in found if not element or row.bpmn_element_id == element]

    def job(self, name: str, element: str) -> Job:
        return self._in(JobCriteria, name, element)[-1]

    def task(self, type: str, name: str = "", element: str = "") -> Task:
        found = self._in(TaskCriteria, name, element, type=type)
        return next(task for task in found if task.completed_at is None)

    def user_task(self, name: str) -> UserTask:
        return self._in(UserTaskCriteria, name, "")[-1]

    def incident(self, name: str) -> Incident:
        (incident,) = self._in(IncidentCriteria, name, "")
        return incident

    def visit(self, name: str, element: str) -> ElementVisit:
        return self._in(ElementInstanceCriteria, name, element)[-1]

    # Racing

    def one_after_the_other(self, commands: Iterable[Command[Any]]) -> list[Answer]:
        return [
            Answer(InBackground(self._doing(service, command)))
            for service, command in zip(self.services, commands, strict=False)
        ]

    def at_once(self, first: Command[Any], second: Command[Any], point: Any) -> list[Answer]:
        """The first one stops at the point until the second one is done, or waits for it."""
        one, other = self.services
        ahead, behind = in_order_of_meeting(
            one, self._doing(one, first), other, self._doing(other, second), point, self._is_waiting
        )
        return [Answer(ahead), Answer(behind)]

    @staticmethod
    def _doing(service: Service, command: Command[Any]) -> Callable[[], Any]:
        return lambda: service.execute(command)

    def _is_waiting(self) -> bool:
        if self.config.is_sqlite:
            one, other = self.services
            return one.gate.inside and other.gate.writes.is_set()
        return bool(self.database.execute(WAITING)[0]["count"])

    def rest(self) -> None:
        """Gives back what a race has left locked, and runs tasks until none is due."""
        self.service.execute(UnlockTasks(engine_id=ENGINE))
        while tasks := self.service.execute_tasks(LockTasks(limit=100)):
            assert not tasks.failed, f"tasks broke: {tasks.failed}"
            if not tasks.completed:
                return
