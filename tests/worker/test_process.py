"""Decorators and arguments, without a service."""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Callable
from dataclasses import InitVar, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field

from py_bpmn import ConfigurationError, Raw
from py_bpmn._operations import Data, VisibleVariable
from py_bpmn._operations import Job as JobData
from py_bpmn.client import Client
from py_bpmn.values import Values
from py_bpmn.worker import (
    BpmnError,
    Completion,
    Cron,
    Escalation,
    Fail,
    Job,
    Process,
    Result,
    Variables,
    Worker,
)
from py_bpmn.worker.convert import Backoff, parameters, reader, seconds
from py_bpmn.worker.perform import Outcome, Performer
from tests.worker.models import tasks

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@dataclass
class Line:
    article: str
    count: int = 1


@dataclass
class Order:
    lines: list[Line]
    note: str | None = None


@dataclass
class Parent:
    child: Child | None


@dataclass
class Child:
    parent: Parent | None


@dataclass
class Scaled:
    factor: InitVar[int]
    value: int = 0

    def __post_init__(self, factor: int) -> None:
        self.value *= factor


@dataclass
class Incomplete:
    thing: Unknown  # type: ignore[name-defined]  # noqa: F821


@dataclass
class Unreadable:
    thing: sys.nothing  # type: ignore[name-defined]


NOBODY = Client("http://127.0.0.1:1", worker_id="w")
"""A service that is never asked."""


def _job(type: str = "EXECUTE", retry_count: int = 0, **variables: Any) -> Job:
    encoded = {name: Values().encode(value) for name, value in variables.items()}
    return Job(
        JobData(
            partition=date(2026, 11, 27),
            id=5,
            element_id=1,
            element_instance_id=9,
            process_id=1,
            process_instance_id=17,
            bpmn_element_id="a",
            created_at=NOW,
            created_by="x",
            due_at=NOW,
            retry_count=retry_count,
            state="LOCKED",
            type=type,
            lock_version=3,
            variables=tuple(
                VisibleVariable(name=name, data=Data(encoding=each.encoding, value=each.value))
                for name, each in encoded.items()
            ),
        ),
        NOBODY,
    )


def _perform(function: Callable[..., Any], job: Job | None = None, kind: str = "execute", **options: Any) -> Outcome:
    process = Process("p", backoff="10s..10m")
    getattr(process, kind)("a", **options)(function)
    (handler,) = process.handlers
    performer = Performer(Values(), lambda data: {"called": 1}, lambda name: None)
    return performer.perform(handler, job or _job())


def _error(outcome: Outcome) -> str:
    assert outcome.name == "failed" and outcome.item is not None
    return outcome.item.error or ""


def test_a_function_stays_what_it_was():
    process = Process("p")

    @process.execute("a")
    @process.execute("b", retries=5)
    def double(n: int) -> dict[str, int]:
        return {"n": n * 2}

    assert double(2) == {"n": 4}
    assert [(each.element, each.retries) for each in process.handlers] == [("b", 5), ("a", 3)]


def test_arguments_are_variables_by_name():
    seen: dict[str, Any] = {}

    def function(order_id: str, both_ways: int, named: int, job: Job, variables: Variables, absent: int = 7) -> None:
        seen.update(order_id=order_id, both_ways=both_ways, named=named, absent=absent, key=job.key, all=[*variables])

    job = _job(orderId="o-1", both_ways=1, bothWays=2, given=3)
    assert _perform(function, job, rename={"given": "named"}).name == "completed"
    assert seen == {
        "order_id": "o-1",
        "both_ways": 1,
        "named": 3,
        "absent": 7,
        "key": "2026-11-27/9/EXECUTE",
        "all": ["orderId", "both_ways", "bothWays", "given"],
    }


def test_only_what_handlers_name_is_asked_for():
    process = Process("p")
    process.execute("a", rename={"given": "named"})(lambda order_id, named, job=None: None)
    assert process.handlers[0].variables == ("order_id", "orderId", "given", "job")
    process.execute("b")(_takes_all)
    assert process.handlers[1].variables is None


def _takes_all(variables: Variables) -> None: ...


class Methods:
    def method(self, n: int) -> dict[str, int]:
        return {"n": n}

    def __call__(self, n: int) -> dict[str, int]:
        return {"n": n}


