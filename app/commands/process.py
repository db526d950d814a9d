"""Deploying processes, and reading what was deployed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from app.bpmn import definitions as bpmn
from app.bpmn.advice import advise, refused
from app.bpmn.evaluation import check_expressions
from app.bpmn.ignored import ignored
from app.bpmn.model import Element, EventDefinition, Process
from app.bpmn.parser import find_process, only_process, parse
from app.bpmn.reader import WHITE_SPACE
from app.commands.base import Audited, Command
from app.commands.context import Context
from app.commands.queue import dequeue_payload, set_limit
from app.engine.changes import Changes
from app.engine.payload import timer_payload
from app.engine.records import DeployedElement, DeployedPart, DeployedProcess, Start, Task
from app.engine.types import ExpressionMode, TaskType
from app.errors import Cause, conflict, forbidden, invalid, invalid_model, not_found
from app.timer import Timer, TimerError, first_due

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateProcess(Audited[DeployedProcess]):
    title = "failed to create process"
    bpmn_process_id: str = ""
    """Empty is the only executable process of the file."""
    bpmn_xml: str
    version: str
    worker_id: str
    parallelism: int = 0
    expressions: ExpressionMode | None = None
    """Who evaluates expressions; None leaves it to BPMN_EXPRESSIONS."""
    tags: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    """Error code by BPMN element id; the others alike."""
    escalations: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, str] = field(default_factory=dict)
    signals: Mapping[str, str] = field(default_factory=dict)
    timers: Mapping[str, Timer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetProcess(Command[DeployedProcess]):
    title = "failed to get process"
    reads = True
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetBpmnXml(Command[str]):
    title = "failed to get BPMN XML"
    reads = True
    id: int


def create_process(ctx: Context, cmd: CreateProcess) -> DeployedProcess:
    """Deployments wait for each other; the same version with the same XML is answered with what is there.

    The file is read before anything is locked: that takes most of the time. A version whose model an earlier release
    has accepted, and this one would refuse, is still answered with what is there.
    """
    return deploy(ctx, cmd, read_model(ctx, cmd))


def read_model(ctx: Context, cmd: CreateProcess) -> Process:
    """The process to be deployed. Raises EngineError where the file has none that is meant."""
    evaluates = expressions_of(ctx, cmd) is not None
    file = parse(cmd.bpmn_xml, xml_timers=ctx.config.xml_timers, evaluates=evaluates)
    return find_process(file, cmd.bpmn_process_id) if cmd.bpmn_process_id else only_process(file)


def warnings_of(model: Process, xml: str) -> list[Cause]:
    """All that is odd about the model, and all that has no effect."""
    return advise(model) + ignored(xml, model)


def deploy(ctx: Context, cmd: CreateProcess, model: Process, *, dry_run: bool = False) -> DeployedProcess:
    """Deploys a process that was read; a dry run goes as far as that is possible without locks."""
    cmd = replace(cmd, bpmn_process_id=model.element.id)
    if not ctx.covers(cmd.bpmn_process_id):
        raise forbidden(f"process {cmd.bpmn_process_id} is none of those that the credential is bound to")
    warnings = warnings_of(model, cmd.bpmn_xml)
    if model.causes:
        deployed = ctx.tx.find_process(cmd.bpmn_process_id, cmd.version)
        if deployed is None or deployed.bpmn_xml != cmd.bpmn_xml:
            raise invalid_model("BPMN process is invalid", causes=model.causes)
        deployed.warnings = [refused(cause) for cause in model.causes] + warnings
        return deployed
    requested = {
        "errors": _by_id(cmd.errors),
        "escalations": _by_id(cmd.escalations),
        "messages": _by_id(cmd.messages),
        "signals": _by_id(cmd.signals),
        "timers": _by_id(cmd.timers),
    }
    found, causes = bpmn.resolve(model, **requested)  # type: ignore[arg-type] # mypy can't match the names
    _refuse(causes)
    unusable = check_expressions(model, found) if expressions_of(ctx, cmd) else []
    if not dry_run:
        ctx.tx.lock_key("deployment")
    existing = ctx.tx.find_process(cmd.bpmn_process_id, cmd.version)
    if existing is not None:
        if existing.bpmn_xml != cmd.bpmn_xml:
            raise conflict(f"process {cmd.bpmn_process_id}:{cmd.version} already exists with a different BPMN XML")
        # Whatever is said about its expressions now, it keeps what it was deployed with.
        existing.warnings = warnings
        return existing
    if unusable:
        raise invalid_model("BPMN process is invalid", causes=unusable)
    causes = bpmn.unknown_elements(model, **requested)  # type: ignore[arg-type] # as above
    causes += bpmn.duplicate_start_names(model, found)
    _refuse(causes + _taken_start_names(ctx, model, found))
    changes = Changes()
    can_go_on = not dry_run and set_limit(ctx, changes, cmd.bpmn_process_id, cmd.parallelism)
    process = _insert(ctx, changes, cmd, model, found)
    process.warnings = warnings
    if can_go_on:
        insert_dequeue(ctx, changes, process)
    if not dry_run:
        ctx.tx.save(changes)
    return process


def get_process(ctx: Context, cmd: GetProcess) -> DeployedProcess:
    return _found(ctx, cmd.id)


def get_bpmn_xml(ctx: Context, cmd: GetBpmnXml) -> str:
    return _found(ctx, cmd.id).bpmn_xml


def _found(ctx: Context, id: int) -> DeployedProcess:
    process = ctx.tx.find_process_by_id(id)
    if process is None:
        raise not_found(f"process {id}")
    return process


def _by_id(definitions: Mapping[str, T]) -> dict[str, T]:
    """By element id, as the model has them: without white space around it."""
    return {element_id.strip(WHITE_SPACE): definition for element_id, definition in definitions.items()}


def _refuse(causes: list[Cause]) -> None:
    if causes:
        raise invalid("invalid or missing event definitions", causes=causes)


def _taken_start_names(ctx: Context, model: Process, definitions: Mapping[str, EventDefinition]) -> list[Cause]:
    """A message starts one process only, whichever it is."""
    causes = []
    names = [
        (element, definition.message_name)
        for element in model.elements()
        if element.instantiates
        for definition in _definitions(element, definitions)
        if definition is not None and definition.message_name is not None
    ]
    for element, name in names:
        other = ctx.tx.find_message_start(name, other_than=model.element.id)
        if other:
            _, bpmn_process_id, version = other
            which = f"process {bpmn_process_id}:{version}" if ctx.covers(bpmn_process_id) else "another process"
            detail = f"start message name {name} must be unique - already defined in {which}"
            causes.append(Cause(element.pointer, "message_event", detail, "", *element.place))
    return causes


def _insert(
    ctx: Context,
    changes: Changes,
    cmd: CreateProcess,
    model: Process,
    definitions: Mapping[str, EventDefinition],
) -> DeployedProcess:
    process = changes.insert(
        DeployedProcess(
            bpmn_collaboration_id=model.collaboration_id or None,
            bpmn_participant_id=model.participant_id or None,
            bpmn_participant_name=model.participant_name or None,
            bpmn_process_id=cmd.bpmn_process_id,
            bpmn_xml=cmd.bpmn_xml,
            created_at=ctx.now,
            created_by=cmd.worker_id,
            expressions=expressions_of(ctx, cmd),
            parallelism=cmd.parallelism,
            tags={name: value for name, value in cmd.tags.items() if value},
            version=cmd.version,
        )
    )
    changes.suspended_starts.append(cmd.bpmn_process_id)
    causes: list[Cause] = []
    for element in model.elements():
        found = _definitions(element, definitions)
        deployed = changes.insert(
            DeployedElement(
                process=process,
                bpmn_element_id=element.id,
                bpmn_element_name=element.name or None,
                bpmn_element_type=element.type,
                parent_bpmn_element_id=element.parent.id if element.parent else None,
                task_type=element.task_type,
                definition=found[0] if found else None,
                parts=[DeployedPart(definition=definition) for definition in found] if element.parts else (),
                instantiates=element.instantiates,
                multi_instance=element.loop is not None and element.loop.multi,
            )
        )
        for place, definition in enumerate(found if element.instantiates else ()):
            if definition and definition.timer:
                part = place if element.parts else None
                causes += _schedule_start(ctx, changes, element, deployed, process, definition.timer, part)
    _refuse(causes)
    return process


def _definitions(element: Element, definitions: Mapping[str, EventDefinition]) -> list[EventDefinition | None]:
    """What an event is about; of several definitions each, also one that says nothing."""
    if element.parts:
        return [part.definition for part in element.parts]
    return [definitions[element.id]] if element.id in definitions else []


def expressions_of(ctx: Context, cmd: CreateProcess) -> str | None:
    mode = cmd.expressions or ctx.config.expressions
    return mode if mode == ExpressionMode.ENGINE else None


def _schedule_start(
    ctx: Context,
    changes: Changes,
    element: Element,
    deployed: DeployedElement,
    process: DeployedProcess,
    timer: Timer,
    part: int | None,
) -> list[Cause]:
    try:
        due = first_due(timer, ctx.now)
    except TimerError as error:
        return [Cause(element.pointer, "timer_event", f"failed to evaluate timer: {error}", "", *element.place)]
    task = _start(ctx, element.id, part, timer, due, process.created_by)
    task.process, task.element = process, deployed
    changes.schedule(task)
    return []


def _start(ctx: Context, bpmn_element_id: str, part: int | None, timer: Timer, due: datetime, actor: str) -> Task:
    return Task(
        partition=ctx.now.date(),
        bpmn_element_id=bpmn_element_id,
        created_at=ctx.now,
        created_by=actor,
        due_at=due,
        repetitions=timer.repetitions,
        serialized_task=replace(timer_payload(timer, due), part=part).serialize(),
        type=TaskType.TRIGGER_EVENT,
    )


def insert_start(ctx: Context, changes: Changes, start: Start, timer: Timer, due: datetime, actor: str) -> None:
    """Has a timer start a version that is deployed already."""
    task = _start(ctx, start.bpmn_element_id, start.part, timer, due, actor)
    task.process_id, task.element_id = start.process_id, start.element_id
    changes.schedule(task)


def insert_dequeue(ctx: Context, changes: Changes, process: DeployedProcess) -> None:
    changes.schedule(
        Task(
            partition=ctx.now.date(),
            process=process,
            created_at=ctx.now,
            created_by=process.created_by,
            due_at=ctx.now,
            serialized_task=dequeue_payload(process.bpmn_process_id),
            type=TaskType.DEQUEUE_PROCESS_INSTANCE,
        ),
    )
