"""Ad-hoc sub-processes."""

from app.commands.base import Data
from tests.flow import ad_hoc, boundary, flow, multi
from tests.story import Story, variables

TRUE, FALSE = Data(encoding="json", value="true"), Data(encoding="json", value="false")
TWO_PATHS = flow("s -> ah -> e", ah=ad_hoc("a; b -> c"))


def test_a_worker_selects_what_is_performed_until_nothing_is_left(engine):
    story = Story.start(engine, TWO_PATHS)
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 ah STARTED | J: 1 SELECT_ACTIVITIES@3 DUE")
    story.job_completes("ah", activities=("a", "b"))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 ah STARTED; 4 a STARTED ^3; 5 b STARTED ^3 "
        "| J: 1 SELECT_ACTIVITIES@3 DONE; 2 EXECUTE@4 DUE; 3 EXECUTE@5 DUE"
    )
    story.job_completes("b")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 ah STARTED; 4 a STARTED ^3; 5 b COMPLETED ^3; 6 c CREATED ^3 "
        "| J: 1 SELECT_ACTIVITIES@3 DONE; 2 EXECUTE@4 DUE; 3 EXECUTE@5 DONE; 4 SELECT_ACTIVITIES@3 DUE"
    )
    story.job_completes("ah", activities=("c",)).job_completes("c").job_completes("a")
    story.job_completes("ah").is_completed()
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 ah COMPLETED; 4 a COMPLETED ^3; 5 b COMPLETED ^3; "
        "6 c COMPLETED ^3; 7 e COMPLETED"
    )


def test_a_condition_that_the_engine_evaluates(engine):
    model = flow("s -> ah -> e", ah=ad_hoc("a; b", sequential=True, condition="enough == true"))
    story = Story.start(engine, model, definitions={"expressions": "ENGINE"})
    story.job_fails("ah", "activities of ah are performed one after the other", activities=("a", "b"))
    story.incident_is_resolved().job_completes("ah", activities=("a",))
    story.job_completes("a", process_variables=variables(enough=FALSE))
    story.job_fails("ah", "expected activities to start")
    story.incident_is_resolved().job_completes("ah", activities=("b",))
    story.job_completes("b", process_variables=variables(enough=TRUE)).is_completed()
    assert story.jobs() == []


def test_a_selection_of_what_is_not_enabled_is_an_incident(engine):
    story = Story.start(engine, TWO_PATHS)
    story.job_fails("ah", "activity c of ah is not enabled; enabled: a, b", activities=("c",))


def test_what_is_still_active_ends_with_it(engine):
    story = Story.start(engine, flow("s -> ah -> e", ah=ad_hoc("a; b -> c", condition="enough")))
    story.job_completes("ah", activities=("a", "b")).job_completes("b")
    story.job_completes("ah", condition_fulfilled=True)
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 ah COMPLETED; 4 a TERMINATED ^3; 5 b COMPLETED ^3; "
        "6 c TERMINATED ^3; 7 e COMPLETED"
    )


def test_what_is_still_active_goes_on_if_the_model_says_so(engine):
    story = Story.start(engine, flow("s -> ah -> e", ah=ad_hoc("a; b -> c", condition="enough", cancels=False)))
    story.job_completes("ah", activities=("a", "b")).job_completes("b")
    story.job_completes("ah", condition_fulfilled=True).waits_at("a")
    story.job_completes("a").is_completed()


def test_suspended_and_resumed(engine):
    story = Story.start(engine, TWO_PATHS)
    story.suspends().job_completes("ah", activities=("a", "b"))
    story.shows("SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 ah SUSPENDED; 4 a SUSPENDED ^3; 5 b SUSPENDED ^3")
    story.resumes().job_completes("b").waits_at("a", "c")
    story.suspends().job_completes("ah", activities=("c",))
    story.shows(
        "SUSPENDED | EI: 1 p SUSPENDED; 2 s COMPLETED; 3 ah SUSPENDED; 4 a STARTED ^3; 5 b COMPLETED ^3; "
        "6 c SUSPENDED ^3"
    )
    story.resumes().job_completes("a").job_completes("c").job_completes("ah").is_completed()


def test_canceled(engine):
    story = Story.start(engine, TWO_PATHS)
    story.job_completes("ah", activities=("b",)).job_completes("b").cancels()
    story.shows("CANCELED | EI: 1 p CANCELED; 2 s COMPLETED; 3 ah CANCELED; 4 b COMPLETED ^3; 5 c CANCELED ^3")
    assert [job.detached for job in story.jobs()] == [True]


def test_a_boundary_event_leaves_nothing_open(engine):
    story = Story.start(engine, flow("s -> ah -> e; late -> x", ah=ad_hoc("a; b"), late=boundary("ah", "timer:PT1H")))
    story.job_completes("ah", activities=("a",))
    story.clock_advances(hours=1).task_runs("late").is_completed()
    assert [job.detached for job in story.jobs()] == [True]


def test_many_activities_that_are_not_loaded_together(engine):
    story = Story.start(engine, flow("s -> ah -> e", ah=ad_hoc("a -> b; m", m=multi(cardinality="12"))))
    story.job_completes("ah", activities=("m", "a")).job_completes("a")
    story.job_completes("ah", activities=("b",)).job_completes("b")
    for _ in range(12):
        story.job_completes("m")
    story.job_completes("ah").is_completed()
