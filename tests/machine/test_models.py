"""The models themselves: all of them can be deployed, and together they have every kind of element."""

from __future__ import annotations

from hypothesis import given, settings

from app.bpmn import definitions
from app.bpmn.evaluation import check_expressions
from app.bpmn.model import ElementType, Process
from app.bpmn.parser import find_process, parse
from app.engine.elements import BEHAVIORS, EVENTS_OF_HANDLERS
from app.timer import Timer
from tests.machine.models import models
from tests.machine.picture import Model

BEYOND_THE_SEED = frozenset(
    {
        "AD_HOC_SUB_PROCESS",
        "CALL_ACTIVITY",
        "CANCEL_BOUNDARY_EVENT",
        "CANCEL_END_EVENT",
        "COMPENSATION_BOUNDARY_EVENT",
        "COMPENSATION_END_EVENT",
        "COMPENSATION_START_EVENT",
        "COMPENSATION_THROW_EVENT",
        "COMPLEX_GATEWAY",
        "CONDITIONAL_BOUNDARY_EVENT",
        "CONDITIONAL_CATCH_EVENT",
        "CONDITIONAL_START_EVENT",
        "ERROR_END_EVENT",
        "EVENT_SUB_PROCESS",
        "ESCALATION_END_EVENT",
        "ESCALATION_THROW_EVENT",
        "EVENT_BASED_GATEWAY",
        "LINK_CATCH_EVENT",
        "LINK_THROW_EVENT",
        "MESSAGE_END_EVENT",
        "MESSAGE_THROW_EVENT",
        "MULTIPLE_BOUNDARY_EVENT",
        "MULTIPLE_CATCH_EVENT",
        "MULTIPLE_END_EVENT",
        "MULTIPLE_START_EVENT",
        "MULTIPLE_THROW_EVENT",
        "PARALLEL_MULTIPLE_BOUNDARY_EVENT",
        "PARALLEL_MULTIPLE_CATCH_EVENT",
        "PARALLEL_MULTIPLE_START_EVENT",
        "RECEIVE_TASK",
        "SIGNAL_END_EVENT",
        "SIGNAL_THROW_EVENT",
        "SUB_PROCESS",
        "TRANSACTION",
        "USER_TASK",
    }
)


def parsed(model: Model) -> Process:
    return find_process(parse(model.xml, evaluates=model.evaluates), model.process_id)


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
    found, causes = definitions.resolve(process, **given)
    assert causes == []
    assert not model.evaluates or check_expressions(process, found) == []


@given(models(seed=True))
def test_models_of_the_seed_have_only_its_elements(model):
    assert not types(model) & BEYOND_THE_SEED


def test_every_type_of_element_is_drawn():
    seen: set[ElementType] = set()

    @settings(max_examples=900, derandomize=True, database=None)
    @given(models())
    def draw(model):
        seen.update(types(model))

    draw()
    assert seen == {*BEHAVIORS, *EVENTS_OF_HANDLERS}
