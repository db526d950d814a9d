"""Who may do what: each operation by each role, and by a credential that is bound to one of two processes.

Operations are found in the OpenAPI document, with the requests that it has as examples: one that is added is tested
without further ado, or fails here until it is said who may use it and what its address stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from app.api.examples import BODIES
from app.api.roles import RULES, Bound
from app.api.waiting import Parked
from app.caller import Role
from app.clock import ManualClock
from app.service import Service, open_service
from app.waiting import CAN_PARK, PARKED, RESUMED
from tests.conftest import application, configured
from tests.databases import Databases
from tests.http.dump import dump
from tests.http.talk import BASIC, Api, Nobody, key

MARK = "MARK"
"""In everything that belongs to the other process, and in no request."""
HOLDER = "holder"
"""The worker that has locked jobs of the other process."""


class Operation:
    """An operation of the document with one of its requests."""

    def __init__(self, name: str, method: str, path: str, media_type: str, body: Any) -> None:
        self.name = name
        self.method = method
        self.path = path
        self.media_type = media_type
        self.body = body


def operations() -> Iterator[Operation]:
    document = application(Nobody()).test_client().get("/openapi.json").get_json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method == "parameters" or "deprecated" in operation:
                continue
            contents = operation.get("requestBody", {}).get("content", {"": {"example": None}})
            for media_type, content in contents.items():
                named = content.get("examples", {"": {"value": content.get("example")}})
                for example in named.values():
                    yield Operation(operation["operationId"], method.upper(), path, media_type, example["value"])


OPERATIONS = list(operations())
NAMES = sorted({each.name for each in OPERATIONS})


@dataclass
class World:
    """A service with two processes: `mine`, and `other`, of which there is something of every kind."""

    url: str
    client: FlaskClient
    api: Api
    ids: dict[str, Any]
    credentials: dict[str, str]

    def send(self, who: str, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": self.credentials[who], **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)


@pytest.fixture(scope="module", params=[pytest.param(k, marks=getattr(pytest.mark, k)) for k in ("sqlite", "postgres")])
def world(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    with databases.fresh(request.param) as url:
        service = open_service(configured(url), ManualClock(Nobody().now()))
        client = application(service).test_client()
        yield built(url, client, service)
        service.close()


def built(url: str, client: FlaskClient, service: Service) -> World:
    api = Api(client)
    mine = deployed(api, "mine", "")
    other = deployed(api, "other", MARK)
    api.start("mine")
    marked = {
        "correlationKey": f"{MARK}-1",
        "tags": [{"name": "t", "value": MARK}],
        "variables": [{"name": f"{MARK}_a", "data": {"encoding": "json", "value": "1"}}],
    }
    ids = {"mine": mine["id"], "other": other["id"]}
    instance = api.start("other", **marked)
    jobs = {job["bpmnElementId"]: job for job in of_worker(api, other["id"])}
    api.complete(jobs[f"{MARK}pack"], workerId=HOLDER, error=f"{MARK} broke")
    api.complete(jobs[f"{MARK}payment"], workerId=HOLDER, completion={"messageCorrelationKey": "order-1"})
    (incident,) = api.query("incidents")
    held = jobs[f"{MARK}charge"]
    (user_task,) = api.query("user-tasks", processId=other["id"])
    # Another one, to which a message is on its way.
    api.start("other", **marked)
    waiting = {job["bpmnElementId"]: job for job in of_worker(api, other["id"])}
    api.complete(waiting[f"{MARK}payment"], workerId=HOLDER, completion={"messageCorrelationKey": "order-2"})
    api.post("/messages", name=f"{MARK}-paid", correlationKey="order-2", workerId="w1")
    tasks = [each for each in api.query("tasks") if each.get("processId") == other["id"]]
    timer = next(each for each in tasks if "Timer" in each.get("serializedTask", ""))
    ids |= {
        "processes": other["id"],
        "process-instances": key(instance),
        "element-instances": f"{held['partition']}/{held['elementInstanceId']}",
        "jobs": key(held),
        "incidents": key(incident),
        "user-tasks": key(user_task),
        "tasks": key(timer),
        "process-settings": "other",
        "day": instance["partition"],
        "instance": instance["id"],
        "job": held["id"],
        "visit": held["elementInstanceId"],
        "element": held["elementId"],
    }
    ids["api-keys"] = api.post("/api-keys", secretId="some", roles=["READER"], workerId="w1")["id"]
    credentials = {role.value: service.keys.create(role.value, roles=frozenset({role})) for role in Role}
    bound: dict[str, Any] = {"roles": frozenset(Role), "bpmn_process_ids": ("mine", "my*")}
    credentials["bound"] = service.keys.create("bound", may_deploy=True, **bound)
    credentials["elsewhere"] = service.keys.create("elsewhere", **bound | {"bpmn_process_ids": ("nowhere",)})
    credentials["sending"] = service.keys.create("sending", may_send=True, **bound)
    credentials["deploying"] = service.keys.create("deploying", roles=frozenset({Role.WORKER}), may_deploy=True)
    return World(url, client, api, ids, credentials)


def deployed(api: Api, process: str, mark: str) -> Any:
    xml = BODIES["createProcess"]["bpmnXml"].replace('process id="order"', f'process id="{process}"')
    if mark:
        for id in re.findall(r'<(?!process|message|signal|sequenceFlow)[a-zA-Z]+ id="(\w+)"', xml):
            xml = re.sub(rf'="{id}"', f'="{mark}{id}"', xml)
        xml = re.sub(' name="([A-Z])', rf' name="{mark} \1', xml)
        xml = xml.replace("order-paid", f"{mark}-paid").replace("restocked", f"{mark}-restocked")
    tags = [{"name": "t", "value": mark}] if mark else []
    return api.post("/processes", bpmnProcessId=process, bpmnXml=xml, version="1", tags=tags, workerId="w1")


def of_worker(api: Api, process_id: int) -> list[Any]:
    jobs: list[Any] = api.post("/jobs/lock", workerId=HOLDER, limit=100, processIds=[process_id])["jobs"]
    return jobs


# Roles


def test_for_every_operation_it_is_said_who_may_use_it():
    assert sorted(RULES) == NAMES


def malformed(operation: Operation) -> tuple[str, dict[str, Any]]:
    """A path and what goes with it that can't do anything: whether it is allowed is known before."""
    return re.sub("{.*?}", "!", operation.path), {"data": b"!", "headers": {"Content-Type": "application/json"}}


