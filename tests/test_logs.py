import json
import logging
import sys

from app.logs import JsonFormatter, TextFormatter, request_id


def record(message: str, *values: object, exc_info=None, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("app.test", logging.WARNING, __file__, 1, message, values, exc_info)
    made.created = 1767225600.25
    vars(made).update(fields)
    return made


def test_a_text_record_is_one_line_with_its_fields():
    line = TextFormatter().format(record("job %s failed\nbadly", 7, job=7))
    assert line == "2026-01-01T00:00:00.250Z WARNING app.test: job 7 failed\\nbadly job=7"


def test_a_json_record_has_its_fields_beside_the_message():
    fields = json.loads(JsonFormatter().format(record("job %s failed", 7, job=7)))
    assert fields == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "WARNING",
        "logger": "app.test",
        "message": "job 7 failed",
        "job": 7,
    }


def test_the_id_of_the_request_is_written_along():
    token = request_id.set("r-1")
    try:
        assert TextFormatter().format(record("hello")).endswith("hello request_id=r-1")
        assert json.loads(JsonFormatter().format(record("hello")))["request_id"] == "r-1"
    finally:
        request_id.reset(token)


def test_an_exception_is_written_with_its_traceback():
    try:
        raise ValueError("wrong")
    except ValueError:
        failed = record("failed", exc_info=sys.exc_info())
    assert TextFormatter().format(failed).endswith("ValueError: wrong")
    assert "Traceback" in json.loads(JsonFormatter().format(failed))["exception"]
