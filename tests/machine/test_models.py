"""The models themselves: all of them can be deployed, and together they have every kind of element."""

from __future__ import annotations

from hypothesis import given, settings

from app.bpmn import definitions
from app.bpmn.model import ElementType, Process
from app.bpmn.parser import find_process, parse
from app.engine.elements import BEHAVIORS, EVENTS_OF_HANDLERS
from app.timer import Timer
from tests.machine.models import models
from tests.machine.picture import Model

BEYOND_THE_SEED = frozenset(
    {
        "CALL_ACTIVITY",
        "ERROR_END_EVENT",
        "EVENT_SUB_PROCESS",
        "ESCALATION_END_EVENT",
        "ESCALATION_THROW_EVENT",
        "EVENT_BASED_GATEWAY",
        "LINK_CATCH_EVENT",
        "LINK_THROW_EVENT",
        "MESSAGE_END_EVENT",
        "MESSAGE_THROW_EVENT",
        "RECEIVE_TASK",
        "SIGNAL_END_EVENT",
        "SIGNAL_THROW_EVENT",
        "SUB_PROCESS",
        "TRANSACTION",
        "USER_TASK",
    }
)

NOT_DRAWN = ("AD_HOC_", "CANCEL_", "COMPENSATION_", "COMPLEX_", "CONDITIONAL_", "MULTIPLE_")
"""How the names of types begin that are left to tests of their own."""


def parsed(model: Model) -> Process:
    return find_process(parse(model.xml), model.process_id)


def types(model: Model) -> set[ElementType]:
    return {element.type for element in parsed(model).elements()}


@given(models())
def test_models_are_valid(model):
    process = parsed(model)
    assert process.causes == []
    request = {"errors": [], "escalations": [], "messages": [], "signals": [], "timers": []} | model.request()
    names = {"errors": "errorCode", "escalations": "escalationCode", "messages": "messageName", "signals": "signalName"}
    given = {
        kind: {each["bpmnElementId"]: each[names[kind]] if kind in names else Timer() for each in request[kind]}
        for kind in ("errors", "escalations", "messages", "signals", "timers")
    }
    assert definitions.resolve(process, **given)[1] == []


@given(models(seed=True))
def test_models_of_the_seed_have_only_its_elements(model):
    assert not types(model) & BEYOND_THE_SEED


def test_every_type_of_element_is_drawn():
    seen: set[ElementType] = set()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(models())
    def draw(model):
        seen.update(types(model))

    draw()
    every = {kind for kind in (*BEHAVIORS, *EVENTS_OF_HANDLERS) if not kind.startswith(NOT_DRAWN)}
    assert seen == every
