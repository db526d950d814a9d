"""Event-based gateways that start a process."""

import pytest

from app.engine.needs import BufferedMessage
from app.engine.records import Message
from app.engine.types import InstanceState
from tests.flow import boundary, catch, event_sub, receive, start, starting
from tests.walk import NOW, Facts, Walk

M1, M2 = catch("message:m1"), catch("message:m2")


def begun_by(id: str, *, parallel: bool = True, **fields) -> Walk:
    kinds = {"m1": M1, "m2": M2, **fields.pop("kinds", {})}
    text = "g -> m1, m2; m1 -> a -> e; m2 -> b -> e"
    return Walk(text, start=id, correlation_key="k", g=starting(parallel=parallel), **kinds, **fields)


def subscriptions(walk: Walk) -> list[tuple[str, str]]:
    return [(each.name, each.correlation_key) for each in walk.records.subscriptions]


def test_the_others_behind_a_parallel_gateway_wait_for_the_same_key():
    walk = begun_by("m1")
    assert walk.trace == "1 p STARTED; 2 g COMPLETED; 3 m1 COMPLETED; 4 m2 STARTED; 5 a STARTED"
    assert subscriptions(walk) == [("m2", "k")]
    walk.happens("m2")
    assert walk.waiting_at == ["a", "b"]
    walk.job("a").done()
    assert walk.instance.state == "STARTED"
    walk.job("b").done()
    assert walk.instance.state == "COMPLETED"


def test_only_the_first_happens_behind_an_exclusive_gateway():
    walk = begun_by("m2", parallel=False)
    assert walk.trace == "1 p STARTED; 2 g COMPLETED; 3 m2 COMPLETED; 4 b STARTED"
    assert subscriptions(walk) == []


@pytest.mark.parametrize("event", ["signal:s", "timer:PT1H"])
def test_other_events_start_it_behind_an_exclusive_gateway(event: str):
    walk = begun_by("m2", parallel=False, kinds={"m2": catch(event)})
    assert walk.waiting_at == ["b"]


def test_receive_tasks_behind_it_are_events():
    kinds = {"m1": receive("m1"), "m2": receive("m2")}
    walk = begun_by("m1", kinds=kinds)
    assert walk.trace == "1 p STARTED; 2 g COMPLETED; 3 m1 COMPLETED; 4 m2 STARTED; 5 a STARTED"
    walk.happens("m2")
    assert walk.waiting_at == ["a", "b"]
    assert begun_by("m2", parallel=False, kinds=kinds).waiting_at == ["b"]


def test_one_that_had_to_queue_up_begins_behind_the_event_that_has_happened():
    walk = begun_by("m2", state=InstanceState.QUEUED)
    assert walk.trace == "1 p QUEUED; 2 g QUEUED"
    walk.dequeue()
    assert walk.trace == "1 p STARTED; 2 g COMPLETED; 3 m1 STARTED; 4 m2 COMPLETED; 5 b STARTED"


def test_it_begins_when_the_starts_of_its_event_sub_processes_are_defined():
    handler = event_sub("ms -> h -> me", ms=start("message:x", interrupting=False))
    walk = Walk(
        "g -> m1, m2; m1 -> a -> e; m2 -> b -> e; sp",
        start="m1",
        correlation_key="k",
        g=starting(),
        m1=M1,
        m2=M2,
        sp=handler,
    )
    assert walk.token("g").state == "CREATED"
    walk.job("ms").done(message_correlation_key="k")
    assert walk.waiting_at == ["a"]


def test_a_message_that_was_sent_before_is_taken(monkeypatch):
    message = Message(id=7, name="m2", correlation_key="k", created_at=NOW, created_by="w", expires_at=NOW)
    monkeypatch.setattr("tests.walk.Facts", lambda: Facts(buffered=message))
    walk = begun_by("m1")
    assert message.correlated
    assert walk.tasks_run() == ["DONE"]
    assert walk.waiting_at == ["a", "b"]


def test_what_it_waits_for_is_looked_for_under_its_own_name():
    wanted = []

    class Noting(Facts):
        def __getitem__(self, need):
            wanted.append(need)
            return super().__getitem__(need)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.walk.Facts", Noting)
        begun_by("m2")
    assert wanted == [BufferedMessage("m1", "k")]


def test_what_waits_ends_with_the_instance():
    walk = begun_by("m1")
    walk.end(InstanceState.CANCELED)
    assert walk.trace.startswith("1 p CANCELED; 2 g COMPLETED; 3 m1 COMPLETED; 4 m2 CANCELED")
    assert subscriptions(walk) == []


def test_a_suspended_instance_takes_the_message_and_goes_on_when_it_is_resumed():
    walk = begun_by("m1")
    walk.suspend()
    walk.happens("m2")
    assert walk.token("b").state == "SUSPENDED"
    walk.resume()
    assert walk.waiting_at == ["a", "b"]


def test_a_boundary_event_of_what_follows():
    walk = Walk(
        "g -> m1, m2; m1 -> a -> e; m2 -> b -> e; t -> x",
        start="m1",
        correlation_key="k",
        g=starting(parallel=True),
        m1=M1,
        m2=M2,
        t=boundary("a", "timer:PT1H"),
    )
    walk.task("t").run()
    assert walk.waiting_at == ["m2"]
