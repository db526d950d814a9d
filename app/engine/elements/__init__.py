"""The registry: which behaviour each type of element has. A new type is a file here and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.bpmn.model import ElementType
from app.engine.elements.activity import UserTaskActivity, WorkerTask
from app.engine.elements.ad_hoc import AdHocSubProcess
from app.engine.elements.base import Behavior, NoneEndEvent
from app.engine.elements.call_activity import CallActivity
from app.engine.elements.compensation import CancelBoundary, CancelEnd, CompensationThrow
from app.engine.elements.complex_gateway import ComplexGateway
from app.engine.elements.conditional import ConditionalTrigger
from app.engine.elements.error import ErrorTrigger, ThrownError
from app.engine.elements.escalation import EscalationTrigger, ThrownEscalation
from app.engine.elements.event import BoundaryEvent, CatchEvent, EndEvent, HandlerStart, ThrowEvent
from app.engine.elements.event_based import EventBasedGateway
from app.engine.elements.gateway import ExclusiveGateway, InclusiveGateway, ParallelGateway
from app.engine.elements.loop import MultiInstance, StandardLoop
from app.engine.elements.message import MessageTrigger
from app.engine.elements.multiple import MultipleThrow
from app.engine.elements.multiple_trigger import MultipleTrigger, ParallelMultipleTrigger
from app.engine.elements.receive_task import ReceiveTask
from app.engine.elements.sending import MessageThrow, SendTask
from app.engine.elements.signal import SignalTrigger, ThrownSignal
from app.engine.elements.sub_process import EventSubProcess, ProcessScope, SubProcess
from app.engine.elements.timer import TimerTrigger

if TYPE_CHECKING:
    from app.engine.graph import Node

MULTI_INSTANCE = MultiInstance()
STANDARD_LOOP = StandardLoop()
BEHAVIORS: Mapping[ElementType, Behavior] = {
    ElementType.AD_HOC_SUB_PROCESS: AdHocSubProcess(),
    ElementType.BUSINESS_RULE_TASK: WorkerTask(),
    ElementType.CALL_ACTIVITY: CallActivity(),
    ElementType.CANCEL_BOUNDARY_EVENT: CancelBoundary(),
    ElementType.CANCEL_END_EVENT: CancelEnd(),
    ElementType.COMPLEX_GATEWAY: ComplexGateway(),
    ElementType.COMPENSATION_BOUNDARY_EVENT: Behavior(),
    ElementType.COMPENSATION_END_EVENT: CompensationThrow(),
    ElementType.COMPENSATION_START_EVENT: Behavior(),
    ElementType.COMPENSATION_THROW_EVENT: CompensationThrow(),
    ElementType.CONDITIONAL_BOUNDARY_EVENT: BoundaryEvent(ConditionalTrigger()),
    ElementType.CONDITIONAL_CATCH_EVENT: CatchEvent(ConditionalTrigger()),
    ElementType.ERROR_BOUNDARY_EVENT: BoundaryEvent(ErrorTrigger()),
    ElementType.ERROR_END_EVENT: EndEvent(ThrownError()),
    ElementType.ESCALATION_BOUNDARY_EVENT: BoundaryEvent(EscalationTrigger()),
    ElementType.ESCALATION_END_EVENT: EndEvent(ThrownEscalation()),
    ElementType.ESCALATION_THROW_EVENT: ThrowEvent(ThrownEscalation()),
    ElementType.EVENT_BASED_GATEWAY: EventBasedGateway(),
    ElementType.EVENT_SUB_PROCESS: EventSubProcess(),
    ElementType.EXCLUSIVE_GATEWAY: ExclusiveGateway(),
    ElementType.INCLUSIVE_GATEWAY: InclusiveGateway(),
    ElementType.LINK_CATCH_EVENT: Behavior(),
    ElementType.LINK_THROW_EVENT: Behavior(),
    ElementType.MANUAL_TASK: Behavior(),
    ElementType.MESSAGE_BOUNDARY_EVENT: BoundaryEvent(MessageTrigger()),
    ElementType.MESSAGE_CATCH_EVENT: CatchEvent(MessageTrigger()),
    ElementType.MESSAGE_END_EVENT: MessageThrow(),
    ElementType.MESSAGE_START_EVENT: Behavior(),
    ElementType.MESSAGE_THROW_EVENT: MessageThrow(),
    ElementType.MULTIPLE_BOUNDARY_EVENT: BoundaryEvent(MultipleTrigger()),
    ElementType.MULTIPLE_CATCH_EVENT: CatchEvent(MultipleTrigger()),
    ElementType.MULTIPLE_END_EVENT: MultipleThrow(),
    ElementType.MULTIPLE_START_EVENT: Behavior(),
    ElementType.MULTIPLE_THROW_EVENT: MultipleThrow(),
    ElementType.NONE_END_EVENT: NoneEndEvent(),
    ElementType.NONE_START_EVENT: Behavior(),
    ElementType.NONE_THROW_EVENT: Behavior(),
    ElementType.PARALLEL_GATEWAY: ParallelGateway(),
    ElementType.PARALLEL_MULTIPLE_BOUNDARY_EVENT: BoundaryEvent(ParallelMultipleTrigger()),
    ElementType.PARALLEL_MULTIPLE_CATCH_EVENT: CatchEvent(ParallelMultipleTrigger()),
    ElementType.PROCESS: ProcessScope(),
    ElementType.RECEIVE_TASK: ReceiveTask(),
    ElementType.SCRIPT_TASK: WorkerTask(),
    ElementType.SEND_TASK: SendTask(),
    ElementType.SERVICE_TASK: WorkerTask(),
    ElementType.SIGNAL_BOUNDARY_EVENT: BoundaryEvent(SignalTrigger()),
    ElementType.SIGNAL_CATCH_EVENT: CatchEvent(SignalTrigger()),
    ElementType.SIGNAL_END_EVENT: EndEvent(ThrownSignal()),
    ElementType.SIGNAL_START_EVENT: Behavior(),
    ElementType.SIGNAL_THROW_EVENT: ThrowEvent(ThrownSignal()),
    ElementType.SUB_PROCESS: SubProcess(),
    ElementType.TASK: Behavior(),
    ElementType.TIMER_BOUNDARY_EVENT: BoundaryEvent(TimerTrigger()),
    ElementType.TIMER_CATCH_EVENT: CatchEvent(TimerTrigger()),
    ElementType.TIMER_START_EVENT: Behavior(),
    ElementType.TRANSACTION: SubProcess(),
    ElementType.USER_TASK: UserTaskActivity(),
}


EVENTS_OF_HANDLERS: Mapping[ElementType, Behavior] = {
    ElementType.CONDITIONAL_START_EVENT: HandlerStart(ConditionalTrigger()),
    ElementType.ERROR_START_EVENT: HandlerStart(ErrorTrigger()),
    ElementType.ESCALATION_START_EVENT: HandlerStart(EscalationTrigger()),
    ElementType.MESSAGE_START_EVENT: HandlerStart(MessageTrigger()),
    ElementType.MULTIPLE_START_EVENT: HandlerStart(MultipleTrigger()),
    ElementType.PARALLEL_MULTIPLE_START_EVENT: HandlerStart(ParallelMultipleTrigger()),
    ElementType.SIGNAL_START_EVENT: HandlerStart(SignalTrigger()),
    ElementType.TIMER_START_EVENT: HandlerStart(TimerTrigger()),
}
"""Start events of event sub-processes, which wait for what they are about."""


def equip(node: Node) -> None:
    """Gives the node its behavior, and that of what its inner instances are inside of, if it has a marker."""
    node.is_handler = node.type is ElementType.EVENT_SUB_PROCESS
    node.starts_handler = node.parent is not None and node.parent.is_handler and node.type in EVENTS_OF_HANDLERS
    behaviors = EVENTS_OF_HANDLERS if node.starts_handler else BEHAVIORS
    node.behavior = behaviors[node.global_task or node.type]
    for part in node.parts:
        part.starts_handler = node.starts_handler
        part.behavior = behaviors[part.type]
    if node.loop is not None:
        node.body = MULTI_INSTANCE if node.loop.multi else STANDARD_LOOP
