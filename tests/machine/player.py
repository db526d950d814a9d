"""Plays commands against the service over HTTP, and checks the rows after each.

Steps are methods whose arguments are plain data, so that they can be rules of a state machine as well as lines of a
program. What they act on is picked from the rows as they are; a step that finds nothing to act on does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.clock import ManualClock
from app.config import Config
from app.service import Service
from app.store import Store
from app.store.postgres import Postgres
from app.store.sqlite import SQLite
from tests.conftest import application
from tests.machine import completion
from tests.machine.completion import Luck, variables
from tests.machine.invariants import violations
from tests.machine.picture import Model
from tests.machine.queries import QUERIES, of_row, shown
from tests.machine.tables import Database, Row, Tables, differences
from tests.machine.view import View, active, key

START = datetime(2026, 11, 23, 12)
TICK = timedelta(milliseconds=1)
OK = (200, 201, 204)
PERIODS = {
    "PT1S": timedelta(seconds=1),
    "PT30M": timedelta(minutes=30),
    "PT1H": timedelta(hours=1),
    "P1D": timedelta(days=1),
}

MOST_INSTANCES = 20
"""Beyond that nothing calls another one: a process may call itself, and more than once."""


@dataclass(frozen=True)
class Answer:
    path: str
    status: int
    body: Any
    tables: Tables
    """The rows after it."""


class World:
    """A migrated database; each play on it starts with empty tables."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self._config = Config(database_url=url, auth_mode="none", set_time_enabled=True, task_executor_enabled=False)
        self._dialect = (SQLite if self._config.is_sqlite else Postgres)(self._config)

    def play(self, *, maintenance: bool = True) -> Player:
        """A new play; `maintenance` is the engine's own daily tasks, of which each database needs others."""
        self.database.clean()
        clock = ManualClock(START)
        # A new store forgets the processes of the play before; connections and compiled statements stay.
        service = Service(self._config, Store(self._dialect), clock)
        service.prepare()
        return Player(self.database, service, clock, maintenance=maintenance)

    def close(self) -> None:
        self.database.close()
        self._dialect.engine.dispose()


