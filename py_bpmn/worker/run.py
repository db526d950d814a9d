"""The worker: what fetches jobs, has them done, and sends what became of them; from its start to its end."""

from __future__ import annotations

import os
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from py_bpmn._operations import CompleteJobsItem
from py_bpmn._operations import Job as Data
from py_bpmn.client import Client, visible
from py_bpmn.errors import BpmnClientError, ConfigurationError, Unavailable
from py_bpmn.worker.board import Board, Held
from py_bpmn.worker.convert import seconds
from py_bpmn.worker.fetch import Fetcher
from py_bpmn.worker.lease import Keeper
from py_bpmn.worker.observe import Metrics, Window, about, logger, mark_records
from py_bpmn.worker.outage import Outage
from py_bpmn.worker.perform import Outcome, Performer
from py_bpmn.worker.pool import Loop, Threads
from py_bpmn.worker.process import Handler, Process
from py_bpmn.worker.register import Deploy, Registered, register
from py_bpmn.worker.send import Entry, Sender
from py_bpmn.worker.wanted import Wanted, wanted

THREADS = 8
CONCURRENCY = 100
GRACE = "30s"
HEALTHY_SECONDS = 60.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
HANDLERS = ("bpmn-handler", "bpmn-loop")
"""How the threads are named that handlers run in."""
LAST_WORDS = 2.0
"""Seconds that the end of the worker takes beyond its grace, at most, where the service does not answer."""


