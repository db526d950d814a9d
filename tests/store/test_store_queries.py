"""A query has one statement for what it is asked by, built once."""

from __future__ import annotations

from typing import Any

import pytest

from app.criteria import (
    ElementInstanceCriteria,
    JobCriteria,
    MessageCriteria,
    ProcessCriteria,
    ProcessInstanceCriteria,
    VariableCriteria,
)
from app.service import Service

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