@pytest.mark.parametrize("function", [Methods().method, Methods(), functools.partial(Methods.method, Methods())])
def test_methods_and_objects_are_functions_too(function):
    outcome = _perform(function, _job(n=1))
    assert outcome.item is not None and outcome.item.process_variables[0].data.value == "1"
    assert "variable n: must be an integer" in _error(_perform(function, _job(n="x")))


def _positional(a, /): ...
def _stars(*a): ...
def _keywords(**variables): ...
def _generator():
    yield


def _fine(a=1): ...


@pytest.mark.parametrize(
    ("function", "options", "text"),
    [
        (_positional, {}, "_positional (.*) can't have the positional-only parameter a"),
        (_stars, {}, r"can't have \*a: arguments are variables"),
        (_keywords, {}, r"can't have \*\*variables: name the variables .* Variables"),
        (_generator, {}, "can't be a generator"),
        (_fine, {"rename": {"x": "b"}}, "has no parameter b, which rename names"),
        (_fine, {"rename": {"x": "a", "y": "a"}}, "rename has two variables for one parameter"),
        *((_fine, {"rename": each}, "rename must be a dict of") for each in ("x", None, ["a"], {"x": 5}, {5: "a"})),
        *((_fine, {"retries": each}, "retries must be an integer from 0 to 2147483647") for each in (-1, None, 2**31)),
        (_fine, {"lease": "soon"}, "a duration is a timedelta or a text such as 30s or 1h30m, but not 'soon'"),
        (_fine, {"lease": "0s"}, "a lease must be a second at least"),
        *((_fine, {"lease": f"{days}d"}, "a duration is 36500d at most") for days in ("36501", "9" * 400)),
        (_fine, {"backoff": "1s..99999999999999d"}, "a duration is 36500d at most, but not 99999999999999d"),
        (_fine, {"backoff": "10m..10s"}, "a back-off grows"),
        (_fine, {"no_retry": "ValueError"}, "no_retry must be a tuple of types"),
        (_fine, {"lock": 1}, r'p: execute\("a"\) has no option lock, only backoff, lease, no_retry, rename, retries'),
        (5, {}, "is no function"),
        (dict.update, {}, "does not tell the names of its parameters"),
    ],
)
def test_what_can_not_be_a_handler_is_told_at_once(function, options, text):
    with pytest.raises(ConfigurationError, match=text):
        Process("p").execute("a", **options)(function)


def test_an_element_has_one_function_of_a_kind():
    process = Process("p")
    process.execute("a")(_fine)
    process.any("a")(_fine)
    with pytest.raises(ConfigurationError, match=r"is one too many: _fine \(.*\) does that already"):
        process.execute("a")(_fine)
    assert process.handler("a", "EXECUTE").kind.name == "execute"
    assert process.handler("a", "NEW_TYPE").kind.name == "any"
    assert process.handler("b", "EXECUTE") is None


@pytest.mark.parametrize(
    ("annotation", "value", "read"),
    [
        (Any, {"x": 1}, {"x": 1}),
        (int, 1.0, 1),
        (float, 1, 1.0),
        (int | None, None, None),
        (float | int, 1, 1),
        (list[int], [1, 2.0], [1, 2]),
        (dict[str, list[str]], {"a": ["b"]}, {"a": ["b"]}),
        (typing.List, [1], [1]),  # noqa: UP006
        (typing.Dict, {"a": 1}, {"a": 1}),  # noqa: UP006
        (Parent, {"child": {"parent": None}}, Parent(Child(None))),
        (Scaled, {"factor": 2, "value": 3}, Scaled(2, 3)),
        (Literal["a", 1], 1, 1),
        (bytes, b"x", b"x"),
        (Raw, Raw("<a/>", "xml"), Raw("<a/>", "xml")),
        (Order, {"lines": [{"article": "pen"}], "other": 1}, Order([Line("pen")])),
        (Decimal, "12.50", Decimal("12.50")),
        (list[Decimal] | None, ["1"], [Decimal(1)]),
        (datetime, "2026-11-27T00:00:00Z", NOW),
        (timedelta, "PT1H", timedelta(hours=1)),
        (Annotated[int, Field(gt=0)], 5, 5),
        (set[int], [1, 1], {1}),
    ],
)
def test_values_become_what_is_annotated(annotation, value, read):
    found = reader(annotation)(value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (int, "secret", "must be an integer, but is a text"),
        (int, True, "must be an integer, but is a boolean"),
        (int, 1.5, "must be an integer, but is a number"),
        (float, 10**400, "must be a number that fits into a float"),
        (str, None, "must be a text, but is null"),
        (list[int], [1, "secret"], r"\[1\] must be an integer, but is a text"),
        (Order, {"lines": [{"article": 1}]}, r".lines\[0\].article must be a text"),
        (Order, {"lines": [{}]}, r".lines\[0\].article is missing"),
        (Literal["a"], "secret", "must be one of 'a'"),
        (int | str, [], "must be an integer, but is a list or must be a text, but is a list"),
        (Decimal, "secret", "Input should be a valid decimal"),
        (dict[str, Decimal], {"x": "secret"}, ".x Input should be a valid decimal"),
    ],
)
def test_what_does_not_fit_is_told_without_the_value(annotation, value, text):
    with pytest.raises(ValueError, match=text) as raised:
        reader(annotation)(value)
    assert "secret" not in str(raised.value)


