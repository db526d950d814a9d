"""Wakes those who wait: by what this process commits, by what others tell, by the clock, and by a look now and then.

Processes on PostgreSQL tell each other by NOTIFY what they have committed, as long as somebody waits elsewhere: they
see that in the rows of the others, which each of them reads at every beat. Until all others have done so, and where
messages don't arrive, such as behind a pool of connections that shares them by transaction, whoever waits looks every
200 ms; so do processes that share a SQLite file.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import threading
import time
from collections.abc import Callable
from datetime import datetime

from app.engine.changes import Changes
from app.errors import is_unavailable
from app.news import News, NoNews, decode, encode, news_of
from app.nodes import BEAT_SECONDS, Nodes
from app.store import Ear, Store
from app.waiting import Waiting

logger = logging.getLogger(__name__)

LINGER_SECONDS = 10.0
"""How long a process is told of news after the last one has left who waited for some: the next one comes soon."""
LOOK_SECONDS = 1.0
BLIND_SECONDS = 0.2
"""How often to look where others may commit something without telling."""
PROBE_SECONDS = 10.0
"""How often a process tells itself something, to see whether messages arrive."""
ARRIVAL_SECONDS = 5.0
DUE_SECONDS = 0.02
"""The least pause between two looks for what has become due."""
TELL_SECONDS = 0.005
"""The least pause between two messages: what happens meanwhile is told at once."""
OUTAGE_SECONDS = 1.0
NEVER = float("inf")
LONG_AGO = -NEVER


class Waker:
    """One thread, which runs while somebody waits, here or in another process."""

    def __init__(self, waiting: Waiting, nodes: Nodes, store: Store, now: Callable[[], datetime]) -> None:
        """`now` is engine time."""
        self._waiting = waiting
        self._nodes = nodes
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = False
        self.listens = False
        """Whether it is to be told of what this process commits."""
        self._others_wait = False
        self._outgoing = News()
        self._due: datetime | None = None
        """When the next job becomes due, as far as is known; by engine time."""
        self._due_at = NEVER
        """The same in seconds of the monotonic clock, LONG_AGO until that was looked up."""
        self._wakes_at = NEVER
        self._bell: tuple[int, int] | None = None
        self._ear: Ear | None = None
        self._hears = True
        """Whether processes on this database can tell each other anything."""
        self._begin()
        waiting.on_enter = self._ensure
        waiting.on_sleep = self._not_later_than
        nodes.on_look = self._others_seen

    def _begin(self) -> None:
        self._look_at = self._probe_at = self._ear_at = self._tell_at = LONG_AGO
        self._probed_at = self._heard_at = LONG_AGO
        self._due, self._due_at = None, NEVER
        self._warned = False

    # Called by those who serve requests.

    def committed(self, changes: Changes, *, freed: bool = False) -> None:
        """To be called after a commit while it `listens`; `freed` tells that jobs were given back."""
        news = news_of(changes)
        news.anything |= freed
        if not news:
            return
        self._waiting.tell(news)
        with self._lock:
            rings = self._note_due(news.due)
            if self._others_wait:
                self._outgoing.add(news)
                rings = True
        if rings:
            self._ring()

    def _note_due(self, due: datetime | None) -> bool:
        """Whether it is sooner than what was known."""
        if due is None or (self._due is not None and self._due <= due):
            return False
        self._due, self._due_at = due, LONG_AGO
        return True

    def _ensure(self) -> None:
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None and not self._closing:
                self._begin()
                self._bell = os.pipe()
                for end in self._bell:
                    os.set_blocking(end, False)
                self.listens = True
                self._thread = threading.Thread(target=self._loop, name="waker", daemon=True)
                self._thread.start()

    def _not_later_than(self, until: float) -> None:
        if until < self._wakes_at:
            self._ring()

    def _ring(self) -> None:
        with self._lock:
            if self._bell is not None:
                # A full pipe rings as well.
                with contextlib.suppress(BlockingIOError):
                    os.write(self._bell[1], b".")

    def _others_seen(self) -> None:
        self._others_wait = any(each.waits_since for each in self._nodes.others)
        if self._others_wait:
            self._ensure()

    def close(self) -> None:
        """Ends the thread, and waits for it. Who waits afterwards has another one."""
        with self._lock:
            self._closing, thread = True, self._thread
        if thread is not None:
            self._ring()
            thread.join()
        with self._lock:
            self._closing = False

    # The thread.

    def _loop(self) -> None:
        try:
            while not self._is_over():
                try:
                    self._turn()
                except Exception as error:
                    # The service tells of outages itself.
                    if not is_unavailable(error):
                        logger.exception("those who wait could not be looked after")
                    self._sit_out()
        finally:
            self._drop_ear()

    def _is_over(self) -> bool:
        with self._lock:
            if not self._closing and (self._others_wait or self._is_wanted()):
                return False
            assert self._bell is not None
            for end in self._bell:
                os.close(end)
            self._bell = self._thread = None
            self.listens = False
            return True

    def _is_wanted(self) -> bool:
        return self._waiting.count > 0 or time.monotonic() - self._waiting.left_at < LINGER_SECONDS

    def _turn(self) -> None:
        self._rest()
        self._waiting.expire()
        self._listen()
        self._tell()
        self._look_for_due()
        if time.monotonic() >= self._look_at:
            # Whatever it leads to, it is not to be repeated at once.
            self._look_at = time.monotonic() + OUTAGE_SECONDS
            self._look()
            self._look_at = time.monotonic() + self._pause()

    def _sit_out(self) -> None:
        """Waits for the database to come back, and for nothing else but time."""
        until = time.monotonic() + OUTAGE_SECONDS
        while time.monotonic() < until and not self._closing:
            time.sleep(DUE_SECONDS)
            self._waiting.expire()

    def _rest(self) -> None:
        """Waits until there is something to do."""
        # Whoever falls asleep from here on rings, whatever comes out of this.
        self._wakes_at = NEVER
        at = min(self._look_at, self._waiting.next_end(), self._due_at)
        with self._lock:
            if self._outgoing:
                at = min(at, self._tell_at)
            bell = self._bell
        assert bell is not None
        self._wakes_at = at
        poll = select.poll()
        poll.register(bell[0], select.POLLIN)
        if self._ear is not None:
            poll.register(self._ear.fileno(), select.POLLIN)
        poll.poll(max(0.0, at - time.monotonic()) * 1000)
        with contextlib.suppress(BlockingIOError):
            os.read(bell[0], 4096)

    def _pause(self) -> float:
        if not self._waiting.count:
            return BEAT_SECONDS
        return LOOK_SECONDS if self._is_told else BLIND_SECONDS

    @property
    def _is_told(self) -> bool:
        """Whether nothing happens elsewhere without a word."""
        if not self._hears:
            return not self._nodes.others
        own = self._nodes.waits_since
        has_heard = self._ear is not None and time.monotonic() - self._heard_at < PROBE_SECONDS + ARRIVAL_SECONDS
        return has_heard and own is not None and all(each.last_seen >= own for each in self._nodes.others)

    def _look(self) -> None:
        self._nodes.look()
        if not self._waiting.count:
            return
        self._waiting.look()
        awaited = self._waiting.awaited()
        if awaited:
            outstanding = self._store.outstanding(awaited)
            self._waiting.tell(News(happened={each for each in awaited if each not in outstanding}))
        if self._waiting.wants_jobs:
            self._learn_due()

    def _learn_due(self) -> None:
        with self._lock:
            self._due, self._due_at = None, NEVER
        found = self._store.next_job(self._now())
        with self._lock:
            self._note_due(found)

    def _look_for_due(self) -> None:
        """Looks when the next job becomes due, which is known in engine time."""
        with self._lock:
            due, at = self._due, self._due_at
        if due is None:
            return
        if at == LONG_AGO:
            seconds = (due - self._now()).total_seconds()
            with self._lock:
                if self._due == due:
                    self._due_at = at = time.monotonic() + max(seconds, DUE_SECONDS if seconds > 0 else 0.0)
        if time.monotonic() >= at:
            self._waiting.look()
            self._learn_due()

    # What processes tell each other.

    def _tell(self) -> None:
        with self._lock:
            if not self._outgoing or time.monotonic() < self._tell_at:
                return
            news, self._outgoing = self._outgoing, News()
            self._tell_at = time.monotonic() + TELL_SECONDS
        if self._others_wait:
            self._store.tell(encode(news, self._nodes.id))

    def _listen(self) -> None:
        """Has an ear as long as somebody waits here, and hears what has come."""
        if not self._hears:
            return
        if not self._is_wanted():
            if self._ear is not None:
                self._drop_ear()
                self._nodes.beat(waits=False)
            return
        now = time.monotonic()
        if self._ear is None and now >= self._ear_at:
            self._ear_at = now + OUTAGE_SECONDS
            self._ear = self._store.open_ear()
            self._hears = self._ear is not None
            if not self._hears:
                return
            self._probe_at = LONG_AGO
            self._nodes.beat(waits=True)
            # What was committed before is not told.
            self._look_at = LONG_AGO
        if self._ear is not None:
            self._hear(self._ear)
            self._probe()

    def _hear(self, ear: Ear) -> None:
        messages = ear.read()
        if messages is None:
            self._drop_ear()
            return
        heard = News()
        for message in messages:
            try:
                sender, news = decode(message)
            except NoNews:
                # Of another version: there is something.
                sender, news = 0, News(anything=True)
            if sender == self._nodes.id:
                self._heard_at = time.monotonic()
                continue
            heard.add(news)
            if not news and not any(each.id == sender and each.waits_since for each in self._nodes.others):
                # Somebody has begun to wait, and is to know that it is told from now on.
                self._nodes.beat()
        if heard:
            self._waiting.tell(heard)
            with self._lock:
                self._note_due(heard.due)

    def _probe(self) -> None:
        """Tells itself and the others that it waits; where that is not heard, nothing will be."""
        now = time.monotonic()
        if now >= self._probe_at:
            self._probe_at, self._probed_at = now + PROBE_SECONDS, now
            self._store.tell(encode(News(), self._nodes.id))
        if self._heard_at < self._probed_at and now - self._probed_at > ARRIVAL_SECONDS and not self._warned:
            self._warned = True
            logger.info(
                "NOTIFY of PostgreSQL does not arrive, perhaps because of a pool of connections in between: "
                "those who wait look every %.1f s",
                BLIND_SECONDS,
            )

    def _drop_ear(self) -> None:
        ear, self._ear = self._ear, None
        self._heard_at = LONG_AGO
        if ear is not None:
            ear.close()
