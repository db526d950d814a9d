"""Instances that are deep, wide or old: what one step costs depends on what lies near, not on how much there is.

Costs are counted on SQLite, where the instructions of its virtual machine also tell what a statement looks at without
returning it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app.clock import ManualClock
from app.commands.instance import CancelProcessInstance, CreateProcessInstance
from app.commands.job import CompleteJob, LockJobs
from app.commands.process import CreateProcess
from app.commands.task import LockTasks
from app.criteria import ElementInstanceCriteria, JobCriteria, ProcessInstanceCriteria
from app.engine.completion import CalledProcess, Completion
from app.engine.records import Job, ProcessInstance
from app.service import Service, open_service
from tests.conftest import configured
from tests.databases import Databases
from tests.store.counting import noting_statements

pytestmark = pytest.mark.sqlite


@dataclass(frozen=True, slots=True)
class Cost:
    statements: int
    rows: int
    """Rows that came back."""
    instructions: int
    """Of SQLite's virtual machine."""

    def is_about(self, other: Cost) -> bool:
        """The same statements and rows, and instructions within a fifth of each other."""
        small, large = sorted((self.instructions, other.instructions))
        return (self.statements, self.rows) == (other.statements, other.rows) and large <= small * 1.2


class Meter:
    """Runs calls and tells what they cost the databases that are opened while it is there."""

    def __init__(self) -> None:
        self._connections: list[Any] = []

    @contextmanager
    def watching(self) -> Iterator[Meter]:
        def connected(connection: Any, _record: Any) -> None:
            self._connections.append(connection)

        def closed(connection: Any, _record: Any) -> None:
            self._connections.remove(connection)

        event.listen(Engine, "connect", connected)
        event.listen(Engine, "close", closed)
        try:
            yield self
        finally:
            event.remove(Engine, "connect", connected)
            event.remove(Engine, "close", closed)

    def cost(self, call: Callable[[], object]) -> Cost:
        counts = {"statements": 0, "rows": 0, "instructions": 0}

        def executed(_: str) -> None:
            counts["statements"] += 1

        def step() -> None:
            counts["instructions"] += 1

        def row(_cursor: Any, values: tuple[Any, ...]) -> tuple[Any, ...]:
            counts["rows"] += 1
            return values

        for connection in self._connections:
            connection.set_progress_handler(step, 1)
            connection.row_factory = row
        try:
            with noting_statements(executed):
                call()
        finally:
            for connection in self._connections:
                connection.set_progress_handler(None, 0)
                connection.row_factory = None
        return Cost(**counts)


@pytest.fixture
def meter() -> Iterator[Meter]:
    with Meter().watching() as meter:
        yield meter


@pytest.fixture
def service(meter: Meter, databases: Databases, clock: ManualClock) -> Iterator[Service]:
    with databases.fresh("sqlite") as url:
        service = open_service(configured(url), clock)
        yield service
        service.close()


def flows(*chains: str) -> str:
    """Sequence flows; each chain is a list of ids."""
    pairs = [pair for chain in chains for pair in pairwise(chain.split())]
    return "".join(f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairs)


def start(service: Service, content: str, process: str = "p") -> ProcessInstance:
    """An instance of a process with that content, which is deployed for it."""
    xml = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">'
        f'<process id="{process}" isExecutable="true">{content}</process></definitions>'
    )
    service.execute(CreateProcess(bpmn_process_id=process, bpmn_xml=xml, version="1", worker_id="w"))
    return service.execute(CreateProcessInstance(bpmn_process_id=process, version="1", worker_id="w"))


def lock_job(service: Service) -> Job:
    [job] = service.execute(LockJobs(worker_id="w", limit=1))
    return job


def complete(service: Service, job: Job, **completion: Any) -> None:
    command = CompleteJob(partition=job.partition, id=job.id, worker_id="w", completion=Completion(**completion))
    done = service.execute(command)
    assert done.state == "DONE", done.error


def run_tasks(service: Service) -> None:
    """Executes due tasks until there are none."""
    while done := service.execute_tasks(LockTasks(limit=100)).completed:
        assert [task.error for task in done if task.error] == []


def state(service: Service, instance: ProcessInstance) -> str:
    [found] = service.query(ProcessInstanceCriteria(partition=instance.partition, id=instance.id))
    return found.state


