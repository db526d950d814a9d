"""Instances that live through an upgrade, from the tables of each earlier version, go on as if nothing had happened."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from app.config import Config
from app.service import open_service
from app.store import migrate
from app.store.schema import REVISIONS
from tests.flow import EVENT_BASED, PARALLEL, SERVICE, USER, boundary, catch, flow, several, start, sub
from tests.store.database import rows
from tests.store.migrations import go_back
from tests.story import Story, deploy, instances, send, signal

MODEL = flow(
    "s -> f -> a, b, c, d; b -> g -> ga, gb -> x; a, c, d, x -> j -> e; late -> l; m -> n",
    f=PARALLEL,
    j=PARALLEL,
    a=sub("s2 -> w -> e2"),
    late=boundary("a", "timer:PT1H"),
    l=SERVICE,
    c=USER,
    m=boundary("d", "message:m", interrupting=False),
    n=SERVICE,
    g=EVENT_BASED,
    ga=catch("signal:g"),
    gb=catch("message:b"),
    x=SERVICE,
)


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_instances_of_the_version_before_complete(config: Config, revision: str):
    service = open_service(config)
    story = Story.start(service, MODEL)
    deploy(service, flow("s -> t -> e", process="q", s=start("message:begin")))
    story.job_completes("m", message_correlation_key="k").job_completes("b")
    story.job_completes("gb", message_correlation_key="k")
    service.close()

    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        go_back(connection, revision)
    engine.dispose()
    migrate(config)

    service = open_service(config)
    story.service = service
    send(service, "m", "k")
    signal(service, "g")
    send(service, "begin", "new")
    story.tasks_run("DONE", "DONE", "DONE").job_completes("x").job_completes("w").job_completes("d")
    story.user_task_updates(completed=True)
    story.tasks_run("DONE", "CANCELED", "CANCELED", "CANCELED")
    story.job_completes("n").is_completed()
    (begun,) = instances(service, bpmn_process_id="q")
    begun.job_completes("t").is_completed()
    story.tasks_run()
    service.close()


def test_of_several_definitions_of_an_event_the_version_before_has_the_first(config: Config):
    service = open_service(config)
    deploy(service, flow("s -> c -> e", s=several("startEvent", "message:m", "signal:A"), c=catch("signal:B")))
    service.close()
    query = "SELECT bpmn_element_id, message_name, signal_name FROM event_definition ORDER BY element_id"
    engine = create_engine(config.database_url)
    with engine.begin() as connection:
        go_back(connection, "0009")
    engine.dispose()
    assert rows(config.database_url, query) == [("s", "m", None), ("c", None, "B")]
    migrate(config)
    assert rows(config.database_url, query) == [("s", "m", None), ("c", None, "B")]
