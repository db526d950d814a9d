"""API keys as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Executable, bindparam, select, update

from app.caller import Grant, Role, scope_of
from app.store.dialect import NOTHING_ASSUMED, Dialect, Execution, Kind, Op, Row, Session, Wanted
from app.store.tables import ApiKeyRow, table

API_KEY = table(ApiKeyRow)
INSERT_KEY = Op("new_api_key", Kind.INSERT, API_KEY)
DELETE_KEY = Op("gone_api_key", Kind.DELETE, API_KEY, key=("id",), exact=True)
BY_SECRET_ID = select(*API_KEY.c).where(API_KEY.c.secret_id == bindparam("secret_id"))
BY_ID = select(*API_KEY.c).where(API_KEY.c.id == bindparam("id"))
ALL = select(*API_KEY.c).order_by(API_KEY.c.id)
_NAMES = tuple(column.name for column in API_KEY.c)


@dataclass(slots=True)
class ApiKey:
    """An API key without its secret; `expires_at` None never expires."""

    secret_id: str
    secret_hash: str
    created_at: datetime
    expires_at: datetime | None = None
    id: int | None = None
    roles: frozenset[Role] = frozenset({Role.ADMIN})
    bpmn_process_ids: tuple[str, ...] = ()
    """The processes that it is bound to, by id, or by the beginning of their ids and `*`; none is all."""
    may_deploy: bool = False
    may_send: bool = False
    description: str | None = None
    created_by: str | None = None
    last_used_at: datetime | None = None
    """To the minute."""

    @property
    def grant(self) -> Grant:
        """What it allows."""
        return Grant(
            credential=self.secret_id,
            roles=self.roles,
            scope=scope_of(self.bpmn_process_ids),
            may_deploy=self.may_deploy,
            may_send=self.may_send,
        )


def read_key(row: Row) -> ApiKey:
    values = dict(zip(_NAMES, row, strict=True))
    roles = frozenset(Role(name) for name in values.pop("roles").split())
    return ApiKey(**values | {"roles": roles, "bpmn_process_ids": tuple(orjson.loads(values["bpmn_process_ids"]))})


def row_of_key(key: ApiKey) -> dict[str, Any]:
    return {
        **{name: getattr(key, name) for name in _NAMES},
        "roles": " ".join(role for role in Role if role in key.roles),
        "bpmn_process_ids": orjson.dumps(key.bpmn_process_ids).decode(),
    }


class Keys:
    """The part of a transaction that is for API keys."""

    def __init__(self, session: Session, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect

    def find(self, secret_id: str) -> ApiKey | None:
        return self._one(Execution(BY_SECRET_ID, {"secret_id": secret_id}))

    def find_by_id(self, id: int) -> ApiKey | None:
        return self._one(Execution(BY_ID, {"id": id}))

    def next_id(self) -> int:
        """One that no key has had."""
        ids, _ = self._dialect.allocate(self._session, [Wanted(API_KEY, None, 1)], NOTHING_ASSUMED)
        return ids[API_KEY.name, None][0]

    def _one(self, execution: Execution) -> ApiKey | None:
        (rows,) = self._session.run(execution)
        return read_key(rows[0]) if rows else None


def note_use(dialect: Dialect) -> Executable:
    """Keeps that the keys `secret_ids`, a JSON array, were used `at` a time, unless it is known already."""
    at = bindparam("at", type_=API_KEY.c.last_used_at.type)
    is_wanted = dialect.is_one_of(API_KEY.c.secret_id, "secret_ids")
    return update(API_KEY).where(is_wanted, API_KEY.c.last_used_at.is_distinct_from(at)).values(last_used_at=at)
