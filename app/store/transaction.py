"""What handlers see of the database: one transaction of one command.

`lock_` takes row locks and opens the transaction, `load_` reads by key, `find_` may return None, and `save`
registers what is to be written: once, when the block ends without an exception, together with the commit, so that a
handler can't fail after it has written. Claims and other statements that are commands by themselves (`lock_jobs`,
`release`) write at once.

The time of a command is read after its last lock, or it would be older than what others have done while it waited:
once it is read (`is_timed`), locks are refused. Claims of work wait for nobody, and take the time as a parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property, partial
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson

from app.bpmn.model import EventDefinition
from app.caller import Scope
from app.engine import records
from app.engine.changes import Changes
from app.engine.graph import Graph
from app.engine.records import (
    DeployedProcess,
    ElementVisit,
    EventVariable,
    Incident,
    Job,
    Message,
    MessageSubscription,
    ProcessInstance,
    Queue,
    Signal,
    SignalSubscription,
    Start,
    Task,
    VariableView,
)
from app.engine.values import Stored
from app.store import idempotency, load, sql
from app.store import rows as r
from app.store.claims import JOB, LISTS, TASK, Claims
from app.store.dialect import Dialect, Execution, Op, Row, Session, Values, Write
from app.store.digest import digest
from app.store.elements import NEWEST, Elements, Kinds
from app.store.elements import Found as Meant
from app.store.graphs import BY_ID, GraphMissing, Graphs
from app.store.idempotency import Kept
from app.store.keys import Keys
from app.store.load import Snapshot
from app.store.maintenance import Maintenance
from app.store.removal import Removal, RemovalStatements
from app.store.save import Saver
from app.store.scope import Scoped, parameters_of
from app.store.settings import Settings

Rec = TypeVar("Rec")


class Transaction:
    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        saver: Saver,
        claims: Claims,
        graphs: Graphs,
        elements: Elements,
        ensure_days: Callable[[Iterable[date]], None],
        loaded: Mapping[int, Graph],
        scoped: Scoped,
        removal: RemovalStatements,
    ) -> None:
        self._session = session
        self._removal_statements = removal
        self._dialect = dialect
        self._saver = saver
        self._claims = claims
        self._graphs = graphs
        self._elements = elements
        self._loaded = loaded
        self._changes: Changes | None = None
        self._along: dict[Op, list[Values]] = {}
        self._released = 0
        self._when_saved: list[Callable[[], Write | None]] = []
        self._ensure_days = ensure_days
        self.due: datetime | None = None
        """When the first of the tasks that were written becomes due; known after the commit."""
        self.leased_until: datetime | None = None
        """When the locks end that were taken on jobs, if they do by themselves."""
        self.wrote = False
        """Whether something was saved and committed."""
        self.freed = False
        """Whether jobs were given back."""
        self.is_timed = False
        """Whether the time of the command was read."""
        self.scope: Scope | None = None
        """The processes that there are for who asks: what is looked up of others is not found. None is all."""
        self._scoped = scoped
        self._trees: set[tuple[date, int]] = set()
        """The roots of instances that were found to be of these processes; what they have called goes with them."""
        self.subject: ProcessInstance | None = None
        """The instance that was locked first: the one that the command is about."""
        self.is_doubtful = False
        """Whether an attempt before has failed, maybe since a process was deleted that others know still."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._commit()
        finally:
            try:
                self._session.close()
            finally:
                self._session.connection.close()

    def _commit(self) -> None:
        changes = self._changes
        saving: list[Execution] = []
        if changes is not None:
            self._ensure_days({day for found in changes.new.values() for record in found for day in _new_day(record)})
            saving = self._saver.save(self._session, changes)
        self.along(*(write for make in self._when_saved if (write := make())))
        beside = self._dialect.writes(self.noted) if self._along else []
        self._session.commit(*saving, *beside)
        if changes is None:
            return
        self.due = min(changes.due, default=None)
        self.wrote = True

    def save(self, changes: Changes) -> None:
        """Registers all that this command writes; it can be said once."""
        assert self._changes is None, "a command saves once"
        if changes:
            self._changes = changes

    @property
    def changes(self) -> Changes:
        """What was saved; its records have their ids once it is committed."""
        return self._changes or Changes()

    def along(self, *writes: Write) -> None:
        """Registers rows that are written if, and only if, the command is committed: what is noted about it.

        Unlike `save` it may be said several times; no row may be written twice.
        """
        for write in writes:
            self._along.setdefault(write.op, []).extend(write.rows)

    def along_when_saved(self, make: Callable[[], Write | None]) -> None:
        """Like `along`, for what can only be told of records once they have their ids, in the same order."""
        self._when_saved.append(make)

    @property
    def changes_something(self) -> bool:
        """Whether anything was registered, or changed by a statement of its own."""
        has_deleted = "removal" in self.__dict__ and self.removal.has_deleted
        return self._changes is not None or bool(self._along) or self._released > 0 or has_deleted

    @property
    def noted(self) -> list[Write]:
        """What was registered by `along`."""
        return [Write(op, rows) for op, rows in self._along.items()]

    def _one(self, statement: Any, **parameters: Any) -> Row | None:
        (rows,) = self._session.run(Execution(statement, parameters))
        return rows[0] if rows else None

    def _all(self, statement: Any, **parameters: Any) -> list[Row]:
        (rows,) = self._session.run(Execution(statement, parameters))
        return rows

    @property
    def maintenance(self) -> Maintenance:
        return Maintenance(self._session, self._dialect, self._ensure_days)

    @property
    def settings(self) -> Settings:
        return Settings(self._session, self._dialect)

    @cached_property
    def removal(self) -> Removal:
        return Removal(self._session, self._removal_statements)

    @property
    def keys(self) -> Keys:
        return Keys(self._session, self._dialect)

    def begin(self) -> None:
        """What follows is one transaction, also where nothing has to be locked before it."""
        self._session.begin()

    def begin_alone(self) -> None:
        """Opens the transaction where only one at a time can write, so that none commits between now and the end."""
        if not self._dialect.locks_rows:
            self._before_lock()

    def _before_lock(self) -> None:
        assert not self.is_timed, "a command reads its time after its last lock"
        self._session.begin()

    def lock_key(self, *keys: str) -> None:
        """Keeps other transactions with one of the keys out until the end of this one."""
        self._before_lock()
        executions = [execution for key in sorted(set(keys)) if (execution := self._dialect.advisory_lock(key))]
        if executions:
            self._session.run(*executions)

    def recall(self, key: str) -> list[Kept]:
        """What is kept under an idempotency key, with others who use it kept out until the end of this one."""
        found = self._read_locked(f"idempotency\0{key}", Execution(idempotency.OF_KEY, {"key": key}))
        return [idempotency.read(row) for row in found]

    def forget_results(self, since: datetime) -> bool:
        """Deletes the oldest results that were kept before `since`, at once; whether there may be more of them."""
        ((last, count),) = self._all(idempotency.LAST_OF_OLDEST, since=since)
        if count:
            self._all(idempotency.FORGET, last=last)
        return bool(count == idempotency.FORGOTTEN_AT_ONCE)

    def _read_locked(self, key: str, execution: Execution) -> list[Row]:
        """The rows as they are once the key is locked, like `lock_key`, in one round trip."""
        self._before_lock()
        lock = self._dialect.advisory_lock(key)
        return self._session.run(*([lock] if lock else []), execution)[-1]

    def clock_offset(self) -> timedelta:
        row = self._one(sql.CLOCK_OFFSET)
        return timedelta(milliseconds=row[0] if row else 0)

    def lock_clock_offset(self) -> timedelta:
        """The offset, with other transactions that lock it kept out."""
        self.lock_key("clock")
        return self.clock_offset()

    # Processes

    def graph(self, process_id: int) -> Graph:
        """Raises GraphMissing for one that is to be loaded first, when no lock is held."""
        found = self._loaded.get(process_id) or self._graphs.find(process_id)
        if found is None:
            raise GraphMissing(process_id)
        return found

    def find_graph(self, bpmn_process_id: str, version: str) -> Graph | None:
        """An empty version is the newest one. Raises GraphMissing like `graph`."""
        process_id = self._graphs.id_by_version(self._session, bpmn_process_id, version, doubtful=self.is_doubtful)
        return None if process_id is None else self.graph(process_id)

    def find_process(self, bpmn_process_id: str, version: str) -> DeployedProcess | None:
        row = self._one(sql.PROCESS_BY_VERSION, bpmn_process_id=bpmn_process_id, version=version)
        return r.read_process(row) if row else None

    def is_deployed(self, process_id: int) -> bool:
        return self._one(sql.IS_DEPLOYED, id=process_id) is not None

    def forget_graph(self, process_id: int) -> None:
        self._graphs.forget(process_id)

    def find_newest_process(self, bpmn_process_id: str) -> DeployedProcess | None:
        id = self._graphs.id_by_version(self._session, bpmn_process_id, "")
        return None if id is None else self.find_process_by_id(id)

    def find_process_by_id(self, id: int) -> DeployedProcess | None:
        row = self._one(BY_ID, id=id)
        found = r.read_process(row) if row else None
        return found if found and (self.scope is None or self.scope.covers(found.bpmn_process_id)) else None

    def find_message_start(self, name: str, *, other_than: str = "") -> tuple[int, str, str] | None:
        """Element id, BPMN process id and version of the active start event, if it is not of `other_than`."""
        row = self._one(sql.MESSAGE_START, name=name, other_than=other_than)
        return (row[0], row[1], row[2]) if row else None

    def find_first_message_start(self, name: str) -> tuple[Start, str, str] | None:
        """The active start event, with the BPMN process id and version of what it starts."""
        row = self._one(sql.FIRST_MESSAGE_START, name=name)
        return (Start(*row[:4]), row[4], row[5]) if row else None

    def load_signal_starts(self, name: str) -> list[Start]:
        """Each active signal start event, in id order."""
        return [Start(*row) for row in self._all(sql.SIGNAL_STARTS, name=name)]

    def find_previous_process(self, process: DeployedProcess) -> DeployedProcess | None:
        """The newest version that is older."""
        row = self._one(sql.PREVIOUS_PROCESS, bpmn_process_id=process.bpmn_process_id, id=process.id)
        return r.read_process(row) if row else None

    def count_instances(self, process_id: int, most: int) -> int:
        """How many instances a version has, ended or not; counted up to `most`."""
        row = self._one(sql.COUNT_INSTANCES, process_id=process_id, most=most)
        assert row is not None
        return int(row[0])

    def find_open_starts(self, process_id: int) -> list[tuple[int, str | None]]:
        """Element id and payload of each open task that is to start a version."""
        return [(row[0], row[1]) for row in self._all(sql.OPEN_STARTS, process_id=process_id)]

    def load_start_definitions(self, process_id: int) -> list[tuple[Start, EventDefinition]]:
        """What starts a version, each with its definition."""
        rows = self._all(sql.START_DEFINITIONS, process_id=process_id)
        return [(Start(*row[:4]), r.read_definition(row[4:]) or EventDefinition()) for row in rows]

    def is_suspended(self, element_id: int, part: int | None = None) -> bool:
        """Whether a newer version has replaced the start event, or that part of it, or its own was deleted."""
        row = self._one(sql.DEFINITION_SUSPENDED, element_id=element_id, at=part or 0)
        return row is None or bool(row[0])

    # The queue of a process with a limit on parallelism

    def lock_queue(self, bpmn_process_id: str, members: Sequence[ProcessInstance] = ()) -> Queue:
        """The queue of a process, without limit where there never was one; others who start or end instances wait.

        It has the entries of `members` apart, and some of the others.
        """
        self._before_lock()
        found, first, *own = self._session.run(
            Execution(sql.LOCK_QUEUE, {"bpmn_process_id": bpmn_process_id}),
            # Statements of their own: only these see what was committed while the first one waited.
            Execution(sql.QUEUE_ENTRIES, {"bpmn_process_id": bpmn_process_id, "limit": len(members) + _FIRST_ENTRIES}),
            *(Execution(sql.QUEUE_ENTRY, load.key(each.partition, each.id)) for each in members),
        )
        parallelism, active = found[0] if found else (0, 0)
        queue = Queue(
            bpmn_process_id=bpmn_process_id,
            parallelism=parallelism,
            active=active,
            own=[r.read_entry(row) for rows in own for row in rows],
        )
        _read_entries(queue, first, len(members) + _FIRST_ENTRIES)
        return queue

    def load_queue_entries(self, queue: Queue, count: int) -> None:
        """Has as many of the first entries in the locked queue, or all."""
        limit = len(queue.own) + count
        rows = self._all(sql.QUEUE_ENTRIES, bpmn_process_id=queue.bpmn_process_id, limit=limit)
        _read_entries(queue, rows, limit)

    def count_active(self, bpmn_process_id: str) -> int:
        """Instances that have not ended and are not in the queue."""
        row = self._one(sql.COUNT_ACTIVE, bpmn_process_id=bpmn_process_id)
        assert row is not None
        return int(row[0])

    def lock_senders(self) -> None:
        """Keeps messages and signals from being sent; before `lock_instances`."""
        self._before_lock()
        self._session.run(*self._dialect.lock_senders())

    def lock_instances(self) -> None:
        """Waits for all who are about to write instances, and keeps others from it.

        Whoever writes after that sees what this transaction has committed. The days that this transaction writes to
        must be known before: no other one can be created meanwhile.
        """
        self._before_lock()
        self._session.run(*self._dialect.lock_instances())

    # Instances

    def start_over(self) -> None:
        """What has been read was changed by a walk that came to nothing, and is to be read again."""

    def lock_instance(self, source: str, partition: date, id: int, *, whole: bool = False) -> Found | None:
        """The row of `source` under the lock of its instance, and what a walk from there needs.

        `source` is job, task, user_task, incident, element_instance or process_instance. None if there is no
        such row, or it belongs to no instance.
        """
        return self._lock(source, partition, id, load.NEAR.get(source), whole)

    def lock_instance_of_join(self, partition: date, id: int) -> Found | None:
        """Like `lock_instance` for a task, with all that has arrived at the same gateway."""
        return self._lock("task", partition, id, load.NEAR_WITH_SIBLINGS, False)

    def _lock(self, source: str, partition: date, id: int, near: Any, whole: bool) -> Found | None:
        self._before_lock()
        key = load.key(partition, id)
        # First all that are active, unless these are many: what lies near is found out at a higher price.
        tokens = load.WHOLE[source] if whole else load.ACTIVE.get(source, near)
        statements = [load.WITH_INSTANCE[source], *([tokens] if tokens is not None else [])]
        day = None
        if self._dialect.locks_rows:
            day = partition if source in load.LOCK_OF_DAY else None
            statements.insert(0, load.LOCK_OF_DAY[source] if day else load.LOCK[source])
        results = self._session.run(*(Execution(statement, key, day=day) for statement in statements))
        if self._dialect.locks_rows and not results.pop(0):
            return None
        if not results[0]:
            return None
        own, instance, parallelism = load.read_with_instance(source, results[0][0], READERS[source])
        if not self._admits(instance):
            return None
        self.subject = self.subject or instance
        found = results[1] if tokens is not None else []
        may_be_many = not whole and source in load.ACTIVE and instance.ended_at is None
        if may_be_many and not load.has_active(found):
            (found,) = self._session.run(Execution(near, key, day=day))
        graph = self.graph(instance.process_id)
        snapshot = Snapshot(
            instance=instance,
            graph=graph,
            tokens=load.link(found, instance, graph),
            parallelism=parallelism,
            whole=whole,
        )
        self._complete(snapshot)
        return Found(own, snapshot)

    def _admits(self, instance: ProcessInstance) -> bool:
        """Whether there is such an instance for who asks."""
        if self.scope is None:
            return True
        tree = instance.partition, instance.root_id or instance.id
        if tree not in self._trees and not self.scope.covers(instance.bpmn_process_id):
            return False
        self._trees.add(tree)
        return True

    def _has_process(self, process_id: int | None) -> bool:
        """The same for a version of a process, by its id."""
        return self.scope is None or process_id in self._process_ids

    @cached_property
    def _process_ids(self) -> set[int]:
        """The ids of all that there are for who asks."""
        assert self.scope is not None
        return {row[0] for row in self._all(self._scoped.process_ids, **parameters_of(self.scope))}

    def _complete(self, snapshot: Snapshot) -> None:
        """Adds the caller of a called instance, and to a whole snapshot the called instances."""
        if snapshot.whole:
            rows = self._all(load.CALLED, day=snapshot.instance.partition, parent=snapshot.instance.id)
            snapshot.called = {row[0]: r.read_instance(row[1:]) for row in rows}
        if snapshot.whole and snapshot.graph.compensates:
            instance = snapshot.instance
            snapshot.set_completed(self._all(load.COMPENSABLE, day=instance.partition, id=instance.id))
        root = snapshot.called_root
        if root is None or root.parent_id is None:
            return
        key = load.key(root.partition, root.parent_id)
        found, tokens = self._session.run(
            Execution(load.WITH_INSTANCE["element_instance"], key), Execution(load.NEAR["element_instance"], key)
        )
        _, instance, parallelism = load.read_with_instance("element_instance", found[0], r.read_visit)
        graph = self.graph(instance.process_id)
        caller = Snapshot(
            instance=instance, graph=graph, tokens=load.link(tokens, instance, graph), parallelism=parallelism
        )
        snapshot.set_caller(caller)

    def load_called_below(self, root: ProcessInstance) -> list[ProcessInstance]:
        """The active instances that were called, directly or not, below the root of a tree."""
        rows = self._all(load.BELOW, day=root.partition, root=root.root_id or root.id)
        return [r.read_instance(row) for row in rows]

    def find_instance(self, partition: date, id: int) -> ProcessInstance | None:
        row = self._one(sql.INSTANCE, day=partition, id=id)
        found = r.read_instance(row) if row else None
        return found if found and self._admits(found) else None

    def find_open_root(self, bpmn_process_id: str, correlation_key: str) -> ProcessInstance | None:
        """An instance of any version of the process that has the key, was not called, and has not ended.

        Others who ask for the same wait until the end of this transaction.
        """
        wanted = {"bpmn_process_id": bpmn_process_id, "correlation_key": correlation_key}
        found = self._read_locked(f"instance\0{bpmn_process_id}\0{correlation_key}", Execution(sql.OPEN_ROOT, wanted))
        return r.read_instance(found[0]) if found else None

    def find_visit(self, partition: date, id: int) -> ElementVisit | None:
        row = self._one(sql.VISIT, day=partition, id=id)
        found = r.read_visit(row) if row else None
        return found if found and self._has_process(found.process_id) else None

    # Variables

    def load_process_variables(self, partition: date, id: int, names: tuple[str, ...] | None) -> list[VariableView]:
        """By name."""
        rows = self._all(sql.PROCESS_VARIABLES, day=partition, id=id)
        found = [_variable_view(None, row) for row in rows if names is None or row[0] in names]
        return sorted(found, key=_by_name)

    def load_element_variables(
        self, partition: date, id: int, names: tuple[str, ...] | None, *, own_only: bool
    ) -> list[VariableView]:
        """Of the element instance and its enclosing scopes, by name, then by the element they are stored at."""
        rows = self._all(sql.ELEMENT_VARIABLES, day=partition, id=id)
        found = [
            _variable_view(bpmn_element_id, row)
            for bpmn_element_id, depth, *row in rows
            if (names is None or row[0] in names) and not (own_only and depth)
        ]
        return sorted(found, key=_by_name)

    def load_variables_named(
        self, partition: date, process_instance_id: int, names: Iterable[str]
    ) -> dict[tuple[int | None, str], Stored]:
        """By the element instance, or None for the process instance, and name."""
        wanted = orjson.dumps(sorted(names)).decode()
        rows = self._all(self._claims.named, day=partition, id=process_instance_id, names=wanted)
        return {(id, name): _stored(*value) for id, name, *value in rows}

    def load_variables(self, partition: date, process_instance_id: int) -> dict[tuple[int | None, str], Stored]:
        """All of a process instance, by the element instance, or None for the instance itself, and name."""
        rows = self._all(sql.ALL_VARIABLES, day=partition, id=process_instance_id)
        return {(id, name): _stored(*value) for id, name, *value in rows}

    def load_variables_of(self, partition: date, ids: Sequence[int]) -> dict[tuple[int, str], Stored]:
        """What element instances hold, by their id and the name."""
        rows = self._all(self._claims.stored, day=partition, ids=list(ids))
        return {(id, name): _stored(*value) for id, name, *value in rows}

    def load_output_items(
        self, partition: date, process_instance_id: int, body_id: int, name: str
    ) -> dict[int, Stored]:
        """What inner instances of a body hold under the name, by their numbers; not what was TERMINATED."""
        rows = self._all(sql.OUTPUT_ITEMS, day=partition, id=process_instance_id, body=body_id, name=name)
        return {number: _stored(*value) for number, *value in rows}

    # Work

    def claim_jobs(
        self,
        *,
        now: datetime,
        worker: str,
        limit: int,
        filters: dict[str, Any],
        detached: bool,
        until: datetime | None = None,
        kinds: Kinds | None = None,
    ) -> list[Job]:
        """Locks due jobs; with `until`, others may have them after that, unless the lease is extended.

        Those of `kinds` only; where these are not known so far, that takes a statement of its own. May raise
        GraphMissing, but only when nothing was locked.
        """
        found: list[Job] = []
        claim = partial(self._claim_execution, JOB, now, worker, limit, detached=detached, until=until)
        if kinds is None:
            (rows,) = self._session.run(claim(filters))
            found = _claimed(r.read_job, rows)
        else:
            found = self._claim_jobs_of(kinds, filters, claim)
        if found:
            self.leased_until = until
        return found

    def claim_tasks(
        self, *, now: datetime, worker: str, limit: int, filters: dict[str, Any], until: datetime
    ) -> list[Task]:
        """Locks due tasks; unless the lease is extended, others may have them after `until`."""
        (rows,) = self._session.run(self._claim_execution(TASK, now, worker, limit, filters, until=until))
        return _claimed(r.read_task, rows)

    def _claim_execution(
        self,
        of: Any,
        now: datetime,
        worker: str,
        limit: int,
        filters: dict[str, Any],
        *,
        detached: bool = False,
        until: datetime | None = None,
    ) -> Execution:
        if self.scope is not None:
            filters = self._within_scope(filters)
        names = frozenset(filters) | ({"detached"} if detached else frozenset())
        parameters = {name if name in LISTS else f"f_{name}": value for name, value in filters.items()}
        parameters |= {"now": now, "worker": worker, "until": until}
        return Execution(self._claims.claim(of, names, limit), parameters, day=filters.get("partition"))

    def release(self, of: Any, worker: str, filters: dict[str, Any]) -> int:
        """Unlocks uncompleted jobs or tasks that `worker` holds; how many these were."""
        if self.scope is not None:
            filters = self._within_scope(filters)
        names = frozenset(filters)
        parameters = {name if name.endswith("ids") else f"f_{name}": value for name, value in filters.items()}
        count = len(self._all(self._claims.release(of, names), worker=worker, **parameters))
        self._released += count
        self.freed |= of is JOB and count > 0
        return count

    def _within_scope(self, filters: dict[str, Any]) -> dict[str, Any]:
        """The filters, with those of the processes that there are for who asks, maybe none."""
        wanted = self._process_ids
        if "process_ids" in filters:
            wanted = wanted & set(filters["process_ids"])
        return {**filters, "process_ids": sorted(wanted)}

    def _claim_jobs_of(
        self, kinds: Kinds, filters: dict[str, Any], claim: Callable[[dict[str, Any]], Execution]
    ) -> list[Job]:
        meant = self._elements.known(kinds)
        if meant is None or meant.outdated:
            meant = self._elements.look_up(self._session, self.graph, kinds)
        while True:
            # With the claim comes whether there are newer versions. Their jobs matter only where there are no others.
            wanted = _filters_of(kinds, meant)
            executions = [claim(filters | wanted)] if wanted else []
            ((newest,),), *rows = self._session.run(Execution(NEWEST), *executions)
            found = _claimed(r.read_job, rows[0]) if rows else []
            if newest <= meant.newest:
                return found
            self._elements.note_newest(kinds, newest)
            if found:
                return found
            meant = self._elements.look_up(self._session, self.graph, kinds)

    def load_visible_variables(self, jobs: Iterable[Job], names: Sequence[str] | None) -> list[list[VariableView]]:
        """What each of the jobs sees: of a name the innermost variable only, these first, and by name within a scope.

        One statement for all jobs of a day. Without `names` all variables.
        """
        found = list(jobs)
        days: dict[date, list[int]] = {}
        for job in found:
            days.setdefault(job.partition, []).append(job.element_instance_id)
        named = {"names": orjson.dumps(list(names)).decode()} if names is not None else {}
        statement = self._claims.visible[names is not None]
        executions = [Execution(statement, {"day": day, "ids": ids, **named}, day=day) for day, ids in days.items()]
        seen: dict[tuple[date, int], list[Row]] = {}
        for day, rows in zip(days, self._session.run(*executions), strict=True):
            for row in rows:
                seen.setdefault((day, row[0]), []).append(row)
        return [_visible(seen.get((job.partition, job.element_instance_id), [])) for job in found]

    def lock_held_jobs(self, partition: date, ids: Sequence[int]) -> list[Job]:
        """The rows of jobs of one day, those that exist, without the lock of their instances.

        First those that nobody is writing, then the others.
        """
        self._before_lock()
        found: list[Row] = []
        left = sorted(set(ids))
        for skip_locked in (True, False):
            execution = Execution(self._claims.held_jobs[skip_locked], {"day": partition, "ids": left}, day=partition)
            (rows,) = self._session.run(execution)
            found += rows
            left = sorted(set(left) - {row[1] for row in rows})
            if not left or not self._dialect.locks_rows:
                break
        jobs = [r.read_job(row) for row in found]
        return [job for job in jobs if self._has_process(job.process_id)]

    def extend_jobs(self, partition: date, ids: list[int], until: datetime) -> None:
        """Moves the end of the leases of jobs whose rows are locked."""
        self._session.run(
            Execution(self._claims.extend_jobs, {"day": partition, "ids": ids, "until": until}, day=partition)
        )

    def recover_jobs(self, now: datetime) -> int:
        """Gives back jobs whose lease has ended, at most RECOVERED_AT_ONCE; how many."""
        count = len(self._all(self._claims.recover_jobs, now=now))
        self.freed |= count > 0
        return count

    def find_first_lease_end(self) -> datetime | None:
        """When the next lease of a job ends, or did."""
        row = self._one(self._claims.first_lease_end)
        return row[0] if row else None

    def extend_tasks(self, partition: date, ids: list[int], worker: str, until: datetime) -> int:
        """Moves the end of the leases of tasks that `worker` holds; how many these were."""
        return len(self._all(self._claims.extend, f_partition=partition, ids=ids, worker=worker, until=until))

    def postpone_task(self, partition: date, id: int, worker: str, until: datetime, error: str) -> None:
        """Leaves a task that `worker` holds to whoever recovers it after `until`, with the reason."""
        self._all(self._claims.postpone, f_partition=partition, ids=[id], worker=worker, until=until, error=error)

    def recover_tasks(self, now: datetime, abandoned: datetime) -> int:
        """Gives back tasks whose lease has ended, or that were locked before `abandoned` without one; how many."""
        return len(self._all(self._claims.recover, now=now, abandoned=abandoned))

    def lock_task(self, partition: date, id: int) -> Task | None:
        """The row of a task that belongs to no instance."""
        self._before_lock()
        row = self._one(sql.LOCK_TASK, day=partition, id=id)
        found = r.read_task(row) if row else None
        return found if found and self._has_process(found.process_id) else None

    def lock_incident(self, partition: date, id: int) -> Incident | None:
        self._before_lock()
        row = self._one(sql.LOCK_INCIDENT, day=partition, id=id)
        found = r.read_incident(row) if row else None
        return found if found and self._has_process(found.process_id) else None

    def find_job(self, partition: date, id: int) -> Job | None:
        """For who has found it by a record of its process: it is not asked again whether that is there for them."""
        row = self._one(sql.JOB, day=partition, id=id)
        return r.read_job(row) if row else None

    def find_task(self, partition: date, id: int) -> Task | None:
        row = self._one(sql.TASK, day=partition, id=id)
        found = r.read_task(row) if row else None
        return found if found and self._has_process(found.process_id) else None

    def find_upcoming(self) -> tuple[datetime | None, datetime | None]:
        """When the next unclaimed task becomes due, or did, and when the next lease of a task ends, or did."""
        row = self._one(self._claims.upcoming)
        assert row is not None
        return row[0], row[1]

    # Messages and signals

    def find_with_unique_key(self, name: str, correlation_key: str, unique_key: str) -> Message | None:
        """The message that holds the unique key, whatever has become of it."""
        row = self._one(
            sql.WITH_UNIQUE_KEY,
            unique_digest=digest(name, correlation_key, unique_key),
            name=name,
            correlation_key=correlation_key,
            unique_key=unique_key,
        )
        return r.read_message(row) if row else None

    def find_buffered(self, name: str, correlation_key: str, now: datetime) -> Message | None:
        """The oldest message that waits for a subscriber."""
        found = digest(name, correlation_key)
        row = self._one(sql.BUFFERED, digest=found, name=name, correlation_key=correlation_key, now=now)
        return r.read_message(row) if row else None

    def lock_message_subscription(self, name: str, correlation_key: str) -> MessageSubscription | None:
        """The oldest subscription. Who ends its element instance waits, and who does already is waited for."""
        self._before_lock()
        wanted = {"digest": digest(name, correlation_key), "name": name, "correlation_key": correlation_key}
        while row := self._one(sql.MESSAGE_SUBSCRIPTION, **wanted):
            locked = self._one(sql.LOCK_MESSAGE_SUBSCRIPTION, id=row[0]) if self._dialect.locks_rows else row
            if locked:
                return r.read_message_subscription(locked)
        return None

    def lock_signal_subscriptions(self, name: str) -> list[SignalSubscription]:
        """All subscriptions in id order, locked like one for messages."""
        self._before_lock()
        return [r.read_signal_subscription(row) for row in self._all(sql.LOCK_SIGNAL_SUBSCRIPTIONS, name=name)]

    def is_subscribed(self, partition: date, element_instance_id: int) -> bool:
        """Whether the element instance has a subscription."""
        return bool(self._all(sql.SUBSCRIPTIONS, day=partition, id=element_instance_id))

    def lock_message(self, id: int) -> tuple[Message, list[EventVariable]] | None:
        self._before_lock()
        row = self._one(sql.LOCK_MESSAGE, id=id)
        if row is None:
            return None
        return r.read_message(row), [_event_variable(v) for v in self._all(sql.MESSAGE_VARIABLES, id=id)]

    def load_signal(self, id: int) -> tuple[Signal, list[EventVariable]] | None:
        row = self._one(sql.SIGNAL, id=id)
        if row is None:
            return None
        return r.read_signal(row), [_event_variable(v) for v in self._all(sql.SIGNAL_VARIABLES, id=id)]


