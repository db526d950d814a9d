"""The registry: which behaviour each type of element has. A new type is a file here and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.bpmn.model import ElementType
from app.engine.elements.activity import Executed, UserTaskActivity, WorkerTask
from app.engine.elements.base import Behavior, NoneEndEvent
from app.engine.elements.call_activity import CallActivity
from app.engine.elements.error import ErrorBoundaryEvent, ErrorEndEvent
from app.engine.elements.escalation import EscalationBoundaryEvent, EscalationEndEvent, EscalationThrowEvent
from app.engine.elements.event_based import EventBasedGateway
from app.engine.elements.gateway import ExclusiveGateway, InclusiveGateway, ParallelGateway
from app.engine.elements.message import MessageBoundaryEvent, MessageCatchEvent
from app.engine.elements.signal import SignalBoundaryEvent, SignalCatchEvent, SignalThrowEvent
from app.engine.elements.sub_process import ProcessScope, SubProcess
from app.engine.elements.timer import TimerBoundaryEvent, TimerCatchEvent

if TYPE_CHECKING:
    from app.engine.graph import Node

BEHAVIORS: Mapping[ElementType, Behavior] = {
    ElementType.BUSINESS_RULE_TASK: WorkerTask(),
    ElementType.CALL_ACTIVITY: CallActivity(),
    ElementType.ERROR_BOUNDARY_EVENT: ErrorBoundaryEvent(),
    ElementType.ERROR_END_EVENT: ErrorEndEvent(),
    ElementType.ESCALATION_BOUNDARY_EVENT: EscalationBoundaryEvent(),
    ElementType.ESCALATION_END_EVENT: EscalationEndEvent(),
    ElementType.ESCALATION_THROW_EVENT: EscalationThrowEvent(),
    ElementType.EVENT_BASED_GATEWAY: EventBasedGateway(),
    ElementType.EXCLUSIVE_GATEWAY: ExclusiveGateway(),
    ElementType.INCLUSIVE_GATEWAY: InclusiveGateway(),
    ElementType.LINK_CATCH_EVENT: Behavior(),
    ElementType.LINK_THROW_EVENT: Behavior(),
    ElementType.MANUAL_TASK: Behavior(),
    ElementType.MESSAGE_BOUNDARY_EVENT: MessageBoundaryEvent(),
    ElementType.MESSAGE_CATCH_EVENT: MessageCatchEvent(),
    ElementType.MESSAGE_END_EVENT: Executed(),
    ElementType.MESSAGE_START_EVENT: Behavior(),
    ElementType.MESSAGE_THROW_EVENT: Executed(),
    ElementType.NONE_END_EVENT: NoneEndEvent(),
    ElementType.NONE_START_EVENT: Behavior(),
    ElementType.NONE_THROW_EVENT: Behavior(),
    ElementType.PARALLEL_GATEWAY: ParallelGateway(),
    ElementType.PROCESS: ProcessScope(),
    ElementType.SCRIPT_TASK: WorkerTask(),
    ElementType.SEND_TASK: WorkerTask(),
    ElementType.SERVICE_TASK: WorkerTask(),
    ElementType.SIGNAL_BOUNDARY_EVENT: SignalBoundaryEvent(),
    ElementType.SIGNAL_CATCH_EVENT: SignalCatchEvent(),
    ElementType.SIGNAL_END_EVENT: SignalThrowEvent(),
    ElementType.SIGNAL_START_EVENT: Behavior(),
    ElementType.SIGNAL_THROW_EVENT: SignalThrowEvent(),
    ElementType.SUB_PROCESS: SubProcess(),
    ElementType.TASK: Behavior(),
    ElementType.TIMER_BOUNDARY_EVENT: TimerBoundaryEvent(),
    ElementType.TIMER_CATCH_EVENT: TimerCatchEvent(),
    ElementType.TIMER_START_EVENT: Behavior(),
    ElementType.USER_TASK: UserTaskActivity(),
}


def behavior_of(node: Node) -> Behavior:
    return BEHAVIORS[node.type]
