"""The worker as its users know it: what it is made of, and how it is started and stopped."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from py_bpmn.client import Client
from py_bpmn.errors import ConfigurationError
from py_bpmn.worker.convert import seconds
from py_bpmn.worker.process import Process
from py_bpmn.worker.register import Deploy
from py_bpmn.worker.run import Running

THREADS = 8
CONCURRENCY = 100
GRACE = "30s"
MOST_PORT = 65_535
HANDLERS = ("bpmn-handler", "bpmn-loop")
"""How the threads are named that handlers run in."""


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
        if deploy is not True and deploy is not False and deploy != "check":
            raise ConfigurationError(f'deploy must be True, False or "check", but is {deploy!r}')
        if client is not None and not isinstance(client, Client):
            raise ConfigurationError(f"client must be a Client, but is of type {type(client).__name__}")
        self._processes = served
        self.threads = threads
        self.concurrency = concurrency
        self.processes = processes
        self.deploy = deploy
        self.grace = seconds(grace)
        self.metrics_port = metrics_port
        self.check_ports()
        self._given_client = client
        self._clock = clock
        self._running: Running | None = None
        self._lock = threading.Lock()
        self._has_ended_well = True
        self.told: queue.SimpleQueue[int] = queue.SimpleQueue()
        """Signals, and 0 when it has stopped. A signal may come at any moment, and only such a queue takes it then."""

    def __repr__(self) -> str:
        return f"<Worker {', '.join(process.id for process in self._processes)}>"

    def check_ports(self) -> None:
        """Each process has its own one. Raises ConfigurationError."""
        port, last = self.metrics_port, MOST_PORT - self.processes + 1
        if port is not None and (not isinstance(port, int) or not 0 <= port <= last):
            raise ConfigurationError(f"metrics_port must be an integer from 0 to {last}, but is {port!r}")

    def start(self) -> None:
        """Registers the processes and begins; returns when jobs are waited for. Raises ConfigurationError.

        Where the service can't be reached, that is tried until it can, or until `stop`.
        """
        with self._lock:
            if self._running is not None:
                raise ConfigurationError("the worker runs already")
            self._running = running = Running(
                self._processes,
                self._given_client,
                threads=self.threads,
                concurrency=self.concurrency,
                deploy=self.deploy,
                metrics_port=self.metrics_port,
                clock=self._clock,
            )
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
