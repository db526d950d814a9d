"""A demonstration: an order process, played from deployment to completion over HTTP by a small worker.

The service is one of its own, with a database that is thrown away afterwards; options of the environment have no part
in it. Everything past `playground` is what any client of the API would do.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import secrets
import signal
import socket
import sys
import tempfile
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app import logs, paths
from app.config import Config

INSTANCES = 100
BATCH = 50
"""Jobs that are locked at once."""
START_SECONDS = 60.0
STALL_SECONDS = 30.0
"""After how long without a job the worker gives up on instances that have not ended."""
IDLE_SECONDS = 0.02
STOP_SECONDS = 10.0
WORKER = "demo-worker"
USERNAME = "demo"


class DemoError(Exception):
    """The demonstration cannot go on, for the reason in the message."""


def main(instances: int | None = None) -> None:
    """Plays the demonstration and prints its result.

    Raises SystemExit: with a message when not every instance was completed, with 130 when it was interrupted.
    """
    try:
        with _terminable(), playground() as client:
            _play(client, INSTANCES if instances is None else instances)
    except DemoError as error:
        raise SystemExit(f"error: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _play(client: Client, instances: int) -> None:
    process = deploy(client)
    _say(f"deployed process {process['bpmnProcessId']} version {process['version']}")
    started = time.monotonic()
    worker = Worker(client, process, instances)
    worker.start_instances()
    worker.work()
    _report(client, worker, time.monotonic() - started)
    if worker.completed != instances:
        raise DemoError(f"{instances - worker.completed} of {instances} instances were not completed")


@contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end the block as Ctrl-C does, so that nothing is left behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def playground() -> Iterator[Client]:
    """A client of a service with an empty database; both are gone after the block. Raises DemoError."""
    with tempfile.TemporaryDirectory(prefix="bpmn-demo-") as folder:
        config = _config(Path(folder))
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=(config,), name="py-bpmn")
        client = Client(config)
        # Ctrl-C reaches the whole group of processes; the service is told to stop below, once it is not needed.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            process.start()
            signal.signal(signal.SIGINT, before)
            deadline = time.monotonic() + START_SECONDS
            while not client.is_ready():
                if not process.is_alive():
                    raise DemoError("the service ended")
                if time.monotonic() > deadline:
                    raise DemoError("the service did not become ready")
                time.sleep(IDLE_SECONDS)
            yield client
        finally:
            signal.signal(signal.SIGINT, before)
            client.close()
            process.terminate()
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()


def _config(folder: Path) -> Config:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return Config(
        database_url=f"sqlite:///{folder / 'demo.db'}",
        http_bind_address=f"127.0.0.1:{port}",
        basic_auth_username=USERNAME,
        basic_auth_password=secrets.token_urlsafe(),
        shutdown_delay=0,
        shutdown_grace=STOP_SECONDS / 2,
        log_level="WARNING",
    )


def _serve(config: Config) -> None:
    """What `py-bpmn serve` does, in a process of its own."""
    from app.serve import serve

    logs.set_up(config.log_level, config.log_format)
    serve(config)


class Client:
    """One connection to the service, which is kept open between requests."""

    def __init__(self, config: Config) -> None:
        host, _, port = config.http_bind_address.rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)
        credentials = f"{config.basic_auth_username}:{config.basic_auth_password}".encode()
        self._headers = {
            "Authorization": f"Basic {b64encode(credentials).decode()}",
            "Content-Type": "application/json",
        }

    def is_ready(self) -> bool:
        try:
            return self._send("GET", "/readiness", None)[0] == 200
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return False

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request; raises DemoError when it is refused or the service is gone."""
        return self._ask("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            status, data = self._send(method, path, json.dumps(body))
        except (OSError, http.client.HTTPException) as error:
            raise DemoError(f"{method} {path}: {error!r}") from error
        if status >= 300:
            raise DemoError(f"{method} {path}: {status} {data.decode(errors='replace')}")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        self._connection.request(method, path, body, self._headers)
        # Closed here: where Python does so for an object that nobody has any more, it drops what a signal raises.
        with self._connection.getresponse() as response:
            return response.status, response.read()

    def close(self) -> None:
        self._connection.close()


def deploy(client: Client) -> dict[str, Any]:
    """Deploys the order process; the answer of the service."""
    xml = (paths.PACKAGE / "demo.bpmn").read_text(encoding="utf-8")
    return client.post("/processes", {"bpmnProcessId": "order", "bpmnXml": xml, "version": "1", "workerId": WORKER})


class Worker:
    """Starts orders and does every job there is for them: the work, the decisions, and the keys of messages."""

    def __init__(self, client: Client, process: dict[str, Any], instances: int) -> None:
        self._client = client
        self.process = process
        self._instances = instances
        self._progress = _Progress()
        self.jobs: Counter[tuple[str, str]] = Counter()
        """Completed jobs by BPMN element id and type of job."""
        self.completed = 0

    def start_instances(self) -> None:
        for number in range(1, self._instances + 1):
            order = {"number": number, "items": number % 4 + 1, "express": number % 3 == 0}
            body = {
                "bpmnProcessId": self.process["bpmnProcessId"],
                "version": self.process["version"],
                "correlationKey": f"order-{number}",
                "variables": [_variable("order", order)],
                "workerId": WORKER,
            }
            self._client.post("/process-instances", body)
            self._progress.show(f"started {number} of {self._instances} instances", last=number == self._instances)

    def work(self) -> None:
        """Goes on until all instances have ended, or nothing happens any more."""
        last = time.monotonic()
        while True:
            body = {"processIds": [self.process["id"]], "limit": BATCH, "workerId": WORKER}
            jobs = self._client.post("/jobs/lock", body)["jobs"]
            for job in jobs:
                self._complete(job)
            ended = self._count_ended()
            over = ended == self._instances or time.monotonic() - last > STALL_SECONDS
            done = f"completed {self.completed} of {self._instances} instances, {self.jobs.total()} jobs"
            self._progress.show(done, last=over)
            if over:
                return
            if jobs:
                last = time.monotonic()
            else:
                # Those that are left wait for the service, which joins parallel flows in the background.
                time.sleep(IDLE_SECONDS)

    def _complete(self, job: dict[str, Any]) -> None:
        path = f"/jobs/{job['partition']}/{job['id']}/complete"
        answer = self._client.patch(path, {"workerId": WORKER, **outcome(job)})
        if answer["state"] != "DONE":
            raise DemoError(f"job {job['id']} of {job['bpmnElementId']}: {answer}")
        self.jobs[job["bpmnElementId"], job["type"]] += 1
        if job["type"] == "SET_MESSAGE_CORRELATION_KEY":
            message = {
                "name": "payment received",
                "correlationKey": job["correlationKey"],
                "variables": [_variable("paid", True)],
                "workerId": WORKER,
            }
            self._client.post("/messages", message)

    def _count_ended(self) -> int:
        found = self._client.post(
            f"/process-instances/query?limit={self._instances}", {"processId": self.process["id"]}
        )
        states = Counter(instance["state"] for instance in found["results"])
        self.completed = states["COMPLETED"]
        return states["COMPLETED"] + states["TERMINATED"] + states["CANCELED"]


def outcome(job: dict[str, Any]) -> dict[str, Any]:
    """What is said when `job` is completed: each fifth order is out of stock, each third one goes by express."""
    number = int(job["correlationKey"].rpartition("-")[2])
    match job["bpmnElementId"], job["type"]:
        case "in-stock", "EVALUATE_EXCLUSIVE_GATEWAY" if number % 5 == 0:
            return {"completion": {"exclusiveGatewayDecision": "reorder"}}
        case "carrier", "EVALUATE_EXCLUSIVE_GATEWAY" if number % 3 == 0:
            return {"completion": {"exclusiveGatewayDecision": "ship-express"}}
        case "payment", _:
            return {"completion": {"messageCorrelationKey": job["correlationKey"]}}
        case "send-invoice", _:
            return {"processVariables": [_variable("invoice", f"invoice-{number}")]}
        case _:
            # Gateways without a decision take their default flow.
            return {}


def _variable(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "data": {"encoding": "json", "value": json.dumps(value)}}


def _report(client: Client, worker: Worker, seconds: float) -> None:
    elements = client.post("/elements/query", {"processId": worker.process["id"]})["results"]
    rows = [("element", "name", "job", "completed")]
    for element in elements:
        id = element["bpmnElementId"]
        found = sorted((kind, count) for (element_id, kind), count in worker.jobs.items() if element_id == id)
        rows += [(id, element.get("bpmnElementName", ""), kind, str(count)) for kind, count in found]
    rows.append(("", "", "all jobs", str(worker.jobs.total())))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for id, name, kind, count in rows:
        print(f"{id:{widths[0]}}  {name:{widths[1]}}  {kind:{widths[2]}}  {count:>9}")
    rate = worker.completed / seconds
    print(f"\n{worker.completed} instances completed in {seconds:.1f} s: {rate:.1f} instances per second")


class _Progress:
    """Says how far it is, on one line of a terminal; elsewhere now and then."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._interval = 0.1 if self._terminal else 1.0
        self._shown = 0.0

    def show(self, text: str, *, last: bool) -> None:
        now = time.monotonic()
        if not last and now - self._shown < self._interval:
            return
        self._shown = now
        if self._terminal:
            print(f"\r\x1b[K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
        else:
            _say(text)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
