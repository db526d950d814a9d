"""The processes of the load. In each, what must happen once is an element that can be counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.store.play import model

LIMIT = 2
TICKS = 15
TIMER = "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="m"/>'

ORDER = model("start -> work -> passed -> end", body='<intermediateThrowEvent id="passed"/>', process_id="order")
PARALLEL = model(
    "start -> fork -> left -> join -> passed -> end",
    "fork -> right -> join",
    body='<intermediateThrowEvent id="passed"/>',
    process_id="parallel",
)
WAIT = model(
    "start -> timer -> passed -> work -> end",
    body=f'<intermediateCatchEvent id="timer">{TIMER}</intermediateCatchEvent><intermediateThrowEvent id="passed"/>',
    process_id="wait",
)
PAID = model(
    "start -> message -> passed -> end",
    head='<message id="m" name="paid"/>',
    body=f'<intermediateCatchEvent id="message">{MESSAGE}</intermediateCatchEvent>'
    '<intermediateThrowEvent id="passed"/>',
    process_id="paid",
)
RUNG = model(
    "start -> signal -> passed -> end",
    body='<intermediateCatchEvent id="signal"><signalEventDefinition/></intermediateCatchEvent>'
    '<intermediateThrowEvent id="passed"/>',
    process_id="rung",
)
USER = model("start -> user -> passed -> end", body='<intermediateThrowEvent id="passed"/>', process_id="person")
LIMITED = model("start -> work -> passed -> end", body='<intermediateThrowEvent id="passed"/>', process_id="limited")
CALLER = model(
    "start -> call -> passed -> end",
    body='<callActivity id="call" calledElement="limited"/><intermediateThrowEvent id="passed"/>',
    process_id="caller",
)
BEGUN = model(
    "start -> work -> passed -> end",
    head='<message id="m" name="begin"/>',
    body=f'<startEvent id="start">{MESSAGE}</startEvent><intermediateThrowEvent id="passed"/>',
    process_id="begun",
)
TICKING = model(
    "start -> passed -> end",
    body=f'<startEvent id="start"><timerEventDefinition><timeCycle>R{TICKS}/PT1S</timeCycle></timerEventDefinition>'
    '</startEvent><intermediateThrowEvent id="passed"/>',
    process_id="ticking",
)


@dataclass(frozen=True)
class Process:
    id: str
    xml: str
    weight: int = 0
    """How often clients start it; 0 if they don't."""
    options: dict[str, Any] = field(default_factory=dict)


PROCESSES = (
    Process("order", ORDER, 3),
    Process("parallel", PARALLEL, 4),
    Process("wait", WAIT, 3),
    Process("paid", PAID, 3),
    Process("rung", RUNG, 2),
    Process("person", USER, 2),
    Process("limited", LIMITED, 2, {"parallelism": LIMIT}),
    Process("caller", CALLER, 2),
    Process("begun", BEGUN),
    Process("ticking", TICKING),
)
