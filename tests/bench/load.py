"""What clients do: the processes, the requests, and the scenarios that are made of them."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

Answer = dict[str, Any]
Ask = Callable[[str, str, str, Answer], Answer]
"""Takes the name of the operation, method, path and body; answers with the body, or raises `Failed`."""

HEAD = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">{root}<process id="{id}" isExecutable="true">'
TAIL = "</process></definitions>"
ROOT = {"message": '<message id="note" name="noted"/>'}
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
    "message": """
        <startEvent id="start"/>
        <intermediateCatchEvent id="wait"><messageEventDefinition messageRef="note"/></intermediateCatchEvent>
        <endEvent id="end"/>
        <sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
        <sequenceFlow id="b" sourceRef="wait" targetRef="end"/>""",
    "timer": """
        <startEvent id="start"/>
        <intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>P30D</timeDuration></timerEventDefinition>
        </intermediateCatchEvent><endEvent id="end"/>
        <sequenceFlow id="a" sourceRef="start" targetRef="wait"/>
        <sequenceFlow id="b" sourceRef="wait" targetRef="end"/>""",
}
ATTEMPTS = 100
"""How often a client asks for a job before it takes the lack of one for a failure: others may lock it first."""
BATCH = 50
KNOWN = 200
"""Instances that queries ask for, one after the other."""


class Failed(Exception):
    """A request was refused, or answered with something else than what it should do."""


class Drained(Exception):
    """There is nothing left to do: what was filled in before is used up."""


class Request(NamedTuple):
    """A request whose status is to be 200 or 201."""

    operation: str
    method: str
    path: str
    body: Answer


Turn = Generator[Request | int, Any, None]
"""What one client does in one go: it yields requests, which are answered with the body, and how many units it did."""


def deployment(id: str, model: str = "") -> Request:
    """Of the model (by default the one that is named like it) as a process with that id."""
    xml = HEAD.format(id=id, root=ROOT.get(model or id, "")) + MODELS[model or id] + TAIL
    return Request(
        "deploy", "POST", "/processes", {"bpmnProcessId": id, "bpmnXml": xml, "version": "1", "workerId": "bench"}
    )


def creation(process: Answer, worker: str) -> Request:
    body = {"bpmnProcessId": process["bpmnProcessId"], "version": process["version"], "workerId": worker}
    return Request("create", "POST", "/process-instances", body)


def claim(worker: str, limit: int, **conditions: Any) -> Request:
    return Request("lock", "POST", "/jobs/lock", {**conditions, "limit": limit, "workerId": worker})


def completion(job: Answer, worker: str, **completion: Any) -> Request:
    body = {"workerId": worker, **({"completion": completion} if completion else {})}
    return Request("complete", "PATCH", f"/jobs/{job['partition']}/{job['id']}/complete", body)


def deploy(ask: Ask, id: str, model: str = "") -> Answer:
    return ask(*deployment(id, model))


def create(ask: Ask, process: Answer, worker: str) -> Answer:
    return ask(*creation(process, worker))


def lock(ask: Ask, worker: str, limit: int, **conditions: Any) -> list[Answer]:
    jobs: list[Answer] = ask(*claim(worker, limit, **conditions))["jobs"]
    return jobs


def complete(ask: Ask, job: Answer, worker: str) -> None:
    require_done(ask(*completion(job, worker)))


def require_done(job: Answer) -> None:
    if job["state"] != "DONE":
        raise Failed(f"complete: {job}")


@dataclass(slots=True)
class Stage:
    """What the clients of one scenario have in common."""

    process: Answer
    known: list[Answer] = field(default_factory=list)
    """Instances that queries ask for."""
    last: Answer | None = None
    """The last instance that was brought to its end, where that is one's own."""
    numbers: Iterator[int] = field(default_factory=itertools.count)


def service(stage: Stage, worker: str) -> Turn:
    """Starts an instance, and completes a job of the process, which may belong to the instance of another client."""
    instance = yield creation(stage.process, worker)
    for _ in range(ATTEMPTS):
        jobs = (yield claim(worker, 1, processIds=[stage.process["id"]]))["jobs"]
        if jobs:
            require_done((yield completion(jobs[0], worker)))
            stage.last = instance
            yield 1
            return
    raise Failed("lock: no job")


def lock_batch(stage: Stage, worker: str) -> Turn:
    jobs = (yield claim(worker, BATCH, processIds=[stage.process["id"]]))["jobs"]
    if not jobs:
        raise Drained
    for job in jobs:
        require_done((yield completion(job, worker)))
        yield 1


def parallel(stage: Stage, worker: str) -> Turn:
    instance = yield creation(stage.process, worker)
    own = {"partition": instance["partition"], "processInstanceId": instance["id"]}
    jobs = (yield claim(worker, 2, **own))["jobs"]
    if len(jobs) != 2:
        raise Failed(f"lock: {len(jobs)} jobs instead of 2")
    for job in jobs:
        require_done((yield completion(job, worker)))
    yield from _execute(own, 2)
    stage.last = instance
    yield 1