@pytest.mark.parametrize("role", Role)
def test_an_operation_is_refused_before_anything_is_looked_at_unless_the_role_allows_it(world: World, role: Role):
    for operation in {each.name: each for each in OPERATIONS}.values():
        path, options = malformed(operation)
        answer = world.send(role.value, operation.method, path, **options)
        if role in RULES[operation.name].roles:
            assert answer.status_code != 403, operation.name
            continue
        problem = answer.get_json()
        assert (answer.status_code, problem["type"]) == (403, "FORBIDDEN"), operation.name
        assert problem["detail"].startswith(f"{operation.name} needs the role "), problem


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("READER", "POST /jobs/query", "POST /jobs/lock"),
        ("READER", "POST /incidents/query", "PATCH /incidents/x/x/resolve"),
        ("READER", "GET /process-instances/x/x/variables", "PUT /process-instances/x/x/variables"),
        ("WORKER", "POST /jobs/lock", "PATCH /process-instances/x/x/cancel"),
        ("WORKER", "POST /process-instances", "POST /processes"),
        ("WORKER", "POST /messages", "POST /messages/query"),
        ("WORKER", "POST /events/signals", "POST /audit/query"),
        ("OPERATOR", "PATCH /process-instances/x/x/cancel", "POST /process-instances"),
        ("OPERATOR", "POST /jobs/unlock", "POST /jobs/complete"),
        ("OPERATOR", "PATCH /user-tasks/x/x", "POST /audit/query"),
        ("OPERATOR", "POST /tasks/query", "POST /tasks/execute"),
        ("ADMIN", "POST /processes", ""),
        ("ADMIN", "POST /api-keys", ""),
    ],
)
def test_roles_are_for_what_their_names_say(world: World, role: str, may: str, may_not: str):
    headers = {"Content-Type": "application/json"}
    method, path = may.split()
    assert world.send(role, method, path, data=b"!", headers=headers).status_code == 400
    if may_not:
        method, path = may_not.split()
        assert world.send(role, method, path, data=b"!", headers=headers).status_code == 403


