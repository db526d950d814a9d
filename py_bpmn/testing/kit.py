"""What a test gets as `bpmn`: an engine for itself, and what it does with it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakSet

from py_bpmn._operations import CalledProcess, CompleteJobsItem, Job, JobCompletion, JobType, SentMessage, Signal
from py_bpmn._operations import Process as Deployed
from py_bpmn.client import Client, Instance, read_bpmn, version_of, visible
from py_bpmn.errors import ConfigurationError, Conflict, Forbidden, NotFound, ProblemError
from py_bpmn.testing import words
from py_bpmn.testing.clock import Clock
from py_bpmn.testing.handlers import OF_EVENTS, TYPES, Handlers
from py_bpmn.testing.story import Story, called_by
from py_bpmn.testing.stub import MARK, STUB, STUB_XML, is_stub
from py_bpmn.worker.process import Handler, Process
from py_bpmn.worker.register import register

__tracebackhide__ = True

MOST_STEPS = 1000
MOST_TASKS = 100
"""That are executed at once."""
PATIENCE_SECONDS = 10.0
LOOK_SECONDS = 0.05

_compared: WeakSet[Process] = WeakSet()
"""Processes whose functions fit to their files, as far as it was looked at in this run."""


class Bpmn:
    """An engine for one test: nothing happens in it but by what the test does, and what follows from that at once."""

    def __init__(self, client: Client, *, auto: bool = False, is_shared: bool = False) -> None:
        """With `auto`, jobs that can be done are done after each step. A shared engine is used by others, too."""
        self.client = client
        self.clock = Clock(client, self.moved, ahead=None if is_shared else timedelta(0))
        """Engine time."""
        self.stories: list[Story] = []
        """Of all instances that the test has had to do with."""
        self._auto = auto
        self._is_shared = is_shared
        self._mark = f"{MARK}{secrets.token_hex(4)}" if is_shared else ""
        self._deployed: list[Deployed] = []
        """What has come by this test."""
        self._started: list[Instance] = []
        self._versions: dict[str, str] = {}
        self._process_ids: dict[str, list[int]] = {}
        self._handlers = Handlers(client, self._variables_of_called, self._version_to_call)

    def __repr__(self) -> str:
        return f"<Bpmn {self.client.url}>"

    def use(self, *processes: Process) -> None:
        """Deploys processes, and has their functions do jobs: when a test says so, or by themselves with `auto`.

        What says what an event waits for, such as the key of a message, is done by itself in any case.
        """
        for process in processes:
            if not isinstance(process, Process):
                raise TypeError(f"bpmn.use takes what py_bpmn.Process has made, but not {process!r}")
            if process.bpmn is not None:
                version, expressions = process.version, process.expressions
                self.deploy(process.bpmn, version=version, process=process.id, expressions=expressions)
            elif process.id not in self._versions:
                self._adopt(process)
            self._compare(process)
            self._handlers.use(process)
        self.moved()

    def deploy(
        self, bpmn: str | Path, *, version: str | None = None, process: str | None = None, **options: Any
    ) -> Deployed:
        """Deploys a file, given by its path or as XML; `options` are those of `Client.deploy`."""
        if self._is_shared:
            version = f"{version or version_of(read_bpmn(bpmn))}{self._mark}"
        deployed = self.client.deploy(bpmn, version=version, process=process, **options)
        self._deployed.append(deployed)
        self._know(deployed)
        return deployed

    def start(
        self,
        process: str | Process,
        /,
        *,
        key: str | None = None,
        version: str | None = None,
        tags: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Story:
        """Starts an instance of the version that this test has deployed last, or of `version`.

        Variables are given by name, or as `variables` where their names are those of parameters.
        """
        return self._start(process, None, key, version, tags, {**(variables or {}), **more})

    def start_at(
        self,
        element: str,
        process: str | Process,
        /,
        *,
        key: str | None = None,
        version: str | None = None,
        tags: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Story:
        """As `start`, for a process with several none start events: it begins at this one."""
        return self._start(process, element, key, version, tags, {**(variables or {}), **more})

    def _start(
        self,
        process: str | Process,
        at: str | None,
        key: str | None,
        version: str | None,
        tags: Mapping[str, str] | None,
        variables: Mapping[str, Any],
    ) -> Story:
        id = process if isinstance(process, str) else process.id
        instance = self.client.start(
            id,
            version=self._versions.get(id) if version is None else self._own(id, version),
            key=self.marked(key),
            at=at,
            tags=tags,
            variables=variables,
        )
        self._started.append(instance)
        story = self.story(instance)
        self.moved()
        return story

    def story(self, instance: Instance) -> Story:
        """The story of an instance that was started otherwise, as by `client`."""
        story = Story(self, instance)
        self.stories.append(story)
        return story

    def started(self, process: str | Process, /, *, key: str | None = None) -> Story:
        """The story of the newest instance of a process: one that was started by a message, a signal or a timer."""
        id = process if isinstance(process, str) else process.id
        version = self._versions.get(id)
        found = self.client.instances(process=id, version=version, key=self.marked(key), order="-id")
        newest = next(found, None)
        if newest is None:
            raise AssertionError(f"expected an instance of {id} — none was started")
        return self.story(newest)

    def send(self, name: str, /, *, key: str, variables: Mapping[str, Any] | None = None, **more: Any) -> SentMessage:
        """Sends a message; `result` of the answer tells who gets it."""
        marked = self.marked(key)
        assert marked is not None
        sent = self.client.send(name, key=marked, variables={**(variables or {}), **more})
        self.moved()
        return sent

    def signal(self, name: str, /, *, variables: Mapping[str, Any] | None = None, **more: Any) -> Signal:
        """Sends a signal to all that wait for it."""
        sent = self.client.signal(name, variables={**(variables or {}), **more})
        self.moved()
        return sent

    def settle(self) -> None:
        """Has all jobs done that functions in use can do, and whatever is due, until nothing moves any more."""
        self._work(TYPES)

    def clean_up(self) -> list[str]:
        """Takes from a shared engine what this test has put there; the answer is what has to stay, and why.

        These are the versions that it has deployed, so that the newest one is that of before, and instances that it has
        started. What others have started meanwhile is theirs.
        """
        if not self._is_shared:
            return []
        stays: list[str] = []
        for version in self._deployed:
            with _noted(stays, f"instances of version {version.version} of {version.bpmn_process_id}"):
                self._started += self.client.instances(
                    process_id=version.id, created_by=self.client.worker_id, roots_only=True
                )
        for instance in {each.ref: each for each in self._started}.values():
            with _noted(stays, f"instance {instance.ref} of {instance.process}"):
                with suppress(Conflict):
                    instance.cancel()
                instance.delete()
        # The newest first, so that none comes into force in between.
        for version in reversed(self._deployed):
            with _noted(stays, f"version {version.version} of {version.bpmn_process_id}"):
                self.client.api.delete_process(id=version.id)
        return stays

    def timeline(self) -> str:
        """What has happened in all instances that the test has had to do with."""
        lines: list[str] = []
        for story in self.stories:
            name = f"{story.process} {story.ref} {story.standing()}"
            lines += words.timeline(name, story.instance.history())
        return "\n".join(lines)

    def instances(self) -> Iterator[tuple[date, int]]:
        """Partition and id of all instances of this test; where others use the engine, of those it has stories of."""
        if self._is_shared:
            yield from dict.fromkeys((story.partition, story.id) for story in self.stories)
        else:
            yield from ((each.partition, each.id) for each in self.client.instances())

    def moved(self) -> None:
        """Has happen what follows from a step."""
        self._work(TYPES if self._auto else sorted(OF_EVENTS))

    def marked(self, key: str | None) -> str | None:
        """A correlation key that no other test has."""
        return None if key is None else f"{key}{self._mark}"

    def handler(self, process: str, element: str, type: str) -> Handler | None:
        return self._handlers.find(process, element, type)

    def perform(self, handler: Handler, job: Job) -> tuple[CompleteJobsItem, BaseException | None]:
        """The completion of a job, and what its function has raised; nothing is sent."""
        item, error = self._handlers.perform(handler, job)
        if job.type == "CALL_PROCESS" and item.error is None:
            item = self._calling(item, job)
        if self._mark:
            item = self._marked_item(item)
        return item, error

    def complete(self, item: CompleteJobsItem) -> Job:
        """Sends a completion."""
        values = {name: value for name, value in vars(item).items() if name in _COMPLETION}
        return self.client.api.complete_job(partition=item.partition, id=item.id, **values)

    def version_of(self, process: str) -> str:
        """The version that is called: of a process that is not deployed, that of a stub, which is deployed then."""
        known = self._versions.get(process) or (self._newest(process) if self._is_shared else None)
        if known is not None and not is_stub(known):
            return known
        return self.deploy(STUB_XML.format(process=process), version=STUB).version

    def _work(self, types: Collection[JobType]) -> None:
        wanted = list(self._handlers.wanted(types))
        for _ in range(MOST_STEPS):
            self.run_tasks()
            if not any(self._do_one(each.process, each.elements, each.types) for each in wanted):
                return
        self._goes_on("jobs")

    def _do_one(self, process: str, elements: Collection[str], types: Collection[JobType]) -> bool:
        found = self.client.api.lock_jobs(
            process_ids=self._process_ids[process],
            bpmn_element_ids=list(elements),
            types=list(types),
            all_variables=True,
            limit=1,
        )
        for job in found.jobs:
            handler = self.handler(process, job.bpmn_element_id, job.type)
            assert handler is not None, "only such jobs are asked for"
            item, _ = self.perform(handler, job)
            self.complete(item)
        return bool(found.jobs)

    def run_tasks(self) -> None:
        """Has the engine do what it has to do by now."""
        for _ in range(MOST_STEPS):
            if not (self._execute_tasks() or (self._is_shared and self._others_execute_tasks())):
                return
        self._goes_on("tasks")

    def _execute_tasks(self) -> bool:
        try:
            return self.client.api.execute_tasks(limit=MOST_TASKS).completed > 0
        except Forbidden:
            if not self._is_shared:
                raise
            # Its executor does so.
            return False

    def _others_execute_tasks(self) -> bool:
        """Waits for what the executor of a shared engine has to do; whether there was anything."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        waited = False
        while self._has_tasks():
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"the engine at {self.client.url} has not done what was due for {PATIENCE_SECONDS:g}s: "
                    "its executor is off or late, and these credentials may not execute tasks (role ADMIN)"
                )
            waited = True
            time.sleep(LOOK_SECONDS)
        return waited

    def _has_tasks(self) -> bool:
        """Whether anything is due that belongs to the processes of this test."""
        own, now = {id for ids in self._process_ids.values() for id in ids}, self.clock.now
        found = self.client.api.query_tasks(open=True).results
        return any(task.process_id in own and task.due_at <= now for task in found)

    def _goes_on(self, what: str) -> NoReturn:
        standing = "; ".join(f"{story.process} {story.standing()}" for story in self.stories)
        raise AssertionError(
            f"expected to settle — there are still {what} to do after {MOST_STEPS:,} steps: {standing}"
        )

    def _know(self, deployed: Deployed) -> None:
        self._versions[deployed.bpmn_process_id] = deployed.version
        known = self._process_ids.setdefault(deployed.bpmn_process_id, [])
        if deployed.id not in known:
            known.append(deployed.id)

    def _adopt(self, process: Process) -> None:
        """Takes the version that is deployed already, where there is no file."""
        known: Iterator[Deployed] = self.client.each(self.client.api.query_processes, bpmn_process_id=process.id)
        versions = [each for each in known if process.version in (None, each.version)]
        if not versions:
            raise ConfigurationError(f"{process.id} is not deployed, and has no file: deploy it before it is used")
        self._know(max(versions, key=lambda each: each.id))

    def _compare(self, process: Process) -> None:
        """Raises ConfigurationError for functions at elements that are not there, or ask for something else."""
        if process in _compared:
            return
        # Others may do what no function here does: the test itself, for one.
        own = process.copy()
        own.version, own.partial = self._versions[process.id], True
        try:
            register(self.client, [own], deploy=False)
        except ConfigurationError as error:
            raise ConfigurationError(str(error).partition("\n")[2]) from None
        _compared.add(process)

    def _newest(self, process: str) -> str | None:
        found = self.client.api.query_processes(bpmn_process_id=process, latest_only=True).results
        return found[0].version if found else None

    def _version_to_call(self, process: str) -> str | None:
        return self.version_of(process)

    def _variables_of_called(self, job: Job) -> dict[str, Any]:
        found = called_by(self.client, job.partition, job.process_instance_id, job.element_instance_id)
        if found is None:
            return {}
        variables = self.client.api.get_process_variables(partition=found[0], id=found[1]).variables
        return visible(self.client.values, variables)

    def _calling(self, item: CompleteJobsItem, job: Job) -> CompleteJobsItem:
        """Has called what this test has deployed, or else what is there, or else something that stands for it."""
        completion = item.completion or JobCompletion()
        called = completion.called_process or CalledProcess()
        in_file, _, version_in_file = (job.called_element or "").partition(":")
        process = called.bpmn_process_id or in_file
        if not process:
            return item
        version = called.version or (version_in_file if process == in_file else "")
        named = {"bpmn_process_id": process, "version": self._own(process, version) or self.version_of(process)}
        values = {**vars(completion), "called_process": CalledProcess(**{**vars(called), **named})}
        return CompleteJobsItem(**{**vars(item), "completion": JobCompletion(**values)})

    def _own(self, process: str, version: str) -> str:
        """A version as this test has deployed it, if it has."""
        is_own = process in self._versions and not is_stub(self._versions[process])
        return version if not version or not is_own or version.endswith(self._mark) else f"{version}{self._mark}"

    def _marked_item(self, item: CompleteJobsItem) -> CompleteJobsItem:
        completion = item.completion
        if completion is None:
            return item
        values = dict(vars(completion))
        if completion.message_correlation_key is not None:
            values["message_correlation_key"] = self.marked(completion.message_correlation_key)
        if completion.called_process is not None:
            key = self.marked(completion.called_process.correlation_key)
            values["called_process"] = CalledProcess(**{**vars(completion.called_process), "correlation_key": key})
        return CompleteJobsItem(**{**vars(item), "completion": JobCompletion(**values)})


@contextmanager
def _noted(stays: list[str], what: str) -> Iterator[None]:
    """Adds what can't be taken away, and why, if that is not because it has gone already."""
    try:
        yield
    except NotFound:
        pass
    except ProblemError as problem:
        stays.append(f"{what}: {problem.detail}")


_COMPLETION = (
    "completion",
    "element_variables",
    "error",
    "lock_version",
    "process_variables",
    "retry_limit",
    "retry_timer",
)
