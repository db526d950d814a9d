"""Of several things that are wrong with a request, which one is reported."""

from __future__ import annotations

import pytest

from tests.http.models import (
    EXCLUSIVE,
    MESSAGE_START,
    SERVICE,
    STRAIGHT,
    TIMER_START,
    USER_TASK,
    between,
    model,
)
from tests.http.talk import WORKER, Api, key, of

NO_SCOPE = [{"bpmnElementId": "nowhere", "name": "a"}]
UNKNOWN = "2026-11-23/2000000000"


@pytest.fixture
def instance(api: Api):
    api.deploy(SERVICE)
    return api.start()


class TestCompleteJob:
    """Every request names a scope that does not exist, which is looked at last."""

    def complete(self, api: Api, path_key: str, worker: str = "w1"):
        body = {"workerId": worker, "elementVariables": NO_SCOPE, "error": "boom"}
        return api.send("PATCH", f"/jobs/{path_key}/complete", body)

    @pytest.mark.parametrize(
        ("path_key", "body", "kind"),
        [
            ("x/x", b"", "HTTP_REQUEST_URI"),
            ("2026-11-23/0", b"", "VALIDATION"),
            (UNKNOWN, b"{}", "HTTP_REQUEST_BODY"),
        ],
    )
    def test_the_path_comes_before_the_body_and_the_body_before_the_job(self, api: Api, path_key, body, kind):
        assert api.send("PATCH", f"/jobs/{path_key}/complete", raw=body).problem[:2] == (400, kind)

    def test_an_unknown_job(self, api: Api):
        assert self.complete(api, UNKNOWN).problem == (
            404,
            "NOT_FOUND",
            "failed to complete job",
            f"job {UNKNOWN} could not be found",
        )

    def test_a_completed_job_even_for_another_worker(self, api: Api, instance):
        job = api.work(instance=instance)
        detail = f"job {key(job)} is completed"
        assert self.complete(api, key(job), "w2").problem == (409, "CONFLICT", "failed to complete job", detail)

    def test_a_job_that_nobody_holds(self, api: Api, instance):
        (job,) = api.query("jobs", **of(instance))
        detail = f"job {key(job)} is not locked"
        assert self.complete(api, key(job), "w2").problem == (409, "CONFLICT", "failed to complete job", detail)

    def test_a_job_that_another_worker_holds(self, api: Api, instance):
        job = api.lock()
        detail = f"job {key(job)} is not locked by worker w2, but w1"
        assert self.complete(api, key(job), "w2").problem == (409, "CONFLICT", "failed to complete job", detail)

    def test_an_unknown_scope(self, api: Api, instance):
        job = api.lock()
        name = f"{job['partition']}/{job['elementInstanceId']}"
        assert self.complete(api, key(job)).problem == (
            400,
            "VALIDATION",
            "failed to set element variables",
            f"element instance {name} has no such scopes [nowhere], but [p, work]",
        )

    def test_nothing_matters_once_the_element_instance_has_ended(self, api: Api, instance):
        job = api.lock()
        api.patch(f"/process-instances/{key(instance)}/cancel", **WORKER)
        answer = self.complete(api, key(job))
        assert (answer.status, answer.body["state"], "error" in answer.body) == (200, "CANCELED", False)


