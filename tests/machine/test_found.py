"""What went wrong once, as small as it can be; the player checks all invariants after each step."""

from __future__ import annotations

import json

import pytest

from tests.machine.picture import HEAD, Model
from tests.machine.player import Player, World

WAITS_FOR_A_SIGNAL = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="wait"/>
<intermediateCatchEvent id="wait"><signalEventDefinition signalRef="signal-s1"/></intermediateCatchEvent>
"""
THROWS_A_SIGNAL = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="throw"/>
<intermediateThrowEvent id="throw"><signalEventDefinition signalRef="signal-s1"/></intermediateThrowEvent>
<sequenceFlow id="f2" sourceRef="throw" targetRef="next"/>
"""
RETRIED = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="work"/><serviceTask id="work"/>
<boundaryEvent id="late" attachedToRef="work">
<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>
"""
PAST_CYCLE = {"timers": [{"bpmnElementId": "next", "timer": {"timeCycle": "0 0 1 1 * 2020"}}]}


@pytest.fixture
def player(world: World) -> Player:
    return world.play(maintenance=False)


def start(player: Player, process_id: str, body: str, definitions: dict | None = None) -> None:
    xml = f'{HEAD}<process id="{process_id}" isExecutable="true">{body}</process></definitions>'
    player.deploy(Model(process_id, xml, json.dumps(definitions or {}), False), 0)
    player.start(len(player.tables["process"]) - 1, 0)


def states(player: Player, process_id: str) -> list[str]:
    return [row["state"] for row in player.tables["process_instance"] if row["bpmn_process_id"] == process_id]


def test_a_signal_thrown_right_before_a_terminate_end_event_reaches_its_subscribers(player):
    """The walk starts again there, with the whole instance; the subscriptions it took the first time were lost."""
    start(player, "p1", WAITS_FOR_A_SIGNAL)
    terminate = '<endEvent id="next"><terminateEventDefinition/></endEvent>'
    start(player, "p2", THROWS_A_SIGNAL + terminate)
    player.execute(100, "", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == states(player, "p2") == ["COMPLETED"]


def test_a_signal_whose_throwing_fails_leaves_its_subscribers_waiting(player):
    start(player, "p1", WAITS_FOR_A_SIGNAL)
    timer = '<intermediateCatchEvent id="next"><timerEventDefinition/></intermediateCatchEvent>'
    start(player, "p2", THROWS_A_SIGNAL + timer, PAST_CYCLE)
    answer = player.call("POST", "/tasks/execute", {"limit": 100})
    assert [task["state"] for task in answer["completedTasks"]] == ["CAUSED_INCIDENT"]
    player.send_signal("s1", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["COMPLETED"]


CALLS_ITSELF = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="call"/>
<callActivity id="call" calledElement="p1"/>
"""


def call_itself(player: Player, parallelism: int, *, more: int) -> None:
    """Instance 1 calls instance 2, both of p1; `more` instances are started after that."""
    xml = f'{HEAD}<process id="p1" isExecutable="true">{CALLS_ITSELF}</process></definitions>'
    player.deploy(Model("p1", xml, "{}", True), parallelism)
    player.start(0, 0)
    [job] = player.call("POST", "/jobs/lock", {"workerId": "w"})["jobs"]
    player.call("PATCH", f"/jobs/{job['partition']}/{job['id']}/complete", {"workerId": "w"})
    for _ in range(more):
        player.start(0, 0)


