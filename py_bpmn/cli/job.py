"""Commands about jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.options import (
    ELEMENT,
    ELEMENT_ID,
    ELEMENT_INSTANCE_ID,
    INSTANCE_ID,
    KEY,
    NEW_TAGS,
    PROCESS,
    PROCESS_ID,
    WAIT_TIMEOUT,
    states,
    timer,
    variables,
)
from py_bpmn.cli.output import address_of
from py_bpmn.cli.perform import request, show
from py_bpmn.cli.tables import REASON, Command, Option, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

JOBS = "jobs"
COLUMNS = (
    "partition",
    "id",
    "process_id",
    "process_instance_id",
    "created_at",
    "locked_at",
    "completed_at",
    "type",
    "state",
)
LOCKED_COLUMNS = tuple(name for name in COLUMNS if name != "completed_at")
ELEMENT_VARIABLES = variables("element_variables", "--ev", "variable of the element", of_elements=True)
PROCESS_VARIABLES = variables("process_variables", "--pv", "variable of the process instance", short=True)
LOCK_VERSION = option("lock_version", kind=kinds.NUMBER, help="only if the lock is still this one")


def unlock(session: Session, command: Command, values: Values) -> None:
    """Unlocks the jobs of a worker, or one of them; asks when they are several."""
    count = 1
    if "id" not in values:
        criteria = {"locked_by": values["worker_id"], "states": ["LOCKED"], "partition": values.get("partition")}
        count = session.count("query_jobs", **criteria)
    session.guard(count, f"unlock {count} jobs of {values['worker_id']}")
    tell_count(session, "jobs", session.call(command.operation, **request(command, values)))


def tell_count(session: Session, what: str, answer: Any) -> None:
    session.out.one(answer, text=lambda row: f"Number of unlocked {what}: {row.count}", name=lambda row: str(row.count))


def extend(session: Session, command: Command, values: Values) -> None:
    from py_bpmn._operations import ExtendJobsItem
    from py_bpmn.errors import problem

    item = ExtendJobsItem(partition=values["partition"], id=values["id"], lock_version=values.get("lock_version"))
    [result] = session.call(command.operation, lock_timeout=values["lock_timeout"], jobs=[item]).results
    if result.problem is not None:
        raise problem(result.status, result.problem.write())
    show(session, command, result)


def complete(session: Session, command: Command, values: Values) -> int | None:
    """Completes the job; 1 if that was refused by the process, which then has an incident or another try."""
    job = session.call(command.operation, **request(command, values))
    show(session, command, job)
    if job.error is None:
        return None
    session.out.say(f"{address_of(job)} is {job.state}: {job.error}")
    return 1


def completes(name: str, help: str, *options: Option) -> Command:
    """`job complete NAME`: one command for each type of job."""
    return Command(
        name=name,
        help=help,
        operation="complete_job",
        address="one",
        completes=JOBS,
        options=(*options, PROCESS_VARIABLES, ELEMENT_VARIABLES, LOCK_VERSION),
        row="Job",
        text=address_of,
        writes=True,
        does="complete",
        run=complete,
    )


def needed(fills: str, flag: str, help: str, **more: Any) -> Option:
    return option(f"completion.{fills}", flag, help=help, required=True, **more)


def decides(name: str, help: str) -> Command:
    """One that is completed by the answer to a question."""
    condition = needed("condition_fulfilled", "--condition", "whether it is so", kind=kinds.TRUTH)
    return completes(name, help, condition)


COMPLETE = Resource(
    name="complete",
    help="complete a locked job, by its type",
    commands=(
        completes("execute", "complete a job of type EXECUTE",
            option("completion.error_code", help="BPMN error to throw"),
            option("completion.error_message", help="what is said about that error"),
            option("completion.escalation_code", help="BPMN escalation to throw")),
        completes("call-process", "tell which process is called",
            option("completion.called_process.bpmn_process_id", "--process", "--bpmn-process-id",
                   kind=kinds.PROCESS, help="BPMN id of the process"),
            option("completion.called_process.version", help="version of the process"),
            option("completion.called_process.bpmn_element_id", "--at", help="none start event where it begins"),
            option("completion.called_process.correlation_key", "--key", *KEY.flags[1:], help="key of the instance"),
            Option("completion.called_process.tags", NEW_TAGS.flags, NEW_TAGS.help, kinds.TAG, many=True),
            variables("completion.called_process.variables", "--variable", "variable of the called instance")),
        decides("evaluate-activation-condition", "tell whether a complex gateway is activated"),
        decides("evaluate-completion-condition", "tell whether a multi-instance activity is complete"),
        completes("evaluate-complex-gateway", "tell where a complex gateway leads",
            needed("inclusive_gateway_decision", "--decision", "BPMN id of an element that is next", many=True)),
        completes("evaluate-exclusive-gateway", "tell where an exclusive gateway leads",
            needed("exclusive_gateway_decision", "--decision", "BPMN id of the element that is next")),
        completes("evaluate-inclusive-gateway", "tell where an inclusive gateway leads",
            needed("inclusive_gateway_decision", "--decision", "BPMN id of an element that is next", many=True)),
        decides("evaluate-loop-condition", "tell whether an activity is performed once more"),
        completes("evaluate-outgoing-flows", "tell where conditions let an activity or event lead",
            option("completion.inclusive_gateway_decision", "--decision", many=True,
                   help="BPMN id of an element that is next; without any, the default flow is taken")),
        completes("pass-variables", "pass variables of a called instance on"),
        completes("select-activities", "tell which activities of an ad-hoc sub-process start",
            option("completion.activities", "--activity", many=True, help="BPMN id of an activity to start"),
            option("completion.condition_fulfilled", "--condition", kind=kinds.TRUTH, help="whether it is complete")),
        completes("set-error-code", "tell the code of an error event", needed("error_code", "--code", "the code")),
        completes("set-escalation-code", "tell the code of an escalation event",
            needed("escalation_code", "--code", "the code")),
        completes("set-loop-cardinality", "tell how many instances of an activity there are",
            needed("loop_cardinality", "--cardinality", "the number", kind=click.IntRange(min=0))),
        completes("set-message-correlation-key", "tell the correlation key of a message event",
            needed("message_correlation_key", "--correlation-key", "the key")),
        completes("set-signal-name", "tell the name of a signal event", needed("signal_name", "--name", "the name")),
        completes("set-timer", "tell when a timer event is due", *timer("completion.timer")),
        completes("subscribe-message", "tell what message is waited for",
            needed("message_name", "--name", "name of the message"),
            needed("message_correlation_key", "--correlation-key", "key of the message")),
        completes("subscribe-signal", "tell what signal is waited for",
            needed("signal_name", "--name", "name of the signal")),
    ),
)  # fmt: skip

RESOURCE = Resource(
    name="job",
    help="jobs, which workers do",
    groups=(COMPLETE,),
    commands=(
        Command(
            name="query",
            help="find jobs",
            operation="query_jobs",
            address="filter",
            completes=JOBS,
            options=(
                ELEMENT,
                ELEMENT_ID,
                ELEMENT_INSTANCE_ID,
                PROCESS,
                PROCESS_ID,
                INSTANCE_ID,
                option("types", "--type", kind=kinds.OneOf("JobType"), many=True, help="type of job"),
                states("WorkState"),
                option("locked_by", help="worker that has locked it"),
                option("open", "--open/--closed", flag=True, help="still to be done, or not any more"),
            ),
            row="Job",
            rows="results",
            columns=COLUMNS,
            paged=True,
        ),
        Command(
            name="lock",
            help="lock jobs that are due",
            operation="lock_jobs",
            address="filter",
            completes=JOBS,
            options=(
                option("bpmn_element_ids", "--element", "--bpmn-element-id", kind=kinds.ELEMENT, many=True,
                       help="BPMN id of the element"),
                option("bpmn_process_ids", "--process", "--bpmn-process-id", kind=kinds.PROCESS, many=True,
                       help="BPMN id of the process"),
                option("process_ids", "--process-id", kind=kinds.NUMBER, many=True, help="id of a process version"),
                INSTANCE_ID,
                option("types", "--type", kind=kinds.OneOf("JobType"), many=True, help="type of job"),
                option("task_types", "--task-type", many=True, help="type of the task, as the model states it"),
                option("limit", kind=click.IntRange(min=1), default=1, help="jobs at most"),
                option("lock_timeout", kind=kinds.DURATION, help="how long they stay locked"),
                WAIT_TIMEOUT,
                option("variables", "-n", "--variable-name", many=True, help="variable that comes with the jobs"),
                option("all_variables", flag=True, help="all variables come with the jobs"),
            ),
            row="Job",
            rows="jobs",
            columns=LOCKED_COLUMNS,
            writes=True,
        ),
        Command(
            name="fail",
            help="tell that a locked job has failed",
            operation="complete_job",
            address="one",
            completes=JOBS,
            options=(
                option("error", required=True, help="what has failed"),
                option("retry_limit", kind=click.IntRange(min=0), help="retries before it becomes an incident"),
                option("retry_timer", kind=kinds.DURATION, help="after what time it is due again"),
                PROCESS_VARIABLES,
                ELEMENT_VARIABLES,
                LOCK_VERSION,
            ),
            row="Job",
            text=address_of,
            writes=True,
        ),
        Command(
            name="extend",
            help="keep jobs locked",
            operation="extend_jobs",
            address="many",
            completes=JOBS,
            options=(
                option("lock_timeout", "--lock-timeout", kind=kinds.DURATION, required=True, help="for so long"),
                LOCK_VERSION,
            ),
            row="ExtendJobsResult",
            text=address_of,
            writes=True,
            run=extend,
        ),
        Command(
            name="unlock",
            help="unlock the jobs of a worker",
            operation="unlock_jobs",
            also=("query_jobs",),
            address="filter",
            completes=JOBS,
            options=(option("worker_id", required=True, help="the worker that has locked them"), REASON),
            row="CountRes",
            writes=True,
            run=unlock,
        ),
        Command(
            name="due",
            help="have jobs be due now, or at another time",
            operation="move_job",
            address="many",
            completes=JOBS,
            options=(option("due_at", "--at", kind=kinds.DUE, help="then, or after a duration such as 2h"), REASON),
            row="Job",
            text=address_of,
            writes=True,
            does="move",
        ),
    ),
)  # fmt: skip
