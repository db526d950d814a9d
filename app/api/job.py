"""Locking, unlocking, completing and querying jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, datetime
from functools import partial
from typing import Any

from app import caller
from app.api.answer import Response, json_answer
from app.api.batch import Batch, execute_each, result
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.encode import listed
from app.api.fields import Choice, Duration, Flag, Int32, Partition, ShortText, Text, Timestamp
from app.api.find import find, page_of
from app.api.job_answer import JobSchema, encode_job
from app.api.objects import AnswerSchema, ApiSchema, Many, Object
from app.api.problem import ProblemSchema, problem_of
from app.api.rules import MOST_ITEMS, MOST_NAMES, MOST_OF_ERROR, some_time
from app.api.schemas import (
    CountResSchema,
    MoveDueSchema,
    Tags,
    TimerField,
    choices,
    element_variables,
    error_message,
    process_variables,
    reason,
    results_of,
    start_element_id,
    wait_timeout,
    worker_id,
)
from app.api.waiting import Seen, answered, seconds_to_wait
from app.commands.base import CalledProcess, Completion
from app.commands.due import MoveJob
from app.commands.job import CompleteJob, LockJobs, UnlockJobs
from app.commands.lease import ExtendJobs, HeldJob
from app.criteria import JobCriteria, Paging
from app.engine.records import Job
from app.engine.types import JobType, WorkState
from app.errors import EngineError
from app.news import Address
from app.timer import format_timestamp
from app.waiting import JobWanted

blp = Blueprint(
    "job",
    __name__,
    description="A job is a unit of work, which must be locked, executed and completed by a worker.",
)


MOST_EXTENDED = 1000


def lock_timeout(description: str, **options: Any) -> Duration:
    return Duration(rule=some_time, example="PT1M", extension=True, description=description, **options)


def lock_version(description: str) -> Int32:
    return Int32(gte=1, extension=True, description=description)


class LockConditionsSchema(ApiSchema):
    partition = Partition(description="Partition condition.")
    id = Int32(description="Job condition - must be used in combination with a partition.")
    process_ids = Many(Int32(), most=MOST_ITEMS, unique=True, description="IDs of processes to include.")
    process_instance_id = Int32(
        description="Process instance condition - must be used in combination with a partition."
    )
    types = Many(
        Choice(JobType, "job type"),
        most=MOST_ITEMS,
        unique=True,
        extension=True,
        description="Types of jobs to include.",
    )
    bpmn_element_ids = Many(
        ShortText(example="serviceTaskA"),
        most=MOST_ITEMS,
        unique=True,
        extension=True,
        description="BPMN IDs of elements to include, in all versions of all processes.",
    )
    bpmn_process_ids = Many(
        ShortText(),
        most=MOST_ITEMS,
        unique=True,
        extension=True,
        description="BPMN IDs of processes to include, all versions.",
    )
    task_types = Many(
        ShortText(example="charge-card"),
        most=MOST_ITEMS,
        unique=True,
        extension=True,
        description="Types of tasks to include, as the BPMN files state them: the `type` of `zeebe:taskDefinition`, "
        "or `camunda:topic`.",
    )
    variables = Many(
        ShortText(example="amount"),
        most=MOST_NAMES,
        unique=True,
        extension=True,
        description="Names of variables that the jobs are answered with, as far as they see them.",
    )
    all_variables = Flag(extension=True, description="Whether the jobs are answered with all variables they see.")
    limit = Int32(
        gte=1, lte=1000, zero_counts=True, facts={"default": 1}, description="Maximum number of jobs to lock."
    )
    lock_timeout = lock_timeout(
        "How long the jobs stay locked, unless they are completed or extended before. A lock that has ended counts "
        "as no attempt. If not set, BPMN_JOB_LOCK_TIMEOUT counts, or jobs stay locked until they are completed or "
        "unlocked."
    )

    wait_timeout = wait_timeout("Duration to wait for a job where there is none to lock")


class LockJobsSchema(LockConditionsSchema):
    worker_id = worker_id("ID of the worker that locks the jobs.")


class JobCriteriaSchema(ApiSchema):
    partition = Partition(description="Partition filter.")
    id = Int32(description="Job filter.")
    element_id = Int32(description="Element filter.")
    element_instance_id = Int32(description="Element instance filter.")
    process_id = Int32(description="Process filter.")
    process_instance_id = Int32(description="Process instance filter.")
    states = choices(WorkState, "work state", "States to include.")
    types = choices(JobType, "job type", "Types to include.")
    bpmn_process_id = ShortText(description="BPMN process ID filter.", extension=True)
    bpmn_element_id = ShortText(description="BPMN element ID filter.", extension=True)
    locked_by = ShortText(description="Filter for the worker that holds the job, or has completed it.", extension=True)
    open = Flag(description="Whether only jobs are included that are still to be done.", extension=True)


class UnlockJobsSchema(ApiSchema):
    partition = Partition(description="Partition condition.")
    id = Int32(description="Job condition - must be used in combination with a partition.")
    worker_id = worker_id("Condition that restricts the jobs to those locked by a specific worker.")
    reason = reason()


class CalledProcessSchema(ApiSchema):
    bpmn_element_id = start_element_id()
    bpmn_process_id = ShortText(description="BPMN ID of an existing process.")
    correlation_key = ShortText(description="Correlation key of the called process instance.")
    tags = Tags()
    variables = process_variables(description="Variables to set at the scope of the called process instance.")
    version = ShortText(description="Version of an existing process.")


class JobCompletionSchema(ApiSchema):
    activities = Many(
        ShortText(),
        most=MOST_ITEMS,
        extension=True,
        description="IDs of enabled activities of an ad-hoc sub-process to start; an ID may be repeated.",
    )
    called_process = Object(CalledProcessSchema, make=CalledProcess, extension=True)
    condition_fulfilled = Flag(
        zero_counts=True, extension=True, description="Whether the condition that the job asks for is fulfilled."
    )
    error_code = ShortText(description="Code of a BPMN error to set or throw.")
    error_message = error_message()
    escalation_code = ShortText(description="Code of an escalation to set or throw.")
    exclusive_gateway_decision = ShortText(description="ID of the element to continue with.")
    inclusive_gateway_decision = Many(ShortText(), most=MOST_ITEMS, description="IDs of the elements to continue with.")
    loop_cardinality = Int32(
        gte=0,
        zero_counts=True,
        extension=True,
        description="How many instances of a multi-instance activity there are.",
    )
    message_correlation_key = ShortText()
    message_name = ShortText()
    signal_name = ShortText()
    timer = TimerField()


class JobOutcomeSchema(ApiSchema):
    completion = Object(JobCompletionSchema, make=Completion, description="The outcome, depending on the type of job.")
    element_variables = element_variables(description="Variables to set or delete at element instance scope.")
    error = Text(
        cut=MOST_OF_ERROR,
        description="Optional error, used to fail a job due to a technical problem. "
        f"What goes beyond {MOST_OF_ERROR} characters is cut off.",
    )
    lock_version = lock_version(
        "The lock by which the worker holds the job, as it was told when it locked the job. "
        "If it is another one by now, the job is not completed."
    )
    process_variables = process_variables(description="Variables to set or delete at process instance scope.")
    retry_limit = Int32(
        gte=0,
        description="Maximum number of retries. Once the retry count has reached it, an incident is created.",
    )
    retry_timer = Duration(description="Duration until a retry job becomes due.")


class CompleteJobSchema(JobOutcomeSchema):
    worker_id = worker_id("ID of the worker that locked and completes the job.")


class CompleteJobsItemSchema(JobOutcomeSchema):
    partition = Partition(required=True)
    id = Int32(required=True, gte=1)


class CompleteJobsSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that locked and completes the jobs.")
    jobs = Batch(
        CompleteJobsItemSchema,
        address=("partition", "id"),
        description="The jobs; those of one instance are completed in this order.",
    )
    lock_next = Object(
        LockConditionsSchema, description="Conditions of jobs to lock for the same worker, once all are completed."
    )


class ExtendJobsItemSchema(ApiSchema):
    partition = Partition(required=True)
    id = Int32(required=True, gte=1)
    lock_version = lock_version(
        "The lock by which the worker holds the job. If it is another one by now, it is not extended."
    )


class ExtendJobsSchema(ApiSchema):
    worker_id = worker_id("ID of the worker that locked the jobs.")
    lock_timeout = lock_timeout("How long the jobs stay locked from now on, at least.", required=True)
    jobs = Many(Object(ExtendJobsItemSchema, make=HeldJob), most=MOST_EXTENDED, required=True, facts={"minItems": 1})


class ExtendJobsResultSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    status = Int32(required=True, example=200)
    locked_until = Timestamp(description="When the lock ends by itself.")
    problem = Object(ProblemSchema)


class ExtendJobsResSchema(AnswerSchema):
    results = Many(Object(ExtendJobsResultSchema), required=True, description="In the order of the request.")


class CompleteJobsResultSchema(AnswerSchema):
    partition = Partition(required=True)
    id = Int32(required=True)
    status = Int32(required=True, example=200, description="The HTTP status that the job alone would have got.")
    job = Object(JobSchema)
    problem = Object(ProblemSchema)


class CompleteJobsResSchema(AnswerSchema):
    results = Many(Object(CompleteJobsResultSchema), required=True, description="In the order of the request.")
    jobs = Many(Object(JobSchema), description="With `lockNext`: the locked jobs.")
    problem = Object(ProblemSchema, description="With `lockNext`: why none could be locked.")


@blp.route("/jobs/lock", methods=["POST"])
@blp.arguments(LockJobsSchema)
@blp.response(200, results_of(JobSchema, "jobs", "LockJobsResSchema"))
def lock_jobs(body: dict[str, Any]) -> Response:
    """Locks due jobs, which match the specified conditions.

    With `waitTimeout` the answer comes as soon as there is a job, and is an empty list only after that time. One that
    comes earlier says so by `Retry-After`: too many requests wait already, or the service is about to stop.
    """
    seconds = seconds_to_wait(body.pop("wait_timeout", ""))
    command = LockJobs(**body)

    def look() -> Seen:
        jobs = service().lock_jobs(command)
        return Seen(listed(encode_job, jobs, "jobs"), bool(jobs), addresses(jobs))

    return answered(partial(wanted, command), seconds, look)


@blp.route("/jobs/query", methods=["POST"])
@blp.paged_by(JobCriteria)
@blp.arguments(JobCriteriaSchema)
@blp.response(200, page_of(JobSchema))
def query_jobs(body: dict[str, Any], paging: Paging) -> Response:
    """Performs a job query."""
    return find(encode_job, JobCriteria(**body), paging)


@blp.route("/jobs/unlock", methods=["POST"])
@blp.arguments(UnlockJobsSchema)
@blp.response(200, CountResSchema)
def unlock_jobs(body: dict[str, Any]) -> Response:
    """Unlocks locked, but uncompleted, jobs that are currently locked by a specific worker."""
    return json_answer({"count": service().execute(UnlockJobs(**body))})


@blp.route("/jobs/extend", methods=["POST"], extension=True)
@blp.arguments(ExtendJobsSchema)
@blp.response(200, ExtendJobsResSchema)
def extend_jobs(body: dict[str, Any]) -> Response:
    """Extends the locks of up to 1,000 jobs that were locked with a `lockTimeout`.

    A lock is never shortened, so that the request can be repeated. Each job is answered for itself. A lock that has
    ended, was given to somebody else, or whose job is completed or not needed any more, can't be extended: whatever
    the worker does for that job is in vain.
    """
    outcomes = service().execute(ExtendJobs(**body))
    return json_answer(
        {"results": [_extension(job, outcome) for job, outcome in zip(body["jobs"], outcomes, strict=True)]}
    )


def _extension(job: HeldJob, outcome: datetime | EngineError) -> dict[str, Any]:
    told: dict[str, Any] = {"partition": job.partition, "id": job.id}
    if isinstance(outcome, EngineError):
        problem = problem_of(outcome)
        return {**told, "status": problem["status"], "problem": problem}
    return {**told, "status": 200, "lockedUntil": format_timestamp(outcome)}


@blp.route("/jobs/<partition>/<id>/complete", methods=["PATCH"], problems=(404, 409))
@blp.arguments(CompleteJobSchema)
@blp.response(200, JobSchema)
def complete_job(body: dict[str, Any], partition: date, id: int) -> Response:
    """Completes a locked job."""
    return json_answer(encode_job(service().execute(CompleteJob(partition=partition, id=id, **body))))


@blp.route("/jobs/<partition>/<id>/due", methods=["PATCH"], problems=(404, 409), extension=True)
@blp.arguments(MoveDueSchema)
@blp.response(200, JobSchema)
def move_job(body: dict[str, Any], partition: date, id: int) -> Response:
    """Has a job that waits, such as a retry, become due now, or at an earlier time than it would.

    A job that is locked, completed, or due before that time, can't be moved.
    """
    return json_answer(encode_job(service().execute(MoveJob(partition=partition, id=id, **body))))


@blp.route("/jobs/complete", methods=["POST"], extension=True)
@blp.arguments(CompleteJobsSchema)
@blp.response(200, CompleteJobsResSchema)
def complete_jobs(body: dict[str, Any]) -> Response:
    """Completes up to 100 locked jobs, and locks the next ones when asked to.

    Each job is answered as it would be alone; some may fail while others are completed. A request
    that is not understood, or does not tell which jobs it is about, is refused as a whole.

    If the next jobs can't be locked, what was completed stays completed, and `problem` tells why there are no `jobs`.
    """
    items = body["jobs"]
    outcomes = execute_each(items, CompleteJob, worker_id=body["worker_id"])
    answer: dict[str, Any] = {
        "results": [
            {"partition": item.decoded["partition"], "id": item.decoded["id"], **result(outcome, "job", encode_job)}
            for item, outcome in zip(items, outcomes, strict=True)
        ]
    }
    if "lock_next" not in body:
        return json_answer(answer)
    seconds = seconds_to_wait(body["lock_next"].pop("wait_timeout", ""))
    command = LockJobs(worker_id=body["worker_id"], **body["lock_next"])
    return answered(partial(wanted, command), seconds, partial(_lock_next, command, answer))


def _lock_next(command: LockJobs, answer: dict[str, Any]) -> Seen:
    try:
        jobs = service().lock_jobs(command)
    except Exception as error:
        # What was completed before must be answered all the same.
        return Seen(json_answer({**answer, "problem": problem_of(error)}), True)
    return Seen(json_answer({**answer, "jobs": [encode_job(job) for job in jobs]}), bool(jobs), addresses(jobs))


def addresses(jobs: Iterable[Job]) -> list[Address]:
    return [Address(job.partition, job.id) for job in jobs]


def wanted(command: LockJobs) -> JobWanted:
    """The jobs that the command locks; commands that differ in anything but worker and number want different ones.

    So do callers for whom there are other processes: what one of them does not find may be there for another one.
    """
    known = {name: getattr(command, name) for name in _CONDITIONS}
    return JobWanted(**known, otherwise=(replace(command, worker_id="", limit=1), caller.scope()))


_CONDITIONS = [field.name for field in fields(JobWanted) if field.name in LockJobs.__dataclass_fields__]
