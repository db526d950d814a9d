"""What commands meet on: one scene for each way in which two of them can have to do with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.commands.base import Completion
from app.timer import Timer
from tests.races.moves import (
    Move,
    cancel,
    complete,
    create_instance,
    create_key,
    delete,
    delete_ended,
    delete_process,
    deploy,
    extend_jobs,
    extend_tasks,
    fail,
    fail_task,
    lock_jobs,
    lock_tasks,
    move_job,
    move_timer,
    postpone_task,
    prepare,
    recover_jobs,
    recover_tasks,
    release_tasks,
    resolve,
    resume,
    retry,
    revoke_key,
    run_task,
    select_activities,
    send,
    set_element_variables,
    set_process_variables,
    set_setting,
    set_time,
    signal,
    suspend,
    unlock_jobs,
    unlock_tasks,
    update_user_task,
)
from tests.races.stage import Stage
from tests.store import play
from tests.store.play import model

TRIGGER, JOIN = "TRIGGER_EVENT", "JOIN_PARALLEL_GATEWAY"
START, TERMINATE = "START_PROCESS_INSTANCE", "TERMINATE_PROCESS_INSTANCE"
DEQUEUE = "DEQUEUE_PROCESS_INSTANCE"
KEY = Completion(message_correlation_key="k")

HEAD = '<message id="m" name="paid"/><message id="m2" name="shipped"/><signal id="s" name="alarm"/>'
DEFINITIONS = {
    "timer": "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>",
    "later": "<timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition>",
    "mail": '<messageEventDefinition messageRef="m"/>',
    "letter": '<messageEventDefinition messageRef="m2"/>',
    "bell": '<signalEventDefinition signalRef="s"/>',
}


def catches(*ids: str) -> str:
    """Intermediate catch events, each of which is called like what it waits for."""
    return "".join(
        f'<intermediateCatchEvent id="{id}">{DEFINITIONS[id.rstrip("0123456789")]}</intermediateCatchEvent>'
        for id in ids
    )


def boundary(host: str, *ids: str) -> str:
    """Interrupting boundary events."""
    return "".join(f'<boundaryEvent id="{id}" attachedToRef="{host}">{DEFINITIONS[id]}</boundaryEvent>' for id in ids)


RICH = model(
    "start -> fork -> free",
    "fork -> held -> after",
    "fork -> lost -> found",
    "fork -> retried",
    "fork -> broken",
    "fork -> user",
    "fork -> timer -> end",
    "fork -> later",
    "fork -> mail",
    "fork -> mail2 -> end",
    "fork -> letter",
    "fork -> bell -> end",
    "fork -> left -> join -> joined",
    "fork -> right -> join",
    "fork -> case",
    body=catches("timer", "later", "mail", "mail2", "letter", "bell")
    + '<adHocSubProcess id="case"><serviceTask id="call"/><serviceTask id="write"/></adHocSubProcess>',
    head=HEAD,
)
"""An instance that has a bit of everything, and does not end by any of it."""


def build_gone(stage: Stage) -> None:
    """An instance that has ended, with work that is left over, and an incident."""
    stage.begin("gone")
    stage.complete("gone", "broken", error="broken")
    stage.lock("gone", "held")
    stage.service.execute(cancel("gone").make(stage))


def build_ended(stage: Stage) -> None:
    play.deploy(stage.service, RICH)
    build_gone(stage)
    stage.begin("one")
    stage.pass_time(1)
    stage.claim(TRIGGER, "gone", "timer")


ENDED = (
    delete("gone"),
    delete_ended(),
    complete("gone", "held"),
    lock_jobs("gone", id_of="free"),
    unlock_jobs(),
    resolve("gone"),
    cancel("gone"),
    cancel("one"),
    set_process_variables("gone"),
    run_task(TRIGGER, "gone", "timer"),
    fail_task(TRIGGER, "gone", "timer"),
    recover_tasks(),
    set_setting(),
    set_time(),
)


def build_rich(stage: Stage) -> None:
    play.deploy(stage.service, RICH)
    stage.service.keys.create("old")
    build_gone(stage)
    stage.begin("one")
    _fill(stage, "one")


def _fill(stage: Stage, name: str) -> None:
    for element in ("left", "right"):
        stage.complete(name, element)
    stage.complete(name, "broken", error="broken")
    stage.complete(name, "retried", error="broken", retry_limit=1, retry_timer="PT9H")
    stage.complete(name, "mail", KEY)
    stage.complete(name, "letter", KEY)
    # The message is on its way to it.
    play.send(stage.service, "shipped", "k")
    stage.lock(name, "mail2")
    stage.lock(name, "held", lock_timeout="PT3H")
    stage.lock(name, "lost", lock_timeout="PT30M")
    stage.pass_time(1)
    for task in ((TRIGGER, "timer"), (TRIGGER, "letter"), (JOIN, "join")):
        stage.claim(task[0], name, task[1])


def on_everything(name: str) -> tuple[Move, ...]:
    return (
        complete(name, "held"),
        fail(name, "held"),
        retry(name, "held"),
        complete(name, "mail2", KEY),
        lock_jobs(name),
        unlock_jobs(),
        complete(name, "lost", how=":late"),
        extend_jobs(name, "held", "lost"),
        recover_jobs(),
        move_job(name, "retried"),
        move_timer(name, "later"),
        update_user_task(name),
        update_user_task(name, "tag"),
        resolve(name),
        cancel(name),
        suspend(name),
        resume(name),
        set_process_variables(name),
        set_element_variables(name, "held"),
        select_activities(name, "case", "write"),
        run_task(TRIGGER, name, "timer"),
        run_task(TRIGGER, name, "letter"),
        run_task(JOIN, name, "join"),
        lock_tasks(name),
        release_tasks(TRIGGER, name, "timer"),
        extend_tasks(TRIGGER, name, "timer"),
        postpone_task(TRIGGER, name, "timer"),
        fail_task(TRIGGER, name, "timer"),
        recover_tasks(),
        unlock_tasks(),
        send(),
        signal(),
        create_instance(),
        deploy(RICH, parallelism=1),
        create_key(),
        revoke_key(),
        set_setting(),
        delete("gone"),
        delete_ended(),
        delete_process(),
        prepare(),
        set_time(),
    )


def build_suspended(stage: Stage) -> None:
    build_rich(stage)
    stage.service.execute(suspend("one").make(stage))


SUSPENDED = (
    complete("one", "held"),
    fail("one", "held"),
    update_user_task("one"),
    resolve("one"),
    cancel("one"),
    suspend("one"),
    resume("one"),
    set_process_variables("one"),
    run_task(TRIGGER, "one", "timer"),
    run_task(TRIGGER, "one", "letter"),
    run_task(JOIN, "one", "join"),
    send(),
    signal(),
)

CONTEST = model(
    "start -> work -> end",
    *(f"{id} -> end{id}" for id in ("timer", "letter", "mail", "bell")),
    body=boundary("work", "timer", "letter", "mail", "bell"),
    head=HEAD,
)
"""Whatever happens first ends the instance."""
USER_CONTEST = CONTEST.replace('<serviceTask id="work"/>', '<userTask id="work"/>')


def build_contest(stage: Stage) -> None:
    play.deploy(stage.service, CONTEST)
    stage.begin("one")
    _arm(stage, "one")
    stage.lock("one", "work")


def build_user_contest(stage: Stage) -> None:
    play.deploy(stage.service, USER_CONTEST)
    stage.begin("one")
    _arm(stage, "one")


def _arm(stage: Stage, name: str) -> None:
    for element in ("letter", "mail"):
        stage.complete(name, element, KEY)
    play.send(stage.service, "shipped", "k")
    stage.pass_time(1)
    stage.claim(TRIGGER, name, "timer")
    stage.claim(TRIGGER, name, "letter")


ENDING = (
    cancel("one"),
    suspend("one"),
    set_process_variables("one"),
    set_element_variables("one", "work"),
    run_task(TRIGGER, "one", "timer"),
    run_task(TRIGGER, "one", "letter"),
    release_tasks(TRIGGER, "one", "timer"),
    extend_tasks(TRIGGER, "one", "timer"),
    postpone_task(TRIGGER, "one", "timer"),
    fail_task(TRIGGER, "one", "timer"),
    recover_tasks(),
    unlock_tasks(),
    lock_tasks(),
    send(),
    signal(),
)
ENDING_BY_JOB = (
    complete("one", "work"),
    fail("one", "work"),
    retry("one", "work"),
    lock_jobs("one", id_of="work"),
    unlock_jobs(),
)
ENDING_BY_PERSON = (update_user_task("one"), update_user_task("one", "tag"))

ONE = model("start -> work -> end", process_id="c")
CALLER = model(
    "start -> call -> after -> end",
    "timer -> end2",
    body='<callActivity id="call" calledElement="c:1"/>' + boundary("call", "timer"),
)


def build_tree(stage: Stage) -> None:
    """A caller, what it has called, and what that has called."""
    play.deploy(stage.service, ONE)
    play.deploy(stage.service, CALLER)
    play.deploy(
        stage.service, CALLER.replace('id="p"', 'id="top"').replace('calledElement="c:1"', 'calledElement="p:1"')
    )
    stage.begin("top", "top")
    stage.complete("top", "call")
    stage.call_it("caller", "top")
    stage.complete("caller", "call")
    stage.call_it("called", "caller")
    stage.lock("called", "work")
    stage.pass_time(1)
    stage.claim(TRIGGER, "top", "timer")
    stage.claim(TRIGGER, "caller", "timer")


TREE = (
    *(move(name) for name in ("top", "caller", "called") for move in (cancel, suspend, set_process_variables)),
    complete("called", "work"),
    fail("called", "work"),
    lock_jobs("called", id_of="work"),
    unlock_jobs(),
    run_task(TRIGGER, "top", "timer"),
    run_task(TRIGGER, "caller", "timer"),
    set_element_variables("top", "call"),
)


def build_broken_tree(stage: Stage) -> None:
    """What is called has an incident and is about to be terminated; the caller is suspended."""
    build_tree(stage)
    play.complete(stage.service, stage.job("called", "work"), error="broken")
    stage.run(TRIGGER)
    stage.service.execute(run_task(TRIGGER, "caller", "timer").make(stage))
    stage.claim(TERMINATE, "called")
    stage.service.execute(suspend("top").make(stage))


BROKEN_TREE = (
    *(move(name) for name in ("top", "caller", "called") for move in (cancel, set_process_variables)),
    suspend("caller"),
    suspend("called"),
    resume("top"),
    resolve("called"),
    run_task(TERMINATE, "called"),
    run_task(TRIGGER, "top", "timer"),
    unlock_tasks(),
)

LIMITED = model("start -> work -> end", process_id="c")
LIMITED_USER = LIMITED.replace('<serviceTask id="work"/>', '<userTask id="work"/>')
LIMITED_STARTS = model(
    "start -> work -> end",
    "begin -> work",
    "ring -> work",
    body='<startEvent id="begin"><messageEventDefinition messageRef="m"/></startEvent>'
    '<startEvent id="ring"><signalEventDefinition signalRef="s"/></startEvent>',
    head=HEAD,
    process_id="c",
)


def build_limit(limit: int) -> Callable[[Stage], None]:
    def build(stage: Stage) -> None:
        """As many active ones as may be, one of which ends by a job and the others by a person, and two queued."""
        play.deploy(stage.service, LIMITED_USER, version="user", parallelism=limit)
        play.deploy(stage.service, LIMITED_STARTS, version="1", parallelism=limit)
        for number in range(limit - 1):
            stage.begin(f"user{number}", "c", "user")
        stage.begin("active", "c")
        stage.lock("active", "work")
        for number in range(2):
            stage.begin(f"queued{number}", "c")

    return build


def limited(limit: int) -> tuple[Move, ...]:
    second = (update_user_task("user0"), cancel("user0")) if limit > 1 else ()
    return (
        *second,
        complete("active", "work"),
        fail("active", "work"),
        cancel("active"),
        suspend("active"),
        cancel("queued0"),
        cancel("queued1"),
        set_process_variables("queued0"),
        create_instance("c"),
        send(),
        signal(),
        deploy(LIMITED, "2", limit, ":same"),
        deploy(LIMITED, "3", limit + 1, ":raised"),
        deploy(LIMITED, "4", 0, ":lifted"),
    )


def build_released(stage: Stage) -> None:
    """A slot became free, and the task that starts the next one is claimed; the limit was raised as well."""
    build_limit(1)(stage)
    stage.begin("queued2", "c")
    play.complete(stage.service, stage.job("active", "work"))
    stage.claim(START, "queued0")
    play.deploy(stage.service, LIMITED, version="2", parallelism=2)
    stage.claim(DEQUEUE)


RELEASED = (
    run_task(START, "queued0"),
    run_task(DEQUEUE),
    cancel("queued0"),
    cancel("queued1"),
    cancel("queued2"),
    suspend("queued0"),
    create_instance("c"),
    release_tasks(START, "queued0"),
    fail_task(START, "queued0"),
    fail_task(DEQUEUE),
    recover_tasks(),
    lock_tasks(),
    unlock_tasks(),
    send(),
    deploy(LIMITED, "3", 1, ":lowered"),
    deploy(LIMITED, "4", 3, ":raised"),
    deploy(LIMITED, "5", 0, ":lifted"),
)


def build_unlimited(stage: Stage) -> None:
    """A limit is about to come."""
    play.deploy(stage.service, LIMITED_STARTS)
    play.deploy(stage.service, CALLER)
    stage.begin("active", "c")
    stage.lock("active", "work")
    stage.begin("other", "c")
    stage.begin("caller")
    stage.lock("caller", "call")
    play.send(stage.service, "paid", "k")
    stage.claim(TRIGGER, element="begin")


UNLIMITED = (
    deploy(LIMITED_STARTS, "2", 1, ":introduced"),
    deploy(LIMITED, "3", 2, ":introduced"),
    deploy(LIMITED, "4", 0, ":none"),
    create_instance("c"),
    complete("active", "work"),
    complete("caller", "call"),
    cancel("active"),
    cancel("other"),
    run_task(TRIGGER, element="begin"),
    send(),
    signal(),
)


def build_called_limit(limit: int) -> Callable[[Stage], None]:
    def build(stage: Stage) -> None:
        """Callers of a process with a limit: as many of what they call are active as may be, the others wait."""
        play.deploy(stage.service, LIMITED, parallelism=limit)
        play.deploy(stage.service, TWO_CALLS)
        for caller in ("one", "two"):
            stage.begin(caller)
            for element in ("call", "call2"):
                stage.complete(caller, element)
        for caller in ("one", "two"):
            stage.call_each(caller)
        stage.lock("one.0", "work")
        for number in range(2):
            stage.begin(f"queued{number}", "c")
        stage.begin("three")
        stage.lock("three", "call")
        stage.pass_time(1)
        stage.claim(TRIGGER, "one", "timer")

    return build


TWO_CALLS = model(
    "start -> fork -> call -> join -> end",
    "fork -> call2 -> join",
    "timer -> end2",
    body='<callActivity id="call" calledElement="c:1"/><callActivity id="call2" calledElement="c:1"/>'
    + boundary("call", "timer"),
)
CALLED_LIMIT = (
    cancel("one"),
    cancel("two"),
    cancel("one.0"),
    cancel("one.1"),
    cancel("two.0"),
    cancel("two.1"),
    complete("one.0", "work"),
    complete("three", "call"),
    run_task(TRIGGER, "one", "timer"),
    suspend("one"),
    suspend("two"),
    cancel("queued0"),
    create_instance("c"),
    deploy(LIMITED, "2", 3, ":raised"),
    deploy(LIMITED, "3", 0, ":lifted"),
)


def build_terminated(stage: Stage) -> None:
    """A caller has gone on without what it called, one of which is active and one queued: tasks terminate them."""
    build_called_limit(1)(stage)
    play.run_events(stage.service)
    stage.service.execute(run_task(TRIGGER, "one", "timer").make(stage))
    stage.claim(TERMINATE, "one.0")


TERMINATED = (
    run_task(TERMINATE, "one.0"),
    cancel("one"),
    cancel("two"),
    cancel("one.0"),
    cancel("one.1"),
    cancel("two.0"),
    complete("one.0", "work"),
    cancel("queued0"),
    create_instance("c"),
    deploy(LIMITED, "2", 2, ":raised"),
)


MAIL = model("start -> mail -> after -> end", body=catches("mail"), head=HEAD)
MAIL_START = model(
    "start -> work -> end",
    body='<startEvent id="start"><messageEventDefinition messageRef="m2"/></startEvent>',
    head=HEAD,
    process_id="c",
)
LISTENING = model(
    "start -> work -> end",
    "mail -> end2",
    body='<boundaryEvent id="mail" attachedToRef="work" cancelActivity="false">'
    '<messageEventDefinition messageRef="m"/></boundaryEvent>',
    head=HEAD,
    process_id="l",
)


def build_messages(stage: Stage) -> None:
    """Two wait for one message, two are about to, one has one on its way and waits on; some messages wait as well."""
    for xml in (MAIL, MAIL_START, LISTENING):
        play.deploy(stage.service, xml)
    stage.begin("listening", "l")
    stage.complete("listening", "mail", KEY)
    play.send(stage.service, "paid", "k")
    stage.claim(TRIGGER, "listening")
    for name in ("first", "second"):
        stage.begin(name)
        stage.complete(name, "mail", KEY)
    for name in ("soon", "sooner"):
        stage.begin(name)
        stage.lock(name, "mail")
    for name in ("early", "earlier"):
        stage.begin(name)
        stage.lock(name, "mail")
    play.send(stage.service, "paid", "early", expiration_timer=Timer(time_duration="PT9H"))
    play.send(stage.service, "shipped", "k", unique_key="u")
    stage.claim(TRIGGER, element="start")
    stage.lock("listening", "work")


MESSAGES = (
    send(),
    send(unique="u"),
    send(keeps=False),
    send(key="early"),
    send("shipped", unique="u"),
    complete("soon", "mail", KEY),
    complete("sooner", "mail", KEY, ":too"),
    complete("early", "mail", Completion(message_correlation_key="early")),
    complete("earlier", "mail", Completion(message_correlation_key="early")),
    complete("listening", "work"),
    run_task(TRIGGER, "listening"),
    run_task(TRIGGER, element="start"),
    cancel("first"),
    cancel("second"),
    cancel("listening"),
    suspend("first"),
    deploy(MAIL_START, "2"),
    set_time("PT10H"),
)

RING = model("start -> bell -> after -> end", body=catches("bell"), head=HEAD)
RING_START = model(
    "start -> work -> end",
    body='<startEvent id="start"><signalEventDefinition signalRef="s"/></startEvent>',
    head=HEAD,
    process_id="c",
)
RINGING = model(
    "start -> work -> throw -> end",
    "bell -> end2",
    body='<boundaryEvent id="bell" attachedToRef="work" cancelActivity="false"><signalEventDefinition signalRef="s"/>'
    '</boundaryEvent><intermediateThrowEvent id="throw"><signalEventDefinition signalRef="s"/>'
    "</intermediateThrowEvent>",
    head=HEAD,
    process_id="r",
)


def build_signals(stage: Stage) -> None:
    """Several wait for a signal, one throws it soon and one now, and it starts a process."""
    for xml in (RING, RING_START, RINGING):
        play.deploy(stage.service, xml)
    for name in ("first", "second"):
        stage.begin(name)
    for name in ("throws", "thrown"):
        stage.begin(name, "r")
        stage.lock(name, "work")
    play.complete(stage.service, stage.job("thrown", "work"))
    stage.claim(TRIGGER, "thrown", "throw")


SIGNALS = (
    signal(),
    complete("throws", "work"),
    run_task(TRIGGER, "thrown", "throw"),
    create_instance(),
    cancel("first"),
    cancel("throws"),
    cancel("thrown"),
    suspend("first"),
    deploy(RING_START, "2"),
    deploy(RING, "2", 1),
)

SEVERAL = model(
    "start -> fork -> any -> end",
    "fork -> work -> end2",
    "all -> end3",
    body=f'<intermediateCatchEvent id="any">{DEFINITIONS["mail"]}{DEFINITIONS["bell"]}{DEFINITIONS["timer"]}'
    '</intermediateCatchEvent><boundaryEvent id="all" attachedToRef="work" cancelActivity="false" '
    f'parallelMultiple="true">{DEFINITIONS["letter"]}{DEFINITIONS["bell"]}</boundaryEvent>',
    head=HEAD,
)
"""An event that one message, signal or timer is enough for, and one that waits for a message and the same signal."""


def build_several(stage: Stage) -> None:
    """The timer of the one is due, and the message of the other is on its way; its next one is there already."""
    play.deploy(stage.service, SEVERAL)
    stage.begin("one")
    for element in ("any", "all"):
        stage.complete("one", element, KEY)
    for _ in range(2):
        play.send(stage.service, "shipped", "k", expiration_timer=Timer(time_duration="PT9H"))
    stage.lock("one", "work")
    stage.pass_time(1)
    for element in ("any", "all"):
        stage.claim(TRIGGER, "one", element)


SEVERAL_PARTS = (
    send(),
    send("shipped"),
    signal(),
    run_task(TRIGGER, "one", "any"),
    run_task(TRIGGER, "one", "all"),
    complete("one", "work"),
    cancel("one"),
    suspend("one"),
    set_process_variables("one"),
    lock_tasks(),
)

TIMER_START = model(
    "start -> work -> end",
    body='<startEvent id="start"><timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition>'
    "</startEvent>",
)


def build_deployments(stage: Stage) -> None:
    """A start timer has fired, and its task is claimed."""
    play.deploy(stage.service, TIMER_START)
    stage.pass_time(1)
    stage.claim(TRIGGER)
    play.deploy(stage.service, MAIL_START)
    play.deploy(stage.service, RING_START.replace('"c"', '"s"'))


DEPLOYMENTS = (
    deploy(TIMER_START, "2"),
    deploy(TIMER_START, "2", 1, ":limited"),
    deploy(play.ONE_TASK, "2", 0, ":other"),
    deploy(MAIL_START, "2", 0, ":mail"),
    deploy(MAIL_START.replace('"c"', '"d"'), "1", 0, ":taken"),
    deploy(RING_START.replace('"c"', '"s"'), "2", 0, ":ring"),
    run_task(TRIGGER),
    release_tasks(TRIGGER),
    extend_tasks(TRIGGER),
    postpone_task(TRIGGER),
    fail_task(TRIGGER),
    recover_tasks(),
    unlock_tasks(),
    lock_tasks(),
    send("shipped"),
    signal(),
    prepare(),
    set_time(),
)


UNUSED = model(
    "start -> work -> end",
    "sent -> work",
    "rung -> work",
    "tick -> work",
    body='<startEvent id="sent"><messageEventDefinition messageRef="m2"/></startEvent>'
    '<startEvent id="rung"><signalEventDefinition signalRef="s"/></startEvent>'
    '<startEvent id="tick"><timerEventDefinition><timeCycle>R3/PT1H</timeCycle></timerEventDefinition></startEvent>',
    head=HEAD,
    process_id="c",
)
CALLING = model("start -> call -> end", body='<callActivity id="call" calledElement="c:2"/>', process_id="calling")


def build_unused(stage: Stage) -> None:
    """Two versions without an instance, the newer of which is about to be called, and started by a timer."""
    for xml, version in ((UNUSED, "1"), (UNUSED, "2"), (CALLING, "1")):
        play.deploy(stage.service, xml, version=version)
    stage.begin("calling", "calling")
    stage.lock("calling", "call")
    stage.pass_time(1)
    # That of the older version, which has been replaced.
    stage.claim(TRIGGER, element="tick")
    stage.service.execute(run_task(TRIGGER, element="tick").make(stage))
    stage.claim(TRIGGER, element="tick")


DELETIONS = (
    delete_process("c", "2"),
    delete_process("c", "1"),
    create_instance("c", "1"),
    create_instance("c", "2"),
    create_instance("c", ""),
    complete("calling", "call"),
    send("shipped"),
    signal(),
    run_task(TRIGGER, element="tick"),
    deploy(UNUSED, "3"),
    lock_tasks(),
)


@dataclass(frozen=True)
class Scene:
    """Where two of the moves meet, and how it is made ready for them."""

    name: str
    build: Callable[[Stage], None]
    moves: tuple[Move, ...]

    def pairs(self) -> Iterator[tuple[Move, Move]]:
        """Each two moves, both ways round; one move meets itself as well."""
        for first in self.moves:
            for second in self.moves:
                yield first, second


SCENES = (
    Scene("instance", build_rich, on_everything("one")),
    Scene("ended", build_ended, ENDED),
    Scene("suspended", build_suspended, SUSPENDED),
    Scene("ending", build_contest, (*ENDING_BY_JOB, *ENDING)),
    Scene("ending-user-task", build_user_contest, (*ENDING_BY_PERSON, *ENDING)),
    Scene("tree", build_tree, TREE),
    Scene("broken-tree", build_broken_tree, BROKEN_TREE),
    Scene("limit1", build_limit(1), limited(1)),
    Scene("limit2", build_limit(2), limited(2)),
    Scene("released", build_released, RELEASED),
    Scene("unlimited", build_unlimited, UNLIMITED),
    Scene("called-limit1", build_called_limit(1), CALLED_LIMIT),
    Scene("called-limit2", build_called_limit(2), CALLED_LIMIT),
    Scene("terminated", build_terminated, TERMINATED),
    Scene("messages", build_messages, MESSAGES),
    Scene("signals", build_signals, SIGNALS),
    Scene("several", build_several, SEVERAL_PARTS),
    Scene("deployments", build_deployments, DEPLOYMENTS),
    Scene("deletions", build_unused, DELETIONS),
)
