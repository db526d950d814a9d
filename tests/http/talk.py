"""Requests as clients send them, and what came back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app.config import Config

BASIC = {"Authorization": "Basic dGVzdDp0ZXN0"}
WORKER = {"workerId": "w1"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Headers
    body: Any
    """Decoded JSON, other text, or None."""

    @property
    def problem(self) -> tuple[int, str, str, str]:
        """Status, type, title and detail; fails unless the answer is a problem in due form."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.body["status"] == self.status, self
        return self.status, self.body["type"], self.body["title"], self.body["detail"]


class Api:
    """Sends requests with credentials. No request may be answered by a server error."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """`body` is sent as JSON, `raw` as it is; without `headers` no content type is named."""
        data = raw if body is None else json.dumps(body)
        response = self._client.open(path, method=method, data=data, headers=BASIC | (headers or {}))
        content_type = response.headers.get("Content-Type", "")
        text = response.get_data(as_text=True)
        answer = Answer(response.status_code, response.headers, json.loads(text) if "json" in content_type else text)
        assert answer.status < 500, (method, path, body or raw, answer)
        return answer

    def succeed(self, method: str, path: str, body: Any = None) -> Any:
        """The body of an answer that must be a success."""
        answer = self.send(method, path, body)
        assert answer.status in (200, 201, 204), (method, path, body, answer)
        return answer.body

    def get(self, path: str) -> Any:
        return self.succeed("GET", path)

    def post(self, path: str, **body: Any) -> Any:
        return self.succeed("POST", path, body)

    def patch(self, path: str, **body: Any) -> Any:
        return self.succeed("PATCH", path, body)

    def put(self, path: str, **body: Any) -> Any:
        return self.succeed("PUT", path, body)

    def query(self, resource: str, **criteria: Any) -> list[Any]:
        answer = self.post(f"/{resource}/query", **criteria)
        assert answer["count"] == len(answer["results"])
        results: list[Any] = answer["results"]
        return results

    def deploy(self, xml: str, version: str = "1", *, process: str = "p", **more: Any) -> Any:
        return self.post("/processes", bpmnProcessId=process, bpmnXml=xml, version=version, **WORKER, **more)

    def start(self, process: str = "p", version: str = "1", **more: Any) -> Any:
        return self.post("/process-instances", bpmnProcessId=process, version=version, **WORKER, **more)

    def lock(self, **conditions: Any) -> Any:
        """The one job that is due."""
        jobs = self.post("/jobs/lock", **({"limit": 10} | WORKER | conditions))["jobs"]
        assert len(jobs) == 1, jobs
        return jobs[0]

    def complete(self, job: Any, **outcome: Any) -> Any:
        return self.patch(f"/jobs/{key(job)}/complete", **(WORKER | outcome))

    def work(self, *, instance: Any, **outcome: Any) -> Any:
        """Locks and completes the one job that is due in the instance."""
        job = self.lock(partition=instance["partition"], processInstanceId=instance["id"])
        return self.complete(job, **outcome)

    def execute_tasks(self, **conditions: Any) -> Any:
        return self.post("/tasks/execute", **({"limit": 100} | conditions))


def key(entity: Any) -> str:
    """The entity's part of a path."""
    return f"{entity['partition']}/{entity['id']}"


def of(instance: Any) -> dict[str, Any]:
    """Criteria for what belongs to the instance."""
    return {"partition": instance["partition"], "processInstanceId": instance["id"]}


class Nobody:
    """Stands in for a service where only the OpenAPI document is asked for."""

    config = Config()
    metrics = None

    def now(self) -> datetime:
        return datetime(2026, 11, 23, 12)


class Near:
    """Equals timestamps in the form of the wire that differ from `time` by less than a second.

    On PostgreSQL engine time follows the clock of the database, which is some milliseconds away from the tests'.
    """

    __hash__ = None

    def __init__(self, time: datetime) -> None:
        self._time = time

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, str) or not other.endswith("Z"):
            return False
        seconds, dot, fraction = other.removesuffix("Z").partition(".")
        if dot and (not fraction or fraction.endswith("0") or len(fraction) > 3):
            return False
        return abs(datetime.fromisoformat(seconds + dot + fraction) - self._time) < timedelta(seconds=1)

    def __repr__(self) -> str:
        return f"Near({self._time.isoformat()})"
