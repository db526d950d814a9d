"""What all tests of the parser share."""

import pytest

from app.bpmn import tags


@pytest.fixture
def everything(monkeypatch):
    """Lets the parser take whatever it can read."""
    monkeypatch.setattr(tags, "NOT_YET", frozenset())
