"""Workers against a service that runs: leases, lost jobs, refusals, and the end."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from py_bpmn import Client, ConfigurationError
from py_bpmn._operations import NewProcessInstance
from py_bpmn.worker import Call, Job, JobGone, Process, Variables, Worker
from py_bpmn.worker.lease import Keeper
from tests.worker.conftest import PATIENCE, until
from tests.worker.models import model, tasks

LONG = timedelta(seconds=10)


def _locked(bpmn: Client, process: str) -> list[Any]:
    ids = {each.id for each in bpmn.each(bpmn.api.query_processes, bpmn_process_id=process)}
    return [job for job in bpmn.each(bpmn.api.query_jobs, states=["LOCKED"]) if job.process_id in ids]


def _start(bpmn: Client, process: str, number: int, **variables: Any) -> None:
    newest = bpmn.api.query_processes(bpmn_process_id=process, latest_only=True).results[0]
    one = NewProcessInstance(bpmn_process_id=process, version=newest.version)
    for first in range(0, number, 100):
        bpmn.api.create_process_instances(process_instances=[one] * min(100, number - first))


class Gate:
    """Where a handler says that it is there, and waits to be let on."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.open.wait(PATIENCE)

    def until_reached(self) -> None:
        assert self.reached.wait(PATIENCE)


def test_many_jobs_are_each_done_once_though_some_take_longer_than_their_lease(bpmn: Client):
    process = Process("many", bpmn=tasks("many", "a"), lease="1s")
    done: list[int] = []
    slow = threading.Event()
    lock = threading.Lock()

    @process.execute("a")
    def a(job: Job) -> None:
        with lock:
            done.append(job.data.process_instance_id)
            is_slow = len(done) % 50 == 1
        if is_slow:
            # Nobody sets it: the job takes longer than its lease.
            slow.wait(1.4)

    first, second = (Worker(process, client=bpmn, threads=6) for _ in range(2))
    bpmn.deploy(tasks("many", "a"))
    _start(bpmn, "many", 200)
    with first.running(), second.running():
        until(lambda: _all_ended(bpmn, "many"), "all ended")
    assert len(done) == len(set(done)) == 200


LONGEST = 15 if "BPMN_TEST_KILLS" in os.environ else 1
"""Seconds beyond five that a job takes."""


def _all_ended(bpmn: Client, process: str) -> bool:
    """Asks for little: the answer comes to the process that does the work."""
    return not bpmn.api.query_process_instances(bpmn_process_id=process, states=["STARTED"], limit=1).results


@pytest.mark.slow
def test_a_few_hundred_jobs_are_each_done_once_though_ten_take_many_leases(bpmn: Client):
    process = Process("hundreds", bpmn=tasks("hundreds", "a"), lease="2s")
    done: list[int] = []
    never = threading.Event()

    @process.execute("a")
    def a(job: Job) -> None:
        done.append(job.data.process_instance_id)
        place = len(done)
        never.wait(5 + LONGEST * place / 500 if place % 50 == 0 else random.random() / 5)

    bpmn.deploy(tasks("hundreds", "a"))
    _start(bpmn, "hundreds", 500)
    with Worker(process, client=bpmn, threads=16).running():
        until(lambda: _all_ended(bpmn, "hundreds"), "all ended")
    assert len(done) == len(set(done)) == 500


def test_a_canceled_job_is_told_so_and_its_result_dropped(bpmn: Client):
    process = Process("canceled", bpmn=tasks("canceled", "a"), lease="1s")
    gate, gone = Gate(), threading.Event()

    @process.execute("a")
    def a(job: Job) -> dict[str, Any]:
        gate()
        while job.alive:
            pass
        try:
            job.check()
        except JobGone:
            gone.set()
            raise
        return {"never": 1}

    with Worker(process, client=bpmn).running():
        found = bpmn.start("canceled")
        gate.until_reached()
        found.cancel()
        gate.open.set()
        assert gone.wait(PATIENCE)
    assert found.get_variables() == {}
    assert not list(bpmn.incidents(process_instance_id=found.id))


def test_stopping_waits_for_what_has_begun_and_gives_back_the_rest(bpmn: Client):
    process = Process("stops", bpmn=tasks("stops", "a"))
    gate = Gate()

    @process.execute("a")
    def a() -> None:
        gate()

    worker = Worker(process, client=bpmn, threads=1)
    bpmn.deploy(tasks("stops", "a"))
    _start(bpmn, "stops", 3)
    worker.start()
    gate.until_reached()
    stopped: list[bool] = []
    stopping = threading.Thread(target=lambda: stopped.append(worker.stop()))
    stopping.start()
    until(lambda: len(_locked(bpmn, "stops")) == 1, "the others are unlocked")
    gate.open.set()
    stopping.join(PATIENCE)
    assert stopped == [True]
    assert not _locked(bpmn, "stops")
    assert len(list(bpmn.instances(process="stops", states=["COMPLETED"]))) == 1


