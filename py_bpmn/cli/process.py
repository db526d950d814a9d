"""Commands about processes: what is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.options import CREATED, EXPRESSIONS, NEW_TAGS, PROCESS, TAGS, states
from py_bpmn.cli.output import Column, text_of
from py_bpmn.cli.perform import model, perform, request, show
from py_bpmn.cli.tables import REASON, Argument, Command, Option, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn._operations import Process
    from py_bpmn.cli.session import Session

COLUMNS = ("id", "bpmn_process_id", "version", "created_at", "created_by")


def create(session: Session, command: Command, values: Values) -> None:
    session.guard(1, f"create {values['bpmn_process_id']} {values['version']}")
    values["bpmn_xml"] = kinds.read_text(values["bpmn_xml"])
    expressions = values.get("expressions")
    show_process(session, command, session.call(command.operation, **request(command, values)), expressions)


def show_process(session: Session, command: Command, process: Any, expressions: str | None) -> None:
    tell_of(session, process, expressions)
    show(session, command, process)


def tell_of(session: Session, process: Process, expressions: str | None) -> None:
    """What is odd about a process that was deployed with these expressions; None leaves them to the service."""
    for warning in process.warnings:
        session.out.say(f"warning: {warning.pointer}: {warning.detail}")
    tell_of_expressions(session, process, expressions)


def tell_of_expressions(session: Session, process: Process, expressions: str | None) -> None:
    kept = process.expressions or "WORKER"
    if expressions not in (None, kept):
        session.out.say(
            f"warning: {process.bpmn_process_id} {process.version} was deployed before with expressions {kept}, and "
            f"keeps that; another version can have {expressions}"
        )


def get_xml(session: Session, command: Command, values: Values) -> None:
    session.out.text(session.call(command.operation, id=_id(values)).rstrip("\n"))


def delete(session: Session, command: Command, values: Values) -> None:
    number = _id(values)
    session.guard(1, f"delete process version {number}")
    session.call(command.operation, id=number, reason=values.get("reason"))


def _id(values: Values) -> int:
    found: set[int] = {values[name] for name in ("process_id", "id") if name in values}
    if len(found) != 1:
        raise click.UsageError("one id of a process version is needed, as `py-bpmn process query` shows it")
    return found.pop()


def statistics(session: Session, command: Command, values: Values) -> None:
    key = values.pop("instance", None)
    if key is not None:
        if key.partition is None:
            raise click.UsageError("--instance must be an address, such as 2026-11-26/17")
        values |= {"process_instance.partition": key.partition, "process_instance.id": key}
    answer = session.call(command.operation, **request(command, values))
    if session.out.format == "json":
        session.out.one(answer)
        return
    session.out.rows(answer.results, command.columns, model(command.row), name=command.naming)
    if answer.flows:
        if session.out.is_table:
            session.out.text("")
        session.out.rows(
            answer.flows,
            ("process_id", Column("FROM", "from_"), "to", "count"),
            model("FlowStatistics"),
            name=lambda row: f"{row.from_} {row.to}",
        )


def diff(session: Session, command: Command, values: Values) -> int | None:
    """What would be different with a deployment of the file; 1 if it can't be deployed."""
    return _compare(session, values["file"], values.get("bpmn_process_id"))


def _compare(session: Session, file: Path, process: str | None) -> int | None:
    checked = session.client.check(_path(file), process=process)
    for error in checked.errors:
        session.out.say(f"{file}: error: {error.pointer}: {error.detail}")
    found = checked.differences
    if found is None:
        if checked.deployable and checked.bpmn_process_id:
            session.out.say(f"{file}: there is no version of {checked.bpmn_process_id} yet")
    elif session.out.is_table:
        rows = [(change, element) for change in ("added", "removed", "changed") for element in getattr(found, change)]
        session.out.say(f"{file}: {len(rows) or 'no'} elements differ from version {found.version}")
        session.out.rows(
            rows,
            (
                Column("CHANGE", "", lambda row, _: row[0]),
                Column("BPMN ELEMENT ID", "", lambda row, _: row[1].bpmn_element_id),
                Column("NAME", "", lambda row, _: text_of(row[1].bpmn_element_name)),
                Column("TYPE", "", lambda row, _: row[1].bpmn_element_type),
                Column("ASPECTS", "", lambda row, _: ", ".join(row[1].aspects)),
            ),
            None,
        )
    else:
        session.out.one(found, name=lambda row: str(row.process_id))
    return None if checked.deployable else 1


def deploy(session: Session, command: Command, values: Values) -> int | None:
    """Deploys each file, in this order; the first problem ends it. In a dry run, each is compared only."""
    files = values["files"]
    if "dry_run" in values:
        codes = [_compare(session, file, values.get("bpmn_process_id")) for file in files]
        return 1 if any(codes) else None
    session.guard(1, f"deploy {', '.join(map(str, files))}")
    for file in files:
        process = session.client.deploy(
            _path(file),
            version=values.get("version"),
            process=values.get("bpmn_process_id"),
            parallelism=values.get("parallelism"),
            expressions=values.get("expressions"),
            tags=dict(values["tags"]) if "tags" in values else None,
            reason=values.get("reason"),
        )
        show_process(session, command, process, values.get("expressions"))
    return None


def _path(file: Path) -> Path | str:
    """A file by its path; what comes by standard input as text."""
    return kinds.read_text(file) if str(file) == "-" else file


