"""Elements of deployed processes, and the instances of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, empty
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder, encode_timer, inner_number
from app.api.fields import Choice, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.rules import MOST_ITEMS
from app.api.schemas import choices, reason, worker_id
from app.bpmn.model import ElementType, EventDefinition
from app.commands.activity import SelectActivities
from app.criteria import ElementCriteria, ElementInstanceCriteria, Paging
from app.engine.records import DeployedElement
from app.engine.types import InstanceState

blp = Blueprint("element", __name__, description="An element of a process; an element instance is one visit of it.")


class EventTimerSchema(AnswerSchema):
    """A timer as it is answered: the duration is always there, and null where there is none."""

    time = Timestamp()
    time_cycle = Text(example="0 * * * *", description="A cron expression, or a repeating interval from the model.")
    time_duration = Text(required=True, example="PT1H", facts={"nullable": True})


class EventDefinitionSchema(AnswerSchema):
    suspended = Flag(required=True, description="Whether a newer process version has taken the place of this one.")
    error_code = Text()
    escalation_code = Text()
    message_name = Text()
    signal_name = Text()
    timer = Object(EventTimerSchema)


class ElementSchema(AnswerSchema):
    id = Int32(required=True)
    process_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="serviceTask")
    bpmn_element_name = Text(extension=True)
    bpmn_element_type = Choice(ElementType, "element type", required=True)
    multi_instance = Flag(extension=True, description="Whether it has a multi-instance marker.")
    parent_bpmn_element_id = Text(extension=True)
    event_definition = Object(EventDefinitionSchema, extension=True)
    event_definitions = Many(
        Object(EventDefinitionSchema),
        extension=True,
        description="Of an event with several definitions all of these, in the order of the BPMN file; "
        "`eventDefinition` is the first one. What a definition does not say, such as a condition, is left out.",
    )


class ElementInstanceSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    parent_id = Int32()
    prev_id = Int32(
        extension=True,
        description="The element instance it came from; of a boundary event the one that the event is attached to.",
    )
    prev_bpmn_element_id = Text(extension=True, description="The BPMN element of that one.")
    element_id = Int32(required=True)
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    bpmn_element_id = Text(required=True, example="serviceTask")
    bpmn_element_type = Choice(ElementType, "element type", required=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    ended_at = Timestamp()
    loop_counter = Int32(
        extension=True,
        description="Of an instance inside of an activity that has a loop or multi-instance marker: its number, from "
        "1. `parentId` is the element instance that it is inside of.",
    )
    multi_instance = Flag(
        extension=True, description="Whether the instances of a multi-instance activity are inside of it."
    )
    started_at = Timestamp()
    state = Choice(InstanceState, "instance state", required=True)


def _event_definition(element: DeployedElement) -> dict[str, Any] | None:
    return _encode(element.definition, suspended=element.suspended) if element.definition is not None else None


def _event_definitions(element: DeployedElement) -> list[dict[str, Any]]:
    return [_encode(part.definition or EventDefinition(), suspended=part.suspended) for part in element.parts]


def _encode(definition: EventDefinition, *, suspended: bool) -> dict[str, Any]:
    encoded: dict[str, Any] = {"suspended": suspended}
    codes = {
        "errorCode": definition.error_code,
        "escalationCode": definition.escalation_code,
        "messageName": definition.message_name,
        "signalName": definition.signal_name,
    }
    encoded |= {name: code for name, code in codes.items() if code}
    if definition.timer is not None:
        encoded["timer"] = encode_timer(definition.timer)
    return encoded


encode_element = compile_encoder(
    ElementSchema, event_definition=_event_definition, event_definitions=_event_definitions
)
encode_element_instance = compile_encoder(ElementInstanceSchema, loop_counter=inner_number)


class SelectActivitiesSchema(ApiSchema):
    activities = Many(
        ShortText(),
        least=1,
        most=MOST_ITEMS,
        required=True,
        description="IDs of enabled activities to start; an ID may be repeated where they are not performed in turn.",
    )
    worker_id = worker_id("ID of who selects the activities.")
    reason = reason()


class ElementCriteriaSchema(ApiSchema):
    process_id = Int32(description="Process filter.")
    bpmn_element_id = ShortText(description="BPMN element ID filter.")


class ElementInstanceCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Element instance filter.")
    parent_id = Int32(description="Parent element instance filter.", extension=True)
    process_id = Int32(description="Process filter.")
    process_instance_id = Int32(description="Process instance filter.")
    bpmn_element_id = ShortText(description="BPMN element ID filter.")
    states = Many(Choice(InstanceState, "instance state"), most=7, unique=True, description="States to include.")
    bpmn_element_types = choices(ElementType, "element type", "Types of elements to include.")
    active = Flag(description="Whether only element instances are included that have not ended.", extension=True)


@blp.route("/elements/query", methods=["POST"])
@blp.paged_by(ElementCriteria)
@blp.arguments(ElementCriteriaSchema)
@blp.response(200, page_of(ElementSchema))
def query_elements(body: dict[str, Any], paging: Paging) -> Response:
    """Performs an element query."""
    return find(encode_element, ElementCriteria(**body), paging)


@blp.route("/element-instances/query", methods=["POST"])
@blp.paged_by(ElementInstanceCriteria)
@blp.arguments(ElementInstanceCriteriaSchema)
@blp.response(200, page_of(ElementInstanceSchema))
def query_element_instances(body: dict[str, Any], paging: Paging) -> Response:
    """Performs an element instance query."""
    return find(encode_element_instance, ElementInstanceCriteria(**body), paging)


@blp.route("/element-instances/<partition>/<id>/activities", methods=["PATCH"], problems=(404, 409), extension=True)
@blp.arguments(SelectActivitiesSchema)
@blp.response(204)
def select_activities(body: dict[str, Any], partition: date, id: int) -> Response:
    """Starts activities of an ad-hoc sub-process.

    Enabled are those that no flow leads to, and those where tokens wait. A job that asks for activities stays open.
    """
    service().execute(SelectActivities(partition=partition, id=id, **body))
    return empty()
