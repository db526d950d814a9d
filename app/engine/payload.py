"""The parameters of a task, as the JSON text that clients see as `serializedTask` (engine contract 6.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.timer import Timer, counts_from_first_due, format_timestamp, parse_timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """What a task was created with; absent parameters are None."""

    bpmn_process_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    escalation_code: str | None = None
    expression: str | None = None
    """The slot whose expression is to be evaluated."""
    first_due_at: datetime | None = None
    """When the timer was due for the first time, where its further ticks are counted from there."""
    message_id: int | None = None
    part: int | None = None
    """Which of several definitions of its event has happened."""
    partition: date | None = None
    planned_at: datetime | None = None
    """When a timer would have been due that was brought forward: its further ticks are those after that."""
    process_instance_id: int | None = None
    signal_id: int | None = None
    timer: Timer | None = None

    def serialize(self) -> str | None:
        """The JSON text, or None without any parameter."""
        content: dict[str, Any] = {
            "BpmnProcessId": self.bpmn_process_id,
            "ErrorCode": self.error_code,
            "ErrorMessage": self.error_message,
            "EscalationCode": self.escalation_code,
            "Expression": self.expression,
            "FirstDueAt": format_timestamp(self.first_due_at) if self.first_due_at else None,
            "MessageId": self.message_id,
            "Part": self.part,
            "Partition": self.partition.isoformat() if self.partition else None,
            "PlannedAt": format_timestamp(self.planned_at) if self.planned_at else None,
            "ProcessInstanceId": self.process_instance_id,
            "SignalId": self.signal_id,
            "Timer": timer_content(self.timer) if self.timer else None,
        }
        content = {key: value for key, value in content.items() if value or (key == "Part" and value == 0)}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")) if content else None


def timer_payload(timer: Timer, due: datetime) -> Payload:
    """What the first task of a timer, which is due at `due`, is created with."""
    return Payload(timer=timer, first_due_at=due if counts_from_first_due(timer) else None)


def parse_payload(serialized: str | None) -> Payload:
    content: dict[str, Any] = json.loads(serialized) if serialized else {}
    timer = content.get("Timer")
    partition = content.get("Partition")
    first_due_at = content.get("FirstDueAt")
    planned_at = content.get("PlannedAt")
    return Payload(
        bpmn_process_id=content.get("BpmnProcessId"),
        error_code=content.get("ErrorCode"),
        error_message=content.get("ErrorMessage"),
        escalation_code=content.get("EscalationCode"),
        expression=content.get("Expression"),
        first_due_at=parse_timestamp(first_due_at) if first_due_at else None,
        message_id=content.get("MessageId"),
        part=content.get("Part"),
        partition=date.fromisoformat(partition) if partition else None,
        planned_at=parse_timestamp(planned_at) if planned_at else None,
        process_instance_id=content.get("ProcessInstanceId"),
        signal_id=content.get("SignalId"),
        timer=read_timer(timer) if timer else None,
    )


def timer_content(timer: Timer) -> dict[str, Any]:
    """What a task keeps of a timer: how often it may fire is a matter of its own."""
    content: dict[str, Any] = {}
    if timer.time:
        content["time"] = format_timestamp(timer.time)
    if timer.time_cycle:
        content["timeCycle"] = timer.time_cycle
    content["timeDuration"] = timer.time_duration or None
    return content


def read_timer(content: dict[str, Any], repetitions: int | None = None) -> Timer:
    time = content.get("time")
    return Timer(
        time=parse_timestamp(time) if time else None,
        time_cycle=content.get("timeCycle") or "",
        time_duration=content.get("timeDuration") or "",
        repetitions=repetitions,
    )
