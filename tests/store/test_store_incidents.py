"""Incidents keep their error, also those that are older than the columns for it."""

from __future__ import annotations

from sqlalchemy import create_engine

from app.config import Config
from app.criteria import IncidentCriteria
from app.service import Service, open_service
from app.store import migrate
from tests.store import play
from tests.store.database import rows
from tests.store.migrations import go_back

BEFORE = "0006"
COLUMNS = "SELECT id, bpmn_process_id, bpmn_element_id, error, error_id FROM incident ORDER BY partition, id"


def fail(service: Service, error: str) -> None:
    (job,) = play.lock_of(service, play.begin(service))
    play.complete(service, job, error=error)


def test_incidents_of_before_get_what_their_jobs_and_tasks_tell(config: Config):
    service = open_service(config)
    fail(service, "no stock of 1")
    fail(service, "no stock of 2")
    service.close()
    before = rows(config.database_url, COLUMNS)
    assert [row[1:4] for row in before] == [("p", "a", "no stock of 1"), ("p", "a", "no stock of 2")]
    assert before[0][4] == before[1][4]

    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        go_back(connection, BEFORE)
    engine.dispose()
    migrate(config)
    assert rows(config.database_url, COLUMNS) == before
    service = open_service(config)
    assert [each.error for each in service.query(IncidentCriteria(error_id=before[0][4]))] == [
        "no stock of 1",
        "no stock of 2",
    ]
    service.close()
