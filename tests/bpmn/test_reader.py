"""Which texts are read as a BPMN file at all, and what the others are told."""

import pytest

from app.bpmn.parser import find_process, parse
from app.errors import EngineError, ErrorKind
from tests.bpmn.build import BPMN, bpmn

PROCESS = '<process id="p" isExecutable="true"><task id="t"/></process>'
NOTHING_EXTERNAL = "document types, entities and external references are not allowed"
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))


def refusal(xml: str) -> str:
    with pytest.raises(EngineError) as caught:
        find_process(parse(xml), "p")
    assert caught.value.kind is ErrorKind.PROCESS_MODEL
    assert caught.value.causes == ()
    prefix, separator, reason = caught.value.detail.partition(": ")
    assert prefix + separator == "BPMN XML is invalid: "
    return reason


def element_ids(xml: str) -> list[str]:
    (process,) = parse(xml).processes
    assert process.causes == []
    return [element.id for element in process.elements()]


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("", "XML is empty"),
        ("\ufeff", "XML is empty"),
        (" \n ", "no definitions found"),
        ("no XML at all", "no definitions found"),
        ("<!-- nothing -->", "no definitions found"),
        ("<process id='p' isExecutable='true' />", "no definitions found"),
        ("<html><body/></html>", "no definitions found"),
        ("<definitions><process id='p'>", "failed to decode XML: unclosed element (line 1, column 30)"),
        ("<definitions>\n  <a></b>\n</definitions>", "failed to decode XML: mismatched tag (line 2, column 8)"),
        ("<definitions>\n&nbsp;</definitions>", "failed to decode XML: undefined entity (line 2, column 1)"),
        ("<definitions><x:a/></definitions>", "failed to decode XML: unbound prefix (line 1, column 14)"),
        ("<definitions/>\ntext", "failed to decode XML: junk after document element (line 2, column 1)"),
        ('<definitions a="1" a="2"/>', "failed to decode XML: duplicate attribute (line 1, column 20)"),
        ("<definitions>\0</definitions>", "failed to decode XML: not well-formed (invalid token) (line 1, column 14)"),
        ("<definitions>\udc80</definitions>", "failed to decode XML: character 14 is a lone surrogate"),
        ('<?xml version="1.1"?><definitions/>', "XML version 1.1 is not supported"),
        ("<!DOCTYPE definitions><definitions/>", NOTHING_EXTERNAL),
        ('<!DOCTYPE d SYSTEM "http://localhost/d.dtd"><definitions/>', NOTHING_EXTERNAL),
        ('<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]><definitions>&e;</definitions>', NOTHING_EXTERNAL),
        ('<!DOCTYPE d [<!ENTITY % e SYSTEM "http://localhost/"> %e;]><definitions/>', NOTHING_EXTERNAL),
        (f"<!DOCTYPE d [{LAUGHS}]><definitions>&l9;</definitions>", NOTHING_EXTERNAL),
    ],
)
def test_text_that_is_no_bpmn_file_is_refused_with_the_reason(xml, reason):
    assert refusal(xml) == reason


@pytest.mark.parametrize(
    "declaration",
    [
        "\ufeff",
        '<?xml version="1.0"?>',
        '\ufeff<?xml version="1.0" encoding="UTF-16"?>',
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!-- über -->',
        '<?xml version="1.0" encoding="no-such-encoding" standalone="yes"?>',
    ],
)
def test_byte_order_mark_and_declared_encoding_do_not_matter(declaration):
    name = "Prüfung \N{GRINNING FACE}"
    body = f'<process id="p" isExecutable="true"><task id="t" name="{name}"/></process>'
    (process,) = parse(f"{declaration}<definitions>{body}</definitions>").processes
    assert process.element.children[0].name == name