class Player:
    def __init__(
        self, database: Database, service: Service, clock: ManualClock, *, maintenance: bool, strict: bool = True
    ) -> None:
        """With `strict` nothing fails but what is answered wrong: models are drawn like that."""
        self._database = database
        self._service = service
        self._clock = clock
        self._sound: set[str] = set()
        self._deployed: dict[tuple[str, str], dict[str, Any]] = {}
        self._maintenance = maintenance
        self._strict = strict
        self.tables = self._read()
        self._offset = timedelta(milliseconds=sum(row["offset_ms"] for row in self.tables["engine_clock"]))
        self.answers: list[Answer] = []

    def play(self, name: str, arguments: dict[str, Any]) -> None:
        """One step as data."""
        getattr(self, name)(**arguments)

    def call(self, method: str, path: str, body: Any = None, expected: Sequence[int] = OK) -> Any:
        """The body of the answer, which must have one of the `expected` statuses and leave everything in order."""
        self._clock.advance(TICK)
        response = application(self._service).test_client().open(path, method=method, json=body, auth=("test", "test"))
        answer = response.get_json() if response.data else None
        before, self.tables = self.tables, self._read()
        self.answers.append(Answer(path, response.status_code, answer, self.tables))
        problem = f"{method} {path} {body}: {response.status_code} {answer}"
        assert response.status_code in expected, problem
        if response.status_code not in OK:
            written = list(differences(before, self.tables))
            assert not written, f"refused, but written: {problem}\n" + "\n".join(written)
        found = violations(self.tables, self.now, self.sound) if self.tables is not before else []
        assert not found, f"after {problem}:\n" + "\n".join(found)
        return answer

    def _read(self) -> Tables:
        if not self._maintenance:
            self._database.change("DELETE FROM task WHERE process_id IS NULL")
        return self._database.tables()

    @property
    def service(self) -> Service:
        """For what is not asked for over HTTP; `look_again` then."""
        return self._service

    def look_again(self) -> None:
        """Reads the rows, and checks them."""
        self.tables = self._read()
        found = violations(self.tables, self.now, self.sound)
        assert not found, "\n".join(found)

    @property
    def now(self) -> str:
        """Engine time, as rows have it."""
        return f"{self._clock.now() + self._offset:%Y-%m-%d %H:%M:%S.%f}"

    @property
    def sound(self) -> frozenset[int]:
        return frozenset(row["id"] for row in self.tables["process"] if row["bpmn_xml"] in self._sound)

    def deploy(self, model: Model, parallelism: int) -> None:
        versions = [row for row in self.tables["process"] if row["bpmn_process_id"] == model.process_id]
        if model.sound:
            self._sound.add(model.xml)
        body = {
            **model.request(),
            "version": str(len(versions) + 1),
            "parallelism": parallelism,
            "workerId": "deployer",
        }
        self.call("POST", "/processes", body, [201])
        self._deployed[model.process_id, body["version"]] = body

    def deploy_again(self, pick: int) -> None:
        """The same version once more, which changes nothing; or with another XML, which is refused."""
        if self._deployed:
            body = list(self._deployed.values())[pick % len(self._deployed)]
            before = self.tables
            self.call("POST", "/processes", {**body, "parallelism": 7}, [201])
            assert not list(differences(before, self.tables)), "deploying the same again changed something"
            self.call("POST", "/processes", {**body, "bpmnXml": body["bpmnXml"] + " "}, [409])

    def start(self, pick: int, luck: int) -> None:
        choice = Luck(luck)
        if not self.tables["process"]:
            return
        process = _of(self.tables["process"], pick)
        body = {
            "bpmnProcessId": process["bpmn_process_id"],
            "version": process["version"],
            "workerId": "starter",
            "correlationKey": choice.pick(("", "k1", "k2")),
            "tags": choice.pick(([], [{"name": "t", "value": "1"}])),
            "variables": variables(choice),
        }
        startable = process in completion.startable(self.tables)
        self.call("POST", "/process-instances", body, [201] if startable else [422])

    def lock(self, worker: str, limit: int, by: str, pick: int) -> list[Row]:
        """Locks jobs, by one of the filters; the rows before they were locked."""
        due = self.due_jobs()
        body: dict[str, Any] = {"workerId": worker, "limit": limit}
        jobs = self.tables["job"]
        chosen = _of(jobs, pick) if jobs else {"partition": "2026-11-23", "id": 1, "process_instance_id": 1}
        if by == "id":
            body |= {"partition": chosen["partition"], "id": chosen["id"]}
            due = [row for row in due if row is chosen]
        else:
            due = [row for row in due if not row["detached"]]
        if by == "instance":
            body |= {"partition": chosen["partition"], "processInstanceId": chosen["process_instance_id"]}
            due = [r for r in due if all(r[c] == chosen[c] for c in ("partition", "process_instance_id"))]
        elif by == "processes":
            wanted = [row["id"] for row in self.tables["process"]][: pick % 3 + 1]
            body |= {"processIds": wanted}
            due = [row for row in due if not wanted or row["process_id"] in wanted]
        due.sort(key=lambda row: (row["partition"], row["due_at"], row["id"]))
        answer = self.call("POST", "/jobs/lock", body)
        expected = [(row["partition"], row["id"]) for row in due[:limit]]
        assert [(job["partition"], job["id"]) for job in answer["jobs"]] == expected, (body, answer, expected)
        return due[:limit]

    @property
    def _next(self) -> str:
        """Engine time of the next call."""
        return f"{self._clock.now() + TICK + self._offset:%Y-%m-%d %H:%M:%S.%f}"

    def work(self, limit: int, how: str, luck: int) -> None:
        """Locks some jobs, and completes each; without any, lets something happen."""
        if not self.due_jobs() and self.waited_for():
            self.happen(luck)
            return
        for number, job in enumerate(self.lock("busy", limit, "", 0)):
            self._complete(self._job(job), how, luck + number)

    def happen(self, luck: int) -> None:
        """Something that is waited for; if nothing is, there is work.

        That may be a message, a signal, the time of a task, or a variable.
        """
        choice = Luck(luck)
        waited_for = self.waited_for()
        if not waited_for:
            self.work(100, "right", luck)
            return
        table = choice.pick(list(waited_for))
        row = choice.pick(waited_for[table])
        if table == "message_subscription":
            self.send_message(row["name"], row["correlation_key"], "", "", luck)
        elif table == "signal_subscription":
            self.send_signal(row["name"], luck)
        elif table == "element_instance":
            instance = self.tables.by_key["process_instance"][row["partition"], row["process_instance_id"]]
            given = [{"name": name, "data": {"encoding": "json", "value": str(choice.below(3))}} for name in "ab"]
            body = {"workerId": "w", "variables": given}
            self.call("PUT", _path("process-instances", instance, "variables"), body)
        else:
            due = datetime.fromisoformat(row["due_at"])
            self._offset = due - self._clock.now() - TICK
            self.call("PATCH", "/time", {"time": f"{due:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"})

    def waited_for(self) -> dict[str, list[Row]]:
        found = {table: self.tables[table] for table in ("message_subscription", "signal_subscription")}
        found["task"] = [
            row
            for row in self.tables["task"]
            if row["completed_at"] is None and row["due_at"] > self._next and row["process_id"]
        ]
        incidents = {
            (row["partition"], row["element_instance_id"])
            for row in self.tables["incident"]
            if row["resolved_at"] is None and row["task_id"]
        }
        view = View(self.tables, self.now)
        found["element_instance"] = [
            row
            for row in self.tables["element_instance"]
            if active(row) and (key(row) in incidents or _waits_for_condition(view, row))
        ]
        return {table: rows for table, rows in found.items() if rows}

    def due_tasks(self) -> list[Row]:
        return [row for row in self.tables["task"] if row["completed_at"] is None and row["due_at"] <= self._next]

    def due_jobs(self) -> list[Row]:
        return [
            row
            for row in self.tables["job"]
            if row["locked_by"] is None and row["completed_at"] is None and row["due_at"] <= self._next
        ]

    def complete(self, pick: int, how: str, luck: int) -> None:
        """Completes a locked job right or wrong; or tries to, with one that is not locked, or by a stranger."""
        jobs = self.tables["job"]
        if how == "unlocked":
            jobs = [row for row in jobs if row["state"] != "LOCKED"]
            if jobs:
                job = _of(jobs, pick)
                self.call("PATCH", _path("jobs", job, "complete"), {"workerId": "w1"}, [409])
            return
        jobs = [row for row in jobs if row["state"] == "LOCKED"]
        if jobs:
            self._complete(_of(jobs, pick), how, luck)

    def _job(self, job: Row) -> Row:
        return self.tables.by_key["job"][job["partition"], job["id"]]

    def _complete(self, job: Row, how: str, luck: int) -> None:
        choice = Luck(luck)
        element = self.tables.by_key["element_instance"][job["partition"], job["element_instance_id"]]
        body: dict[str, Any] = {
            "workerId": "stranger" if how == "stranger" else job["locked_by"],
            "retryLimit": choice.below(3),
            "retryTimer": choice.pick((None, "PT1H")),
        }
        given = completion.right(self.tables, job, choice)
        if job["type"] != "EXECUTE" and how in ("throw", "escalate"):
            how = "right"
        if job["type"] == "CALL_PROCESS" and how == "right" and len(self.tables["process_instance"]) > MOST_INSTANCES:
            how = "error"
        if how == "wrong":
            given = completion.wrong(self.tables, job)
        elif how == "error":
            body["error"] = "broken"
        elif how == "throw":
            given = {"errorCode": choice.pick(self._codes("error_code", ("E1", "E2", "E3")))}
        elif how == "escalate":
            given = {"escalationCode": choice.pick(self._codes("escalation_code", ("C1", "C2", "C3")))}
        body["completion"] = given or choice.pick((None, {}))
        body["processVariables"] = variables(choice)
        body["elementVariables"] = self._element_variables(element, choice)
        expected = [200]
        if how == "stranger":
            expected = [409]
        elif active(element) and any(v.get("bpmnElementId") == "nowhere" for v in body["elementVariables"]):
            expected = [400]
        answer = self.call("PATCH", _path("jobs", job, "complete"), body, expected)
        if expected == [200]:
            state = answer["state"]
            if not active(element):
                assert state == "CANCELED", answer
            elif how == "right" and given is not None and self._strict:
                assert state == "DONE", (body, answer)
            elif how == "error":
                assert state == ("CAUSED_RETRY" if body["retryLimit"] > job["retry_count"] else "CAUSED_INCIDENT")

    def _codes(self, column: str, usual: Sequence[str]) -> list[str]:
        """Those, and what models have beside them."""
        return list(dict.fromkeys([*usual, *(row[column] for row in self.tables["event_definition"] if row[column])]))

    def _element_variables(self, element: Row, choice: Luck) -> list[dict[str, Any]]:
        scopes = ["", element["bpmn_element_id"]]
        if choice.below(8) == 7:
            scopes.append("nowhere")
        return [{**each, "bpmnElementId": choice.pick(scopes)} for each in variables(choice)]

    def unlock(self, worker: str, by: str, pick: int) -> None:
        body: dict[str, Any] = {"workerId": worker}
        held = [row for row in self.tables["job"] if row["state"] == "LOCKED" and row["locked_by"] == worker]
        if by == "id" and self.tables["job"]:
            chosen = _of(self.tables["job"], pick)
            body |= {"partition": chosen["partition"], "id": chosen["id"]}
            held = [row for row in held if row is chosen]
        assert self.call("POST", "/jobs/unlock", body)["count"] == len(held)

    def execute(self, limit: int, by: str, pick: int) -> None:
        """Runs due tasks; none may break, or end with an error."""
        body: dict[str, Any] = {"limit": limit}
        tasks = self.due_tasks() or [row for row in self.tables["task"] if row["completed_at"] is None]
        if by and tasks:
            chosen = _of(tasks, pick)
            body["partition"] = chosen["partition"]
            body |= {
                "id": {"id": chosen["id"]},
                "instance": {"processInstanceId": chosen["process_instance_id"]},
                "type": {"type": chosen["type"]},
            }[by]
        answer = self.call("POST", "/tasks/execute", body)
        assert answer["failed"] == 0, answer
        failed = [task for task in answer["completedTasks"] if task.get("error")]
        assert not self._strict or all(task["type"] == "EVALUATE_EXPRESSION" for task in failed), answer

    def look(self) -> None:
        """Asks all queries: they answer the rows."""
        self.look_inside()
        elements = {row["id"]: row["bpmn_element_id"] for row in self.tables["element"]}
        for path, table in QUERIES.items():
            answer = self.call("POST", path, {})
            expected = [shown(table, row, self.now) for row in self.tables[table]]
            if table == "element_instance":
                for entity, row in zip(expected, self.tables[table], strict=True):
                    if row["prev_element_id"]:
                        entity["prevBpmnElementId"] = elements[row["prev_element_id"]]
            found = [of_row(table, each) for each in answer["results"]]
            assert found == expected, f"{path}: {found}\n{expected}"

    def look_inside(self) -> None:
        """Asks what some instances wait for: whatever has not ended does, and nothing else.

        Where a called instance was canceled there is nothing that its caller could wait for any more.
        """
        canceled = [row["parent_id"] for row in self.tables["process_instance"] if row["state"] == "CANCELED"]
        for row in self.tables["process_instance"][-3:]:
            path = f"/process-instances/{row['partition']}/{row['id']}"
            found = self.call("GET", f"{path}/waiting", None)["results"]
            assert bool(found) is active(row) or row["id"] in canceled, f"{path} waits for {found}"
            entries = [*found, *(event for entry in found for event in entry.get("also", ()))]
            visits = {entry["elementInstanceId"] for entry in entries}
            open_visits = {
                each["id"]
                for each in self.tables["element_instance"]
                if each["partition"] == row["partition"] and each["process_instance_id"] == row["id"] and active(each)
            }
            assert visits <= open_visits, f"{path}: {visits - open_visits} have ended"
            told = self.call("GET", f"{path}/history?limit=1000", None)["results"]
            times = [datetime.fromisoformat(entry["time"]) for entry in told]
            assert times == sorted(times), f"{path}: {told}"

    def unlock_tasks(self) -> None:
        assert self.call("POST", "/tasks/unlock", {"engineId": "default-engine"})["count"] == 0

    def advance(self, by: str) -> None:
        self._offset += PERIODS[by]
        self.call("PATCH", "/time", {"timeDuration": by})

    def send_message(self, name: str, key: str, unique: str, expires: str, luck: int) -> None:
        body = {
            "name": name,
            "correlationKey": key,
            "workerId": "sender",
            "uniqueKey": unique,
            "expirationTimer": {"timeDuration": expires} if expires else None,
            "variables": variables(Luck(luck)),
        }
        held = [
            row["id"]
            for row in self.tables["message"]
            if (row["name"], row["correlation_key"], row["unique_key"]) == (name, key, unique) and not row["key_freed"]
        ]
        before = self.tables
        answer = self.call("POST", "/messages", body)
        if held:
            assert [answer["id"]] == held, f"{answer} instead of message {held}"
            assert not list(differences(before, self.tables)), f"message {held} was repeated, and something written"

    def send_signal(self, name: str, luck: int) -> None:
        waiting = [row for row in self.tables["signal_subscription"] if row["name"] == name]
        starts = [
            row
            for row in self.tables["event_definition"]
            if row["instantiates"] and not row["suspended"] and row["signal_name"] == name
        ]
        body = {"name": name, "workerId": "sender", "variables": variables(Luck(luck))}
        answer = self.call("POST", "/signals", body)
        assert answer["subscriberCount"] == len(waiting) + len(starts), answer

    def steer(self, verb: str, pick: int) -> None:
        """Suspends, resumes or cancels an instance."""
        instances = self.tables["process_instance"]
        if verb == "resume":
            instances = [row for row in instances if row["state"] == "SUSPENDED"] or instances
        if instances:
            instance = _of(instances, pick)
            possible = {
                "suspend": instance["state"] == "STARTED",
                "resume": instance["state"] == "SUSPENDED",
                "cancel": active(instance),
            }[verb]
            path = _path("process-instances", instance, verb)
            self.call("PATCH", path, {"workerId": "operator"}, [204] if possible else [409])

    def resolve(self, pick: int, retry_timer: str) -> None:
        if self.tables["incident"]:
            incident = _of(self.tables["incident"], pick)
            body = {"workerId": "operator", "retryTimer": retry_timer or None}
            expected = [409] if incident["resolved_at"] else [204]
            self.call("PATCH", _path("incidents", incident, "resolve"), body, expected)

    def select(self, pick: int, luck: int) -> None:
        """Somebody selects an activity of an ad-hoc sub-process, or something of what is none."""
        choice, elements = Luck(luck), self.tables["element_instance"]
        rows = [row for row in elements if row["bpmn_element_type"] == "AD_HOC_SUB_PROCESS"] or elements
        if rows:
            row = _of(rows, pick)
            is_possible = row["bpmn_element_type"] == "AD_HOC_SUB_PROCESS" and row["state"] == "STARTED"
            ids = [choice.pick((*completion.enabled(self.tables, row), "nowhere"))] if is_possible else ["nowhere"]
            body = {"workerId": "w", "activities": ids}
            expected = [204, 400, 409] if is_possible else [409]
            self.call("PATCH", _path("element-instances", row, "activities"), body, expected)

    def set_variables(self, pick: int, luck: int) -> None:
        """Of an instance, or of an element instance."""
        choice = Luck(luck)
        of_element = choice.below(2)
        rows = self.tables["element_instance" if of_element else "process_instance"]
        if not rows:
            return
        row = _of(rows, pick)
        expected = [204] if active(row) else [409]
        if of_element:
            given = self._element_variables(row, choice)
            if active(row) and any(each["bpmnElementId"] == "nowhere" for each in given):
                expected = [400]
            self.call(
                "PUT", _path("element-instances", row, "variables"), {"workerId": "w", "variables": given}, expected
            )
        else:
            body = {"workerId": "w", "variables": variables(choice)}
            self.call("PUT", _path("process-instances", row, "variables"), body, expected)

    def update_user_task(self, pick: int, how: str, luck: int) -> None:
        choice = Luck(luck)
        tasks = self.tables["user_task"]
        if not tasks:
            self.work(100, "right", luck)
            return
        task = _of([row for row in tasks if row["state"] == "STARTED"] or tasks, pick)
        element = self.tables.by_key["element_instance"][task["partition"], task["element_instance_id"]]
        body: dict[str, Any] = {
            "workerId": "person",
            "revision": task["revision"] + (how == "stale"),
            "tags": choice.pick(([], [{"name": "t", "value": "1"}], [{"name": "t", "value": ""}])),
            "processVariables": variables(choice),
            "elementVariables": self._element_variables(element, choice),
        }
        if how in ("complete", "both"):
            body["completed"] = True
        if how in ("throw", "both"):
            body["errorCode"] = choice.pick(("E1", "E2", "E3"))
        if how == "escalate":
            body["escalationCode"] = choice.pick(("C1", "C2", "C3"))
        expected = [200, 422] if how in ("throw", "escalate") else [200]
        if any(each["bpmnElementId"] == "nowhere" for each in body["elementVariables"]) or how == "both":
            expected = [400]
        if task["state"] != "STARTED" or how == "stale":
            expected = [409]
        self.call("PATCH", _path("user-tasks", task), body, expected)


def _waits_for_condition(view: View, row: Row) -> bool:
    if row["bpmn_element_type"].startswith("CONDITIONAL_"):
        return True
    return any(about == "conditional" for _, about in view.awaited_parts(row))


def _of(rows: Sequence[Row], pick: int) -> Row:
    return rows[pick % len(rows)]


def _path(resource: str, row: Row, verb: str = "") -> str:
    return f"/{resource}/{row['partition']}/{row['id']}" + (f"/{verb}" if verb else "")