class TestSetElementVariables:
    def put(self, api: Api, path_key: str):
        variables = [*NO_SCOPE, {"bpmnElementId": "work", "name": "b"}]
        return api.send("PUT", f"/element-instances/{path_key}/variables", WORKER | {"variables": variables})

    def visit(self, api: Api, instance, element: str):
        (found,) = api.query("element-instances", **of(instance), bpmnElementId=element)
        return found

    def test_an_unknown_element_instance(self, api: Api):
        assert self.put(api, UNKNOWN).problem == (
            404,
            "NOT_FOUND",
            "failed to set element variables",
            f"element instance {UNKNOWN} could not be found",
        )

    def test_an_ended_process_instance(self, api: Api, instance):
        api.work(instance=instance)
        assert self.put(api, key(self.visit(api, instance, "work"))).problem == (
            409,
            "CONFLICT",
            "failed to set element variables",
            f"process instance {key(instance)} is ended",
        )

    def test_an_ended_element_instance(self, api: Api, instance):
        visit = self.visit(api, instance, "start")
        assert self.put(api, key(visit)).problem == (
            409,
            "CONFLICT",
            "failed to set element variables",
            f"element instance {key(visit)} is ended",
        )

    def test_an_unknown_scope(self, api: Api, instance):
        visit = self.visit(api, instance, "work")
        assert self.put(api, key(visit)).problem == (
            400,
            "VALIDATION",
            "failed to set element variables",
            f"element instance {key(visit)} has no such scopes [nowhere], but [p, work]",
        )

    @pytest.mark.parametrize("variables", [{}, {"variables": []}, {"variables": None}])
    def test_without_variables_existence_and_state_count_all_the_same(self, api: Api, instance, variables):
        ended, active = (self.visit(api, instance, element) for element in ("start", "work"))
        paths = [f"/element-instances/{path_key}/variables" for path_key in (UNKNOWN, key(ended), key(active))]
        assert [api.send("PUT", path, WORKER | variables).status for path in paths] == [404, 409, 204]


class TestSetProcessVariables:
    def test_an_unknown_instance_and_an_ended_one(self, api: Api, instance):
        api.work(instance=instance)
        unknown, ended = (
            api.send("PUT", f"/process-instances/{path_key}/variables", WORKER).problem
            for path_key in (UNKNOWN, key(instance))
        )
        title = "failed to set process variables"
        assert unknown == (404, "NOT_FOUND", title, f"process instance {UNKNOWN} could not be found")
        assert ended == (409, "CONFLICT", title, f"process instance {key(instance)} is ended")


class TestUpdateUserTask:
    TITLE = "failed to update user task"

    @pytest.fixture
    def user_task(self, api: Api):
        api.deploy(USER_TASK, errors=[{"bpmnElementId": "failed", "errorCode": "E42"}])
        api.start()
        (found,) = api.query("user-tasks")
        return found

    def update(self, api: Api, path_key: str, revision: int, **more):
        body = {"revision": revision, "elementVariables": NO_SCOPE} | WORKER | more
        return api.send("PATCH", f"/user-tasks/{path_key}", body)

    def test_an_unknown_user_task(self, api: Api):
        detail = f"user task {UNKNOWN} could not be found"
        problem = self.update(api, UNKNOWN, 7, completed=True, errorCode="x").problem
        assert problem == (404, "NOT_FOUND", self.TITLE, detail)

    def test_a_completed_one_before_its_revision(self, api: Api, user_task):
        api.patch(f"/user-tasks/{key(user_task)}", revision=1, completed=True, **WORKER)
        detail = f"user task {key(user_task)} is not in state STARTED, but COMPLETED"
        problem = self.update(api, key(user_task), 7, completed=True, errorCode="x").problem
        assert problem == (409, "CONFLICT", self.TITLE, detail)

    def test_the_revision_before_the_action(self, api: Api, user_task):
        detail = f"user task {key(user_task)} is not in revision 7, but 1"
        problem = self.update(api, key(user_task), 7, completed=True, errorCode="x").problem
        assert problem == (409, "CONFLICT", self.TITLE, detail)

    @pytest.mark.parametrize(
        "actions",
        [
            {"completed": True, "errorCode": "x"},
            {"completed": True, "escalationCode": "x"},
            {"errorCode": "x", "escalationCode": "y"},
        ],
    )
    def test_two_actions_before_the_scope(self, api: Api, user_task, actions):
        detail = "expected to either complete user task, throw error or escalate user task"
        assert self.update(api, key(user_task), 1, **actions).problem == (400, "VALIDATION", self.TITLE, detail)

    def test_the_scope_before_the_code(self, api: Api, user_task):
        problem = self.update(api, key(user_task), 1, errorCode="nope").problem
        assert problem[:3] == (400, "VALIDATION", "failed to set element variables")

    @pytest.mark.parametrize(
        ("action", "title", "detail"),
        [
            ("errorCode", "failed to throw BPMN error", "failed to find boundary event for error code nope"),
            (
                "escalationCode",
                "failed to escalate user task",
                "failed to find boundary event for escalation code nope",
            ),
        ],
    )
    def test_a_code_that_nothing_catches_comes_last(self, api: Api, user_task, action, title, detail):
        problem = self.update(api, key(user_task), 1, elementVariables=[], **{action: "nope"}).problem
        assert problem == (422, "EXECUTION", title, detail)
        assert api.query("user-tasks") == [user_task]


