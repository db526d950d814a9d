"""One service for many stories: opening a database takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import delete

from app.clock import ManualClock
from app.service import Service, open_service
from app.store.graphs import Graphs
from app.store.tables import Base, IdCounterRow, PartitionDayRow
from tests.conftest import configured
from tests.databases import Databases

KEPT = {IdCounterRow.__tablename__, PartitionDayRow.__tablename__}
"""Ids go on: no test may take an id for the number of something. Days stay as well."""


@pytest.fixture(
    scope="session", params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def lasting_service(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Service]:
    with databases.fresh(request.param) as url:
        service = open_service(configured(url), ManualClock(datetime(2026, 11, 23, 12)))
        yield service
        service.close()


@pytest.fixture
def engine(lasting_service: Service) -> Iterator[Service]:
    """A service like the fixture `service`, on a database that is emptied after each test instead of thrown away."""
    yield lasting_service
    store = lasting_service._store
    with store._dialect.engine.connect() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in KEPT:
                connection.execute(delete(table))
    store._graphs = Graphs()
