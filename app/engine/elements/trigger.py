"""What events are about, whatever their position: what they wait for, and what they throw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.engine.awaited import Awaited
from app.engine.completion import Completion
from app.engine.slots import Slot
from app.engine.types import JobType

if TYPE_CHECKING:
    from app.engine.ending import Ending
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

    def is_kind_of(self, trigger: Trigger) -> bool:
        """Whether that is what catches something like it, whatever the code."""
        return trigger.catches_escalations if self.error_code is None else trigger.catches_errors

    def variables(self) -> dict[str, str]:
        """What is known to whoever handles it."""
        if self.error_code is None:
            return {"escalationCode": self.code}
        return {"errorCode": self.code, **({"errorMessage": self.message} if self.message else {})}


class Trigger:
    """What an event waits for.

    Where an event has several definitions, each has a trigger of its own: the `node` that it is given is that part of
    the element, which has a definition and programs like the node of an event that has nothing but that.
    """

    undefined_job: JobType
    """The job that asks for what the model does not say."""
    jobs: tuple[JobType, ...]
    leaves: tuple[type[Any], ...] = ()
    """Records that wait for it, besides jobs and tasks."""
    catches_errors = False
    catches_escalations = False
    catches_cancellation = False
    waits_for_signals = False

    def needs_job(self, node: Node) -> bool:
        return node.definition is None

    def job(self, node: Node) -> JobType:
        return self.undefined_job

    def is_evaluated(self, node: Node) -> bool:
        """Whether the engine finds out by itself what the model does not say."""
        return False

    def modeled(self, node: Node) -> Awaited:
        """What the model says that it waits for."""
        return Awaited()

    def evaluated(self, run: Run, token: ElementInstance, node: Node) -> Awaited:
        """The same as it is evaluated. Raises NotEvaluated."""
        raise NotImplementedError

    def given(self, run: Run, token: ElementInstance, node: Node, completion: Completion) -> Awaited:
        """The same as a worker says. Raises Refusal."""
        raise NotImplementedError

    def arm(self, run: Run, token: ElementInstance, node: Node, awaited: Awaited) -> bool:
        """The event waits for that; False if it has happened by that."""
        raise NotImplementedError

    def define(self, run: Run, token: ElementInstance) -> None:
        """Arms the event with the definition of its element."""
        self.arm(run, token, token.node, self.modeled(token.node))

    def define_by_evaluation(self, run: Run, token: ElementInstance) -> bool:
        """Arms the event with what is evaluated; False if it has happened by that. Raises NotEvaluated."""
        return self.arm(run, token, token.node, self.evaluated(run, token, token.node))

    def needs_of_job(self, node: Node, completion: Completion) -> Iterable[Need[Any]]:
        """What `define_from` is going to need; raises Refusal for an unusable completion."""
        return ()

    def define_from(self, run: Run, token: ElementInstance, completion: Completion) -> bool:
        """Arms the event with what a worker says; False if it has happened by that. Raises Refusal."""
        return self.arm(run, token, token.node, self.given(run, token, token.node, completion))

    def part_of(self, node: Node, payload: Payload) -> Node:
        """What of the event a task is about."""
        return node

    def happens(self, run: Run, event: ElementInstance, node: Node, raised: Raised | None) -> bool:
        """Something has happened that the event waits for; whether that is all of it."""
        return True

    def interrupts(self, event: ElementInstance, node: Node) -> bool:
        """Whether the host of an attached event ends when that happens."""
        return event.node.interrupting

    def caught(self, event: ElementInstance, raised: Raised | None) -> dict[str, str]:
        """What is known to whoever handles an event that happens."""
        return raised.variables() if raised is not None else {}

    def may_catch_errors(self, node: Node) -> bool:
        return self.catches_errors

    def codes(self, event: ElementInstance, raised: Raised) -> Iterable[tuple[Node, str]]:
        """The codes that an armed event catches of what is `raised`; an empty one is each."""
        if raised.is_kind_of(self) and event.context is not None:
            yield event.node, event.context

    def signals(self, event: ElementInstance) -> Iterable[tuple[Node, str]]:
        """The names of signals that an armed event waits for."""
        if self.waits_for_signals and event.context is not None:
            yield event.node, event.context

    def look(self, run: Ending, event: ElementInstance, node: Node, *, is_true: bool) -> None:
        """A condition that the event waits for has been evaluated."""
        raise NotImplementedError

    def needs_to_recur(self, token: ElementInstance, node: Node, message: Message | None) -> Iterable[Need[Any]]:
        """What arming an event anew is going to need, that has happened and goes on waiting."""
        return ()

    def recurrence(self, run: Run, token: ElementInstance, node: Node, task: Task, payload: Payload) -> Recur | None:
        """How the event is armed anew, where it goes on waiting once it has happened; None if it happens no more."""
        return lambda _renewed: None

    def renew(self, run: Run, event: ElementInstance) -> ElementInstance | None:
        """What waits in the place of an attached event that has happened; None if nothing can."""
        return run.renew(event)

    def arm_anew(self, run: Run, renewed: ElementInstance) -> None:
        """What waits in its place is armed, where that had to wait until the walk came to rest."""
        raise NotImplementedError


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
