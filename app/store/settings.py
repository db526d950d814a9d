"""What is set for all versions of a process, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, select

from app.store.dialect import NOTHING_ASSUMED, Dialect, Execution, Kind, Op, Row, Session, Wanted
from app.store.scope import PROCESS
from app.store.tables import ProcessSettingRow, table

SETTING = table(ProcessSettingRow)
PUT_SETTING = Op(
    "process_setting",
    Kind.UPSERT,
    SETTING,
    key=("bpmn_process_id",),
    columns=("retention_days", "updated_at", "updated_by"),
)
DELETE_SETTING = Op("gone_process_setting", Kind.DELETE, SETTING, key=("id",))
_NAMED = bindparam("bpmn_process_id", type_=SETTING.c.bpmn_process_id.type)
BY_PROCESS = select(*SETTING.c).where(SETTING.c.bpmn_process_id == _NAMED)
IS_DEPLOYED = select(exists().where(PROCESS.c.bpmn_process_id == _NAMED))
WITH_RETENTION = (
    select(SETTING.c.bpmn_process_id, SETTING.c.retention_days)
    .where(SETTING.c.retention_days.is_not(None))
    .order_by(SETTING.c.id)
)
_NAMES = tuple(column.name for column in SETTING.c)


@dataclass(slots=True, kw_only=True)
class ProcessSetting:
    """What is set for a process; `updated_at` is None where nothing ever was."""

    bpmn_process_id: str
    retention_days: int | None = None
    """For how many days ended instances are kept; None leaves that to their day."""
    updated_at: datetime | None = None
    updated_by: str | None = None
    id: int | None = None


def read_setting(row: Row) -> ProcessSetting:
    return ProcessSetting(**dict(zip(_NAMES, row, strict=True)))


def row_of_setting(setting: ProcessSetting) -> dict[str, Any]:
    return {name: getattr(setting, name) for name in _NAMES}


class Settings:
    """The part of a transaction that is for settings of processes."""

    def __init__(self, session: Session, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect

    def is_deployed(self, bpmn_process_id: str) -> bool:
        """Whether there is any version of the process."""
        return bool(self._run(Execution(IS_DEPLOYED, {"bpmn_process_id": bpmn_process_id}))[0][0])

    def find(self, bpmn_process_id: str) -> ProcessSetting | None:
        rows = self._run(Execution(BY_PROCESS, {"bpmn_process_id": bpmn_process_id}))
        return read_setting(rows[0]) if rows else None

    def next_id(self) -> int:
        ids, _ = self._dialect.allocate(self._session, [Wanted(SETTING, None, 1)], NOTHING_ASSUMED)
        return ids[SETTING.name, None][0]

    def retentions(self) -> list[tuple[str, int]]:
        """The processes that have a retention of their own, and how many days that is."""
        return [(row[0], row[1]) for row in self._run(Execution(WITH_RETENTION))]

    def _run(self, execution: Execution) -> list[Row]:
        return self._session.run(execution)[0]
