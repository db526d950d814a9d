"""One service for many stories: opening a database takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from zlib import crc32

import pytest
from sqlalchemy import delete

from app.clock import ManualClock
from app.service import Service, open_service
from app.store.graphs import Graphs
from app.store.tables import Base, IdCounterRow, PartitionDayRow
from tests.conftest import configured, examples
from tests.databases import Databases
from tests.machine.driver import Driver
from tests.machine.player import Player
from tests.machine.tables import Database

KEPT = {IdCounterRow.__tablename__, PartitionDayRow.__tablename__}
"""Ids go on: no test may take an id for the number of something. Days stay as well."""
DRIVEN = examples(check=20, full=4)
"""Of so many stories one is told to its end."""
MOST = 25
"""Steps after which a story may still go round in a loop."""


@dataclass(frozen=True)
class Lasting:
    service: Service
    clock: ManualClock
    database: Database


@pytest.fixture(
    scope="session", params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def lasting(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Lasting]:
    with databases.fresh(request.param) as url:
        clock = ManualClock(datetime(2026, 11, 23, 12))
        lasting = Lasting(open_service(configured(url), clock), clock, Database(url))
        yield lasting
        lasting.database.close()
        lasting.service.close()


@pytest.fixture
def engine(request: pytest.FixtureRequest, lasting: Lasting) -> Iterator[Service]:
    """A service like the fixture `service`, on a database that is emptied after each test instead of thrown away.

    Before that some stories are told to their ends by workers and people who answer at random.
    """
    yield lasting.service
    try:
        if crc32(request.node.nodeid.encode()) % DRIVEN == 0:
            _tell_to_the_end(lasting, crc32(request.node.nodeid.encode()))
    finally:
        _empty(lasting.service)


def _tell_to_the_end(lasting: Lasting, seed: int) -> None:
    begun = lasting.clock.now()
    player = Player(lasting.database, lasting.service, lasting.clock, maintenance=False, strict=False)
    player.look_again()
    Driver(player, Random(seed)).drive(MOST)
    lasting.clock.advance(begun - lasting.clock.now())


def _empty(service: Service) -> None:
    store = service._store
    with store._dialect.engine.connect() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(delete(table))
    store._graphs = Graphs()
