"""What is odd about a model is told to whoever deploys it, and to nobody else."""

from tests.flow import PARALLEL, SERVICE, flow
from tests.http.talk import Api

ODD = flow("s -> g -> t -> e; u -> e", g=PARALLEL, u=SERVICE)
WARNINGS = [
    {
        "pointer": "/p/u",
        "type": "unreachable",
        "detail": "no start event leads to element u: it is never executed (line 1)",
    },
    {
        "pointer": "/p/g",
        "type": "single-flow-gateway",
        "detail": "gateway g has one path in and out at most: it neither forks nor joins (line 1)",
    },
]


def test_warnings_are_answered_each_time_a_model_is_deployed(api: Api):
    first = api.deploy(ODD)
    assert first["warnings"] == WARNINGS
    assert api.deploy(ODD) == first


def test_warnings_are_left_out_where_there_are_none_and_in_queries(api: Api):
    assert "warnings" not in api.deploy(flow("s -> t -> e"))
    api.deploy(ODD, version="2")
    assert [set(process) & {"warnings"} for process in api.query("processes")] == [set(), set()]


def test_a_forbidden_connection_is_a_cause_with_the_pointer_of_its_flow(api: Api):
    model = flow("s -> t -> e; b -> eb").replace('<startEvent id="b">', '<startEvent id="b"><incoming>x</incoming>')
    model = model.replace('<serviceTask id="t">', '<serviceTask id="t"><outgoing>x</outgoing>')
    body = {"bpmnProcessId": "p", "bpmnXml": model, "version": "1", "workerId": "w"}
    answer = api.send("POST", "/processes", body, headers={"Content-Type": "application/json"})
    assert answer.problem[:2] == (422, "PROCESS_MODEL")
    assert {
        "pointer": "/p/x",
        "type": "sequence_flow",
        "detail": "sequence flow x must not lead into start event b (line 1)",
    } in answer.body["errors"]
