"""Requests that are sent again and again, since services die with them: each takes effect once.

Each start is sent three times at once to two services, one of which is killed meanwhile, and again until there is an
answer.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, NamedTuple

import pytest

from tests.chaos.journal import AUTHORIZATION, TIMEOUT
from tests.chaos.processes import PATIENCE, Arrangement, Served
from tests.chaos.run import BY_DATABASE, OPTIONS
from tests.store import play
from tests.store.database import value

COPIES = 3
SENDERS = 4 * COPIES
LATER = 0.1


class Told(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any


class Sender:
    """Sends to one service, or the other while that does not answer."""

    def __init__(self, services: list[Served]) -> None:
        self._services = services

    def send(self, turn: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> Told:
        deadline = time.monotonic() + PATIENCE
        for number in count(turn):
            assert time.monotonic() < deadline, "no service answers"
            try:
                told = self._once(self._services[number % len(self._services)].port, path, body, headers)
            except (OSError, http.client.HTTPException):
                told = None
            if told and told.status != 503:
                return told
            time.sleep(LATER)
        raise AssertionError

    @staticmethod
    def _once(port: int, path: str, body: dict[str, Any], headers: dict[str, str]) -> Told:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": AUTHORIZATION, **headers})
            answer = connection.getresponse()
            return Told(answer.status, dict(answer.getheaders()), json.loads(answer.read()))
        finally:
            connection.close()


@pytest.fixture(params=[pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")])
def arrangement(request: pytest.FixtureRequest) -> Iterator[Arrangement]:
    arrangement = Arrangement(request.param, OPTIONS | BY_DATABASE[request.param])
    try:
        yield arrangement
    finally:
        arrangement.close()


NEW = {"bpmnProcessId": "p", "workerId": "w"}


def by_key(number: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {**NEW, "correlationKey": f"once {number}"}, {"Idempotency-Key": f"start-{number}"}


def unique(number: int) -> tuple[dict[str, Any], dict[str, str]]:
    return {**NEW, "correlationKey": f"unique {number}", "uniqueCorrelationKey": True, "onConflict": "RETURN"}, {}


def start_all(
    arrangement: Arrangement, starts: int, make: Callable[[int], tuple[dict[str, Any], dict[str, str]]]
) -> list[list[Told]]:
    """What each of the starts was told, each time that it was sent; a service is killed in the middle."""
    sender = Sender(arrangement.services)
    victim = arrangement.services[0]
    with ThreadPoolExecutor(SENDERS) as pool:
        futures = [
            [pool.submit(sender.send, copy, "/process-instances", *make(number)) for copy in range(COPIES)]
            for number in range(starts)
        ]
        futures[starts // 2][0].result(PATIENCE * 10)
        victim.kill()
        victim.start()
        return [[future.result(PATIENCE * 10) for future in copies] for copies in futures]


def play_all(arrangement: Arrangement, starts: int) -> None:
    for service in arrangement.services:
        service.start()
    deployed = {"bpmnProcessId": "p", "bpmnXml": play.ONE_TASK, "version": "1", "workerId": "w"}
    assert Sender(arrangement.services).send(0, "/processes", deployed, {}).status == 201
    for make, statuses in ((by_key, {201}), (unique, {200, 201})):
        told = start_all(arrangement, starts, make)
        assert {each.status for copies in told for each in copies} <= statuses
        for copies in told:
            assert len({each.body["id"] for each in copies}) == 1
            # Of the one that has done it the answer may have been lost.
            first = [each for each in copies if each.status == 201 and "Idempotency-Replayed" not in each.headers]
            assert len(first) <= 1
        assert len({copies[0].body["id"] for copies in told}) == starts
    assert value(arrangement.url, "SELECT count(*) FROM process_instance") == 2 * starts


def test_starts_that_are_repeated_while_a_service_is_killed_make_one_instance_each(arrangement: Arrangement):
    play_all(arrangement, 40)


@pytest.mark.slow
def test_a_thousand_starts_that_are_repeated_while_a_service_is_killed_make_a_thousand_instances(
    arrangement: Arrangement,
):
    play_all(arrangement, 1000)
