"""Requests that are sent again with their Idempotency-Key: nothing is done twice, and the answer is the first one.

That every operation can be repeated is tested with the examples of the document.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.config import Config
from app.service import Service
from tests.conftest import application
from tests.http.dump import dump
from tests.http.models import SERVICE
from tests.http.talk import WORKER, Answer, Api, key

CREATE = {"bpmnProcessId": "p", **WORKER}


def post(api: Api, body: Any = CREATE, key: str = "k", path: str = "/process-instances", **headers: str) -> Answer:
    return api.send("POST", path, body, headers={"Idempotency-Key": key, **headers})


def is_replayed(answer: Answer) -> bool:
    return answer.headers.get("Idempotency-Replayed") == "true"


def test_each_key_stands_for_one_request(api: Api):
    api.deploy(SERVICE)
    found = [post(api, key=key).body["id"] for key in ("a", "b", "a", "b", "a")]
    assert found == [found[0], found[1]] * 2 + [found[0]]
    assert len(api.query("process-instances")) == 2


def test_a_key_belongs_to_an_operation(api: Api):
    api.deploy(SERVICE)
    instance = post(api).body
    message = {"name": "n", "correlationKey": "c", **WORKER}
    assert not is_replayed(post(api, message, path="/messages"))
    # An older path of the same operation is another request.
    assert post(api, message, path="/events/messages").status == 409
    suspend = f"/process-instances/{key(instance)}/suspend"
    headers = {"Idempotency-Key": "k"}
    assert api.send("PATCH", suspend, WORKER, headers=headers).status == 204
    assert is_replayed(api.send("PATCH", suspend, WORKER, headers=headers))


@pytest.mark.parametrize("body", [{**CREATE, "version": "1"}, {**CREATE, "workerId": "w2"}])
def test_another_request_with_the_same_key_is_refused(api: Api, config: Config, body):
    api.deploy(SERVICE)
    post(api)
    before = dump(config.database_url)
    assert post(api, body).problem == (
        409,
        "CONFLICT",
        "failed to repeat request",
        "the Idempotency-Key was used with another request: each request needs a key of its own",
    )
    assert dump(config.database_url) == before


def test_another_path_or_another_batch_with_the_same_key_is_refused(api: Api):
    api.deploy(SERVICE)
    one, two = api.start(), api.start()
    headers = {"Idempotency-Key": "k"}
    paths = [f"/process-instances/{key(each)}/cancel" for each in (one, two)]
    assert [api.send("PATCH", path, WORKER, headers=headers).status for path in paths] == [204, 409]
    batches = [{"processInstances": [{"bpmnProcessId": "p"}] * size, **WORKER} for size in (2, 3)]
    found = [post(api, batch, path="/process-instances/batch").status for batch in batches]
    assert found == [200, 409]
    assert len(api.query("process-instances")) == 4


def test_what_was_refused_can_be_tried_again(api: Api):
    assert post(api).status == 404
    assert post(api, {}).status == 400
    api.deploy(SERVICE)
    assert [post(api).status for _ in range(2)] == [201, 201]
    assert len(api.query("process-instances")) == 1


def test_who_sends_it_counts_but_not_how(api: Api, client: FlaskClient, service: Service):
    api.deploy(SERVICE)
    one, other = (service.keys.create(name, None) for name in ("one", "other"))
    senders = ["Basic dGVzdDp0ZXN0", "basic  dGVzdDp0ZXN0", one, f"Bearer {one}", f"bearer {one}", other]
    ids = [post(api, Authorization=sender).body["id"] for sender in senders]
    assert len(set(ids)) == 3
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] == ids[4]


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "\u00e4", "k" * 256])
def test_a_key_that_is_none_is_refused(api: Api, name):
    answer = post(api, key=name)
    assert answer.problem == (
        400,
        "VALIDATION",
        "invalid header Idempotency-Key",
        "must be 1 to 255 visible ASCII characters, without spaces",
    )


def test_a_key_may_be_as_long_as_255_characters(api: Api):
    api.deploy(SERVICE)
    assert [is_replayed(post(api, key="~" * 255)) for _ in range(2)] == [False, True]


def test_what_only_reads_is_done_each_time(api: Api):
    api.deploy(SERVICE)
    before = post(api, {}, path="/process-instances/query")
    api.start()
    after = post(api, {}, path="/process-instances/query")
    assert (before.body["count"], after.body["count"]) == (0, 1)
    assert not is_replayed(after)


def test_a_repetition_needs_credentials_like_any_request(api: Api, client: FlaskClient):
    api.deploy(SERVICE)
    post(api)
    assert client.post("/process-instances", json=CREATE, headers={"Idempotency-Key": "k"}).status_code == 401


def test_an_operation_whose_answer_must_not_be_kept_refuses_a_key(
    api: Api, service: Service, monkeypatch: pytest.MonkeyPatch
):
    view = application(service).view_functions["instance.create_process_instance"]
    monkeypatch.setattr(view, "unrepeatable", True, raising=False)
    api.deploy(SERVICE)
    assert post(api).problem == (
        400,
        "VALIDATION",
        "invalid header Idempotency-Key",
        "the answer to this operation is not kept: send the request without it",
    )
    assert api.start()
