"""Sending and querying messages, and querying who waits for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from functools import partial
from typing import Any

from app.api.answer import Response, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, Int64, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema
from app.api.schemas import TimerField, process_variables, wait_timeout, worker_id
from app.api.waiting import Seen, answered, seconds_to_wait
from app.commands.message import SendMessage
from app.criteria import MessageCriteria, MessageSubscriptionCriteria, Paging
from app.engine.records import Message, Receiver
from app.engine.types import MessageResult, WorkState
from app.news import Happening

logger = logging.getLogger(__name__)

blp = Blueprint("message", __name__, description="A message reaches one subscriber, by name and correlation key.")


class MessageSchema(AnswerSchema):
    id = Int64(required=True)
    correlation_key = Text(required=True, example="example-key")
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    expires_at = Timestamp()
    correlated = Flag(required=True)
    name = Text(required=True, example="example-message")
    unique_key = Text()
    result = Choice(
        MessageResult,
        "message result",
        extension=True,
        description="What becomes of the message; given when it is sent. `DELIVERED` to an element that waits for it, "
        "which is named; `STARTING` an instance of the process that is named; `BUFFERED` until it expires; "
        "`DUPLICATE`: this is the message that had the unique key before; `DISCARDED`: nobody waits for it, and it "
        "has no time to live.",
    )
    partition = Partition(extension=True, description="With DELIVERED: that of the instance.")
    process_instance_id = Int32(extension=True, description="With DELIVERED.")
    bpmn_element_id = Text(extension=True, example="messageCatchEvent", description="With DELIVERED.")
    bpmn_process_id = Text(extension=True, example="messageStartTest", description="With STARTING.")
    version = Text(extension=True, description="With STARTING.")


class SentMessageSchema(MessageSchema):
    """A message, and what has become of it where that was waited for."""

    delivered = Flag(
        extension=True,
        description="With `waitTimeout`: whether the receiver has moved on, or the instance was started: its "
        "`partition` and `processInstanceId` are given then, too.",
    )


class MessageSubscriptionSchema(AnswerSchema):
    id = Int64(required=True)
    partition = Partition(required=True)
    element_id = Int32(required=True)
    element_instance_id = Int32(required=True)
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="messageCatchEvent")
    correlation_key = Text(required=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    name = Text(required=True)


def _of_receiver(name: str) -> Callable[[Message], Any]:
    return lambda message: getattr(message.receiver, name) if message.receiver else None


encode_message = compile_encoder(MessageSchema, **{field.name: _of_receiver(field.name) for field in fields(Receiver)})
encode_subscription = compile_encoder(MessageSubscriptionSchema)


class SendMessageSchema(ApiSchema):
    correlation_key = ShortText(
        required=True, description="Key, used to correlate a message subscription with the message."
    )
    expiration_timer = TimerField(description="Expiry of the message; without it, it expires immediately.")
    name = ShortText(required=True, description="Message name.")
    require_receiver = Flag(
        extension=True,
        description="Whether a message that nobody waits for is answered by a problem of type NOT_FOUND and not kept, "
        "neither buffered nor discarded. A repetition by unique key is still answered by the message that exists.",
    )
    unique_key = ShortText(
        description="Optional key that uniquely identifies the message. If a message with the same name, correlation "
        "key and unique key already exists, the message is discarded, and the one that exists is the answer: be it "
        "buffered, consumed or expired, until it is purged (BPMN_MESSAGE_UNIQUE_RETENTION, a day by default, after it "
        "expired or was consumed). A message that started a process instance frees its key when that has ended."
    )
    variables = process_variables(description="Variables to set or delete at process instance scope.")
    wait_timeout = wait_timeout("Duration to wait until the receiver has moved on, or the instance was started")
    worker_id = worker_id("ID of the worker that sends the message.")


class MessageCriteriaSchema(ApiSchema):
    id = Int64(description="Message filter.")
    exclude_expired = Flag(description="Whether expired messages are left out.")
    name = ShortText(description="Message name filter.")
    correlation_key = ShortText(description="Correlation key filter.", extension=True)
    correlated = Flag(description="Whether only messages are included that have reached somebody.", extension=True)


class MessageSubscriptionCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    process_instance_id = Int32(description="Process instance filter.")
    correlation_key = ShortText(description="Correlation key filter.")
    name = ShortText(description="Message name filter.")


@blp.route("/events/messages", methods=["POST"], problems=(404,), alias=True)
@blp.route("/messages", methods=["POST"], problems=(404,))
@blp.arguments(SendMessageSchema)
@blp.response(200, SentMessageSchema)
def send_message(body: dict[str, Any]) -> Response:
    """Sends a message to notify a message subscriber or to buffer the message.

    A subscriber can be a message start, boundary or catch event. In case of a message start event, a new process
    instance is created. In case of a message boundary or catch event, an existing process instance is continued.
    `result` tells which of these it is; that takes place a moment later, for which `waitTimeout` waits.
    """
    seconds = seconds_to_wait(body.pop("wait_timeout", ""))
    message = service().execute(SendMessage(**body))
    receiver = message.receiver
    if seconds and receiver and receiver.task_partition and receiver.task_id:
        task = Happening("task", receiver.task_partition, receiver.task_id)
        see = partial(_see_delivered, message, receiver.task_partition, receiver.task_id)
        return answered(lambda: task, seconds, see)
    answer = encode_message(message)
    if seconds and message.result is not MessageResult.DUPLICATE:
        answer["delivered"] = False
    return json_answer(answer)


def _see_delivered(message: Message, task_partition: date, task_id: int) -> Seen:
    """What has come of the task that delivers the message; what was sent is answered in any case."""
    try:
        task = service().see_task(task_partition, task_id)
    except Exception as error:
        logger.warning("the delivery of a message can't be waited for: %s", type(error).__name__)
        return Seen(json_answer({**encode_message(message), "delivered": False}), True)
    is_delivered = task is not None and task.state is WorkState.DONE
    if task and is_delivered and message.result is MessageResult.STARTING:
        receiver = message.receiver or Receiver()
        message.receiver = replace(receiver, partition=task.partition, process_instance_id=task.process_instance_id)
    is_over = task is None or task.completed_at is not None
    return Seen(json_answer({**encode_message(message), "delivered": is_delivered}), is_over)


@blp.route("/events/messages/query", methods=["POST"], alias=True)
@blp.route("/messages/query", methods=["POST"])
@blp.paged_by(MessageCriteria)
@blp.arguments(MessageCriteriaSchema)
@blp.response(200, page_of(MessageSchema))
def query_messages(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a message query."""
    return find(encode_message, MessageCriteria(**body), paging)


@blp.route("/messages/subscriptions/query", methods=["POST"], extension=True)
@blp.paged_by(MessageSubscriptionCriteria)
@blp.arguments(MessageSubscriptionCriteriaSchema)
@blp.response(200, page_of(MessageSubscriptionSchema))
def query_message_subscriptions(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a message subscription query."""
    return find(encode_subscription, MessageSubscriptionCriteria(**body), paging)