def test_what_does_not_end_in_time_is_unlocked(bpmn: Client):
    process = Process("stuck", bpmn=tasks("stuck", "a", "b"))
    gate, canceled = Gate(), threading.Event()
    alive: list[bool] = []

    @process.execute("a")
    def a(job: Job) -> None:
        gate()
        alive.append(job.alive)

    @process.execute("b")
    async def b() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            canceled.set()

    worker = Worker(process, client=bpmn, grace="1s")
    worker.start()
    bpmn.start("stuck")
    gate.until_reached()
    assert not worker.stop(0.1)
    assert not _locked(bpmn, "stuck")
    gate.open.set()
    until(lambda: not any(each.name.startswith("bpmn-handler") for each in threading.enumerate()), "the thread ends")
    with worker.running():
        until(lambda: [each for each in _locked(bpmn, "stuck") if each.bpmn_element_id == "b"], "b runs")
        assert not worker.stop(0.0)
    assert canceled.wait(PATIENCE)
    assert not _locked(bpmn, "stuck")
    assert alive == [False, True]


def test_only_what_is_done_here_is_locked(bpmn: Client):
    call = model("parts", "startEvent start", "callActivity sub", "serviceTask same", "endEvent end")
    process = Process("parts", bpmn=call, partial=True)
    other = Process("others", bpmn=tasks("others", "same", "mine"), partial=True)
    below = Process("parts-below", bpmn=tasks("parts-below", "x"))
    process.any("same")(lambda: None)
    other.execute("mine")(lambda: None)
    below.execute("x")(lambda: None)
    process.call("sub")(lambda: Call("parts-below"))
    with Worker(process, other, below, client=bpmn).running():
        one, two = bpmn.start("parts"), bpmn.start("others")
        until(lambda: [each.job_type for each in one.waiting()] == ["PASS_VARIABLES"], "called and came back")
        assert [(each.bpmn_element_id, each.kind) for each in two.waiting()] == [("same", "JOB")]
        assert not _locked(bpmn, "parts") and not _locked(bpmn, "others")


def test_a_job_of_an_earlier_version_that_nobody_does_is_left_alone(bpmn: Client, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, "py_bpmn.worker")
    old = model("older", "startEvent start", "serviceTask x", "serviceTask y", "endEvent end")
    new = model(
        "older",
        "startEvent start",
        "exclusiveGateway x",
        "serviceTask y",
        "endEvent end",
        more='<sequenceFlow id="f" sourceRef="x" targetRef="end"/>',
    )
    bpmn.deploy(old)
    before = bpmn.start("older")
    process = Process("older", bpmn=new)
    process.exclusive("x")(lambda: "y")
    process.execute("y")(lambda: None)
    with Worker(process, client=bpmn).running():
        assert bpmn.start("older", wait=LONG).state == "COMPLETED"
        until(lambda: "an earlier version of older asks for EXECUTE at x" in caplog.text, "it was met")
        assert bpmn.start("older", wait=LONG).state == "COMPLETED"
        until(lambda: not _locked(bpmn, "older"), "it is given back")
    assert caplog.text.count("an earlier version") == 1
    assert [each.kind for each in before.waiting()] == ["JOB"]


def test_a_result_that_is_not_taken_fails_its_job_alone(bpmn: Client):
    process = Process("large", bpmn=tasks("large", "a"), retries=5)
    gate = threading.Barrier(6)

    @process.execute("a")
    def a(n: int) -> dict[str, Any]:
        # All complete at the same time.
        gate.wait(PATIENCE)
        return {"text": "x" * 1_200_000} if n == 0 else {"bad name": 1} if n == 1 else {"fine": n}

    with Worker(process, client=bpmn, threads=6).running():
        started = [bpmn.start("large", variables={"n": n}) for n in range(6)]
        for each in started[2:]:
            assert each.wait(LONG).state == "COMPLETED"
        for each, text in zip(started[:2], ("request body size must not exceed", "must match regex"), strict=True):
            (incident,) = until(lambda each=each: list(bpmn.incidents(process_instance_id=each.id)), "an incident")
            assert 'execute("a"): the result of' in incident.error and text in incident.error


