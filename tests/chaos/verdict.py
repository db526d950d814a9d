"""What must be true at rest: every acknowledged request took effect exactly once, every other at most once.

Judged by the rows alone, which are read without the service.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from tests.chaos.journal import Entry, Journal
from tests.chaos.load import variable_of
from tests.chaos.models import LIMIT, TICKS
from tests.machine.invariants import INVARIANTS
from tests.machine.tables import Row, Tables
from tests.machine.view import View, active, key, name

BY_THE_CLOCK = frozenset({"ids_ascend", "times_are_in_order"})
"""Not asked of several machines: their clocks agree as well as clocks do."""

ONCE = frozenset({"MESSAGE_CATCH_EVENT", "NONE_THROW_EVENT", "SIGNAL_CATCH_EVENT", "TIMER_CATCH_EVENT", "USER_TASK"})


class Verdict:
    def __init__(self, journal: Journal, tables: Tables, now: str, most_active: int) -> None:
        self._journal = journal
        self._tables = tables
        self._now = now
        self._most_active = most_active

    def violations(self) -> list[str]:
        """A sentence each."""
        return [f"{check.__name__.strip('_')}: {text}" for check in self._checks() for text in check()]

    def _checks(self) -> tuple[Callable[[], Iterator[str]], ...]:
        return (
            self._nothing_is_locked,
            self._nothing_is_left,
            self._started_once,
            self._went_through_once,
            self._jobs_completed_once,
            self._jobs_failed_once,
            self._retried_once,
            self._messages_once,
            self._signals_once,
            self._incidents_resolved_once,
            self._user_tasks_once,
            self._canceled,
            self._variables_set,
            self._deployed_once,
            self._ticked_once,
            self._limit_kept,
            self._rows_agree,
            self._answers_make_sense,
        )

    # The rows

    @cached_property
    def _by_author(self) -> dict[str, list[Row]]:
        return _grouped(self._tables["process_instance"], "created_by")

    @cached_property
    def _variables(self) -> dict[str, list[Row]]:
        return _grouped(self._tables["variable"], "name")

    @cached_property
    def _elements(self) -> dict[tuple[str, int], list[Row]]:
        found: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for element in self._tables["element_instance"]:
            found[element["partition"], element["process_instance_id"]].append(element)
        return found

    @staticmethod
    def _count(entry: Entry, found: int, what: str) -> Iterator[str]:
        """Exactly one for what was acknowledged, none for what was refused, one at most for all else."""
        allowed = (1,) if entry.done else (0,) if entry.refused else (0, 1)
        if found not in allowed:
            yield f"{entry.kind} {entry.id} ({entry.subject}) was told {entry.status or 'nothing'}, but {found} {what}"

    # Rest

    def _nothing_is_locked(self) -> Iterator[str]:
        for table in ("task", "job"):
            for row in self._tables[table]:
                if row["completed_at"] is None and row["locked_by"] is not None:
                    yield f"{table} {name(row)} is locked by {row['locked_by']} since {row['locked_at']}"

    def _nothing_is_left(self) -> Iterator[str]:
        for instance in self._tables["process_instance"]:
            if active(instance):
                yield f"instance {name(instance)} of {instance['bpmn_process_id']} has not ended"
        for row in self._tables["task"]:
            if row["completed_at"] is None and row["due_at"] <= self._now:
                yield f"task {name(row)} is due since {row['due_at']}"
        for row in self._tables["job"]:
            if row["completed_at"] is None and not row["detached"]:
                yield f"job {name(row)} is open"
        for table in ("message_subscription", "signal_subscription"):
            yield from (f"{table} {row['id']} of {row['bpmn_element_id']}" for row in self._tables[table])

    # Effects

    def _started_once(self) -> Iterator[str]:
        for entry in self._journal.of("start"):
            yield from self._count(entry, len(self._by_author[entry.id]), "instances were started")

    def _went_through_once(self) -> Iterator[str]:
        """Timers fired, joins were passed, and messages and signals were received: once in each instance."""
        for instance in self._tables["process_instance"]:
            visits = Counter(
                (row["bpmn_element_id"], row["bpmn_element_type"]) for row in self._elements[key(instance)]
            )
            for (element, kind), count in visits.items():
                if count > 1 and (kind in ONCE or kind.endswith(("_TASK", "_END_EVENT"))):
                    yield f"{name(instance)} of {instance['bpmn_process_id']} visited {element} {count} times"
            passed = sum(count for (element, _), count in visits.items() if element == "passed")
            if passed != 1 and instance["state"] == "COMPLETED":
                yield f"{name(instance)} of {instance['bpmn_process_id']} has completed, but passed {passed} times"

    def _jobs_completed_once(self) -> Iterator[str]:
        """Of all who said that they completed a job one was believed, and it is that one whose variable is there."""
        asked: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._journal.of("complete"):
            asked[entry.subject].append(entry)
        for subject, entries in asked.items():
            job = self._tables.by_key["job"].get(_key(subject))
            if job is None:
                yield f"job {subject} is gone"
                continue
            written = [row["value"] for row in self._variables[variable_of(subject)]]
            told = [entry.id for entry in entries if entry.done and entry.answer["state"] == "DONE"]
            if len(told) > 1:
                yield f"job {name(job)} was completed by {told}"
            if job["state"] == "DONE" and (len(written) != 1 or written[0] not in {entry.id for entry in entries}):
                yield f"job {name(job)} is done, but its completions left {written}"
            if told and (written != told or job["state"] != "DONE"):
                yield f"job {name(job)} was completed by {told}, but {written} is there"
            if job["state"] == "CANCELED" and written:
                yield f"job {name(job)} changed something by {written}"

    def _jobs_failed_once(self) -> Iterator[str]:
        for entry in self._journal.of("fail"):
            job = self._tables.by_key["job"].get(_key(entry.subject))
            failed = entry.done and entry.answer["state"] != "CANCELED"
            if job is None or (failed and job["error"] != entry.id):
                yield f"job {entry.subject} failed by {entry.id}, but is {job and name(job)}, {job and job['error']}"
        authors = {entry.id for entry in self._journal.of("fail")}
        for job in self._tables["job"]:
            if job["error"] is not None and job["error"] not in authors:
                yield f"job {name(job)} failed by itself: {job['error']}"

    def _retried_once(self) -> Iterator[str]:
        """Each retry, and each incident that was resolved, has one job that follows."""
        resolved = {(r["partition"], r["job_id"]) for r in self._tables["incident"] if r["resolved_at"]}
        by_element = _grouped(self._tables["job"], "partition", "element_instance_id")
        for jobs in by_element.values():
            ends = [
                job
                for job in jobs
                if job["state"] != "CAUSED_RETRY" and not (job["state"] == "CAUSED_INCIDENT" and key(job) in resolved)
            ]
            types = {job["type"] for job in jobs}
            if len(ends) > len(types):
                yield f"{len(jobs)} jobs of {name(jobs[0])}, {[job['state'] for job in jobs]}"
        for task in self._tables["task"]:
            if task["state"] in ("CAUSED_RETRY", "CAUSED_INCIDENT"):
                yield f"task {name(task)} failed: {task['error']}"

    def _messages_once(self) -> Iterator[str]:
        messages = _grouped(self._tables["message"], "unique_key")
        begun = _grouped(
            [row for row in self._tables["process_instance"] if row["bpmn_process_id"] == "begun"], "correlation_key"
        )
        asked: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        for entry in self._journal.of("pay", "begin"):
            asked[entry.kind, entry.subject].append(entry)
        for (kind, subject), entries in asked.items():
            found = messages[subject]
            least = 1 if any(entry.done for entry in entries) else 0
            if not least <= len(found) <= 1:
                yield f"{kind} {subject}: {len(found)} messages for {len(entries)} requests"
            if any(row["created_by"] not in {entry.id for entry in entries} for row in found):
                yield f"{kind} {subject}: a message by {[row['created_by'] for row in found]}"
            if kind == "begin" and len(begun[subject]) != len(found):
                yield f"begin {subject}: {len(found)} messages have started {len(begun[subject])} instances"

    def _signals_once(self) -> Iterator[str]:
        signals = _grouped(self._tables["signal"], "created_by")
        for entry in self._journal.of("ring"):
            yield from self._count(entry, len(signals[entry.id]), "signals were sent")

    def _incidents_resolved_once(self) -> Iterator[str]:
        yield from self._authors("resolve", "incident", "resolved_by")

    def _user_tasks_once(self) -> Iterator[str]:
        yield from self._authors("user", "user_task", "updated_by")

    def _authors(self, kind: str, table: str, column: str) -> Iterator[str]:
        """Whoever was told to have changed the row is its author, so there is one of them at most."""
        for entry in self._journal.of(kind):
            row = self._tables.by_key[table].get(_key(entry.subject))
            if row is None or (entry.done and row[column] != entry.id):
                yield f"{table} {entry.subject} was changed by {entry.id}, but says {row and row[column]}"

    def _canceled(self) -> Iterator[str]:
        """A canceled instance stays so; and nobody cancels unasked."""
        told: Counter[str] = Counter()
        asked = {entry.subject for entry in self._journal.of("cancel")}
        for entry in self._journal.of("cancel"):
            told[entry.subject] += entry.done
        by_name = _grouped(self._tables["process_instance"], "correlation_key")
        for subject, count in told.items():
            states = [row["state"] for row in by_name[subject]]
            if count > 1 or (count and states != ["CANCELED"]):
                yield f"cancel {subject}: acknowledged {count} times, states are {states}"
        for instance in self._tables["process_instance"]:
            if (
                instance["state"] != "COMPLETED"
                and instance["correlation_key"] not in asked
                and not instance["root_id"]
            ):
                yield f"{name(instance)} was not canceled by anybody"

    def _variables_set(self) -> Iterator[str]:
        for entry in self._journal.of("set"):
            yield from self._count(entry, len(self._variables[entry.subject.split()[1]]), "variables were set")

    def _deployed_once(self) -> Iterator[str]:
        found = Counter(f"{row['bpmn_process_id']}:{row['version']}" for row in self._tables["process"])
        for entry in self._journal.of("deploy"):
            if found[entry.subject] > 1 or (entry.done and not found[entry.subject]):
                yield f"deploy {entry.subject} ({entry.id}, told {entry.status}): {found[entry.subject]} processes"
        elements = Counter((row["process_id"], row["bpmn_element_id"]) for row in self._tables["element"])
        yield from (f"element {each} is there {count} times" for each, count in elements.items() if count > 1)

    def _ticked_once(self) -> Iterator[str]:
        ticks = [row for row in self._tables["process_instance"] if row["bpmn_process_id"] == "ticking"]
        if len(ticks) != TICKS:
            yield f"{len(ticks)} instances of the timer, not {TICKS}"

    def _limit_kept(self) -> Iterator[str]:
        if self._most_active > LIMIT:
            yield f"{self._most_active} were active at once, {LIMIT} may be"

    def _rows_agree(self) -> Iterator[str]:
        view = View(self._tables, self._now)
        for title, invariant in INVARIANTS.items():
            if title not in BY_THE_CLOCK:
                yield from (f"{title}: {text}" for text in invariant(view))

    def _answers_make_sense(self) -> Iterator[str]:
        """Nobody is told that the service is broken, or that a request was wrong that was not."""
        for entry in self._journal.entries:
            if entry.status >= 500 or entry.status in (400, 401, 403, 422):
                yield f"{entry.kind} {entry.id} ({entry.subject}) was told {entry.status}: {entry.answer}"
            elif entry.status in (404, 409) and entry.kind in (
                "start",
                "pay",
                "begin",
                "ring",
                "lock",
                "extend",
                "deploy",
            ):
                yield f"{entry.kind} {entry.id} ({entry.subject}) was refused: {entry.answer}"


def _key(subject: str) -> tuple[str, int]:
    partition, _, id = subject.partition("/")
    return partition, int(id)


def _grouped(rows: list[Row], *columns: str) -> dict[Any, list[Row]]:
    found: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        values = tuple(row[column] for column in columns)
        found[values if len(columns) > 1 else values[0]].append(row)
    return found
