"""Making, listing and revoking API keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from app.api.answer import Response, bare, empty, json_answer
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import compile_encoder
from app.api.fields import Choice, Flag, Int32, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.objects import AnswerSchema, ApiSchema, Many
from app.api.rules import MOST_ITEMS, MOST_OF_REASON, broken
from app.api.schemas import reason, worker_id
from app.caller import Role
from app.commands.key import RevokeApiKey
from app.criteria import ApiKeyCriteria, Paging

logger = logging.getLogger(__name__)

blp = Blueprint("key", __name__, description="An API key is what a client shows to be let in.")

_PROCESSES = "BPMN process IDs, or the beginning of IDs and `*`, of the processes that there are for the key."


class ApiKeySchema(AnswerSchema):
    id = Int32(required=True)
    secret_id = Text(required=True, example="shop")
    roles = Many(Choice(Role, "role"), required=True)
    bpmn_process_ids = Many(Text(), description=f"{_PROCESSES} Left out: all.")
    may_deploy = Flag()
    may_send = Flag()
    description = Text()
    created_at = Timestamp(required=True)
    created_by = Text()
    expires_at = Timestamp()
    last_used_at = Timestamp(description="To the minute.")


class CreatedApiKeySchema(ApiKeySchema):
    authorization = Text(
        required=True,
        description="What the client sends as `Authorization`, as it is or after `Bearer`. It is not shown again.",
    )


def _sorted_roles(key: Any) -> list[str]:
    return [role for role in Role if role in key.roles]


encode_key = compile_encoder(ApiKeySchema, roles=_sorted_roles)


def _name(value: str) -> None:
    if not value.strip():
        broken("required", "must not be blank", value)


def _pattern(value: str) -> None:
    _name(value)
    if "*" in value[:-1]:
        broken("bpmn_process_id", "may have a * at its end only", value)


class CreateApiKeySchema(ApiSchema):
    secret_id = ShortText(required=True, rule=_name, example="shop", description="A name that no other key has.")
    roles = Many(
        Choice(Role, "role"), most=len(Role), unique=True, required=True, make=frozenset, description="What it is for."
    )
    bpmn_process_ids = Many(
        ShortText(rule=_pattern),
        # Or a list that has come out empty would open all.
        least=1,
        most=MOST_ITEMS,
        unique=True,
        description=f"{_PROCESSES} Left out: all.",
    )
    may_deploy = Flag(description="Whether it may deploy without the role ADMIN.")
    may_send = Flag(description="Whether it may send messages and signals, though it is bound to processes.")
    description = Text(most=MOST_OF_REASON, description="What the key is for.")
    expires_at = Timestamp(example="2099-12-31T23:59:59Z")
    worker_id = worker_id("ID of who makes the key.")
    reason = reason()


class RevokeApiKeySchema(ApiSchema):
    worker_id = worker_id("ID of who revokes the key.")
    reason = reason()


class ApiKeyCriteriaSchema(ApiSchema):
    secret_id = ShortText(description="Secret ID filter.")


_HINT = "BPMN_API_KEYS_OVER_HTTP is false"


def _if_enabled(view: Callable[..., Response]) -> Callable[..., Response]:
    """Refuses before the body is looked at."""

    @wraps(view)
    def guarded(**kwargs: Any) -> Response:
        if service().config.api_keys_over_http:
            return view(**kwargs)
        return bare(403, f"API keys are managed by the command only: {_HINT}.", {"X-Hint": _HINT})

    return guarded


@blp.route("/api-keys", methods=["POST"], problems=(409,), extension=True, repeatable=False)
@_if_enabled
@blp.arguments(CreateApiKeySchema)
@blp.response(201, CreatedApiKeySchema)
def create_api_key(body: dict[str, Any]) -> Response:
    """Makes an API key. Its authorization value is answered once, and kept nowhere."""
    key, authorization = service().keys.issue(body.pop("secret_id"), body.pop("expires_at", None), **body)
    logger.info("an API key was created", extra={"key": key.secret_id, "worker_id": key.created_by})
    return json_answer({**encode_key(key), "authorization": authorization}, 201)


@blp.route("/api-keys/query", methods=["POST"], extension=True)
@_if_enabled
@blp.paged_by(ApiKeyCriteria)
@blp.arguments(ApiKeyCriteriaSchema)
@blp.response(200, page_of(ApiKeySchema))
def query_api_keys(body: dict[str, Any], paging: Paging) -> Response:
    """Performs an API key query, which answers what is known about keys, without their secrets."""
    return find(encode_key, ApiKeyCriteria(**body), paging)


@blp.route("/api-keys/<id>/revoke", methods=["PATCH"], problems=(404,), extension=True)
@_if_enabled
@blp.arguments(RevokeApiKeySchema)
@blp.response(204)
def revoke_api_key(body: dict[str, Any], id: int) -> Response:
    """Deletes an API key.

    Requests with it are refused at once by the process that answers, and within seconds (BPMN_API_KEY_CACHE_TTL) by
    others.
    """
    secret_id = service().execute(RevokeApiKey(id=id, **body))
    service().keys.forget()
    logger.info("an API key was revoked", extra={"key": secret_id, "worker_id": body["worker_id"]})
    return empty()
