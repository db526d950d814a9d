"""The examples of /openapi.json, sent as they are: on an empty database, in the order that the document gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from app.api.examples import ORDER
from app.config import Config
from tests.databases import Databases
from tests.http.contract import OPERATIONS, UNREPEATABLE, writes
from tests.http.dump import dump
from tests.http.talk import Answer, Api


class Example(NamedTuple):
    operation: str
    method: str
    path: str
    body: Any
    media_type: str = ""


def named(value: dict[str, Any]) -> dict[str, Any]:
    """The examples by name; where there is one for all names, it has none."""
    if "examples" in value:
        return {name: example["value"] for name, example in value["examples"].items()}
    return {"": value["example"]}


def examples(document: dict[str, Any]) -> Iterator[Example]:
    """In the order of the operations; each with all of its examples, under all of its paths."""
    for name in document["x-example-order"]:
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if method != "parameters" and operation["operationId"] in (name, f"{name}Alias"):
                    yield from of_operation(name, method, path, operation, item.get("parameters", []))


def of_operation(
    name: str, method: str, path: str, operation: dict[str, Any], in_path: list[dict[str, Any]]
) -> Iterator[Example]:
    bodies: dict[str, Any] = {"": None}
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        bodies = named(content["application/json"])
    for case, body in bodies.items():
        values = {}
        for parameter in in_path:
            found = named(parameter)
            values[parameter["name"]] = found.get(case, found.get(""))
        query = "" if content else f"?{in_query(operation)}"
        yield Example(name, method.upper(), path.format(**values) + query, body)
    for media_type, file in content.items():
        if media_type != "application/json":
            yield Example(name, method.upper(), f"{path}?{in_query(operation)}", file["example"], media_type)


def in_query(operation: dict[str, Any]) -> str:
    found = [each for each in operation.get("parameters", ()) if each["in"] == "query" and "example" in each]
    return urlencode({each["name"]: each["example"] for each in found}, doseq=True)


def send(api: Api, example: Example, **headers: str) -> Answer:
    if example.media_type:
        headers |= {"Content-Type": example.media_type}
        return api.send(example.method, example.path, raw=example.body, headers=headers)
    return api.send(example.method, example.path, example.body, headers=headers)


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def database_url(request: pytest.FixtureRequest, databases: Databases) -> Iterator[str]:
    """A new database: on one that was emptied ids go on."""
    with databases.fresh(request.param) as url:
        yield url


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").get_json()
    return found


def test_every_operation_has_its_place_in_the_order(document):
    assert sorted(document["x-example-order"]) == sorted(OPERATIONS)
    assert document["x-example-order"] == list(ORDER)


def test_the_examples_work_as_they_are(api: Api, config: Config, document):
    sent = set()
    for example in examples(document):
        answer = send(api, example)
        is_refused = example.operation == "resetEngine" and not config.is_sqlite
        assert answer.status == (403 if is_refused else OPERATIONS[example.operation].success), (example, answer)
        if example.operation.startswith("query") or example.operation in ("lockJobs", "executeTasks"):
            assert answer.body.get("count", answer.body.get("locked")), (example, "nothing is found")
        sent.add(example.operation)
    assert sent == set(OPERATIONS)


def test_the_examples_do_what_their_names_say(api: Api, document):
    states = {}
    for example in examples(document):
        if example.operation == "deleteProcessInstance":
            break
        answer = send(api, example)
        if example.operation == "completeJob":
            states[example.path] = (answer.body["state"], json.dumps(example.body))
        if example.operation == "cancelProcessInstance":
            assert [each["state"] for each in api.query("process-instances")] == ["CANCELED", "STARTED", "STARTED"]
        if example.operation == "createProcessInstances":
            assert [result["status"] for result in answer.body["results"]] == [201, 201]
        if example.operation == "completeJobs":
            found = [result["job"]["state"] for result in answer.body["results"]]
            assert found == ["DONE", "CAUSED_RETRY"]
    assert [state for state, _ in states.values()] == ["DONE", "CAUSED_INCIDENT", "DONE"]
    assert [message["correlated"] for message in api.query("messages")] == [True, False]
    assert [task["state"] for task in api.query("user-tasks")] == ["COMPLETED", "STARTED", "STARTED"]


def test_every_operation_that_writes_can_be_repeated(api: Api, config: Config, document):
    """With an Idempotency-Key: nothing is done twice, and the answer is that of the first time."""

    def rows() -> Any:
        # On PostgreSQL it takes half a second; what is answered tells the same.
        return dump(config.database_url) if config.is_sqlite else None

    for number, example in enumerate(examples(document)):
        if example.operation in UNREPEATABLE:
            refused = send(api, example, **{"Idempotency-Key": "key"})
            assert refused.problem[2] == "invalid header Idempotency-Key"
            send(api, example)
        if not writes(example.operation):
            continue
        headers = {"Idempotency-Key": f"key-{number}"}
        first = send(api, example, **headers)
        before = rows()
        again = send(api, example, **headers)
        assert (again.status, again.body) == (first.status, first.body), example
        replayed = [answer.headers.get("Idempotency-Replayed") for answer in (first, again)]
        assert replayed == [None, "true"], example
        assert rows() == before, example
