"""The sub-process, and the process as the outermost scope."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.elements.activity import Activity
from app.engine.elements.base import Behavior
from app.engine.types import InstanceState
from app.errors import bug

if TYPE_CHECKING:
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class SubProcess(Activity):
    """Takes the state of its own scope when it starts: in a suspended one it stops at its start event."""

    is_scope = True

    def ready(self, run: Run, token: ElementInstance) -> None:
        scope = token.parent
        assert scope is not None
        suspended = scope.state is InstanceState.SUSPENDED
        run.wait(token, InstanceState.SUSPENDED if suspended else InstanceState.STARTED)
        self.start(run, token)

    def start(self, run: Run, token: ElementInstance) -> None:
        run.arrive(token.node.start_events()[0], token)

    def emptied(self, run: Run, token: ElementInstance) -> None:
        if token.state is InstanceState.STARTED:
            run.complete(token)


class ProcessScope(Behavior):
    is_scope = True

    def emptied(self, run: Run, token: ElementInstance) -> None:
        run.complete_instance(token)

    def enter(self, run: Run, token: ElementInstance) -> None:
        raise bug(f"process {token.node.id} cannot be entered by a sequence flow")
