"""A worker as a program: signals, exit codes, and several processes where one is not enough."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from types import FrameType
from typing import Any

from py_bpmn.errors import BpmnClientError, ConfigurationError
from py_bpmn.worker.observe import configure_logging, logger
from py_bpmn.worker.run import Worker

CHILD = "--child"
STEADY_SECONDS = 10.0
"""A process that has run so long is started again at once when it dies."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LOOK_SECONDS = 0.2
PATIENCE = 5.0
"""Seconds for a process to end beyond its grace."""


def main(
    target: str, processes: int | None = None, metrics_port: int | None = None, log_format: str | None = None
) -> int:
    """Runs the worker that `MODULE:ATTR` names, and returns the exit code."""
    try:
        configure_logging(log_format or "text")
        worker = load(target)
        if processes is not None:
            worker.processes = processes
        if metrics_port is not None:
            worker.metrics_port = metrics_port
        if worker.processes < 1:
            raise ConfigurationError(f"there must be one process at least, not {worker.processes}")
        worker.check_ports()
        return _run(worker, target, log_format)
    except BpmnClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def load(target: str) -> Worker:
    """The worker of `MODULE:ATTR`. Raises ConfigurationError."""
    module, _, name = target.partition(":")
    if not name or not all(module.split(".")) or {"/", "\\"} & set(module) or module.endswith(".py"):
        raise ConfigurationError(f"a worker is named by its module, such as shop.worker:worker, but not {target}")
    if "" not in sys.path and os.getcwd() not in sys.path:
        # As `python -m` has it; a command does not.
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"there is no module {error.name} here, in {os.getcwd()}") from error
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ConfigurationError(f"module {module} has no {name}") from None
    if not isinstance(found, Worker):
        raise ConfigurationError(f"{target} is no Worker, but of type {type(found).__name__}")
    return found


def run_worker(worker: Worker) -> int:
    """Runs until it is told to stop; the exit code."""
    try:
        return _run(worker, _target(worker) if worker.processes > 1 else "", None)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _target(worker: Worker) -> str:
    """How other processes find this worker, which is one of the main module."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        for name, value in vars(main).items():
            if value is worker:
                return f"{spec.name}:{name}"
    raise ConfigurationError(
        "several processes need to find the worker: keep it in a variable of a module, and start it as "
        "python -m shop.worker, or as py-bpmn worker shop.worker:worker"
    )


@contextmanager
def _signals(told: queue.SimpleQueue[int]) -> Iterator[None]:
    """SIGTERM and SIGINT are told there, where this is the main thread."""

    def tell(number: int, _: FrameType | None) -> None:
        told.put(number)

    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            before[number] = signal.signal(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(worker: Worker, target: str, log_format: str | None) -> int:
    if worker.processes > 1:
        family = Family(worker, target, log_format)
        with _signals(family.told):
            return family.run()
    with _signals(worker.told):
        return _run_here(worker)


def _run_here(worker: Worker) -> int:
    outcome: list[int] = []

    def begin() -> None:
        try:
            worker.start()
        except BaseException as error:
            if not isinstance(error, BpmnClientError):
                logger.exception("the worker can't start")
            print(f"error: {error}", file=sys.stderr)
            outcome.append(1)
            worker.told.put(0)

    def end() -> None:
        outcome.append(0 if worker.stop() else 1)
        worker.told.put(0)

    _thread(begin, "bpmn-start")
    _next(worker.told)
    if outcome:
        return outcome[0]
    running = worker._running
    ending = _thread(end, "bpmn-stop")
    if _next(worker.told) and running is not None:
        running.interrupt()
    ending.join()
    return outcome[0]


def _next(told: queue.SimpleQueue[int]) -> int:
    """What is told. The system may have any thread take a signal, and this one notices it only when it wakes."""
    while True:
        with suppress(queue.Empty):
            return told.get(timeout=LOOK_SECONDS)


def _thread(do: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=do, name=name, daemon=True)
    thread.start()
    return thread


@dataclass(slots=True)
class Child:
    number: int
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default=0.0)
    """When it is to be started."""


class Family:
    """Several processes, each a worker of its own; those that die are started again."""

    def __init__(self, worker: Worker, target: str, log_format: str | None) -> None:
        self._worker = worker
        self._target = target
        self._log_format = log_format
        self._children = [Child(number) for number in range(worker.processes)]
        self.told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(self) -> int:
        while True:
            now = time.monotonic()
            for child in self._children:
                self._look_after(child, now)
            try:
                told = self.told.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                continue
            return self._stop(told)

    def _look_after(self, child: Child, now: float) -> None:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            is_steady = now - child.began > STEADY_SECONDS
            child.pause = FIRST_PAUSE if is_steady else min(child.pause * 2, LONGEST_PAUSE)
            child.due = now if is_steady else now + child.pause
            logger.warning("process %s of the worker has ended with %s, and is started again", child.process.pid, code)
            self._close(child)
        if child.process is None and now >= child.due:
            child.began = now
            child.process = self._spawn(child.number)

    def _spawn(self, number: int) -> subprocess.Popen[bytes]:
        port = self._worker.metrics_port
        options = {
            "target": self._target,
            "log_format": self._log_format,
            "metrics_port": port + number if port else port,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "py_bpmn.worker", CHILD, json.dumps(options)],
            # It ends when this process does, which closes the other end.
            stdin=subprocess.PIPE,
            # Signals of the terminal come through this process alone.
            start_new_session=True,
        )

    def _stop(self, told: int) -> int:
        running = [child for child in self._children if child.process is not None]
        self._send(running, told or signal.SIGTERM)
        until = time.monotonic() + self._worker.grace + PATIENCE
        while any(child.process is not None and child.process.poll() is None for child in running):
            try:
                self._send(running, self.told.get(timeout=LOOK_SECONDS))
            except queue.Empty:
                if time.monotonic() > until:
                    self._send(running, signal.SIGKILL)
        codes = [child.process.returncode for child in running if child.process is not None]
        for child in running:
            self._close(child)
        return int(any(codes))

    def _send(self, children: list[Child], number: int) -> None:
        for child in children:
            if child.process is not None:
                child.process.send_signal(number)

    def _close(self, child: Child) -> None:
        if child.process is not None and child.process.stdin is not None:
            child.process.stdin.close()
        child.process = None


def child(options: str) -> int:
    """One of several processes; it ends as by SIGTERM when the one that has started it is gone."""
    given = json.loads(options)

    def watch() -> None:
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    _thread(watch, "bpmn-parent")
    return main(given["target"], 1, given["metrics_port"], given["log_format"])
