"""Sending signals, and querying who waits for them."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Int32, Int64, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema
from app.api.schemas import process_variables, wait_timeout, worker_id
from app.api.waiting import Seen, answered, seconds_to_wait
from app.commands.signal import SendSignal
from app.criteria import Paging, SignalSubscriptionCriteria
from app.engine.records import Signal
from app.news import Happening

logger = logging.getLogger(__name__)

blp = Blueprint("signal", __name__, description="A signal reaches all its subscribers, by name.")


class SignalSchema(AnswerSchema):
    id = Int64(required=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    name = Text(required=True, example="example-signal")
    subscriber_count = Int32(required=True)
    delivered_count = Int32(
        extension=True, description="With `waitTimeout`: how many subscribers have moved on, or were started."
    )


class SignalSubscriptionSchema(AnswerSchema):
    id = Int64(required=True)
    partition = Partition(required=True)
    element_id = Int32(required=True)
    element_instance_id = Int32(required=True)
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="signalCatchEvent")
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    name = Text(required=True)


encode_signal = compile_encoder(SignalSchema, delivered_count=lambda _: None)
encode_subscription = compile_encoder(SignalSubscriptionSchema)


class SendSignalSchema(ApiSchema):
    name = ShortText(required=True, description="Signal name.")
    variables = process_variables(description="Variables to set or delete at process instance scope.")
    wait_timeout = wait_timeout("Duration to wait until all subscribers have moved on")
    worker_id = worker_id("ID of the worker that sends the signal.")


class SignalSubscriptionCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    process_instance_id = Int32(description="Process instance filter.")
    name = ShortText(description="Signal name filter.")


@blp.route("/events/signals", methods=["POST"], alias=True)
@blp.route("/signals", methods=["POST"])
@blp.arguments(SendSignalSchema)
@blp.response(200, SignalSchema)
def send_signal(body: dict[str, Any]) -> Response:
    """Sends a signal to notify signal subscribers.

    A subscriber can be a signal start, boundary or catch event. In case of a signal start event, a new process instance
    is created. In case of a signal boundary or catch event, an existing process instance is continued. That takes place
    a moment later, for which `waitTimeout` waits.
    """
    seconds = seconds_to_wait(body.pop("wait_timeout", ""))
    signal = service().execute(SendSignal(**body))
    if not seconds:
        return json_answer(encode_signal(signal))
    return answered(lambda: Happening("signal", None, signal.id), seconds, partial(_see_delivered, signal))


def _see_delivered(signal: Signal) -> Seen:
    """How many the signal has reached; what was sent is answered in any case."""
    answer = encode_signal(signal)
    try:
        outstanding = service().count_outstanding(signal.id)
    except Exception as error:
        logger.warning("the delivery of a signal can't be waited for: %s", type(error).__name__)
        return Seen(json_answer(answer), True)
    delivered = signal.subscriber_count - outstanding
    return Seen(json_answer({**answer, "deliveredCount": delivered}), not outstanding)


@blp.route("/signals/subscriptions/query", methods=["POST"], extension=True)
@blp.paged_by(SignalSubscriptionCriteria)
@blp.arguments(SignalSubscriptionCriteriaSchema)
@blp.response(200, page_of(SignalSubscriptionSchema))
def query_signal_subscriptions(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a signal subscription query."""
    return find(encode_subscription, SignalSubscriptionCriteria(**body), paging)
