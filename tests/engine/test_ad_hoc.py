"""Ad-hoc sub-processes: somebody selects what is performed."""

import pytest

from app.engine.types import InstanceState, WorkState
from app.errors import EngineError, ErrorKind, Refusal
from tests.flow import (
    EVENT_BASED,
    PARALLEL,
    TASK,
    Kind,
    ad_hoc,
    boundary,
    catch,
    conditional,
    loop,
    multi,
    receive,
    sub,
    throw,
)
from tests.walk import Walk

EACH_TWO = Kind("serviceTask", ' startQuantity="2"')


def walk(text: str, *, evaluates: bool = False, given: dict | None = None, **fields) -> Walk:
    return Walk("s -> ah -> e", evaluates=evaluates, given=given, ah=ad_hoc(text, **fields))


def open_jobs(walk: Walk) -> list[str]:
    return [f"{job.type}@{job.bpmn_element_id}" for job in walk.jobs() if not job.detached]


def select(walk: Walk, *ids: str, at: str = "ah") -> None:
    walk.job(at).done(activities=ids)


def refusal(walk: Walk, **completion) -> str:
    with pytest.raises(Refusal) as raised:
        walk.job("ah").done(**completion)
    return raised.value.detail.partition(";")[0]


def test_activities_start_when_they_are_selected():
    story = walk("a; b -> c")
    assert story.trace == "1 p STARTED; 2 s COMPLETED; 3 ah STARTED"
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]
    select(story, "a", "b")
    assert open_jobs(story) == ["EXECUTE@a", "EXECUTE@b"]
    story.job("b").done()
    assert story.trace.endswith("4 a STARTED ^3; 5 b COMPLETED ^3; 6 c CREATED ^3")
    assert open_jobs(story) == ["EXECUTE@a", "SELECT_ACTIVITIES@ah"]
    select(story, "c")
    story.job("c").done()
    story.job("a").done()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]
    select(story)
    assert story.trace.endswith("3 ah COMPLETED; 4 a COMPLETED ^3; 5 b COMPLETED ^3; 6 c COMPLETED ^3; 7 e COMPLETED")


def test_an_activity_may_be_performed_several_times():
    story = walk("a")
    select(story, "a", "a")
    story.job("a").done()
    select(story, "a")
    assert story.waiting_at == ["a", "a"]


def test_a_worker_that_selects_nothing_is_asked_again_after_the_next_activity():
    story = walk("a")
    select(story, "a", "a")
    story.job("a").done()
    select(story)
    assert open_jobs(story) == ["EXECUTE@a"]
    story.job("a").done()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


