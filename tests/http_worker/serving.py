"""The service as a process of its own, and clients that speak to it through bare sockets."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.databases import plain

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 30.0
SERVE = ("-m", "app.cli", "serve")
OURS = ("--worker-class", "app.http_worker.Worker", "--logger-class", "app.http_worker.Logger")
HOST = b"Host: 127.0.0.1\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    version: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        assert self.headers["content-type"] == "application/problem+json", self
        found: dict[str, Any] = json.loads(self.body)
        assert set(found) == {"status", "type", "title", "detail"}, found
        assert found["status"] == self.status
        return found

    @property
    def is_last(self) -> bool:
        return self.headers["connection"] == "close"


class Client:
    """One connection. Answers are taken out of it one by one."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.received = b""
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.close()
            raise

    def send(self, data: bytes) -> Client:
        self.socket.sendall(data)
        return self

    def send_get(self, path: str, *headers: str, version: str = "1.1", method: str = "GET") -> Client:
        lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", *headers]
        return self.send("\r\n".join([*lines, "", ""]).encode())

    def send_post(self, path: str, body: bytes = b"{}", *headers: str) -> Client:
        lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}", *headers]
        return self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer, whose body has a length that is told."""
        while b"\r\n\r\n" not in self.received:
            self._more()
        head, _, self.received = self.received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status, _ = first.split(" ", 2)
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if to_head or status.startswith("1") else int(headers.get("content-length", "0"))
        while len(self.received) < length:
            self._more()
        body, self.received = self.received[:length], self.received[length:]
        return Answer(version, int(status), headers, body)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError(f"the service has closed the connection after {self.received!r}")
        self.received += data

    @property
    def is_silent(self) -> bool:
        """Whether the service has neither said anything nor closed the connection."""
        return not select.select([self.socket], [], [], 0)[0]

    def ends(self) -> bool:
        """Whether the service closes the connection without a further word."""
        with suppress(ConnectionResetError):
            return not self.received and self.socket.recv(1) == b""
        return True

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Served:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    def connect(self, receive_buffer: int = 0) -> Client:
        return Client(self.port, receive_buffer)

    def get(self, path: str) -> Answer:
        with self.connect() as client:
            return client.send_get(path).answer()

    def post(self, path: str, body: bytes = b"{}") -> Answer:
        with self.connect() as client:
            return client.send_post(path, body).answer()

    @property
    def log(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines()

    @property
    def workers(self) -> set[int]:
        """The ids of the worker processes."""
        children = set()
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(path.read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    children.add(int(path.parent.name))
        return children

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)

    def until_status(self, path: str, status: int) -> Answer:
        """Asks until the answer has that status."""
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError):
                answer = self.get(path)
                if answer.status == status:
                    return answer
            assert self.process.poll() is None, "\n".join(["the service has ended", *self.log])
            assert time.monotonic() < deadline, "\n".join([f"no {status} from {path}", *self.log])
            time.sleep(0.05)


def gunicorn(module: str, *options: str, worker: Sequence[str] = OURS) -> tuple[str, ...]:
    """The program that serves `module` by gunicorn's own command line."""
    bound = ("--bind", "127.0.0.1:{port}", "--threads", "2", "--no-control-socket")
    return ("-m", "gunicorn", *bound, *worker, *options, module)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def environment(url: str, port: int, **options: str) -> dict[str, str]:
    others = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_", "GO_BPMN_"))}
    return {
        **others,
        "PYTHONPATH": str(ROOT),
        "BPMN_DATABASE_URL": url,
        "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
        "BPMN_HTTP_WORKERS": "1",
        "BPMN_HTTP_THREADS": "2",
        "BPMN_AUTH_MODE": "none",
        "BPMN_TASK_EXECUTOR_ENABLED": "false",
        "BPMN_SHUTDOWN_DELAY": "0",
        **options,
    }


@contextmanager
def serving(
    url: str, folder: Path, *, program: Sequence[str] = SERVE, ready: bool = True, **options: str
) -> Iterator[Served]:
    """The service as a process, by default one that is ready; `{port}` in its arguments is the port."""
    port = free_port()
    log = folder / f"{port}.log"
    command = [sys.executable, *(each.format(port=port) for each in program)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env=environment(url, port, **options), cwd=folder, stdin=subprocess.DEVNULL, stderr=file
        )
    served = Served(process, port, log)
    try:
        if ready:
            served.until_status("/readiness", 200)
        yield served
    finally:
        for worker in served.workers:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait()


class Relay:
    """The way to a PostgreSQL server, which can be cut and mended."""

    def __init__(self, url: str) -> None:
        info = psycopg.conninfo.conninfo_to_dict(plain(url))
        self._host, self._port = str(info.get("host") or "localhost"), int(info.get("port") or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self._sockets: list[socket.socket] = []
        options = f"?options={quote(str(info['options']))}" if info.get("options") else ""
        credentials = quote(str(info.get("user"))) + (
            f":{quote(str(info['password']))}" if info.get("password") else ""
        )
        self.url = f"postgresql://{credentials}@127.0.0.1:{self._address[1]}/{info['dbname']}{options}"
        self.mend()

    def mend(self) -> None:
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(self._address)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Ends all connections, and refuses new ones."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        while self._sockets:
            _end(self._sockets.pop())

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = self._connect()
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    _end(target)


def _end(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def is_request_id(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{32}", text) is not None