class TestResolveIncident:
    def test_an_unknown_incident_and_a_resolved_one(self, api: Api, instance):
        api.work(instance=instance, error="boom")
        (incident,) = api.query("incidents")
        path = f"/incidents/{key(incident)}/resolve"
        api.patch(path, **WORKER)
        title = "failed to resolve incident"
        assert api.send("PATCH", path, WORKER).problem == (
            409,
            "CONFLICT",
            title,
            f"incident {key(incident)} is resolved",
        )
        unknown = api.send("PATCH", f"/incidents/{UNKNOWN}/resolve", WORKER).problem
        assert unknown == (404, "NOT_FOUND", title, f"incident {UNKNOWN} could not be found")


class TestSuspendAndResume:
    @pytest.mark.parametrize(
        ("action", "wanted", "found"), [("suspend", "STARTED", "SUSPENDED"), ("resume", "SUSPENDED", "STARTED")]
    )
    def test_an_unknown_instance_and_one_in_another_state(self, api: Api, instance, action, wanted, found):
        api.patch(f"/process-instances/{key(instance)}/suspend", **WORKER)
        if action == "resume":
            api.patch(f"/process-instances/{key(instance)}/resume", **WORKER)
        title = f"failed to {action} process instance"
        assert api.send("PATCH", f"/process-instances/{key(instance)}/{action}", WORKER).problem == (
            409,
            "CONFLICT",
            title,
            f"process instance {key(instance)} is not in state {wanted}, but {found}",
        )
        unknown = api.send("PATCH", f"/process-instances/{UNKNOWN}/{action}", WORKER).problem
        assert unknown == (404, "NOT_FOUND", title, f"process instance {UNKNOWN} could not be found")


class TestCreateProcessInstance:
    def test_an_unknown_version_and_a_process_that_only_an_event_starts(self, api: Api):
        api.deploy(TIMER_START, timers=[{"bpmnElementId": "start", "timer": {"timeDuration": "PT1H"}}])
        unknown, unstartable = (
            api.send("POST", "/process-instances", {"bpmnProcessId": "p", "version": version} | WORKER).problem
            for version in ("2", "1")
        )
        assert unknown == (404, "NOT_FOUND", "failed to create process instance", "process p:2 could not be found")
        assert unstartable == (
            422,
            "PROCESS_MODEL",
            "failed to create execution",
            "scope p has no none start event",
        )


