"""A Flask client on a service that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from app import create_app
from app.caller import Grant
from app.config import Config


class FakeKeys(set):
    """Pairs of id and secret."""

    def grant(self, secret_id, secret):
        return Grant(credential=secret_id) if (secret_id, secret) in self else None


class FakeService:
    """Answers every command and query with `answer`, or raises it when it is an exception."""

    metrics = None

    def __init__(self, config: Config) -> None:
        self.config = config
        self.answer = None
        self.commands = []
        self.queries = []
        self.keys = FakeKeys()
        self.draining = False
        self.is_ready = True

    def execute(self, command):
        self.commands.append(command)
        return self._answer()

    def execute_tasks(self, command):
        return self.execute(command)

    def lock_jobs(self, command):
        return self.execute(command)

    def query(self, criteria, *, offset, limit):
        self.queries.append((criteria, offset, limit))
        return self._answer() or []

    def now(self):
        return datetime(2026, 11, 23, 12)

    def why_not_ready(self):
        return "" if self.is_ready else "the database can't be reached"

    def configure(self, **options):
        self.config = replace(self.config, **options)

    def _answer(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def command(self):
        (command,) = self.commands
        return command

    @property
    def criteria(self):
        ((criteria, _, _),) = self.queries
        return criteria


@pytest.fixture
def service():
    return FakeService(Config(auth_mode="none", set_time_enabled=True))


@pytest.fixture(scope="session")
def application():
    config = Config()
    app = create_app(config, service=FakeService(config))
    # The test client encodes bodies by this: the order of properties matters here.
    app.json.sort_keys = False
    return app


@pytest.fixture
def client(application, service):
    """The application is built once: collecting its documentation is the slow part."""
    application.extensions["bpmn"] = service
    return application.test_client()