def test_a_problem_names_all_roles_that_would_do(world: World):
    detail = world.send("READER", "POST", "/jobs/unlock").get_json()["detail"]
    assert detail == "unlockJobs needs the role WORKER, OPERATOR or ADMIN"
    assert world.send("WORKER", "POST", "/processes").get_json()["detail"] == (
        "createProcess needs the role ADMIN, or mayDeploy"
    )


def test_who_may_deploy_needs_no_role_for_it(world: World):
    assert world.send("deploying", "POST", "/processes", data=b"!").status_code == 400
    assert world.send("deploying", "POST", "/api-keys", data=b"!").status_code == 403


def test_paths_that_do_not_exist_are_the_same_for_everybody(world: World):
    assert world.send("READER", "GET", "/nope").status_code == 404
    assert world.send("READER", "GET", "/jobs/lock").status_code == 404


# Bound to processes


def about_the_other(value: Any, ids: dict[str, Any]) -> Any:
    """An example, changed so that it is about the other process."""
    if isinstance(value, list):
        return [about_the_other(each, ids) for each in value]
    if not isinstance(value, dict):
        return value
    instead = {
        "bpmnProcessId": "other",
        "bpmnProcessIds": ["other"],
        "elementId": ids["element"],
        "elementInstanceId": ids["visit"],
        "id": ids["job"],
        "partition": ids["day"],
        "processId": ids["other"],
        "processIds": [ids["other"]],
        "processInstanceId": ids["instance"],
        "tags": [],
        "workerId": HOLDER,
    }
    return {
        name: instead[name]
        if name in instead
        else each.replace('process id="order"', 'process id="other"')
        if name == "bpmnXml"
        else about_the_other(each, ids)
        for name, each in value.items()
    }


def request_about_the_other(world: World, operation: Operation) -> tuple[str, dict[str, Any]]:
    path, kind = operation.path, operation.path.split("/")[1]
    if "{" in path:
        assert kind in world.ids, f"say which row of the other process stands for the address in {path}"
        path = re.sub("{.*}", str(world.ids[kind]), path)
    if operation.name.startswith("delete"):
        path += f"?workerId={HOLDER}"
    if operation.body is None:
        return path, {}
    if "json" in operation.media_type:
        data = json.dumps(about_the_other(deepcopy(operation.body), world.ids))
        return path, {"data": data, "headers": {"Content-Type": "application/json"}}
    data = operation.body.replace('process id="order"', 'process id="other"')
    path += f"?workerId={HOLDER}"
    return path, {"data": data, "headers": {"Content-Type": operation.media_type}}


def values_of(answer: Any, name: str) -> Iterator[Any]:
    """The values of all properties of that name, wherever they are."""
    for each in answer if isinstance(answer, list) else answer.values() if isinstance(answer, dict) else ():
        yield from values_of(each, name)
    if isinstance(answer, dict) and name in answer:
        yield answer[name]


