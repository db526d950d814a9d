"""What clients do: the processes, one instance of each from start to end, and many clients that do so at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Answer = dict[str, Any]
Ask = Callable[[str, str, str, Answer], Answer]
"""Takes the name of the operation, method, path and body; answers with the body, or raises `Failed`."""

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="{id}" isExecutable="true">'
TAIL = "</process></definitions>"
MODELS = {
    "one-task": """
        <startEvent id="start"/><serviceTask id="work"/><endEvent id="end"/>
        <sequenceFlow id="a" sourceRef="start" targetRef="work"/>
        <sequenceFlow id="b" sourceRef="work" targetRef="end"/>""",
    "parallel": """
        <startEvent id="start"/><parallelGateway id="fork"/><serviceTask id="left"/><serviceTask id="right"/>
        <parallelGateway id="join"/><endEvent id="end"/>
        <sequenceFlow id="a" sourceRef="start" targetRef="fork"/>
        <sequenceFlow id="b" sourceRef="fork" targetRef="left"/>
        <sequenceFlow id="c" sourceRef="fork" targetRef="right"/>
        <sequenceFlow id="d" sourceRef="left" targetRef="join"/>
        <sequenceFlow id="e" sourceRef="right" targetRef="join"/>
        <sequenceFlow id="f" sourceRef="join" targetRef="end"/>""",
}
ATTEMPTS = 100
"""How often a client asks for a job before it takes the lack of one for a failure: others may lock it first."""


class Failed(Exception):
    """A request was refused, or answered with something else than what it should do."""


def deploy(ask: Ask, id: str, model: str = "") -> Answer:
    """Deploys the model (by default the one that is named like it) as a process with that id."""
    xml = HEAD.format(id=id) + MODELS[model or id] + TAIL
    body = {"bpmnProcessId": id, "bpmnXml": xml, "version": "1", "workerId": "bench"}
    return ask("deploy", "POST", "/processes", body)


def create(ask: Ask, process: Answer, worker: str) -> Answer:
    body = {"bpmnProcessId": process["bpmnProcessId"], "version": process["version"], "workerId": worker}
    return ask("create", "POST", "/process-instances", body)


def lock(ask: Ask, worker: str, limit: int, **conditions: Any) -> list[Answer]:
    jobs: list[Answer] = ask("lock", "POST", "/jobs/lock", {**conditions, "limit": limit, "workerId": worker})["jobs"]
    return jobs


def complete(ask: Ask, job: Answer, worker: str) -> None:
    answer = ask("complete", "PATCH", f"/jobs/{job['partition']}/{job['id']}/complete", {"workerId": worker})
    if answer["state"] != "DONE":
        raise Failed(f"complete: {answer}")


def one_task(ask: Ask, process: Answer, worker: str) -> Answer:
    """Plays one instance, and completes a job of the process, which may belong to the instance of another client."""
    instance = create(ask, process, worker)
    for _ in range(ATTEMPTS):
        jobs = lock(ask, worker, 1, processIds=[process["id"]])
        if jobs:
            complete(ask, jobs[0], worker)
            return instance
    raise Failed("lock: no job")


def parallel(ask: Ask, process: Answer, worker: str) -> Answer:
    instance = create(ask, process, worker)
    own = {"partition": instance["partition"], "processInstanceId": instance["id"]}
    jobs = lock(ask, worker, 2, **own)
    if len(jobs) != 2:
        raise Failed(f"lock: {len(jobs)} jobs instead of 2")
    for job in jobs:
        complete(ask, job, worker)
    executed = ask("execute", "POST", "/tasks/execute", {**own, "limit": 2})
    if executed["completed"] != 2:
        raise Failed(f"execute: {executed}")
    return instance


UNITS: dict[str, Callable[[Ask, Answer, str], Answer]] = {"one-task": one_task, "parallel": parallel}


class Connection:
    """A connection that stays open; a client of the standard library would cost several times as much."""

    def __init__(self, port: int, authorization: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: 127.0.0.1\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n"
        self.seconds: dict[str, list[float]] = defaultdict(list)
        """How long each request took, by operation."""

    def ask(self, operation: str, method: str, path: str, body: Answer) -> Answer:
        data = json.dumps(body)
        request = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n{data}".encode()
        started = time.perf_counter()
        self._socket.sendall(request)
        status, content = self._receive()
        self.seconds[operation].append(time.perf_counter() - started)
        if status not in (200, 201):
            raise Failed(f"{operation}: {status} {content.decode(errors='replace')}")
        answer: Answer = json.loads(content)
        return answer

    def _receive(self) -> tuple[int, bytes]:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        head = received[:end].lower()
        position = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[position : head.find(b"\r\n", position) if b"\r\n" in head[position:] else None])
        while len(received) < end + 4 + length:
            received += self._more()
        return int(head[9:12]), received[end + 4 :]

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the service has closed the connection")
        return data

    def close(self) -> None:
        self._socket.close()


@dataclass(slots=True)
class Load:
    """What many clients did in a while."""

    instances: int = 0
    elapsed: float = 0.0
    generator_cpu: float = 0.0
    """Seconds of CPU that the clients took, all together."""
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """How long each request took, by operation."""
    failures: list[str] = field(default_factory=list)


def run(port: int, authorization: str, process: Answer, clients: int, seconds: float) -> Load:
    """Lets clients, a thread each, play instances of a process for some seconds; a client ends when it fails."""
    load = Load()
    guard = threading.Lock()
    unit = UNITS[process["bpmnProcessId"]]
    started, cpu = time.perf_counter(), time.process_time()
    deadline = started + seconds

    def client(worker: str) -> None:
        played, last, failure = 0, None, ""
        connection = Connection(port, authorization)
        try:
            while time.perf_counter() < deadline:
                last = unit(connection.ask, process, worker)
                played += 1
        except (Failed, OSError) as error:
            failure = str(error) or repr(error)
        finally:
            connection.close()
        with guard:
            load.instances += played
            for operation, taken in connection.seconds.items():
                load.seconds[operation] += taken
            if failure:
                load.failures.append(failure)
            last_instances.append(last)

    last_instances: list[Answer | None] = []
    threads = [threading.Thread(target=client, args=(f"bench-{number}",)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.elapsed = time.perf_counter() - started
    load.generator_cpu = time.process_time() - cpu
    if clients == 1 and not load.failures:
        load.failures += _unfinished(port, authorization, last_instances[0])
    return load


def _unfinished(port: int, authorization: str, instance: Answer | None) -> list[str]:
    """Makes sure that what was counted as an instance has really ended."""
    connection = Connection(port, authorization)
    try:
        key = {"partition": instance["partition"], "id": instance["id"]} if instance else {}
        [found] = connection.ask("query", "POST", "/process-instances/query?limit=1", key)["results"]
    finally:
        connection.close()
    return [] if found["state"] == "COMPLETED" else [f"the last instance is {found['state']}"]
