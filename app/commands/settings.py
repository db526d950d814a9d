"""What is set for all versions of a process."""

from __future__ import annotations

from dataclasses import dataclass

from app.commands.base import Audited, Command
from app.commands.context import Context
from app.errors import not_found
from app.store.dialect import Write
from app.store.settings import PUT_SETTING, ProcessSetting, row_of_setting


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcessSetting(Command[ProcessSetting]):
    title = "failed to get process setting"
    reads = True
    bpmn_process_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProcessSetting(Audited[ProcessSetting]):
    title = "failed to set process setting"
    bpmn_process_id: str
    worker_id: str
    retention_days: int = 0
    """0 leaves it to their day how long ended instances are kept."""


def get_process_setting(ctx: Context, cmd: GetProcessSetting) -> ProcessSetting:
    _require_deployed(ctx, cmd.bpmn_process_id)
    return ctx.tx.settings.find(cmd.bpmn_process_id) or ProcessSetting(bpmn_process_id=cmd.bpmn_process_id)


def set_process_setting(ctx: Context, cmd: SetProcessSetting) -> ProcessSetting:
    lock_setting(ctx, cmd.bpmn_process_id)
    _require_deployed(ctx, cmd.bpmn_process_id)
    setting = ctx.tx.settings.find(cmd.bpmn_process_id) or ProcessSetting(bpmn_process_id=cmd.bpmn_process_id)
    if setting.updated_at is not None and setting.retention_days == (cmd.retention_days or None):
        return setting
    setting.id = setting.id or ctx.tx.settings.next_id()
    setting.retention_days = cmd.retention_days or None
    setting.updated_at = ctx.now
    setting.updated_by = cmd.worker_id
    ctx.tx.along(Write(PUT_SETTING, [row_of_setting(setting)]))
    return setting


def lock_setting(ctx: Context, bpmn_process_id: str) -> None:
    """Keeps others from setting anything for the process."""
    ctx.tx.lock_key(f"setting\0{bpmn_process_id}")


def _require_deployed(ctx: Context, bpmn_process_id: str) -> None:
    if not (ctx.covers(bpmn_process_id) and ctx.tx.settings.is_deployed(bpmn_process_id)):
        raise not_found(f"process {bpmn_process_id}")