def test_log_records_of_handlers_carry_the_ids_of_their_job(lite: Client, caplog: pytest.LogCaptureFixture):
    process = Process("logs", bpmn=tasks("logs", "a", "b"), backoff="0s")
    own = logging.getLogger("shop")

    @process.execute("a")
    def a(secret_word: str, job: Job) -> None:
        own.warning("at work", extra={"job": "mine"})
        if job.attempt == 1:
            raise ConnectionError(secret_word)

    @process.execute("b")
    async def b() -> None:
        own.warning("at work, too")

    with Worker(process, client=lite).running():
        found = lite.start("logs", variables={"secretWord": "hidden"}, wait=LONG)
    told = [each for each in caplog.records if each.levelno >= logging.WARNING]
    mine, failed, again, async_one = (each for each in told if each.name in ("shop", "py_bpmn.worker"))
    assert (mine.instance, mine.element, mine.job, mine.attempt) == (found.ref, "a", "mine", 1)
    assert failed.message.startswith("the job has failed: ConnectionError (test_running.py:")
    assert (failed.attempt, again.attempt) == (1, 2)
    assert async_one.element == "b"
    assert "hidden" not in caplog.text


def test_metrics_and_health(lite: Client):
    process = Process("counted", bpmn=tasks("counted", "a", "b"), retries=0)
    process.execute("a")(lambda: None)

    @process.execute("b")
    def b() -> None:
        raise ValueError

    worker = Worker(process, client=lite, metrics_port=0)
    assert not worker.is_healthy
    with worker.running():
        found = lite.start("counted")
        until(lambda: list(lite.incidents(process_instance_id=found.id)), "an incident")
        assert worker.is_healthy
        assert _get(worker, "/healthz") == (200, "ok\n")
        until(lambda: 'jobs_total{element="b",outcome="failed"} 1.0' in _get(worker, "/metrics")[1], "it is counted")
        text = _get(worker, "/metrics")[1]
        assert 'bpmn_worker_jobs_total{element="a",outcome="completed"} 1.0' in text
        assert 'bpmn_worker_seconds_count{element="a"} 1.0' in text
        assert "bpmn_worker_running 0.0" in text
        assert _get(worker, "/other")[0] == 404


def _get(worker: Worker, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.metrics_address}{path}") as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""


def test_a_worker_is_not_healthy_when_the_service_has_been_away_for_a_minute(lite: Client):
    process = Process("sick", bpmn=tasks("sick", "a"))
    process.execute("a")(lambda: None)
    now = [0.0]
    with Worker(process, client=lite, clock=lambda: now[0]).running() as worker:
        assert worker.is_healthy
        now[0] = 61.0
        assert not worker.is_healthy


def test_one_that_waits_for_coroutines_and_functions_has_both_at_work(lite: Client):
    process = Process("both", bpmn=tasks("both", "a", "b"))
    names: dict[str, str] = {}
    met = asyncio.Barrier(20)

    @process.execute("a")
    async def a() -> None:
        await met.wait()
        names["a"] = threading.current_thread().name

    @process.execute("b")
    def b(variables: Variables) -> None:
        names["b"] = threading.current_thread().name

    with Worker(process, client=lite, threads=2, concurrency=20).running():
        lite.deploy(tasks("both", "a", "b"))
        _start(lite, "both", 20)
        until(lambda: len(list(lite.instances(process="both", states=["COMPLETED"]))) == 20, "all ended")
    assert names["a"] == "bpmn-loop" and names["b"].startswith("bpmn-handler-")


def test_all_mistakes_are_told_at_once(lite: Client):
    process = Process(
        "mistaken",
        bpmn=model(
            "mistaken",
            "startEvent start",
            "serviceTask charge-card",
            "exclusiveGateway single",
            "intermediateCatchEvent wait|<timerEventDefinition/>",
            "callActivity sub",
            "userTask person",
            "endEvent end",
        ),
    )
    process.execute("charge-cart")(lambda: None)
    process.exclusive("single")(lambda: "x")
    process.execute("wait")(lambda: None)
    process.any("person")(lambda: None)

    @process.call("sub")
    def sub(thing: Unknown) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    other = Process("absent")
    with pytest.raises(ConfigurationError) as raised:
        Worker(process, other, client=lite).start()
    told = str(raised.value).splitlines()
    version = lite.api.query_processes(bpmn_process_id="mistaken").results[0].version
    assert told[0] == "the worker can't start, because of 8 mistakes:"
    assert [line for line in told[1:] if "sub" not in line] == [
        f'mistaken: execute("charge-cart"): version {version} has no such element; is it charge-card?',
        'mistaken: exclusive("single"): EXCLUSIVE_GATEWAY asks for no job',
        'mistaken: execute("wait"): TIMER_CATCH_EVENT asks for timer',
        'mistaken: any("person"): USER_TASK asks for no job',
        'mistaken: nobody does charge-card: @execute("charge-card") is missing',
        'mistaken: nobody does wait: @timer("wait") is missing',
        "absent: no version is deployed",
    ]
    assert "an annotation names Unknown, which its module does not know" in str(raised.value)


