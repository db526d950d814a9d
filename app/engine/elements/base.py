"""What a behaviour is: the hooks of one kind of element, each with its default."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from app.engine.completion import Completion
from app.engine.types import InstanceState, JobType
from app.errors import bug, conflict

if TYPE_CHECKING:
    from app.engine.elements.trigger import Raised, Trigger
    from app.engine.ending import Ending
    from app.engine.graph import Flow, Node
    from app.engine.needs import Need
    from app.engine.payload import Payload
    from app.engine.records import ElementInstance, Job, Message, ProcessInstance, Task
    from app.engine.run import Run
    from app.engine.slots import Slot


class Behavior:
    """Passes tokens through; what waits for something overrides the hooks it needs."""

    stops_when_suspended = True
    """False for what is entered even where its scope is suspended."""

    is_scope = False
    """True for what others are inside of."""

    watches = False
    """True for a scope that is asked `emptied` whenever something in it has ended."""

    is_followed_by_events = False
    """True for what waits, with the events that follow it, until one of these happens."""

    decides = False
    """True for what chooses among its outgoing flows by itself, as gateways do."""

    synchronizes = False
    """True for a gateway whose tokens wait until no other one can get there; then it has `settle`."""

    trigger: Trigger | None = None
    """What it waits for, if it is an event that waits."""

    leaves: tuple[type[Any], ...] = ()
    """Records of open work and subscriptions that a token may leave behind when it ends from outside."""

    jobs: tuple[JobType, ...] = ()
    """The types of jobs that such an element may have."""

    leaving_jobs: frozenset[JobType] = frozenset()
    """Those whose completion has the token go on."""

    def is_pending(self, node: Node) -> bool:
        """Whether an attached or following event of this kind must be defined, before its host is ready.

        That is done by a job, or by what is evaluated when it is entered.
        """
        return False

    def enter(self, run: Run, token: ElementInstance) -> None:
        """A token has arrived, or is continued after it was queued or suspended."""
        run.complete(token)

    def ready(self, run: Run, token: ElementInstance) -> None:
        """All events that are attached to the token or follow it are defined."""
        raise bug(f"element {token.node.id} has no attached events")

    def needs_of_job(self, token: ElementInstance, job: Job, completion: Completion) -> Iterable[Need[Any]]:
        """What `job_done` is going to need; raises Refusal for an unusable completion."""
        return ()

    def needs_of_task(
        self, token: ElementInstance, task: Task, payload: Payload, message: Message | None
    ) -> Iterable[Need[Any]]:
        """What `task_due` is going to need; `message` is the one that has arrived."""
        return ()

    def emptied(self, run: Run, token: ElementInstance) -> None:
        """Nothing is active inside the scope any more; or, if it `watches`, something has ended there."""
        raise bug(f"element {token.node.id} has nothing inside")

    def child_completed(self, run: Run, token: ElementInstance, child: ElementInstance) -> None:
        """Something inside the scope is COMPLETED; what follows it there has been created."""

    def holds(self, run: Run, scope: ElementInstance, token: ElementInstance) -> bool:
        """Whether a token that has arrived in the scope is not entered, but waits, or ends.

        It waits where its activity needs more of them to start (BPMN 2.0.2, 13.3.2).
        """
        if token.node.start_quantity == 1 or token.is_inner or run.is_gathered(token):
            return False
        run.wait(token, InstanceState.CREATED)
        return True

    def select(self, run: Run, token: ElementInstance, ids: Sequence[str]) -> None:
        """Somebody selects activities inside the token that are to start."""
        raise conflict(f"element {token.node.id} is no ad-hoc sub-process")

    def hosted_completed(self, run: Run, token: ElementInstance, hosted: ElementInstance) -> None:
        """Something that is attached to the token is COMPLETED."""

    def waits_to_join(self, token: ElementInstance) -> bool:
        """Whether a STARTED token at a gateway that `synchronizes` waits until no other one can get there."""
        return token.context is None

    def decided(self, run: Run, token: ElementInstance, flows: Sequence[Flow]) -> None:
        """It is known which flows the token leaves by, after it has waited for that."""
        run.complete(token, flows)

    def has_gone_on(self, token: ElementInstance) -> bool:
        """Whether the flows have gone on though the token is still there: it can't get anywhere itself."""
        return False

    def settle(self, run: Run, scope: ElementInstance, node: Node) -> bool:
        """The walk has come to rest: has tokens that wait at `node` go on if they can; whether they do."""
        return False

    def happens(
        self,
        run: Run,
        event: ElementInstance,
        *,
        again: bool = True,
        raised: Raised | None = None,
        node: Node | None = None,
    ) -> ElementInstance | None:
        """An attached event happens, or catches what was `raised`; of several definitions it is `node` that does.

        One that does not interrupt is attached anew, if `again`; its new token is returned.
        """
        raise bug(f"element {event.node.id} is attached to nothing")

    def terminated(self, run: Ending, token: ElementInstance) -> None:
        """The token is about to end from outside, together with what it has called."""

    def returned(self, run: Ending, token: ElementInstance, called: ProcessInstance) -> None:
        """What the token has called is COMPLETED."""

    def job_done(self, run: Run, token: ElementInstance, job: Job, completion: Completion, retry_due: datetime) -> None:
        """A worker has completed a job of the token; raises Refusal for an unusable completion."""
        raise bug(f"element {token.node.id} has no job {job.type}")

    def task_due(self, run: Run, token: ElementInstance, task: Task, payload: Payload) -> None:
        """A task of the token runs: a join, or an event that has happened."""
        raise bug(f"element {token.node.id} has no task {task.type}")

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        """What failed when `slot` was evaluated is tried again."""
        raise bug(f"element {token.node.id} has nothing to evaluate")


class NoneEndEvent(Behavior):
    """Ends its path; a terminate end event ends everything else in its scope too (BPMN 2.0.2, 13.5.6)."""

    def enter(self, run: Run, token: ElementInstance) -> None:
        run.complete(token)
        if token.node.terminate:
            run.terminate_others(token)
