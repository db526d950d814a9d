"""The client has each operation as the OpenAPI document describes it."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from py_bpmn import AsyncClient, Client, ProblemError, _generate, _operations
from py_bpmn._generate import snake
from py_bpmn._operations import Api, AsyncApi, Job, ProcessInstance, Tag
from py_bpmn._wire import Model, Operation
from tests.bench.serve import PASSWORD, USERNAME, Served, serving
from tests.conftest import application
from tests.databases import Databases
from tests.http.bodies import FULL
from tests.http.talk import Nobody

ALL = {value.name: value for value in vars(_operations).values() if isinstance(value, Operation)}
IN_PATH = {"partition": "2026-11-23", "id": 1, "bpmnProcessId": "p"}


def document() -> dict[str, Any]:
    found: dict[str, Any] = application(Nobody()).test_client().get("/openapi.json").get_json()
    return found


def test_the_operations_are_those_of_the_document():
    text = _generate.TARGET.read_text(encoding="utf-8")
    assert _generate.generate(document()) == text, "run: python -m py_bpmn._generate openapi.json"


def test_each_operation_is_a_method_of_both_clients():
    wanted = {
        snake(operation["operationId"])
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters" and not operation.get("deprecated")
    }
    for api in (Api, AsyncApi):
        assert wanted == {name for name in vars(api) if not name.startswith("_")}
    for name in wanted:
        sync, wait = inspect.signature(getattr(Api, name)), inspect.signature(getattr(AsyncApi, name))
        assert sync.parameters == wait.parameters, name


def arguments(operation: Operation[Any]) -> dict[str, Any]:
    """All that the operation takes."""
    _, _, body = FULL.get(operation.name, ("", "", {}))
    given = {name: value for name, value in IN_PATH.items() if f"{{{name}}}" in operation.path}
    return {snake(name): value for name, value in {**body, **given}.items()}


class Recorder:
    """Notes what is sent, and answers nothing that could be used."""

    def __init__(self) -> None:
        self.sent: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(request)
        return httpx2.Response(400)


@pytest.mark.parametrize("operation", ALL.values(), ids=ALL)
def test_an_operation_sends_what_it_is_given(operation: Operation[Any]):
    recorder = Recorder()
    given = arguments(operation)
    client = Client("http://test/bpmn", worker_id="w1", transport=httpx2.MockTransport(recorder))
    with pytest.raises(ProblemError):
        getattr(client.api, snake(operation.name))(**given)
    [request] = recorder.sent
    target = operation.path
    for name, value in IN_PATH.items():
        target = target.replace(f"{{{name}}}", str(value))
    _, _, body = FULL.get(operation.name, ("", "", None))
    sent = json.loads(request.content) if request.content else None
    assert (request.method, request.url.path, sent) == (operation.method, f"/bpmn{target}", body)
    assert operation.keyed == ("idempotency-key" in request.headers)


@pytest.fixture(scope="module")
def served(databases: Databases) -> Iterator[Served]:
    options = {"BPMN_SET_TIME_ENABLED": "true", "BPMN_TEST_OPERATIONS": "true"}
    with databases.fresh("sqlite") as url, serving(url, **options) as served:
        yield served


MISSED = {400, 404, 409, 422}
"""Statuses that say that a request was read; the fullest bodies contradict themselves, as by timers of all kinds."""


@pytest.mark.parametrize("operation", ALL.values(), ids=ALL)
def test_an_operation_is_understood_by_a_service(served: Served, operation: Operation[Any]):
    """Over HTTP, by both clients."""
    url, credentials = f"http://127.0.0.1:{served.port}", {"username": USERNAME, "password": PASSWORD}
    method, given = snake(operation.name), arguments(operation)

    async def call() -> Any:
        async with AsyncClient(url, **credentials) as client:
            return await getattr(client.api, method)(**given)

    for ask in (lambda: getattr(client.api, method)(**given), lambda: asyncio.run(call())):
        with Client(url, **credentials) as client:
            try:
                answer = ask()
            except ProblemError as error:
                assert error.status in MISSED, error
                assert error.title, error
                assert error.type != "HTTP", error
            else:
                wanted = {"json": getattr(operation.read, "__self__", None), "text": str, "nothing": type(None)}
                assert type(answer) is wanted[operation.answers]


def test_a_model_is_read_written_compared_and_shown():
    known = {"partition": "2026-11-23", "id": 7, "name": "x", "value": "y", "unheard": [1]}
    tag = Tag.read(known)
    assert tag == Tag(name="x", value="y") != Tag(name="x")
    assert hash(tag) == hash(Tag(name="x", value="y"))
    assert tag.write() == {"name": "x", "value": "y"}
    assert Tag(name="x").value is None
    assert Tag(name="x").write() == {"name": "x"}
    assert repr(tag) == "Tag(name='x', value='y')"


def test_a_model_does_not_change():
    tag = Tag(name="x")
    with pytest.raises(AttributeError, match="Tag can't be changed"):
        tag.name = "y"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="Tag can't be changed"):
        del tag.name


@pytest.mark.parametrize(
    ("values", "sentence"),
    [({}, "Tag needs name"), ({"name": "x", "colour": "red"}, "Tag has no colour")],
    ids=["missing", "unknown"],
)
def test_a_model_is_made_of_what_it_has(values: dict[str, str], sentence: str):
    with pytest.raises(TypeError, match=sentence):
        Tag(**values)


def test_values_of_variables_are_not_shown():
    data = _operations.Data(encoding="json", value="4711", encrypted=True)
    assert "4711" not in repr(_operations.ProcessVariable(name="card", data=data))


@pytest.mark.parametrize("model", [Job, ProcessInstance], ids=["Job", "ProcessInstance"])
def test_an_answer_that_lacks_something_is_no_answer(model: type[Model]):
    with pytest.raises(ValueError, match="lacks a property"):
        model.read({"partition": "2026-11-23"})