class Worker:
    """Does the jobs of these processes.

    worker = Worker(order, invoice, threads=16)
    worker.run()
    """

    def __init__(
        self,
        *served: Process,
        client: Client | None = None,
        threads: int = THREADS,
        concurrency: int = CONCURRENCY,
        processes: int = 1,
        deploy: Deploy = True,
        grace: Any = GRACE,
        metrics_port: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`threads` is how many functions run at a time, and `concurrency` how many coroutines.

        Without `client` the environment says where the service is, as for `Client()`. `processes` is how many processes
        `run` starts, each with so many threads. `deploy="check"` compares files with what is deployed, and False takes
        what is deployed. `grace` is how long handlers may take to end when the worker is told to stop. With
        `metrics_port` there are /metrics and /healthz.
        """
        if not served or not all(isinstance(each, Process) for each in served):
            raise ConfigurationError("a worker needs one process at least: Worker(order, threads=16)")
        names = [process.id for process in served]
        if len(set(names)) < len(names):
            raise ConfigurationError("a worker has each process once; give all functions to one Process")
        for name, number in (("threads", threads), ("concurrency", concurrency), ("processes", processes)):
            if not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"{name} must be an integer of at least 1, but is {number!r}")
        if deploy not in (True, False, "check"):
            raise ConfigurationError(f'deploy must be True, False or "check", but is {deploy!r}')
        self._processes = served
        self.threads = threads
        self.concurrency = concurrency
        self.processes = processes
        self.deploy = deploy
        self.grace = seconds(grace)
        self.metrics_port = metrics_port
        self._given_client = client
        self._clock = clock
        self._running: Running | None = None
        self._lock = threading.Lock()
        self._has_ended_well = True
        self.told: queue.SimpleQueue[int] = queue.SimpleQueue()
        """Signals, and 0 when it has stopped. A signal may come at any moment, and only such a queue takes it then."""

    def __repr__(self) -> str:
        return f"<Worker {', '.join(process.id for process in self._processes)}>"

    def start(self) -> None:
        """Registers the processes and begins; returns when jobs are waited for. Raises ConfigurationError.

        Where the service can't be reached, that is tried until it can, or until `stop`.
        """
        with self._lock:
            if self._running is not None:
                raise ConfigurationError("the worker runs already")
            self._running = running = Running(self)
        try:
            running.start()
        except BaseException:
            running.stop(0.0)
            self._running = None
            raise

    def stop(self, grace: float | None = None) -> bool:
        """Takes no more jobs, and waits for those that have begun; False if some did not end in time.

        `grace` is in seconds, and those that the worker was made with, if it is not given. A handler that calls it does
        not wait.
        """
        if threading.current_thread().name.startswith(HANDLERS):
            threading.Thread(target=self.stop, args=(grace,), name="bpmn-stop", daemon=True).start()
            return True
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            self._has_ended_well = running.stop(self.grace if grace is None else grace)
            self.told.put(0)
        return self._has_ended_well

    @contextmanager
    def running(self) -> Iterator[Worker]:
        """Runs within the block, in threads."""
        self.start()
        try:
            yield self
        finally:
            self.stop()

    @property
    def is_healthy(self) -> bool:
        """Whether it runs, and the service has answered within the last minute, or needed not to be asked."""
        running = self._running
        return running is not None and running.is_healthy

    @property
    def metrics_address(self) -> int | None:
        """The port of /metrics, which may have been 0 to take a free one."""
        running = self._running
        return running.window.port if running is not None and running.window is not None else None

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT, or until `stop`. Exits with 1 for mistakes, and when jobs did not end in time.

        A second signal does not wait for jobs.
        """
        from py_bpmn.worker.supervise import run_worker

        code = run_worker(self)
        if code:
            raise SystemExit(code)


class Running:
    """One run of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._process = os.getpid()
        self._is_own_client = worker._given_client is None
        self.client = worker._given_client or Client()
        # Of one process alone: what it has locked can be unlocked without looking.
        suffix = f"#{os.getpid()}-{secrets.token_hex(3)}"
        self.id = self.client.worker_id[: 255 - len(suffix)] + suffix
        self._clock = worker._clock
        self._served = tuple(process.served() for process in worker._processes)
        handlers = [handler for process in self._served for handler in process.handlers]
        kinds = {handler.is_async for handler in handlers}
        self.board = Board(
            worker.threads if False in kinds else 0, worker.concurrency if True in kinds else 0, worker._clock
        )
        self._outage = Outage(self._is_away, self._is_back, worker._clock)
        self._stopping = threading.Event()
        self._over = threading.Event()
        self._known = Registered()
        self._by_id = {process.id: process for process in self._served}
        self._learning = threading.Lock()
        self._life = threading.Lock()
        """Beginning and ending do not overlap."""
        self._performer = Performer(self.client.values, self._called, self._newest)
        self._waiting: Client | None = None
        self._working: Client | None = None
        self._keeping: Client | None = None
        self.fetcher: Fetcher | None = None
        self._sender: Sender | None = None
        self._keeper: Keeper | None = None
        self._threads: Threads | None = None
        self._loop: Loop | None = None
        self._metrics: Metrics | None = None
        self.window: Window | None = None

    def start(self) -> None:
        worker = self._worker
        mark_records()
        if worker.metrics_port is not None:
            self._metrics = Metrics(lambda: self._clock() - self._outage.last_answer, lambda: self.board.running)
            self.window = Window(worker.metrics_port, self._metrics, lambda: self.is_healthy)
        self._registered()
        with self._life:
            if not self._stopping.is_set():
                self._begin()

    def _begin(self) -> None:
        worker = self._worker
        handlers = [handler for process in self._served for handler in process.handlers]
        shortest = min((handler.lease.total_seconds() for handler in handlers), default=30.0)
        self._waiting = self.client.sibling(worker_id=self.id, sleep=self._stopping.wait)
        self._working = self.client.sibling(worker_id=self.id, sleep=self._over.wait)
        self._keeping = self.client.sibling(worker_id=self.id, sleep=self._over.wait, timeout=max(1.0, shortest / 3))
        self._threads = Threads(0 if all(each.is_async for each in handlers) else worker.threads, self._do)
        if any(handler.is_async for handler in handlers):
            self._loop = Loop(worker.concurrency, self._do_async)
        self.fetcher = Fetcher(
            self._waiting, self.board, self._outage, receive=self._receive, pause=self._stopping.wait
        )
        self._keeper = Keeper(
            self._keeping,
            self.board,
            self._outage,
            shortest_lease=shortest,
            give_back=self._give_back,
            count_lost=self._count_lost,
        )
        self._sender = Sender(
            self._working,
            self.board,
            self._outage,
            plan=lambda: self.fetcher.plan if self.fetcher else (),
            receive=self._receive,
            refused=self._refused,
            count=self._count,
            pause=self._over.wait,
        )
        self.fetcher.follow(wanted(self._served, self._known.strangers))
        logger.info("%s does jobs of %s", self.id, ", ".join(self._by_id))

    def _registered(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._known = register(self.client, self._served, self._worker.deploy)
            except Unavailable as problem:
                self._outage.failed(problem)
                self._stopping.wait(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._outage.succeeded()
                return

    def _receive(self, request: Wanted, found: Sequence[Data]) -> None:
        """Has jobs done that were locked by this request. Never raises."""
        try:
            self._take(request, found)
        except Exception:
            logger.exception("jobs could not be begun")

    def _take(self, request: Wanted, found: Sequence[Data]) -> None:
        held: list[Held] = []
        others: list[Data] = []
        now = self._clock()
        for data in found:
            handler = None if self.board.is_stopping else self._handler(request, data)
            if handler is None:
                others.append(data)
            else:
                held.append(Held(data, handler, self.client, now))
        self.board.add(held)
        for each in held:
            self._put(each)
        for data in others:
            self._unlock(data)

    def _put(self, held: Held) -> None:
        if held.is_async:
            assert self._loop is not None
            self._loop.put(held)
        else:
            assert self._threads is not None
            self._threads.put(held)

    def _handler(self, request: Wanted, data: Data) -> Handler | None:
        """Who does this job; for one that nobody does, the plan changes, so that it is not locked again."""
        try:
            name = self._process_of(request, data.process_id)
        except BpmnClientError as problem:
            logger.warning("job %s/%s can't be judged: %s", data.partition, data.id, problem)
            return None
        process = self._by_id.get(name)
        handler = process.handler(data.bpmn_element_id, data.type) if process is not None else None
        if handler is None or handler.is_async != request.is_async:
            with self._learning:
                stranger = (name, data.bpmn_element_id, data.type)
                if handler is None and stranger not in self._known.strangers:
                    logger.info("an earlier version of %s asks for %s at %s, which nobody here does", *_asked(stranger))
                    self._known.strangers.append(stranger)
                    if self.fetcher is not None:
                        self.fetcher.follow(wanted(self._served, self._known.strangers))
        return handler

    def _process_of(self, request: Wanted, id: int) -> str:
        """The BPMN id of the process of a version."""
        if len(request.processes) == 1:
            return next(iter(request.processes))
        if id not in self._known.processes:
            found = self.client.api.query_processes(id=id).results
            self._known.processes[id] = found[0].bpmn_process_id if found else ""
        return self._known.processes[id]

    def _do(self, held: Held) -> None:
        if not self.board.begin(held):
            return
        with about(held.job):
            self._done(held, self._performer.perform(held.handler, held.job))

    async def _do_async(self, held: Held) -> None:
        if not self.board.begin(held):
            return
        with about(held.job):
            self._done(held, await self._performer.perform_async(held.handler, held.job))

    def _done(self, held: Held, outcome: Outcome) -> None:
        if self._metrics is not None:
            self._metrics.seconds.labels(held.data.bpmn_element_id).observe(self._clock() - held.began)
        if outcome.name == "failed":
            logger.warning("the job has failed: %s", outcome.reason)
        if not self.board.done(held) or outcome.item is None:
            logger.info("the job's result was dropped, since the job is gone")
            self._count(held, "gone")
            return
        assert self._sender is not None
        self._sender.put(Entry(held, outcome.item, outcome.name))

    def _refused(self, held: Held, detail: str) -> CompleteJobsItem:
        with about(held.job):
            logger.warning("the job has failed: the service does not take its result")
        text = f"{held.handler.label}: the result of {held.handler.where} is not taken: {detail}"
        return self._performer.failed(held.job, text)

    def _give_back(self, is_due: Callable[[Held], bool]) -> None:
        for held in self.board.give_back(is_due):
            self._unlock(held.data)

    def _unlock(self, data: Data) -> None:
        assert self._keeping is not None
        if self._outage.is_on:
            return
        try:
            self._keeping.api.unlock_jobs(partition=data.partition, id=data.id)
        except BpmnClientError as problem:
            # Its lease brings it back.
            self._outage.failed(problem)

    def _called(self, data: Data) -> dict[str, Any]:
        """The variables of the instance that the call activity of a job has called."""
        api = self.client.api
        scopes = api.query_element_instances(partition=data.partition, parent_id=data.element_instance_id).results
        called = [each for each in scopes if each.process_instance_id != data.process_instance_id]
        if not called:
            return {}
        newest = max(called, key=lambda each: each.id)
        found = api.get_process_variables(partition=newest.partition, id=newest.process_instance_id)
        return visible(self.client.values, found.variables)

    def _newest(self, process: str) -> str | None:
        found = self.client.api.query_processes(bpmn_process_id=process, latest_only=True).results
        return found[0].version if found else None

    def _count(self, held: Held, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.jobs.labels(held.data.bpmn_element_id, outcome).inc()
            if outcome == "lost":
                self._metrics.lost.inc()

    def _count_lost(self) -> None:
        if self._metrics is not None:
            self._metrics.lost.inc()

    def _is_away(self, sentence: str) -> None:
        if not self._stopping.is_set():
            logger.warning("%s", sentence)

    def _is_back(self, seconds: float) -> None:
        logger.info("the service answers again, after %.1f s", seconds)

    @property
    def is_healthy(self) -> bool:
        if self._stopping.is_set():
            return False
        if self._clock() - self._outage.last_answer < HEALTHY_SECONDS:
            return True
        # Where all are at work there is nothing to ask for.
        return self.board.is_full and not self._outage.is_on

    def interrupt(self) -> None:
        """Has `stop` not wait any longer."""
        self._over.set()
        with self.board.changed:
            self.board.changed.notify_all()

    def stop(self, grace: float) -> bool:
        """True if all that had begun has ended."""
        until = self._clock() + grace
        self._stopping.set()
        self.board.stop()
        with self._life:
            return self._stop(until)

    def _stop(self, until: float) -> bool:
        if self.fetcher is not None:
            self.fetcher.stop(LAST_WORDS)
        if self._keeping is not None:
            self._give_back(lambda held: True)
        if left := len(self.board.held()):
            logger.info("the worker stops, and waits for %s jobs", left)
        ended = self._wait(until)
        for held in self.board.held():
            held.job.is_gone("the worker stops")
        if not ended and self._loop is not None:
            self._loop.cancel()
        self._over.set()
        self._close(ended)
        return ended

    def _wait(self, until: float) -> bool:
        with self.board.changed:
            self.board.changed.wait_for(
                lambda: self.board.is_empty() or self._over.is_set(), max(0.0, until - self._clock())
            )
            return self.board.is_empty()

    def _close(self, ended: bool) -> None:
        rest = LAST_WORDS if ended else 0.2
        if not ended:
            logger.warning("%s jobs have not ended in time, and are left to others", len(self.board.held()))
        for stop in (self._sender, self._keeper, self._loop, self._threads):
            if stop is not None:
                if not ended and self._working is not None:
                    self._working.cut()
                stop.stop(rest)
        self._unlock_all()
        for client in (self._waiting, self._working, self._keeping):
            if client is not None:
                client.close()
        if self.window is not None:
            self.window.close()
        if self._is_own_client:
            self.client.close()

    def _unlock_all(self) -> None:
        """Nothing stays locked; also not what came with an answer that nobody has read."""
        if self._waiting is None or self._outage.is_on:
            return
        last = self.client.sibling(worker_id=self.id, sleep=lambda _: None, timeout=LAST_WORDS)
        try:
            last.api.unlock_jobs()
        except BpmnClientError as problem:
            logger.warning("jobs could not be unlocked, and are so when their leases end: %s", problem)
        finally:
            last.close()


def _asked(stranger: tuple[str, str, str]) -> tuple[str, str, str]:
    process, element, type = stranger
    return process, type, element