def test_every_slot_of_a_canceled_tree_goes_to_another_instance(player):
    """All of them went to the same one."""
    call_itself(player, 2, more=3)
    assert states(player, "p1") == ["STARTED", "STARTED", "QUEUED", "QUEUED", "QUEUED"]
    player.steer("cancel", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["CANCELED", "CANCELED", "STARTED", "STARTED", "QUEUED"]


def test_a_tree_gives_all_its_slots_away_however_many_these_are(player, monkeypatch):
    monkeypatch.setattr("app.commands.queue.DEQUEUED_AT_ONCE", 1)
    call_itself(player, 2, more=3)
    player.steer("cancel", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["CANCELED", "CANCELED", "STARTED", "STARTED", "QUEUED"]


def test_the_slot_of_a_canceled_caller_does_not_go_to_what_is_canceled_with_it(player):
    call_itself(player, 1, more=1)
    assert states(player, "p1") == ["STARTED", "QUEUED", "QUEUED"]
    player.steer("cancel", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["CANCELED", "CANCELED", "STARTED"]


def test_slots_are_not_given_away_beyond_a_lowered_limit(player):
    call_itself(player, 3, more=2)
    xml = f'{HEAD}<process id="p1" isExecutable="true">{CALLS_ITSELF} </process></definitions>'
    player.deploy(Model("p1", xml, "{}", True), 2)
    player.start(0, 0)
    assert states(player, "p1") == ["STARTED", "STARTED", "STARTED", "QUEUED", "QUEUED"]
    player.steer("cancel", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["CANCELED", "CANCELED", "STARTED", "STARTED", "QUEUED"]


def test_a_look_right_before_a_job_is_due_shows_that_it_is_not_yet(world):
    """Each call takes a millisecond, so one of these looks comes at that time."""
    xml = f'{HEAD}<process id="p1" isExecutable="true">{RETRIED}</process></definitions>'
    for calls in range(12):
        player = world.play(maintenance=False)
        player.deploy(Model("p1", xml, "{}", True), 0)
        player.start(0, 0)
        for _ in range(calls):
            player.unlock_tasks()
        [job] = player.call("POST", "/jobs/lock", {"workerId": "w"})["jobs"]
        failure = {"workerId": "w", "error": "broken", "retryLimit": 1, "retryTimer": "PT1H"}
        player.call("PATCH", f"/jobs/{job['partition']}/{job['id']}/complete", failure)
        player.happen(0)
        player.look()


EITHER = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="work"/><serviceTask id="work"/>
<boundaryEvent id="either" attachedToRef="work" cancelActivity="{}"><signalEventDefinition signalRef="signal-s1"/>
<timerEventDefinition><timeDuration>P9D</timeDuration></timerEventDefinition></boundaryEvent>
<sequenceFlow id="f2" sourceRef="either" targetRef="maybe"><conditionExpression>a</conditionExpression></sequenceFlow>
<sequenceFlow id="f3" sourceRef="either" targetRef="end"/><task id="maybe"/><endEvent id="end"/>
"""


@pytest.mark.parametrize("interrupts", [True, False], ids=["interrupting", "going on"])
def test_an_event_whose_flows_are_decided_waits_for_nothing_else_any_more(player, interrupts):
    """Its time either comes no more, or is that of the one that waits in its place."""
    start(player, "p1", EITHER.format(str(interrupts).lower()))
    player.send_signal("s1", 0)
    player.execute(100, "", 0)
    decided = [row["element_instance_id"] for row in player.tables["job"] if row["type"] == "EVALUATE_OUTGOING_FLOWS"]
    [timer] = [row for row in player.tables["task"] if row["completed_at"] is None]
    assert timer["detached"] is interrupts
    assert ([timer["element_instance_id"]] == decided) is interrupts
    assert len(player.tables["signal_subscription"]) == (0 if interrupts else 1)


RACE = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="race"/><eventBasedGateway id="race"/>
<sequenceFlow id="f2" sourceRef="race" targetRef="known"/>
<intermediateCatchEvent id="known">{}</intermediateCatchEvent>
<sequenceFlow id="f3" sourceRef="race" targetRef="asked"/>
<intermediateCatchEvent id="asked"><signalEventDefinition/></intermediateCatchEvent>
"""
KNOWN = '<messageEventDefinition messageRef="message-m1" xmlns:own="urn:py-bpmn" own:correlationKey="k1"/>'


@pytest.mark.parametrize("other", ["", '<signalEventDefinition signalRef="signal-s1"/>'], ids=["alone", "of several"])
def test_a_message_that_was_there_keeps_the_events_pending_until_it_has_happened(player, other):
    """Nobody has to say which one it is, so there is no job of the event either."""
    player.send_message("m1", "k1", "", "PT1H", 0)
    xml = f'{HEAD}<process id="p1" isExecutable="true">{RACE.format(KNOWN + other)}</process></definitions>'
    player.deploy(Model("p1", xml, "{}", False, evaluates=True), 0)
    player.start(0, 0)
    player.look_inside()
    player.work(100, "right", 0)
    player.execute(100, "", 0)
    assert states(player, "p1") == ["COMPLETED"]
