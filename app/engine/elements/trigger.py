"""What events are about, whatever their position: what they wait for, and what they throw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.types import JobType

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.needs import Need
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message, Task
    from app.engine.run import Run

Recur = Callable[["ElementInstance"], None]


class Trigger:
    """What an event waits for."""

    undefined_job: JobType
    """The job that asks for what the model does not say."""
    jobs: tuple[JobType, ...]
    leaves: tuple[type[Any], ...] = ()
    """Records that wait for it, besides jobs and tasks."""

    def needs_job(self, node: Node) -> bool:
        return node.definition is None

    def job(self, node: Node) -> JobType:
        return self.undefined_job

    def needs_of_job(self, token: ElementInstance, completion: Completion) -> Iterable[Need[Any]]:
        """What `define_from` is going to need; raises Refusal for an unusable completion."""
        return ()

    def define(self, run: Run, token: ElementInstance) -> None:
        """Arms the event with the definition of its element."""
        raise NotImplementedError

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        """Arms the event with what a worker says; False if it has happened by that. Raises Refusal."""
        raise NotImplementedError

    def needs_to_recur(self, token: ElementInstance, message: Message | None) -> Iterable[Need[Any]]:
        """What arming an event anew is going to need, that has happened and goes on waiting."""
        return ()

    def recurrence(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> Recur | None:
        """How the event is armed anew, where it goes on waiting once it has happened; None if it happens no more."""
        return lambda _renewed: None


class Thrown:
    """What an event throws: something with a name or a code."""

    undefined_job: JobType
    """The job that asks for what the model does not say."""

    def defined_as(self, node: Node) -> str | None:
        """The code or name the model gives; None asks a worker for it."""
        raise NotImplementedError

    def given_by(self, completion: Completion) -> str:
        """The code or name a worker gives; raises Refusal when it is missing."""
        raise NotImplementedError

    def needs_to_throw(self, context: str) -> Iterable[Need[Any]]:
        return ()

    def throw(self, run: Run, token: ElementInstance, context: str) -> None:
        """The event throws it, and its flow goes on, unless that is interrupted."""
        raise NotImplementedError

    def end(self, run: Run, token: ElementInstance, context: str) -> None:
        """The event throws it, and ends its path."""
        self.throw(run, token, context)
