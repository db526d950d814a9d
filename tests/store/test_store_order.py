"""The order of texts is that of their bytes, on both databases and in whatever language the server sorts."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, Text
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import ClauseElement, UnaryExpression
from sqlalchemy.sql.functions import max as sql_max
from sqlalchemy.sql.functions import min as sql_min
from sqlalchemy.sql.selectable import GenerativeSelect

from app import store
from app.commands.base import Data, VariableInput
from app.commands.variable import GetElementVariables, GetProcessVariables, SetElementVariables
from app.service import Service
from app.store import claims, graphs, load, maintenance, query, sql
from app.store.dialect import Row
from app.store.transaction import Transaction
from tests.store import play

NAMES = [
    "Zebra",
    "_x",
    "a",
    "B",
    "b",
    "äpfel",
    "Äpfel",
    "z",
    "zebra",
    "A",
    "a b",
    "a-b",
    "ab",
    "\uffee",
    "\U0001f600",
    "ß",
]
ORDERED = sorted(NAMES, key=str.encode)


def require_order(service: Service) -> None:
    variables = tuple(VariableInput(name=name, data=Data(encoding="t", value="v")) for name in NAMES)
    instance = play.begin(service, variables=variables)
    (job,) = play.lock_of(service, instance)
    key = {"partition": job.partition, "id": job.element_instance_id}
    service.execute(SetElementVariables(**key, worker_id=play.WORKER, variables=variables))
    of_process = service.execute(GetProcessVariables(partition=instance.partition, id=instance.id))
    assert [variable.name for variable in of_process] == ORDERED
    of_element = service.execute(GetElementVariables(**key))
    assert [variable.name for variable in of_element] == ORDERED


def test_variables_come_in_the_order_of_the_bytes_of_their_names(service: Service):
    require_order(service)


def test_variables_come_in_that_order_whatever_the_database_sorts_by(service: Service, monkeypatch: pytest.MonkeyPatch):
    """As a server does that was set up for people: upper and lower case beside each other, signs passed over."""
    read = Transaction._all

    def as_people_sort(tx: Transaction, statement: Any, **parameters: Any) -> list[Row]:
        rows = read(tx, statement, **parameters)
        if statement in (sql.PROCESS_VARIABLES, sql.ELEMENT_VARIABLES):
            rows.sort(key=lambda row: [str(each).strip("_").lower() for each in row])
        return rows

    monkeypatch.setattr(Transaction, "_all", as_people_sort)
    require_order(service)


def statements() -> dict[str, ClauseElement]:
    found: dict[str, ClauseElement] = {}
    for module in (store, claims, graphs, load, maintenance, query, sql):
        for name, each in vars(module).items():
            for key, statement in each.items() if isinstance(each, dict) else [("", each)]:
                if isinstance(statement, ClauseElement):
                    found[f"{module.__name__}.{name} {key}".strip()] = statement
    return found


@pytest.mark.parametrize("name", [name for name, each in statements().items() if isinstance(each, GenerativeSelect)])
def test_no_statement_has_a_database_sort_texts(name: str):
    """Each database would do so in an order of its own."""
    for part in visitors.iterate(statements()[name]):
        if isinstance(part, Select | GenerativeSelect):
            by = [each.element if isinstance(each, UnaryExpression) else each for each in part._order_by_clauses]
            assert [each for each in by if isinstance(each.type, Text)] == []
        if isinstance(part, sql_min | sql_max):
            assert not isinstance(part.type, Text)