def test_what_takes_pydantic_is_told_where_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydantic", None)
    process = Process("p")
    process.execute("a")(_amount)
    with pytest.raises(ConfigurationError, match=r"parameter amount: Decimal takes pydantic, .*pip install pydantic"):
        _ = process.handlers[0].parameters
    assert reader(Order)({"lines": []}) == Order([])


def _amount(amount: Decimal) -> None: ...


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (list[int, str], "a list has one type in brackets, but not 2"),  # type: ignore[misc]
        (dict[str], "a dict has two types in brackets, but not 1"),  # type: ignore[misc]
        (list[Job], "Job is no variable: annotate one parameter with Job alone"),
        (ClassVar[int], "can't be made of a variable: "),
        (Incomplete, "Incomplete can't be made of a variable: .*Unknown"),
        (Unreadable, "the annotations of Unreadable can't be read: AttributeError"),
        (Annotated[str, Field(pattern="(")], "can't be made of a variable: "),
    ],
)
def test_what_no_value_can_become_is_told(annotation, text):
    with pytest.raises(ConfigurationError, match=text):
        reader(annotation)


def _attribute(x: sys.nothing) -> None: ...  # type: ignore[name-defined]


def test_annotations_that_can_not_be_read_are_told():
    with pytest.raises(ConfigurationError, match="its annotations can't be read: AttributeError"):
        parameters(_attribute, {})


def test_a_job_and_variables_may_be_left_out():
    def function(one: Job | None = None, all: Annotated[Variables | None, "all"] = None) -> dict[str, Any]:
        assert one is not None and all is not None
        return {"n": [one.key, *all]}

    outcome = _perform(function, _job(x=1))
    assert outcome.item is not None
    assert outcome.item.process_variables[0].data.value == '["2026-11-27/9/EXECUTE","x"]'


@pytest.mark.parametrize("made", [functools.cache, staticmethod])
def test_what_stands_for_a_function_has_its_annotations(made):
    assert _error(_perform(made(_amount), _job(amount="x"))).startswith("variable amount: Input should be a valid dec")


def test_a_variable_that_is_missing_or_unreadable_fails_without_a_retry():
    assert _error(_perform(_amount)) == "variable amount is missing"
    assert _error(_perform(lambda order_id: None)) == "variable order_id or orderId is missing"
    job = _job()
    unreadable = (VisibleVariable(name="n", error="can't be decrypted: no key"),)
    job = Job(job.data.__replace__(variables=unreadable), NOBODY)
    outcome = _perform(lambda n: None, job)
    assert _error(outcome) == "variable n can't be decrypted: no key"
    assert outcome.item is not None and outcome.item.retry_limit == 0


@pytest.mark.parametrize(
    ("kind", "returned", "told"),
    [
        ("complex", ["a", "f"], {"inclusiveGatewayDecision": ["a", "f"]}),
        ("flows", [], {}),
        ("activation_condition", False, {"conditionFulfilled": False}),
        ("cardinality", 0, {"loopCardinality": 0}),
        ("activities", ("a", "a"), {"activities": ["a", "a"]}),
        ("activities", True, {"conditionFulfilled": True}),
        ("any", Completion(activities=["a"]), {"activities": ["a"]}),
        ("any", Completion(condition=False, cardinality=0), {"conditionFulfilled": False, "loopCardinality": 0}),
        ("any", Completion(error_code="E", error_message="m"), {"errorCode": "E", "errorMessage": "m"}),
    ],
)
def test_what_a_function_decides_is_told(kind, returned, told):
    outcome = _perform(lambda: returned, kind=kind)
    assert outcome.item is not None and outcome.item.error is None
    assert {name: value for name, value in outcome.item.write()["completion"].items() if value != []} == told


