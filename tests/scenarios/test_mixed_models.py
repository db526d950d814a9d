"""Processes as people draw them, of many constructs at once, each along all of its flows."""

from __future__ import annotations

import json
from typing import Any

from app import criteria as c
from app.commands.base import Data, VariableInput
from app.commands.variable import SetProcessVariables
from app.engine.completion import CalledProcess
from app.service import Service
from tests.flow import (
    EVENT_BASED,
    EXCLUSIVE,
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    USER,
    Kind,
    ad_hoc,
    boundary,
    call,
    catch,
    compensate,
    compensation,
    complex_gateway,
    conditional,
    end,
    event_sub,
    flow,
    loop,
    multi,
    receive,
    send_task,
    start,
    starting,
    sub,
    throw,
    transaction,
    undo,
)
from tests.story import Story, deploy, instances, run_tasks, send, signal

ENGINE = {"expressions": "ENGINE"}
EACH_FOUR = Kind("serviceTask", ' completionQuantity="4"')
OF_TWO = Kind("serviceTask", ' startQuantity="2"')
CALLED = CalledProcess(bpmn_process_id="ch", version="1")


def values(**given: Any) -> tuple[VariableInput, ...]:
    return tuple(VariableInput(name=n, data=Data(encoding="json", value=json.dumps(v))) for n, v in given.items())


def set_values(story: Story, **given: Any) -> Story:
    command = SetProcessVariables(partition=story.partition, id=story.id, worker_id="op", variables=values(**given))
    story.service.execute(command)
    return story


def goes_on(story: Story) -> Story:
    """Runs what is due, again and again."""
    while run_tasks(story.service):
        pass
    return story


def assert_all_visited(service: Service) -> None:
    """No element of any process has been left out."""
    visited = {(visit.process_id, visit.element_id) for visit in service.query(c.ElementInstanceCriteria())}
    missed = [e.bpmn_element_id for e in service.query(c.ElementCriteria()) if (e.process_id, e.id) not in visited]
    assert missed == []


def test_an_order_is_packed_in_parallel_and_undone_where_it_cannot_be_paid(engine):
    packing = multi(collection="items", item="thing", outputs="boxes", output="box")
    model = flow(
        "s -> pack -> pay -> ship -> sent; bp; unpack; b -> back -> lost",
        pack=packing,
        bp=compensation("pack", "unpack"),
        unpack=undo(),
        b=boundary("pay", "error:NoMoney"),
        back=compensate("pack"),
    )
    story = Story.start(engine, model, variables=values(items=["cup", "pot"]))
    story.job_completes("pack", nth=1, element_variables=values(box=2)).job_completes(
        "pack", element_variables=values(box=1)
    )
    assert story.variables()["boxes"] == "[1,2]"
    story.job_completes("pay").job_completes("ship").is_completed()
    story = story.again(variables=values(items=["cup", "pot"])).job_completes("pack").job_completes("pack")
    story.job_completes("pay", error_code="NoMoney")
    undone = []
    for _ in range(2):
        undone.append(story.knows("unpack")["thing"])
        story.job_completes("unpack")
    assert undone == ['"pot"', '"cup"']
    story.is_completed()
    assert_all_visited(engine)


def test_a_claim_is_handled_whatever_happens_inside_of_it(engine):
    examining = sub(
        "s2 -> look -> e2; news; late; bad; ask",
        news=event_sub("m -> note -> en", m=start("message:news", interrupting=False)),
        late=event_sub("tm -> hurry -> eh", tm=start("timer:PT1H", interrupting=False)),
        bad=event_sub("er -> mend -> again", er=start("error:Bad"), again=end("error:Bad")),
        ask=event_sub("es -> talk -> et", es=start("escalation:Ask", interrupting=False)),
    )
    model = flow(
        "s -> claim -> e; gone; b -> lawyer -> el",
        claim=sub("s1 -> examine -> e1", examine=examining),
        gone=event_sub("g -> close -> eg", g=start("signal:gone")),
        b=boundary("claim", "error:Bad"),
    )
    story = Story.start(engine, model).job_completes("m", message_correlation_key="k")
    send(engine, "news")
    story.job_completes("look", escalation_code="Ask").tasks_run("DONE")
    story.clock_advances(hours=1)
    goes_on(story)
    assert sorted(job.bpmn_element_id for job in story.jobs()) == ["hurry", "look", "note", "talk"]
    story.job_completes("note").job_completes("hurry").job_completes("talk")
    story.job_completes("look").is_completed()

    story = story.again().job_completes("m", message_correlation_key="k2").job_completes("look", error_code="Bad")
    story.waits_at("mend").job_completes("mend")
    goes_on(story).waits_at("lawyer").job_completes("lawyer").is_completed()

    story = story.again().job_completes("m", message_correlation_key="k3")
    signal(engine, "gone")
    goes_on(story).waits_at("close").job_completes("close").is_completed()
    assert story.subscriptions() == []
    assert_all_visited(engine)