@pytest.mark.parametrize(
    ("completion", "detail"),
    [
        ({"activities": ("c",)}, "activity c of ah is not enabled"),
        ({"activities": ("x",)}, "activity x of ah is not enabled"),
        ({"activities": ("g",)}, "activity g of ah is not enabled"),
        ({"activities": ("a",), "condition_fulfilled": True}, "expected either activities or a fulfilled condition"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(completion: dict, detail: str):
    story = walk("a; b -> g -> c", g=PARALLEL)
    assert refusal(story, **completion) == detail


def test_a_token_that_waits_is_selected_once():
    story = walk("b -> c")
    select(story, "b")
    story.job("b").done()
    assert refusal(story, activities=("c", "c")) == "activity c of ah is not enabled"


def test_a_worker_says_that_the_condition_is_fulfilled():
    story = walk("a; b", condition="enough")
    assert refusal(story, activities=()) == "expected activities to start"
    story = walk("a; b", condition="enough")
    select(story, "a", "b")
    story.job("a").done()
    story.job("ah").done(condition_fulfilled=True)
    assert story.trace.endswith("3 ah COMPLETED; 4 a COMPLETED ^3; 5 b TERMINATED ^3; 6 e COMPLETED")


def test_one_after_the_other():
    story = walk("a; b", sequential=True)
    assert refusal(story, activities=("a", "b")) == "activities of ah are performed one after the other"
    story = walk("a; b -> c", sequential=True)
    select(story, "b")
    story.job("b").done()
    select(story, "a")
    with pytest.raises(Refusal):
        story.select("ah", "c")
    story = walk("a; b -> c", sequential=True)
    select(story, "b")
    story.job("b").done()
    select(story, "c")
    assert story.waiting_at == ["c"]


def test_the_engine_evaluates_the_condition_after_each_activity():
    story = walk("a; b", condition="enough == true", evaluates=True, given={"enough": False})
    select(story, "a")
    story.job("a").done()
    assert refusal(story, activities=()) == "expected activities to start"
    story = walk("a; b", condition="enough == true", evaluates=True, given={"enough": False})
    select(story, "a", "b")
    story.job("a").done()
    story.job("ah").done(condition_fulfilled=True)
    story.set(enough=True)
    story.job("b").done()
    assert story.trace.endswith("3 ah COMPLETED; 4 a COMPLETED ^3; 5 b COMPLETED ^3; 6 e COMPLETED")
    assert open_jobs(story) == []


def test_a_literal_condition_counts_without_an_engine_that_evaluates():
    story = walk("a; b", condition="true")
    select(story, "a", "b")
    story.job("b").done()
    assert story.instance.state == "COMPLETED"


def test_a_condition_that_fails_is_evaluated_again_when_its_incident_is_resolved():
    story = walk("a; b", condition="enough", evaluates=True)
    select(story, "a", "b")
    story.job("a").done()
    assert open_jobs(story) == ["EXECUTE@b"]
    (incident,) = story.records.incidents
    assert incident.task.serialized_task == '{"Expression":"completionCondition"}'
    story.job("b").done()
    assert open_jobs(story) == []
    story.set(enough=False)
    assert story.resolved().run() is WorkState.DONE
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_what_is_active_goes_on_where_it_is_not_cancelled():
    story = walk("a; b -> c", condition="enough", cancels=False)
    select(story, "a", "b", "b")
    story.job("b").done()
    story.job("ah").done(condition_fulfilled=True)
    assert story.waiting_at == ["a", "b"]
    story.job("b").done()
    assert story.waiting_at == ["a"]
    story.job("a").done()
    states = [(token.node.id, str(token.state)) for token in story.tokens if token.node.id == "c"]
    assert states == [("c", "TERMINATED"), ("c", "TERMINATED")]
    assert story.instance.state == "COMPLETED"


def test_as_many_tokens_as_an_activity_needs_start_it_together():
    story = walk("a -> b", b=EACH_TWO)
    select(story, "a", "a")
    story.job("a").done()
    assert refusal(story, activities=("b",)) == "activity b of ah is not enabled"
    story = walk("a -> b", b=EACH_TWO)
    select(story, "a", "a")
    story.job("a").done()
    story.job("a").done()
    select(story, "b")
    assert story.trace.endswith("6 b COMPLETED ^3; 7 b STARTED ^3")


def test_gateways_and_events_in_between_are_passed():
    story = walk("a -> f -> t, b; t -> c", f=PARALLEL, t=catch("timer:PT1H"))
    select(story, "a")
    story.job("a").done()
    assert story.waiting_at == ["t", "b"]
    select(story)
    story.task("t").run()
    assert story.waiting_at == ["b", "c"]
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_it_asks_when_nothing_goes_on_any_more():
    story = walk("a -> t", t=catch("timer:PT1H"))
    select(story, "a")
    story.job("a").done()
    select(story)
    assert open_jobs(story) == []
    story.task("t").run()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_a_boundary_event_in_it_that_ends_the_last_activity():
    story = walk("a; b", b=boundary("a", "timer:PT1H"))
    select(story, "a")
    story.task("b").run()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]
    select(story)
    assert story.instance.state == "COMPLETED"


def test_a_receive_task_behind_an_event_based_gateway_is_no_activity():
    story = walk("a -> g -> r, t", g=EVENT_BASED, r=receive("m"), t=catch("timer:PT1H"))
    assert refusal(story, activities=("r",)) == "activity r of ah is not enabled"
    story = walk("a -> g -> r, t", g=EVENT_BASED, r=receive("m"), t=catch("timer:PT1H"))
    select(story, "a")
    story.job("a").done()
    story.job("r").done(message_correlation_key="k")
    story.happens("r")
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_a_boundary_event_ends_it_with_all_that_is_inside():
    story = Walk("s -> ah -> e; b -> eb", ah=ad_hoc("a -> c; d"), b=boundary("ah", "timer:PT1H"))
    select(story, "a", "d")
    story.job("a").done()
    story.task("b").run()
    assert story.trace.endswith("5 a COMPLETED ^3; 6 d TERMINATED ^3; 7 c TERMINATED ^3; 8 eb COMPLETED")
    assert story.instance.state == "COMPLETED"


def test_an_error_in_it_is_caught_at_its_boundary():
    story = Walk("s -> ah -> e; b -> eb", ah=ad_hoc("a; d"), b=boundary("ah", "error:E"))
    select(story, "a", "d")
    story.job("a").done(error_code="E")
    assert story.trace.endswith("7 eb COMPLETED")


def test_instances_that_are_started_in_a_suspended_one_begin_when_it_is_resumed():
    story = walk("a -> c; b")
    story.suspend()
    select(story, "a", "b")
    assert story.trace.endswith("3 ah SUSPENDED; 4 a SUSPENDED ^3; 5 b SUSPENDED ^3")
    story.resume()
    assert open_jobs(story) == ["EXECUTE@a", "EXECUTE@b"]
    story.suspend()
    story.job("a").done()
    assert open_jobs(story) == ["EXECUTE@b", "SELECT_ACTIVITIES@ah"]
    story.resume()
    assert story.trace.endswith("3 ah STARTED; 4 a COMPLETED ^3; 5 b STARTED ^3; 6 c CREATED ^3")


def test_one_that_is_selected_while_it_waits_in_a_suspended_one_begins_when_it_is_resumed():
    story = walk("a -> c; b")
    select(story, "a")
    story.job("a").done()
    story.suspend()
    select(story, "c")
    assert story.trace.endswith("5 c SUSPENDED ^3")
    story.resume()
    assert open_jobs(story) == ["EXECUTE@c"]


def test_one_that_begins_in_a_suspended_instance_asks_once_and_keeps_its_boundary_events():
    story = Walk("s -> t -> ah -> e; b -> eb", ah=ad_hoc("a"), b=boundary("ah", "message:m"))
    story.job("t").done()
    story.suspend()
    story.job("b").done(message_correlation_key="k")
    story.resume()
    assert story.trace.endswith("4 ah STARTED; 5 b CREATED")
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_it_completes_when_it_is_resumed():
    story = walk("a; b", condition="enough")
    select(story, "a")
    story.job("a").done()
    select(story, "b")
    story.suspend()
    story.job("b").done()
    story.job("ah").done(condition_fulfilled=True)
    assert story.instance.state == "SUSPENDED"
    story.resume()
    assert story.instance.state == "COMPLETED"


def test_people_select_beside_the_job():
    story = walk("a; b")
    story.select("ah", "a")
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah", "EXECUTE@a"]
    story.job("a").done()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_nothing_is_selected_in_anything_else_or_in_one_that_is_suspended():
    story = Walk("s -> t -> e")
    with pytest.raises(EngineError) as raised:
        story.select("t", "a")
    assert raised.value.kind is ErrorKind.CONFLICT
    story = walk("a; b")
    select(story, "a")
    story.suspend()
    with pytest.raises(EngineError) as raised:
        story.select("ah", "a")
    assert raised.value.kind is ErrorKind.CONFLICT


def test_its_flows_may_have_conditions():
    story = Walk("s -> ah -> x, y", ah=conditional(ad_hoc("a"), default="y", x="1 > 2"))
    select(story)
    assert open_jobs(story) == ["EVALUATE_OUTGOING_FLOWS@ah"]
    story.job("ah").done()
    assert story.trace.endswith("3 ah COMPLETED; 4 y COMPLETED")


def test_a_body_with_conditions_of_its_flows_waits_for_their_decision():
    story = Walk("s -> t -> x, y", t=conditional(multi(cardinality="1"), default="y", x="1 > 2"))
    story.job("t").done()
    assert open_jobs(story) == ["EVALUATE_OUTGOING_FLOWS@t"]


def test_instances_of_one_with_a_marker_are_complete_by_themselves():
    story = Walk("s -> ah -> e", ah=multi(ad_hoc("a", condition="enough"), cardinality="2", condition="stop"))
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah", "SELECT_ACTIVITIES@ah"]
    first, second = story.jobs()
    for job in (first, second):
        assert job.token is not None
        assert job.token.is_inner
    story.job("ah").done(condition_fulfilled=True)
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah", "EVALUATE_COMPLETION_CONDITION@ah"]
    story.job("ah").done(condition_fulfilled=True)
    assert open_jobs(story) == []
    assert story.instance.state == "COMPLETED"


def test_activities_in_it_may_have_markers_and_contents():
    story = walk("m; l; c", m=multi(cardinality="2"), l=loop(maximum=2), c=sub("cs -> t -> ce", t=TASK))
    select(story, "m", "l", "c")
    assert open_jobs(story) == ["EXECUTE@m", "EXECUTE@m", "EXECUTE@l", "SELECT_ACTIVITIES@ah"]
    for id in ("m", "m", "l", "l"):
        story.job(id).done()
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]
    select(story)
    assert story.instance.state == "COMPLETED"


def test_an_escalation_that_it_throws_does_not_end_it():
    story = Walk(
        "s -> ah -> e; b -> eb",
        ah=ad_hoc("a -> x", x=throw("escalation:E")),
        b=boundary("ah", "escalation:E", interrupting=False),
    )
    select(story, "a")
    story.job("a").done()
    story.tasks_run()
    assert "eb COMPLETED" in story.trace
    assert open_jobs(story) == ["SELECT_ACTIVITIES@ah"]


def test_it_is_cancelled_with_all_that_is_inside():
    story = walk("a -> c; b")
    select(story, "a", "b")
    story.job("a").done()
    story.end(InstanceState.CANCELED)
    assert {str(token.state) for token in story.tokens} == {"CANCELED", "COMPLETED"}
    assert open_jobs(story) == []


def test_which_flows_it_leaves_by_is_asked_once_however_many_activities_end_with_it():
    left = conditional(ad_hoc("a; b"), default="e", f="x > 1")
    story = Walk("s -> ah -> e; ah -> f", ah=left)
    select(story, "a", "b", "b")
    story.job("a").done()
    story.job("ah").done(condition_fulfilled=True)
    assert open_jobs(story) == ["EVALUATE_OUTGOING_FLOWS@ah"]
