"""Clients: some start instances and disturb them, some are workers, some look after incidents and user tasks."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.journal import Client, Entry, Journal, NoAnswer
from tests.chaos.models import PROCESSES
from tests.chaos.processes import Served

PAUSE = 0.03
"""Seconds between two looks for work when there is none."""
LATER = 0.2
LEASE = 2
"""Seconds for which jobs are locked."""
ABOUT = timedelta(seconds=0.5)
"""How well the clocks of clients and services agree, generously."""
FORGOTTEN, EXTENDED, LATE = 0.05, 0.1, 0.02
"""Parts of the jobs that their worker forgets, has extended, or comes about too late with."""


def variable_of(job: str) -> str:
    """The name of the variable that says who has completed the job."""
    return f"done-{job.replace('/', '-')}"


class Load:
    """All clients, each a thread with a seed of its own."""

    WORKERS = 3
    STARTERS = 2

    def __init__(self, journal: Journal, services: Sequence[Served], seed: int, pace: float) -> None:
        self.journal = journal
        self._services = services
        self._seed = seed
        self._pace = pace
        """Seconds between two requests of a client that starts instances."""
        self._starting = threading.Event()
        self._working = threading.Event()
        self._numbers = itertools.count(1)
        self._turns = itertools.count()
        self._threads: list[threading.Thread] = []
        self.broken: list[BaseException] = []
        self.late: list[str] = []
        """What was completed by locks that had ended."""
        self._lock = threading.Lock()
        self._known: list[tuple[str, dict[str, Any]]] = []
        """Process and answer of instances that may still be active."""

    def client(self, name: str) -> Client:
        return Client(self.journal, self._services, name, next(self._turns))

    def start(self) -> None:
        self._starting.set()
        self._working.set()
        for number in range(self.STARTERS):
            self._run(self._start_instances, f"starter{number}")
        for number in range(self.WORKERS):
            self._run(self._work, f"worker{number}")
        self._run(self._operate, "operator")

    def stop_starting(self) -> None:
        """What is there is still worked off."""
        self._starting.clear()

    def stop(self) -> None:
        self._starting.clear()
        self._working.clear()
        for thread in self._threads:
            thread.join(60)
        stuck = [thread.name for thread in self._threads if thread.is_alive()]
        assert not stuck, f"clients are stuck: {stuck}"

    def _run(self, do: Callable[[Client, random.Random], None], name: str) -> None:
        def run() -> None:
            client = self.client(name)
            try:
                do(client, random.Random(f"{self._seed}-{name}"))
            except BaseException as error:
                self.broken.append(error)
            finally:
                client.close()

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def until_told(
        self, client: Client, kind: str, subject: str, method: str, path: str, body: dict[str, Any], author: str = ""
    ) -> Entry:
        """Asks again until there is an answer; each time is a request of its own."""
        while True:
            try:
                return client.ask(kind, subject, method, path, body, author)
            except NoAnswer:
                if not self._working.is_set():
                    raise
                time.sleep(LATER)

    # Starting and disturbing

    def deploy(self, client: Client, number: int, version: str) -> Entry:
        process = PROCESSES[number]
        body = {"bpmnProcessId": process.id, "bpmnXml": process.xml, "version": version, **process.options}
        return self.until_told(client, "deploy", f"{process.id}:{version}", "POST", "/processes", body, "workerId")

    def deploy_all(self) -> None:
        """Before anything else happens."""
        client = self.client("deployer")
        self._working.set()
        for number in range(len(PROCESSES)):
            entry = self.deploy(client, number, "1")
            assert entry.done, entry
        client.close()

    def _start_instances(self, client: Client, luck: random.Random) -> None:
        weighted = [process for process in PROCESSES for _ in range(process.weight)]
        disturb = [self._cancel, self._suspend, self._set_variables, self._begin, self._begin, self._deploy_next]
        while self._starting.is_set():
            with contextlib.suppress(NoAnswer):
                if luck.random() < 0.6:
                    self._start_one(client, luck.choice(weighted).id)
                else:
                    luck.choice(disturb)(client, luck)
            time.sleep(self._pace * luck.uniform(0.5, 1.5))

    def _name(self) -> str:
        return f"i{next(self._numbers)}"

    def _start_one(self, client: Client, process_id: str) -> None:
        name = self._name()
        body = {"bpmnProcessId": process_id, "version": "1", "correlationKey": name}
        entry = client.ask("start", name, "POST", "/process-instances", body, "workerId")
        if not entry.done:
            return
        with self._lock:
            self._known.append((process_id, entry.answer))
        if process_id == "paid":
            self.pay(client, name)

    def pay(self, client: Client, name: str) -> None:
        """The message comes once, however often it has to be sent."""
        body = {
            "name": "paid",
            "correlationKey": name,
            "uniqueKey": name,
            "expirationTimer": {"timeDuration": "PT1H"},
        }
        self.until_told(client, "pay", name, "POST", "/messages", body, "workerId")

    def ring(self, client: Client, name: str) -> None:
        client.ask("ring", name, "POST", "/signals", {"name": f"ring-{name}"}, "workerId")

    def _begin(self, client: Client, luck: random.Random) -> None:
        """A message that starts an instance. Once that has ended, the message might start another: it is sent once."""
        name = self._name()
        body = {"name": "begin", "correlationKey": name, "uniqueKey": name, "expirationTimer": {"timeDuration": "PT1H"}}
        client.ask("begin", name, "POST", "/messages", body, "workerId")

    def _deploy_next(self, client: Client, luck: random.Random) -> None:
        if luck.random() < 0.3:
            self.deploy(client, 0, f"v{next(self._numbers)}")

    def _some_instance(self, luck: random.Random) -> tuple[str, str] | None:
        """Correlation key and path of an instance that was started lately."""
        with self._lock:
            if not self._known:
                return None
            _, answer = luck.choice(self._known[-20:])
        return answer["correlationKey"], f"/process-instances/{answer['partition']}/{answer['id']}"

    def _cancel(self, client: Client, luck: random.Random) -> None:
        if found := self._some_instance(luck):
            client.ask("cancel", found[0], "PATCH", f"{found[1]}/cancel", {}, "workerId")

    def _suspend(self, client: Client, luck: random.Random) -> None:
        if found := self._some_instance(luck):
            with contextlib.suppress(NoAnswer):
                client.ask("suspend", found[0], "PATCH", f"{found[1]}/suspend", {}, "workerId")
            time.sleep(LATER)
            self.until_told(client, "resume", found[0], "PATCH", f"{found[1]}/resume", {}, "workerId")

    def _set_variables(self, client: Client, luck: random.Random) -> None:
        """One name for each request, so that none overwrites another."""
        if found := self._some_instance(luck):
            name = f"set-{next(self._numbers)}"
            variables = [{"name": name, "data": {"encoding": "text", "value": name}}]
            body = {"variables": variables}
            client.ask("set", f"{found[0]} {name}", "PUT", f"{found[1]}/variables", body, "workerId")

    # Working

    def _work(self, client: Client, luck: random.Random) -> None:
        """Nobody gives back what was locked: not who is not told of it, nor who dies or dawdles with it."""
        # All but the first have one name: their locks are told apart by their numbers.
        worker = client.name if client.name.endswith("0") else "namesake"
        body = {"workerId": worker, "limit": 4, "lockTimeout": f"PT{LEASE}S"}
        while self._working.is_set():
            jobs: list[dict[str, Any]] = []
            with contextlib.suppress(NoAnswer):
                jobs = client.ask("lock", worker, "POST", "/jobs/lock", body).answer["jobs"]
            for job in jobs:
                chance = luck.random()
                if chance < FORGOTTEN:
                    continue
                if chance < FORGOTTEN + EXTENDED:
                    with contextlib.suppress(NoAnswer):
                        self._extend(client, worker, job)
                if chance > 1 - LATE:
                    time.sleep(LEASE * luck.uniform(0.9, 1.5))
                with contextlib.suppress(NoAnswer):
                    self._complete(client, worker, job, luck)
            if not jobs:
                time.sleep(PAUSE)

    def _extend(self, client: Client, worker: str, job: dict[str, Any]) -> None:
        held = {name: job[name] for name in ("partition", "id", "lockVersion")}
        body = {"workerId": worker, "lockTimeout": f"PT{LEASE}S", "jobs": [held]}
        entry = client.ask("extend", f"{job['partition']}/{job['id']}", "POST", "/jobs/extend", body)
        (result,) = entry.answer["results"]
        if result["status"] == 200:
            job["lockedUntil"] = result["lockedUntil"]

    def _complete(self, client: Client, worker: str, job: dict[str, Any], luck: random.Random) -> None:
        key = f"{job['partition']}/{job['id']}"
        name = job.get("correlationKey", "")
        chance = luck.random()
        completion = self._completion(job, name)
        body: dict[str, Any] = {"workerId": worker, "lockVersion": job["lockVersion"], "completion": completion}
        kind = "complete"
        if chance < 0.1:
            kind, body["retryLimit"] = "fail", luck.choice((0, 1))
        for attempt in itertools.count():
            try:
                asked_at = datetime.now(UTC)
                entry = self._complete_once(client, kind, key, body)
                if entry.done and asked_at > datetime.fromisoformat(job["lockedUntil"]) + ABOUT:
                    self.late.append(
                        f"late: job {key} was locked until {job['lockedUntil']}, but {asked_at} was accepted"
                    )
            except NoAnswer:
                if not self._working.is_set() or attempt > 50:
                    raise
                time.sleep(LATER)
                continue
            if entry.done and entry.answer["type"] == "SUBSCRIBE_SIGNAL" and entry.answer["state"] == "DONE":
                self.ring(client, name)
            return

    def _complete_once(self, client: Client, kind: str, key: str, body: dict[str, Any]) -> Entry:
        """The id of the request is in a variable whose name is that of the job, or in the error."""
        if kind == "fail":
            return client.ask(kind, key, "PATCH", f"/jobs/{key}/complete", body, "error")
        return client.ask(kind, key, "PATCH", f"/jobs/{key}/complete", body, f"variable {variable_of(key)}")

    @staticmethod
    def _completion(job: dict[str, Any], name: str) -> dict[str, Any]:
        return {
            "SET_MESSAGE_CORRELATION_KEY": {"messageCorrelationKey": name},
            "SUBSCRIBE_SIGNAL": {"signalName": f"ring-{name}"},
        }.get(job["type"], {})

    # Operating

    def _operate(self, client: Client, luck: random.Random) -> None:
        """Completes user tasks, and has what failed tried again."""
        while self._working.is_set():
            with contextlib.suppress(NoAnswer):
                for task in self._open(client, "/user-tasks/query", lambda row: row["state"] == "STARTED"):
                    key = f"{task['partition']}/{task['id']}"
                    body = {"revision": task["revision"], "completed": True}
                    client.ask("user", key, "PATCH", f"/user-tasks/{key}", body, "workerId")
            with contextlib.suppress(NoAnswer):
                for incident in self._open(client, "/incidents/query", lambda row: not row.get("resolvedAt")):
                    key = f"{incident['partition']}/{incident['id']}"
                    client.ask("resolve", key, "PATCH", f"/incidents/{key}/resolve", {}, "workerId")
            time.sleep(LATER)

    @staticmethod
    def _open(client: Client, path: str, is_open: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
        found = client.ask("query", path, "POST", f"{path}?limit=10000", {}).answer["results"]
        return (row for row in found if is_open(row))