def test_an_onboarding_joins_what_was_chosen_or_left_at_a_boundary(engine):
    model = flow(
        "s -> fork -> desk, laptop, badge; desk -> join; laptop -> join; badge -> join; join -> welcome -> e; "
        "b -> borrow -> join; r -> remind -> er",
        fork=conditional(INCLUSIVE, default="badge", desk="desk", laptop="laptop"),
        join=INCLUSIVE,
        b=boundary("laptop", "error:OutOfStock"),
        r=boundary("desk", "timer:P1D", interrupting=False),
        welcome=USER,
    )
    story = Story.start(engine, model, definitions=ENGINE, variables=values(desk=True, laptop=True))
    story.waits_at("desk", "laptop").clock_advances(days=1)
    goes_on(story).job_completes("remind").job_completes("laptop", error_code="OutOfStock")
    story.job_completes("desk").waits_at("borrow", "join").job_completes("borrow").waits_at("welcome")
    story.user_task_updates(completed=True)
    story.is_completed()
    story = story.again(variables=values(desk=False, laptop=False)).job_completes("badge").waits_at("welcome")
    story.user_task_updates(completed=True)
    story.is_completed()
    story = story.again(variables=values(desk=True, laptop=True)).job_completes("laptop").job_completes("desk")
    story.waits_at("welcome")
    assert_all_visited(engine)


def test_an_approval_is_repeated_until_somebody_agrees(engine):
    model = flow(
        "s -> round -> g -> book, refuse; book -> e; refuse -> e2; b -> withdraw -> e3",
        round=loop(
            sub("s1 -> ask -> gr -> fine, change; fine -> e1; change -> e1", gr=EXCLUSIVE),
            condition="!agreed",
            maximum=3,
        ),
        g=conditional(EXCLUSIVE, default="refuse", book="agreed"),
        b=boundary("round", "message:withdrawn"),
    )
    story = Story.start(engine, model, definitions=ENGINE, variables=values(agreed=False))
    story.job_completes("b", message_correlation_key="k")
    for chosen in ("change", "fine"):
        story.job_completes("ask").job_completes("gr", exclusive_gateway_decision=chosen)
        story.job_completes(chosen, process_variables=values(agreed=chosen == "fine"))
    story.waits_at("book").job_completes("book").is_completed()
    assert [visit.loop_counter for visit in story.visits("round")] == [None, 1, 2]

    story = story.again(variables=values(agreed=False)).job_completes("b", message_correlation_key="k")
    for _ in range(3):
        story.job_completes("ask").job_completes("gr", exclusive_gateway_decision="change").job_completes("change")
    story.waits_at("refuse").job_completes("refuse").is_completed()

    story = story.again(variables=values(agreed=False)).job_completes("b", message_correlation_key="k")
    story.job_completes("ask")
    send(engine, "withdrawn")
    goes_on(story).waits_at("withdraw").job_completes("withdraw").is_completed()
    assert_all_visited(engine)


def test_a_subscription_lives_on_conditions(engine):
    model = flow(
        "s -> live -> e; w -> warn -> ew; x -> stop -> es",
        live=sub(
            "s1 -> run -> e1; low",
            low=event_sub("cl -> refill -> er", cl=start("conditional:stock < 2", interrupting=False)),
        ),
        w=boundary("live", "conditional:unpaid > 1", interrupting=False),
        x=boundary("live", "conditional:unpaid > 2"),
    )
    story = Story.start(engine, model, variables=values(stock=5, unpaid=0))
    set_values(story, stock=1).tasks_run("DONE")
    set_values(story, stock=0).tasks_run()
    story.job_completes("refill", process_variables=values(stock=9))
    set_values(story, unpaid=2).tasks_run("DONE").job_completes("warn")
    story.job_completes("run").is_completed()
    story = story.again(variables=values(stock=1, unpaid=3))
    goes_on(story)
    assert story.visit("live").state == "TERMINATED"
    story.job_completes("stop")
    assert_all_visited(engine)


