"""Sends completions, many at a time, and gets the next jobs with the answer."""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from py_bpmn._operations import COMPLETE_JOBS, CompleteJobsItem, Job, LockConditions
from py_bpmn._wire import Operation, encoded
from py_bpmn.client import Client
from py_bpmn.errors import ProblemError
from py_bpmn.worker.board import Board, Held
from py_bpmn.worker.observe import about, logger
from py_bpmn.worker.outage import Outage
from py_bpmn.worker.wanted import Wanted

MOST_TOGETHER = 100
MOST_BYTES = 500_000
"""Of one request, about: the service takes a megabyte, if nobody has decided otherwise."""
GATHER_SECONDS = 0.005
SENDERS = 2
"""While one waits for an answer, the other one gathers."""
LONGEST_PAUSE = 30.0
REFUSALS = frozenset({400, 413, 422})
"""Statuses by which the service says that it does not take a request, and never will."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    held: Held
    item: CompleteJobsItem
    outcome: str
    size: int = 0
    """In bytes, as it is sent."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answered:
    """What the service says to a batch; of what it completed only whether it did."""

    results: Sequence[tuple[int, Mapping[str, Any]]]
    """Status and problem of each."""
    jobs: Sequence[Job]
    problem: Mapping[str, Any] | None

    @classmethod
    def read(cls, answer: Mapping[str, Any]) -> Answered:
        return cls(
            [(int(each["status"]), each.get("problem") or {}) for each in answer["results"]],
            [Job.read(each) for each in answer.get("jobs", ())],
            answer.get("problem"),
        )


_COMPLETE = Operation(COMPLETE_JOBS.name, COMPLETE_JOBS.method, COMPLETE_JOBS.path, Answered.read, keyed=True)


