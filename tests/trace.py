"""Processes that are played to their end, and leave a trace.

    play(service, flow("s -> f -> a, b -> j -> c -> e", f=PARALLEL, j=PARALLEL)).leaves("(ab)c")

Workers do what is open, the oldest first, and nobody waits for anybody. A service task appends the first letter of its
id to the trace; `inc` counts on instead, and `item` appends the item of its instance. Trace and count are the process
variables `x` and `n`, so that conditions can be about them. A user task waits for its person, and what happens from
outside is said in `events`. The engine evaluates what it can; all messages have the key `k`.

In an expected trace, letters in parentheses may come in any order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from app import criteria as c
from app.commands.base import CalledProcess, Completion, Data, VariableInput
from app.commands.job import CompleteJob, LockJobs
from app.commands.user_task import UpdateUserTask
from app.commands.variable import GetElementVariables, GetProcessVariables, SetProcessVariables
from app.engine import records as r
from app.engine.types import JobType, UserTaskState
from app.service import Service
from tests.story import Story, advance, deploy, run_tasks, send, signal

MOST_STEPS = 200

Event = Callable[["Play"], object]
"""Something that happens from outside."""


def sends(name: str) -> Event:
    return lambda play: send(play.service, name)


def signals(name: str) -> Event:
    return lambda play: signal(play.service, name)


def hours(number: float) -> Event:
    return lambda play: advance(play.service, hours=number)


def sets(**values: Any) -> Event:
    return lambda play: play.story.service.execute(
        SetProcessVariables(
            partition=play.story.partition, id=play.story.id, worker_id="w", variables=_variables(**values)
        )
    )


def person(element_id: str) -> Event:
    """Somebody completes the oldest user task at the element."""
    return lambda play: play.person(element_id)


def so_far(trace: str) -> Event:
    """Looks at what has been left before the next event happens."""
    return lambda play: play.has_left(trace)


def _variables(**values: Any) -> tuple[VariableInput, ...]:
    return tuple(VariableInput(name=n, data=Data(encoding="json", value=json.dumps(v))) for n, v in values.items())


class Play:
    def __init__(
        self, service: Service, model: str, given: dict[str, Any], selections: Iterable[tuple[str, ...]] = ()
    ) -> None:
        self.service = service
        self.selections = list(selections)
        self.trace = ""
        self.story = Story.start(
            service,
            model,
            definitions={"expressions": "ENGINE"},
            variables=_variables(**{"x": "", "n": 0, **given}),
        )

    def leaves(self, trace: str, state: str = "COMPLETED") -> Play:
        self.has_left(trace)
        self.story.has_state(state)
        return self

    def has_left(self, trace: str) -> None:
        """Fails unless the trace is this one up to now; letters in parentheses may be in any order."""
        left = self.trace
        for group in re.findall(r"\(\w+\)|\w", trace):
            letters = group.strip("()")
            assert sorted(left[: len(letters)]) == sorted(letters), f"{self.trace} is not {trace}: {self.story}"
            left = left[len(letters) :]
        assert not left, f"{self.trace} is more than {trace}: {self.story}"

    def settle(self) -> Play:
        """All is done that workers and the engine can do."""
        for _ in range(MOST_STEPS):
            if not self._work():
                return self
        raise AssertionError(f"there is always something to do: {self.story}")

    def person(self, element_id: str) -> None:
        tasks = self.service.query(c.UserTaskCriteria())
        task = next(t for t in tasks if t.bpmn_element_id == element_id and t.state == UserTaskState.STARTED)
        self.service.execute(
            UpdateUserTask(
                partition=task.partition,
                id=task.id,
                revision=task.revision,
                worker_id="w",
                completed=True,
                process_variables=self._outcome(task),
            )
        )

    def _work(self) -> bool:
        if run_tasks(self.service):
            return True
        active = {visit.id for visit in self.service.query(c.ElementInstanceCriteria()) if visit.ended_at is None}
        for job in self.service.query(c.JobCriteria()):
            if job.completed_at is None and job.element_instance_id in active:
                self._complete(job)
                return True
        return False

    def _complete(self, job: r.Job) -> None:
        completion, outcome = Completion(), ()
        if job.type == JobType.EXECUTE:
            outcome = self._outcome(job)
        elif job.type == JobType.SET_MESSAGE_CORRELATION_KEY:
            completion = Completion(message_correlation_key="k")
        elif job.type == JobType.CALL_PROCESS:
            completion = Completion(called_process=CalledProcess(variables=_variables(**self._known(job))))
        elif job.type == JobType.PASS_VARIABLES:
            (called,) = self.service.query(c.ProcessInstanceCriteria(parent_id=job.process_instance_id))[-1:]
            outcome = _variables(**self._known(Story(self.service, called).visits()[0]))
        else:
            assert job.type == JobType.SELECT_ACTIVITIES, f"{job.type} is not expected: {self.story}"
            completion = Completion(activities=self.selections.pop(0) if self.selections else ())
        self.service.execute(LockJobs(worker_id="w", partition=job.partition, id=job.id))
        done = self.service.execute(
            CompleteJob(
                partition=job.partition, id=job.id, worker_id="w", completion=completion, process_variables=outcome
            )
        )
        assert done.error is None, f"{done.error}: {self.story}"

    def _outcome(self, work: r.Job | r.UserTask) -> tuple[VariableInput, ...]:
        known = self._known(work)
        if work.bpmn_element_id == "inc":
            return _variables(n=known["n"] + 1)
        letter = work.bpmn_element_id[0]
        if work.bpmn_element_id.startswith("item"):
            letter = self._own(work)["item"]
        self.trace += letter
        return _variables(x=known["x"] + letter)

    def _own(self, work: r.Job | r.UserTask) -> dict[str, Any]:
        command = GetElementVariables(partition=work.partition, id=work.element_instance_id)
        return {variable.name: json.loads(variable.value) for variable in self.service.execute(command)}

    def _known(self, work: r.Job | r.UserTask | r.ElementVisit) -> dict[str, Any]:
        command = GetProcessVariables(partition=work.partition, id=work.process_instance_id)
        return {variable.name: json.loads(variable.value) for variable in self.service.execute(command)}


def play(
    service: Service,
    model: str,
    *events: Event,
    given: dict[str, Any] | None = None,
    called: Iterable[str] = (),
    selections: Iterable[tuple[str, ...]] = (),
) -> Play:
    """Plays the model; each event happens once there is nothing else to do.

    `called` are models of processes that it calls. `selections` are what is selected of ad-hoc sub-processes, in the
    order in which it is asked for; in the end nothing is.
    """
    for each in called:
        deploy(service, each, expressions="ENGINE")
    playing = Play(service, model, given or {}, selections).settle()
    for event in events:
        event(playing)
        playing.settle()
    return playing
