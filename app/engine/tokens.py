"""The element instances that a walk knows, how they belong together, and new ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from app.engine.changes import Changes
from app.engine.graph import Graph, Node
from app.engine.needs import Missing, Need, WholeInstance
from app.engine.records import ElementInstance, Message, ProcessInstance
from app.engine.types import InstanceState
from app.engine.variables import Variables
from app.engine.work import Work
from app.errors import EngineError, ErrorKind

if TYPE_CHECKING:
    from app.engine.run import Run

NOTHING: Mapping[Need[Any], Any] = MappingProxyType({})

MAX_STEPS = 10_000
"""How many element instances one walk may enter, before it counts as endless."""


class Tokens(Work):
    """The working set of one walk through one process instance."""

    def __init__(
        self,
        instance: ProcessInstance,
        graph: Graph,
        *,
        now: datetime,
        actor: str,
        engine_id: str,
        changes: Changes,
        variables: Variables,
        tokens: Iterable[ElementInstance] = (),
        whole: bool = False,
        completed: Sequence[ElementInstance] = (),
        known: Mapping[Need[Any], Any] = NOTHING,
        message: Message | None = None,
        called: Mapping[int, ProcessInstance] = MappingProxyType({}),
        caller: Run | None = None,
    ) -> None:
        """`tokens` are linked with each other and in id order; `whole` says that no active one is missing, and then
        `completed` are those that have ended and can be compensated.

        `known` is what is known of needs, and `message` the one that has arrived. `called` are active instances by the
        id of their call activity's element instance, if `whole`. `caller` is a run over the calling instance that has
        its call activity, as far as one is active.
        """
        super().__init__(
            instance, now=now, actor=actor, engine_id=engine_id, changes=changes, known=known, message=message
        )
        self.graph = graph
        self.variables = variables
        self.caller = caller
        self._called = called
        self._is_whole = whole or not instance.id
        self._completed = completed
        self._steps = 0
        self._tokens: list[ElementInstance] = []
        self._hosted: dict[ElementInstance, list[ElementInstance]] = {}
        self._children: dict[ElementInstance, list[ElementInstance]] = {}
        self._queue: deque[tuple[bool, ElementInstance]] = deque()
        """What is to be entered (True), and scopes that are to be looked at."""
        self._unsettled: dict[ElementInstance, None] = {}
        """Scopes in which something has moved."""
        self._watched: dict[ElementInstance, None] = {}
        """New events that wait for a condition."""
        self._to_arm: list[ElementInstance] = []
        """New ones that are armed when the walk comes to rest."""
        self._undecided: set[ElementInstance] = set()
        """Tokens that would leave by flows with conditions, and have asked which of these."""
        for token in tokens:
            self._remember(token)

    def token(self, id: int) -> ElementInstance:
        return next(token for token in self._tokens if token.id == id)

    def tokens(self) -> list[ElementInstance]:
        """The known tokens that have not ended, in id order."""
        return [token for token in self._tokens if not token.state.ended]

    def completed(self) -> list[ElementInstance]:
        """What can be compensated, and what was completed in this walk, in the order of its creation."""
        return [*self._completed, *(token for token in self._tokens if token.state is InstanceState.COMPLETED)]

    def hosted(self, host: ElementInstance) -> list[ElementInstance]:
        """What is attached to the token, and has not ended."""
        return [t for t in self._hosted.get(host, ()) if not t.state.ended]

    def armed(self, host: ElementInstance) -> list[ElementInstance]:
        """Of these the events that have not happened yet.

        They are the boundary events of an activity, the events behind an event-based gateway, and the start events of
        the event sub-processes of a scope.
        """
        attached = self._hosted.get(host)
        return [t for t in attached if not (t.state.ended or t.state is InstanceState.STARTED)] if attached else []

    def children(self, scope: ElementInstance) -> list[ElementInstance]:
        """The active tokens in a scope; raises Missing where they are not all loaded."""
        if not scope.behavior.is_scope:
            return []
        if scope.active_children:
            self.need_all()
        return [t for t in self._children.get(scope, ()) if not t.state.ended]

    def inside(self, scope: ElementInstance) -> list[ElementInstance]:
        """The known tokens in a scope, also those that have ended in this walk."""
        return list(self._children.get(scope, ()))

    def need_all(self) -> None:
        """Raises Missing where not all active tokens are loaded."""
        if not self._is_whole:
            raise Missing(WholeInstance())

    def scope_of(self, token: ElementInstance) -> ElementInstance:
        assert token.parent is not None, f"{token.node.id} has no scope"
        return token.parent

    def gateway(self, token: ElementInstance) -> ElementInstance | None:
        """The event-based gateway that the token follows directly."""
        if token.host and token.host.behavior.is_followed_by_events:
            return token.host
        return None

    def new_token(
        self,
        node: Node,
        scope: ElementInstance,
        prev: ElementInstance | None = None,
        *,
        host: ElementInstance | None = None,
        incoming: int | None = None,
    ) -> ElementInstance:
        """A token that is nowhere yet; what it is attached to, if anything, is its `host`."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise EngineError(
                ErrorKind.EXECUTION,
                f"no wait state was reached within {MAX_STEPS} element instances, at last {node.id}",
                title="failed to continue execution",
            )
        token = ElementInstance(
            partition=self.instance.partition,
            node=node,
            instance=self.instance,
            parent=scope,
            parent_id=scope.id or None,
            prev=prev,
            prev_id=(prev.id or None) if prev else None,
            prev_element_id=prev.node.element_id if prev else None,
            host=host,
            host_id=(host.id or None) if host else None,
            incoming=incoming,
            created_at=self.now,
            created_by=self.actor,
            state=InstanceState.CREATED,
        )
        if node.loop is not None and node.loop.multi:
            token.multi_instance = token.is_body
        self.changes.insert(token)
        if not node.starts_handler:
            self._count(scope, token, 1)
        self._remember(token)
        return token

    def _count(self, scope: ElementInstance, token: ElementInstance, by: int) -> None:
        """The token is, or is no more, among those that keep the scope open."""
        scope.active_children += by
        if token.node.is_handler:
            scope.active_handlers += by
        self.changes.update(scope)

    def _remember(self, token: ElementInstance) -> None:
        self._tokens.append(token)
        if token.parent:
            self._children.setdefault(token.parent, []).append(token)
        if token.host:
            self._hosted.setdefault(token.host, []).append(token)
