"""One run of a worker: what fetches jobs, has them done, and sends what became of them; from its start to its end."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from py_bpmn._operations import QUERY_PROCESSES, CompleteJobsItem
from py_bpmn._operations import Job as Data
from py_bpmn.client import Client, visible
from py_bpmn.errors import BpmnClientError, Unavailable
from py_bpmn.worker.board import Board, Held, Stage
from py_bpmn.worker.fetch import Fetcher
from py_bpmn.worker.lease import UNLOCK, Keeper, Unlocker
from py_bpmn.worker.observe import Metrics, Window, about, logger, mark_records
from py_bpmn.worker.outage import Outage
from py_bpmn.worker.perform import Outcome, Performer
from py_bpmn.worker.pool import Loop, Threads
from py_bpmn.worker.process import Handler, Process
from py_bpmn.worker.register import Deploy, Registered, register
from py_bpmn.worker.send import Entry, Sender
from py_bpmn.worker.wanted import Wanted, wanted

HEALTHY_SECONDS = 60.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
LAST_WORDS = 2.0
"""Seconds that the end of the worker takes beyond its grace, at most, where the service does not answer."""
LAST_REQUEST = 0.5
"""Seconds of these that are kept for unlocking."""
# The locks of the jobs that are asked about last only so long.
_QUERY_PROCESSES = replace(QUERY_PROCESSES, repeated=False)


class Running:
    """Where no client is given, the environment says where the service is, as for `Client()`."""

    def __init__(
        self,
        processes: Sequence[Process],
        client: Client | None,
        *,
        threads: int,
        concurrency: int,
        deploy: Deploy,
        metrics_port: int | None,
        clock: Callable[[], float],
    ) -> None:
        self._count_of_threads = threads
        self._concurrency = concurrency
        self._deploy = deploy
        self._metrics_port = metrics_port
        self._process = os.getpid()
        self._is_own_client = client is None
        self.client = client or Client()
        # Of one process alone: what it has locked can be unlocked without looking.
        suffix = f"#{os.getpid()}-{secrets.token_hex(3)}"
        self.id = self.client.worker_id[: 255 - len(suffix)] + suffix
        self._clock = clock
        self._served = tuple(process.served() for process in processes)
        handlers = [handler for process in self._served for handler in process.handlers]
        kinds = {handler.is_async for handler in handlers}
        self.board = Board(threads if False in kinds else 0, concurrency if True in kinds else 0, clock)
        self._outage = Outage(self._is_away, self._is_back, clock)
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
        self._unlocker: Unlocker | None = None
        self._threads: Threads | None = None
        self._loop: Loop | None = None
        self._metrics: Metrics | None = None
        self.window: Window | None = None

    def start(self) -> None:
        mark_records()
        if self._metrics_port is not None:
            self._metrics = Metrics(lambda: self._clock() - self._outage.last_answer, lambda: self.board.running)
            self.window = Window(self._metrics_port, self._metrics, lambda: self.is_healthy)
        self._registered()
        with self._life:
            if not self._stopping.is_set():
                self._begin()

    def _begin(self) -> None:
        handlers = [handler for process in self._served for handler in process.handlers]
        shortest = min((handler.lease.total_seconds() for handler in handlers), default=30.0)
        self._waiting = self.client.sibling(worker_id=self.id, sleep=self._stopping.wait)
        self._working = self.client.sibling(worker_id=self.id, sleep=self._over.wait)
        self._keeping = self.client.sibling(worker_id=self.id, sleep=self._over.wait, timeout=max(1.0, shortest / 3))
        self._threads = Threads(0 if all(each.is_async for each in handlers) else self._count_of_threads, self._do)
        if any(handler.is_async for handler in handlers):
            self._loop = Loop(self._concurrency, self._do_async)
        self._unlocker = Unlocker(self._keeping, self.board, self._outage)
        self.fetcher = Fetcher(
            self._waiting, self.board, self._outage, receive=self._receive, pause=self._stopping.wait
        )
        self._keeper = Keeper(
            self._keeping,
            self.board,
            self._outage,
            shortest_lease=shortest,
            look=self._unlocker.look,
            lost=self._lost,
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
                self._known = register(self.client, self._served, self._deploy)
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
        assert self._unlocker is not None
        held: list[Held] = []
        unknown: set[int] = set()
        now = self._clock()
        for data in found:
            handler = None
            if data.process_id not in unknown and not self.board.is_stopping:
                try:
                    handler = self._handler(request, data)
                except BpmnClientError as problem:
                    # The locks of all end while these are asked about one by one.
                    unknown.add(data.process_id)
                    logger.warning("jobs of process %s can't be judged: %s", data.process_id, problem)
            if handler is None:
                self._unlocker.put(data, now + request.lease.total_seconds())
            else:
                held.append(Held(data, handler, self.client, now))
        for lost in self.board.add(held):
            self._lost(lost, "it is locked anew, and is done again when its handler has ended")
        for each in held:
            self._put(each)

    def _put(self, held: Held) -> None:
        if held.is_async:
            assert self._loop is not None
            self._loop.put(held)
        else:
            assert self._threads is not None
            self._threads.put(held)

    def _handler(self, request: Wanted, data: Data) -> Handler | None:
        """Who does this job; for one that nobody does, the plan changes, so that it is not locked again."""
        name = self._process_of(request, data.process_id)
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
            assert self._keeping is not None
            found = self._keeping.call(_QUERY_PROCESSES, body={"id": id}).results
            self._known.processes[id] = found[0].bpmn_process_id if found else ""
        return self._known.processes[id]

    def _do(self, held: Held) -> None:
        if not self.board.begin(held):
            return
        with self._at_work(held):
            self._done(held, self._performer.perform(held.handler, held.job))

    async def _do_async(self, held: Held) -> None:
        if not self.board.begin(held):
            return
        with self._at_work(held):
            self._done(held, await self._performer.perform_async(held.handler, held.job))

    @contextmanager
    def _at_work(self, held: Held) -> Iterator[None]:
        with about(held.job):
            try:
                yield
            except BaseException:
                # A mistake of ours. The lease brings the job back, which is not extended any more.
                held.job.is_gone("it could not be done")
                if held.stage is Stage.RUNNING:
                    self.board.done(held)
                self.board.sent([held])
                raise
            finally:
                if held.follower is not None:
                    self._put(held.follower)

    def _done(self, held: Held, outcome: Outcome) -> None:
        self._end_copy(outcome)
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

    def _end_copy(self, outcome: Outcome) -> None:
        """A process that a handler has forked ends where the handler does: the job is not the copy's."""
        if os.getpid() == self._process:
            return
        if outcome.name == "failed":
            logger.warning("a process that the handler has forked ends: %s", outcome.reason)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(0 if outcome.name == "completed" else 1)

    def _refused(self, held: Held, detail: str) -> CompleteJobsItem:
        with about(held.job):
            logger.warning("the job has failed: the service does not take its result")
        text = f"{held.handler.label}: the result of {held.handler.where} is not taken: {detail}"
        return self._performer.failed(held.job, text)

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

    def _lost(self, held: Held, reason: str) -> None:
        if self._metrics is not None:
            self._metrics.lost.inc()
        with about(held.job):
            logger.warning("the job is gone while it is done: %s", reason)

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
            self.fetcher.stop(LAST_WORDS - LAST_REQUEST)
        if self._unlocker is not None:
            for held in self.board.give_back():
                self._unlocker.put(held.data, held.ends)
        if left := len(self.board.held()):
            logger.info("the worker stops, and waits for %s jobs", left)
        ended = self._wait(until)
        for held in self.board.held():
            held.job.is_gone("the worker stops")
        if not ended and self._loop is not None:
            self._loop.cancel()
        self._over.set()
        self._close(ended, min(self._clock(), until) + LAST_WORDS)
        return ended

    def _wait(self, until: float) -> bool:
        with self.board.changed:
            self.board.changed.wait_for(
                lambda: self.board.is_empty() or self._over.is_set(), max(0.0, until - self._clock())
            )
            return self.board.is_empty()

    def _close(self, ended: bool, until: float) -> None:
        # What is cut now is no sign of an outage.
        is_away = self._outage.is_on
        if not ended:
            logger.warning("%s jobs have not ended in time, and are left to others", len(self.board.held()))
        for stop in (self._sender, self._keeper, self._unlocker, self._loop, self._threads):
            if stop is not None:
                if not ended and self._working is not None:
                    self._working.cut()
                rest = until - LAST_REQUEST - self._clock()
                stop.stop(max(0.0, rest if ended else min(rest, 0.2)))
        if self._waiting is not None and not is_away:
            self._unlock_all(max(until - self._clock(), LAST_REQUEST))
        for client in (self._waiting, self._working, self._keeping):
            if client is not None:
                client.close()
        if self.window is not None:
            self.window.close()
        if self._is_own_client:
            self.client.close()

    def _unlock_all(self, seconds: float) -> None:
        """Nothing stays locked; also not what came with an answer that nobody has read."""
        last = self.client.sibling(worker_id=self.id, timeout=seconds)
        try:
            last.call(UNLOCK, body={"workerId": self.id})
        except BpmnClientError as problem:
            logger.warning("jobs could not be unlocked, and are so when their leases end: %s", problem)
        finally:
            last.close()


def _asked(stranger: tuple[str, str, str]) -> tuple[str, str, str]:
    process, element, type = stranger
    return process, type, element
