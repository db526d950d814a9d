"""What a worker hands in when it completes a job or updates a user task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.timer import Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    encoding: str
    value: str = field(repr=False)
    encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableInput:
    """A variable to set, or to delete where `data` is None."""

    name: str
    data: Data | None = None
    bpmn_element_id: str = ""
    """Element variables only: the enclosing scope to write to; empty is the element itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalledProcess:
    bpmn_process_id: str = ""
    bpmn_element_id: str = ""
    """The start event, where there are several."""
    correlation_key: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[VariableInput, ...] = ()
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The outcome a worker reports; fields that do not belong to the type of the job are ignored."""

    activities: tuple[str, ...] = ()
    called_process: CalledProcess | None = None
    condition_fulfilled: bool | None = None
    error_code: str = ""
    error_message: str = ""
    escalation_code: str = ""
    exclusive_gateway_decision: str = ""
    inclusive_gateway_decision: tuple[str, ...] = ()
    loop_cardinality: int | None = None
    message_correlation_key: str = ""
    message_name: str = ""
    signal_name: str = ""
    timer: Timer | None = None
    """None when absent; a `Timer()` without any field when an empty object was sent."""