def test_trips_are_booked_and_canceled_each_for_itself(engine):
    book = transaction(
        "s2 -> fork -> hotel, flight -> join -> g -> done, no; bh; bf; uh; uf",
        fork=PARALLEL,
        join=PARALLEL,
        g=EXCLUSIVE,
        no=end("cancel"),
        bh=compensation("hotel", "uh"),
        bf=compensation("flight", "uf"),
        uh=undo(),
        uf=undo(),
    )
    trip = sub(
        "s1 -> book -> e1; b -> sorry -> e3; h -> clerk -> e4",
        book=book,
        b=boundary("book", "cancel"),
        h=boundary("book", "error:Hazard"),
    )
    model = flow("s -> trip -> e", trip=multi(trip, cardinality="3"))
    story = Story.start(engine, model)
    for _ in range(3):
        story.job_completes("hotel").job_completes("flight")
    goes_on(story)
    story.job_completes("g", exclusive_gateway_decision="done")
    story.job_completes("g", exclusive_gateway_decision="no").job_completes("g", exclusive_gateway_decision="no")
    assert [job.bpmn_element_id for job in story.jobs()] == ["uf", "uf"]
    story.job_completes("uf").job_completes("uf", error_code="Hazard").job_completes("uh")
    assert [job.bpmn_element_id for job in story.jobs()] == ["clerk", "sorry"]
    story.job_completes("clerk").job_completes("sorry").is_completed()
    assert [visit.state for visit in story.visits("book")] == ["COMPLETED", "TERMINATED", "TERMINATED"]
    assert_all_visited(engine)


def test_a_case_is_worked_on_in_any_order_and_undone(engine):
    case = ad_hoc(
        "read; write -> check; ask; br; unread",
        br=compensation("read", "unread"),
        unread=undo(),
        ask=USER,
        condition="solved",
        cancels=False,
    )
    model = flow("s -> case -> g -> fine, wrong; fine -> e; wrong -> e2; b -> boss -> e3", case=case,
                 g=conditional(EXCLUSIVE, default="fine", wrong="undone"), wrong=compensate(),
                 b=boundary("case", "timer:P1D", interrupting=False))  # fmt: skip
    story = Story.start(engine, model, definitions=ENGINE, variables=values(solved=False, undone=True))
    story.job_completes("case", activities=("read", "write")).clock_advances(days=1)
    goes_on(story).job_completes("boss").job_completes("write").job_completes("case", activities=("check", "ask"))
    story.job_completes("read", element_variables=values(page=7)).user_task_updates(completed=True)
    story.job_completes("check", process_variables=values(solved=True))
    story.waits_at("wrong", "unread")
    assert story.knows("unread") == {"page": "7"}
    story.job_completes("unread").is_completed()
    story = story.again(variables=values(solved=True, undone=False)).job_completes("case", activities=("read",))
    story.job_completes("read").waits_at("fine").job_completes("fine").is_completed()
    assert_all_visited(engine)


def test_called_processes_fail_one_by_one(engine):
    deploy(engine, flow("s -> t -> g -> ok, bad", process="ch", g=EXCLUSIVE, bad=end("error:Bad")))
    model = flow(
        "s -> all -> e; b -> eb",
        all=multi(
            sub("s1 -> c -> e1; bad -> mend -> e2; x", c=call(), bad=boundary("c", "error:Bad"),
                x=event_sub("es -> skip -> ex", es=start("error:Skip"))),
            collection="names", item="name", sequential=True, condition="enough",
        ),
        b=boundary("all", "signal:stop"),
    )  # fmt: skip
    story = Story.start(engine, model, variables=values(names=["a", "b", "c", "d"]))
    story.job_completes("c", called_process=CALLED)
    story.called().job_completes("t").job_completes("g", exclusive_gateway_decision="ok").is_completed()
    story.job_completes("c").job_completes("all", condition_fulfilled=False)
    story.job_completes("c", called_process=CALLED)
    called = story.called().job_completes("t").job_completes("g", exclusive_gateway_decision="bad")
    goes_on(called).has_state("TERMINATED")
    story.waits_at("mend").job_completes("mend", error_code="Skip").job_completes("skip")
    story.job_completes("all", condition_fulfilled=False)
    story.job_completes("c", called_process=CALLED)
    called = story.called().job_completes("t").job_completes("g", exclusive_gateway_decision="bad")
    goes_on(called)
    story.job_completes("mend").job_completes("all", condition_fulfilled=True).is_completed()
    story = story.again(variables=values(names=["a"])).job_completes("c", called_process=CALLED)
    called = story.called()
    signal(engine, "stop")
    goes_on(story).is_completed()
    called.has_state("TERMINATED")
    assert_all_visited(engine)


