"""Trying a deployment: what it would say, and nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.bpmn.difference import Difference, compare
from app.bpmn.extensions import read_extensions
from app.bpmn.foreign import counts
from app.bpmn.lint import File, Finding, findings
from app.bpmn.model import Process
from app.bpmn.parser import find_process, parse
from app.commands.base import Command
from app.commands.context import Context
from app.commands.process import CreateProcess, deploy, read_model, warnings_of
from app.engine.records import DeployedProcess
from app.engine.types import ExpressionMode
from app.errors import Cause, EngineError, ErrorKind

_PLACES = {
    ErrorKind.CONFLICT: ("#/version", "unique"),
    ErrorKind.PROCESS_MODEL: ("#/bpmnXml", "process"),
    ErrorKind.VALIDATION: ("#/bpmnProcessId", "required"),
}
"""Pointer and type of what refuses a deployment without causes of its own, by kind."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Something of a file that has no influence on the execution."""

    construct: str
    count: int
    line: int
    """Of the first one."""


@dataclass(slots=True, kw_only=True)
class CheckedProcess:
    """What a deployment would say."""

    model: Process | None = None
    """None where the file can't be read, or it isn't clear which process is meant."""
    process_id: int = 0
    """Of the version that is deployed already with this very model."""
    errors: Sequence[Cause] = ()
    """Why it can't be deployed."""
    warnings: Sequence[Cause] = ()
    ignored: Sequence[Ignored] = ()
    newest: DeployedProcess | None = None
    """The newest version that is deployed."""
    difference: Difference | None = None
    """To the newest version."""
    findings: Sequence[Finding] = ()
    """All that is to be said of the file, if it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckProcess(Command[CheckedProcess]):
    title = "failed to check process"
    reads = True
    deployment: CreateProcess
    """Without a version none is in the way."""
    findings: bool = False
    """Whether to tell all findings with their places."""


def check_process(ctx: Context, cmd: CheckProcess) -> CheckedProcess:
    """The deployment as far as it goes without locks: another one may come before it, and be in its way."""
    deployment = cmd.deployment
    checked = CheckedProcess()
    try:
        checked.model = model = read_model(ctx, deployment)
        checked.ignored = _ignored(deployment.bpmn_xml, model)
        checked.warnings = [] if model.causes else warnings_of(model, deployment.bpmn_xml)
        _compare(ctx, checked, model)
        deployed = deploy(ctx, deployment, model, dry_run=True)
        checked.process_id = deployed.id
        checked.warnings = deployed.warnings
    except EngineError as error:
        if error.kind not in _PLACES:
            raise
        checked.errors = error.causes or (Cause(*_PLACES[error.kind], error.detail, "", *error.place),)
    if cmd.findings:
        checked.findings = findings(File(deployment.bpmn_xml), checked.model, checked.errors, checked.warnings)
    return checked


def _ignored(xml: str, model: Process) -> list[Ignored]:
    file = read_extensions(xml)
    return [
        Ignored(name, count, file.first_places[name].line)
        for name, count in sorted(file.counts.items())
        if not (model.evaluates and counts(name))
    ]


def _compare(ctx: Context, checked: CheckedProcess, model: Process) -> None:
    newest = ctx.tx.find_newest_process(model.element.id)
    if newest is None or model.causes:
        return
    try:
        evaluates = newest.expressions == ExpressionMode.ENGINE
        file = parse(newest.bpmn_xml, xml_timers=ctx.config.xml_timers, evaluates=evaluates)
        older = find_process(file, newest.bpmn_process_id)
    except EngineError:
        # An earlier release has read what can't be read any more.
        return
    checked.newest = newest
    checked.difference = compare(older, model)