class Sender:
    def __init__(
        self,
        client: Client,
        board: Board,
        outage: Outage,
        *,
        plan: Callable[[], Sequence[Wanted]],
        receive: Callable[[Wanted, Sequence[Job]], None],
        refused: Callable[[Held, str], CompleteJobsItem],
        count: Callable[[Held, str], None],
        pause: Callable[[float], bool],
    ) -> None:
        self._client = client
        self._board = board
        self._outage = outage
        self._plan = plan
        """What can be locked."""
        self._receive = receive
        self._refused = refused
        """The completion of a job whose result the service does not take."""
        self._count = count
        self._pause = pause
        """Waits; True when there is no time left."""
        self._turn = 0
        self._queue: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._gathering = threading.Lock()
        self._left_over: Entry | None = None
        self._threads = [
            threading.Thread(target=self._run, name=f"bpmn-sender-{number}", daemon=True) for number in range(SENDERS)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, entry: Entry) -> None:
        self._queue.put(self._sized(entry))

    def _sized(self, entry: Entry) -> Entry:
        """With its size; as a failure of the job where it can't be sent, which others in a batch would suffer from."""
        try:
            size = len(encoded({"job": entry.item}))
        except Exception as error:
            if entry.outcome == "refused":
                raise
            return self._sized(Entry(entry.held, self._refused(entry.held, _why(error)), "refused"))
        return dataclasses.replace(entry, size=size)

    def stop(self, seconds: float) -> None:
        for _ in self._threads:
            self._queue.put(None)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while batch := self._gather():
            try:
                self._send(batch)
            except BaseException:
                # A mistake of ours must not end the thread: the leases bring the jobs back.
                logger.exception("completions could not be sent")
            finally:
                self._board.sent(entry.held for entry in batch)

    def _gather(self) -> list[Entry]:
        """What is there, and what comes soon; nothing when all is over."""
        with self._gathering:
            first = self._left_over or self._queue.get()
            self._left_over = None
            if first is None:
                return []
            batch, size = [first], first.size
            until = time.monotonic() + GATHER_SECONDS
            while len(batch) < MOST_TOGETHER:
                try:
                    entry = self._queue.get_nowait()
                except queue.Empty:
                    left = until - time.monotonic()
                    if left <= 0 or not self._board.may_come():
                        break
                    try:
                        entry = self._queue.get(timeout=left)
                    except queue.Empty:
                        break
                if entry is None:
                    self._queue.put(None)
                    break
                size += entry.size
                if size > MOST_BYTES:
                    self._left_over = entry
                    break
                batch.append(entry)
            return batch

    def _send(self, batch: Sequence[Entry]) -> None:
        live = [entry for entry in batch if self._is_wanted(entry)]
        if not live:
            return
        asked = self._ask_for()
        answer = None
        try:
            answer = self._exchange(live, asked)
        finally:
            if asked is not None:
                wanted, limit = asked
                found = answer.jobs if answer is not None else ()
                # In this order: what was asked for takes the place that was kept for it.
                self._receive(wanted, found)
                self._board.end_next(wanted, limit, len(found))
        if answer is not None:
            self._note(live, answer)

    def _ask_for(self) -> tuple[Wanted, int] | None:
        plan = self._plan()
        if not plan:
            return None
        self._turn += 1
        start = self._turn % len(plan)
        return self._board.next_for([*plan[start:], *plan[:start]])

    def _is_wanted(self, entry: Entry) -> bool:
        if not entry.held.job.alive:
            self._lost(entry, "the lock was gone before it could be sent")
            return False
        return True

    def _exchange(self, entries: Sequence[Entry], asked: tuple[Wanted, int] | None) -> Answered | None:
        """The answer; None when it does not come before all leases have ended, or is a refusal of each by itself."""
        body: dict[str, Any] = {
            "workerId": self._client.worker_id,
            "jobs": [entry.item for entry in entries],
        }
        if asked is not None:
            body["lockNext"] = LockConditions(**asked[0].conditions, limit=asked[1])
        # With the key of the first try, a repetition gets the answer of that one, and the jobs with it.
        key = str(uuid.uuid4())
        began = self._board.clock()
        pause = 0.2
        while True:
            try:
                answer = self._client.call(_COMPLETE, body=body, idempotency_key=key)
            except ProblemError as problem:
                if _is_refusal(problem):
                    self._outage.succeeded()
                    self._refuse(entries, problem.detail)
                    return None
                self._outage.failed(problem)
                now = self._board.clock()
                if all(entry.held.ends < now for entry in entries):
                    for entry in entries:
                        self._lost(entry, "the service has not answered while the lock lasted")
                    return None
                if self._outage.wait(pause, self._pause):
                    return None
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                self._outage.succeeded()
                if asked is not None and self._board.clock() - began > asked[0].lease.total_seconds():
                    # Their locks have ended, and others may have them.
                    return dataclasses.replace(answer, jobs=())
                return answer

    def _refuse(self, entries: Sequence[Entry], detail: str) -> None:
        """Who is to blame for the refusal of all, must be found out one by one."""
        if len(entries) > 1:
            for entry in entries:
                self._again([entry])
            return
        (entry,) = entries
        if entry.outcome == "refused":
            self._lost(entry, f"neither its result nor its failure is taken: {detail}")
            return
        self._again([Entry(entry.held, self._refused(entry.held, detail), "refused")])

    def _again(self, entries: Sequence[Entry]) -> None:
        answer = self._exchange(entries, None)
        if answer is not None:
            self._note(entries, answer)

    def _note(self, entries: Sequence[Entry], answer: Answered) -> None:
        later = []
        for entry, (status, problem) in zip(entries, answer.results, strict=True):
            if status < 300:
                self._count(entry.held, entry.outcome)
                continue
            detail = str(problem.get("detail") or f"status {status}")
            if status in (400, 422):
                causes = [f"{each.get('pointer')}: {each.get('detail')}" for each in problem.get("errors") or ()]
                self._refuse([entry], "; ".join([detail, *causes]))
            elif status == 429 or status >= 500:
                later.append(entry)
            else:
                self._lost(entry, detail)
        if answer.problem:
            logger.warning("the next jobs could not be locked: %s", answer.problem.get("detail"))
        now = self._board.clock()
        for entry in later:
            if entry.held.ends < now:
                self._lost(entry, "the service could not complete it while the lock lasted")
        later = [entry for entry in later if entry.held.ends >= now]
        if later and not self._pause(1.0):
            self._again(later)

    def _lost(self, entry: Entry, reason: str) -> None:
        with about(entry.held.job):
            logger.warning("the job's result was dropped: %s", reason)
        self._count(entry.held, "lost")


def _is_refusal(problem: ProblemError) -> bool:
    """Whether the service says so: what is between may answer anything, and something else a moment later."""
    return problem.status in REFUSALS and not problem.is_foreign


def _why(error: Exception) -> str:
    return error.detail if isinstance(error, ProblemError) else str(error)