def test_an_operator_mends_each_expression(engine):
    model = flow(
        "s -> t -> g -> a, b; a -> j; b -> j; j -> lp -> c -> e; x -> ex",
        t=multi(cardinality="size", condition="numberOfCompletedInstances >= stopAt"),
        g=conditional(EXCLUSIVE, default="b", a="way"),
        j=EXCLUSIVE,
        lp=loop(condition="more", maximum=2),
        c=catch("timer:PT1H"),
        x=boundary("lp", "error:E"),
    )
    story = Story.start(engine, model, definitions=ENGINE).waits_at("t")

    def mend(story: Story, **given: Any) -> Story:
        set_values(story, **given).incident_is_resolved().tasks_run("DONE")
        return story

    mend(story, size=3).job_completes("t").job_completes("t")
    mend(story, stopAt=2).waits_at("g")
    mend(story, way=True).waits_at("a").job_completes("a").job_completes("lp").waits_at("lp")
    mend(story, more=True).job_completes("lp").waits_at("c").clock_advances(hours=1)
    goes_on(story).is_completed()
    story = story.again(variables=values(size=0, way=False)).job_completes("b").job_completes("lp", error_code="E")
    story.is_completed()
    assert story.incidents() == []
    assert_all_visited(engine)


def test_an_auction_is_started_by_one_of_two_messages_and_sends_its_own(engine):
    model = flow(
        "g -> offer, wish; offer -> m; wish -> m; m -> tell -> wait -> paid, never; "
        "paid -> thank; never -> forget; heard",
        g=starting(),
        offer=receive("offer"),
        wish=receive("wish"),
        m=EXCLUSIVE,
        tell=send_task("told", "k9"),
        wait=EVENT_BASED,
        paid=catch("message:paid"),
        never=catch("timer:P1D"),
        thank=SERVICE,
        forget=SERVICE,
        heard=event_sub("h -> hear -> eh", h=start("message:told", interrupting=False)),
    )
    deploy(engine, model, expressions="ENGINE")
    for name in ("offer", "wish"):
        send(engine, name, "k1")
        run_tasks(engine)
    first, second = instances(engine)
    for story in (first, second):
        story.job_completes("h", message_correlation_key="k9")
        goes_on(story).job_completes("paid", message_correlation_key=f"p{story.id}")
    send(engine, "paid", f"p{first.id}")
    goes_on(first).job_completes("thank")
    second.clock_advances(days=1)
    goes_on(second).job_completes("forget")
    heard = [job for story in (first, second) for job in story.jobs("hear")]
    assert len(heard) == 2
    for story in (first, second):
        while story.jobs("hear"):
            story.job_completes("hear")
        story.is_completed()
    assert_all_visited(engine)


def test_three_reports_of_which_two_are_enough(engine):
    model = flow(
        "s -> f -> a, b, c -> g -> sum, alarm; sum -> e; alarm -> e2; k -> ka",
        f=PARALLEL,
        g=complex_gateway("activationCount >= 2", default="sum", alarm="danger && waitingForStart"),
        k=boundary("c", "escalation:Hm", interrupting=False),
    )
    story = Story.start(engine, model, definitions=ENGINE, variables=values(danger=False))
    story.job_completes("a").waits_at("b", "c", "g").job_completes("b").waits_at("c", "g", "sum")
    story.job_completes("c", escalation_code="Hm").job_completes("sum")
    story.job_completes("c")
    story.job_completes("sum").is_completed()
    story = story.again(variables=values(danger=True)).job_completes("c").job_completes("a").waits_at("b", "g", "alarm")
    story.suspends().job_completes("alarm").job_completes("b").resumes()
    story.job_completes("sum").is_completed()
    assert_all_visited(engine)


def test_pallets_are_filled_from_parcels(engine):
    model = flow(
        "s -> line -> e; b -> stop -> es",
        line=sub("s1 -> press -> fill -> x -> e1", press=EACH_FOUR, fill=OF_TWO, x=throw("escalation:Full")),
        b=boundary("line", "escalation:Full", interrupting=False),
    )
    story = Story.start(engine, model).job_completes("press").waits_at("fill", "fill")
    story.job_completes("fill")
    goes_on(story).suspends().job_completes("fill").resumes()
    goes_on(story).waits_at("stop", "stop").job_completes("stop").job_completes("stop").is_completed()
    assert_all_visited(engine)
