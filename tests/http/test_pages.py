"""Pages of queries: their order, what leads from one to the next, and how many results there are."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from app.service import Service
from app.store.dialect import TooSlow
from app.store.query import Bounds
from tests.databases import Databases
from tests.http.past import DAYS, lived_through
from tests.http.talk import WORKER, Api, key

ORDERS = {
    "elements": (),
    "element-instances": ("createdAt",),
    "messages": ("createdAt",),
    "messages/subscriptions": (),
    "signals/subscriptions": (),
    "incidents": ("createdAt",),
    "jobs": ("createdAt", "dueAt"),
    "processes": ("createdAt",),
    "process-instances": ("createdAt", "endedAt"),
    "tasks": ("createdAt", "dueAt"),
    "user-tasks": ("createdAt",),
    "variables": (),
}
NUMBERED = {"elements", "messages", "messages/subscriptions", "signals/subscriptions", "processes"}
"""By ids over all days."""


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def past(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[Service, Api]]:
    with databases.fresh(request.param) as url, lived_through(url) as (service, api, clock):
        for instance in api.query("process-instances")[::7]:
            clock.advance(timedelta(seconds=1))
            if "parentId" not in instance:
                api.patch(f"/process-instances/{key(instance)}/cancel", **WORKER)
        yield service, api


@pytest.fixture
def api(past: tuple[Service, Api]) -> Api:
    return past[1]


@pytest.fixture
def store(past: tuple[Service, Api]) -> Any:
    return past[0]._store


def ask(api: Api, resource: str, criteria: dict[str, Any] | None = None, **parameters: Any) -> Any:
    return api.succeed("POST", f"/{resource}/query?{urlencode(parameters)}", criteria or {})


def walk(api: Api, resource: str, criteria: dict[str, Any] | None = None, **parameters: Any) -> Iterator[list[Any]]:
    """The results of one page after the other, from the first on."""
    page = ask(api, resource, criteria, **({"cursor": ""} | parameters))
    yield page["results"]
    while "nextCursor" in page:
        assert page["count"] == len(page["results"]) == parameters["limit"]
        page = ask(api, resource, criteria, **(parameters | {"cursor": page["nextCursor"]}))
        yield page["results"]


def refusal(api: Api, resource: str, parameters: str, **criteria: Any) -> tuple[int, str, str, str]:
    return api.send("POST", f"/{resource}/query?{parameters}", criteria).problem


@pytest.mark.parametrize(
    ("resource", "name"), [(resource, name) for resource, names in ORDERS.items() for name in ("", "id", *names)]
)
def test_pages_in_any_order_have_every_result_once(api: Api, resource: str, name: str):
    everything = ask(api, resource)["results"]

    def place(each: Any) -> Any:
        own = (each["id"],) if resource in NUMBERED else (each["partition"], each["id"])
        return (datetime.fromisoformat(each[name]), *own) if name not in ("", "id") else own

    expected = sorted((each for each in everything if name != "endedAt" or name in each), key=place)
    order = {"order": name} if name else {}
    pages = list(walk(api, resource, limit=2, **order))
    assert [each for page in pages for each in page] == expected
    assert len(pages) > 1
    if name:
        pages = list(walk(api, resource, limit=2, order=f"-{name}"))
        assert [each for page in pages for each in page] == expected[::-1]


def test_pages_are_those_of_what_matches(api: Api):
    criteria = {"states": ["COMPLETED"]}
    pages = list(walk(api, "element-instances", criteria, limit=4, order="-createdAt"))
    found = [each["id"] for page in pages for each in page]
    everything = ask(api, "element-instances", criteria, order="-createdAt")["results"]
    assert found == [each["id"] for each in everything]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_page_that_ends_with_the_last_result_is_the_last_one(api: Api, limit: int):
    count = len(ask(api, "processes")["results"])
    assert "nextCursor" not in ask(api, "processes", cursor="", limit=count)
    assert "nextCursor" in ask(api, "processes", cursor="", limit=count - limit)
    assert "nextCursor" in ask(api, "processes", order="id", offset=1, limit=count - 2)
    assert "nextCursor" not in ask(api, "processes", order="id", offset=1, limit=count - 1)


@pytest.mark.parametrize("parameters", [{}, {"limit": 1}, {"offset": 1}, {"offset": 1, "limit": 1}])
def test_who_asks_for_none_gets_no_cursor(api: Api, parameters: dict[str, Any]):
    assert set(ask(api, "jobs", **parameters)) == {"count", "results"}
    assert set(ask(api, "jobs", **parameters, total="false")) == {"count", "results"}


@pytest.mark.parametrize("resource", ORDERS)
def test_the_total_is_that_of_all_pages(api: Api, resource: str):
    count = len(ask(api, resource)["results"])
    page = ask(api, resource, limit=2, total="true")
    assert (page["count"], page["total"]) == (2, count)
    assert "totalIsLowerBound" not in page
    last = ask(api, resource, total="true", cursor=ask(api, resource, cursor="", limit=count - 1)["nextCursor"])
    assert (last["count"], last["total"]) == (1, count)
    criteria = {"id": 1} if "id" in page["results"][0] and resource not in NUMBERED - {"processes"} else {}
    if resource != "variables" and criteria:
        found = ask(api, resource, criteria, total="true")
        assert found["total"] == found["count"]


def test_what_is_left_out_of_an_order_is_not_counted(api: Api):
    page = ask(api, "process-instances", order="endedAt", total="true")
    assert page["total"] == page["count"] < ask(api, "process-instances")["count"]


def test_it_is_counted_up_to_a_limit(api: Api, store: Any, monkeypatch: pytest.MonkeyPatch):
    count = len(ask(api, "jobs")["results"])
    for limit, expected in ((count - 1, (count - 1, True)), (count, (count, None))):
        monkeypatch.setattr(store, "_bounds", Bounds(counted=limit))
        page = ask(api, "jobs", total="true")
        assert (page["total"], page.get("totalIsLowerBound")) == expected


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("cursor=x", ("QUERY", "the cursor can't be used: it is no cursor of this service")),
        ("cursor=%C3%A4", ("QUERY", "the cursor can't be used: it is no cursor of this service")),
        (f"cursor={'A' * 1001}", ("QUERY", "the cursor can't be used: it is no cursor of this service")),
        (
            "cursor=&offset=1",
            ("VALIDATION", "a cursor tells where the page begins: it can't be used with an offset"),
        ),
        (
            "order=endedAt",
            ("VALIDATION", "order endedAt must be one of id, -id, createdAt, -createdAt, dueAt, -dueAt"),
        ),
        ("order=due_at", ("VALIDATION", "order due_at must be one of id, -id, createdAt, -createdAt, dueAt, -dueAt")),
        ("total=maybe", ("HTTP_REQUEST_URI", "failed to parse value maybe")),
    ],
)
def test_what_is_no_page_is_refused(api: Api, parameters: str, problem: tuple[str, str]):
    name = parameters.partition("=")[0]
    kind, detail = problem
    assert refusal(api, "jobs", parameters) == (400, kind, f"invalid query parameter {name}", detail)


def test_a_cursor_fits_to_one_query_and_its_order(api: Api):
    cursor = ask(api, "jobs", {"processId": 1}, order="-dueAt", limit=1)["nextCursor"]
    other = "the cursor can't be used: it belongs to a query with other criteria"
    assert refusal(api, "jobs", f"cursor={cursor}")[3] == other
    assert refusal(api, "jobs", f"cursor={cursor}", processId=2)[3] == other
    assert refusal(api, "tasks", f"cursor={cursor}", processId=1)[3] == other
    again = "the cursor can't be used: it belongs to a query with another order"
    assert refusal(api, "jobs", f"cursor={cursor}&order=dueAt", processId=1)[3] == again
    expected = ask(api, "jobs", {"processId": 1}, order="-dueAt", offset=1)["results"]
    assert ask(api, "jobs", {"processId": 1}, cursor=cursor)["results"] == expected
    assert ask(api, "jobs", {"processId": 1}, cursor=cursor, order="-dueAt")["results"] == expected


@pytest.mark.parametrize(
    "forged",
    [
        ["name", ["x", "2026-11-23", 1]],
        ["id", ["2026-11-23"]],
        ["id", ["2026-11-23", -1]],
        ["id", ["2026-11-23", 2**31]],
        ["id", ["2026-11-23", "1"]],
        ["id", ["nothing", 1]],
        ["id", [1, 1]],
        ["created_at", ["2026-11-23T12:00:00+01:00", "2026-11-23", 1]],
        ["created_at", [1, "2026-11-23", 1]],
        ["id", "x"],
        [1, []],
        [],
    ],
    ids=str,
)
def test_a_forged_cursor_is_refused(api: Api, forged: list[Any]):
    def coded(content: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    cursor = ask(api, "jobs", cursor="", limit=1)["nextCursor"]
    order, last, mark = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    assert ask(api, "jobs", cursor=coded([order, last, mark]))["results"] == ask(api, "jobs", offset=1)["results"]
    assert refusal(api, "jobs", f"cursor={coded([*forged, mark])}")[3].startswith("the cursor can't be used: it")


def test_what_takes_too_long_is_refused_with_what_would_help(api: Api, store: Any, monkeypatch: pytest.MonkeyPatch):
    def read(*_: Any, **__: Any) -> None:
        raise TooSlow

    session = type(store._dialect.session())
    monkeypatch.setattr(session, "read", read)
    detail = "it takes longer than 2s, as set by BPMN_QUERY_TIMEOUT: narrow it by "
    assert refusal(api, "jobs", "", open=True)[3] == detail + "bpmnProcessId or processId or partition"
    assert refusal(api, "jobs", "", open=True, partition=DAYS[0])[3] == detail + "bpmnProcessId or processId"
    assert refusal(api, "jobs", "total=true", processId=1) == (
        400,
        "QUERY",
        "failed to query",
        detail + "partition",
    )


def test_pages_have_what_was_there_once_whatever_is_started_meanwhile(api: Api):
    before = [each["id"] for each in ask(api, "process-instances", order="-id")["results"]]
    found = []
    for page in walk(api, "process-instances", limit=5, order="-id"):
        found += [each["id"] for each in page]
        api.start()
    assert found == before
    found = []
    for page in walk(api, "process-instances", limit=7, order="createdAt"):
        found += [(each["partition"], each["id"]) for each in page]
        if len(found) < len(before) * 2:
            api.start()
    assert len(set(found)) == len(found) > len(before)
