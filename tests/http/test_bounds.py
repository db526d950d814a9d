"""Every text and list of a request has a bound, which the document states, and which both databases can keep."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.clock import ManualClock
from app.config import Config
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.databases import Databases
from tests.http.bodies import DAY, FULL, Place, places, put
from tests.http.contract import OPERATIONS
from tests.http.models import MESSAGE_CATCH, SERVICE
from tests.http.talk import WORKER, Answer, Api, Nobody, key, of
from tests.http.test_refused import fill

BOUNDED_BY_THE_BODY = {("bpmnXml",), ("error",), ("errorMessage",), ("data", "value")}
"""The ends of the paths to texts that are as long as the body may be; an error and its message are cut."""


def hard_to_compress(characters: int, seed: int = 1) -> str:
    """Letters of four bytes each, of which PostgreSQL can't make less."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.randrange(0x20000, 0x2A6D0)) for _ in range(characters))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = application(Nobody()).test_client().get("/openapi.json").get_json()
    return found


def schema_of(document: dict[str, Any], operation: str, place: Place) -> dict[str, Any]:
    """What the document says about a place in the body."""
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{OPERATIONS[operation].request}"}
    for step in (*place, None):
        schema = next(iter(schema.get("allOf", schema.get("anyOf", [schema]))))
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if step is not None:
            schema = schema["items"] if isinstance(step, int) else schema["properties"][step]
    return schema


def texts(document: dict[str, Any], operation: str) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The places of texts that are neither of an enumeration nor times."""
    for place in places(FULL[operation][2], str):
        schema = schema_of(document, operation, place)
        if "enum" not in schema and schema.get("format") not in ("date", "date-time"):
            yield place, schema


def request(operation: str, ids: dict[str, int]) -> tuple[str, str, Any]:
    """Method, path and body with everything; no part of the body is another part of it."""
    method, path, body = FULL[operation]
    return method, path.format(**ids), json.loads(json.dumps(body))


def is_bounded_by_the_body(place: Place) -> bool:
    names = tuple(step for step in place if isinstance(step, str))
    return any(names[-len(end) :] == end for end in BOUNDED_BY_THE_BODY)


def longest(schema: dict[str, Any], more: int = 0) -> str:
    """A text of as many characters as are allowed, and `more`."""
    count = schema["maxLength"] + more
    if schema.get("format") == "cron":
        return "0 0 * * 1" + ",1" * count if more else "@daily"
    if schema.get("pattern", "").startswith("^P"):
        return "P1D" if not more else "P" + "1" * count + "D"
    return "n" * count if "pattern" in schema else hard_to_compress(count)


@pytest.mark.parametrize("operation", FULL)
def test_every_text_and_every_list_has_a_bound(document, operation):
    for place, schema in texts(document, operation):
        assert ("maxLength" in schema) is not is_bounded_by_the_body(place), place
    for place in places(FULL[operation][2], list):
        assert "maxItems" in schema_of(document, operation, place), place


def lists(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, list):
        yield place
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from lists(item, (*place, step))


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def opened(request: pytest.FixtureRequest, databases: Databases) -> Iterator[tuple[Service, dict[str, int]]]:
    with databases.fresh(request.param) as url:
        service = open_service(configured(url), ManualClock(datetime(2026, 11, 23, 12)))
        yield service, fill(Api(application(service).test_client()))
        service.close()


@pytest.fixture
def world(opened: tuple[Service, dict[str, int]]) -> tuple[Api, dict[str, int]]:
    service, ids = opened
    return Api(application(service).test_client()), ids


def pointer(place: Place) -> str:
    return "/".join(["#", *map(str, place)])


def answer_about(answer: Answer, place: Place) -> tuple[Answer, Place]:
    """An item of a batch is answered by itself, and so is what is at a place in it."""
    if len(place) < 3 or place[0] not in ("jobs", "processInstances"):
        return answer, place
    (result,) = answer.body["results"]
    problem = result["problem"]
    return Answer(result["status"], Headers({"Content-Type": "application/problem+json"}), problem), place[2:]


def beside(operation: str, body: Any, place: Place) -> Any:
    """The body without what can't be used together with the place."""
    if operation != "getStatistics":
        return body
    alone = "processInstance"
    return {name: value for name, value in body.items() if (name == alone) == (place[0] == alone)}


