"""The OpenAPI document: what flask-smorest cannot tell from routes and schemas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import flask_smorest  # type: ignore[import-untyped]  # has no annotations
from flask_smorest.spec.plugins import FlaskPlugin  # type: ignore[import-untyped]  # as above
from marshmallow import fields

from app.api import examples
from app.api.context import service
from app.api.fields import Choice, camel
from app.api.job_types import described
from app.api.objects import AnswerSchema, ApiSchema
from app.api.problem import RETRY_AFTER, ProblemSchema
from app.engine.types import JobType

_INT32 = {"type": "integer", "format": "int32"}
PAGE_PARAMETERS = [
    {
        "name": "offset",
        "in": "query",
        "description": "The number of results to skip, before returning any result.",
        "schema": {**_INT32, "minimum": 0, "default": 0},
    },
    {
        "name": "limit",
        "in": "query",
        "description": "Maximum number of results to return. If the limit is 0, a configured number (1000) applies. "
        "The largest limit is configured, too.",
        "schema": {**_INT32, "minimum": 0, "default": 0},
    },
]


def search_parameters(orders: Sequence[str]) -> list[dict[str, Any]]:
    """What a query can be asked for beside offset and limit."""
    return [
        {
            "name": "order",
            "in": "query",
            "x-extension": True,
            "description": "What the results are ordered by, `-` in front for descending; equal ones by partition and "
            "ID, in the same direction. `id` is the order by partition and ID, as without this parameter. What has not "
            "ended is no result in the order of `endedAt`.",
            "schema": {"type": "string", "enum": list(orders)},
        },
        {
            "name": "cursor",
            "in": "query",
            "x-extension": True,
            "description": "`nextCursor` of the page before, for the same criteria; empty for the first page. The "
            "pages have each result once, whatever is created meanwhile.",
            "schema": {"type": "string"},
        },
        {
            "name": "total",
            "in": "query",
            "x-extension": True,
            "description": "Whether all results are counted, up to a configured number (100000).",
            "schema": {"type": "boolean", "default": False},
        },
    ]


LIMIT = PAGE_PARAMETERS[1]
HISTORY_PARAMETERS = [
    LIMIT,
    {
        "name": "order",
        "in": "query",
        "description": "`-time` for the last one first.",
        "schema": {"type": "string", "enum": ["time", "-time"], "default": "time"},
    },
    {
        "name": "cursor",
        "in": "query",
        "description": "`nextCursor` of the page before; empty for the first page.",
        "schema": {"type": "string"},
    },
]
WAITING = {
    "name": "waiting",
    "in": "query",
    "x-extension": True,
    "description": "Whether it is told of each instance where it waits, and how many open incidents it has.",
    "schema": {"type": "boolean", "default": False},
}
FLOWS = {
    "name": "flows",
    "in": "query",
    "description": "Whether it is counted, too, from where to where tokens have gone.",
    "schema": {"type": "boolean", "default": False},
}
_PATH_PARAMETERS = {
    "partition": {
        "description": "Partition: the UTC date on which the process instance was created.",
        "schema": {"type": "string", "format": "date"},
    },
    "bpmnProcessId": {
        "description": "BPMN ID of a process that was deployed.",
        "schema": {"type": "string", "maxLength": 255},
    },
    "id": {"description": "ID, within the partition if there is one.", "schema": {**_INT32, "minimum": 1}},
}
_EXTENSIONS = {
    "JobType": [
        "CALL_PROCESS",
        "EVALUATE_ACTIVATION_CONDITION",
        "EVALUATE_COMPLETION_CONDITION",
        "EVALUATE_COMPLEX_GATEWAY",
        "EVALUATE_LOOP_CONDITION",
        "EVALUATE_OUTGOING_FLOWS",
        "PASS_VARIABLES",
        "SELECT_ACTIVITIES",
        "SET_LOOP_CARDINALITY",
        "SET_SIGNAL_NAME",
    ],
    "TaskType": ["EVALUATE_EXPRESSION", "TERMINATE_PROCESS_INSTANCE"],
    "ProblemType": ["BUG", "EXECUTION", "FORBIDDEN", "UNAVAILABLE", "UNKNOWN"],
    "ElementType": [
        "AD_HOC_SUB_PROCESS",
        "CALL_ACTIVITY",
        "CANCEL_BOUNDARY_EVENT",
        "CANCEL_END_EVENT",
        "COMPENSATION_BOUNDARY_EVENT",
        "COMPENSATION_END_EVENT",
        "COMPENSATION_START_EVENT",
        "COMPENSATION_THROW_EVENT",
        "COMPLEX_GATEWAY",
        "CONDITIONAL_BOUNDARY_EVENT",
        "CONDITIONAL_CATCH_EVENT",
        "CONDITIONAL_START_EVENT",
        "ERROR_END_EVENT",
        "ERROR_START_EVENT",
        "ESCALATION_END_EVENT",
        "ESCALATION_START_EVENT",
        "ESCALATION_THROW_EVENT",
        "EVENT_BASED_GATEWAY",
        "EVENT_SUB_PROCESS",
        "LINK_CATCH_EVENT",
        "LINK_THROW_EVENT",
        "MESSAGE_END_EVENT",
        "MESSAGE_THROW_EVENT",
        "MULTIPLE_BOUNDARY_EVENT",
        "MULTIPLE_CATCH_EVENT",
        "MULTIPLE_END_EVENT",
        "MULTIPLE_START_EVENT",
        "MULTIPLE_THROW_EVENT",
        "PARALLEL_MULTIPLE_BOUNDARY_EVENT",
        "PARALLEL_MULTIPLE_CATCH_EVENT",
        "PARALLEL_MULTIPLE_START_EVENT",
        "RECEIVE_TASK",
        "SIGNAL_END_EVENT",
        "SIGNAL_THROW_EVENT",
        "SUB_PROCESS",
        "TRANSACTION",
        "USER_TASK",
    ],
}
"""Values that the customer's document does not know, by enumeration."""