class TestCreateProcess:
    """Each request has all the faults that come later, too."""

    TITLE = "failed to create process"
    LATER = {"timers": [{"bpmnElementId": "work", "timer": {"timeDuration": "PT1H"}}]}  # noqa: RUF012 - never changed
    UNKNOWN = {"timers": [{"bpmnElementId": "nowhere", "timer": {"timeDuration": "PT1H"}}]}  # noqa: RUF012 - as above

    def create(self, api: Api, xml: str, process: str = "p", version: str = "1", **more):
        body = {"bpmnProcessId": process, "bpmnXml": xml, "version": version}
        return api.send("POST", "/processes", body | WORKER | more)

    def test_the_fields_before_the_xml(self, api: Api):
        answer = self.create(api, "abc", version="", parallelism=-1)
        assert answer.problem[:2] == (400, "HTTP_REQUEST_BODY")
        assert [error["pointer"] for error in answer.body["errors"]] == ["#/parallelism", "#/version"]

    def test_the_xml_before_the_process(self, api: Api):
        status, kind, title, detail = self.create(api, "abc", "nope").problem
        assert (status, kind, title) == (422, "PROCESS_MODEL", self.TITLE)
        assert detail.startswith("BPMN XML is invalid: ")

    def test_the_process_before_what_is_in_it(self, api: Api):
        xml = model('<startEvent id="start"/><startEvent id="other"/>')
        detail = "BPMN model has no process nope, but [p]"
        assert self.create(api, xml, "nope", **self.LATER).problem == (422, "PROCESS_MODEL", self.TITLE, detail)

    def test_the_model_before_the_definitions(self, api: Api):
        xml = model('<startEvent id="start"/><startEvent id="other"/><serviceTask id="work"/>', "start -> work")
        answer = self.create(api, xml, **self.LATER)
        assert answer.problem == (422, "PROCESS_MODEL", self.TITLE, "BPMN process is invalid")
        assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [("/p", "process")]

    def test_definitions_that_do_not_fit_before_a_version_that_is_taken(self, api: Api):
        api.deploy(STRAIGHT)
        both = {"timers": self.LATER["timers"] + self.UNKNOWN["timers"]}
        answer = self.create(api, SERVICE, **both)
        assert answer.problem == (400, "VALIDATION", self.TITLE, "invalid or missing event definitions")
        assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [("/p/work", "timer_event")]

    def test_a_version_that_is_taken_before_definitions_of_unknown_elements(self, api: Api):
        api.deploy(STRAIGHT)
        detail = "process p:1 already exists with a different BPMN XML"
        assert self.create(api, SERVICE, **self.UNKNOWN).problem == (409, "CONFLICT", self.TITLE, detail)

    def test_the_same_xml_is_answered_with_what_is_there(self, api: Api):
        process = api.deploy(SERVICE, tags=[{"name": "x", "value": "y"}])
        answer = self.create(api, SERVICE, **self.UNKNOWN, parallelism=9, tags=[{"name": "other", "value": "z"}])
        assert (answer.status, answer.body) == (201, process)
        assert api.query("processes") == [process]

    def test_definitions_of_unknown_elements_come_last(self, api: Api):
        answer = self.create(api, SERVICE, **self.UNKNOWN)
        assert answer.problem == (400, "VALIDATION", self.TITLE, "invalid or missing event definitions")
        assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [("/p", "timer_event")]

    def test_a_message_starts_one_process_only(self, api: Api):
        messages = [{"bpmnElementId": "start", "messageName": "order"}]
        api.deploy(MESSAGE_START, messages=messages)
        answer = self.create(api, MESSAGE_START.replace('process id="p"', 'process id="q"'), "q", messages=messages)
        assert answer.problem == (400, "VALIDATION", self.TITLE, "invalid or missing event definitions")
        assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [("/q/start", "message_event")]

    def test_a_start_timer_without_a_next_point_in_time(self, api: Api):
        timer = {"bpmnElementId": "start", "timer": {"timeCycle": "0 0 1 1 * 2020"}}
        answer = self.create(api, TIMER_START, timers=[timer])
        assert answer.problem == (400, "VALIDATION", self.TITLE, "invalid or missing event definitions")
        assert [(error["pointer"], error["type"]) for error in answer.body["errors"]] == [("/p/start", "timer_event")]

    def test_every_kind_of_definition_that_does_not_fit_is_named(self, api: Api):
        definitions = {
            "timers": [{"bpmnElementId": "work", "timer": {"timeDuration": "PT1H"}}],
            "errors": [{"bpmnElementId": "start"}],
            "escalations": [{"bpmnElementId": "start"}],
            "messages": [{"bpmnElementId": "start", "messageName": "m"}],
            "signals": [{"bpmnElementId": "start", "signalName": "s"}],
        }
        errors = self.create(api, SERVICE, **definitions).body["errors"]
        assert [(error["pointer"], error["type"], error["detail"]) for error in errors] == [
            ("/p/start", "error_event", "element start is not an error event"),
            ("/p/start", "escalation_event", "element start is not an escalation event"),
            ("/p/start", "message_event", "element start is not a message event"),
            ("/p/start", "signal_event", "element start is not a signal event"),
            ("/p/work", "timer_event", "element work is not a timer event"),
        ]

    def test_a_start_event_without_a_definition_is_named(self, api: Api):
        errors = self.create(api, TIMER_START).body["errors"]
        assert [(error["pointer"], error["type"], error["detail"]) for error in errors] == [
            ("/p/start", "timer_event", "no timer defined for BPMN element start")
        ]