class Found:
    """A row under the lock of its instance."""

    __slots__ = ("row", "snapshot")

    def __init__(self, row: Any, snapshot: Snapshot) -> None:
        self.row = row
        self.snapshot = snapshot


READERS: dict[str, Callable[[Row], Any]] = {
    "job": r.read_job,
    "task": r.read_task,
    "user_task": r.read_user_task,
    "incident": r.read_incident,
    "element_instance": r.read_visit,
    "process_instance": r.read_instance,
}


MOST_KEYS = 1000
"""Elements or processes whose work is looked for one by one; of more, all that is due is looked through."""


def _filters_of(kinds: Kinds, meant: Meant) -> dict[str, Any]:
    """The filters of a claim; none when nothing can be meant."""
    if not meant.process_ids:
        return {}
    filters: dict[str, Any] = {}
    if kinds.types:
        filters["types"] = orjson.dumps(kinds.types).decode()
    if kinds.names_elements and len(meant.element_ids) <= MOST_KEYS:
        return filters | _one_of("element", meant.element_ids)
    if kinds.names_elements:
        filters["any_element_ids"] = meant.element_ids
    if kinds.names_processes:
        filters |= _one_of("process", meant.process_ids)
    return filters


def _one_of(name: str, ids: list[int]) -> dict[str, Any]:
    return {f"{name}_id": ids[0]} if len(ids) == 1 else {f"{name}_ids": ids}


