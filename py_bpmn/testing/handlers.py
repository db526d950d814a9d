"""The functions that a test uses: which of them does a job, and what comes of it."""

from __future__ import annotations

import asyncio
import copy
import functools
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, NamedTuple, get_args

from py_bpmn._operations import CompleteJobsItem, JobType
from py_bpmn._operations import Job as Data
from py_bpmn._wire import encoded
from py_bpmn.client import Client
from py_bpmn.errors import ProblemError
from py_bpmn.worker.job import Job
from py_bpmn.worker.perform import Outcome, Performer
from py_bpmn.worker.process import Handler, Process, pass_nothing

__tracebackhide__ = True

TYPES: tuple[JobType, ...] = get_args(JobType)
OF_EVENTS = frozenset(TYPES) - {
    "CALL_PROCESS",
    "EVALUATE_EXCLUSIVE_GATEWAY",
    "EVALUATE_INCLUSIVE_GATEWAY",
    "EXECUTE",
    "PASS_VARIABLES",
}
"""Jobs that say what an event is about. Without that it waits for nothing that a test could bring about."""


MOST_ELEMENTS = 100
"""That one request can name."""


class Wanted(NamedTuple):
    process: str
    elements: Sequence[str]
    types: Sequence[JobType]


class Handlers:
    """Of the processes that one test uses."""

    def __init__(
        self, client: Client, called: Callable[[Data], dict[str, Any]], newest: Callable[[str], str | None]
    ) -> None:
        """`called` has the variables of what a call activity has called, `newest` the version of a process to call."""
        self._client = client
        self._performer = Performer(client.values, called, newest)
        self._processes: dict[str, Process] = {}

    def use(self, process: Process) -> None:
        """As a worker does: where it calls something and no function passes variables on, none are passed."""
        self._processes[process.id] = process.served()

    def find(self, process: str, element: str, type: str) -> Handler | None:
        """Who does a job of this type."""
        found = self._processes.get(process)
        return found.handler(element, type) if found else None

    def wanted(self, types: Collection[JobType]) -> Iterator[Wanted]:
        """What to lock for jobs of these types, so that nothing is locked that nobody does."""
        for process in self._processes.values():
            alike: dict[tuple[str, ...], list[JobType]] = {}
            elements = sorted({handler.element for handler in process.handlers})
            for type in types:
                if found := tuple(each for each in elements if process.handler(each, type) is not None):
                    alike.setdefault(found, []).append(type)
            for found, of_types in alike.items():
                for start in range(0, len(found), MOST_ELEMENTS):
                    yield Wanted(process.id, found[start : start + MOST_ELEMENTS], of_types)

    def perform(self, handler: Handler, data: Data) -> tuple[CompleteJobsItem, BaseException | None]:
        """The completion as a worker would send it, and what the function has raised."""
        recorded, raised = _recorded(handler)
        job = Job(data, self._client)
        if handler.is_async:
            outcome = _run(self._performer.perform_async(recorded, job))
        else:
            outcome = self._performer.perform(recorded, job)
        error = raised[0][0].with_traceback(raised[0][1]) if raised else None
        if isinstance(error, KeyboardInterrupt):
            raise error
        assert outcome.item is not None, "the job is held as long as its function runs"
        return self._sendable(handler, job, outcome.item), error

    def _sendable(self, handler: Handler, job: Job, item: CompleteJobsItem) -> CompleteJobsItem:
        """The completion; as a failure where it can't be sent, which then says of what function it is."""
        try:
            encoded({"job": item})
        except Exception as error:
            reason = error.detail if isinstance(error, ProblemError) else str(error)
            text = f"{handler.label}: the result of {handler.where} can't be sent: {reason}"
            return self._performer.failed(job, text)
        return item


def passes_on(handler: Handler | None) -> bool:
    """Whether it is a function that passes on what was called has as its result."""
    return handler is not None and handler.function is not pass_nothing


def _run(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Also where the test itself runs in an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _recorded(handler: Handler) -> tuple[Handler, list[tuple[BaseException, TracebackType | None]]]:
    """The handler, and the list that gets what its function raises, with the traceback inside of the function."""
    raised: list[tuple[BaseException, TracebackType | None]] = []

    def note(error: BaseException) -> None:
        # As far as it has come by now: what calls the function is nothing that its author wants to see.
        inside = error.__traceback__.tb_next if error.__traceback__ else None
        raised.append((error, inside))

    function = handler.function
    # Looked at before the copy is made, which has them then.
    _ = handler.parameters

    @functools.wraps(function)
    def recorded(**arguments: Any) -> Any:
        try:
            return function(**arguments)
        except BaseException as error:
            note(error)
            raise

    @functools.wraps(function)
    async def recorded_async(**arguments: Any) -> Any:
        try:
            return await function(**arguments)
        except BaseException as error:
            note(error)
            raise

    found = copy.copy(handler)
    found.function = recorded_async if handler.is_async else recorded
    return found, raised
