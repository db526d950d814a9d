"""A worker as a program: signals, exit codes, and several processes where one is not enough."""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
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
from py_bpmn.worker.worker import Worker

CHILD = "--child"
STEADY_SECONDS = 10.0
"""A process that has run so long is started again at once when it dies."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
LOOK_SECONDS = 0.2
PATIENCE = 5.0
"""Seconds for a process to end beyond its grace."""
_loading: list[str] = []
"""Modules that are being imported for their worker."""


def main(
    target: str, processes: int | None = None, metrics_port: int | None = None, log_format: str | None = None
) -> int:
    """Runs the worker that `MODULE:ATTR` names, and returns the exit code."""
    return _main(target, processes, metrics_port, log_format, lambda: None)


def _main(
    target: str,
    processes: int | None,
    metrics_port: int | None,
    log_format: str | None,
    has_started: Callable[[], object],
) -> int:
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
        return _run(worker, target, log_format, has_started)
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
    _loading.append(module)
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(f"there is no module {error.name} here, in {os.getcwd()}") from error
    finally:
        _loading.pop()
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
    if _loading:
        advice = 'put worker.run() below if __name__ == "__main__":'
        raise ConfigurationError(f"module {_loading[-1]} runs its worker while it is imported: {advice}")
    configure_logging("text")
    try:
        return _run(worker, _target(worker) if worker.processes > 1 else "", None, lambda: None)
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


_before: dict[signal.Signals, Any] = {}
"""How signals were handled before the worker has begun to."""
_forking = threading.local()


def _hold_signals() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, tuple(_before)) if _before else None


def _let_signals_go() -> None:
    if _forking.mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _handle_as_before() -> None:
    """Handlers may fork, and nobody in the copy looks at what the worker is told; one sent meanwhile comes then."""
    for number, handler in _before.items():
        signal.signal(number, handler)
    _before.clear()
    _let_signals_go()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_go, after_in_child=_handle_as_before)


@contextmanager
def _signals(told: queue.SimpleQueue[int]) -> Iterator[None]:
    """SIGTERM and SIGINT are told there, where this is the main thread."""

    def tell(number: int, _: FrameType | None) -> None:
        told.put(number)

    is_main = threading.current_thread() is threading.main_thread()
    before: dict[signal.Signals, Any] = {}
    for number in (signal.SIGTERM, signal.SIGINT) if is_main else ():
        # None is one that was not set from Python, and can't be set from here.
        before[number] = signal.getsignal(number) or signal.SIG_DFL
    _before.update(before)
    for number in before:
        signal.signal(number, tell)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
            _before.pop(number, None)


def _run(worker: Worker, target: str, log_format: str | None, has_started: Callable[[], object]) -> int:
    if worker.processes > 1:
        family = Family(worker, target, log_format)
        with _signals(family.told):
            return family.run()
    with _signals(worker.told):
        return _run_here(worker, has_started)


def _run_here(worker: Worker, has_started: Callable[[], object]) -> int:
    outcome: list[int] = []

    def begin() -> None:
        try:
            worker.start()
            has_started()
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
    line: socket.socket | None = None
    """The process says there that it has started, and ends when the other end is closed."""
    is_at_work: bool = False
    has_been_at_work: bool = False
    """This process or one before."""
    began: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = field(default=0.0)
    """When it is to be started."""

    def listen(self) -> None:
        """Learns whether it has started."""
        if self.line is not None and not self.is_at_work:
            with suppress(OSError):
                self.is_at_work = self.line.recv(1) != b""
            self.has_been_at_work |= self.is_at_work

    def forget(self) -> None:
        if self.line is not None:
            self.line.close()
        self.process = self.line = None
        self.is_at_work = False


class Family:
    """Several processes, each a worker of its own; those that die are started again.

    The first one starts alone: a mistake is told once, and a file deployed once.
    """

    def __init__(self, worker: Worker, target: str, log_format: str | None) -> None:
        self._worker = worker
        self._target = target
        self._log_format = log_format
        self._children = [Child(number) for number in range(worker.processes)]
        self.told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(self) -> int:
        while all(self._look_after(child, time.monotonic()) for child in self._children):
            with suppress(queue.Empty):
                self.told.get(timeout=LOOK_SECONDS)
                return self._stop()
        self._stop()
        return 1

    def _look_after(self, child: Child, now: float) -> bool:
        """False if it can't start, and has said why."""
        if child.process is not None:
            code = child.process.poll()
            child.listen()
            if code is None:
                return True
            if code > 0 and not child.is_at_work and not self._is_passing(child):
                return False
            is_steady = now - child.began > STEADY_SECONDS
            child.pause = FIRST_PAUSE if is_steady else min(child.pause * 2, LONGEST_PAUSE)
            child.due = now if is_steady else now + child.pause
            logger.warning("process %s of the worker has ended with %s, and is started again", child.process.pid, code)
            child.forget()
        if child.process is None and now >= child.due and (child.number == 0 or self._children[0].has_been_at_work):
            child.began = now
            self._spawn(child)
        return True

    def _is_passing(self, child: Child) -> bool:
        """Whether what keeps it from starting is likely to pass: it could start before, and others are at work."""
        return child.has_been_at_work and any(other.is_at_work for other in self._children)

    def _spawn(self, child: Child) -> None:
        port = self._worker.metrics_port
        options = {
            "target": self._target,
            "log_format": self._log_format,
            "metrics_port": port + child.number if port else port,
        }
        child.line, other_end = socket.socketpair()
        with other_end:
            child.line.setblocking(False)
            child.process = subprocess.Popen(
                [sys.executable, "-m", "py_bpmn.worker", CHILD, json.dumps(options)],
                stdin=other_end.fileno(),
                # Signals of the terminal come through this process alone.
                start_new_session=True,
            )

    def _stop(self) -> int:
        running = [(child, child.process) for child in self._children if child.process is not None]
        self._send(signal.SIGTERM)
        until = time.monotonic() + self._worker.grace + PATIENCE
        while any(process.poll() is None for _, process in running):
            try:
                self.told.get(timeout=LOOK_SECONDS)
                self._send(signal.SIGTERM)
            except queue.Empty:
                if time.monotonic() > until:
                    self._send(signal.SIGKILL)
        failed = False
        for child, process in running:
            child.listen()
            # One that was still starting had nothing to end.
            failed |= process.returncode > 0 or (process.returncode < 0 and child.is_at_work)
            child.forget()
        return int(failed)

    def _send(self, number: int) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.send_signal(number)


def child(options: str) -> int:
    """One of several processes; it ends as by SIGTERM when the one that has started it is gone."""
    given = json.loads(options)
    line = _line()

    def watch() -> None:
        with suppress(OSError):
            line.recv(1)
        os.kill(os.getpid(), signal.SIGTERM)

    def say() -> None:
        with suppress(OSError):
            line.send(b"\n")

    _thread(watch, "bpmn-parent")
    return _main(given["target"], 1, given["metrics_port"], given["log_format"], say)


def _line() -> socket.socket:
    """To the process that has started this one. What handlers start would wait for it, were it the standard input."""
    line = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return line
