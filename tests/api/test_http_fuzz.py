"""Whatever is sent, the answer is one that clients know."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api.job import CompleteJobSchema
from app.api.json_text import BadJson, read_json

PROPERTIES = [
    "bpmnElementId", "bpmnProcessId", "bpmnXml", "calledProcess", "completion", "data", "elementVariables", "encoding",
    "encrypted", "error", "errors", "expirationTimer", "id", "inclusiveGatewayDecision", "limit", "name", "names",
    "partition", "processIds", "processVariables", "retryLimit", "retryTimer", "states", "tags", "time", "timeCycle",
    "timeDuration", "timer", "timers", "type", "value", "variables", "version", "workerId",
]  # fmt: skip
NAMES = st.sampled_from(PROPERTIES) | st.text(max_size=3)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.sampled_from(["2025-05-01", "2025-05-01T00:00:00Z", "PT1H", "@daily", "STARTED", "TRIGGER_EVENT", "\ud800"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=6)
OPERATIONS = [
    ("POST", "/processes"),
    ("POST", "/process-instances"),
    ("PUT", "/process-instances/2025-05-01/1/variables"),
    ("PUT", "/element-instances/2025-05-01/1/variables"),
    ("PATCH", "/jobs/2025-05-01/1/complete"),
    ("POST", "/jobs/lock"),
    ("POST", "/messages"),
    ("POST", "/tasks/query"),
    ("POST", "/element-instances/query"),
    ("POST", "/variables/query"),
    ("PATCH", "/user-tasks/2025-05-01/1"),
    ("PATCH", "/time"),
]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(body=OBJECTS)
def test_a_request_is_a_command_or_a_bad_one(client, service, method, path, body):
    service.commands.clear()
    service.queries.clear()
    response = client.open(path, method=method, data=json.dumps(body))
    if service.commands or service.queries:
        # Raises for text that no database keeps.
        json.dumps(body, ensure_ascii=False).encode()
    else:
        assert response.status_code == 400
        assert response.content_type == "application/problem+json"


@given(body=OBJECTS, cut=st.integers(0, 400))
def test_reading_carefully_and_reading_fast_agree(body, cut):
    def read(raw):
        try:
            return read_json(raw, CompleteJobSchema().decode)
        except BadJson as error:
            return str(error)

    raw = json.dumps(body).encode()
    assert read(raw) == read(raw + b" trailing")
    if cut < len(raw):
        assert isinstance(read(raw[:cut]), str)