def settings(session: Session, command: Command, values: Values) -> int | None:
    """Shows what is set for all processes or one, or sets it."""
    process = values.get("process")
    days = values.pop("retention_days", None)
    if process is None:
        if days is not None:
            raise click.UsageError("name the process whose settings shall change")
        return perform(session, QUERY_SETTINGS, {})
    if days is None:
        show(session, command, session.call("get_process_setting", bpmn_process_id=process))
        return None
    session.guard(1, f"change the settings of {process}")
    found = session.call(
        "set_process_setting",
        bpmn_process_id=process,
        retention_days=None if days == "never" else days,
        reason=values.get("reason"),
    )
    show(session, command, found)
    return None


class Days(kinds.Kind):
    """A number of days, or never."""

    name = "DAYS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "never" or isinstance(value, int):
            found: int | str = value
            return found
        if not value.isascii() or not value.isdigit() or not int(value):
            self.fail(f"{value!r} must be a number of days, or never", param, ctx)
        return int(value)


SETTINGS_COLUMNS = ("bpmn_process_id", "retention_days", "updated_at", "updated_by")
QUERY_SETTINGS = Command(
    name="settings",
    help="show or change what is set for a process",
    operation="query_process_settings",
    row="ProcessSetting",
    rows="results",
    columns=SETTINGS_COLUMNS,
    naming=lambda row: str(row.bpmn_process_id),
)
NEW_PROCESS = (
    option("parallelism", kind=click.IntRange(min=0), help="instances that are executed at once; 0 is no limit"),
    EXPRESSIONS,
    NEW_TAGS,
    REASON,
)

DEPLOY = Command(
    name="deploy",
    help="deploy BPMN files; what is there already is no problem",
    operation="create_process",
    also=("check_process",),
    arguments=(Argument("files", kinds.FILE, many=True),),
    options=(
        option("bpmn_process_id", "--process", help="process of the file, if it has several"),
        option("version", help="without it, the beginning of the file's SHA-256"),
        *NEW_PROCESS,
        option("dry_run", flag=True, help="only tell what would be different, as `process diff` does"),
    ),
    row="Process",
    text=lambda row: f"{row.id}   {row.bpmn_process_id}   {row.version}",
    writes=True,
    run=deploy,
)

RESOURCE = Resource(
    name="process",
    help="processes, which are deployed models",
    commands=(
        Command(
            name="create",
            help="deploy a model with all that can be told beside it",
            operation="create_process",
            options=(
                option("bpmn_process_id", required=True, help="id of the process in the file"),
                option("version", required=True, help="version it gets"),
                option(
                    "bpmn_xml", "--bpmn-file", kind=kinds.FILE, required=True, help="the model; - is standard input"
                ),
                *NEW_PROCESS,
                Option("errors", ("--error",), "code of an error event", family="definitions"),
                Option("escalations", ("--escalation",), "code of an escalation event", family="definitions"),
                Option("messages", ("--message",), "name of a message event", family="definitions"),
                Option("signals", ("--signal",), "name of a signal event", family="definitions"),
                Option(
                    "timers",
                    ("--time", "--time-cycle", "--time-duration"),
                    "when a timer event is due",
                    family="definitions",
                ),
            ),
            row="Process",
            text=lambda row: str(row.id),
            writes=True,
            run=create,
        ),
        Command(
            name="query",
            help="find process versions",
            operation="query_processes",
            options=(
                option("id", "-i", "--id", kind=kinds.NUMBER, help="id of the process version"),
                PROCESS,
                option("latest_only", "--latest", flag=True, help="only the newest version of each"),
                TAGS,
            ),
            row="Process",
            rows="results",
            columns=COLUMNS,
            paged=True,
        ),
        Command(
            name="get-bpmn-xml",
            help="print the model as it was deployed",
            operation="get_bpmn_xml",
            arguments=(Argument("process_id", kinds.NUMBER, required=False),),
            options=(option("id", "-i", "--id", kind=kinds.NUMBER, help="the same as the argument"),),
            run=get_xml,
        ),
        Command(
            name="delete",
            help="delete a process version that has no instances",
            operation="delete_process",
            arguments=(Argument("process_id", kinds.NUMBER, required=False),),
            options=(option("id", "-i", "--id", kind=kinds.NUMBER, help="the same as the argument"), REASON),
            writes=True,
            run=delete,
        ),
        Command(
            name="statistics",
            help="count what was visited, where instances are, and where incidents are",
            operation="get_statistics",
            options=(
                PROCESS,
                option("versions", "--version", many=True, help="version of the process"),
                option("process_ids", "--process-id", kind=kinds.NUMBER, many=True, help="id of a process version"),
                states("InstanceState"),
                *CREATED,
                option("instance", kind=kinds.INSTANCE_ID, help="only of this instance, by its address"),
                option("flows", flag=True, help="count also from where to where tokens have gone"),
            ),
            row="ElementStatistics",
            rows="results",
            columns=(
                "process_id",
                "bpmn_element_id",
                "active",
                "incidents",
                "completed",
                "canceled",
                Column("FAILED JOBS", "failed_jobs"),
                Column("AVERAGE MS", "average_ms"),
            ),
            naming=lambda row: str(row.bpmn_element_id),
            run=statistics,
        ),
        Command(
            name="diff",
            help="tell what differs between a file and the newest version",
            operation="check_process",
            arguments=(Argument("file", kinds.FILE),),
            options=(option("bpmn_process_id", "--process", help="process of the file, if it has several"),),
            row="Differences",
            run=diff,
        ),
        Command(
            name="settings",
            help="show or change what is set for a process",
            operation="get_process_setting",
            also=("query_process_settings", "set_process_setting"),
            arguments=(Argument("process", kinds.PROCESS, required=False),),
            options=(
                option("retention_days", kind=Days(), help="delete instances so long after their end; or never"),
                REASON,
            ),
            row="ProcessSetting",
            columns=SETTINGS_COLUMNS,
            naming=lambda row: str(row.bpmn_process_id),
            writes=True,
            run=settings,
        ),
    ),
)
