"""Pictures of BPMN files: everything that a file draws is in them, and nothing else gets in."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.bpmn.diagram import show
from app.bpmn.parser import find_process, parse
from py_bpmn._text import width, wrap
from py_bpmn.svg import DrawingError, draw
from tests.svg.everything import HEAD, everything

FILES = sorted((Path(__file__).parent.parent / "files").glob("*.bpmn"))
SVG = "{http://www.w3.org/2000/svg}"
TASK = '<bpmn:process id="p"><bpmn:task id="t" {}/></bpmn:process>'
SHAPE = '<bpmndi:BPMNShape bpmnElement="{}">{}</bpmndi:BPMNShape>'
BOUNDS = '<dc:Bounds x="{}" y="{}" width="100" height="80"/>'


SHAPES = SHAPE.format("t", BOUNDS.format(0, 0))


def one(attributes='name="Task"', shapes=SHAPES, head=HEAD, model=TASK):
    plane = f'<bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="p">{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>'
    return f"{head}{model.format(attributes)}{plane}</bpmn:definitions>"


def parts(svg):
    """The groups of a picture by element id."""
    groups = [group for group in ElementTree.fromstring(svg).iter(f"{SVG}g") if "data-element-id" in group.attrib]
    return {group.get("data-element-id"): group for group in groups}


def texts(element):
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def test_attributes_may_be_1_and_0():
    xml, _ = everything()
    assert draw(xml.replace('="true"', '="1"').replace('="false"', '="0"')) == draw(xml)


def test_everything_that_a_file_may_draw_is_in_its_picture():
    xml, ids = everything()
    drawn = parts(draw(xml))
    assert sorted(drawn) == sorted(ids)
    for id, group in drawn.items():
        shapes = [each for each in group if each.tag != f"{SVG}title"]
        assert shapes, id


def test_kinds_of_elements_look_different():
    xml, _ = everything()
    looks = {}
    for id, group in parts(draw(xml)).items():
        if group.get("data-type") in ("startEvent", "endEvent", "intermediateThrowEvent") or id.endswith("Task"):
            look = "".join(each.get("d", each.get("r", "")) + each.get("class", "") for each in group.iter())
            looks.setdefault(look, []).append(id)
    assert [ids for ids in looks.values() if len(ids) > 1] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_processes_are_drawn_with_each_element_and_flow(path):
    xml = path.read_text()
    for process_id in parse(xml).executable_ids:
        process = find_process(parse(xml), process_id)
        drawn = parts(draw(show(xml, process), title=process_id))
        elements = list(process.elements())
        wanted = {element.id for element in elements[1:]} | {f.id for e in elements for f in e.outgoing}
        assert wanted <= drawn.keys()


def test_marks_show_what_was_taken_and_what_was_missed():
    xml, _ = everything()
    svg = draw(
        xml, taken_flows={"flow_plain"}, missed_flows={"flow_default"}, visits={"task_0": 12}, missed={"userTask_1"}
    )
    drawn = parts(svg)
    assert {id: group.get("class") for id, group in drawn.items() if group.get("class")} == {
        "flow_plain": "taken",
        "flow_default": "missed",
        "task_0": "visited",
        "userTask_1": "missed",
    }
    assert "12" in texts(drawn["task_0"])


@pytest.mark.parametrize(
    ("xml", "sentence"),
    [
        (f'{HEAD}<bpmn:process id="p"/></bpmn:definitions>', "the file has no diagram: the service answers one"),
        (one(shapes=""), "the file has no diagram"),
        (one(shapes=SHAPE.format("t", "")), "the file has no diagram"),
        (one(shapes=SHAPE.format("t", BOUNDS.format("NaN", "1e400"))), "the file has no diagram"),
        (one(shapes=SHAPE.format("nothing", BOUNDS.format(0, 0))), "the file has no diagram"),
        ("<a>", "this can't be drawn: the XML is broken: no element found (line 1, column 4)"),
        ("", "this can't be drawn: the XML is broken"),
        (b"\xff\xfe\x00", "this can't be drawn: the XML can't be decoded"),
        (
            b'<?xml version="1.0" encoding="none"?><a/>',
            "this can't be drawn: the XML can't be decoded: unknown encoding",
        ),
    ],
)
def test_what_can_not_be_drawn_is_refused_with_a_sentence(xml, sentence):
    with pytest.raises(DrawingError, match=re.escape(sentence)):
        draw(xml)


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE a>",
        '<!DOCTYPE a [<!ENTITY x "y">]>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/">%x;]>',
    ],
)
def test_document_types_and_entities_are_refused(doctype):
    with pytest.raises(DrawingError, match="document type"):
        draw(HEAD.replace("<bpmn:definitions", f"{doctype}<bpmn:definitions") + "</bpmn:definitions>")


def test_texts_of_a_file_stay_texts():
    evil = "&lt;script&gt;alert(1)&lt;/script&gt; &quot; onload=&quot;x &amp;#1;"
    svg = draw(one(f'name="{evil}"'), title='<b a="x">', visits={'"><x': 1})
    assert "<script" not in svg
    assert ElementTree.fromstring(svg).get("aria-label") == '<b a="x">'
    title = parts(svg)["t"].find(f"{SVG}title").text
    assert title == '<script>alert(1)</script> " onload="x &#1; (t)'


def test_ids_are_escaped_too():
    id = "a&quot;&gt;&lt;x b=&quot;"
    xml = one(shapes=SHAPE.format(id, BOUNDS.format(0, 0)), model=TASK.replace('id="t"', f'id="{id}"'))
    assert list(parts(draw(xml))) == ['a"><x b="']


def test_a_picture_needs_nothing_from_elsewhere():
    svg = draw(everything()[0])
    assert not re.search(r"href|url\(|@import|<image|<script|<foreignObject", svg)
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]


def test_long_names_do_not_make_long_pictures():
    svg = draw(one(f'name="{"long " * 50_000}"'))
    assert len(svg) < 12_000
    (text,) = texts(parts(svg)["t"])
    assert text.endswith("…")


def test_diagrams_of_one_file_are_drawn_below_one_another():
    second = (
        '<bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="t">'
        + SHAPE.format("u", BOUNDS.format(-500, 70))
        + "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>"
    )
    part = '<bpmn:subProcess id="t" name="Part"><bpmn:task id="u"/></bpmn:subProcess>'
    model = f'<bpmn:process id="p" name="Whole">{part}</bpmn:process>'
    svg = draw(one(model=model).replace("</bpmn:definitions>", second))
    assert list(parts(svg)) == ["t", "u"]
    assert {"Whole", "Part"} <= set(texts(ElementTree.fromstring(svg)))
    size = ElementTree.fromstring(svg).get("viewBox").split()
    assert [float(number) for number in size] == [0, 0, 140, 2 * (34 + 40 + 80)]


def test_a_prefix_before_a_reference_does_not_matter():
    assert list(parts(draw(one(shapes=SHAPE.format("bpmn:t", BOUNDS.format(0, 0)))))) == ["t"]


def test_files_in_other_encodings_are_drawn():
    xml = one('name="Prüfen"').replace("UTF-8", "ISO-8859-1")
    assert texts(parts(draw(xml.encode("latin-1")))["t"]) == ["Prüfen"]
    assert texts(parts(draw("\ufeff" + xml))["t"]) == ["Prüfen"]


@pytest.mark.parametrize(
    ("text", "room", "most", "lines"),
    [
        ("", 100, 3, []),
        ("Ship the order", 200, 3, ["Ship the order"]),
        ("Ship the order", 60, 3, ["Ship the", "order"]),
        ("Ship\nthe order", 200, 3, ["Ship", "the order"]),
        ("Ship the order today", 55, 2, ["Ship the", "order…"]),
        ("Donaudampfschifffahrt", 60, 3, ["Donauda", "mpfschifff", "ahrt"]),
        ("注文を出荷する", 40, 3, ["注文を", "出荷す", "る"]),
    ],
)
def test_texts_are_wrapped(text, room, most, lines):
    assert wrap(text, 12, room, most) == lines


def test_a_line_fits_into_its_room():
    for room in range(20, 200, 7):
        for line in wrap("Whoever reads this Wortungetuem knows iiiiiiii MMMMMMM", 12, room, 9):
            assert width(line, 12) <= room