def broken(answer: Answer) -> list[tuple[str, str]]:
    """Pointer and rule of each violation."""
    assert answer.problem == (400, "HTTP_REQUEST_BODY", "invalid request body", "failed to validate request body")
    return [(error["pointer"], error["type"]) for error in answer.body["errors"]]


@pytest.mark.parametrize("operation", FULL)
def test_a_text_that_is_too_long_is_refused_where_it_stands(document, world, operation):
    api, ids = world
    method, path, body = request(operation, ids)
    for place, schema in texts(document, operation):
        if is_bounded_by_the_body(place):
            continue
        answer = api.send(method, path, put(beside(operation, body, place), place, longest(schema, 1)))
        answer, place = answer_about(answer, place)
        rule = "cron" if schema.get("format") == "cron" else "max"
        rule = "iso8601_duration" if schema.get("pattern", "").startswith("^P") else rule
        assert broken(answer) == [(pointer(place), rule)]
        assert len(str(answer.body)) < 3000
        (error,) = answer.body["errors"]
        assert rule != "max" or error["detail"] == f"exceeds a maximum of {schema['maxLength']} characters"


@pytest.mark.parametrize("operation", FULL)
def test_a_list_that_is_too_long_is_refused_where_it_stands(document, world, operation):
    api, ids = world
    method, path, body = request(operation, ids)
    for place in lists(body):
        (item,) = [step_into(body, place)[0]]
        most = schema_of(document, operation, place)["maxItems"]
        answer = api.send(method, path, put(beside(operation, body, place), place, [item] * (most + 1)))
        answer, place = answer_about(answer, place)
        assert broken(answer) == [(pointer(place), "max")]
        (error,) = answer.body["errors"]
        assert error["detail"] == f"exceeds a maximum of {most}"


def step_into(body: Any, place: Place) -> Any:
    for step in place:
        body = body[step]
    return body


@pytest.mark.parametrize("operation", FULL)
def test_the_longest_texts_are_kept_or_refused_but_never_an_error_of_the_server(document, world, operation):
    api, ids = world
    method, path, body = request(operation, ids)
    for place, schema in texts(document, operation):
        if not is_bounded_by_the_body(place):
            body = put(body, place, longest(schema))
    answer = api.send(method, path, body)
    assert answer.status < 500
    if answer.status == 400:
        assert "max" not in [error["type"] for error in answer.body.get("errors", ())]


def test_a_process_with_the_longest_names_runs(api: Api):
    """Each name is as long as it may be, in characters of four bytes: names, keys, worker, version."""
    process, version, worker, name, correlation, unique = (hard_to_compress(255, seed) for seed in range(6))
    model = MESSAGE_CATCH.replace('id="p"', f'id="{process}"').replace('"catch"', f'"{name}"')
    model = model.replace("start-catch", "f1").replace("catch-end", "f2")
    by = {"workerId": worker}
    api.post("/processes", bpmnProcessId=process, bpmnXml=model, version=version, **by)
    variables = [{"name": "v" * 255, "data": {"encoding": name, "value": "x" * 500_000}}]
    tags = [{"name": "t" * 255, "value": hard_to_compress(1000)}]
    started = {"bpmnProcessId": process, "version": version, "variables": variables, "tags": tags} | by
    instance = api.post("/process-instances", correlationKey=correlation, **started)
    assert api.query("process-instances", tags=tags) == [instance]
    (job,) = api.post("/jobs/lock", **by)["jobs"]
    assert api.post("/jobs/unlock", **by) == {"count": 1}
    (job,) = api.post("/jobs/lock", **by)["jobs"]
    completion = {"messageName": name, "messageCorrelationKey": correlation}
    api.patch(f"/jobs/{key(job)}/complete", completion=completion, **by)
    (subscription,) = api.query("messages/subscriptions", name=name, correlationKey=correlation)
    assert (subscription["bpmnElementId"], subscription["createdBy"]) == (name, worker)
    message = {"name": name, "correlationKey": correlation, "uniqueKey": unique} | by
    assert api.post("/messages", variables=variables, **message)["correlated"]
    assert api.execute_tasks(**of(instance))["completed"] == 1
    (ended,) = api.query("process-instances")
    assert (ended["state"], ended["createdBy"]) == ("COMPLETED", worker)


