"""Every decorator against a service that runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from py_bpmn import Client, Raw, secret
from py_bpmn.worker import (
    BpmnError,
    Call,
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
from tests.worker.conftest import until
from tests.worker.models import model, tasks

LONG = timedelta(seconds=10)


@dataclass
class Customer:
    name: str
    tags: list[str]


ALL = (
    model(
        "all",
        "startEvent start",
        "exclusiveGateway gate",
        "inclusiveGateway fork",
        "intermediateCatchEvent wait|<timerEventDefinition/>",
        'intermediateCatchEvent paid|<messageEventDefinition messageRef="paid-message"/>',
        "intermediateCatchEvent told|<messageEventDefinition/>",
        "intermediateCatchEvent heard|<signalEventDefinition/>",
        "intermediateThrowEvent siren|<signalEventDefinition/>",
        "serviceTask risky",
        'boundaryEvent caught attachedToRef="risky"|<errorEventDefinition/>',
        "endEvent lost",
        "intermediateThrowEvent raise|<escalationEventDefinition/>",
        "callActivity sub",
        "sendTask mail",
        "serviceTask last",
        "endEvent end",
        more='<sequenceFlow id="off" sourceRef="gate" targetRef="lost"/>'
        '<sequenceFlow id="off2" sourceRef="fork" targetRef="lost"/>'
        '<sequenceFlow id="on" sourceRef="caught" targetRef="raise"/>',
    )
    .replace('<sequenceFlow id="lost-raise" sourceRef="lost" targetRef="raise"/>', "")
    .replace("<process", '<message id="paid-message" name="paid"/><process', 1)
)


def test_every_decorator_answers_what_its_element_asks_for(bpmn: Client):
    process = Process("all", bpmn=ALL)
    called_with: dict[str, Any] = {}

    @process.exclusive("gate")
    def gate(order_id: str) -> str:
        return "fork" if order_id else "lost"

    @process.inclusive("fork")
    async def fork() -> list[str]:
        return ["fork-wait"]

    @process.timer("wait")
    def wait() -> timedelta:
        return timedelta(0)

    @process.correlation_key("paid")
    def paid(order_id: str) -> str:
        return order_id

    @process.message("told")
    def told(order_id: str) -> tuple[str, str]:
        return "told", order_id

    @process.signal("heard")
    def heard() -> str:
        return "rain"

    @process.signal("siren")
    def siren() -> str:
        return "alarm"

    @process.execute("risky")
    def risky() -> None:
        raise BpmnError("DECLINED", variables={"reason": "no money"})

    @process.error_code("caught")
    def caught() -> str:
        return "DECLINED"

    @process.escalation_code("raise")
    def escalate() -> str:
        return "late"

    @process.call("sub")
    def sub(order_id: str) -> Call:
        return Call("below", key=order_id, variables={"n": 20}, tags={"of": "all"})

    @process.pass_variables("sub")
    def back(called: dict[str, Any]) -> dict[str, Any]:
        return {"from_below": called["n"]}

    @process.any("mail")
    def mail(job: Job) -> Completion:
        return Completion(variables={"mailed": job.type})

    @process.execute("last")
    def last(variables: Variables) -> None:
        called_with.update(variables)

    below = Process("below", bpmn=tasks("below", "double"))

    @below.execute("double")
    def double(n: int) -> dict[str, Any]:
        return {"n": n * 2}

    with Worker(process, below, client=bpmn, threads=4).running():
        order = bpmn.start("all", variables={"orderId": "o-1"})
        bpmn.send("paid", key="o-1", expires=timedelta(minutes=1))
        bpmn.send("told", key="o-1", expires=timedelta(minutes=1))
        until(
            lambda: ("heard", "SIGNAL") in [(each.bpmn_element_id, each.kind) for each in order.waiting()],
            "waits for the signal",
        )
        bpmn.signal("rain")
        assert order.wait(LONG).state == "COMPLETED", order.waiting()
    assert called_with == {"orderId": "o-1", "reason": "no money", "from_below": 40, "mailed": "EXECUTE"}


def test_values_of_every_kind_get_through(bpmn: Client):
    process = Process("kinds", bpmn=tasks("kinds", "write", "read"))
    born = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    seen: dict[str, Any] = {}

    @process.execute("write")
    def write() -> Result:
        return Result(
            process={
                "amount": Decimal("12.50"),
                "customer": Customer("Ada", ["new"]),
                "data": b"\x00\xff",
                "nothing": b"",
                "xml": Raw("<a/>", "xml"),
                "token": secret("t-1"),
                "moment": born,
                "day": born.date(),
                "plain": [1, 2.5, None, True, {"ä": "\0"}],
            },
            element={"own": 1},
            delete=["gone"],
        )

    @process.execute("read")
    def read(
        amount: Decimal,
        customer: Customer,
        data: bytes,
        nothing: bytes,
        xml: Raw,
        token: str,
        moment: datetime,
        day: date,
        plain: list[Any],
        gone: int | None = None,
        own: int | None = None,
    ) -> None:
        seen.update(amount=amount, customer=customer, data=data, nothing=nothing, xml=xml, token=token)
        seen.update(moment=moment, day=day, plain=plain, gone=gone, own=own)

    with Worker(process, client=bpmn).running():
        found = bpmn.start("kinds", variables={"gone": 1}, wait=LONG)
    assert found.state == "COMPLETED"
    assert seen == {
        "amount": Decimal("12.50"),
        "customer": Customer("Ada", ["new"]),
        "data": b"\x00\xff",
        "nothing": b"",
        "xml": Raw("<a/>", "xml"),
        "token": "t-1",
        "moment": born,
        "day": born.date(),
        "plain": [1, 2.5, None, True, {"ä": "\0"}],
        "gone": None,
        "own": None,
    }


def test_timers_are_set_by_times_and_cron(bpmn: Client):
    process = Process(
        "timers",
        bpmn=model(
            "timers",
            "startEvent start",
            "intermediateCatchEvent at|<timerEventDefinition/>",
            "intermediateCatchEvent each|<timerEventDefinition/>",
            "endEvent end",
        ),
    )
    process.timer("at")(lambda: datetime(2020, 1, 1, tzinfo=UTC))
    process.timer("each")(lambda: Cron("* * * * * *"))
    with Worker(process, client=bpmn).running():
        assert bpmn.start("timers", wait=LONG).state == "COMPLETED"


def test_failures_are_tried_again_until_there_is_an_incident(bpmn: Client):
    process = Process("fails", bpmn=tasks("fails", "a"), backoff="0s")
    attempts: list[tuple[int, str]] = []

    @process.execute("a", retries=2)
    def fails(job: Job) -> None:
        attempts.append((job.attempt, job.key))
        raise ConnectionError("refused")

    with Worker(process, client=bpmn).running():
        found = bpmn.start("fails")
        (incident,) = until(lambda: list(bpmn.incidents(process_instance_id=found.id)), "an incident")
    assert [attempt for attempt, _ in attempts] == [1, 2, 3]
    assert len({key for _, key in attempts}) == 1
    assert incident.error.startswith("ConnectionError: refused (test_decorators.py:")
    assert "Traceback" in incident.error


def test_a_handler_decides_by_itself_whether_it_is_tried_again(bpmn: Client):
    process = Process("decides", bpmn=tasks("decides", "a"), backoff="1h")

    @process.execute("a")
    def decides(job: Job) -> None:
        if job.attempt == 1:
            raise Fail("once more", retry_in="0s")
        raise ExceptionGroup("two", [Fail("enough", retry=False)])

    with Worker(process, client=bpmn).running():
        found = bpmn.start("decides")
        (incident,) = until(lambda: list(bpmn.incidents(process_instance_id=found.id)), "an incident")
    assert incident.error.startswith("ExceptionGroup: two (1 sub-exception)")


def test_an_escalation_is_thrown(bpmn: Client):
    process = Process(
        "escalates",
        bpmn=model(
            "escalates",
            "startEvent start",
            "serviceTask a",
            'boundaryEvent late attachedToRef="a"|<escalationEventDefinition/>',
            "endEvent end",
            more='<endEvent id="other"/><sequenceFlow id="f" sourceRef="late" targetRef="other"/>',
        ),
    )

    @process.execute("a")
    def escalate() -> None:
        try:
            raise Escalation("late", variables={"why": "slow"})
        except Escalation as error:
            raise RuntimeError("wrapped") from error

    process.escalation_code("late")(lambda: "")
    with Worker(process, client=bpmn).running():
        found = bpmn.start("escalates", wait=LONG, returns=["why"])
    assert (found.state, found.variables) == ("COMPLETED", {"why": "slow"})


def test_whatever_a_handler_raises_ends_neither_thread_nor_worker(bpmn: Client):
    process = Process("raises", bpmn=tasks("raises", "a", "b"), backoff="0s")
    raised: list[BaseException] = [SystemExit(3), KeyboardInterrupt(), RecursionError(), GeneratorExit()]

    @process.execute("a", retries=10)
    def raises() -> None:
        if raised:
            raise raised.pop()

    others: list[BaseException] = [SystemExit(3), KeyboardInterrupt()]

    @process.execute("b", retries=10)
    async def raises_too() -> None:
        if others:
            raise others.pop()

    with Worker(process, client=bpmn, threads=1).running():
        assert bpmn.start("raises", wait=LONG).state == "COMPLETED"
    assert not raised and not others
