"""Throw and end events with several definitions."""

import pytest

from app.engine.types import InstanceState, WorkState
from tests.flow import boundary, event_sub, several, start, sub
from tests.walk import Walk

THROW, END = "intermediateThrowEvent", "endEvent"
ALL = ("signal:g", "escalation:E", "signal:h", "escalation:F")


def thrown(walk: Walk, id: str = "t") -> list[str]:
    """Signals that its task throws."""
    found: list[str] = []
    take = walk.records.take

    def noting(changes):
        found.extend(each.name for each in changes.thrown)
        take(changes)

    walk.records.take = noting
    walk.task(id).run()
    walk.records.take = take
    return found


def reached(walk: Walk, id: str) -> int:
    return sum(token.node.id == id for token in walk.tokens)


def caught(tag: str, *, interrupting: bool) -> Walk:
    text = "is -> t -> w -> ie" if tag == THROW else "is -> t"
    kinds = {"t": several(tag, *ALL)}
    return Walk(
        "s -> sp -> e; b -> x; c -> y",
        sp=sub(text, **kinds),
        b=boundary("sp", "escalation:E", interrupting=interrupting),
        c=boundary("sp", "escalation:F", interrupting=False),
    )


@pytest.mark.parametrize("tag", [THROW, END])
def test_all_of_them_are_thrown_by_one_task(tag):
    walk = caught(tag, interrupting=False)
    assert len(walk.tasks()) == 1
    assert thrown(walk) == ["g", "h"]
    assert (reached(walk, "x"), reached(walk, "y"), str(walk.token("t").state)) == (1, 1, "COMPLETED")
    assert walk.waiting_at == (["w"] if tag == THROW else [])


@pytest.mark.parametrize("tag", [THROW, END])
def test_one_that_interrupts_does_not_go_on(tag):
    walk = caught(tag, interrupting=True)
    assert thrown(walk) == ["g", "h"]
    assert (reached(walk, "x"), reached(walk, "y"), reached(walk, "w"), reached(walk, "e")) == (1, 0, 0, 0)
    assert str(walk.token("t").state) == "COMPLETED"
    assert walk.instance.state == "COMPLETED"


def test_nothing_has_to_catch_them():
    walk = Walk("s -> t -> e", t=several(THROW, *ALL))
    assert thrown(walk) == ["g", "h"]
    assert walk.instance.state == "COMPLETED"


def test_an_event_sub_process_that_interrupts_takes_over():
    handler = event_sub("hs -> h -> he", hs=start("escalation:E"))
    walk = Walk("s -> t -> e; handler", t=several(THROW, *ALL), handler=handler)
    assert thrown(walk) == ["g", "h"]
    assert walk.waiting_at == ["h"]


def test_names_that_the_engine_evaluates():
    walk = Walk("s -> t -> e", t=several(THROW, "signal:${name}", "escalation:E"), evaluates=True, given={"name": "n"})
    assert thrown(walk) == ["n"]
    assert walk.instance.state == "COMPLETED"


def test_a_name_that_fails_waits_for_an_operator_and_nothing_is_thrown():
    walk = Walk("s -> t -> e", t=several(THROW, "signal:g", "signal:${name}"), evaluates=True)
    assert thrown(walk) == []
    (incident,) = walk.records.incidents
    assert incident.task.serialized_task == '{"Expression":"signalName"}'
    walk.set(name="n")
    assert walk.resolved().run() is WorkState.DONE
    assert walk.instance.state == "COMPLETED"


def test_what_follows_waits_in_a_suspended_instance():
    walk = Walk("s -> t -> w -> e", t=several(THROW, *ALL))
    walk.suspend()
    walk.task("t").run()
    assert str(walk.token("w").state) == "SUSPENDED"
    walk.resume()
    assert walk.waiting_at == ["w"]


def test_it_is_cancelled():
    walk = Walk("s -> t -> e", t=several(THROW, *ALL))
    walk.end(InstanceState.CANCELED)
    assert walk.tasks_run() == ["CANCELED"]
