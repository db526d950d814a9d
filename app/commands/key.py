"""Making and revoking API keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.caller import Role
from app.commands.base import Audited
from app.commands.context import Context
from app.errors import conflict, not_found
from app.store.dialect import Write
from app.store.keys import DELETE_KEY, INSERT_KEY, ApiKey, row_of_key

_KEY = "api-key"
"""Guards the ids of keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateApiKey(Audited[ApiKey]):
    """`created_at` and `expires_at` are by the clock, which set-time does not move."""

    title = "failed to create API key"
    secret_id: str
    secret_hash: str
    worker_id: str
    created_at: datetime
    expires_at: datetime | None = None
    roles: frozenset[Role] = frozenset({Role.ADMIN})
    bpmn_process_ids: tuple[str, ...] = ()
    may_deploy: bool = False
    may_send: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApiKey(Audited[str]):
    """By one of the two; the result is the secret id."""

    title = "failed to revoke API key"
    worker_id: str
    id: int = 0
    secret_id: str = ""


def create_api_key(ctx: Context, cmd: CreateApiKey) -> ApiKey:
    ctx.tx.lock_key(_KEY)
    keys = ctx.tx.keys
    if keys.find(cmd.secret_id):
        raise conflict(f"secret ID {cmd.secret_id} already exists")
    key = ApiKey(
        id=keys.next_id(),
        secret_id=cmd.secret_id,
        secret_hash=cmd.secret_hash,
        created_at=cmd.created_at,
        expires_at=cmd.expires_at,
        roles=cmd.roles,
        bpmn_process_ids=cmd.bpmn_process_ids,
        may_deploy=cmd.may_deploy,
        may_send=cmd.may_send,
        description=cmd.description or None,
        created_by=cmd.worker_id,
    )
    ctx.tx.along(Write(INSERT_KEY, [row_of_key(key)]))
    return key


def revoke_api_key(ctx: Context, cmd: RevokeApiKey) -> str:
    """The key is gone then, and its id may be given to another one."""
    ctx.tx.lock_key(_KEY)
    keys = ctx.tx.keys
    key = keys.find(cmd.secret_id) if cmd.secret_id else keys.find_by_id(cmd.id)
    if key is None:
        raise not_found(f"API key {cmd.secret_id or cmd.id}")
    ctx.tx.along(Write(DELETE_KEY, [{"id": key.id}]))
    return key.secret_id
