"""Messages that are sent: by a worker, or by the engine where the model says what it has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.elements.activity import Executed, WorkerTask
from app.engine.records import EventVariable
from app.engine.slots import NotEvaluated, Slot
from app.expr import as_key, as_text

if TYPE_CHECKING:
    from app.engine.graph import Node
    from app.engine.records import ElementInstance
    from app.engine.run import Run


class SendTask(WorkerTask):
    def start(self, run: Run, token: ElementInstance) -> None:
        if is_sent_by_engine(token.node):
            send(run, token)
        else:
            super().start(run, token)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        send(run, token)


class MessageThrow(Executed):
    """A throw or end event."""

    def enter(self, run: Run, token: ElementInstance) -> None:
        if is_sent_by_engine(token.node):
            run.wait(token)
            send(run, token)
        else:
            super().enter(run, token)

    def evaluate(self, run: Run, token: ElementInstance, slot: Slot) -> None:
        send(run, token)


def is_sent_by_engine(node: Node) -> bool:
    return Slot.CORRELATION_KEY in node.programs and bool(node.declared_name)


def send(run: Run, token: ElementInstance) -> None:
    """Sends the message with the variables that its data inputs name, and completes the token (BPMN 2.0.2, 10.5.1)."""
    node = token.node
    try:
        has_name = Slot.MESSAGE_NAME in node.programs
        name = run.slot(token, Slot.MESSAGE_NAME, as_text) if has_name else node.declared_name
        key = run.slot(token, Slot.CORRELATION_KEY, as_key)
    except NotEvaluated as error:
        run.fail_to_evaluate(token, error.slot, error.reason)
        return
    variables = []
    for input in node.inputs:
        stored = run.stored(token, input)
        if stored is not None:
            variables.append(
                EventVariable(name=input, encoding=stored.encoding, encrypted=stored.encrypted, value=stored.value)
            )
    run.throw_message(name, key, variables)
    run.complete(token)
