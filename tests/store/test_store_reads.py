"""What a command reads is bounded by the scope and the joins of its element, not by the size of the instance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.clock import ManualClock
from app.engine.completion import Completion
from app.service import Service
from tests.store import play
from tests.store.counting import counted_answers
from tests.store.play import edges, model

FEW, MANY = 10, 300

TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
CHOICE = '<exclusiveGateway id="choice"/>'
INSIDE = '<startEvent id="start2"/><serviceTask id="a"/><endEvent id="end2"/>'
INSIDE += edges("start2 -> a -> end2", prefix="s")


def branches(count: int) -> str:
    return play.wide(count)


def branches_in_a_sub_process(count: int) -> str:
    paths = ["start2 -> fork", *(f"fork -> a{n} -> end2" for n in range(count))]
    tasks = "".join(f'<serviceTask id="a{n}"/>' for n in range(count))
    inside = f'<startEvent id="start2"/><parallelGateway id="fork"/>{tasks}<endEvent id="end2"/>'
    return model("start -> sub -> end", body=f'<subProcess id="sub">{inside}{edges(*paths, prefix="s")}</subProcess>')


def visits_of_a_sub_process(count: int) -> str:
    return model("start -> fork", *["fork -> sub"] * count, body=f'<subProcess id="sub">{INSIDE}</subProcess>')


def boundary_events(count: int) -> str:
    """As many service tasks that each have a timer."""
    events = "".join(f'<boundaryEvent id="late{n}" attachedToRef="a{n}">{TIMER}</boundaryEvent>' for n in range(count))
    return model(
        "start -> fork",
        *(f"fork -> a{n} -> end" for n in range(count)),
        *(f"late{n} -> end" for n in range(count)),
        body=events,
    )


MODELS = [branches, branches_in_a_sub_process, visits_of_a_sub_process, boundary_events]


@pytest.mark.parametrize("xml", MODELS, ids=lambda xml: xml.__name__)
def test_a_completion_reads_as_much_in_a_large_instance_as_in_a_small_one(
    service: Service, monkeypatch: pytest.MonkeyPatch, xml: Callable[[int], str]
):
    answers = counted_answers(monkeypatch)
    read = []
    for count in (FEW, MANY):
        jobs = play.lock_of(service, play.begin(service, xml(count)))
        assert len(jobs) == count
        play.complete(service, jobs[0])
        answers.rows.clear()
        play.complete(service, jobs[1])
        read.append(answers.total)
    assert read[0] == read[1] <= 10


def test_a_loop_reads_as_much_in_its_last_round_as_in_its_first(service: Service, monkeypatch: pytest.MonkeyPatch):
    answers = counted_answers(monkeypatch)
    instance = play.begin(service, model("start -> choice", "choice -> a -> choice", "choice -> end", body=CHOICE))
    read = []
    for _ in range(20):
        play.work(service, instance, exclusive_gateway_decision="a")
        (job,) = play.lock_of(service, instance)
        answers.rows.clear()
        play.complete(service, job)
        read.append(answers.total)
    assert set(read) == {read[0]}


def test_a_join_reads_what_has_arrived_at_it_and_not_what_runs_beside_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    answers = counted_answers(monkeypatch)
    read = []
    for count in (FEW, MANY):
        play.run_joins(service)
        beside = [f"fork -> a{n} -> end" for n in range(count)]
        xml = model("start -> fork -> x -> join -> end2", "fork -> y -> join", *beside)
        instance = play.begin(service, xml)
        for job in play.lock_of(service, instance):
            if job.bpmn_element_id in ("x", "y"):
                play.complete(service, job)
        answers.rows.clear()
        assert len(play.run_joins(service, limit=1)) == 1
        read.append(answers.total)
    assert read[0] == read[1] <= 10


def test_an_event_does_not_read_the_others_that_came_from_the_same_fork(
    service: Service, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
):
    answers = counted_answers(monkeypatch)
    read = []
    for count in (FEW, MANY):
        play.run_events(service)
        catches = "".join(f'<intermediateCatchEvent id="c{n}">{TIMER}</intermediateCatchEvent>' for n in range(count))
        xml = model("start -> fork", *(f"fork -> c{n} -> end" for n in range(count)), body=catches)
        play.begin(service, xml)
        clock.advance(timedelta(hours=1))
        answers.rows.clear()
        assert len(play.run_events(service, limit=1)) == 1
        read.append(answers.total)
    assert read[0] == read[1] <= 10


def test_a_variable_of_a_scope_is_found_without_reading_its_other_element_instances(
    service: Service, monkeypatch: pytest.MonkeyPatch
):
    answers = counted_answers(monkeypatch)
    read = []
    for count in (FEW, MANY):
        instance = play.begin(service, branches_in_a_sub_process(count))
        job = play.lock_of(service, instance)[0]
        answers.rows.clear()
        play.complete(
            service,
            job,
            completion=Completion(),
            element_variables=play.variables(x="1"),
            process_variables=play.variables(y="1"),
        )
        read.append(answers.total)
    assert read[0] == read[1] <= 10