LOOP = (
    '<startEvent id="start"/><subProcess id="outer"><startEvent id="s1"/>'
    '<subProcess id="inner"><startEvent id="s2"/><intermediateCatchEvent id="tick"><timerEventDefinition>'
    '<timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent><endEvent id="e2"/>'
    + flows("s2 tick e2")
    + '</subProcess><endEvent id="e1"/>'
    + flows("s1 inner e1")
    + '</subProcess><boundaryEvent id="late" attachedToRef="outer"><timerEventDefinition>'
    "<timeDuration>PT3H</timeDuration></timerEventDefinition></boundaryEvent>"
    '<exclusiveGateway id="again"/><endEvent id="end"/>' + flows("start outer again outer", "again end", "late end")
)


@pytest.mark.parametrize("visits", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_visit_of_nested_sub_processes_costs_the_same_however_often_a_loop_was_there(
    visits: int, meter: Meter, service: Service, clock: ManualClock
):
    def visit(target: str) -> None:
        clock.advance(timedelta(hours=1))
        service.execute_tasks(LockTasks(limit=100))
        complete(service, lock_job(service), exclusive_gateway_decision=target)

    def measured_visit() -> list[Cost]:
        clock.advance(timedelta(hours=1))
        # The timer of this visit, and the one that the visit before the last has left behind.
        fired = meter.cost(lambda: service.execute_tasks(LockTasks(limit=2, type="TRIGGER_EVENT")))
        locked: list[Job] = []
        claimed = meter.cost(lambda: locked.append(lock_job(service)))
        return [fired, claimed, meter.cost(lambda: complete(service, locked[0], exclusive_gateway_decision="outer"))]

    instance = start(service, LOOP)
    for _ in range(9):
        visit("outer")
    early = measured_visit()
    for _ in range(visits - 12):
        visit("outer")
    late = measured_visit()
    visit("end")

    assert state(service, instance) == "COMPLETED"
    criteria = ElementInstanceCriteria(partition=instance.partition, bpmn_element_id="inner")
    assert len(service.query(criteria, limit=visits + 1)) == visits
    for before, after in zip(early, late, strict=True):
        assert after.is_about(before), f"{before} became {after}"


def wide(branches: int) -> str:
    tasks = [f"t{number}" for number in range(branches)]
    return (
        '<startEvent id="start"/><parallelGateway id="fork"/><parallelGateway id="join"/><endEvent id="end"/>'
        + "".join(f'<serviceTask id="{task}"/>' for task in tasks)
        + flows("start fork", "join end", *(f"fork {task} join" for task in tasks))
    )


BRANCHES = 500


def test_completing_one_of_many_parallel_jobs_costs_the_same_at_the_first_and_at_the_last(
    meter: Meter, service: Service
):
    instance = start(service, wide(BRANCHES))
    costs = []
    for number in range(BRANCHES):
        if number in (1, BRANCHES // 2, BRANCHES - 1):
            locked: list[Job] = []
            claimed = meter.cost(lambda locked=locked: locked.append(lock_job(service)))
            costs.append([claimed, meter.cost(lambda job=locked[0]: complete(service, job))])
        else:
            complete(service, lock_job(service))
    for later in costs[1:]:
        for early, late in zip(costs[0], later, strict=True):
            assert late.is_about(early), f"{early} became {late}"

    # The join itself reads all that have arrived, once each.
    join = meter.cost(lambda: service.execute_tasks(LockTasks(limit=1, type="JOIN_PARALLEL_GATEWAY")))
    assert BRANCHES < join.rows < BRANCHES + 20
    run_tasks(service)

    assert state(service, instance) == "COMPLETED"
    joined = service.query(ElementInstanceCriteria(partition=instance.partition, bpmn_element_id="join"))
    assert [visit.state for visit in joined] == ["COMPLETED"] * BRANCHES
    assert len(service.query(ElementInstanceCriteria(partition=instance.partition, bpmn_element_id="end"))) == 1


def test_starting_and_canceling_takes_as_many_statements_for_many_branches_as_for_two(meter: Meter, service: Service):
    statements = []
    for number, branches in enumerate((2, BRANCHES)):
        process = f"p{number}"
        start(service, wide(branches), process)
        created: list[ProcessInstance] = []
        command = CreateProcessInstance(bpmn_process_id=process, version="1", worker_id="w")
        begun = meter.cost(lambda command=command, created=created: created.append(service.execute(command)))
        cancel = CancelProcessInstance(partition=created[0].partition, id=created[0].id, worker_id="w")
        ended = meter.cost(lambda cancel=cancel: service.execute(cancel))
        assert state(service, created[0]) == "CANCELED"
        statements.append((begun.statements, ended.statements))
    assert statements[0] == statements[1]


CALLING = (
    '<startEvent id="start"/><exclusiveGateway id="deeper"/><callActivity id="call"/><endEvent id="end"/>'
    + flows("start deeper call end", "deeper end")
)
LEVELS = 50
FEW_LEVELS = 10


def descend(meter: Meter, service: Service, levels: int) -> tuple[ProcessInstance, list[Cost]]:
    """The process has called itself that often; the costs of each call."""
    root = start(service, CALLING)
    costs = []
    itself = CalledProcess(bpmn_process_id="p", version="1")
    for _ in range(levels):
        complete(service, lock_job(service), exclusive_gateway_decision="call")
        job = lock_job(service)
        costs.append(meter.cost(lambda job=job: complete(service, job, called_process=itself)))
    return root, costs


def test_a_process_that_calls_itself_pays_the_same_on_each_level_down_and_up(meter: Meter, service: Service):
    root, down = descend(meter, service, LEVELS)
    instances = service.query(ProcessInstanceCriteria(partition=root.partition, root_id=root.id))
    assert [each.parent_id for each in instances] == [None, *(each.id for each in instances[:-1])]

    complete(service, lock_job(service), exclusive_gateway_decision="end")
    up = []
    for _ in range(LEVELS):
        job = lock_job(service)
        assert job.type == "PASS_VARIABLES"
        up.append(meter.cost(lambda job=job: complete(service, job)))

    assert state(service, root) == "COMPLETED"
    for costs in (down, up):
        assert costs[-2].is_about(costs[1]), f"{costs[1]} became {costs[-2]}"


def test_canceling_the_root_ends_all_levels_of_calls(meter: Meter, service: Service):
    root, _ = descend(meter, service, LEVELS)
    service.execute(CancelProcessInstance(partition=root.partition, id=root.id, worker_id="w"))
    instances = service.query(ProcessInstanceCriteria(partition=root.partition, root_id=root.id))
    assert [each.state for each in instances] == ["CANCELED"] * (LEVELS + 1)
    open_jobs = [job for job in service.query(JobCriteria()) if job.completed_at is None]
    assert all(job.detached for job in open_jobs)


def nested(levels: int) -> str:
    """Sub-processes in each other around one service task; the outermost one catches errors."""
    content = '<startEvent id="s"/><serviceTask id="task"/><endEvent id="e"/>' + flows("s task e")
    for level in range(levels):
        content = (
            f'<startEvent id="s{level}"/><subProcess id="sub{level}">{content}</subProcess><endEvent id="e{level}"/>'
            + flows(f"s{level} sub{level} e{level}")
        )
    return (
        content
        + f'<boundaryEvent id="caught" attachedToRef="sub{levels - 1}"><errorEventDefinition errorRef="any"/>'
        + '</boundaryEvent><endEvent id="failed"/>'
        + flows("caught failed")
        + "</process>"
        + '<error id="any"/><process id="other">'
    )


@pytest.mark.parametrize("error_code", ["", "X"], ids=["done", "failed"])
def test_all_levels_of_sub_processes_end_in_one_step_with_as_many_statements_as_one_level(
    error_code: str, meter: Meter, service: Service
):
    statements = []
    # Of few element instances all are read at once, and of many in two steps those that matter.
    for process, levels in (("p1", FEW_LEVELS), ("p2", LEVELS)):
        instance = start(service, nested(levels), process)
        job = lock_job(service)
        cost = meter.cost(lambda job=job: complete(service, job, error_code=error_code))
        assert state(service, instance) == "COMPLETED"
        visits = service.query(ElementInstanceCriteria(partition=instance.partition, process_instance_id=instance.id))
        subs = [visit.state for visit in visits if visit.bpmn_element_type == "SUB_PROCESS"]
        assert subs == ["TERMINATED" if error_code else "COMPLETED"] * levels
        assert cost.rows < 10 * (levels + 5)
        statements.append(cost.statements)
    assert statements[0] == statements[1]