def test_what_is_deployed_can_be_checked_instead(lite: Client):
    first, second = tasks("checked", "a"), tasks("checked", "a", "b")
    lite.deploy(first)

    def worker(xml: str, **options: Any) -> Worker:
        process = Process("checked", bpmn=xml, partial=True, **options)
        process.execute("a")(lambda: None)
        return Worker(process, client=lite, deploy="check")

    with worker(first).running():
        pass
    with pytest.raises(ConfigurationError, match="is not deployed; the newest version is"):
        worker(second).start()
    lite.deploy(first, version="1")
    with worker(first, version="1").running():
        pass
    with pytest.raises(ConfigurationError, match="version 1 is deployed with another file"):
        worker(second, version="1").start()
    process = Process("checked", bpmn=second, partial=True)
    process.execute("a")(lambda: None)
    with Worker(process, client=lite, deploy=False).running():
        pass
    assert len(lite.api.query_processes(bpmn_process_id="checked").results) == 2


def test_a_job_that_nobody_begins_is_left_to_others(lite: Client):
    process = Process("queued", bpmn=tasks("queued", "a"), lease="10s")
    gate, done_by = Gate(), list[str]()
    process.execute("a")(lambda: gate())
    mine, others = (Process("queued-too", bpmn=tasks("queued-too", "b"), lease="20s") for _ in range(2))
    mine.execute("b")(lambda: done_by.append("who is busy"))
    others.execute("b")(lambda: done_by.append("who is free"))
    lite.deploy(tasks("queued-too", "b"))
    with Worker(process, mine, client=lite, threads=1).running():
        lite.start("queued")
        gate.until_reached()
        # Its other request for jobs is still open, and gets this one.
        second = lite.start("queued-too")
        with Worker(others, client=lite).running():
            assert second.wait(LONG).state == "COMPLETED"
        gate.open.set()
    assert done_by == ["who is free"]


def test_a_job_costs_two_requests(lite: Client):
    asked: list[str] = []

    class Counting(httpx2.HTTPTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(request.url.path)
            return super().handle_request(request)

    process = Process("quiet", bpmn=tasks("quiet", "a"))
    process.execute("a")(lambda: None)
    with Client(lite.url, transport=Counting()) as client, Worker(process, client=client).running():
        until(lambda: "/jobs/lock" in asked, "it waits for jobs")
        asked.clear()
        assert lite.start("quiet", wait=LONG).state == "COMPLETED"
        until(lambda: "/jobs/lock" in asked, "it waits for the next one")
        assert sorted(asked) == ["/jobs/complete", "/jobs/lock"]


def test_a_result_that_comes_after_the_lock_has_ended_is_dropped(
    bpmn: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(Keeper, "watch", lambda self: None)
    process = Process("late", bpmn=tasks("late", "a"), lease="1s")
    second = threading.Event()
    runs = itertools.count(1)

    @process.execute("a")
    def a() -> dict[str, Any]:
        run = next(runs)
        if run == 1:
            # Another worker has it by then.
            assert second.wait(PATIENCE)
        second.set()
        return {"run": run}

    with Worker(process, client=bpmn, threads=1).running(), Worker(process, client=bpmn, threads=1).running():
        found = bpmn.start("late", wait=LONG, returns=["run"])
        until(lambda: "the job's result was dropped: job" in caplog.text, "the first one is refused")
    assert found.state == "COMPLETED"
    assert next(runs) == 3


def test_a_task_of_a_coroutine_can_not_end_the_worker(lite: Client, caplog: pytest.LogCaptureFixture):
    process = Process("tasks", bpmn=tasks("tasks", "a"), backoff="0s")
    attempts: list[int] = []

    async def leave() -> None:
        raise SystemExit(3)

    @process.execute("a")
    async def a(job: Job) -> None:
        attempts.append(job.attempt)
        if job.attempt == 1:
            await asyncio.create_task(leave())

    with Worker(process, client=lite).running():
        assert lite.start("tasks", wait=LONG).state == "COMPLETED"
    assert attempts == [1, 2]
    assert "an asynchronous handler has tried to end the event loop by SystemExit" in caplog.text


def test_a_handler_can_stop_its_worker(lite: Client):
    process = Process("own-end", bpmn=tasks("own-end", "a"))
    worker = Worker(process, client=lite)

    @process.execute("a")
    def a() -> None:
        assert worker.stop()

    worker.start()
    assert lite.start("own-end", wait=LONG).state == "COMPLETED"
    until(lambda: not any(each.name.startswith("bpmn-") for each in threading.enumerate()), "it ends")
