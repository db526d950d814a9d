"""This service process and the others on the same database: each has a row there, which it renews.

The process is the one that beats, not the one that has loaded the service: worker processes fork with it.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from app.config import Config
from app.errors import is_unavailable
from app.store import Node, Store
from app.store.nodes import alive
from app.version import version

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
"""Much less than what a process is taken for dead after."""
PATIENCE_SECONDS = 1.0
"""How long a process that ends waits for the database to take its row away."""
REMEMBERED = timedelta(hours=1)
"""How long the row of a dead process is kept, for whoever looks for what is wrong."""


class Nodes:
    """Raises EngineError UNAVAILABLE where the database can't be asked."""

    def __init__(self, config: Config, store: Store, now: Callable[[], datetime]) -> None:
        """`now` is the time that all processes on the database agree on."""
        self._config = config
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._own: Node | None = None
        self._executor_seen: datetime | None = None
        self._waits_since: datetime | None = None
        self.others: tuple[Node, ...] = ()
        """The other processes that are alive, as they were seen at last."""
        self.on_look: Callable[[], object] = lambda: None
        """Told after each look at the others, in the thread that looks."""

    @property
    def id(self) -> int:
        """That of the own row, 0 without."""
        return self._own.id if self._own else 0

    @property
    def waits_since(self) -> datetime | None:
        """Since when the others can see that requests wait here."""
        return self._own.waits_since if self._own else None

    def find(self) -> list[Node]:
        """All that have a row, also those that have died within the hour, in the order in which they were started."""
        return self._store.find_nodes()

    def now(self) -> datetime:
        """The time by which rows are written."""
        return self._now()

    def note_executor(self) -> None:
        """The executor of this process looks for due tasks; others learn of it with the next beat."""
        self._executor_seen = self._now()

    def beat(self, *, waits: bool | None = None) -> Node:
        """Tells the others that this process lives, and learns about them; its own row.

        `waits` tells whether requests wait here, from now on or not any more; None leaves that as it is.
        """
        with self._lock:
            now = self._now()
            if waits is not None:
                self._waits_since = (self._waits_since or now) if waits else None
            own = self._own
            if own is None or own.pid != os.getpid():
                own = self._born(now)
            own = replace(own, last_seen=now, executor_seen=self._executor_seen, waits_since=self._waits_since)
            others = [each for each in self._store.find_nodes() if each.id != own.id]
            self._store.write_node(own, [each for each in others if each.last_seen < now - REMEMBERED])
            self._own = own
            self._see(others, now)
        self.on_look()
        return own

    def look(self) -> None:
        """Learns about the others, without telling them anything."""
        with self._lock:
            self._see([each for each in self._store.find_nodes() if each.id != self.id], self._now())
        self.on_look()

    def _see(self, others: Iterable[Node], now: datetime) -> None:
        self.others = tuple(alive(others, now))

    def _born(self, now: datetime) -> Node:
        return Node(
            id=secrets.randbits(63),
            engine_id=self._config.engine_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=version(),
            executor=self._config.task_executor_enabled,
            executor_seen=None,
            started_at=now,
            last_seen=now,
            waits_since=None,
        )

    def leave(self) -> None:
        """Takes the row away, if there is one and the database lets it go at once; others forget it later anyway."""
        leaving = threading.Thread(target=quietly, args=(self._leave,), name="leaving", daemon=True)
        leaving.start()
        leaving.join(PATIENCE_SECONDS)

    def _leave(self) -> None:
        with self._lock:
            own, self._own = self._own, None
            self._waits_since = None
            if own is not None and own.pid == os.getpid():
                self._store.delete_node(own.id)


class Heart:
    """The thread that beats.

    It is none of the executor's chores: a process without an executor has a row, too, and one whose executor has much
    to do is not dead.
    """

    def __init__(self, nodes: Nodes, seconds: float = BEAT_SECONDS) -> None:
        self._nodes = nodes
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="heart", daemon=True)

    def start(self) -> None:
        """Beats for the first time before it returns, so that others know of this process when it begins to serve."""
        quietly(self._nodes.beat)
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread; the row is left to whoever closes the service."""
        self._stopping.set()
        self._thread.join(PATIENCE_SECONDS)

    def _loop(self) -> None:
        while not self._stopping.wait(self._seconds):
            quietly(self._nodes.beat)


def quietly(do: Callable[[], object]) -> None:
    """Does what keeps the row of this process, and goes on where that fails."""
    try:
        do()
    except Exception as error:
        # The service tells of outages itself.
        if not is_unavailable(error):
            logger.exception("the row of this process could not be kept")
