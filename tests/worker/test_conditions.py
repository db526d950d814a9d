"""Functions that decide about loops, numbers of instances and flows, against a service that runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from py_bpmn import Client, ConfigurationError
from py_bpmn.worker import BpmnError, Call, Completion, Job, Process, Result, Worker
from tests.flow import (
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    Kind,
    ad_hoc,
    conditional,
    end,
    event_sub,
    exclusive,
    flow,
    loop,
    multi,
    receive,
    start,
    sub,
)

LONG = timedelta(seconds=10)
MANY = flow(
    "s -> count -> again -> sort -> red, blue, all; x",
    process="many",
    count=multi(cardinality="= number", condition="= enough", outputs="doubled", output="result"),
    again=loop(condition="= more"),
    sort=conditional(SERVICE, default="red", blue="colour == 'blue'"),
    x=event_sub("problem -> note", problem=start("error:LOST"), note=SERVICE),
    all=end("error:LOST"),
)


def test_conditions_numbers_and_flows_are_decided_by_functions(bpmn: Client):
    process = Process("many", bpmn=MANY)
    expressions: list[str | None] = []
    performed: list[int] = []

    @process.cardinality("count")
    def number(job: Job, wanted: int) -> int:
        expressions.append(job.expression)
        return wanted

    @process.execute("count")
    def count(loop_counter: int) -> Result:
        return Result(element={"result": loop_counter * 2})

    @process.completion_condition("count")
    async def is_enough() -> bool:
        return False

    @process.execute("again")
    def again(loop_counter: int) -> None:
        performed.append(loop_counter)

    @process.loop_condition("again")
    def is_more() -> bool:
        return len(performed) < 3

    @process.execute("sort")
    def sort() -> None: ...

    @process.flows("sort")
    def colours(job: Job) -> list[str]:
        expressions.extend(decision.condition for decision in job.decisions)
        return ["blue"]

    @process.execute("note")
    def note(error_code: str) -> dict[str, Any]:
        return {"noted": error_code}

    with Worker(process, client=bpmn).running():
        found = bpmn.start("many", variables={"wanted": 2, "doubled": []}, wait=LONG, returns=["doubled", "noted"])
        assert (found.state, found.variables) == ("COMPLETED", {"doubled": [2, 4], "noted": "LOST"}), found.waiting()
    assert expressions == ["= number", None, "colour == 'blue'"]
    assert performed == [1, 2, 3]


def test_a_completion_says_all_of_it_too(bpmn: Client):
    process = Process("many", bpmn=MANY)
    answers = {
        "SET_LOOP_CARDINALITY": Completion(cardinality=0),
        "EVALUATE_LOOP_CONDITION": Completion(condition=False),
        "EVALUATE_OUTGOING_FLOWS": Completion(decision="blue"),
        "EXECUTE": Completion(),
    }

    def answer(job: Job) -> Completion:
        return answers[job.type]

    for element in ("count", "again", "sort", "note"):
        process.any(element)(answer)
    with Worker(process, client=bpmn).running():
        assert bpmn.start("many", wait=LONG).state == "COMPLETED"


def test_the_text_of_an_error_goes_along(bpmn: Client):
    process = Process(
        "lost",
        bpmn=flow("s -> t -> e; x", process="lost", x=event_sub("p -> note", p=start("error:LOST"), note=SERVICE)),
    )

    @process.execute("t")
    def lose() -> None:
        raise BpmnError("LOST", "none is left\0")

    @process.execute("note")
    def note(error_message: str) -> dict[str, Any]:
        return {"noted": error_message}

    with Worker(process, client=bpmn).running():
        assert bpmn.start("lost", wait=LONG, returns=["noted"]).variables == {"noted": "none is left\ufffd"}


def test_a_call_may_name_the_start_event(bpmn: Client):
    bpmn.deploy(
        flow("a -> t; b -> e", process="below", a=Kind("startEvent"), b=Kind("startEvent"), t=SERVICE),
        expressions="ENGINE",
    )
    process = Process("above", bpmn=flow("s -> c -> e", process="above", c=Kind("callActivity")))
    process.call("c")(lambda: Call("below", at="b"))
    with Worker(process, client=bpmn).running():
        assert bpmn.start("above", wait=LONG).state == "COMPLETED"


def mistakes(bpmn: Client, process: Process) -> list[str]:
    with pytest.raises(ConfigurationError) as raised, Worker(process, client=bpmn).running():
        pass
    return str(raised.value).splitlines()[1:]


def test_a_worker_knows_what_the_elements_of_a_process_ask_for(bpmn: Client):
    text = "s -> f -> m, l, r, n, g, w, j, k -> e; x; y"
    asking = {
        "f": PARALLEL,
        "m": multi(Kind("userTask"), collection="orders", item="order", condition="= enough"),
        "l": loop(Kind("manualTask"), maximum=3),
        "r": receive("paid"),
        "n": multi(sub("s2 -> e2"), cardinality="3"),
        "g": exclusive("e"),
        "w": loop(Kind("task")),
        "j": INCLUSIVE,
        "k": multi(Kind("userTask")),
        "x": event_sub("mx -> ex", mx=start("message:stop", interrupting=False)),
        "y": event_sub("ty -> ey", ty=start("timer", interrupting=False)),
    }
    process = Process("asking", bpmn=flow(text, process="asking", **asking))
    process.execute("m")(lambda: None)
    assert mistakes(bpmn, process) == [
        'asking: execute("m"): USER_TASK asks for completion_condition',
        'asking: nobody does m: @completion_condition("m") is missing',
        'asking: nobody does r: @correlation_key("r") is missing',
        'asking: nobody does w: @loop_condition("w") is missing',
        'asking: nobody does k: @cardinality("k") is missing',
        'asking: nobody does mx: @correlation_key("mx") is missing',
        'asking: nobody does ty: @timer("ty") is missing',
    ]


def test_what_the_engine_evaluates_need_not_be_done_by_anybody(bpmn: Client):
    model = flow(
        "s -> t -> g -> a, b; a -> c",
        process="evaluated",
        g=conditional(exclusive("b"), default="b", a="n > 1"),
        t=multi(cardinality="= n"),
        a=SERVICE,
        b=SERVICE,
        c=SERVICE,
    )
    process = Process("evaluated", bpmn=model, expressions="ENGINE")
    for element in "tabc":
        process.execute(element)(lambda: None)
    with Worker(process, client=bpmn).running():
        assert bpmn.start("evaluated", variables={"n": 2}, wait=LONG).state == "COMPLETED"
    process.loop_condition("t")(lambda: True)
    assert mistakes(bpmn, process) == ['evaluated: loop_condition("t"): SERVICE_TASK asks for execute and cardinality']


def test_a_worker_tells_that_the_version_was_deployed_for_workers_that_decide(bpmn: Client):
    model = flow("s -> g -> a, b", process="kept", g=conditional(exclusive("b"), default="b", a="n > 1"))
    version = bpmn.deploy(model).version
    assert mistakes(bpmn, Process("kept", bpmn=model, expressions="ENGINE")) == [
        'kept: nobody does g: @exclusive("g") is missing',
        f"kept: version {version} was deployed before with expressions WORKER, and keeps that; "
        "another version can have ENGINE",
    ]


def test_who_evaluates_is_one_of_two():
    with pytest.raises(ConfigurationError, match="expressions must be ENGINE or WORKER"):
        Process("p", expressions="engine")  # type: ignore[arg-type]


def test_activities_are_selected_until_it_is_complete(bpmn: Client):
    process = Process("picking", bpmn=flow("s -> choose -> e", process="picking", choose=ad_hoc("a; b -> c")))
    done: list[str] = []

    def perform(job: Job) -> None:
        done.append(job.element)

    for element in "abc":
        process.execute(element)(perform)

    @process.activities("choose")
    def choose() -> list[str] | bool:
        return ["a"] if not done else True

    with Worker(process, client=bpmn).running():
        assert bpmn.start("picking", wait=LONG).state == "COMPLETED"
    assert done == ["a"]
