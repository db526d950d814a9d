"""The checker itself: rows that are in order have no violations, and each way to spoil them has its name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Databases
from tests.machine.invariants import INVARIANTS, violations
from tests.machine.picture import HEAD, Model
from tests.machine.player import Player, World

BUSY = """
<startEvent id="start"/><sequenceFlow id="f0" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/>
<sequenceFlow id="f1" sourceRef="fork" targetRef="work"/>
<serviceTask id="work"/>
<boundaryEvent id="late" attachedToRef="work">
<timerEventDefinition><timeDuration>P9D</timeDuration></timerEventDefinition></boundaryEvent>
<sequenceFlow id="f2" sourceRef="fork" targetRef="person"/><userTask id="person"/>
<sequenceFlow id="f3" sourceRef="fork" targetRef="sub"/>
<subProcess id="sub"><startEvent id="inner"/><sequenceFlow id="f4" sourceRef="inner" targetRef="inside"/>
<serviceTask id="inside"/></subProcess>
<sequenceFlow id="f5" sourceRef="fork" targetRef="call"/><callActivity id="call" calledElement="p2"/>
<sequenceFlow id="f6" sourceRef="fork" targetRef="choice"/><eventBasedGateway id="choice"/>
<sequenceFlow id="f7" sourceRef="choice" targetRef="message"/>
<intermediateCatchEvent id="message"><messageEventDefinition messageRef="message-m1"/></intermediateCatchEvent>
<sequenceFlow id="f8" sourceRef="choice" targetRef="signal"/>
<intermediateCatchEvent id="signal"><signalEventDefinition signalRef="signal-s1"/></intermediateCatchEvent>
<sequenceFlow id="f9" sourceRef="fork" targetRef="other"/>
<intermediateCatchEvent id="other"><signalEventDefinition signalRef="signal-s2"/></intermediateCatchEvent>
<sequenceFlow id="f10" sourceRef="fork" targetRef="undefined"/>
<serviceTask id="undefined"/>
<boundaryEvent id="error" attachedToRef="undefined"><errorEventDefinition/></boundaryEvent>
<boundaryEvent id="aside" attachedToRef="sub" cancelActivity="false">
<signalEventDefinition signalRef="signal-s1"/></boundaryEvent>
"""
CALLED = """
<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="work"/>
<serviceTask id="work"/>
"""
JOIN = """
<startEvent id="start"/><sequenceFlow id="f0" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/>
<sequenceFlow id="f1" sourceRef="fork" targetRef="quick"/><task id="quick"/>
<sequenceFlow id="f2" sourceRef="fork" targetRef="slow"/><serviceTask id="slow"/>
<sequenceFlow id="f3" sourceRef="quick" targetRef="join"/>
<sequenceFlow id="f4" sourceRef="slow" targetRef="join"/>
<parallelGateway id="join"/>
<sequenceFlow id="f5" sourceRef="join" targetRef="end"/><endEvent id="end"/>
"""
UNDO = """
<startEvent id="start"/><sequenceFlow id="f0" sourceRef="start" targetRef="fork"/>
<parallelGateway id="fork"/>
<sequenceFlow id="f1" sourceRef="fork" targetRef="done"/><serviceTask id="done"/>
<boundaryEvent id="undone" attachedToRef="done"><compensateEventDefinition/></boundaryEvent>
<association id="a" sourceRef="undone" targetRef="undo"/><serviceTask id="undo" isForCompensation="true"/>
<sequenceFlow id="f2" sourceRef="done" targetRef="throw"/>
<intermediateThrowEvent id="throw"><compensateEventDefinition/></intermediateThrowEvent>
<sequenceFlow id="f3" sourceRef="fork" targetRef="many"/><serviceTask id="many" startQuantity="2"/>
<sequenceFlow id="f4" sourceRef="fork" targetRef="slow"/><serviceTask id="slow"/>
<sequenceFlow id="f5" sourceRef="fork" targetRef="join"/><sequenceFlow id="f6" sourceRef="slow" targetRef="join"/>
<complexGateway id="join"><activationCondition>activationCount &gt;= 2</activationCondition></complexGateway>
<sequenceFlow id="f7" sourceRef="fork" targetRef="choose"/>
<adHocSubProcess id="choose"><serviceTask id="chosen"/></adHocSubProcess>
<sequenceFlow id="f8" sourceRef="fork" targetRef="decided"/><userTask id="decided"/>
<sequenceFlow id="f9" sourceRef="decided" targetRef="yes"><conditionExpression>a</conditionExpression></sequenceFlow>
<sequenceFlow id="f10" sourceRef="decided" targetRef="no"/><task id="yes"/><task id="no"/>
<sequenceFlow id="f11" sourceRef="fork" targetRef="wait"/>
<intermediateCatchEvent id="wait"><conditionalEventDefinition><condition>a</condition></conditionalEventDefinition>
</intermediateCatchEvent>
<sequenceFlow id="f12" sourceRef="fork" targetRef="either"/>
<intermediateCatchEvent id="either"><signalEventDefinition signalRef="signal-s1"/>
<timerEventDefinition><timeDuration>P9D</timeDuration></timerEventDefinition></intermediateCatchEvent>
<sequenceFlow id="f13" sourceRef="fork" targetRef="over"/>
<intermediateCatchEvent id="over"><conditionalEventDefinition><condition>b</condition></conditionalEventDefinition>
<timerEventDefinition><timeDuration>P9D</timeDuration></timerEventDefinition></intermediateCatchEvent>
<sequenceFlow id="f14" sourceRef="over" targetRef="yes"><conditionExpression>a</conditionExpression></sequenceFlow>
<sequenceFlow id="f15" sourceRef="over" targetRef="no"/>
"""


def model(process_id: str, body: str) -> Model:
    return Model(
        process_id, f'{HEAD}<process id="{process_id}" isExecutable="true">{body}</process></definitions>', "{}", True
    )


def at(instance: int, bpmn_element_id: str) -> str:
    return f"process_instance_id = {instance} AND bpmn_element_id = '{bpmn_element_id}'"


def complete(player: Player, instance: int, bpmn_element_id: str, **body: object) -> None:
    job = next(
        row
        for row in player.tables["job"]
        if (row["process_instance_id"], row["bpmn_element_id"]) == (instance, bpmn_element_id)
    )
    player.call("POST", "/jobs/lock", {"partition": job["partition"], "id": job["id"], "workerId": "w1"})
    if body:
        path = f"/jobs/{job['partition']}/{job['id']}/complete"
        player.call("PATCH", path, {"workerId": "w1", **body})


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    with databases.fresh("sqlite") as url:
        world = World(url)
        yield world
        world.close()


@pytest.fixture(scope="module")
def player(world: World) -> Player:
    """Instances 1 (waits everywhere), 2 (called by it), 3 and 4 (active and queued), 5 and 6 (at a join), 7 (done).

    In instance 8 something is undone, and others wait for more; one of two things has happened, and is to be decided.
    """
    player = world.play()
    for process_id, body, parallelism in (
        ("p1", BUSY, 0),
        ("p2", CALLED, 0),
        ("p3", CALLED, 1),
        ("p4", JOIN, 0),
        ("p5", UNDO, 0),
    ):
        player.deploy(model(process_id, body), parallelism)
    player.start(0, 0)
    complete(player, 1, "call", completion={})
    for process in (2, 2, 3, 3, 1):
        player.start(process, 0)
    player.execute(100, "", 0)
    complete(player, 1, "message", completion={"messageCorrelationKey": "k1"})
    complete(player, 1, "work")
    complete(player, 3, "work", error="broken")
    complete(player, 6, "slow", completion={})
    complete(player, 7, "work", completion={})
    player.start(4, 0)
    complete(player, 8, "done", completion={})
    variables = [{"name": "b", "data": {"encoding": "json", "value": "true"}}]
    player.call("PUT", "/process-instances/2026-11-23/8/variables", {"workerId": "w", "variables": variables})
    player.call("POST", "/tasks/execute", {"limit": 100, "partition": "2026-11-23", "processInstanceId": 8})
    variables = [{"name": "a", "data": {"encoding": "json", "value": "1"}}]
    player.call("PUT", "/process-instances/2026-11-23/1/variables", {"workerId": "w", "variables": variables})
    player.send_message("m2", "k1", "u1", "PT1H", 0)
    player.send_signal("s2", 0)
    return player


def test_rows_that_the_service_wrote_have_no_violations(world, player):
    assert violations(world.database.tables(), player.now, player.sound) == []


SPOILED = [
    ("instances_end_with_their_elements", "UPDATE process_instance SET state = 'COMPLETED' WHERE id = 1"),
    ("instances_end_with_their_elements", "UPDATE process_instance SET state = 'STARTED' WHERE id = 7"),
    ("instances_end_with_their_elements", "UPDATE process_instance SET state = 'SUSPENDED' WHERE id = 1"),
    ("instances_end_with_their_elements", f"UPDATE element_instance SET state = 'TERMINATED' WHERE {at(7, 'p2')}"),
    ("instances_end_with_their_elements", f"DELETE FROM element_instance WHERE {at(7, 'p2')}"),
    ("nothing_is_active_in_what_has_ended", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(1, 'sub')}"),
    ("nothing_is_active_in_what_has_ended", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(1, 'work')}"),
    ("nothing_is_active_in_what_has_ended", "UPDATE process_instance SET state = 'CANCELED' WHERE id = 1"),
    ("work_belongs_to_active_elements", f"UPDATE job SET detached = 1 WHERE {at(1, 'work')}"),
    ("jobs_are_of_types_that_their_elements_have", f"UPDATE job SET type = 'SET_TIMER' WHERE {at(1, 'work')}"),
    ("work_belongs_to_active_elements", f"UPDATE task SET detached = 1 WHERE {at(1, 'late')}"),
    ("work_belongs_to_active_elements", f"UPDATE element_instance SET state = 'TERMINATED' WHERE {at(1, 'work')}"),
    ("work_belongs_to_active_elements", f"UPDATE task SET detached = 0 WHERE {at(8, 'over')}"),
    ("work_belongs_to_active_elements", f"UPDATE task SET detached = 1 WHERE {at(8, 'either')}"),
    ("work_belongs_to_active_elements", f"UPDATE job SET detached = 1 WHERE {at(8, 'over')}"),
    (
        "subscriptions_belong_to_active_elements",
        f"UPDATE element_instance SET state = 'TERMINATED' WHERE {at(1, 'signal')}",
    ),
    ("subscriptions_belong_to_active_elements", "UPDATE message_subscription SET element_instance_id = 999"),
    (
        "subscriptions_belong_to_active_elements",
        "UPDATE message_subscription SET element_instance_id = (SELECT element_instance_id FROM signal_subscription)",
    ),
    ("user_tasks_live_as_long_as_their_elements", "UPDATE user_task SET state = 'TERMINATED'"),
    ("user_tasks_live_as_long_as_their_elements", "DELETE FROM user_task"),
    (
        "user_tasks_live_as_long_as_their_elements",
        f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(1, 'person')}",
    ),
    (
        "active_children_are_counted",
        f"UPDATE element_instance SET active_children = active_children + 1 WHERE {at(1, 'sub')}",
    ),
    ("active_children_are_counted", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(1, 'inside')}"),
    ("handlers_and_joins_are_counted", f"UPDATE element_instance SET active_handlers = 1 WHERE {at(1, 'sub')}"),
    ("handlers_and_joins_are_counted", f"UPDATE element_instance SET waiting_joins = 1 WHERE {at(1, 'sub')}"),
    ("pending_events_are_counted", f"UPDATE element_instance SET pending_events = 0 WHERE {at(1, 'undefined')}"),
    ("pending_events_are_counted", f"UPDATE element_instance SET pending_events = 1 WHERE {at(1, 'choice')}"),
    ("pending_events_are_counted", f"UPDATE element_instance SET pending_events = 1 WHERE {at(7, 'work')}"),
    ("calls_are_tied_to_their_callers", "UPDATE process_instance SET parent_id = NULL WHERE id = 2"),
    ("calls_are_tied_to_their_callers", "UPDATE process_instance SET parent_id = 3 WHERE id = 2"),
    ("calls_are_tied_to_their_callers", "UPDATE process_instance SET root_id = 3 WHERE id = 2"),
    ("calls_are_tied_to_their_callers", f"UPDATE element_instance SET parent_id = 2 WHERE {at(2, 'p2')}"),
    ("calls_are_tied_to_their_callers", f"UPDATE element_instance SET state = 'TERMINATED' WHERE {at(1, 'call')}"),
    ("ids_ascend", "UPDATE process_instance SET created_at = '2026-11-23 11:00:00.000000' WHERE id = 7"),
    ("variables_are_unique_in_their_scope", "INSERT INTO variable SELECT * FROM variable"),
    ("locks_have_owners", f"UPDATE job SET locked_by = NULL WHERE {at(1, 'work')}"),
    ("locks_have_owners", f"UPDATE job SET locked_by = 'w1' WHERE {at(2, 'work')}"),
    ("locks_have_owners", f"UPDATE job SET completed_at = locked_at WHERE {at(1, 'work')}"),
    ("locks_have_owners", f"UPDATE task SET state = 'LOCKED' WHERE {at(1, 'late')}"),
    ("times_are_in_order", "UPDATE process_instance SET ended_at = '2026-11-23 12:00:00.000000' WHERE id = 7"),
    ("times_are_in_order", "UPDATE element_instance SET started_at = '2030-01-01 12:00:00.000000' WHERE id = 1"),
    ("times_are_in_order", "UPDATE job SET locked_at = '2026-11-23 11:00:00.000000' WHERE state = 'DONE'"),
    ("states_have_their_times", "UPDATE process_instance SET ended_at = NULL WHERE id = 7"),
    ("states_have_their_times", "UPDATE process_instance SET started_at = NULL WHERE id = 1"),
    ("states_have_their_times", "UPDATE process_instance SET started_at = created_at WHERE id = 4"),
    ("failures_are_followed_up", "DELETE FROM incident"),
    ("failures_are_followed_up", "UPDATE job SET error = NULL"),
    ("failures_are_followed_up", "UPDATE incident SET job_id = NULL, task_id = 1"),
    ("messages_are_counted_once", "UPDATE message_subscription SET name = 'm2'"),
    (
        "messages_are_counted_once",
        f"""UPDATE task SET serialized_task = '{{"MessageId":1}}' WHERE {at(1, "other")}""",
    ),
    ("unique_keys_are_held_once", "UPDATE message SET key_freed = 1"),
    (
        "unique_keys_are_held_once",
        "INSERT INTO message SELECT id + 1, correlation_key, created_at, created_by, expires_at, correlated, name,"
        " unique_key, key_freed, digest, unique_digest FROM message",
    ),
    ("signals_count_their_subscribers", "UPDATE signal SET active_subscriber_count = 0"),
    ("signals_count_their_subscribers", f"UPDATE task SET completed_at = created_at WHERE {at(1, 'other')}"),
    ("waiting_elements_have_a_reason", f"DELETE FROM job WHERE {at(1, 'inside')}"),
    ("waiting_elements_have_a_reason", f"DELETE FROM task WHERE {at(1, 'late')}"),
    ("waiting_elements_have_a_reason", f"DELETE FROM task WHERE {at(1, 'other')}"),
    ("waiting_elements_have_a_reason", "DELETE FROM message_subscription"),
    ("waiting_elements_have_a_reason", "DELETE FROM user_task"),
    ("waiting_elements_have_a_reason", "DELETE FROM incident"),
    ("waiting_elements_have_a_reason", f"UPDATE element_instance SET state = 'SUSPENDED' WHERE {at(1, 'work')}"),
    ("waiting_elements_have_a_reason", "UPDATE process_instance SET state = 'COMPLETED' WHERE id = 2"),
    ("waiting_elements_have_a_reason", f"UPDATE element_instance SET active_children = 0 WHERE {at(1, 'sub')}"),
    ("joins_go_on_when_all_have_arrived", f"DELETE FROM task WHERE {at(6, 'join')}"),
    ("joins_go_on_when_all_have_arrived", f"UPDATE element_instance SET prev_element_id = 1 WHERE {at(5, 'join')}"),
    ("joins_do_not_wait_in_vain", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(5, 'slow')}"),
    ("queues_go_on", "UPDATE process_queue SET parallelism = 2"),
    ("queues_go_on", "DELETE FROM queue_entry"),
    ("queues_go_on", "UPDATE queue_entry SET process_instance_id = 99"),
    ("queues_go_on", "UPDATE queue_entry SET created_at = '2020-01-01 00:00:00.000000'"),
    ("queues_go_on", "UPDATE process_queue SET active = 7"),
    ("queues_go_on", "UPDATE process_instance SET state = 'COMPLETED' WHERE id = 3"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET prev_id = NULL WHERE {at(1, 'work')}"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET prev_id = 2 WHERE {at(1, 'work')}"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET prev_id = 2 WHERE {at(1, 'late')}"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET state = 'TERMINATED' WHERE {at(1, 'fork')}"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET parent_id = 1 WHERE {at(1, 'inside')}"),
    ("completed_elements_move_on", f"DELETE FROM element_instance WHERE {at(1, 'person')}"),
    ("completed_elements_move_on", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(5, 'slow')}"),
    ("events_that_recur_stay_subscribed", f"DELETE FROM signal_subscription WHERE {at(1, 'aside')}"),
    ("parts_are_waited_for", f"DELETE FROM signal_subscription WHERE {at(8, 'either')}"),
    ("parts_are_waited_for", f"DELETE FROM task WHERE {at(8, 'either')}"),
    ("parts_are_waited_for", f"UPDATE element_instance SET context = 'parts:1' WHERE {at(8, 'either')}"),
    ("waiting_elements_have_a_reason", f"DELETE FROM job WHERE {at(8, 'over')}"),
    (
        "what_has_happened_is_canceled_with_its_host_only",
        f"UPDATE task SET state = 'CANCELED', completed_at = created_at WHERE {at(1, 'late')}",
    ),
    ("events_are_attached_once", f"DELETE FROM element_instance WHERE {at(1, 'late')}"),
    ("events_are_attached_once", f"DELETE FROM element_instance WHERE {at(1, 'signal')}"),
    ("events_are_attached_once", f"UPDATE element_instance SET host_id = 2 WHERE {at(1, 'late')}"),
    ("nothing_is_active_in_what_has_ended", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(8, 'throw')}"),
    ("handlers_and_joins_are_counted", f"UPDATE element_instance SET context = 'started:1' WHERE {at(8, 'join')}"),
    ("user_tasks_live_as_long_as_their_elements", "UPDATE user_task SET state = 'COMPLETED'"),
    ("waiting_elements_have_a_reason", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(8, 'undo')}"),
    ("waiting_elements_have_a_reason", f"UPDATE element_instance SET context = NULL WHERE {at(8, 'many')}"),
    ("waiting_elements_have_a_reason", f"UPDATE element_instance SET state = 'CREATED' WHERE {at(8, 'wait')}"),
    ("waiting_elements_have_a_reason", f"DELETE FROM job WHERE {at(8, 'choose')}"),
    ("tokens_follow_the_flows", f"UPDATE element_instance SET compensation = 'READY' WHERE {at(8, 'done')}"),
    ("completed_elements_move_on", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(8, 'decided')}"),
    ("joins_take_one_token_of_each_flow", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(5, 'join')}"),
    ("joins_take_one_token_of_each_flow", f"UPDATE element_instance SET state = 'COMPLETED' WHERE {at(6, 'join')}"),
]


@pytest.mark.parametrize(("name", "statement"), SPOILED)
def test_spoiled_rows_are_found(world, player, name, statement):
    database = world.database
    database.change("BEGIN")
    try:
        if name == "variables_are_unique_in_their_scope":
            # The database itself keeps them unique: by its keys.
            database.change("CREATE TEMP TABLE variable AS SELECT * FROM main.variable")
        before = set(found_by(world, player))
        database.change(statement)
        found = set(found_by(world, player))
    finally:
        database.change("ROLLBACK")
    assert before == set()
    assert name in found


def found_by(world: World, player: Player) -> list[str]:
    return [each.partition(":")[0] for each in violations(world.database.tables(), player.now, player.sound)]


def test_each_invariant_is_spoiled():
    assert {name for name, _ in SPOILED} == set(INVARIANTS)
