"""Commands about process instances."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.moments import what_happened, where_it_waits
from py_bpmn.cli.options import CREATED, KEY, NAMES, NEW_TAGS, PROCESS, PROCESS_ID, TAGS, states, variables
from py_bpmn.cli.output import Column, address_of, age, some
from py_bpmn.cli.perform import model, request, show
from py_bpmn.cli.session import LONGEST_WAIT
from py_bpmn.cli.tables import REASON, Command, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

ENDED = ("COMPLETED", "CANCELED")
TIMED_OUT = 5

COLUMNS = (
    Column("INSTANCE", "address"),
    Column("PROCESS", "bpmn_process_id"),
    "version",
    Column("KEY", "correlation_key"),
    "state",
    Column("INCIDENTS", "incident_count", some),
    Column("SINCE", "created_at", age),
    "waiting_at",
)
CRITERIA = (
    PROCESS,
    PROCESS_ID,
    option("versions", "--version", many=True, help="version of the process"),
    KEY,
    states("InstanceState"),
    option("has_incident", "--has-incident/--no-incident", flag=True, help="with open incidents, or without"),
    option("waiting_at", kind=kinds.ELEMENT, help="element at which it waits"),
    option("parent_id", kind=kinds.INSTANCE_ID, help="instance that has called it, by address or id"),
    option("root_id", kind=kinds.INSTANCE_ID, help="outermost instance above it, by address or id"),
    option("roots_only", flag=True, help="only those that no other one has called"),
    TAGS,
    *CREATED,
    option("ended.from_", "--ended-from", kind=kinds.MOMENT, help="ended then or later"),
    option("ended.until", "--ended-until", kind=kinds.MOMENT, help="ended before"),
    option("created_by", help="who has started it"),
)


def create(session: Session, command: Command, values: Values) -> int | None:
    """Starts one, and waits for its end where that is asked for: 5 when it has not ended by then."""
    wait, limit = values.pop("wait", False), values.pop("limit_of_wait", None)
    session.guard(1, f"start {values['bpmn_process_id']}")
    limit = (limit or session.options.timeout) if wait or limit else None
    until = time.monotonic() + limit.total_seconds() if limit else 0.0
    if limit:
        values["wait_timeout"] = min(limit, LONGEST_WAIT)
    started = session.call(command.operation, **request(command, values))
    while limit and started.state not in ENDED and (left := until - time.monotonic()) > 0:
        found = session.call(
            "get_process_instance",
            partition=started.partition,
            id=started.id,
            wait_timeout=min(timedelta(seconds=left), LONGEST_WAIT),
        )
        if found.state in ENDED and values.get("return_variables"):
            read = session.call(
                "get_process_variables",
                partition=found.partition,
                id=found.id,
                names=",".join(values["return_variables"]),
            )
            started = type(started)(**{**found.__dict__, "variables": read.variables})
        else:
            started = found
    show(session, command, started)
    if limit and started.state not in ENDED:
        session.out.say(f"{address_of(started)} has not ended in time: it is {started.state}")
        return TIMED_OUT
    return None


def get(session: Session, command: Command, values: Values) -> int | None:
    """One that is there, with where it waits; waits for its end where that is asked for."""
    key = {"partition": values["partition"], "id": values["id"]}
    limit = values.pop("wait_timeout", None)
    if limit is not None and not isinstance(limit, timedelta):
        raise click.UsageError("--wait-timeout must be like 30s or 5m")
    until = time.monotonic() + limit.total_seconds() if limit else 0.0
    while limit and (left := until - time.monotonic()) > 0:
        found = session.call(command.operation, **key, wait_timeout=min(timedelta(seconds=left), LONGEST_WAIT))
        if found.state in ENDED:
            break
    [*results] = session.call("query_process_instances", **key, waiting=True, limit=1).results
    if not results:
        # Has its own problem, which says why.
        show(session, command, session.call(command.operation, **key))
        return None
    session.out.one(results[0], also=COLUMNS)
    if limit and results[0].state not in ENDED:
        session.out.say(f"{address_of(results[0])} has not ended in time: it is {results[0].state}")
        return TIMED_OUT
    return None


def waiting(session: Session, command: Command, values: Values) -> None:
    answer = session.call(command.operation, **values)
    if session.out.is_table:
        session.out.rows(*where_it_waits(answer.results, values["partition"], session.now()))
        if answer.has_more:
            session.out.say("there is more: --limit")
    else:
        show(session, command, answer)


def history(session: Session, command: Command, values: Values) -> None:
    every = values.pop("all", False)
    answer = session.call(command.operation, **values)
    rows = list(answer.results)
    while every and answer.next_cursor:
        answer = session.call(command.operation, **{**values, "cursor": answer.next_cursor})
        rows += answer.results
    if session.out.is_table:
        session.out.rows(*what_happened(rows))
    else:
        session.out.rows(rows, command.columns, model(command.row), name=command.naming)
    if session.out.is_table and answer.next_cursor:
        session.out.say(f"there is more: --cursor {answer.next_cursor}")


def get_variables(session: Session, command: Command, values: Values) -> None:
    if "names" in values:
        values["names"] = ",".join(values["names"])
    answer = session.call(command.operation, **values)
    if not session.out.is_table:
        show(session, command, answer)
        return
    for each in answer.variables:
        session.out.text(variable_text(each))


def variable_text(variable: Any) -> str:
    from py_bpmn.cli.output import printable

    if variable.data is None:
        return printable(variable.name)
    data = variable.data
    encrypted = "true" if data.encrypted else "false"
    head = f"{variable.name} (encoding: {data.encoding}, encrypted: {encrypted})"
    return f"{printable(head)}\n{printable(data.value, lines=True)}"


def name_of(variable: Any) -> str:
    return str(variable.name)


INSTANCES = "instances"
RESOURCE = Resource(
    name="process-instance",
    alias="pi",
    help="process instances",
    commands=(
        Command(
            name="create",
            help="start an instance of a process",
            operation="create_process_instance",
            also=("get_process_instance", "get_process_variables"),
            options=(
                option(
                    "bpmn_process_id",
                    "--process",
                    "--bpmn-process-id",
                    kind=kinds.PROCESS,
                    required=True,
                    help="BPMN id of the process",
                ),
                option("version", help="version of the process; the newest without it"),
                option("bpmn_element_id", "--at", help="none start event where it begins, if there are several"),
                KEY,
                option("unique_correlation_key", "--unique", flag=True, help="only if none is open with this key"),
                option("on_conflict", kind=kinds.OneOf("OnConflict"), help="with --unique: what if there is one"),
                NEW_TAGS,
                variables("variables", "--variable", "variable", short=True),
                option("wait", flag=True, help="wait for its end, as long as --timeout says"),
                option("limit_of_wait", "--wait-timeout", kind=kinds.SECONDS, help="wait for its end at most so long"),
                option("return_variables", "--return", many=True, help="variable to show when it has ended"),
            ),
            row="StartedProcessInstance",
            text=address_of,
            writes=True,
            run=create,
        ),
        Command(
            name="query",
            help="find instances",
            operation="query_process_instances",
            address="filter",
            completes=INSTANCES,
            options=CRITERIA,
            fixed={"waiting": True},
            row="ProcessInstance",
            rows="results",
            columns=COLUMNS,
            paged=True,
        ),
        Command(
            name="count",
            help="count instances, by process, version or state",
            operation="count_process_instances",
            address="filter",
            completes=INSTANCES,
            options=(
                *CRITERIA,
                option("group_by", kind=kinds.OneOf("InstanceGroup"), many=True, help="count each of these apart"),
            ),
            row="ProcessInstanceCount",
            rows="results",
            columns=(
                "bpmn_process_id",
                "version",
                "state",
                "count",
                Column("INCIDENTS", "incident_count"),
            ),
        ),
        Command(
            name="get",
            help="show an instance",
            operation="get_process_instance",
            also=("query_process_instances",),
            address="one",
            completes=INSTANCES,
            options=(option("wait_timeout", kind=kinds.DURATION, help="wait for its end at most so long"),),
            row="ProcessInstance",
            run=get,
        ),
        Command(
            name="waiting",
            help="tell where an instance waits, and for what",
            operation="get_waiting",
            address="one",
            completes=INSTANCES,
            options=(option("limit", kind=click.IntRange(min=1), help="elements at most"),),
            row="Waiting",
            rows="results",
            naming=lambda row: str(row.bpmn_element_id),
            run=waiting,
        ),
        Command(
            name="history",
            help="tell what has happened in an instance",
            operation="get_history",
            address="one",
            completes=INSTANCES,
            options=(
                option("limit", kind=click.IntRange(min=1), help="entries at most"),
                option("order", help="time, or -time for the last one first"),
                option("cursor", help="goes on behind the page before, which has told it"),
                option("all", flag=True, help="all of it"),
            ),
            row="HistoryEntry",
            rows="results",
            naming=lambda row: str(row.bpmn_element_id or ""),
            run=history,
        ),
        Command(
            name="cancel",
            help="cancel instances with all that is in them",
            operation="cancel_process_instance",
            address="many",
            completes=INSTANCES,
            options=(REASON,),
            writes=True,
        ),
        Command(
            name="suspend",
            help="keep instances from going on",
            operation="suspend_process_instance",
            address="many",
            completes=INSTANCES,
            options=(REASON,),
            writes=True,
        ),
        Command(
            name="resume",
            help="let suspended instances go on",
            operation="resume_process_instance",
            address="many",
            completes=INSTANCES,
            options=(REASON,),
            writes=True,
        ),
        Command(
            name="delete",
            help="delete ended instances with all that they have left",
            operation="delete_process_instance",
            address="many",
            completes=INSTANCES,
            options=(REASON,),
            writes=True,
        ),
        Command(
            name="get-variables",
            help="show the variables of an instance",
            operation="get_process_variables",
            address="one",
            completes=INSTANCES,
            options=(NAMES,),
            row="ProcessVariable",
            rows="variables",
            naming=name_of,
            run=get_variables,
        ),
        Command(
            name="set-variables",
            help="set variables of an instance",
            operation="set_process_variables",
            address="one",
            completes=INSTANCES,
            options=(variables("variables", "--variable", "variable", short=True), REASON),
            writes=True,
            does="set variables of",
        ),
    ),
)