def require_nothing_of_the_other(world: World, name: str, answer: Any) -> None:
    text = answer.get_data(as_text=True)
    assert MARK not in text, (name, text)
    decoded = json.loads(text) if "json" in answer.headers.get("Content-Type", "") else None
    assert world.ids["other"] not in list(values_of(decoded, "processId")), (name, text)
    assert "other" not in list(values_of(decoded, "bpmnProcessId")), (name, text)


def stored(world: World) -> dict[str, list[Any]]:
    """Everything but what tells of the processes of the service."""
    return {table: rows for table, rows in dump(world.url).items() if table != "node"}


BOUND = [each for each in OPERATIONS if RULES.get(each.name) and RULES[each.name].bound is Bound.WITHIN]


def test_a_bound_credential_finds_nothing_of_other_processes_and_changes_nothing(world: World):
    before = stored(world)
    for operation in BOUND:
        path, options = request_about_the_other(world, operation)
        answer = world.send("bound", operation.method, path, **options)
        if operation.name.startswith("check"):
            continue
        require_nothing_of_the_other(world, operation.name, answer)
        if "{" in operation.path:
            assert answer.status_code == 404, (operation.name, answer.get_data(as_text=True))
        assert stored(world) == before, f"{operation.name} has changed something"
        if operation.path.endswith("/query"):
            assert answer.status_code == 200, operation.name


def test_queries_without_criteria_leave_other_processes_out(world: World):
    for operation in BOUND:
        if not (operation.path.endswith("/query") and operation.name in RULES):
            continue
        everything = world.client.post(operation.path, data="{}", headers=BASIC).get_json()["results"]
        for query in ("", "?order=id&limit=1&total=true"):
            answer = world.send("bound", "POST", operation.path + query, data="{}")
            require_nothing_of_the_other(world, operation.name, answer)
        if operation.name in ("queryProcesses", "queryJobs", "queryElements", "queryProcessInstances"):
            mine = world.send("bound", "POST", operation.path, data="{}").get_json()["results"]
            assert 0 < len(mine) < len(everything), operation.name
            assert answer.get_json()["total"] == len(mine)


def test_a_bound_credential_works_with_its_own_process(world: World):
    start = {"bpmnProcessId": "mine", "version": "1", "workerId": "w1"}
    instance = world.send("bound", "POST", "/process-instances", data=json.dumps(start)).get_json()
    assert instance["bpmnProcessId"] == "mine"
    lock = {"workerId": "w1", "limit": 100}
    jobs = world.send("bound", "POST", "/jobs/lock", data=json.dumps(lock)).get_json()["jobs"]
    assert {job["processId"] for job in jobs} == {world.ids["mine"]}
    job = next(job for job in jobs if job["processInstanceId"] == instance["id"])
    path = f"/jobs/{key(job)}/complete"
    assert world.send("bound", "PATCH", path, data='{"workerId": "w1", "error": "e"}').status_code == 200
    assert world.send("bound", "GET", f"/process-instances/{key(instance)}/variables").status_code == 200
    assert world.send("bound", "POST", "/jobs/unlock", data='{"workerId": "w1"}').get_json()["count"] == len(jobs) - 1
    unlocked = world.send("bound", "POST", "/jobs/unlock", data=json.dumps({"workerId": HOLDER})).get_json()
    assert unlocked["count"] == 0
    assert world.send("bound", "PATCH", f"/process-instances/{key(instance)}/cancel", data='{"workerId": "w1"}')


def test_a_bound_credential_sends_only_if_that_is_said(world: World):
    for operation in OPERATIONS:
        if RULES[operation.name].bound is Bound.SENDS:
            refused = world.send("bound", operation.method, operation.path, data=b"!").get_json()
            assert (refused["status"], refused["type"]) == (403, "FORBIDDEN")
            assert "maySend" in refused["detail"]
            assert world.send("sending", operation.method, operation.path, data=b"!").status_code == 400


