"""Call activities that do a global task of their file."""

import pytest

from tests.flow import boundary, call, flow, multi
from tests.story import Story


def with_global(tag: str, model: str) -> str:
    return model.replace("<process ", f'<{tag} id="g"/><process ', 1)


LINE = flow("s -> ca -> e; b -> eb", ca=call("g"), b=boundary("ca", "error:X"))


@pytest.mark.parametrize("tag", ["globalScriptTask", "globalBusinessRuleTask"])
def test_a_worker_does_it(engine, tag):
    story = Story.start(engine, with_global(tag, LINE))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 ca STARTED; 4 b CREATED | J: 1 EXECUTE@3 DUE")
    assert story.visit("ca").bpmn_element_type == "CALL_ACTIVITY"
    story.job_completes("ca").is_completed()


def test_its_error_is_caught_at_the_call_activity(engine):
    story = Story.start(engine, with_global("globalScriptTask", LINE)).job_completes("ca", error_code="X")
    assert story.is_completed().visit("eb").state == "COMPLETED"


def test_a_person_does_it(engine):
    story = Story.start(engine, with_global("globalUserTask", LINE)).waits_at("ca")
    story.user_task_updates(completed=True)
    story.is_completed()


def test_a_person_throws_an_error_at_the_call_activity(engine):
    story = Story.start(engine, with_global("globalUserTask", LINE))
    story.user_task_updates(error_code="X")
    assert story.is_completed().visit("eb").state == "COMPLETED"


@pytest.mark.parametrize("tag", ["globalTask", "globalManualTask"])
def test_nobody_waits_for_what_passes_through(engine, tag):
    Story.start(engine, with_global(tag, flow("s -> ca -> e", ca=call("g")))).is_completed()


def test_it_is_done_as_often_as_a_marker_says(engine):
    story = Story.start(
        engine, with_global("globalScriptTask", flow("s -> ca -> e", ca=multi(call("x:g"), cardinality="2")))
    )
    story.job_completes("ca").job_completes("ca").is_completed()
