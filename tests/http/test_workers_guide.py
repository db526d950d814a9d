"""The worker of the guide, as it is written there."""

from __future__ import annotations

import re
import threading
import urllib.error
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from app.clock import SystemClock
from app.config import Config
from app.criteria import JobCriteria, ProcessInstanceCriteria
from app.service import Service, open_service
from tests.conftest import application
from tests.store import play
from tests.store.play import model

GUIDE = Path(__file__).parents[2] / "app" / "guides" / "workers.md"
PATIENCE = 60.0
CHARGING = model(
    "start -> pay -> end",
    "declined -> end2",
    head='<error id="d" errorCode="declined"/>',
    body='<serviceTask id="pay" xmlns:z="http://camunda.org/schema/zeebe/1.0"><extensionElements>'
    '<z:taskDefinition type="charge"/></extensionElements></serviceTask>'
    '<boundaryEvent id="declined" attachedToRef="pay"><errorEventDefinition errorRef="d"/></boundaryEvent>',
)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Declined(Exception):
    pass


@pytest.fixture
def service(config: Config) -> Iterator[Service]:
    service = open_service(replace(config, set_time_enabled=False), SystemClock())
    yield service
    service.close()


def test_the_worker_of_the_guide_completes_declines_and_retries(service: Service):
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    play.deploy(service, CHARGING)
    for amount in ("10", "20", "declined", "broken once"):
        play.start(service, variables=play.variables(amount=amount))
    charged: list[str] = []
    all_done = threading.Event()

    def charge(job: dict[str, Any]) -> list[dict[str, Any]]:
        ((amount,),) = [[each["data"]["value"] for each in job["variables"]]]
        charged.append(amount)
        if amount == "declined":
            raise Declined
        if amount == "broken once" and job["retryCount"] == 0:
            raise RuntimeError("the terminal is off")
        if amount == "broken once":
            all_done.set()
        return [{"name": "receipt", "data": {"encoding": "text", "value": amount}}]

    code = code.replace("PT20S", "PT1S").replace("PT30S", "PT1S")
    with make_server("127.0.0.1", 0, application(service), handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url, key = f"http://127.0.0.1:{server.server_port}", service.keys.create("worker")
        given = {"URL": url, "KEY": key, "charge": charge, "Declined": Declined}
        ended: list[BaseException] = []
        worker = threading.Thread(target=lambda: run(code, given, ended), daemon=True)
        worker.start()
        assert all_done.wait(PATIENCE), ended
        wait_until_ended(service)
        server.shutdown()
    worker.join(PATIENCE)
    assert not worker.is_alive()
    assert isinstance(ended[0], OSError | urllib.error.URLError), ended
    assert sorted(charged) == ["10", "20", "broken once", "broken once", "declined"]
    assert [job.error for job in service.query(JobCriteria()) if job.error] == ["RuntimeError('the terminal is off')"]


def run(code: str, given: dict[str, Any], ended: list[BaseException]) -> None:
    try:
        exec(code, given)
    except BaseException as error:
        ended.append(error)


def wait_until_ended(service: Service) -> None:
    for _ in range(int(PATIENCE / 0.05)):
        if all(instance.ended_at for instance in service.query(ProcessInstanceCriteria())):
            return
        threading.Event().wait(0.05)
    pytest.fail("an instance has not ended")
