"""What happened on three days, for tests of queries: something of every kind, named differently from day to day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from app.clock import ManualClock
from app.service import Service, open_service
from tests.conftest import application, configured
from tests.http.models import CALL, MESSAGE_CATCH, PARALLEL, SERVICE, SIGNAL_CATCH, TIMER_CATCH, USER_TASK
from tests.http.talk import WORKER, Api, key, of

DATA = {"encoding": "json", "value": "1"}
DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")


def deploy_everything(api: Api) -> None:
    api.deploy(SERVICE, tags=[{"name": "x", "value": "y"}])
    api.deploy(SERVICE, "2", tags=[{"name": "x", "value": "z"}, {"name": "a", "value": "y"}])
    models = {
        "parallel": PARALLEL,
        "caller": CALL,
        "top": CALL,
        "human": USER_TASK,
        "receiver": MESSAGE_CATCH,
        "listener": SIGNAL_CATCH,
        "sleeper": TIMER_CATCH,
    }
    for process, xml in models.items():
        api.deploy(xml.replace('process id="p"', f'process id="{process}"'), process=process)
    api.deploy(USER_TASK.replace('process id="p"', 'process id="human"'), "2", process="human")


def live_through(api: Api, number: int, version: str) -> None:
    """Leaves something of every kind behind; what it is named differs from day to day."""
    tagged = api.start(tags=[{"name": "x", "value": f"day-{number}"}, {"name": "a", "value": "y"}])
    api.start(version="2", tags=[{"name": "x", "value": "y"}])
    variables = [{"name": name, "data": DATA} for name in ("a", "b", f"day-{number}")]
    api.put(f"/process-instances/{key(tagged)}/variables", variables=variables, **WORKER)
    failed = api.work(instance=tagged, error="boom")
    visit = f"{failed['partition']}/{failed['elementInstanceId']}"
    api.put(f"/element-instances/{visit}/variables", variables=variables[:1], **WORKER)

    top = api.start("top")
    api.work(instance=top, completion={"calledProcess": {"bpmnProcessId": "caller", "version": "1"}})
    (middle,) = api.query("process-instances", partition=top["partition"], parentId=top["id"])
    api.work(instance=middle, completion={"calledProcess": {"bpmnProcessId": "p", "version": "1"}})

    parallel = api.start("parallel")
    for job in api.post("/jobs/lock", limit=2, **of(parallel), **WORKER)["jobs"]:
        api.complete(job)

    waiting = api.start("human", version)
    api.work(instance=waiting, completion={"errorCode": "E"})
    (task,) = api.query("user-tasks", **of(waiting))
    tags = [{"name": "assignee", "value": f"bob-{number}"}, {"name": "prio", "value": "1"}]
    api.patch(f"/user-tasks/{key(task)}", revision=1, tags=tags, **WORKER)

    message = {"messageName": f"paid-{number % 2}", "messageCorrelationKey": f"k{number}"}
    api.work(instance=api.start("receiver"), completion=message)
    api.work(instance=api.start("listener"), completion={"signalName": f"low-{number % 2}"})
    api.work(instance=api.start("sleeper"), completion={"timer": {"timeDuration": "PT1H"}})
    api.post("/messages", name="early", correlationKey="k", expirationTimer={"timeDuration": "PT1H"}, **WORKER)
    api.post("/messages", name="late", correlationKey="k", expirationTimer={"timeDuration": "P9D"}, **WORKER)


@contextmanager
def lived_through(url: str) -> Iterator[tuple[Service, Api, ManualClock]]:
    """A service on the database after the three days."""
    clock = ManualClock(datetime(2026, 11, 23, 12))
    service = open_service(configured(url), clock)
    try:
        api = Api(application(service).test_client())
        deploy_everything(api)
        for number in range(len(DAYS)):
            live_through(api, number, "1")
            live_through(api, number, "2")
            clock.advance(timedelta(days=1))
        yield service, api, clock
    finally:
        service.close()