@pytest.mark.parametrize(("given", "kept"), [(9_999, 9_999), (10_000, 10_000), (10_001, 10_000), (500_000, 10_000)])
def test_a_long_error_of_a_worker_is_cut_and_the_job_is_completed(api: Api, given, kept):
    api.deploy(SERVICE)
    error = hard_to_compress(10_000) + "x" * (given - 10_000) if given > 10_000 else hard_to_compress(given)
    assert api.work(instance=api.start(), error=error)["error"] == error[:kept]


def test_values_of_variables_are_bounded_by_the_body_only(api: Api):
    api.deploy(SERVICE)
    value = "x" * 1_000_000
    instance = api.start(variables=[{"name": "a", "data": {"encoding": "text", "value": value}}])
    (variable,) = api.get(f"/process-instances/{key(instance)}/variables")["variables"]
    assert variable["data"]["value"] == value


def test_a_query_for_very_many_names_is_refused(api: Api):
    names = [f"name-{number}" for number in range(70_000)]
    answer = api.send("POST", "/variables/query", {"names": names})
    assert broken(answer) == [("#/names", "max")]
    assert len(str(answer.body)) < 3000
    assert api.query("variables", names=names[:1000]) == []


@pytest.mark.parametrize("resource", ["process-instances", "element-instances"])
def test_names_in_the_query_string_have_bounds_too(api: Api, resource):
    api.deploy(SERVICE)
    api.start()
    path = f"/{resource}/{key(api.query(resource)[0])}/variables?names="
    allowed = [",".join(["n"] * 1000), "n" * 255]
    assert [api.get(path + names)["count"] for names in allowed] == [0, 0]
    problems = [api.send("GET", path + names).problem for names in (",".join(["n"] * 1001), "n" * 256)]
    title = "invalid query parameter names"
    assert problems == [
        (400, "VALIDATION", title, "1001 names exceed a maximum of 1000"),
        (400, "VALIDATION", title, "a name of 256 characters exceeds a maximum of 255 characters"),
    ]


def test_the_object_forms_of_tags_and_variables_have_the_same_bounds(api: Api):
    long = "n" * 256
    start = {"bpmnProcessId": "p", "version": "1"} | WORKER
    answer = api.send("POST", "/process-instances", {"tags": {long: "x", "a": "v" * 1001, "b": "v" * 1000}} | start)
    assert broken(answer) == [(f"#/tags/{long}", "max"), ("#/tags/a", "max")]
    data = {"encoding": "json", "value": "1"}
    sent = {"variables": {long: data, "a": {"encoding": long, "value": "1"}}} | WORKER
    answer = api.send("PUT", f"/process-instances/{DAY}/1/variables", sent)
    assert broken(answer) == [(f"#/variables/{long}", "max"), ("#/variables/a/encoding", "max")]


class TestLimits:
    @pytest.fixture
    def config(self, config: Config) -> Config:
        return replace(config, max_query_limit=2)

    def test_the_largest_limit_of_a_query_is_configured(self, api: Api):
        api.deploy(SERVICE)
        for _ in range(3):
            api.start()
        assert api.post("/process-instances/query?limit=2")["count"] == 2
        assert api.send("POST", "/process-instances/query?limit=3", {}).problem == (
            400,
            "VALIDATION",
            "invalid query parameter limit",
            "limit 3 must be less than or equal to 2, as set by BPMN_MAX_QUERY_LIMIT",
        )

    def test_a_query_without_limit_gets_no_more_either(self, api: Api):
        api.deploy(SERVICE)
        for _ in range(3):
            api.start()
        assert api.post("/process-instances/query")["count"] == 2


@pytest.mark.parametrize(
    ("method", "path", "raw"),
    [
        ("POST", "/jobs/query", '{"' + "x" * 900_000 + '":1}'),
        ("POST", "/element-instances/query", '{"states":["' + "X" * 900_000 + '"]}'),
        ("POST", "/process-instances", '{"variables":[{"name":"' + "," * 900_000 + '"}]}'),
        ("PUT", f"/process-instances/{DAY}/1/variables", '{"variables":{"' + "," * 900_000 + '":null}}'),
        ("PATCH", "/time", '{"timeCycle":"' + "*" * 900_000 + '"}'),
        ("PATCH", "/time", '{"timeDuration":[' + "1," * 400_000 + "1]}"),
    ],
)
def test_an_answer_does_not_repeat_a_long_request(client: FlaskClient, method, path, raw):
    answer = client.open(path, method=method, data=raw, headers={"Authorization": "Basic dGVzdDp0ZXN0"})
    assert answer.status_code == 400
    assert len(answer.data) < 15_000
