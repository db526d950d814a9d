"""Whoever adds a kind of something finds here what else it needs."""

import dataclasses
import importlib
import pkgutil

import pytest

import app.commands
from app.bpmn.model import ElementType
from app.bpmn.tags import readable
from app.commands import HANDLERS, runner
from app.commands.base import Command
from app.engine import records
from app.engine.elements import BEHAVIORS, EVENTS_OF_HANDLERS
from app.engine.types import TaskType
from app.store.rows import DIGESTS, TABLES

MANAGEMENT = {
    TaskType.CREATE_PARTITION,
    TaskType.DETACH_PARTITION,
    TaskType.DROP_PARTITION,
    TaskType.PURGE_MESSAGES,
    TaskType.PURGE_SIGNALS,
}
"""Concern the database only."""

POINTERS = {
    records.DeployedProcess: {"warnings"},
    records.DeployedElement: {"process", "definition", "parts", "instantiates", "suspended"},
    records.ProcessInstance: {"parent", "existing"},
    records.ElementInstance: {"node", "instance", "parent", "prev", "host", "undoes"},
    records.Job: {"token", "node", "variables"},
    records.Task: {"instance", "token", "process", "element", "origin", "called", "timer", "part"},
    records.UserTask: {"token"},
    records.Variable: {"instance", "token"},
    records.Incident: {"task"},
    records.Message: {"receiver", "result"},
    records.MessageSubscription: {"token"},
    records.SignalSubscription: {"token"},
}
"""Fields that stand for another record, are stored with one, or are not stored at all."""

OF_POINTERS = {
    records.ElementInstance: {
        "bpmn_element_id",
        "bpmn_element_type",
        "duration_ms",
        "element_id",
        "process_id",
        "process_instance_id",
    },
}
"""Columns that are read from such a field, or computed from others."""


def commands():
    """Every dataclass in `app.commands` that is a command."""
    for module in pkgutil.iter_modules(app.commands.__path__):
        for each in vars(importlib.import_module(f"app.commands.{module.name}")).values():
            if isinstance(each, type) and issubclass(each, Command) and each.title:
                yield each


def test_every_element_type_that_is_executed_has_a_behaviour():
    assert readable() == set(BEHAVIORS) | set(EVENTS_OF_HANDLERS)


def test_every_element_type_can_be_read_from_xml():
    assert readable() == set(ElementType)


def test_every_task_type_has_a_runner():
    assert set(runner.STANDALONE) | set(runner.STARTING) | set(runner.IN_INSTANCE) | MANAGEMENT == set(TaskType)


def test_every_command_has_a_handler():
    assert set(commands()) == set(HANDLERS)


def test_every_command_names_itself_for_problems():
    assert {each.__name__ for each in HANDLERS if not each.title.startswith("failed to ")} == set()


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_field_is_a_column_and_every_column_a_field(kind):
    fields = {field.name for field in dataclasses.fields(kind)} - POINTERS.get(kind, set())
    columns = {column.name for column in TABLES[kind].c} - OF_POINTERS.get(kind, set()) - DIGESTS
    assert fields == columns
