"""The kit and our own scenario tests tell the same story: one by HTTP, the other by what is behind it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.service import Service
from py_bpmn.testing.engine import InProcess
from py_bpmn.testing.kit import Bpmn
from tests import story as behind
from tests.flow import EXCLUSIVE, PARALLEL, boundary, catch, flow, sub

MODEL = flow(
    "start -> fork -> inner, wait -> join -> which -> good, bad; late -> given-up",
    fork=PARALLEL,
    inner=sub("begin -> work -> done"),
    wait=catch("message:paid"),
    join=PARALLEL,
    which=EXCLUSIVE,
    late=boundary("inner", "timer:PT1H", interrupting=False),
)


def told_behind(service: Service) -> list[str]:
    story = behind.Story.start(service, MODEL)
    shown = [str(story)]
    story.job_completes("wait", message_correlation_key="k")
    story.clock_advances(hours=1).tasks_run("DONE")
    story.job_completes("work", error="busy", retry_limit=1, retry_timer="PT10M", becomes=behind.WorkState.CAUSED_RETRY)
    shown.append(str(story))
    story.clock_advances(minutes=10)
    story.job_completes("work", process_variables=behind.variables(x="1"))
    story.tasks_run("DONE").waits_at("wait", "join")
    shown.append(str(story))
    behind.send(service, "paid", "k")
    while behind.run_tasks(service):
        pass
    story.waits_at("which").job_completes(exclusive_gateway_decision="good")
    return [*shown, str(story.is_completed())]


def told_by_the_kit(bpmn: Bpmn, shown: list[str]) -> None:
    bpmn.deploy(MODEL)
    story = bpmn.start("p").shows(shown[0])
    story.at("wait").correlates("k")
    bpmn.clock.advances(hours=1)
    story.at("work").fails("busy", retries=1, retry_in=timedelta(minutes=10))
    story.shows(shown[1])
    bpmn.clock.advances(minutes=10)
    story.at("work").completes(x="1")
    story.waits_at("wait", "join").shows(shown[2])
    bpmn.send("paid", key="k")
    story.waits_at("which").decides("good").is_completed().shows(shown[3])


@pytest.mark.sqlite
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_same_story_is_told_by_both(service: Service):
    shown = [re.sub(r" by [^;| ]+", "", each) for each in told_behind(service)]
    engine = InProcess()
    try:
        engine.reset({})
        told_by_the_kit(Bpmn(engine.client("")), shown)
    finally:
        engine.close()
