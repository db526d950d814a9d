"""What clients have asked for and what they were told: written before a request is sent, and after its answer."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.processes import PASSWORD, USERNAME, Served

AUTHORIZATION = "Basic " + b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
TIMEOUT = 15.0
"""Seconds after which a client gives up waiting for an answer."""


@dataclass(eq=False)
class Entry:
    """One request; `id` is in what it writes, so that it is found there."""

    id: str
    kind: str
    subject: str
    """What it is about, such as the tag of an instance or the key of a job."""
    status: int = 0
    """0 without an answer: nobody knows whether it took effect."""
    answer: Any = None

    @property
    def done(self) -> bool:
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500


class Journal:
    """All entries of a run, in memory and in a file."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._file = path.open("w", encoding="utf-8")

    def begin(self, kind: str, subject: str) -> Entry:
        with self._lock:
            entry = Entry(f"r{next(self._numbers)}", kind, subject)
            self.entries.append(entry)
            self._write("asks", entry.id, kind, subject)
        return entry

    def end(self, entry: Entry, status: int, answer: Any) -> None:
        with self._lock:
            entry.status, entry.answer = status, answer
            self._write("told", entry.id, status, answer if status >= 400 else "")

    def _write(self, *fields: Any) -> None:
        self._file.write(json.dumps(fields, default=str) + "\n")
        self._file.flush()

    def of(self, *kinds: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind in kinds]

    def close(self) -> None:
        self._file.close()


class NoAnswer(Exception):
    """The service was not there, or could not say whether it did what it was asked for."""


class Client:
    """One client; goes to another service when one does not answer."""

    def __init__(self, journal: Journal, services: Sequence[Served], name: str, turn: int) -> None:
        self.name = name
        self.journal = journal
        self._services = services
        self._turn = turn
        self._connection: http.client.HTTPConnection | None = None
        self._port = 0

    def ask(self, kind: str, subject: str, method: str, path: str, body: dict[str, Any], author: str = "") -> Entry:
        """The entry with the answer; raises NoAnswer.

        `author` is where the id of the request goes: a field of the body, or `variable` and the name of one.
        """
        entry = self.journal.begin(kind, subject)
        field, _, variable = author.partition(" ")
        if variable:
            value = {"encoding": "text", "value": entry.id}
            body = {**body, "processVariables": [{"name": variable, "data": value}]}
        elif field:
            body = {**body, field: entry.id}
        status, answer = self._send(method, path, body)
        # Unavailable: it may have taken effect or not, like anything that breaks in the middle.
        self.journal.end(entry, 0 if status in (0, 503) else status, answer)
        if entry.status == 0 or entry.status >= 500:
            raise NoAnswer(kind)
        return entry

    def _send(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        service = self._services[self._turn % len(self._services)]
        try:
            if self._connection is None or self._port != service.port:
                self.close()
                self._port = service.port
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT)
            headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json"}
            self._connection.request(method, path, json.dumps(body), headers)
            response = self._connection.getresponse()
            raw = response.read()
            if response.status >= 500:
                self._turn += 1
            return response.status, json.loads(raw) if raw else None
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            self._turn += 1
            return 0, None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
