import json
import logging
import sys

import pytest

import app.logs
from app.logs import JsonFormatter, Plain, Sparing, TextFormatter, request_id


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


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("w-1", "w-1"),
        (200, "200"),
        (1.25, "1.25"),
        ("", '""'),
        ("two words", '"two words"'),
        ("status=500", '"status=500"'),
        ('a"b', '"a\\"b"'),
        ("a\nb", '"a\\nb"'),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("\u2028", '"\\u2028"'),
        ("Zoë", '"Zoë"'),
        ({"a": 1, "b": "x y"}, '"a=1 b=x y"'),
    ],
)
def test_a_field_can_not_be_taken_for_several_and_not_for_a_line(value: object, shown: str):
    assert TextFormatter().format(record("hello", field=value)).endswith(f"hello field={shown}")


def test_a_message_can_not_move_the_cursor():
    line = TextFormatter().format(record("a%sb", "\x1b[2J\r\u2029\t"))
    assert line.endswith("app.test: a\\x1b[2J\\r\\u2029\tb")


@pytest.mark.parametrize("value", ["Zoë", "\ud800", "\u2028", 2**80])
def test_a_json_record_is_one_line_of_ascii_whatever_it_holds(value: object):
    line = JsonFormatter().format(record("hello", field=value))
    assert line.isascii() and "\n" not in line
    assert json.loads(line)["field"] == value


def test_a_plain_record_is_written_like_any_other():
    made = Plain("app.test", logging.WARNING, "hello", {"status": 200})
    made.created = 1767225600.25
    assert TextFormatter().format(made) == "2026-01-01T00:00:00.250Z WARNING app.test: hello status=200"
    assert json.loads(JsonFormatter().format(made))["status"] == 200
    assert logging.Formatter("%(levelname)s %(filename)s:%(lineno)d %(threadName)s %(message)s").format(made)


def test_few_things_are_said_at_once_and_then_one_in_a_while(monkeypatch: pytest.MonkeyPatch):
    now = 100.0
    monkeypatch.setattr(app.logs.time, "monotonic", lambda: now)
    sparing = Sparing(2, 10.0)
    assert [sparing.ask() for _ in range(4)] == [{}, {}, None, None]
    now += 9
    assert sparing.ask() is None
    now += 1
    assert [sparing.ask(), sparing.ask()] == [{"more_since_the_last": 3}, None]
    now += 1000
    assert [sparing.ask() for _ in range(3)] == [{"more_since_the_last": 1}, {}, None]