_NULL = {"type": "object", "nullable": True, "enum": [None]}

_BARE = {HTTPStatus.NOT_MODIFIED, HTTPStatus.UNAUTHORIZED}
"""Answers without a body."""

TAGGED = {
    "ETag": {"description": "Tells this content apart from others.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How long the content may be kept.", "schema": {"type": "string"}},
}
"""Headers of an answer that need not be asked for again."""

_HEADERS: dict[HTTPStatus, dict[str, Any]] = {
    HTTPStatus.NOT_MODIFIED: TAGGED,
    HTTPStatus.UNAUTHORIZED: {
        "WWW-Authenticate": {
            "description": "The schemes of credentials that are accepted.",
            "schema": {"type": "string"},
        }
    },
    HTTPStatus.FORBIDDEN: {
        "X-Hint": {
            "description": "The option that forbids the operation; then there is no body.",
            "schema": {"type": "string"},
        }
    },
    HTTPStatus.SERVICE_UNAVAILABLE: {
        "Retry-After": {
            "description": "Seconds after which the request should be sent again.",
            "schema": {"type": "integer", "minimum": RETRY_AFTER},
        }
    },
}

SECURITY_SCHEMES = {
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "An API key as it was printed when it was created, without a scheme.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same key, with the scheme Bearer."},
    "basic": {"type": "http", "scheme": "basic", "description": "The configured pair of user name and password."},
}

_DESCRIPTION = """API to interact with a BPMN 2.0 process engine.

Every response carries `X-Request-Id`, taken over from the request where it has one. In requests, null and zero values
mean the same as an absent property. What is marked `x-extension` goes beyond the original API; `x-also-accepts` is an
alternative form of a request property.

A request that writes can be named by `Idempotency-Key`. When it is sent again, nothing is done a second time, and the
answer, with `Idempotency-Replayed: true`, is the first one. Refused requests (4xx, 5xx) are not remembered.

While the database is away or busy, operations are answered by 503 with `Retry-After`. A path that exists, but not for
the method, is answered by 404 with `Allow`.

The examples work as they are, when they are sent to an empty database in the order of `x-example-order`."""