def test_what_concerns_all_processes_is_not_for_a_bound_credential(world: World):
    for operation in OPERATIONS:
        if RULES[operation.name].bound is Bound.NEVER:
            refused = world.send("sending", operation.method, malformed(operation)[0], data=b"!")
            assert refused.status_code == 403, operation.name
            assert refused.get_json()["detail"].startswith(f"{operation.name} concerns all processes")


def test_a_bound_credential_deploys_its_own_processes_only(world: World):
    body = deepcopy(BODIES["createProcess"])
    refused = world.send("bound", "POST", "/processes", data=json.dumps(body)).get_json()
    assert (refused["status"], refused["type"]) == (403, "FORBIDDEN")
    assert "process order is none of those" in refused["detail"]
    checked = world.send("bound", "POST", "/processes/check", data=json.dumps({"bpmnXml": body["bpmnXml"]})).get_json()
    assert (checked["status"], checked["type"]) == (403, "FORBIDDEN")
    body |= {"bpmnProcessId": "my-order", "bpmnXml": body["bpmnXml"].replace('id="order"', 'id="my-order"')}
    assert world.send("bound", "POST", "/processes", data=json.dumps(body)).status_code == 201


def test_a_bound_worker_calls_what_it_could_start_and_what_the_model_calls(world: World):
    for process, called in (("my-free", ""), ("my-fixed", ' calledElement="other:1"')):
        xml = (
            '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL">'
            f'<process id="{process}" isExecutable="true"><startEvent id="s"/><callActivity id="c"{called}/>'
            '<endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="c"/>'
            '<sequenceFlow id="g" sourceRef="c" targetRef="e"/></process></definitions>'
        )
        world.api.deploy(xml, process=process)
        started = world.api.start(process)
        lock = {"workerId": "w1", "partition": started["partition"], "processInstanceId": started["id"]}
        (job,) = world.send("bound", "POST", "/jobs/lock", data=json.dumps(lock)).get_json()["jobs"]
        body: dict[str, Any] = {"workerId": "w1"}
        if not called:
            body["completion"] = {"calledProcess": {"bpmnProcessId": "other", "version": "1"}}
        done = world.send("bound", "PATCH", f"/jobs/{key(job)}/complete", data=json.dumps(body)).get_json()
        assert done["state"] == ("DONE" if called else "CAUSED_INCIDENT"), done
        path = f"/process-instances/{key(started)}/cancel"
        # What was called ends with it, whatever process it is of.
        assert world.send("bound", "PATCH", path, data='{"workerId": "w1"}').status_code == 204
        below = world.api.query("process-instances", rootId=started["id"], partition=started["partition"])
        assert {each["state"] for each in below} == {"CANCELED"}
        assert len(below) == (2 if called else 1)


def test_roles_of_the_basic_pair_count_as_well(world: World):
    service = world.client.application.extensions["bpmn"]
    before = service.config
    try:
        service.config = replace(before, basic_auth_roles=frozenset({Role.READER}))
        assert world.client.post("/jobs/lock", data="!", headers=BASIC).status_code == 403
        assert world.client.post("/jobs/query", data="{}", headers=BASIC).status_code == 200
    finally:
        service.config = before


def test_a_request_that_has_waited_goes_on_for_who_has_asked(world: World):
    """Its thread is another one, which knows of nobody."""
    headers = {"Authorization": world.credentials["elsewhere"]}

    def ask(**environ: Any) -> Parked:
        body = {"workerId": "waits", "limit": 100, "waitTimeout": "PT30S"}
        builder = EnvironBuilder("/jobs/lock", method="POST", data=json.dumps(body), headers=headers)
        found = builder.get_environ() | {CAN_PARK: True, **environ}
        assert list(world.client.application.wsgi_app(found, lambda *_: None)) == []
        parked: Parked = found[PARKED]
        return parked

    assert world.api.start("other")
    parked = ask()
    ask(**{RESUMED: parked}).waiter.abandon()
    assert of_worker(world.api, world.ids["other"])
