"""Ids and references as tools write them: with white space around, and with prefixes."""

import pytest

from app.bpmn.model import EventDefinition
from app.bpmn.parser import find_process, parse
from app.bpmn.references import References
from tests.bpmn.build import BPMN, accepted, causes, warnings

DECLARED = '<message id="m" name="M"/><signal id="g" name="G"/><error id="x" errorCode="X"/>'
PREFIXES = f'<definitions xmlns="{BPMN}" xmlns:tns="urn:this" targetNamespace="urn:this">'

CHAIN = """
    <startEvent id="s"><outgoing>f1</outgoing></startEvent>
    <serviceTask id="t"><incoming>f1</incoming><outgoing>f2</outgoing></serviceTask>
    <endEvent id="e"><incoming>f2</incoming></endEvent>
    <sequenceFlow id="f1" sourceRef="s" targetRef="t"/><sequenceFlow id="f2" sourceRef="t" targetRef="e"/>
"""


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("a", "a"),
        (" \t\r\na\n ", "a"),
        ("bound:a", "a"),
        ("\n  unknown:a\n", "a"),
        ("x:1", "x:1"),
        ("x:2", "x:2"),
        ("both:1", "both:1"),
        ("both:2", "2"),
        (":a", "a"),
        ("a:", "a:"),
        ("", ""),
        ("\u00a0a", "\u00a0a"),
    ],
)
def test_a_prefix_is_cut_off_unless_ids_are_written_with_it(text, id):
    assert References(["a", "x:1", "both:1"], frozenset({"bound", "both"})).resolve(text) == id


def chain(found):
    return {
        id: ([flow.source.id for flow in element.incoming], [flow.target.id for flow in element.outgoing])
        for id, element in found.items()
        if id != "p"
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<incoming>f1</incoming>", "<incoming>\n        f1\n      </incoming>"),
        ("<outgoing>f1</outgoing>", "<outgoing>\tf1\r\n</outgoing>"),
        ("<incoming>f1</incoming>", "<incoming>tns:f1</incoming>"),
        ("<incoming>f1</incoming>", "<incoming>nobody-knows:f1</incoming>"),
        ("<incoming>f1</incoming>", "<incoming>f<!-- a comment -->1</incoming>"),
        ("<incoming>f1</incoming>", "<incoming><![CDATA[f1]]></incoming>"),
        ("<incoming>f1</incoming>", "<incoming>&#102;1</incoming>"),
        ('sourceRef="s"', 'sourceRef=" s\n"'),
        ('sourceRef="s"', 'sourceRef="tns:s"'),
        ('targetRef="t"', 'targetRef="tns:t "'),
        ('id="f1"', 'id=" f1 "'),
        ('id="t"', 'id="\n t"'),
    ],
)
def test_white_space_and_prefixes_make_no_second_flow(written, read):
    assert written in CHAIN
    body = CHAIN.replace(written, read)
    assert chain(accepted(body)) == {"s": ([], ["t"]), "t": (["s"], ["e"]), "e": (["t"], [])}
    assert warnings(body) == []


def test_a_file_without_drawn_flows_is_read_from_references_with_white_space_and_prefixes():
    body = (
        '<startEvent id="s"><outgoing>tns:f</outgoing></startEvent>'
        '<endEvent id="e"><incoming>\n  f\n</incoming></endEvent>'
    )
    assert chain(accepted(body)) == {"s": ([], ["e"]), "e": (["s"], [])}


def test_an_id_with_a_colon_wins_over_a_cut_prefix():
    body = (
        '<startEvent id="s"/><serviceTask id="a:t"/><serviceTask id="t"/>'
        '<sequenceFlow id="f" sourceRef="s" targetRef="a:t"/><sequenceFlow id="g" sourceRef="s" targetRef="b:t"/>'
    )
    assert [flow.target.id for flow in accepted(body)["s"].outgoing] == ["a:t", "t"]
    assert causes(body + '<sequenceFlow id="h" sourceRef="s" targetRef="a:s"/>') == [
        ("/p/h", "sequence_flow", "sequence flow h has no target element: a:s is not defined (line 2)")
    ]


@pytest.mark.parametrize("prefix", ["", " \n", "tns:", "unknown:"])
def test_everything_that_is_referred_to_is_found(prefix):
    body = f"""
        <startEvent id="s"><messageEventDefinition messageRef="{prefix}m"/></startEvent>
        <exclusiveGateway id="w" default="{prefix}f"/><sequenceFlow id="f" sourceRef="w" targetRef="c"/>
        <intermediateCatchEvent id="c"><signalEventDefinition signalRef="{prefix}g"/></intermediateCatchEvent>
        <serviceTask id="t"/>
        <boundaryEvent id="b" attachedToRef="{prefix}t"><errorEventDefinition errorRef="{prefix}x"/></boundaryEvent>
        <callActivity id="k" calledElement=" q
"/>
    """
    collaboration = (
        f'<collaboration id=" col"><participant id="par " name=" We " processRef="{prefix}p"/></collaboration>'
    )
    process = find_process(
        parse(f'{PREFIXES}{DECLARED}{collaboration}<process id="p" isExecutable="1">{body}</process></definitions>'),
        "p",
    )
    assert process.causes == []
    found = {element.id: element for element in process.elements()}
    assert found["s"].definition == EventDefinition(message_name="M")
    assert found["c"].definition == EventDefinition(signal_name="G")
    assert found["b"].definition == EventDefinition(error_code="X")
    assert found["b"].attached_to is found["t"]
    assert found["w"].default_flow == "f"
    assert found["k"].called_element == "q"
    assert (process.collaboration_id, process.participant_id, process.participant_name) == ("col", "par", " We ")


@pytest.mark.parametrize("place", ["message", "signal", "error"])
def test_ids_of_declarations_have_no_white_space(place):
    head = DECLARED.replace(f'<{place} id="', f'<{place} id="\n')
    ref = {"message": "m", "signal": "g", "error": "x"}[place]
    body = f'<endEvent id="e"><{place}EventDefinition {place}Ref="{ref}"/></endEvent>'
    assert accepted(body, head)["e"].definition_cause is None


def test_names_and_codes_keep_their_white_space():
    head = '<signal id="g" name=" G "/><error id="x" errorCode=" X"/>'
    body = (
        '<endEvent id="a" name=" Name "><signalEventDefinition signalRef="g"/></endEvent>'
        '<endEvent id="b"><errorEventDefinition errorRef="x"/></endEvent>'
    )
    found = accepted(body, head)
    assert found["a"].name == " Name "
    assert [found[id].definition for id in "ab"] == [
        EventDefinition(signal_name=" G "),
        EventDefinition(error_code=" X"),
    ]


def test_a_process_is_found_by_its_id_however_it_is_written():
    model = parse('<definitions><process id=" p " isExecutable=" true "/><process id="q"/></definitions>')
    assert model.process_ids == ["p", "q"]
    assert find_process(model, "p").element.id == "p"
    # An earlier version has stored it like that.
    assert find_process(model, " p ").element.id == "p"
