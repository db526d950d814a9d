"""What the hot commands cost: upper bounds, and what is reached now, so that nobody loses it unnoticed.

Everything is warm: the process is known, the statements are prepared. BEGIN and COMMIT are round trips only where they
travel alone, and never count as statements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from app.clock import ManualClock
from app.commands.instance import CancelProcessInstance, CreateProcessInstance
from app.commands.job import UnlockJobs
from app.commands.signal import SendSignal
from app.commands.task import LockTasks
from app.commands.variable import GetElementVariables, GetProcessVariables, SetProcessVariables
from app.config import Config
from app.criteria import JobCriteria, ProcessInstanceCriteria
from app.engine.records import Job, ProcessInstance
from app.remembering import Remembering
from app.service import Service, open_service
from tests.databases import Databases
from tests.store import play
from tests.store.counting import counting_statements
from tests.wire import Count, Wire

ROUNDS = 3
"""The first round loads the process, the second one prepares what a filled cache asks."""

R = TypeVar("R")
NOON = datetime(2026, 11, 23, 12)
Costs = dict[str, tuple[int, int]]
Counting = Callable[[], AbstractContextManager[Count]]

BUDGET: Costs = {"create": (4, 4), "lock": (1, 1), "complete": (8, 5)}
"""Statements and round trips of start -> service task -> end without variables."""


class Life:
    """Plays the same things several times; what the last time cost is kept."""

    def __init__(self, service: Service, counting: Counting) -> None:
        self.service = service
        self.counting = counting
        self.costs: Costs = {}

    def measured(self, name: str, do: Callable[[], R]) -> R:
        with self.counting() as count:
            result = do()
        self.costs[name] = count.statements, count.round_trips
        return result

    def plays(self, *, variables: bool = False) -> Costs:
        """Statements and round trips of each command in the life of an instance."""
        play.deploy(self.service)
        given = play.variables(x="1", y="2", z="3") if variables else ()
        for _ in range(ROUNDS):
            self.measured("create", lambda: play.start(self.service, variables=given))
            (job,) = self.measured("lock", lambda: play.lock(self.service))
            self.measured("complete", lambda job=job: play.complete(self.service, job, process_variables=given))
        return self.costs


@pytest.fixture(scope="module")
def url_by_wire(databases: Databases) -> Iterator[Wire]:
    with databases.fresh("postgres") as url:
        wire = Wire(url)
        yield wire
        wire.close()


@contextmanager
def opened(url: str, counting: Counting, **options: Any) -> Iterator[Life]:
    service = open_service(Config(database_url=url, partition_ahead_days=0, **options), ManualClock(NOON))
    yield Life(service, counting)
    service.close()


@pytest.fixture(scope="module")
def on_wire(url_by_wire: Wire) -> Iterator[Life]:
    with opened(url_by_wire.url, url_by_wire.counting) as life:
        yield life


@pytest.fixture
def on_sqlite(databases: Databases) -> Iterator[Life]:
    with databases.fresh("sqlite") as url, opened(url, counting_statements) as life:
        yield life


@pytest.mark.postgres
def test_the_life_of_an_instance_stays_within_the_budget_on_postgresql(on_wire: Life):
    costs = on_wire.plays()
    assert all(costs[name][0] <= bound[0] and costs[name][1] <= bound[1] for name, bound in BUDGET.items()), costs


@pytest.mark.postgres
def test_the_life_of_an_instance_takes_six_round_trips_on_postgresql(on_wire: Life):
    assert on_wire.plays() == {"create": (2, 2), "lock": (1, 1), "complete": (5, 3)}


@pytest.mark.postgres
def test_variables_take_no_further_statement_on_postgresql(on_wire: Life):
    assert on_wire.plays(variables=True) == {"create": (2, 2), "lock": (1, 1), "complete": (5, 3)}


@pytest.mark.postgres
def test_setting_time_costs_each_command_a_statement_that_travels_alone(url_by_wire: Wire):
    with opened(url_by_wire.url, url_by_wire.counting, set_time_enabled=True) as life:
        costs = life.plays()
    assert costs == {"create": (3, 3), "lock": (2, 2), "complete": (6, 4)}


@pytest.mark.sqlite
def test_the_life_of_an_instance_stays_within_the_budget_on_sqlite(on_sqlite: Life):
    costs = on_sqlite.plays()
    assert all(costs[name][0] <= bound[0] for name, bound in BUDGET.items()), costs


@pytest.mark.sqlite
def test_the_life_of_an_instance_takes_twelve_statements_on_sqlite(on_sqlite: Life):
    assert {name: statements for name, (statements, _) in on_sqlite.plays().items()} == {
        "create": 4,
        "lock": 1,
        "complete": 7,
    }


@pytest.mark.sqlite
def test_variables_take_one_further_statement_on_sqlite(on_sqlite: Life):
    assert {name: statements for name, (statements, _) in on_sqlite.plays(variables=True).items()} == {
        "create": 5,
        "lock": 1,
        "complete": 8,
    }


@pytest.mark.sqlite
def test_setting_time_costs_each_command_a_statement_on_sqlite(databases: Databases):
    with databases.fresh("sqlite") as url, opened(url, counting_statements, set_time_enabled=True) as life:
        costs = life.plays()
    assert {name: statements for name, (statements, _) in costs.items()} == {"create": 5, "lock": 2, "complete": 8}


READS: dict[str, tuple[Callable[[Service, ProcessInstance, Job], object], tuple[int, int]]] = {
    "query jobs": (
        lambda service, instance, job: service.query(JobCriteria(process_instance_id=instance.id)),
        (1, 1),
    ),
    "query instances": (
        lambda service, instance, job: service.query(ProcessInstanceCriteria(id=instance.id)),
        (1, 1),
    ),
    # Whether there is such an instance at all is a statement of its own.
    "get process variables": (
        lambda service, instance, job: service.execute(
            GetProcessVariables(partition=instance.partition, id=instance.id)
        ),
        (2, 2),
    ),
    "get element variables": (
        lambda service, instance, job: service.execute(
            GetElementVariables(partition=job.partition, id=job.element_instance_id)
        ),
        (2, 2),
    ),
    "lock by kind": (
        lambda service, instance, job: play.lock(service, bpmn_process_ids=("p",), task_types=("none",)),
        (1, 1),
    ),
    "lock by element": (
        lambda service, instance, job: play.lock(service, bpmn_element_ids=("a",)),
        (2, 1),
    ),
    "lock nothing": (lambda service, instance, job: play.lock(service), (1, 1)),
    "lock no task": (lambda service, instance, job: service.execute(LockTasks(limit=10)), (1, 1)),
    "unlock": (lambda service, instance, job: service.execute(UnlockJobs(worker_id="nobody")), (1, 1)),
}


@pytest.mark.postgres
@pytest.mark.parametrize("name", READS)
def test_reading_opens_no_transaction_on_postgresql(on_wire: Life, name: str):
    read, cost = READS[name]
    instance = play.begin(on_wire.service, variables=play.variables(x="1"))
    (job,) = play.lock_of(on_wire.service, instance)
    for _ in range(ROUNDS):
        with on_wire.counting() as count:
            read(on_wire.service, instance, job)
    assert (count.statements, count.round_trips, count.transactions) == (*cost, [])


@pytest.mark.sqlite
@pytest.mark.parametrize("name", READS)
def test_reading_opens_no_transaction_on_sqlite(on_sqlite: Life, name: str):
    read, (statements, _) = READS[name]
    instance = play.begin(on_sqlite.service, variables=play.variables(x="1"))
    (job,) = play.lock_of(on_sqlite.service, instance)
    for _ in range(ROUNDS):
        with on_sqlite.counting() as count:
            read(on_sqlite.service, instance, job)
    assert (count.statements, count.transactions) == (statements, [])


def _sets_variables(service: Service) -> Callable[[], object]:
    instance = play.begin(service)
    values = play.variables(a="1", b="2", c="3", d="4", e="5")
    return lambda: service.execute(
        SetProcessVariables(partition=instance.partition, id=instance.id, worker_id=play.WORKER, variables=values)
    )


def _sends_a_message(service: Service) -> Callable[[], object]:
    play.work(service, play.begin(service, play.MESSAGE_CATCH), message_correlation_key="k")
    return lambda: play.send(service, "paid", "k", variables=play.variables(x="1"))


def _buffers_a_message(service: Service) -> Callable[[], object]:
    return lambda: play.send(service, "paid", "k", expiration_timer=play.HOUR)


def _sends_a_signal_to_five(service: Service) -> Callable[[], object]:
    for _ in range(5):
        play.begin(service, play.SIGNAL_CATCH)
    return lambda: service.execute(SendSignal(name="alarm", worker_id=play.WORKER, variables=play.variables(x="1")))


def _runs_a_join(service: Service) -> Callable[[], object]:
    play.run_joins(service)
    play.work(service, play.begin(service, play.TWO_TASKS))
    return lambda: play.run_joins(service, limit=1)


def _cancels(service: Service) -> Callable[[], object]:
    instance = play.begin(service)
    return lambda: service.execute(
        CancelProcessInstance(partition=instance.partition, id=instance.id, worker_id=play.WORKER)
    )


START = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id=play.WORKER)
LIMITED = play.model("start -> a -> end", process_id="limited")


def _starts_under_a_limit(service: Service) -> Callable[[], object]:
    play.deploy(service, LIMITED, parallelism=1)
    return lambda: play.start(service, "limited")


def _ends_under_a_limit(service: Service) -> Callable[[], object]:
    """Somebody waits for the slot."""
    play.deploy(service, LIMITED, parallelism=1)
    play.start(service, "limited")
    play.start(service, "limited")
    play.run_tasks(service)
    (job,) = play.lock(service, process_ids=(play.deploy(service, LIMITED, parallelism=1).id,))
    return lambda: play.complete(service, job)


def _starts_with_a_key(service: Service) -> Callable[[], object]:
    """As a request with an Idempotency-Key does."""
    play.deploy(service)
    key = uuid4().hex
    return lambda: Remembering(service, service.memory(key, lambda: "")).execute(START)


def _replays(service: Service) -> Callable[[], object]:
    do = _starts_with_a_key(service)
    do()
    return do


def _starts_as_the_only_one(service: Service) -> Callable[[], object]:
    play.deploy(service)
    key = uuid4().hex
    return lambda: play.start(service, correlation_key=key, unique_correlation_key=True)


OTHERS: dict[str, tuple[Callable[[Service], Callable[[], object]], tuple[int, int]]] = {
    "set five variables": (_sets_variables, (4, 3)),
    "send a message to a subscriber": (_sends_a_message, (5, 5)),
    "buffer a message": (_buffers_a_message, (5, 5)),
    "send a signal to five subscribers": (_sends_a_signal_to_five, (4, 4)),
    "lock and run a join": (_runs_a_join, (7, 4)),
    "cancel an instance": (_cancels, (7, 4)),
    "start with an idempotency key": (_starts_with_a_key, (5, 3)),
    "replay a start": (_replays, (2, 2)),
    "start as the only one": (_starts_as_the_only_one, (4, 3)),
    "start under a limit": (_starts_under_a_limit, (4, 3)),
    "end under a limit": (_ends_under_a_limit, (7, 4)),
}
"""Statements and round trips, of which none may ever be more."""


@pytest.mark.postgres
@pytest.mark.parametrize("name", OTHERS)
def test_what_other_commands_cost_on_postgresql(on_wire: Life, name: str):
    prepare, bound = OTHERS[name]
    for _ in range(ROUNDS):
        do = prepare(on_wire.service)
        with on_wire.counting() as count:
            do()
    assert (count.statements, count.round_trips) == bound, count.texts