@pytest.mark.parametrize(
    ("kind", "returned", "text"),
    [
        ("execute", 5, "must return a dict of process variables, a Result, or None, but has returned a int"),
        ("execute", {1: 2}, "must have the names of variables as keys"),
        ("execute", {"x": object()}, "variable x: the value is of type object, which can't be stored"),
        ("execute", Result(element={"x": float("nan")}), "variable x: the value is nan"),
        ("execute", dict.fromkeys(map(str, range(101)), 1), "has 101 variables, but 100 can be set at once"),
        ("exclusive", None, "must return the id of the next element"),
        ("inclusive", "a", "must return a list of ids"),
        ("complex", None, "must return a list of ids"),
        ("flows", [1], "must return a list of ids"),
        ("activation_condition", 1, "must return True or False, but has returned a int"),
        ("completion_condition", None, "must return True or False, but has returned None"),
        ("loop_condition", "yes", "must return True or False, but has returned a str"),
        ("cardinality", -1, "must return how many instances there are, an integer that is not negative"),
        ("cardinality", True, "must return how many instances there are"),
        ("cardinality", 2**31, "must return how many instances there are"),
        ("activities", "pick", "must return a list of ids of activities to start, or True when it is complete"),
        ("timer", datetime(2026, 1, 1), "must return a datetime with a time zone, a timedelta, or a Cron"),
        ("timer", timedelta(-1), "a timer can't fire after a negative time"),
        ("correlation_key", "", "must return the correlation key"),
        ("message", "m", "must return the name of the message and its correlation key"),
        ("signal", None, "must return the name of the signal"),
        ("error_code", 5, "must return the code of the error"),
        ("call", "shipping", "must return a Call, or None"),
        ("pass_variables", [1], "must return a dict of process variables"),
        ("any", {}, "must return a Completion, or None, but has returned a dict"),
    ],
)
def test_a_wrong_result_fails_without_a_retry(kind, returned, text):
    outcome = _perform(lambda: returned, kind=kind)
    assert f'{kind}("a"): ' in _error(outcome)
    assert text in _error(outcome)
    assert outcome.item is not None and outcome.item.retry_limit == 0


def test_any_can_say_everything():
    completion = Completion(
        variables={"a": 1},
        element={"b": 2},
        delete=["c"],
        decision="x",
        timer=Cron("@daily"),
        message_name="m",
        key="k",
        signal_name="s",
        error_code="e",
        escalation_code="c",
    )
    outcome = _perform(lambda: completion, _job("EVALUATE_INCLUSIVE_GATEWAY"), "any")
    assert outcome.item is not None
    assert outcome.item.write() == {
        "partition": "2026-11-27",
        "id": 5,
        "lockVersion": 3,
        "completion": {
            "errorCode": "e",
            "escalationCode": "c",
            "inclusiveGatewayDecision": ["x"],
            "messageCorrelationKey": "k",
            "messageName": "m",
            "signalName": "s",
            "timer": {"timeCycle": "@daily"},
        },
        "elementVariables": [{"name": "b", "data": {"encoding": "json", "value": "2"}}],
        "processVariables": [{"name": "c"}, {"name": "a", "data": {"encoding": "json", "value": "1"}}],
    }


def test_a_failure_names_its_place_and_is_tried_again():
    def fails() -> None:
        raise ConnectionError("refused")

    outcome = _perform(fails, _job(retry_count=2), retries=5)
    assert _error(outcome).startswith("ConnectionError: refused (test_process.py:")
    assert outcome.reason.startswith("ConnectionError (test_process.py:") and "refused" not in outcome.reason
    assert outcome.item is not None and outcome.item.retry_limit == 5
    assert timedelta(seconds=30) <= outcome.item.retry_timer <= timedelta(seconds=50)


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        (ValueError("x"), 0),
        (KeyError("x"), 3),
        (Fail("no", retry=False), 0),
        (Fail("later", retry_in="1h"), 3),
        (Fail("later", retry_in="sometime"), 0),
        (SystemExit(1), 3),
        (Mute(), 3),
        (ExceptionGroup("both", [KeyError(), Fail("no", retry=False)]), 0),
        (KeyError("\ud800\0"), 3),
    ],
)
def test_who_is_tried_again(error, retries):
    def fails() -> None:
        raise error

    outcome = _perform(fails, no_retry=(ValueError,))
    assert outcome.item is not None and outcome.item.retry_limit == retries
    assert _error(outcome).encode()


