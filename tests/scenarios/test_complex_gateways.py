"""Complex gateways."""

from app.commands.base import Data
from tests.flow import END, PARALLEL, complex_gateway, flow
from tests.story import Story

NUMBER = Data(encoding="json", value="1")
ENGINE = {"expressions": "ENGINE"}


def model(condition: str = "activationCount >= 1") -> str:
    return flow("s -> f -> a, b -> g -> t -> e", f=PARALLEL, g=complex_gateway(condition))


def test_a_discriminator(engine):
    story = Story.start(engine, model(), definitions=ENGINE)
    story.job_completes("a")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 f COMPLETED; 4 a COMPLETED; 5 b STARTED; 6 g STARTED; 7 t STARTED"
    )
    story.job_completes("b")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 f COMPLETED; 4 a COMPLETED; 5 b COMPLETED; 6 g COMPLETED; "
        "7 t STARTED; 8 g COMPLETED"
    )
    story.job_completes("t").is_completed()


def test_a_worker_decides_where_one_goes_on_that_diverges(engine):
    kinds = dict.fromkeys(("a", "b", "d"), END)
    story = Story.start(engine, flow("s -> g -> a, b, d", g=complex_gateway(default="d"), **kinds))
    story.shows("STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 g STARTED | J: 1 EVALUATE_COMPLEX_GATEWAY@3 DUE")
    other = story.again()
    story.job_completes("g", inclusive_gateway_decision=("a", "b"))
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 g COMPLETED; 7 a COMPLETED; 8 b COMPLETED")
    other.job_completes("g").is_completed()
    assert [str(visit.state) for visit in other.visits("d")] == ["COMPLETED"]


def test_a_worker_decides_when_it_is_activated(engine):
    story = Story.start(engine, model("enough"))
    story.job_completes("a").job_fails("g", "expected whether the condition is fulfilled")
    story.incident_is_resolved().job_completes("g", condition_fulfilled=False)
    story.waits_at("b", "g").job_completes("b")
    story.job_completes("g", condition_fulfilled=True).waits_at("t")
    story.job_completes("t").is_completed()
    assert story.jobs() == []


def test_jobs_about_tokens_that_were_taken_are_detached(engine):
    story = Story.start(engine, model("enough"))
    story.job_completes("a").job_completes("b")
    story.job_completes("g", condition_fulfilled=True)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 f COMPLETED; 4 a COMPLETED; 5 b COMPLETED; 6 g COMPLETED; "
        "7 g COMPLETED; 8 t STARTED"
    )
    assert [job.detached for job in story.jobs("g")] == [True]


def test_a_condition_that_fails_is_evaluated_again(engine):
    story = Story.start(engine, model("activationCount >= needed"), definitions=ENGINE)
    story.job_completes("a").waits_at("b", "g")
    story.sets(needed=NUMBER).incident_is_resolved().tasks_run("DONE").waits_at("b", "g", "t")


def test_it_is_reset_when_the_instance_is_resumed(engine):
    story = Story.start(engine, model(), definitions=ENGINE)
    story.job_completes("a").suspends().job_completes("b").waits_at("g", "t", "g")
    story.resumes().waits_at("t").job_completes("t").is_completed()


def test_one_of_many_tokens_that_are_not_loaded_together(engine):
    branches = ", ".join(f"a{number}" for number in range(12))
    text = f"s -> f -> {branches} -> g -> t -> e"
    gateway = complex_gateway("activationCount == 3")
    story = Story.start(engine, flow(text, f=PARALLEL, g=gateway), definitions=ENGINE)
    for number in range(12):
        story.job_completes(f"a{number}")
    story.waits_at("t").job_completes("t").is_completed()
