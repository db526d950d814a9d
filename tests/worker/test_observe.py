"""What log records look like, and who is told that the service is away."""

from __future__ import annotations

import io
import json
import logging

import pytest

from py_bpmn import ConfigurationError, Unauthorized, Unavailable
from py_bpmn.worker import JobFields
from py_bpmn.worker.observe import JsonFormatter, TextFormatter, about, configure_logging
from py_bpmn.worker.outage import Outage
from tests.worker.test_process import _job


def _logger(stream: io.StringIO, formatter: logging.Formatter) -> logging.Logger:
    logger = logging.Logger("shop")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(JobFields())
    logger.addHandler(handler)
    return logger


def test_json_has_one_object_a_line():
    stream = io.StringIO()
    logger = _logger(stream, JsonFormatter())
    with about(_job()):
        try:
            raise KeyError("x")
        except KeyError:
            logger.exception("it is %s", "broken")
    logger.info("later")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first.pop("exception").endswith("KeyError: 'x'")
    assert first == {
        "level": "ERROR",
        "logger": "shop",
        "message": "it is broken",
        "instance": "2026-11-27/17",
        "element": "a",
        "job": "2026-11-27/5",
        "attempt": 1,
    }
    assert "job" not in second


def test_text_has_the_fields_behind_the_message():
    stream = io.StringIO()
    logger = _logger(stream, TextFormatter())
    with about(_job()):
        logger.warning("done")
    logger.warning("more")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("WARNING shop: done [instance=2026-11-27/17 element=a job=2026-11-27/5 attempt=1]")
    assert second.endswith("shop: more")


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigurationError, match="the log format is text or json, but not xml"):
        configure_logging("xml")


def test_an_outage_is_told_once_and_its_end_too():
    told: list[object] = []
    now = [0.0]
    outage = Outage(told.append, told.append, lambda: now[0])
    outage.succeeded()
    outage.failed(OSError("refused\nmore"))
    outage.failed(OSError("again"))
    assert outage.is_on
    now[0] = 5.0
    outage.succeeded()
    outage.succeeded()
    assert told == ["the service does not answer, which is tried until that changes: refused", 5.0]
    assert not outage.is_on


def test_credentials_that_are_refused_are_no_silence():
    told: list[object] = []
    outage = Outage(told.append, told.append, lambda: 0.0)
    outage.failed(Unavailable("restarting"))
    for _ in range(2):
        outage.failed(Unauthorized("wrong password", status=401, type="UNAUTHORIZED"))
    outage.failed(Unauthorized("blocked", status=401, is_foreign=True))
    assert told == [
        "the service does not answer, which is tried until that changes: UNAVAILABLE: restarting",
        "the service refuses the worker's credentials, which is tried until that changes: UNAUTHORIZED: wrong password",
        "the service does not answer, which is tried until that changes: UNAVAILABLE: blocked",
    ]
