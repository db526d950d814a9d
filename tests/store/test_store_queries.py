"""A query has one statement for what it is asked by, built once, and a limit in time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.criteria import (
    ElementInstanceCriteria,
    JobCriteria,
    MessageCriteria,
    ProcessCriteria,
    ProcessInstanceCriteria,
    VariableCriteria,
)
from app.service import Service
from app.store.dialect import Execution, Session, TooSlow

SAME: dict[str, list[Any]] = {
    "values": [JobCriteria(id=1), JobCriteria(id=2)],
    "tags": [ProcessInstanceCriteria(tags=dict.fromkeys("abc"[:count], "x")) for count in (1, 2, 3)],
    "tags of any value": [ProcessInstanceCriteria(tags=dict.fromkeys("abc"[:count], "")) for count in (1, 2, 3)],
    "both kinds of tags": [ProcessCriteria(tags={"a": "x", "b": ""}), ProcessCriteria(tags={"c": "", "d": "y"})],
    "states": [ElementInstanceCriteria(states=states) for states in (("ENDED",), ("ENDED", "STARTED"))],
    "names": [VariableCriteria(names=tuple("abc"[:count])) for count in (1, 2, 3)],
    "time": [MessageCriteria(exclude_expired=True), MessageCriteria(exclude_expired=True)],
}


@pytest.mark.parametrize("name", SAME)
def test_a_query_has_the_same_statement_whatever_and_however_much_it_is_asked_for(service: Service, name: str):
    known = service._store._queries._statements
    before = len(known)
    for number, criteria in enumerate(SAME[name]):
        service.query(criteria, limit=1 + number)
        service.query(criteria, offset=1 + number)
    # The first page has one of its own.
    assert len(known) - before == 2


def test_what_is_asked_by_other_criteria_has_another_statement(service: Service):
    known = service._store._queries._statements
    before = len(known)
    for criteria in (JobCriteria(), JobCriteria(id=1), JobCriteria(process_id=1), JobCriteria(id=1, process_id=1)):
        service.query(criteria)
    assert len(known) - before == 4


ENDLESS = text("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT count(*) FROM s")
ONE = text("SELECT 1")


@pytest.fixture
def session(service: Service) -> Iterator[Session]:
    session = service._store._dialect.session()
    yield session
    session.close()
    session.connection.close()


@pytest.mark.parametrize("scans", [False, True])
def test_reading_ends_when_it_takes_too_long(session: Session, scans: bool):
    with pytest.raises(TooSlow):
        session.read(Execution(ONE), Execution(ENDLESS), seconds=0.05, scans=scans)
    assert session.read(Execution(ONE), Execution(ONE), seconds=0.05, scans=scans) == [[(1,)], [(1,)]]


@pytest.mark.postgres
def test_limits_and_plans_of_reading_hold_for_nothing_that_comes_later(postgres: Service):
    session = postgres._store._dialect.session()
    names = ("statement_timeout", "enable_seqscan", "enable_hashjoin", "jit")
    settings = Execution(text(f"SELECT {', '.join(f'''current_setting('{name}')''' for name in names)}"))
    before = session.run(settings)
    ((during,),) = session.read(settings, seconds=0.5, scans=True)
    assert during == ("500ms", "on", "on", "off")
    assert session.run(settings) == before
    assert before[0][0][:3] == ("30s", "off", "off")
    session.close()
    session.connection.close()
