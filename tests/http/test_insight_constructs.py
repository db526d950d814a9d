"""What instances of loops, event sub-processes, joins and token quantities wait for, and how their visits count."""

from __future__ import annotations

from typing import Any

from tests.flow import (
    INCLUSIVE,
    PARALLEL,
    SERVICE,
    USER,
    Kind,
    ad_hoc,
    boundary,
    complex_gateway,
    event_sub,
    exclusive,
    flow,
    inclusive,
    loop,
    multi,
    start,
    sub,
)
from tests.http.talk import WORKER, Api, key, of


def waiting(api: Api, instance: Any) -> list[Any]:
    found: list[Any] = api.get(f"/process-instances/{key(instance)}/waiting")["results"]
    return found


def shown(entries: list[Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(entry.get(name) for name in ("bpmnElementId", "kind", *names)) for entry in entries]


def job_of(api: Api, instance: Any, element: str) -> Any:
    return api.lock(bpmnElementIds=[element], **of(instance))


def test_instances_inside_of_a_body_are_told_by_their_numbers_and_events_with_the_body(api: Api):
    api.deploy(
        flow(
            "s -> t -> e; b -> e",
            t=multi(cardinality="= size", condition="= enough"),
            b=boundary("t", "timer:PT1H"),
        )
    )
    instance = api.start()
    (entry,) = waiting(api, instance)
    assert shown([entry], "jobType", "multiInstance") == [("t", "JOB", "SET_LOOP_CARDINALITY", True)]
    assert shown(entry["also"]) == [("b", "TIMER")]
    api.work(instance=instance, completion={"loopCardinality": 3})
    first, *_ = api.post("/jobs/lock", limit=10, **WORKER, **of(instance))["jobs"]
    api.complete(first)
    found = waiting(api, instance)
    assert shown(found, "jobType", "multiInstance", "loopCounter") == [
        ("t", "JOB", "EVALUATE_COMPLETION_CONDITION", True, None),
        ("t", "JOB", "EXECUTE", None, 2),
        ("t", "JOB", "EXECUTE", None, 3),
    ]
    assert shown(found[0]["also"]) == [("b", "TIMER")]


def test_what_has_something_inside_does_not_wait_itself_when_it_is_suspended(api: Api):
    api.deploy(
        flow(
            "s -> f -> m, l, n -> e; x",
            f=PARALLEL,
            m=multi(cardinality="2"),
            l=loop(maximum=2),
            n=multi(sub("s2 -> u -> e2", u=USER), cardinality="1"),
            x=event_sub("a -> e3", a=start("signal:alarm")),
        )
    )
    instance = api.start()
    api.patch(f"/process-instances/{key(instance)}/suspend", **WORKER)
    root, *others = waiting(api, instance)
    assert shown([root, *root["also"]]) == [("p", "SUSPENDED"), ("a", "SIGNAL")]
    assert sorted(shown(others, "loopCounter"), key=str) == [
        ("l", "JOB", 1),
        ("m", "JOB", 1),
        ("m", "JOB", 2),
        ("u", "USER_TASK", None),
    ]


def test_start_events_of_event_sub_processes_wait_with_their_scope(api: Api):
    inside = {"x": event_sub("m -> u -> ex", m=start("message:paid", interrupting=False), u=SERVICE)}
    api.deploy(
        flow("s -> t -> e; y", t=sub("s2 -> w -> e2; x", **inside), y=event_sub("a -> e3", a=start("timer:PT1H")))
    )
    instance = api.start()
    assert shown(waiting(api, instance), "jobType") == [
        ("a", "TIMER", None),
        ("m", "JOB", "SET_MESSAGE_CORRELATION_KEY"),
    ]
    api.complete(job_of(api, instance, "m"), completion={"messageCorrelationKey": "k"})
    assert shown(waiting(api, instance), "name") == [("a", "TIMER", None), ("m", "MESSAGE", "paid"), ("w", "JOB", None)]
    api.post("/messages", name="paid", correlationKey="k", **WORKER)
    api.execute_tasks()
    assert sorted(shown(waiting(api, instance))) == [("a", "TIMER"), ("m", "MESSAGE"), ("u", "JOB"), ("w", "JOB")]
    places = api.post("/process-instances/query?waiting=true", id=instance["id"])["results"][0]["waitingAt"]
    assert places == ["u", "w"]


def test_an_inclusive_join_waits_for_what_can_still_come(api: Api):
    api.deploy(flow("s -> g -> a, b, c -> j -> e", g=inclusive("a"), j=INCLUSIVE))
    instance = api.start()
    api.work(instance=instance, completion={"inclusiveGatewayDecision": ["b"]})
    api.complete(job_of(api, instance, "a"))
    assert shown(waiting(api, instance), "missing") == [("b", "JOB", None), ("j", "JOIN", ["b"])]


def test_an_inclusive_join_that_forks_waits_for_its_decision(api: Api):
    api.deploy(flow("s -> f -> a, b -> j -> c, d", f=PARALLEL, j=INCLUSIVE))
    instance = api.start()
    api.complete(job_of(api, instance, "b"))
    assert shown(waiting(api, instance), "missing") == [("a", "JOB", None), ("j", "JOIN", ["a"])]
    api.complete(job_of(api, instance, "a"))
    assert shown(waiting(api, instance), "jobType") == [("j", "JOB", "EVALUATE_INCLUSIVE_GATEWAY")]


def test_a_complex_gateway_that_has_gone_on_waits_for_what_can_come_late(api: Api):
    gateway = complex_gateway("enough")
    api.deploy(flow("s -> f -> a, b -> g -> t -> e", f=PARALLEL, g=gateway))
    instance = api.start()
    api.complete(job_of(api, instance, "a"))
    job = job_of(api, instance, "g")
    assert (job["type"], job["expression"]) == ("EVALUATE_ACTIVATION_CONDITION", "enough")
    api.complete(job, completion={"conditionFulfilled": True})
    assert shown(waiting(api, instance), "missing") == [("b", "JOB", None), ("g", "JOIN", ["b"]), ("t", "JOB", None)]


def test_an_ad_hoc_sub_process_waits_for_a_selection(api: Api):
    api.deploy(flow("s -> ah -> e", ah=ad_hoc("a; b", condition="enough")))
    instance = api.start()
    assert shown(waiting(api, instance), "jobType") == [("ah", "JOB", "SELECT_ACTIVITIES")]
    assert job_of(api, instance, "ah")["expression"] == "enough"


def test_tokens_in_an_ad_hoc_sub_process_wait_until_their_activity_is_selected(api: Api):
    api.deploy(flow("s -> ah -> e", ah=ad_hoc("a -> b; c")))
    instance = api.start()
    api.complete(job_of(api, instance, "ah"), completion={"activities": ["a", "c"]})
    api.complete(job_of(api, instance, "a"))
    assert shown(waiting(api, instance)) == [("ah", "JOB"), ("c", "JOB"), ("b", "SELECTION")]


def test_a_parallel_join_counts_flows_and_not_where_they_come_from(api: Api):
    api.deploy(flow("s -> f -> x, b; x -> j; x -> y -> j; b -> j -> e", f=PARALLEL, x=exclusive("j"), j=PARALLEL))
    instance = api.start()
    job = job_of(api, instance, "x")
    api.complete(job, completion={"exclusiveGatewayDecision": "j"})
    api.execute_tasks()
    assert shown(waiting(api, instance), "missing") == [("b", "JOB", None), ("j", "JOIN", ["y", "b"])]


def test_tokens_wait_until_an_activity_has_as_many_as_it_needs(api: Api):
    api.deploy(flow("s -> f -> a, b; a, b -> t -> e", f=PARALLEL, t=Kind("serviceTask", ' startQuantity="2"')))
    instance = api.start()
    api.complete(job_of(api, instance, "a"))
    assert shown(waiting(api, instance), "missing") == [("b", "JOB", None), ("t", "JOIN", None)]
    api.complete(job_of(api, instance, "b"))
    assert shown(waiting(api, instance)) == [("t", "JOB")]


def test_events_that_wait_meanwhile_count_as_nothing_active(api: Api):
    process = api.deploy(
        flow("s -> t -> e; x", t=multi(cardinality="2"), x=event_sub("a -> u -> e3", a=start("signal:alarm")))
    )
    instance = api.start()
    counted = api.post("/processes/statistics?flows=true", processIds=[process["id"]])
    assert {each["bpmnElementId"]: each["active"] for each in counted["results"]} == {"p": 1, "s": 0, "t": 3, "a": 0}
    assert [(flow["from"], flow["to"], flow["count"]) for flow in counted["flows"]] == [("s", "t", 1)]
    assert instance["state"] == "STARTED"
