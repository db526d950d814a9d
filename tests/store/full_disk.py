"""Fills the disk below a service on SQLite, frees it again, and prints what became of the requests, as JSON.

    python -m tests.store.full_disk FOLDER [--limit]

Run in a process of its own, since it mounts a small disk. Where that is not allowed, or with `--limit`, the size of the
files that it writes is limited instead.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from app.clock import ManualClock, SystemClock
from app.config import Config
from app.criteria import ProcessInstanceCriteria
from app.errors import EngineError
from app.service import Service, open_service
from app.store import migrate
from tests.conftest import application
from tests.store import play
from tests.store.database import value
from tests.store.together import failures, in_threads

DISK = 6 * 1024 * 1024
CLONE_NEWNS = 0x00020000
"""Mounts that are made from now on are seen by this process alone, and go with it."""
THREADS = 8
SPARE = 100_000
NOW = SystemClock().now()
LONG_AGO = timedelta(days=10)
PAYLOAD = "x" * 20_000


def mount(folder: Path) -> bool:
    """A disk of its own at `folder`, where this process may have one."""
    libc = ctypes.CDLL(None, use_errno=True)
    private = 0x44000  # MS_REC | MS_PRIVATE
    return (
        libc.unshare(CLONE_NEWNS) == 0
        and libc.mount(b"none", b"/", None, private, None) == 0
        and libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={DISK}".encode()) == 0
    )


class Disk:
    """Has space for a while, and then none before it is freed."""

    def __init__(self, folder: Path, *, limit: bool) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        self.is_mounted = not limit and mount(folder)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(self, spare: int) -> None:
        """Leaves `spare` bytes."""
        if not self.is_mounted:
            largest = max(each.stat().st_size for each in self._folder.iterdir())
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest + spare, resource.RLIM_INFINITY))
            return
        with self._ballast.open("wb", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        os.truncate(self._ballast, self._ballast.stat().st_size - spare)

    def free(self) -> None:
        if self.is_mounted:
            self._ballast.unlink()
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def start(service: Service, number: int) -> tuple[int, int]:
    """The status of the answer to a request that starts an instance with the number."""
    body = {
        "bpmnProcessId": "p",
        "version": "1",
        "workerId": "w",
        "correlationKey": str(number),
        "variables": [{"name": "v", "data": {"encoding": "text", "value": PAYLOAD}}],
    }
    return number, application(service).test_client().post("/process-instances", json=body).status_code


def start_some(service: Service, first: int) -> dict[int, int]:
    """The status by number, of several requests at once."""
    outcomes = in_threads(*[partial(start, service, first + n) for n in range(THREADS)])
    for failure in failures(outcomes):
        raise failure
    return dict(outcomes)


def start_until_full(service: Service, statuses: dict[int, int]) -> None:
    while True:
        some = start_some(service, len(statuses))
        statuses |= some
        if 201 not in some.values():
            return


def live_in_the_past(config: Config) -> None:
    """Leaves a day that can be dropped, and messages that can be purged."""
    service = open_service(config, ManualClock(NOW - LONG_AGO))
    play.deploy(service, play.model("start -> end", process_id="q"))
    for number in range(50):
        play.start(service, "q", variables=play.variables(v="x" * 4_000))
        play.send(service, "late", str(number), expiration_timer=play.HOUR)
    service.close()


def left_of_the_past(url: str) -> int:
    """How many rows."""
    day = (NOW - LONG_AGO).date()
    return sum(
        value(url, f"SELECT count(*) FROM {what}") for what in (f"variable WHERE partition = '{day}'", "message")
    )


def maintain(service: Service, second: str) -> None:
    """Writes in all other ways; each may fail, but none may hang or spoil what follows."""
    store: Any = service._store

    def drop() -> None:
        with store.begin() as tx:
            tx.maintenance.drop_day((NOW - LONG_AGO).date())

    def purge() -> None:
        with store.begin() as tx:
            tx.maintenance.purge_messages(NOW, NOW)

    for do in (
        partial(store.reach, drop),
        partial(store.reach, purge),
        partial(play.lock, service),
        partial(service.keys.create, "shop"),
    ):
        with suppress(EngineError):
            do()
    # What a migration says then is its own matter.
    with suppress(Exception):
        migrate(Config(database_url=second))


def main(folder: Path, *, limit: bool) -> dict[str, Any]:
    disk = Disk(folder, limit=limit)
    config = Config(database_url=f"sqlite:///{folder}/bpmn.db", auth_mode="none")
    migrate(config)
    live_in_the_past(config)
    service = open_service(config)
    play.deploy(service)
    client = application(service).test_client()
    statuses = start_some(service, 0)
    disk.fill(SPARE)
    start_until_full(service, statuses)
    probes = [client.get(path).status_code for path in ("/healthz", "/readiness")]
    query = client.post("/process-instances/query", json={}).status_code
    second = f"sqlite:///{folder}/second.db"
    maintain(service, second)
    start_until_full(service, statuses)
    disk.free()
    after = start_some(service, len(statuses))
    maintain(service, second)
    kept = {int(found.correlation_key) for found in service.query(ProcessInstanceCriteria()) if found.correlation_key}
    service.close()
    # What was migrated when the disk was full is migrated now.
    open_service(Config(database_url=second)).close()
    return {
        "past": left_of_the_past(config.database_url),
        "mounted": disk.is_mounted,
        "probes": probes,
        "query": query,
        "full": sorted(set(statuses.values())),
        "after": sorted(set(after.values())),
        "lost": sorted({number for number, status in (statuses | after).items() if status == 201} - kept),
        "unwanted": sorted(kept - {number for number, status in (statuses | after).items() if status == 201}),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), limit="--limit" in sys.argv[2:])))