@pytest.mark.parametrize(
    "xml",
    [
        f"<definitions>{PROCESS}</definitions>",
        f'<definitions xmlns="{BPMN}">{PROCESS}</definitions>',
        f'<definitions xmlns="a\u3000b">{PROCESS}</definitions>',
        '<b:definitions xmlns:b="u:b"><b:process isExecutable="1" id="p"><b:task id="t"/></b:process></b:definitions>',
    ],
)
def test_namespace_of_the_root_is_the_namespace_of_bpmn(xml):
    assert element_ids(xml) == ["p", "t"]


def test_foreign_elements_are_skipped_with_their_content():
    body = '<x:task id="a" xmlns:x="urn:x"><serviceTask id="b"/></x:task><task id="t"><x:loop xmlns:x="urn:x"/></task>'
    assert element_ids(bpmn(body)) == ["p", "t"]


def test_elements_with_a_namespace_are_foreign_where_the_root_has_none():
    xml = f'<definitions>{PROCESS.replace("<task", f"""<b:task xmlns:b="{BPMN}" id="a"/><task""")}</definitions>'
    assert element_ids(xml) == ["p", "t"]


def test_attributes_with_a_namespace_do_not_count():
    body = '<subProcess id="t" x:id="y" x:triggeredByEvent="true" xmlns:x="urn:x"><startEvent id="s"/></subProcess>'
    assert element_ids(bpmn(body)) == ["p", "t", "s"]


def test_attributes_may_have_the_namespace_of_their_element():
    body = (
        '<userTask b:id="t" xmlns:b="{0}"/><boundaryEvent id="e" b:id="x" b:attachedToRef="t" b:cancelActivity="false"'
        ' xmlns:b="{0}"><timerEventDefinition/></boundaryEvent>'
    )
    (process,) = parse(bpmn(body.format(BPMN))).processes
    assert process.causes == []
    assert [(element.id, element.interrupting) for element in process.elements()][1:] == [("t", True), ("e", False)]


def test_nesting_of_what_is_skipped_has_no_limit():
    deep = "<a>" * 10_000 + "</a>" * 10_000
    assert element_ids(bpmn(f'<extensionElements>{deep}</extensionElements><task id="t"/>')) == ["p", "t"]


@pytest.mark.parametrize("tag", ["subProcess", "transaction", "adHocSubProcess"])
def test_sub_processes_nested_too_deep_are_refused(tag):
    deep = f"<{tag}>\n" * 10_000 + f"</{tag}>" * 10_000
    assert refusal(bpmn(deep)) == "sub-processes are nested deeper than 50 levels (line 53)"


def test_fifty_levels_of_sub_processes_are_accepted():
    body = '<task id="t"/>'
    for level in range(50):
        body = f'<subProcess id="sp{level}"><startEvent id="s{level}"/>{body}</subProcess>'
    assert "t" in element_ids(bpmn(body))


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<a>", ""),
        ("<a>", "</a>"),
        ("<subProcess>", "</subProcess>"),
        ("<task/>", ""),
        ("<sequenceFlow/>", ""),
        ('<sequenceFlow id="f" sourceRef="a" targetRef="b"/>', ""),
        ('<task id="t"><outgoing>f</outgoing></task>', ""),
        ("<!--", ""),
        ("]]>", ""),
        ("x", ""),
    ],
)
def test_a_mebibyte_of_anything_ends_in_a_model_or_a_refusal(opening, closing):
    times = 2**20 // len(opening + closing)
    xml = bpmn(opening * times + closing * times)
    try:
        (process,) = parse(xml).processes
    except EngineError as error:
        assert error.kind is ErrorKind.PROCESS_MODEL
    else:
        assert len(process.causes) <= 1000


def test_a_process_is_found_by_its_id():
    model = parse('<definitions><process id="a"/><process id="b"/></definitions>')
    assert find_process(model, "b").element.id == "b"


def test_a_process_that_is_not_in_the_file_is_refused_with_the_ids_of_those_that_are():
    model = parse('<definitions><process id="b"/><process id="a"/></definitions>')
    with pytest.raises(EngineError) as caught:
        find_process(model, "c")
    assert caught.value.kind is ErrorKind.PROCESS_MODEL
    assert caught.value.detail == "BPMN model has no process c, but [b, a]"
