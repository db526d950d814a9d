"""PostgreSQL: prepared statements that travel together, through libpq.

Connections, types of results and errors are psycopg's. Its cursors do more than is needed for what is executed
thousands of times a second: here a statement is a text with numbered parameters, which are texts themselves.
"""

from __future__ import annotations

import re
import select
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.adapt import Transformer

from app.store.dialect import Row, Values

PREPARED = 500
"""Statements that a connection keeps prepared: more than are hot, for the tables of some days."""
LOOK_SECONDS = 1.0
"""How often somebody who waits looks at the time."""
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


class NoAnswer(psycopg.OperationalError):
    """The server has not said anything for longer than a statement may take."""


class Statement:
    """A text with named parameters, as SQLAlchemy compiles it for psycopg; `defaults` are those that are not given."""

    __slots__ = ("_defaults", "_names", "text")

    def __init__(self, text: str, defaults: Mapping[str, Any]) -> None:
        places: dict[str, int] = {}

        def numbered(match: re.Match[str]) -> str:
            return f"${places.setdefault(match[1], len(places) + 1)}" if match[1] else "%"

        self.text = _PARAMETER.sub(numbered, text).encode()
        self._names = tuple(places)
        self._defaults = dict(defaults)

    def bind(self, given: Values) -> list[bytes | None]:
        """The parameters in their order. Raises DataError for a text with a zero character."""
        defaults = self._defaults
        return [_dumped(given[name] if name in given else defaults[name]) for name in self._names]


BEGIN, COMMIT, ROLLBACK = (Statement(text, {}) for text in ("BEGIN", "COMMIT", "ROLLBACK"))
Request = tuple[Statement, Values]


class Pipeline:
    """What one connection has prepared."""

    def __init__(self, connection: psycopg.Connection[Any], limit: float | None, *, prepares: bool = True) -> None:
        """A connection that does not answer for `limit` seconds is closed; None waits for ever.

        Without `prepares` no statement outlives its pipeline: the next one may reach another session of the server.
        """
        self._prepares = prepares
        self._connection = connection
        self._limit = limit
        # It keeps what it has found out about types.
        self._transformer = Transformer(connection)
        self._prepared: OrderedDict[bytes, bytes] = OrderedDict()
        self._number = 0

    def run(self, requests: Sequence[Request]) -> list[list[Row]]:
        """The rows of each request, in one round trip; the first one that fails ends it and is raised.

        What was committed is never told as an error: a connection that ends right after that is lost, and that is all.
        """
        pgconn = self._connection.pgconn
        values = [statement.bind(given) for statement, given in requests]
        pgconn.enter_pipeline_mode()
        sent = 0
        # First of all: if one of them fails, nothing else has taken effect.
        while len(self._prepared) > PREPARED:
            _, name = self._prepared.popitem(last=False)
            pgconn.send_query_params(b"DEALLOCATE " + name, None)
            sent += 1
        new: dict[bytes, tuple[bytes, int]] = {}
        wanted: list[int] = []
        for (statement, _), given in zip(requests, values, strict=True):
            if not self._prepares:
                pgconn.send_query_params(statement.text, given)
                wanted.append(sent)
                sent += 1
                continue
            name = self._known(statement.text) or new.get(statement.text, (b"", 0))[0]
            if not name:
                self._number += 1
                name = b"bpmn_%d" % self._number
                new[statement.text] = name, sent
                pgconn.send_prepare(name, statement.text)
                sent += 1
            pgconn.send_query_prepared(name, given)
            wanted.append(sent)
            sent += 1
        pgconn.pipeline_sync()
        results: list[pq.abc.PGresult] = []
        try:
            self._receive(pgconn, results)
        finally:
            # The server keeps them also where what follows has failed.
            for text, (name, place) in new.items():
                if place < len(results) and results[place].status == pq.ExecStatus.COMMAND_OK:
                    self._prepared[text] = name
        return [self._rows(results[place]) for place in wanted]

    def _known(self, text: bytes) -> bytes | None:
        name = self._prepared.get(text)
        if name is not None:
            self._prepared.move_to_end(text)
        return name

    def _receive(self, pgconn: pq.abc.PGconn, results: list[pq.abc.PGresult]) -> None:
        """Adds the results of everything that was sent. Raises the first error among them."""
        error: psycopg.Error | None = None
        until = None if self._limit is None else time.monotonic() + self._limit
        poll = select.poll()
        poll.register(pgconn.socket, select.POLLIN)
        try:
            while pgconn.flush():
                # What the server answers meanwhile must be taken, or it would stop to listen.
                poll.modify(pgconn.socket, select.POLLIN | select.POLLOUT)
                self._wait(pgconn, poll, until)
            poll.modify(pgconn.socket, select.POLLIN)
            while True:
                while pgconn.is_busy():
                    self._wait(pgconn, poll, until)
                result = pgconn.get_result()
                if result is None:
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    break
                if result.status == pq.ExecStatus.FATAL_ERROR and error is None and not _has_committed(results):
                    error = _error(pgconn, result)
                results.append(result)
        except psycopg.OperationalError as lost:
            if error is None and _has_committed(results):
                return
            # A server that closes the connection may have told why.
            raise error or lost from None
        pgconn.exit_pipeline_mode()
        if error is not None:
            raise error

    def _wait(self, pgconn: pq.abc.PGconn, poll: select.poll, until: float | None) -> None:
        for _, events in poll.poll(LOOK_SECONDS * 1000):
            if events & ~select.POLLOUT:
                pgconn.consume_input()
            return
        if until is not None and time.monotonic() > until:
            pgconn.finish()
            raise NoAnswer(f"the server has not answered for {self._limit:.0f} s")

    def _rows(self, result: pq.abc.PGresult) -> list[Row]:
        if result.status != pq.ExecStatus.TUPLES_OK or not result.ntuples:
            return []
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)


def _has_committed(results: Sequence[pq.abc.PGresult]) -> bool:
    """Whether a transaction was committed, with which a pipeline ends; an error may follow that ends the connection."""
    return any(result.command_status == b"COMMIT" for result in results[-2:])


def _error(pgconn: pq.abc.PGconn, result: pq.abc.PGresult) -> psycopg.Error:
    if result.error_field(pq.DiagnosticField.SQLSTATE):
        return errors.error_from_result(result)
    # libpq itself has noticed it.
    return psycopg.OperationalError((result.error_message or pgconn.error_message).decode(errors="replace"))


def _text(value: str) -> bytes:
    data = value.encode()
    if b"\0" in data:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return data


def array(values: Sequence[Any]) -> str:
    """Numbers or texts as PostgreSQL writes an array."""
    quoted = (str(value).replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


@lru_cache(maxsize=64)
def _date(value: date) -> bytes:
    return value.isoformat().encode()


@lru_cache(maxsize=64)
def _timestamp(value: datetime) -> bytes:
    return value.isoformat(" ").encode()


_DUMP: Mapping[type[Any], Callable[[Any], bytes]] = {
    str: _text,
    int: lambda value: b"%d" % value,
    bool: lambda value: b"t" if value else b"f",
    date: _date,
    datetime: _timestamp,
    list: lambda value: _text(array(value)),
}


def _dumped(value: Any) -> bytes | None:
    if value is None:
        return None
    dump = _DUMP.get(type(value))
    # Enumerations of texts are texts.
    return dump(value) if dump else _text(value)
