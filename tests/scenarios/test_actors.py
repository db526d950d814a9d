"""Who is named as the author of what the engine creates by itself."""

import pytest

from app.timer import Timer
from tests.flow import boundary, flow
from tests.story import Story, advance, send, signal

MODEL = flow(
    "s -> t -> e; bm -> em; bs -> es; bt -> et",
    bm=boundary("t", "message"),
    bs=boundary("t", "signal:g"),
    bt=boundary("t", "timer"),
)
HOUR = {"timers": {"bt": Timer(time_duration="PT1H")}}


def by_worker(story: Story) -> None:
    story.job_completes("t", worker="alice")


def by_cancel(story: Story) -> None:
    story.cancels()


def by_message(story: Story) -> None:
    send(story.service, worker="bob")
    story.tasks_run("DONE")


def by_signal(story: Story) -> None:
    signal(story.service, worker="carol")
    story.tasks_run("DONE")


def by_timer(story: Story) -> None:
    advance(story.service, hours=1)
    story.tasks_run("DONE")


@pytest.mark.parametrize(
    ("ends", "actor"),
    [
        (by_worker, "alice"),
        (by_cancel, "op"),
        (by_message, "bob"),
        (by_signal, "carol"),
        (by_timer, "default-engine"),
    ],
)
def test_who_ends_an_instance_is_the_author_of_the_task_that_starts_the_next_one(engine, ends, actor):
    story = Story.start(engine, MODEL, parallelism=1, definitions=HOUR)
    story.job_completes("bm", message_name="m", message_correlation_key="k")
    following = story.again()
    assert following.state == "QUEUED"
    ends(story)
    assert story.instance.ended_at
    (task,) = following.tasks()
    assert (task.type, task.created_by) == ("START_PROCESS_INSTANCE", actor)


def test_who_sends_what_goes_on_is_the_author_of_a_renewed_subscription(engine):
    model = flow("s -> t -> e; b -> eb", b=boundary("t", "message", interrupting=False))
    story = Story.start(engine, model)
    story.job_completes("b", worker="alice", message_name="m", message_correlation_key="k")
    send(engine, worker="bob")
    story.tasks_run("DONE")
    assert [story.visit(id).created_by for id in ("t", "b", "eb")] == ["w", "bob", "bob"]
