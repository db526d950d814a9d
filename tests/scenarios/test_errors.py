"""Error events: boundary events of activities and sub-processes, and error end events."""

from app.timer import Timer
from tests.flow import PARALLEL, SERVICE, USER, boundary, end, flow, sub
from tests.story import Story

NOT_CAUGHT = "EXECUTION: failed to throw BPMN error: failed to find boundary event for error code Y"


def test_a_task_waits_until_its_boundary_events_are_defined_and_one_of_them_catches(engine):
    model = flow("s -> t -> e; be -> ee; bt -> et", be=boundary("t", "error"), bt=boundary("t", "timer"))
    story = Story.start(engine, model)
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t CREATED; 4 be CREATED; 5 bt CREATED "
        "| J: 1 SET_ERROR_CODE@4 DUE; 2 SET_TIMER@5 DUE"
    )
    story.job_completes("be", error_code="X").job_completes("bt", timer=Timer(time_duration="PT1H"))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 t STARTED; 4 be CREATED; 5 bt CREATED "
        "| J: 1 SET_ERROR_CODE@4 DONE; 2 SET_TIMER@5 DONE; 3 EXECUTE@3 DUE | T: 1 TRIGGER_EVENT@5 CREATED"
    )
    story.job_fails("t", NOT_CAUGHT, error_code="Y")
    story.incident_is_resolved().job_completes("t", error_code="X")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 be COMPLETED; 5 bt TERMINATED; "
        f'6 ee COMPLETED | J: 1 SET_ERROR_CODE@4 DONE; 2 SET_TIMER@5 DONE; 3 EXECUTE@3 CAUSED_INCIDENT "{NOT_CAUGHT}"; '
        "4 EXECUTE@3 DONE | T: 1 TRIGGER_EVENT@5 CREATED"
    )
    story.clock_advances(hours=2).tasks_run("CANCELED")


def test_an_error_end_event_interrupts_its_sub_process(engine):
    inner = sub("s2 -> f -> t, ee", f=PARALLEL, t=SERVICE, ee=end("error:X"))
    story = Story.start(engine, flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "error:X")))
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp STARTED; 4 b CREATED; 5 s2 COMPLETED ^3; 6 f COMPLETED ^3; "
        "7 t STARTED ^3; 8 ee STARTED ^3 | J: 1 EXECUTE@7 DUE | T: 1 TRIGGER_EVENT@8 DUE"
    )
    story.tasks_run("DONE")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED by w; 2 s COMPLETED by w; 3 sp TERMINATED by w; 4 b COMPLETED by w; "
        "5 s2 COMPLETED ^3 by w; 6 f COMPLETED ^3 by w; 7 t TERMINATED ^3 by w; 8 ee COMPLETED ^3 by w; "
        "9 eb COMPLETED by default-engine | J: 1 EXECUTE@7 DUE by w | T: 1 TRIGGER_EVENT@8 DONE by w"
    )
    story.job_completes("t", becomes="CANCELED")


def test_an_error_from_a_job_in_a_sub_process_takes_only_the_boundary_flow(engine):
    inner = sub("s2 -> f -> t, o -> e2", f=PARALLEL)
    story = Story.start(engine, flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "error:X")))
    story.job_completes("t", error_code="X")
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; "
        "6 f COMPLETED ^3; 7 t TERMINATED ^3; 8 o TERMINATED ^3; 9 eb COMPLETED"
    )


def test_an_error_from_a_user_task_in_a_sub_process_takes_only_the_boundary_flow(engine):
    inner = sub("s2 -> u -> e2", u=USER)
    story = Story.start(engine, flow("s -> sp -> e; b -> eb", sp=inner, b=boundary("sp", "error:X")))
    assert story.user_task_updates(error_code="X").state == "TERMINATED"
    story.shows(
        "COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 sp TERMINATED; 4 b COMPLETED; 5 s2 COMPLETED ^3; "
        "6 u TERMINATED ^3; 7 eb COMPLETED"
    )


def test_an_equal_code_beats_an_event_for_every_code(engine):
    model = flow("s -> t -> e; b1 -> e1; b2 -> e2", b1=boundary("t", "error:"), b2=boundary("t", "error:X"))
    story = Story.start(engine, model)
    story.job_completes("t", error_code="X")
    assert [visit.bpmn_element_id for visit in story.visits()][-1] == "e2"
    story = story.again()
    story.job_completes("t", error_code="other")
    assert [visit.bpmn_element_id for visit in story.visits()][-1] == "e1"


def test_an_interrupting_event_without_a_flow_ends_the_instance(engine):
    story = Story.start(engine, flow("s -> t -> e; b", b=boundary("t", "error:X")))
    story.job_completes("t", error_code="X")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 t TERMINATED; 4 b COMPLETED")


def test_an_interrupting_event_without_a_flow_ends_a_sub_process_once(engine):
    inner = sub("s2 -> t; b", t=SERVICE, b=boundary("t", "timer:PT1H"))
    story = Story.start(engine, flow("s -> sp -> n -> e", sp=inner))
    story.clock_advances(hours=1).task_runs("b")
    story.shows(
        "STARTED | EI: 1 p STARTED; 2 s COMPLETED; 3 sp COMPLETED; 4 s2 COMPLETED ^3; 5 t TERMINATED ^3; "
        "6 b COMPLETED ^3; 7 n STARTED"
    )
    story.job_completes("n").is_completed()


def test_an_error_end_event_that_nobody_catches_is_like_any_other(engine):
    story = Story.start(engine, flow("s -> ee", ee=end("error:X")))
    story.tasks_run("DONE")
    story.shows("COMPLETED | EI: 1 p COMPLETED; 2 s COMPLETED; 3 ee COMPLETED")


def test_a_worker_names_the_code_of_an_error_end_event(engine):
    story = Story.start(engine, flow("s -> ee", ee=end("error")))
    story.job_fails("ee", "expected an error code")
    story.incident_is_resolved().job_completes("ee", error_code="X").tasks_run("DONE").is_completed()


def test_both_an_error_and_an_escalation_is_an_incident(engine):
    story = Story.start(engine, flow("s -> t -> e; b -> eb", b=boundary("t", "error:")))
    story.job_fails("t", "expected error code or escalation code to be set", error_code="X", escalation_code="X")
