"""Sending signals, and querying who waits for them."""

from __future__ import annotations

from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import AnswerSchema, ApiSchema, Int32, Int64, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.schemas import process_variables, worker_id
from app.commands.signal import SendSignal
from app.criteria import Paging, SignalSubscriptionCriteria

blp = Blueprint("signal", __name__, description="A signal reaches all its subscribers, by name.")


class SignalSchema(AnswerSchema):
    id = Int64(required=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    name = Text(required=True, example="example-signal")
    subscriber_count = Int32(required=True)


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


encode_signal = compile_encoder(SignalSchema)
encode_subscription = compile_encoder(SignalSubscriptionSchema)


class SendSignalSchema(ApiSchema):
    name = ShortText(required=True, description="Signal name.")
    variables = process_variables(description="Variables to set or delete at process instance scope.")
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
    is created. In case of a signal boundary or catch event, an existing process instance is continued.
    """
    return json_answer(encode_signal(service().execute(SendSignal(**body))))


@blp.route("/signals/subscriptions/query", methods=["POST"], extension=True)
@blp.paged_by(SignalSubscriptionCriteria)
@blp.arguments(SignalSubscriptionCriteriaSchema)
@blp.response(200, page_of(SignalSubscriptionSchema))
def query_signal_subscriptions(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a signal subscription query."""
    return find(encode_subscription, SignalSubscriptionCriteria(**body), paging)
