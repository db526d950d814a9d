"""The example processes, played along every way through them, are covered; as the service tells it over HTTP."""

from __future__ import annotations

from datetime import datetime

import httpx2
import pytest

from app.clock import ManualClock
from app.service import open_service
from py_bpmn import Client
from py_bpmn.testing.coverage import Coverage, Recorder
from tests.conftest import application, configured
from tests.models.test_models import PLAYS


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.file)
def test_every_way_through_an_example_covers_all_of_it(play, databases):
    with databases.fresh("sqlite") as url:
        clock = ManualClock(datetime(2026, 11, 23, 12))
        service = open_service(configured(url), clock)
        for path in play.paths:
            path(play.stage(service, clock, version=path.__name__))
        transport = httpx2.WSGITransport(application(service))
        with Client("http://test", username="test", password="test", transport=transport) as client:
            coverage = recorded(client)
            taken = counted(client)
        service.close()
    assert {covered.model.process for covered in coverage} == set(play.processes)
    for covered in coverage:
        assert covered.missing == []
        assert (covered.elements.percent, covered.flows.percent) == (100, 100)
        for pair, flows in covered.model.between.items():
            if pair[0] not in covered.model.deciding:
                assert covered.taken[flows[0]] == taken[covered.model.process, *pair]


def recorded(client):
    coverage = Coverage()
    recorder = Recorder(client.api, coverage)
    for process in client.api.query_processes(limit=1000).results:
        recorder.expect(process)
    for instance in client.api.query_process_instances(limit=1000).results:
        recorder.record(instance.partition, instance.id, f"instance {instance.id}")
    return coverage


def counted(client):
    """How often a token has gone from one element to another, as the service counts it."""
    names = {process.id: process.bpmn_process_id for process in client.api.query_processes(limit=1000).results}
    found = {}
    for flow in client.api.get_statistics(flows=True, process_ids=list(names)).flows:
        key = names[flow.process_id], flow.from_, flow.to
        found[key] = found.get(key, 0) + flow.count
    return found
