"""One process instance, as a story that is told in the ids of its diagram; steps fail with where it stands.

story = bpmn.start("order", amount=20)
story.waits_at("charge-card").runs()
story.at("ship").calls("shipping").completes(tracking="T1")
story.is_completed(at="done").has(tracking="T1")
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from py_bpmn._operations import (
    CalledProcess,
    CompleteJobsItem,
    Job,
    JobCompletion,
    JobType,
    Task,
    Timer,
    UserTask,
    Waiting,
    WaitingEvent,
)
from py_bpmn.client import Client, Instance, given
from py_bpmn.testing import words
from py_bpmn.testing.assertions import Assertions
from py_bpmn.testing.handlers import passes_on
from py_bpmn.testing.stub import is_stub

if TYPE_CHECKING:
    from py_bpmn.testing.kit import Bpmn

__tracebackhide__ = True

STEPS: Mapping[str, str] = {
    "CALL_PROCESS": "calls",
    "EVALUATE_ACTIVATION_CONDITION": "answers",
    "EVALUATE_COMPLETION_CONDITION": "answers",
    "EVALUATE_COMPLEX_GATEWAY": "decides",
    "EVALUATE_EXCLUSIVE_GATEWAY": "decides",
    "EVALUATE_INCLUSIVE_GATEWAY": "decides",
    "EVALUATE_LOOP_CONDITION": "answers",
    "EVALUATE_OUTGOING_FLOWS": "decides",
    "EXECUTE": "completes",
    "PASS_VARIABLES": "completes",
    "SELECT_ACTIVITIES": "selects or answers",
    "SET_ERROR_CODE": "catches or throws",
    "SET_ESCALATION_CODE": "catches or escalates",
    "SET_LOOP_CARDINALITY": "counts",
    "SET_MESSAGE_CORRELATION_KEY": "correlates",
    "SET_SIGNAL_NAME": "signals",
    "SET_TIMER": "is_set",
    "SUBSCRIBE_MESSAGE": "correlates",
    "SUBSCRIBE_SIGNAL": "signals",
}
"""The step that is for jobs of a type."""
OF_SEVERAL: tuple[JobType, ...] = ("EVALUATE_COMPLEX_GATEWAY", "EVALUATE_INCLUSIVE_GATEWAY", "EVALUATE_OUTGOING_FLOWS")
"""Types of jobs that decide for any number of flows."""


class Story(Assertions):
    """One process instance."""

    def __repr__(self) -> str:
        return f"<Story {self.process} {self.ref}>"

    @overload
    def waits_at(self, id: str, /) -> At: ...

    @overload
    def waits_at(self, *ids: str) -> Story: ...

    def waits_at(self, *ids: str) -> At | Story:
        """It waits at exactly these elements, each as often as it is named; in whatever order.

        Scopes with something inside and boundary events do not count. Answers the element, if it is one.
        """
        if Counter(self.places()) != Counter(ids):
            self._fails_to(f"wait at: {', '.join(ids) or 'nothing'}")
        return self.at(*ids) if len(ids) == 1 else self

    def at(self, id: str) -> At:
        """An element where something is to be done; that it waits there is looked at by the next step."""
        return At(self, id)

    def cancels(self) -> Story:
        """As an operator does."""
        self.instance.cancel()
        self.bpmn.moved()
        return self


class Called(Story):
    """An instance that was called."""

    def __init__(self, bpmn: Bpmn, instance: Instance, caller: At) -> None:
        super().__init__(bpmn, instance)
        self.caller = caller.story
        self._caller = caller

    def completes(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Story:
        """Ends what stands for a process that is not deployed, with these variables; answers the caller's story.

        At the caller, a function in use passes variables on; without one these variables are set there.
        """
        found = {**(variables or {}), **more}
        if not is_stub(self.instance.version):
            raise AssertionError(
                f"{self.process} is deployed, and not ended by saying so: tell its story to the end, "
                f'then go on with at("{self._caller.element}").runs() or .completes() of the caller'
            )
        self.at("task").ends(found)
        self._caller.passes(found)
        return self.caller


def called_by(client: Client, partition: date, instance: int, visit: int) -> tuple[date, int] | None:
    """The instance that a call activity has called last."""
    scopes = client.api.query_element_instances(partition=partition, parent_id=visit).results
    called = [each for each in scopes if each.process_instance_id != instance]
    if not called:
        return None
    newest = max(called, key=lambda each: each.id)
    return newest.partition, newest.process_instance_id


class At(Story):
    """The instance at one of its elements: the steps of a story, and what can happen there."""

    def __init__(self, story: Story, element: str) -> None:
        super().__init__(story.bpmn, story.seen)
        self.story = story
        self.element = element
        """BPMN element id."""

    def __repr__(self) -> str:
        return f"<At {self.element} of {self.story!r}>"

    def runs(self) -> Story:
        """The function in use does the job that is due here, whatever its type; a BPMN error is a result as well."""
        item, error = self._perform()
        if item.error is not None:
            self.bpmn.complete(item)
            self.bpmn.moved()
            raise AssertionError(
                f"expected {self.element} to run — its function failed: {words.first_line(item.error)}"
            ) from error
        return self._send(item)

    def runs_and_fails(self, type: type[BaseException] | None = None) -> Story:
        """The function in use fails, by raising an exception of the type; what follows is up to its retries."""
        item, error = self._perform()
        done = "failed" if item.error is not None else "succeeded"
        if item.error is None or (type is not None and not isinstance(error, type)):
            name = f" with {type.__name__}" if type else ""
            raise AssertionError(
                f"expected {self.element} to fail{name} — its function {done}"
                f"{f': {words.first_line(item.error)}' if item.error else ''}"
            ) from error
        self.bpmn.complete(item)
        self.bpmn.moved()
        return self.story

    def completes(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Story:
        """The job is done, with these process variables as its result."""
        job = self._lock("EXECUTE", "PASS_VARIABLES")
        return self._complete(job, {**(variables or {}), **more})

    def decides(self, *ids: str) -> Story:
        """The gateway leads to these elements, or the flows with conditions out of a task or event."""
        job = self._lock("EVALUATE_EXCLUSIVE_GATEWAY", *OF_SEVERAL)
        if job.type in OF_SEVERAL:
            return self._complete(job, inclusive_gateway_decision=ids)
        if len(ids) != 1:
            raise TypeError(f"{self.element} is exclusive, and decides for one element, but not for {len(ids)}")
        return self._complete(job, exclusive_gateway_decision=ids[0])

    def answers(self, fulfilled: bool) -> Story:
        """The condition that is asked for is fulfilled or not, be it of a loop, of completion, or of activation."""
        job = self._lock(
            "EVALUATE_ACTIVATION_CONDITION",
            "EVALUATE_COMPLETION_CONDITION",
            "EVALUATE_LOOP_CONDITION",
            "SELECT_ACTIVITIES",
        )
        return self._complete(job, condition_fulfilled=fulfilled)

    def counts(self, number: int) -> Story:
        """The multi-instance activity has so many instances."""
        return self._complete(self._lock("SET_LOOP_CARDINALITY"), loop_cardinality=number)

    def selects(self, *ids: str) -> Story:
        """These activities of the ad-hoc sub-process start."""
        return self._complete(self._lock("SELECT_ACTIVITIES"), activities=ids)

    def fails(self, text: str, *, retries: int = 0, retry_in: timedelta | None = None) -> Story:
        """The job fails with this error; without retries there is an incident."""
        job = self._lock(*STEPS)
        self.bpmn.complete(self._item(job, error=text, retry_limit=retries, retry_timer=retry_in))
        self.bpmn.moved()
        return self.story

    def throws(self, code: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Story:
        """The job ends in a BPMN error; or the error end event throws it."""
        job = self._lock("EXECUTE", "SET_ERROR_CODE")
        return self._complete(job, {**(variables or {}), **more}, error_code=code)

    def escalates(self, code: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Story:
        """The job ends in an escalation; or the escalation event throws it."""
        job = self._lock("EXECUTE", "SET_ESCALATION_CODE")
        return self._complete(job, {**(variables or {}), **more}, escalation_code=code)

    def catches(self, code: str = "") -> Story:
        """The boundary event is for this code of errors or escalations; empty is any."""
        job = self._lock("SET_ERROR_CODE", "SET_ESCALATION_CODE")
        name = "error_code" if job.type == "SET_ERROR_CODE" else "escalation_code"
        return self._complete(job, **({name: code} if code else {}))

    def correlates(self, key: str, name: str | None = None) -> Story:
        """The event waits for the message with this key; `name` is to be told where the file does not."""
        job = self._lock("SET_MESSAGE_CORRELATION_KEY", "SUBSCRIBE_MESSAGE")
        told = {"message_name": name} if name is not None else {}
        return self._complete(job, message_correlation_key=self.bpmn.marked(key), **told)

    def signals(self, name: str) -> Story:
        """The event waits for, or sends, the signal of this name."""
        return self._complete(self._lock("SET_SIGNAL_NAME", "SUBSCRIBE_SIGNAL"), signal_name=name)

    def is_set(
        self, *, after: timedelta | None = None, time: datetime | None = None, cycle: str | None = None
    ) -> Story:
        """The timer fires after a duration, at a time, or by a cron expression."""
        told: dict[str, Any] = {"time_duration": after, "time": time, "time_cycle": cycle}
        timer = Timer(**{name: value for name, value in told.items() if value is not None})
        return self._complete(self._lock("SET_TIMER"), timer=timer)

    def fires(self) -> Story:
        """The clock advances to the time when the timer is due, and the timer fires."""
        found: Sequence[Task] = self.bpmn.client.api.query_tasks(
            partition=self.partition,
            process_instance_id=self.id,
            bpmn_element_id=self.element,
            type="TRIGGER_EVENT",
            open=True,
        ).results
        if not found:
            self._fail(f"expected a timer at: {self.element}")
        first = min(found, key=lambda each: (each.due_at, each.id))
        self.bpmn.clock.reaches(first.due_at)
        (task,) = self.bpmn.client.api.query_tasks(partition=first.partition, id=first.id).results
        if task.state != "DONE":
            self._fail(f"expected the timer to fire at: {self.element}, but it was {task.state.lower()}")
        return self.story

    def user_completes(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Story:
        """Somebody completes the user task, with these process variables."""
        open = [each for each in self._here() if each.kind == "USER_TASK"]
        if not open:
            self._fail(f"expected a user task at: {self.element}")
        found: Sequence[UserTask] = self.bpmn.client.api.query_user_tasks(
            partition=self.partition, id=open[0].user_task_id
        ).results
        self.bpmn.client.complete_user_task(found[0], variables={**(variables or {}), **more})
        self.bpmn.moved()
        return self.story

    def calls(self, process: str) -> Called:
        """The call activity calls this process; of one that is not deployed, something that stands for it.

        A function in use says what is called. Answers the story of the called instance.
        """
        waiting = next(iter(self._here()), None)
        if waiting is None:
            self._fail(f"expected a call at: {self.element}")
        if waiting.kind == "JOB" and waiting.job_type == "CALL_PROCESS":
            self._call(process)
        return self._called(process, waiting.element_instance_id)

    def ends(self, variables: Mapping[str, Any]) -> None:
        """As `completes`, but nothing follows yet at who has called this instance."""
        job = self._lock("EXECUTE")
        values = tuple(given(self.bpmn.client.values, variables))
        self.bpmn.complete(self._item(job, process_variables=values))
        self.bpmn.run_tasks()

    def passes(self, variables: Mapping[str, Any]) -> None:
        """What follows when a called instance has ended: a function in use passes variables on, or these are set."""
        here = [each for each in self._here() if each.job_type == "PASS_VARIABLES" and each.kind == "JOB"]
        if not here:
            return
        if passes_on(self.bpmn.handler(self.process, self.element, "PASS_VARIABLES")):
            self.runs()
        else:
            self.completes(variables)

    def _call(self, process: str) -> None:
        job = self._lock("CALL_PROCESS")
        handler = self.bpmn.handler(self.process, self.element, "CALL_PROCESS")
        if handler is None:
            named = CalledProcess(bpmn_process_id=process, version=self.bpmn.version_of(process))
            self._complete(job, called_process=named)
            return
        item, error = self.bpmn.perform(handler, job)
        if item.error is not None:
            raise AssertionError(
                f"expected {self.element} to call {process} — its function failed: {words.first_line(item.error)}"
            ) from error
        called = item.completion.called_process if item.completion else None
        if called is None or called.bpmn_process_id != process:
            other = called.bpmn_process_id if called else "nothing"
            raise AssertionError(f"expected {self.element} to call {process} — it calls {other}")
        self._send(item)

    def _called(self, process: str, visit: int) -> Called:
        client = self.bpmn.client
        found = called_by(client, self.partition, self.id, visit)
        if found is None:
            self._fail(f"expected a called instance at: {self.element}")
        instance = client.instance(found)
        if instance.process != process:
            raise AssertionError(f"expected {self.element} to call {process} — it calls {instance.process}")
        called = Called(self.bpmn, instance, self)
        self.bpmn.stories.append(called)
        return called

    def _here(self) -> list[Waiting | WaitingEvent]:
        """What waits at the element; of boundary events, while something else waits."""
        waiting = self.waiting()
        every: Iterable[Waiting | WaitingEvent] = [*waiting, *(event for each in waiting for event in each.also)]
        return [each for each in every if each.bpmn_element_id == self.element]

    def _lock(self, *types: str) -> Job:
        """The first job that is due here."""
        here = [each for each in self._here() if each.kind == "JOB"]
        fitting = [each for each in here if each.job_type in types and not each.locked_by]
        if not fitting:
            other = next((each.job_type for each in here if each.job_type not in types), None)
            hint = f", but it asks for {other} (use {STEPS[other]})" if other else ""
            self._fail(f"expected a job at: {self.element}{hint}")
        found = self.bpmn.client.api.lock_jobs(
            partition=self.partition, id=fitting[0].job_id, all_variables=True, limit=1
        ).jobs
        if not found:
            self._fail(f"expected a job that can be locked at: {self.element}")
        return found[0]

    def _perform(self) -> tuple[CompleteJobsItem, BaseException | None]:
        here = [each for each in self._here() if each.kind == "JOB"]
        types: list[JobType] = [each.job_type for each in here if each.job_type]
        done = [type for type in types if self.bpmn.handler(self.process, self.element, type) is not None]
        if types and not done:
            self._fail(f"expected a function in use for {types[0]} at: {self.element}")
        job = self._lock(*(done or STEPS))
        handler = self.bpmn.handler(self.process, self.element, job.type)
        assert handler is not None, "only such jobs are locked"
        return self.bpmn.perform(handler, job)

    def _item(self, job: Job, **outcome: Any) -> CompleteJobsItem:
        known = {name: value for name, value in outcome.items() if value is not None}
        return CompleteJobsItem(partition=job.partition, id=job.id, **known)

    def _complete(self, job: Job, variables: Mapping[str, Any] | None = None, /, **completion: Any) -> Story:
        values = tuple(given(self.bpmn.client.values, variables or {}))
        told = JobCompletion(**completion) if completion else None
        return self._send(self._item(job, completion=told, process_variables=values))

    def _send(self, item: CompleteJobsItem) -> Story:
        done = self.bpmn.complete(item)
        self.bpmn.moved()
        if done.state != "DONE":
            self._fail(f"expected the job to be done at: {self.element}")
        return self.story
