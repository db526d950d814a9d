"""Sub-processes of all kinds, and the process as the outermost scope."""

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
    """Takes the state of its instance when it starts: in a suspended one it stops where it begins."""

    is_scope = True

    def ready(self, run: Run, token: ElementInstance) -> None:
        suspended = run.instance.state is InstanceState.SUSPENDED
        run.wait(token, InstanceState.SUSPENDED if suspended else InstanceState.STARTED)
        self.start(run, token)

    def start(self, run: Run, token: ElementInstance) -> None:
        for node in token.node.starts:
            run.arrive(node, token)
        if not token.node.starts:
            _is_over(run, token)

    def emptied(self, run: Run, token: ElementInstance) -> None:
        if token.state is InstanceState.STARTED:
            run.complete(token)


class EventSubProcess(SubProcess):
    """Begins behind its start event, which has waited in the scope around it (BPMN 2.0.2, 10.3.5)."""

    stops_when_suspended = False

    def start(self, run: Run, token: ElementInstance) -> None:
        flows = [flow for event in token.node.starts for flow in event.outgoing]
        for flow in flows:
            run.arrive(flow.target, token, token.prev, flow.place)
        if not flows:
            _is_over(run, token)


class ProcessScope(Behavior):
    is_scope = True

    def ready(self, run: Run, token: ElementInstance) -> None:
        for child in run.children(token):
            if child.state is InstanceState.CREATED and child.host is None and not child.node.is_handler:
                run.enter(child)

    def emptied(self, run: Run, token: ElementInstance) -> None:
        run.complete_instance(token)

    def enter(self, run: Run, token: ElementInstance) -> None:
        raise bug(f"process {token.node.id} cannot be entered by a sequence flow")


def _is_over(run: Run, token: ElementInstance) -> None:
    """Nothing is in it that could be stopped: where it is suspended it is over all the same."""
    run.wait(token)
    run.look_at(token)
