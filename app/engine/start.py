"""New process instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from app.engine.changes import Changes
from app.engine.completion import VariableInput
from app.engine.graph import Graph, Node
from app.engine.needs import Callee, Need
from app.engine.records import ElementInstance, ProcessInstance
from app.engine.run import Run
from app.engine.tokens import NOTHING
from app.engine.types import InstanceState
from app.engine.values import Stored
from app.engine.variables import Variables
from app.errors import invalid_model, refused

Prepare = Callable[[ProcessInstance], None]
"""Gives a new instance its variables, before it begins."""
NO_VARIABLES: Mapping[str, Stored] = MappingProxyType({})


def start_instance(
    graph: Graph,
    starts: Sequence[Node],
    *,
    partition: date,
    now: datetime,
    actor: str,
    engine_id: str,
    created_by: str,
    changes: Changes,
    state: InstanceState,
    variables: Variables,
    correlation_key: str | None = None,
    tags: dict[str, str] | None = None,
    message_id: int | None = None,
    known: Mapping[Need[Any], Any] = NOTHING,
    caller: Run | None = None,
    call_activity: ElementInstance | None = None,
    prepare: Prepare | None = None,
) -> Run:
    """A new process instance, run from `starts` to its first wait state.

    `state` is STARTED, QUEUED, or SUSPENDED when the caller is. `actor` makes the element instances and jobs,
    `created_by` the instance, to which `prepare` gives its variables; `variables` sets those that come with the walk.
    """
    parent = caller.instance if caller else None
    instance = ProcessInstance(
        partition=partition,
        parent=parent,
        parent_id=parent.id if parent else None,
        root_id=(parent.root_id or parent.id) if parent else None,
        message_id=message_id,
        process_id=graph.process_id,
        bpmn_process_id=graph.bpmn_process_id,
        correlation_key=correlation_key,
        created_at=now,
        created_by=created_by,
        started_at=None if state is InstanceState.QUEUED else now,
        state=state,
        tags=tags or {},
        version=graph.version,
    )
    changes.insert(instance)
    if prepare:
        prepare(instance)
    run = Run(
        instance,
        graph,
        now=now,
        actor=actor,
        engine_id=engine_id,
        changes=changes,
        variables=variables,
        known=known,
        caller=caller,
    )
    run.begin(starts, call_activity)
    return run


def call(
    run: Run,
    call_activity: ElementInstance,
    callee: Callee,
    *,
    correlation_key: str | None,
    tags: dict[str, str],
    variables: Sequence[VariableInput],
    passed_on: Mapping[str, Stored] = NO_VARIABLES,
    bpmn_element_id: str = "",
) -> None:
    """Creates the called instance; it runs as part of the walk. Raises as `starts_of` does."""

    def prepare(called: ProcessInstance) -> None:
        if variables:
            run.variables.set_process_variables(called, variables)
        for name, stored in passed_on.items():
            run.variables.copy(called, None, name, stored)

    start_instance(
        callee.graph,
        starts_of(callee.graph, bpmn_element_id),
        partition=run.instance.partition,
        now=run.now,
        actor=run.actor,
        engine_id=run.engine_id,
        created_by=run.actor,
        changes=run.changes,
        state=InstanceState.QUEUED if callee.queued else run.instance.state,
        variables=run.variables,
        correlation_key=correlation_key,
        tags=tags,
        known=run.known,
        caller=run,
        call_activity=call_activity,
        prepare=prepare,
    )


def starts_of(graph: Graph, bpmn_element_id: str = "") -> list[Node]:
    """Where a process begins that no event starts: at its none start event, of several at the one that is named.

    Without any it is at all nodes that nothing leads to (BPMN 2.0.2, 13.2). Raises EngineError PROCESS_MODEL where
    only events start the process, and Refusal where another name, or one of several, is needed.
    """
    starts = graph.root.starts
    if not starts:
        raise invalid_model(
            f"scope {graph.bpmn_process_id} has no none start event", title="failed to create execution"
        )
    if graph.root.is_started_at_once and not bpmn_element_id:
        return starts
    named = starts if len(starts) == 1 and not bpmn_element_id else [n for n in starts if n.id == bpmn_element_id]
    if graph.root.is_started_at_once or not named:
        raise refused(f"expected one of the start events [{', '.join(node.id for node in starts)}]")
    return named