class _PathPlugin(FlaskPlugin):  # type: ignore[misc]  # has no annotations
    """Path parts arrive as texts, since a malformed one is answered by a problem; documented is what they mean."""

    def rule_to_params(self, rule: Any) -> list[dict[str, Any]]:
        operation = camel(rule.endpoint.rpartition(".")[2])
        return [
            {**parameter, **_PATH_PARAMETERS[name], **examples.of_path(operation, name)}
            for parameter in super().rule_to_params(rule)
            for name in [parameter["name"]]
        ]


class Api(flask_smorest.Api):  # type: ignore[misc]  # has no annotations
    """Collects the document, and nothing else. What it takes for this is no part of a start."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Any) -> None:
        options = {
            "title": "py-bpmn",
            "version": "1.0.0",
            "openapi_version": "3.0.3",
            "flask_plugin": _PathPlugin(),
            "info": {"description": _DESCRIPTION},
            "security": [{name: []} for name in SECURITY_SCHEMES],
            "x-example-order": list(examples.ORDER),
        }
        super().__init__(app, spec_kwargs=options)
        # Before any schema is looked at: a component is described once.
        self.ma_plugin.converter.add_attribute_function(_describe)
        for name, scheme in SECURITY_SCHEMES.items():
            self.spec.components.security_scheme(name, scheme)
        for status in HTTPStatus:
            self.spec.components.response(status.name, _response(status), lazy=True)

    def document(self, blueprints: Iterable[flask_smorest.Blueprint]) -> dict[str, Any]:
        """The document of blueprints that are registered, with what is configured for the service; asked once."""
        for blueprint in blueprints:
            blueprint.register_views_in_doc(self, self._app, self.spec, name=blueprint.name, parameters=None)
            self.spec.tag({"name": blueprint.name, "description": blueprint.description})
        document: dict[str, Any] = deepcopy(self.spec.to_dict())
        operations = (path.get(method, {}) for path in document["paths"].values() for method in ("get", "post"))
        for parameter in (each for operation in operations for each in operation.get("parameters", ())):
            if parameter["name"] == "limit":
                parameter["schema"]["maximum"] = service().config.max_query_limit
        return document

    def _register_error_handlers(self) -> None:
        """Leaves errors to `app.api.problem`."""

    def _register_responses(self) -> None:
        """Leaves the answers to errors to the constructor."""

    def _register_pagination_header(self) -> None:
        """Documents no header: pages are asked for by parameters only."""


def _response(status: HTTPStatus) -> dict[str, Any]:
    response: dict[str, Any] = {"description": status.phrase}
    if status in _HEADERS:
        response["headers"] = _HEADERS[status]
    if status not in _BARE:
        response["content"] = {"application/problem+json": {"schema": ProblemSchema}}
    return response


def _describe(converter: Any, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
    """Adds what clients need to know about one of our fields; apispec calls it as a method of its converter."""
    if isinstance(field, Choice):
        ret.pop("type")
        ret["$ref"] = _enumeration(converter, field.choices)
    if isinstance(field.parent, ApiSchema) and not isinstance(field.parent, AnswerSchema):
        if not field.required:
            ret["nullable"] = True
        elif ret.get("type") == "string":
            ret["minLength"] = 1
    if "$ref" in ret and len(ret) > 1:
        # Beside a reference everything else is ignored.
        ret["allOf"] = [{"$ref": ret.pop("$ref")}]
    if "allOf" in ret and ret.pop("nullable", False):
        # What is referred to is not null, whatever is said beside it.
        ret["anyOf"] = [*ret.pop("allOf"), _NULL]
    return {}


def _enumeration(converter: Any, choices: type[StrEnum]) -> str:
    """A reference to the enumeration, which becomes a component."""
    name = {"ErrorKind": "ProblemType"}.get(choices.__name__, choices.__name__)
    components = converter.spec.components
    if name not in components.schemas:
        component: dict[str, Any] = {"type": "string", "enum": [member.value for member in choices]}
        if choices is JobType:
            component["description"] = described()
        if name in _EXTENSIONS:
            component["x-extensions"] = _EXTENSIONS[name]
        components.schema(name, component)
    return f"#/components/schemas/{name}"