def _claimed(read: Callable[[Row], Rec], rows: list[Row]) -> list[Rec]:
    found: list[Any] = [read(row) for row in rows]
    return sorted(found, key=lambda work: (work.partition, work.due_at, work.id))


_FIRST_ENTRIES = 2
"""The next one in a queue, and whether there is another."""


def _read_entries(queue: Queue, rows: list[Row], limit: int) -> None:
    own = {(entry.partition, entry.process_instance_id) for entry in queue.own}
    entries = [r.read_entry(row) for row in rows]
    queue.entries = [entry for entry in entries if (entry.partition, entry.process_instance_id) not in own]
    queue.more = len(rows) == limit


def _new_day(record: Any) -> tuple[date, ...]:
    """The day of a record, unless it is past: such a day exists already, or was detached and must not come back."""
    day = r.partition_of(record)
    return (day,) if day and day >= record.created_at.date() else ()


def _stored(encoding: str, encrypted: object, value: str) -> Stored:
    return Stored(encoding, bool(encrypted), value)


def _variable_view(bpmn_element_id: str | None, row: Row) -> VariableView:
    name, encoding, encrypted, value = row
    return VariableView(bpmn_element_id=bpmn_element_id, name=name, encoding=encoding, encrypted=encrypted, value=value)


def _visible(rows: list[Row]) -> list[VariableView]:
    rows = sorted(rows, key=lambda row: (row[1] is None, row[1] or 0, row[3]))
    first: dict[str, VariableView] = {}
    for _, _, bpmn_element_id, *row in rows:
        first.setdefault(row[0], _variable_view(bpmn_element_id, row))
    return list(first.values())


def _by_name(variable: VariableView) -> tuple[str, str]:
    """Texts compare by code point here, which is the order of their bytes in UTF-8."""
    return variable.name, variable.bpmn_element_id or ""


def _event_variable(row: Row) -> EventVariable:
    id, owner_id, encoding, encrypted, name, value = row
    return records.EventVariable(
        id=id, owner_id=owner_id, encoding=encoding, encrypted=encrypted, name=name, value=value
    )
