"""Filters, order and pages of the twelve queries, on data of three days."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.http.models import model
from tests.http.past import DAYS, lived_through
from tests.http.talk import Api

CRITERIA = {
    "elements": ("processId", "bpmnElementId"),
    "element-instances": ("partition", "id", "parentId", "processId", "processInstanceId", "bpmnElementId"),
    "messages": ("id", "name"),
    "messages/subscriptions": ("partition", "processInstanceId", "correlationKey", "name"),
    "signals/subscriptions": ("partition", "processInstanceId", "name"),
    "incidents": ("partition", "id", "jobId", "processInstanceId"),
    "jobs": ("partition", "id", "elementId", "elementInstanceId", "processId", "processInstanceId"),
    "processes": ("id",),
    "process-instances": ("partition", "id", "parentId", "processId"),
    "tasks": ("partition", "id", "elementId", "elementInstanceId", "processId", "processInstanceId", "type"),
    "user-tasks": ("partition", "id", "elementInstanceId", "processId", "processInstanceId"),
    "variables": ("partition", "elementInstanceId", "processInstanceId"),
}
"""Criteria that compare with the property of the same name."""

NOT_PARTITIONED = {"elements", "messages", "messages/subscriptions", "signals/subscriptions", "processes"}


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def past(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Api]:
    """What happened on the three days; tests only read it."""
    with databases.fresh(request.param) as url, lived_through(url) as (_, api, _):
        yield api


@pytest.fixture
def api(past: Api) -> Api:
    return past


@pytest.mark.parametrize("resource", CRITERIA)
def test_a_query_answers_everything_in_order(api: Api, resource: str):
    found = api.query(resource)
    assert found
    order = [each["id"] if resource in NOT_PARTITIONED else (each["partition"], each["id"]) for each in found]
    assert order == sorted(set(order))
    if "partition" in CRITERIA[resource]:
        assert {each["partition"] for each in found} >= set(DAYS)


@pytest.mark.parametrize(
    ("resource", "name"), [(resource, name) for resource, names in CRITERIA.items() for name in names]
)
def test_a_criterion_answers_what_has_that_value(api: Api, resource: str, name: str):
    everything = api.query(resource)
    values = {each[name] for each in everything if name in each}
    assert len(values) > 1
    for value in values:
        assert api.query(resource, **{name: value}) == [each for each in everything if each.get(name) == value]


@pytest.mark.parametrize(
    ("resource", "name"), [(resource, name) for resource, names in CRITERIA.items() for name in names]
)
def test_a_value_that_nothing_has_answers_nothing(api: Api, resource: str, name: str):
    text = {"partition": "2020-01-01", "type": "DROP_PARTITION"}
    texts = ("name", "bpmnElementId", "correlationKey")
    assert api.query(resource, **{name: text.get(name, "nothing" if name in texts else 2**31 - 1)}) == []


def test_an_incident_is_found_by_its_task_only_when_it_has_one(api: Api):
    assert api.query("incidents", taskId=api.query("incidents")[0]["jobId"]) == []


@pytest.mark.parametrize("resource", CRITERIA)
def test_all_criteria_must_match(api: Api, resource: str):
    everything = api.query(resource)
    last = everything[-1]
    criteria = {name: last[name] for name in CRITERIA[resource] if name in last}
    found = api.query(resource, **criteria)
    assert last in found
    assert found == [each for each in everything if all(each.get(name) == criteria[name] for name in criteria)]


@pytest.mark.parametrize("resource", CRITERIA)
def test_null_and_zero_do_not_filter(api: Api, resource: str):
    zero = {"partition": None, "type": None, "name": "", "bpmnElementId": "", "correlationKey": None}
    criteria = {name: zero.get(name, 0) for name in CRITERIA[resource]}
    assert api.query(resource, **criteria) == api.query(resource)


@pytest.mark.parametrize("resource", CRITERIA)
def test_pages_are_cut_out_of_everything(api: Api, resource: str):
    everything = api.query(resource)
    for offset, limit in ((0, 1), (1, 2), (len(everything) - 1, 5), (2, 0)):
        page = api.post(f"/{resource}/query?offset={offset}&limit={limit}")
        assert page["results"] == everything[offset : offset + limit if limit else None]
        assert page["count"] == len(page["results"])
    assert api.post(f"/{resource}/query?offset={len(everything)}") == {"count": 0, "results": []}


@pytest.mark.parametrize("resource", ["processes", "process-instances", "user-tasks"])
@pytest.mark.parametrize(
    "wanted",
    [
        {"x": "y"},
        {"x": "day-1"},
        {"x": ""},
        {"x": "", "a": "y"},
        {"a": "y", "x": "z"},
        {"prio": "1", "assignee": "bob-2"},
        {"assignee": ""},
        {"unknown": ""},
        {"x": "unknown"},
    ],
    ids=str,
)
def test_every_tag_must_be_present_and_an_empty_value_asks_for_the_name_alone(api: Api, resource: str, wanted):
    def matches(entity):
        tags = {tag["name"]: tag["value"] for tag in entity.get("tags", [])}
        return all(tags.get(name) == value if value else name in tags for name, value in wanted.items())

    found = api.query(resource, tags=[{"name": name, "value": value} for name, value in wanted.items()])
    assert found == [entity for entity in api.query(resource) if matches(entity)]


def test_tags_of_some_kind_match_something(api: Api):
    for resource, name in (("processes", "x"), ("process-instances", "a"), ("user-tasks", "prio")):
        assert api.query(resource, tags=[{"name": name}])


@pytest.mark.parametrize("names", [["a"], ["a", "day-1"], ["b", "unknown"], ["unknown"], [], None, ["a", "a"]])
def test_variables_are_found_by_any_of_the_names(api: Api, names):
    everything = api.query("variables")
    assert api.query("variables", names=names) == [each for each in everything if not names or each["name"] in names]


@pytest.mark.parametrize("states", [["STARTED"], ["STARTED", "COMPLETED"], ["TERMINATED", "QUEUED"], [], None])
def test_element_instances_are_found_by_any_of_the_states(api: Api, states):
    everything = api.query("element-instances")
    found = api.query("element-instances", states=states)
    assert found == [each for each in everything if not states or each["state"] in states]


def test_the_root_is_found_with_everything_below_it(api: Api):
    everything = api.query("process-instances")
    roots = [(each["partition"], each["rootId"]) for each in everything if "rootId" in each]
    assert len(set(roots)) == 2 * len(DAYS)
    for partition, root in set(roots):
        found = api.query("process-instances", partition=partition, rootId=root)
        assert found == [
            each
            for each in everything
            if each["partition"] == partition and (each["id"] == root or each.get("rootId") == root)
        ]
        assert len(found) == 3


def test_expired_messages_can_be_left_out(api: Api):
    everything = api.query("messages")
    found = api.query("messages", excludeExpired=True)
    assert [each["name"] for each in everything] == ["early", "late"] * 2 * len(DAYS)
    assert found == [each for each in everything if each["name"] == "late"]
    assert api.query("messages", excludeExpired=False) == everything


def test_a_variable_query_tells_where_a_variable_belongs_but_not_its_value(api: Api):
    of_element, *_ = [each for each in api.query("variables", names=["a"]) if "elementId" in each]
    assert set(of_element) == {
        "partition",
        "id",
        "elementId",
        "elementInstanceId",
        "processId",
        "processInstanceId",
        "createdAt",
        "createdBy",
        "encoding",
        "encrypted",
        "name",
        "updatedAt",
        "updatedBy",
    }
    of_process, *_ = [each for each in api.query("variables", names=["b"]) if "elementId" not in each]
    assert set(of_element) - set(of_process) == {"elementId", "elementInstanceId"}
    assert (of_process["encrypted"], of_process["encoding"]) == (False, "json")


BRANCHES = 1010


@pytest.fixture(scope="module")
def wide(past: Api) -> Iterator[int]:
    """The id of a process with more branches than the default limit has results, which was started once."""
    tasks = [f"t{number}" for number in range(BRANCHES)]
    elements = '<startEvent id="start"/><parallelGateway id="fork"/>'
    elements += "".join(f'<serviceTask id="{task}"/>' for task in tasks)
    xml = model(elements, "start -> fork", *(f"fork -> {task}" for task in tasks), process="wide")
    process = past.deploy(xml, process="wide")
    past.start("wide")
    yield process["id"]


@pytest.mark.parametrize("resource", ["elements", "element-instances", "jobs"])
def test_without_a_limit_there_are_a_thousand_and_more_only_when_asked_for(api: Api, wide: int, resource: str):
    path = f"/{resource}/query"
    default, zero, more = (api.post(path + page, processId=wide) for page in ("", "?limit=0", "?limit=2000"))
    assert (default["count"], zero["count"]) == (1000, 1000)
    assert more["count"] >= BRANCHES
    rest = api.post(f"{path}?offset=1000", processId=wide)["results"]
    assert default["results"] + rest == more["results"]
