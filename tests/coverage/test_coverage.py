"""What a test run has gone through, from what the service answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.bpmn.diagram import diagram
from py_bpmn.testing.coverage import Coverage, CoverageError, Covered, Model, Share, from_json, merged, to_json
from py_bpmn.testing.report import pages, table, write_pages
from tests.bpmn.build import BPMN, bpmn
from tests.bpmn.test_advice import path

GOLDEN = Path(__file__).parent / "table.txt"
BODY = (
    '<startEvent id="start"/><exclusiveGateway id="in-stock" name="In stock?"/>'
    '<userTask id="pack" name="Pack &lt;it&gt;"/><serviceTask id="reorder"/><endEvent id="end"/>'
    '<boundaryEvent id="late" attachedToRef="pack" cancelActivity="false"><timerEventDefinition/></boundaryEvent>'
    '<sendTask id="remind"/><endEvent id="reminded"/><eventBasedGateway id="wait"/>'
    '<intermediateCatchEvent id="came"><timerEventDefinition/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="lost"><timerEventDefinition/></intermediateCatchEvent>'
    + path("start", "in-stock", "pack", "end")
    + path("in-stock", "reorder", "wait", "came", "end")
    + path("wait", "lost", "end")
    + path("late", "remind", "reminded")
)
ORDER = Model("p", diagram(bpmn(BODY), "p"))
OTHER = Model("p", diagram(bpmn('<startEvent id="start"/><endEvent id="end"/>' + path("start", "end")), "p"))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Visit:
    """What coverage looks at of an element instance."""

    bpmn_element_id: str
    prev_bpmn_element_id: str | None = None
    state: str = "COMPLETED"
    started_at: datetime | None = NOW
    loop_counter: int | None = None


def walk(*ids):
    """Visits of elements one after the other."""
    return [Visit(id, before) for before, id in zip((None, *ids), ids, strict=False)]


def covered(*visits, test=""):
    found = Covered(ORDER)
    found.add(visits, test)
    return found


PACKED = [*walk("start", "in-stock", "pack", "end"), Visit("late", "pack", "TERMINATED")]


def test_elements_and_flows_of_the_diagram_count():
    assert list(ORDER.elements) == [
        *("start", "in-stock", "pack", "reorder", "end", "late", "remind", "reminded", "wait", "came", "lost")
    ]
    assert len(ORDER.flows) == 11


def test_flows_that_another_process_of_the_file_draws_count():
    flows = path("a", "b")
    # What a tool keeps of its own there is none of the ends.
    task = '<task id="c"><extensionElements><x:of-a-tool xmlns:x="urn:of-a-tool" id="a"/></extensionElements></task>'
    xml = bpmn('<startEvent id="a"/><endEvent id="b"/>', tail=f'<process id="q">{task}{flows}</process>')
    assert list(Model("p", xml).flows) == list(Model("p", bpmn('<startEvent id="a"/><endEvent id="b"/>' + flows)).flows)


def test_flows_without_ids_count():
    flows = "".join(f'<sequenceFlow sourceRef="a" targetRef="{target}"/>' for target in "bc")
    model = Model("p", bpmn('<task id="a"/><endEvent id="b"/><endEvent id="c"/>' + flows))
    assert [str(flow) for flow in model.flows.values()] == ["a -> b", "a -> c"]


def test_attributes_that_repeat_the_namespace_in_a_prefix_are_read():
    plain = bpmn('<startEvent id="a"/><endEvent id="b"/>' + path("a", "b"))
    prefixed = plain.replace("<definitions", f'<definitions xmlns:q="{BPMN}"')
    for name in ("id", "sourceRef", "targetRef"):
        prefixed = prefixed.replace(f" {name}=", f" q:{name}=")
    assert (Model("p", prefixed).elements, Model("p", prefixed).flows) == (
        Model("p", plain).elements,
        Model("p", plain).flows,
    )


def test_elements_that_were_visited_and_flows_between_them_are_covered():
    found = covered(*PACKED)
    assert (found.elements, found.flows) == (Share(4, 11), Share(3, 11))
    assert found.visits == {"start": 1, "in-stock": 1, "pack": 1, "end": 1}
    assert [str(flow) for flow in found.missed_flows][:2] == ["in-stock -> reorder", "reorder -> wait"]


def test_a_boundary_event_is_visited_when_it_has_happened():
    assert [count for _, count in covered(*PACKED).boundary_events] == [0]
    found = covered(*PACKED, Visit("late", "pack"), Visit("late", "pack", "STARTED"))
    assert [(event.id, event.host, count) for event, count in found.boundary_events] == [("late", "pack", 1)]


def test_of_the_events_behind_an_event_based_gateway_the_one_counts_that_has_happened():
    found = covered(*walk("reorder", "wait", "came"), Visit("lost", "wait", "TERMINATED"))
    assert "lost" not in found.visits
    outcomes = {gateway.id: {flow.target: count for flow, count in flows} for gateway, flows in found.outcomes}
    assert outcomes == {"in-stock": {"pack": 0, "reorder": 0}, "wait": {"came": 1, "lost": 0}}


def test_an_element_that_was_reached_and_not_begun_is_not_visited():
    found = covered(Visit("pack", "in-stock", "QUEUED", None))
    assert (found.elements.covered, found.flows.covered) == (0, 1)


def test_what_is_not_in_the_diagram_does_not_count():
    assert covered(Visit("p"), Visit("elsewhere", "start")).visits == {}


@pytest.mark.parametrize(
    ("visits", "missing"),
    [
        ([], ["start"]),
        (PACKED, ["in-stock -> reorder", "late"]),
        ([*PACKED, *walk("in-stock", "reorder", "wait", "came", "end")], ["wait -> lost", "late"]),
        ([*PACKED, *walk("in-stock", "reorder"), Visit("late", "pack")], ["reorder -> wait", "late -> remind"]),
    ],
)
def test_what_is_missing_is_told_by_where_tests_have_not_gone_on(visits, missing):
    assert covered(*visits).missing == missing


def test_a_circle_that_nothing_leads_to_is_missing_as_a_whole():
    model = Model("p", diagram(bpmn('<task id="a"/><task id="b"/>' + path("a", "b", "a")), "p"))
    assert Covered(model).missing == ["a -> b", "b -> a"]


def coverage(*runs):
    found = Coverage()
    for test, visits in runs:
        found.add(ORDER, visits, test)
    return found


def test_tests_are_told_by_what_they_go_through():
    found = coverage(("a", PACKED), ("b", walk("start", "in-stock", "reorder")), ("a", walk("start")))
    (process,) = found
    assert {test for test, ids in process.tests.items() if "reorder" in ids} == {"b"}
    assert process.visits["start"] == 3


def test_reports_are_written_and_read_and_merged():
    one, other = coverage(("a", PACKED)), coverage(("b", walk("start", "in-stock", "reorder")))
    other.of(OTHER)
    assert to_json(from_json(to_json(one))) == to_json(one)
    together = merged([to_json(one), to_json(other)])
    expected = coverage(("a", PACKED), ("b", walk("start", "in-stock", "reorder")))
    expected.of(OTHER)
    assert to_json(together) == to_json(expected)
    assert (together.elements, together.flows) == (Share(5, 13), Share(4, 12))


def test_a_report_tells_programs_all_that_it_knows():
    report = json.loads(to_json(coverage(("a", PACKED))))
    assert report["total"]["flows"] == {"covered": 3, "all": 11, "percent": 27}
    (process,) = report["processes"]
    assert process["bpmnProcessId"] == "p"
    assert {"id": "pack", "tag": "userTask", "visits": 1} in process["elements"]
    assert process["boundaryEvents"] == [{"id": "late", "attachedTo": "pack", "happened": 0}]
    assert [gateway["id"] for gateway in process["gateways"]] == ["in-stock", "wait"]
    assert process["tests"]["a"] == sorted(
        ["start", "in-stock", "pack", "end", "startin-stock", "in-stockpack", "packend"]
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "processes": [{}]}', '{"format": 1}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(CoverageError):
        from_json(text)


@pytest.mark.parametrize("xml", ["<a", "<a/>", bpmn("")])
def test_a_diagram_without_the_process_is_refused(xml):
    with pytest.raises(CoverageError):
        Model("q", xml)


@pytest.mark.parametrize(
    ("required", "shortfall"),
    [(0, ""), (27.2, ""), (27.3, "required 27.3 % of flows"), (90, "required 90 % of elements and flows")],
)
def test_what_is_required_and_not_reached_is_told(required, shortfall):
    assert coverage(("a", PACKED)).shortfall(required) == shortfall


def test_shares_are_rounded_down_so_that_100_is_all():
    assert [Share(999, 1000).percent, Share(1000, 1000).percent, Share(0, 0).percent] == [99, 100, 100]


def test_the_table_is_as_it_was():
    found = coverage(("a", PACKED))
    found.add(Model("shipping", OTHER.diagram.replace('"p"', '"shipping"')), walk("start", "end"))
    assert table(found, 90) == GOLDEN.read_text()
    assert "FAIL" not in table(found)


def test_the_table_tells_models_apart_that_have_the_same_id():
    found = coverage(("a", PACKED))
    found.of(OTHER)
    assert f"p ({OTHER.digest})" in table(found)


def test_the_pages_have_the_diagram_and_the_tests_and_nothing_from_elsewhere(tmp_path):
    found = coverage(("tests/test_<order>.py::test_packed", PACKED))
    assert write_pages(found, tmp_path / "report", 90) == tmp_path / "report" / "index.html"
    written = {file.name: file.read_text() for file in (tmp_path / "report").iterdir()}
    assert written == pages(found, 90)
    assert 'href="p.html"' in written["index.html"]
    assert "FAIL: required 90 % of elements and flows" in written["index.html"]
    page = written["p.html"]
    assert 'class="taken" data-element-id="packend"' in page
    assert 'class="missed" data-element-id="remind"' in page
    assert "tests/test_&lt;order&gt;.py::test_packed" in page
    assert "Pack &lt;it&gt;" in page
    for text in written.values():
        assert "src=" not in text
        assert text.count("http") == text.count("http://www.w3.org/2000/svg")


@pytest.mark.parametrize("id", ["..", "index", "a/b", "Ä", "x" * 255])
def test_pages_have_names_that_every_file_system_takes(id):
    found = Coverage()
    found.of(Model(id, OTHER.diagram.replace('"p"', f'"{id}"')))
    names = sorted(pages(found))
    assert len(names) == 2
    assert all(name.isascii() and "/" not in name and len(name) < 120 for name in names)


def test_event_sub_processes_are_covered_when_they_start_and_loops_each_time_they_are_performed():
    marker = "<multiInstanceLoopCharacteristics/>"
    body = (
        f'<startEvent id="start"/><serviceTask id="each">{marker}</serviceTask><endEvent id="end"/>'
        '<subProcess id="handler" triggeredByEvent="true"><startEvent id="late"><timerEventDefinition/></startEvent>'
        f'<serviceTask id="remind"/>{path("late", "remind")}</subProcess>' + path("start", "each", "end")
    )
    found = Covered(Model("p", diagram(bpmn(body), "p")))
    waiting = Visit("late", None, "TERMINATED", None)
    around, *inside = Visit("each", "start"), Visit("each", loop_counter=1), Visit("each", loop_counter=2)
    found.add([Visit("start"), waiting, around, *inside, Visit("end", "each")])
    assert found.visits == {"start": 1, "each": 2, "end": 1}
    assert str(found.flows) == "2/3"
    assert found.missing == ["late"]
    found.add([Visit("late"), Visit("handler"), Visit("remind", "late")])
    assert (found.visits["late"], found.missing, found.flows.percent) == (1, [], 100)


def test_an_activity_that_is_not_performed_once_is_not_covered():
    body = '<startEvent id="start"/><task id="each"><standardLoopCharacteristics/></task><endEvent id="end"/>' + path(
        "start", "each", "end"
    )
    found = Covered(Model("p", diagram(bpmn(body), "p")))
    found.add([Visit("start"), Visit("each", "start"), Visit("end", "each")])
    assert (found.missed_elements[0].id, found.flows.percent) == ("each", 100)