def message(stage: Stage, worker: str) -> Turn:
    instance = yield creation(stage.process, worker)
    own = {"partition": instance["partition"], "processInstanceId": instance["id"]}
    [job] = (yield claim(worker, 1, **own))["jobs"]
    key = f"{worker}-{next(stage.numbers)}"
    require_done((yield completion(job, worker, messageCorrelationKey=key)))
    body = {"name": "noted", "correlationKey": key, "workerId": worker}
    yield Request("message", "POST", "/messages", body)
    yield from _execute(own, 1)
    stage.last = instance
    yield 1


def _execute(own: Answer, count: int) -> Turn:
    executed = yield Request("execute", "POST", "/tasks/execute", {**own, "limit": count})
    if executed["completed"] != count:
        raise Failed(f"execute: {executed}")


def query(stage: Stage, worker: str) -> Turn:
    """Asks for an instance and for what is in it, in turn."""
    number = next(stage.numbers)
    instance = stage.known[number % len(stage.known)]
    partition, id = instance["partition"], instance["id"]
    if number % 2:
        found = yield Request("query", "POST", "/process-instances/query", {"partition": partition, "id": id})
    else:
        body = {"partition": partition, "processInstanceId": id}
        found = yield Request("query elements", "POST", "/element-instances/query", body)
    if not found["count"]:
        raise Failed(f"query: nothing of {instance}")
    yield 1


def batch_complete(stage: Stage, worker: str) -> Turn:
    """Completes jobs in batches, each of which locks the next one."""
    following = {"processIds": [stage.process["id"]], "limit": BATCH}
    jobs = (yield claim(worker, BATCH, processIds=[stage.process["id"]]))["jobs"]
    while jobs:
        named = [{"partition": job["partition"], "id": job["id"]} for job in jobs]
        body = {"workerId": worker, "jobs": named, "lockNext": following}
        answer = yield Request("complete 50", "POST", "/jobs/complete", body)
        _require_all(answer, 200)
        yield len(jobs)
        jobs = answer["jobs"]
    raise Drained


def batch_start(stage: Stage, worker: str) -> Turn:
    started = {"bpmnProcessId": stage.process["bpmnProcessId"], "version": stage.process["version"]}
    body = {"workerId": worker, "processInstances": [started] * BATCH}
    answer = yield Request("create 50", "POST", "/process-instances/batch", body)
    _require_all(answer, 201)
    yield BATCH


def _require_all(answer: Answer, status: int) -> None:
    for result in answer["results"]:
        if result["status"] not in (200, status):
            raise Failed(f"batch: {result}")


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    model: str
    turn: Callable[[Stage, str], Turn]
    unit: str
    open_jobs: bool = False
    """Whether it takes jobs that are there before, of instances that were filled in."""
    optional: str = ""
    """The operation without which a service does not know the scenario."""


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("service", "one-task", service, "instance"),
        Scenario("lock-batch", "one-task", lock_batch, "job", open_jobs=True),
        Scenario("parallel", "parallel", parallel, "instance"),
        Scenario("message", "message", message, "instance"),
        Scenario("query", "one-task", query, "query"),
        Scenario("batch-complete", "one-task", batch_complete, "job", open_jobs=True, optional="/jobs/complete"),
        Scenario("batch-start", "one-task", batch_start, "instance", optional="/process-instances/batch"),
    )
}


def play(ask: Ask, turn: Turn) -> int:
    """Plays one turn, one request after the other; how many units that were."""
    units, answer = 0, None
    try:
        while True:
            step = turn.send(answer)
            answer = None
            if isinstance(step, int):
                units += step
            else:
                answer = ask(*step)
    except StopIteration:
        return units


def prepare(ask: Ask, scenario: Scenario) -> Stage:
    """Deploys the process, and starts what the scenario asks for."""
    stage = Stage(deploy(ask, scenario.model))
    if scenario.turn is query:
        for _ in range(KNOWN):
            play(ask, service(stage, "bench"))
            assert stage.last is not None
            stage.known.append(stage.last)
    return stage


class Connection:
    """A connection that stays open; a client of the standard library would cost several times as much."""

    def __init__(self, port: int, authorization: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = f"Host: 127.0.0.1\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n"
        self._received = b""

    def ask(self, operation: str, method: str, path: str, body: Answer) -> Answer:
        self.send(method, path, body)
        while (answer := self.receive()) is None:
            pass
        return parsed(operation, *answer)

    def send(self, method: str, path: str, body: Answer) -> None:
        data = orjson.dumps(body)
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(data)}\r\n\r\n"
        self.socket.sendall(head.encode() + data)

    def receive(self) -> tuple[int, bytes] | None:
        """Status and body, once all of the answer is there; waits for a part of it otherwise."""
        data = self.socket.recv(262144)
        if not data:
            raise ConnectionResetError("the service has closed the connection")
        received = self._received = self._received + data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = received[:end].lower()
        position = head.find(b"content-length:")
        line = head[position + len(b"content-length:") :].partition(b"\r\n")[0] if position >= 0 else b"0"
        if len(received) < end + 4 + int(line):
            return None
        self._received = b""
        return int(head[9:12]), received[end + 4 :]

    def close(self) -> None:
        self.socket.close()


def parsed(operation: str, status: int, content: bytes) -> Answer:
    """The body of an answer. Raises Failed."""
    if status not in (200, 201):
        raise Failed(f"{operation}: {status} {content.decode(errors='replace')}")
    answer: Answer = orjson.loads(content)
    return answer
