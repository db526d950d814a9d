"""The diagram of a process: a document that can be shown, and kept."""

from __future__ import annotations

import pytest

from app.bpmn.drawn import draws
from app.bpmn.kinds import ElementType
from app.bpmn.parser import find_process, parse
from tests.flow import flow, several
from tests.http.models import PARALLEL
from tests.http.talk import Api
from tests.models.stage import FILES

DRAWN = (FILES / "order.bpmn").read_text()


def test_a_process_without_a_drawing_is_drawn(api: Api):
    process = api.deploy(PARALLEL)
    answer = api.send("GET", f"/processes/{process['id']}/diagram")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/xml")
    found = find_process(parse(answer.body), "p")
    assert draws(answer.body, found)
    elements = {element["bpmnElementId"] for element in api.query("elements", processId=process["id"])}
    assert {element.id for element in found.elements()} == elements


def test_a_process_whose_events_have_several_definitions_is_drawn(api: Api):
    events = ("signal:A", "timer:PT1H", "conditional:x")
    process = api.deploy(flow("s -> c -> e", c=several("intermediateCatchEvent", *events, parallel=True)))
    found = find_process(parse(api.get(f"/processes/{process['id']}/diagram")), "p")
    (event,) = found.of_types({ElementType.PARALLEL_MULTIPLE_CATCH_EVENT})
    assert len(event.parts) == 3


def test_a_process_with_a_drawing_is_shown_as_it_was_drawn(api: Api):
    process = api.deploy(DRAWN, process="orderFulfilment")
    assert api.get(f"/processes/{process['id']}/diagram") == DRAWN


def test_a_diagram_is_text_in_utf_8_whatever_the_file_says(api: Api):
    said = DRAWN.replace('encoding="UTF-8"', "encoding='ISO-8859-1'", 1).replace("Order", "Órder")
    process = api.deploy(said, process="orderFulfilment")
    assert api.get(f"/processes/{process['id']}/diagram") == DRAWN.replace("Order", "Órder")


def test_a_diagram_need_not_be_asked_for_again(api: Api):
    first, second = (api.deploy(PARALLEL, process=process) for process in ("p",) for _ in range(2))
    path = f"/processes/{first['id']}/diagram"
    answer = api.send("GET", path)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    tag = answer.headers["ETag"]
    assert tag.startswith('"') and tag.endswith('"')
    assert api.send("GET", f"/processes/{second['id']}/diagram").headers["ETag"] == tag
    for known in (tag, f'"other", W/{tag}', "*"):
        again = api.send("GET", path, headers={"If-None-Match": known})
        assert (again.status, again.body, again.headers["ETag"]) == (304, "", tag)
        assert again.headers["Cache-Control"] == answer.headers["Cache-Control"]
        assert "Content-Type" not in again.headers
    for unknown in ('"other"', "", "\x7f", '"'):
        assert api.send("GET", path, headers={"If-None-Match": unknown}).body == answer.body
    other = api.deploy(PARALLEL.replace('id="a"', 'id="a" name="A"'), version="2")
    assert api.send("GET", f"/processes/{other['id']}/diagram").headers["ETag"] != tag


@pytest.mark.parametrize("id", [1, 2**31 - 1])
def test_a_process_that_does_not_exist_has_no_diagram(api: Api, id):
    assert api.send("GET", f"/processes/{id}/diagram").problem == (
        *(404, "NOT_FOUND", "failed to get process"),
        f"process {id} could not be found",
    )
