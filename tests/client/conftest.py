from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import httpx2
import pytest

from app.clock import ManualClock
from app.service import open_service
from py_bpmn import Client
from tests.conftest import application, configured
from tests.databases import Databases


@pytest.fixture
def bpmn(databases: Databases) -> Iterator[Client]:
    """A client of a service of its own, in this process, whose time stands still."""
    with databases.fresh("sqlite") as url:
        service = open_service(configured(url), ManualClock(datetime(2026, 11, 23, 12)))
        transport = httpx2.WSGITransport(application(service))
        with Client("http://test", username="test", password="test", worker_id="me", transport=transport) as client:
            yield client
        service.close()