def test_errors_of_bpmn_are_found_through_others():
    def direct() -> None:
        raise BpmnError("CODE", "text", variables={"a": 1})

    def caused() -> None:
        try:
            direct()
        except BpmnError as error:
            raise RuntimeError from error

    def grouped() -> None:
        raise ExceptionGroup("", [KeyError(), ExceptionGroup("", [Escalation("CODE")])])

    assert [_perform(each).name for each in (direct, caused, grouped)] == ["error", "error", "escalation"]
    outcome = _perform(direct, _job("SET_TIMER"), "timer")
    assert _error(outcome) == "BpmnError CODE: only functions of execute can throw it, since SET_TIMER can't"
    assert "can't be stored" in _error(_perform(_throws_badly))


def _throws_badly() -> None:
    raise BpmnError("CODE", variables={"a": object()})


def test_a_call_without_a_version_calls_the_newest_one():
    from py_bpmn.worker import Call

    process = Process("p")
    process.call("a")(lambda: Call("shipping"))
    (handler,) = process.handlers
    for newest, expected in (("7", "7"), (None, "not deployed")):
        performer = Performer(Values(), lambda data: {}, lambda name, newest=newest: newest)
        assert expected in str(performer.perform(handler, _job("CALL_PROCESS")).item.write())


@pytest.mark.parametrize(("text", "expected"), [("30s", 30), ("1h30m", 5400), ("500ms", 0.5), ("1.5d", 129600)])
def test_durations_are_read(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "s", "1h x", "-1s", 5, None, timedelta(-1)])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ConfigurationError, match="a duration"):
        seconds(text)


def test_the_backoff_doubles_up_to_its_limit():
    backoff = Backoff.parse("10s..1m")
    assert [backoff.delay(number, 0.5).total_seconds() for number in (0, 1, 2, 3, 10_000)] == [10, 20, 40, 60, 60]
    assert backoff.delay(0, 0.0) < backoff.delay(0, 1.0)
    assert Backoff.parse("5s").delay(9, 1.0) == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"id": ""}, "a process needs the id that it has in its BPMN file"),
        ({"id": 5}, "a process needs the id that it has in its BPMN file"),
        ({"version": 2}, 'p: version must be a text, such as "2", but is 2'),
        ({"bpmn": b"<"}, "p: bpmn must be the path of a file, or its XML as a text, but is b'<'"),
        ({"bpmn": ""}, "p: bpmn must be the path of a file"),
    ],
)
def test_a_bad_process_is_refused(options, text):
    with pytest.raises(ConfigurationError, match=text):
        Process(**{"id": "p", **options})


def test_an_element_is_named():
    with pytest.raises(ConfigurationError, match=r'execute needs the id of an element, as @process.execute\("id"\)'):
        Process("p").execute("")
    assert repr(Process("p", bpmn=tasks("p", "a"))) == "<Process p>"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"threads": 0}, "threads must be an integer of at least 1, but is 0"),
        ({"deploy": 1}, 'deploy must be True, False or "check", but is 1'),
        ({"client": "http://127.0.0.1"}, "client must be a Client, but is of type str"),
        ({"grace": "99999999999999d"}, "a duration is 36500d at most"),
        ({"metrics_port": 99999}, "metrics_port must be an integer from 0 to 65535, but is 99999"),
        ({"metrics_port": "9100"}, "metrics_port must be an integer from 0 to 65535, but is '9100'"),
        ({"metrics_port": 65535, "processes": 2}, "metrics_port must be an integer from 0 to 65534, but is 65535"),
    ],
)
def test_a_bad_worker_is_refused(options, text):
    with pytest.raises(ConfigurationError, match=text):
        Worker(Process("p"), **options)
