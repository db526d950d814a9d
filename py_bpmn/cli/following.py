"""`run FILE`: deploys, starts, and follows the instance until it waits for something else than the engine, or ends."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from py_bpmn.cli import kinds
from py_bpmn.cli.instance import COLUMNS, ENDED, TIMED_OUT
from py_bpmn.cli.moments import where_it_waits
from py_bpmn.cli.options import EXPRESSIONS, KEY, NEW_TAGS, variables
from py_bpmn.cli.output import address_of
from py_bpmn.cli.perform import request, show
from py_bpmn.cli.process import tell_of
from py_bpmn.cli.session import LONGEST_WAIT
from py_bpmn.cli.tables import Argument, Command, Values, option

if TYPE_CHECKING:
    from py_bpmn._operations import Process
    from py_bpmn.cli.session import Session

LOOK = timedelta(seconds=1)
"""How long one request waits for the end, before it is looked at where the instance stands."""
OF_OTHERS = frozenset(
    {"CALLED_INSTANCE", "CONDITION", "INCIDENT", "JOB", "MESSAGE", "SIGNAL", "SUSPENDED", "TIMER", "USER_TASK"}
)
"""What somebody has to do something for, or a long time to pass."""


def run(session: Session, command: Command, values: Values) -> int | None:
    limit = values.pop("wait_timeout", None) or session.options.timeout
    process, version, file, expressions = (
        values.pop(name, None) for name in ("bpmn_process_id", "version", "file", "expressions")
    )
    session.guard(1, f"deploy {file} and start an instance")
    bpmn = kinds.read_text(file) if str(file) == "-" else file
    deployed = session.client.deploy(bpmn, version=version, process=process, expressions=expressions)
    tell_of(session, deployed, expressions)
    return follow(session, command, deployed, values, limit)


def follow(session: Session, command: Command, deployed: Process, values: Values, limit: timedelta) -> int | None:
    """Starts an instance of what is deployed, and shows where it stands when it moves no more."""
    wait = values.pop("wait", False)
    started = session.call(
        "create_process_instance",
        bpmn_process_id=deployed.bpmn_process_id,
        version=deployed.version,
        **request(command, values),
    )
    session.out.say(f"started {address_of(started)} of {deployed.bpmn_process_id} {deployed.version}")
    key = {"partition": started.partition, "id": started.id}
    until = time.monotonic() + limit.total_seconds()
    waits: tuple[Any, ...] = ()
    state, moving = started.state, True
    while state not in ENDED and moving and (left := until - time.monotonic()) > 0:
        look = min(LOOK, timedelta(seconds=left)) if not wait else min(LONGEST_WAIT, timedelta(seconds=left))
        if wait or waits:
            state = session.call("get_process_instance", **key, wait_timeout=look).state
        waits = () if state in ENDED else session.call("get_waiting", **key).results
        # What only the engine has to do is done soon, unless something else is waited for already.
        moving = wait or not any(each.kind in OF_OTHERS for each in waits)
    [found] = session.call("query_process_instances", **key, waiting=True, limit=1).results
    if session.out.is_table:
        session.out.rows([found], command.columns, None)
        if waits:
            session.out.text("")
            session.out.rows(*where_it_waits(waits, started.partition, session.now()))
    else:
        show(session, command, found)
    if found.state not in ENDED and (wait or moving):
        session.out.say(f"{address_of(found)} has not ended in time: it is {found.state}")
        return TIMED_OUT
    return None


RUN = Command(
    name="run",
    help="deploy a file, start an instance, and follow it until it waits for somebody or ends",
    operation="create_process_instance",
    also=("create_process", "get_process_instance", "get_waiting", "query_process_instances"),
    arguments=(Argument("file", kinds.FILE),),
    options=(
        option("bpmn_process_id", "--process", help="process of the file, if it has several"),
        option("version", help="without it, the beginning of the file's SHA-256"),
        EXPRESSIONS,
        KEY,
        NEW_TAGS,
        variables("variables", "--variable", "variable", short=True),
        option("wait", flag=True, help="wait for its end, whatever it waits for meanwhile"),
        option("wait_timeout", kind=kinds.SECONDS, help="follow it at most so long; as --timeout without it"),
    ),
    row="ProcessInstance",
    columns=COLUMNS,
    writes=True,
    run=run,
)
