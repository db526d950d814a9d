"""A proxy in front of PostgreSQL that counts what is said on the wire, and that fails in the ways of networks.

It speaks enough of the protocol (version 3) to tell statements from round trips, whatever the driver calls them.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote

import psycopg

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
ASKS_FOR_ANSWER = frozenset(b"QSHFcfp")
"""Query, Sync, Flush, function call, copy done, copy failed, password: only after these a client may wait."""
QUIET = 0.025
"""Seconds without another message that tell that the client waits; in a pipeline, a Sync may be sent without."""


@dataclass(slots=True)
class Count:
    """What was sent while it was counted."""

    texts: list[str] = field(default_factory=list)
    """The statements, but for those in `transactions`, in the order they were executed."""
    transactions: list[str] = field(default_factory=list)
    """BEGIN, COMMIT, ROLLBACK."""
    round_trips: int = 0
    """How often a client had to wait for the server."""

    @property
    def statements(self) -> int:
        return len(self.texts)


@dataclass(slots=True)
class Loss:
    """A connection that is to be lost: the next one that carries a statement with `word` in it."""

    word: str
    arrives: bool
    """Whether the statement reaches the server, so that only the answer is lost."""
    happened: threading.Event = field(default_factory=threading.Event)


class Wire:
    """The proxy; clients connect to `url`, and are passed on to the server of the given URL."""

    def __init__(self, url: str) -> None:
        info = psycopg.conninfo.conninfo_to_dict(url.replace("postgresql+psycopg://", "postgresql://", 1))
        self._upstream = (str(info.get("host") or "localhost"), int(info.get("port") or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._counts: list[Count] = []
        self._passing = threading.Event()
        self._passing.set()
        self.losses: list[Loss] = []
        """Those that have not happened yet."""
        self.url = self._url(info)
        threading.Thread(target=self._accept, daemon=True).start()

    def _url(self, info: dict[str, object]) -> str:
        user, password = (quote(str(info.get(name) or ""), safe="") for name in ("user", "password"))
        credentials = f"{user}:{password}@" if password else f"{user}@"
        options = f"&options={quote(str(info['options']))}" if info.get("options") else ""
        port = self._listener.getsockname()[1]
        return f"postgresql+psycopg://{credentials}127.0.0.1:{port}/{info.get('dbname')}?sslmode=disable{options}"

    @contextmanager
    def counting(self) -> Iterator[Count]:
        """Counts everything that is sent in the block, over all connections."""
        count = Count()
        with self._lock:
            self._counts.append(count)
        try:
            yield count
        finally:
            with self._lock:
                self._counts.remove(count)

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Nothing passes in the block, and nobody is told: as if a cable was cut."""
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens in the block, and all connections end."""
        port = self._listener.getsockname()[1]
        self.close()
        try:
            yield
        finally:
            self._listener = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=self._accept, daemon=True).start()

    def loses(self, word: str, *, arrives: bool) -> Loss:
        """Has the next connection that carries a statement with `word` in it end, before or after it has an effect."""
        loss = Loss(word, arrives)
        with self._lock:
            self.losses.append(loss)
        return loss

    def find_loss(self, texts: list[str]) -> Loss | None:
        with self._lock:
            found = next((loss for loss in self.losses if any(loss.word in text for text in texts)), None)
            if found:
                self.losses.remove(found)
            return found

    def wait_to_pass(self) -> None:
        self._passing.wait()

    def close(self) -> None:
        """Ends all connections."""
        self._passing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    @property
    def is_counting(self) -> bool:
        return bool(self._counts)

    def executed(self, text: str) -> None:
        words = text.upper().rstrip(" ;").split()
        control = words[:1] in (["BEGIN"], ["COMMIT"], ["ROLLBACK"]) and words[1:2] != ["TO"]
        with self._lock:
            for count in self._counts:
                (count.transactions if control else count.texts).append(text)

    def waited(self) -> None:
        with self._lock:
            for count in self._counts:
                count.round_trips += 1

    def _accept(self) -> None:
        listener = self._listener
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.wait_to_pass()
            server = self._connect()
            with self._lock:
                self._sockets += [client, server]
            session = _Session(self, client, server)
            threading.Thread(target=session.pass_requests, daemon=True).start()
            threading.Thread(target=session.pass_answers, daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._upstream
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
        return server


class _Session:
    """One connection. What the client sends is held back until it waits for an answer: that is one round trip."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self._wire = wire
        self._client = client
        self._server = server
        self._prepared: dict[bytes, str] = {}
        self._portals: dict[bytes, str] = {}
        self._loss: Loss | None = None

    def pass_answers(self) -> None:
        with suppress(OSError):
            while data := self._server.recv(65536):
                self._wire.wait_to_pass()
                if self._loss:
                    self._loss.happened.set()
                    break
                self._client.sendall(data)
        self._end()

    def pass_requests(self) -> None:
        with suppress(OSError):
            received = self._greet()
            while data := self._client.recv(65536):
                self._wire.wait_to_pass()
                received += data
                complete, asks = self._read(received)
                if asks and self._wire.is_counting and select.select([self._client], [], [], QUIET)[0]:
                    continue
                if asks or received[:1] in (b"X", b"d"):
                    self._forward(received[:complete], asks)
                    received = received[complete:]
        self._end()

    def _end(self) -> None:
        for each in (self._client, self._server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _greet(self) -> bytes:
        """Passes the first message on, the only one without a type; answers whatever was received after it."""
        received = b""
        while True:
            while len(received) < 8 or len(received) < struct.unpack("!I", received[:4])[0]:
                data = self._client.recv(65536)
                if not data:
                    raise ConnectionResetError
                received += data
            length, code = struct.unpack("!II", received[:8])
            if code not in (SSL_REQUEST, GSS_REQUEST):
                self._server.sendall(received[:length])
                return received[length:]
            self._client.sendall(b"N")
            received = received[length:]

    def _forward(self, messages: bytes, asks: bool) -> None:
        position, texts = 0, []
        while position < len(messages):
            end = position + 1 + struct.unpack("!I", messages[position + 1 : position + 5])[0]
            text = self._text(messages[position : position + 1], messages[position + 5 : end])
            if text is not None:
                self._wire.executed(text)
                texts.append(text)
            position = end
        if asks:
            self._wire.waited()
        loss = self._wire.find_loss(texts)
        if loss and not loss.arrives:
            loss.happened.set()
            raise ConnectionResetError
        self._loss = self._loss or loss
        self._server.sendall(messages)

    def _read(self, received: bytes) -> tuple[int, bool]:
        """The length of the complete messages, and whether one of them asks for an answer."""
        position, asks = 0, False
        while len(received) >= position + 5:
            end = position + 1 + struct.unpack("!I", received[position + 1 : position + 5])[0]
            if end > len(received):
                break
            asks = asks or received[position] in ASKS_FOR_ANSWER
            position = end
        return position, asks

    def _text(self, kind: bytes, body: bytes) -> str | None:
        """The statement that a message executes, if it does."""
        if kind == b"Q":
            return body.rstrip(b"\0").decode()
        if kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self._prepared[name] = text.decode()
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self._portals[portal] = self._prepared.get(name, "")
        elif kind == b"E":
            return self._portals.get(body.split(b"\0", 1)[0], "")
        return None
