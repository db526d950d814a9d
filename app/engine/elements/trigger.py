"""What events are about, whatever their position: what they wait for, and what they throw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.slots import Slot
from app.engine.types import JobType

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.needs import Need
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Message, Task
    from app.engine.run import Run

Recur = Callable[["ElementInstance"], None]


@dataclass(frozen=True, slots=True)
class Raised:
    """An error or escalation on its way to what catches it."""

    error_code: str | None = None
    escalation_code: str | None = None
    message: str = ""
    """What is said about an error beside its code."""

    @classmethod
    def error(cls, code: str, message: str = "") -> Raised:
        return cls(error_code=code, message=message)

    @classmethod
    def escalation(cls, code: str) -> Raised:
        return cls(escalation_code=code)

    @property
    def code(self) -> str:
        return (self.escalation_code if self.error_code is None else self.error_code) or ""

    def can_be_caught_by(self, event: ElementInstance) -> bool:
        """Whether it is an event of that kind, whatever its code."""
        trigger = event.node.behavior.trigger
        if trigger is None:
            return False
        return trigger.catches_escalations if self.error_code is None else trigger.catches_errors

    def variables(self) -> dict[str, str]:
        """What is known to whoever handles it."""
        if self.error_code is None:
            return {"escalationCode": self.code}
        return {"errorCode": self.code, **({"errorMessage": self.message} if self.message else {})}


class Trigger:
    """What an event waits for."""

    undefined_job: JobType
    """The job that asks for what the model does not say."""
    jobs: tuple[JobType, ...]
    leaves: tuple[type[Any], ...] = ()
    """Records that wait for it, besides jobs and tasks."""
    catches_errors = False
    catches_escalations = False
    catches_cancellation = False

    def needs_job(self, node: Node) -> bool:
        return node.definition is None

    def job(self, node: Node) -> JobType:
        return self.undefined_job

    def is_evaluated(self, node: Node) -> bool:
        """Whether the engine finds out by itself what the model does not say."""
        return False

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        """Arms the event with what is evaluated; False if it has happened by that. Raises NotEvaluated."""
        raise NotImplementedError

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
    slot: Slot
    """Where the model says it."""

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