class TestSetTime:
    TITLE = "failed to set time"

    def test_nothing_specified(self, api: Api):
        detail = "must specify a time, time cycle or time duration"
        answer = api.send("PATCH", "/time", {"time": None, "timeDuration": None})
        assert answer.problem == (400, "VALIDATION", self.TITLE, detail)

    def test_a_time_in_the_past(self, api: Api):
        detail = "time 2025-05-08T17:43:56Z is before engine time 2026-11-23T1"
        status, kind, title, found = api.send("PATCH", "/time", {"time": "2025-05-08T17:43:56.999Z"}).problem
        assert (status, kind, title, found[: len(detail)]) == (409, "CONFLICT", self.TITLE, detail)


class TestSendMessage:
    TITLE = "failed to evaluate expiration timer"

    @pytest.mark.parametrize(
        "timer", [{}, {"timeDuration": None}, {"timeCycle": "0 0 1 1 * 2020"}, {"timeDuration": "P9999Y"}]
    )
    def test_an_expiration_timer_without_a_point_in_time(self, api: Api, timer):
        body = {"name": "n", "correlationKey": "k", "expirationTimer": timer} | WORKER
        assert api.send("POST", "/messages", body).problem[:3] == (400, "VALIDATION", self.TITLE)
        assert api.query("messages") == []


class TestUnusableCompletions:
    """They are answered by 200, and the job says what is wrong."""

    @pytest.mark.parametrize(
        ("xml", "completion", "error"),
        [
            (
                SERVICE,
                {"errorCode": "E1"},
                "EXECUTION: failed to throw BPMN error: failed to find boundary event for error code E1",
            ),
            (
                SERVICE,
                {"escalationCode": "y"},
                "EXECUTION: failed to escalate job: failed to find boundary event for escalation code y",
            ),
            (SERVICE, {"errorCode": "E1", "escalationCode": "y"}, "expected error code or escalation code to be set"),
            (
                EXCLUSIVE,
                None,
                "expected an exclusive gateway decision; possible: left (flow fork-left), right (flow fork-right)",
            ),
            (
                EXCLUSIVE,
                {"exclusiveGatewayDecision": "nope"},
                "element fork has no outgoing sequence flow to nope; "
                "possible: left (flow fork-left), right (flow fork-right)",
            ),
            (between('<callActivity id="call"/>', "call"), None, "expected a called process"),
            (
                between('<callActivity id="call"/>', "call"),
                {"calledProcess": {"bpmnProcessId": "nope", "version": "1"}},
                "NOT_FOUND: failed to create process instance: process nope:1 could not be found",
            ),
        ],
    )
    def test_the_job_fails(self, api: Api, xml, completion, error):
        api.deploy(xml)
        job = api.work(instance=api.start(), completion=completion)
        assert (job["state"], job["error"]) == ("CAUSED_INCIDENT", error)
        (incident,) = api.query("incidents")
        assert incident["jobId"] == job["id"]
