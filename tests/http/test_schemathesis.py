"""Requests generated from /openapi.json: no answer is a server error, or one that the document does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from hypothesis import seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.clock import ManualClock
from app.service import Service, open_service
from tests.conftest import PROFILE, SEED, application, configured, examples
from tests.databases import Databases
from tests.http.models import MESSAGE_CATCH, SERVICE, TIMER_CATCH, USER_TASK
from tests.http.talk import BASIC, Api, Nobody

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
FULL = PROFILE in ("full", "long")
EXAMPLES = examples(check=5, full=60)
"""For each operation and database, beyond those that cover its schema in the full profile: some 100 each."""

# Methods that a path does not have are answered by 404, as unknown paths are; that is tested elsewhere.
COVERAGE = {"enabled": FULL, "unexpected-methods": []}
CONFIG = schemathesis.Config.from_dict({"seed": SEED or 20261123, "phases": {"coverage": COVERAGE}})


def _schema() -> Any:
    return schemathesis.openapi.from_wsgi("/openapi.json", application(Nobody()), config=CONFIG)


SCHEMA = _schema()


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def lived_in(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Service]:
    """A service in which small ids name something."""
    with databases.fresh(request.param) as url:
        service = open_service(replace(configured(url), test_operations=False), ManualClock(Nobody().now()))
        api = Api(application(service).test_client())
        for process, xml in {"p": SERVICE, "human": USER_TASK, "message": MESSAGE_CATCH, "timer": TIMER_CATCH}.items():
            api.deploy(xml.replace('process id="p"', f'process id="{process}"'), process=process)
            for _ in range(3):
                api.start(process)
        yield service
        service.close()


@SCHEMA.parametrize()
@seed(SEED or 20261123)
@settings(max_examples=EXAMPLES, derandomize=False)
def test_every_answer_is_documented(case: schemathesis.Case, lived_in: Service):
    application(lived_in)
    case.call_and_validate(headers=BASIC, checks=CHECKS)
