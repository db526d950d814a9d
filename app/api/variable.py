"""Variables of process instances and element instances."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.api.answer import Response, empty
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder, listed
from app.api.fields import Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many
from app.api.params import variable_filter
from app.api.rules import MOST_CHARACTERS, MOST_NAMES
from app.api.schemas import (
    DataSchema,
    ElementVariableSchema,
    ProcessVariableSchema,
    element_variables,
    process_variables,
    reason,
    results_of,
    worker_id,
)
from app.commands.variable import (
    GetElementVariables,
    GetProcessVariables,
    SetElementVariables,
    SetProcessVariables,
)
from app.criteria import Paging, VariableCriteria

blp = Blueprint(
    "variable",
    __name__,
    description="A variable is data, identified by a name, in the scope of a process or element instance.",
)


class VariableSchema(AnswerSchema):
    """What is known about a variable, without its value."""

    partition = Partition(required=True)
    id = Int32(required=True)
    element_id = Int32()
    element_instance_id = Int32()
    process_id = Int32(required=True)
    process_instance_id = Int32(required=True)
    created_at = Timestamp(required=True)
    created_by = Text(required=True)
    encoding = Text(required=True, example="json")
    encrypted = Flag(required=True)
    name = Text(required=True)
    updated_at = Timestamp(required=True)
    updated_by = Text(required=True)


encode_variable = compile_encoder(VariableSchema)
encode_data = compile_encoder(DataSchema)
encode_process_variable = compile_encoder(ProcessVariableSchema, data=encode_data)
encode_element_variable = compile_encoder(ElementVariableSchema, data=encode_data)

_TO_SET = "Variables to set or delete. For a variable deletion, no data must be provided."


class SetElementVariablesSchema(ApiSchema):
    variables = element_variables(object_form=True, description=_TO_SET)
    worker_id = worker_id("ID of the worker that sets the variables.")
    reason = reason()


class SetProcessVariablesSchema(ApiSchema):
    variables = process_variables(object_form=True, description=_TO_SET)
    worker_id = worker_id("ID of the worker that sets the variables.")
    reason = reason()


class VariableCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    element_instance_id = Int32(description="Element instance filter.")
    process_instance_id = Int32(description="Process instance filter.")
    names = Many(ShortText(), most=MOST_NAMES, description="Names of variables to include.")


_NAMES = {
    "name": "names",
    "in": "query",
    "description": "Comma separated list of variables to include: at most "
    f"{MOST_NAMES} names of at most {MOST_CHARACTERS} characters.",
    "schema": {"type": "string"},
    "example": "a,b,c",
}
_EXCLUDE_PARENTS = {
    "name": "excludeParentVariables",
    "in": "query",
    "description": "Whether to leave out variables of the scopes that enclose the element instance.",
    "schema": {"type": "boolean", "default": False},
    "x-extension": True,
}


@blp.route("/element-instances/<partition>/<id>/variables", problems=(404,))
@blp.parameters(_NAMES, _EXCLUDE_PARENTS)
@blp.response(200, results_of(ElementVariableSchema, "variables", "GetElementVariablesResSchema"))
def get_element_variables(partition: date, id: int) -> Response:
    """Gets variables of an active or ended element instance."""
    command = GetElementVariables(partition=partition, id=id, **variable_filter()._asdict())
    return listed(encode_element_variable, service().execute(command), "variables")


@blp.route("/element-instances/<partition>/<id>/variables", methods=["PUT"], problems=(404, 409))
@blp.arguments(SetElementVariablesSchema)
@blp.response(204)
def set_element_variables(body: dict[str, Any], partition: date, id: int) -> Response:
    """Sets or deletes variables of an active element instance."""
    service().execute(SetElementVariables(partition=partition, id=id, **body))
    return empty()


@blp.route("/process-instances/<partition>/<id>/variables", problems=(404,))
@blp.parameters(_NAMES)
@blp.response(200, results_of(ProcessVariableSchema, "variables", "GetProcessVariablesResSchema"))
def get_process_variables(partition: date, id: int) -> Response:
    """Gets variables of an active or ended process instance."""
    command = GetProcessVariables(partition=partition, id=id, names=variable_filter().names)
    return listed(encode_process_variable, service().execute(command), "variables")


@blp.route("/process-instances/<partition>/<id>/variables", methods=["PUT"], problems=(404, 409))
@blp.arguments(SetProcessVariablesSchema)
@blp.response(204)
def set_process_variables(body: dict[str, Any], partition: date, id: int) -> Response:
    """Sets or deletes variables of an active process instance."""
    service().execute(SetProcessVariables(partition=partition, id=id, **body))
    return empty()


@blp.route("/variables/query", methods=["POST"])
@blp.paged_by(VariableCriteria)
@blp.arguments(VariableCriteriaSchema)
@blp.response(200, page_of(VariableSchema))
def query_variables(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a variable query, which answers what is known about variables, without their values."""
    return find(encode_variable, VariableCriteria(**body), paging)
