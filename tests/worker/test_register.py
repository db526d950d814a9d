"""What a worker compares its functions with: files of several processes, and in all encodings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.bpmn.parser import parse
from py_bpmn import Client, ConfigurationError
from py_bpmn._xml import MODEL, UnreadableError, decode, read
from py_bpmn.worker import Process, Worker
from py_bpmn.worker.asked import drawn
from py_bpmn.worker.register import register
from tests.flow import flow, several
from tests.worker.models import model, tasks

TOOLS = sorted((Path(__file__).parents[1] / "files" / "tools").glob("*.bpmn"))
ENCODINGS = ("Shift_JIS", "EUC-JP", "GB18030", "UTF-16", "UTF-32", "Windows-31J")
CODECS = {"Windows-31J": "cp932"}
"""Where Python has another name."""


def test_equal_ids_in_another_process_of_the_file_are_not_counted(lite: Client):
    own, other = (model(id, "startEvent start", "exclusiveGateway g", "endEvent end") for id in ("twin", "twin-other"))
    file = own.replace("</definitions>", other[other.index("<process") :].replace("g-end", "another"))
    found = register(lite, [Process("twin", bpmn=file), Process("twin-other", bpmn=file)])
    assert not found.strangers


def test_flows_that_another_process_of_the_file_draws_are_counted(lite: Client):
    flows = "".join(
        f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}"/>'
        for source, target in ("sg", "ga", "gb")
    )
    nodes = '<startEvent id="s"/><exclusiveGateway id="g"/><endEvent id="a"/><endEvent id="b"/>'
    file = (
        f'<definitions xmlns="{MODEL}"><process id="choosing" isExecutable="true">{nodes}</process>'
        f'<process id="pool">{flows}<task id="t"/></process></definitions>'
    )
    process = Process("choosing", bpmn=file)
    process.exclusive("g")(lambda: "a")
    assert not register(lite, [process]).strangers


def test_flows_without_ids_are_counted(lite: Client):
    flows = "".join(
        f'<sequenceFlow sourceRef="{source}" targetRef="{target}"/>' for source, target in ("sg", "ga", "gb")
    )
    nodes = '<startEvent id="s"/><exclusiveGateway id="g"/><endEvent id="a"/><endEvent id="b"/>'
    body = f'<process id="unnamed" isExecutable="true">{nodes}{flows}</process>'
    process = Process("unnamed", bpmn=f'<definitions xmlns="{MODEL}">{body}</definitions>')
    process.exclusive("g")(lambda: "a")
    assert not register(lite, [process]).strangers


def test_children_that_name_no_flow_any_more_are_not_counted(lite: Client):
    flows = "".join(
        f'<sequenceFlow id="{source}{target}" sourceRef="{source}" targetRef="{target}"/>'
        for source, target in ("sg", "ga")
    )
    gateway = '<exclusiveGateway id="g"><outgoing>ga</outgoing><outgoing>gb</outgoing></exclusiveGateway>'
    body = f'<startEvent id="s"/>{gateway}<endEvent id="a"/>{flows}'
    file = f'<definitions xmlns="{MODEL}"><process id="leftover" isExecutable="true">{body}</process></definitions>'
    assert not register(lite, [Process("leftover", bpmn=file)]).strangers


def test_attributes_that_are_true_or_1_are_the_same(lite: Client):
    for number, true in enumerate(("true", "1")):
        start = '<startEvent id="m"><messageEventDefinition messageRef="paid"/></startEvent>'
        body = f'<startEvent id="s"/><subProcess id="h" triggeredByEvent="{true}">{start}</subProcess>'
        file = (
            f'<definitions xmlns="{MODEL}"><message id="paid" name="paid"/>'
            f'<process id="handling-{number}" isExecutable="{true}">{body}</process></definitions>'
        )
        process = Process(f"handling-{number}", bpmn=file)
        process.correlation_key("m")(lambda: "k")
        assert not register(lite, [process]).strangers


@pytest.mark.parametrize("path", TOOLS, ids=lambda path: path.stem)
def test_flows_of_files_of_tools_are_those_that_the_service_reads(path: Path):
    xml = decode(path.read_bytes())
    for process in parse(xml).processes:
        found = drawn(read(xml), process.element.id)
        left = {element.id: len(element.outgoing) for element in process.elements() if element.outgoing}
        assert {id: len(found[id].flows) for id in left} == left


def test_attributes_that_repeat_the_namespace_in_a_prefix_are_read(lite: Client):
    flows = "".join(
        f'<b:sequenceFlow b:id="{source}{target}" b:sourceRef="{source}" b:targetRef="{target}"/>'
        for source, target in ("sg", "ga", "gb")
    )
    nodes = '<b:startEvent b:id="s"/><b:exclusiveGateway b:id="g"/><b:endEvent b:id="a"/><b:endEvent b:id="b"/>'
    body = f'<b:process b:id="prefixed" b:isExecutable="true">{nodes}{flows}</b:process>'
    process = Process("prefixed", bpmn=f'<b:definitions xmlns:b="{MODEL}">{body}</b:definitions>')
    process.exclusive("g")(lambda: "a")
    assert not register(lite, [process]).strangers


def _encoded(encoding: str, id: str, name: str = "入金") -> bytes:
    text = tasks(id, "a").replace('id="a"', f'id="a" name="{name}"')
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(CODECS.get(encoding, encoding))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_file_is_deployed_and_checked_in_its_encoding(lite: Client, tmp_path: Path, encoding: str):
    id = f"in-{encoding}"
    path = tmp_path / "file.bpmn"
    path.write_bytes(_encoded(encoding, id))
    process = Process(id, bpmn=path)
    process.execute("a")(lambda: None)
    first = register(lite, [process])
    assert register(lite, [process], "check") == first
    path.write_bytes(_encoded(encoding, id, "出金"))
    with pytest.raises(ConfigurationError, match="is not deployed"):
        Worker(process, client=lite, deploy="check").start()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_bytes_are_read_as_the_service_reads_them(encoding: str):
    assert read(_encoded(encoding, "p")).children[0].get("id") == "p"


def test_a_declaration_that_can_be_read_is_not_in_what_it_names():
    assert decode(b'<?xml version="1.0" encoding="UTF-16"?><a/>').endswith("<a/>")
    assert decode("<?xml version='1.0'?><a/>".encode("utf-16-be")).endswith("<a/>")


@pytest.mark.parametrize("encoding", ["none", "hex"])
def test_what_is_in_no_encoding_of_texts_is_told(encoding: str):
    with pytest.raises(UnreadableError, match="the XML can't be decoded: "):
        read(f'<?xml version="1.0" encoding="{encoding}"?><a>..</a>'.encode())


CATCH = "intermediateCatchEvent"


@pytest.mark.parametrize(
    ("number", "events", "kind", "error"),
    [
        (1, ("signal:A", "message:m"), "correlation_key", ""),
        (2, ("signal:A", "message:m"), "", 'nobody does c: @correlation_key("c") is missing'),
        (3, ("signal:A", "message:m"), "timer", "PARALLEL_MULTIPLE_CATCH_EVENT asks for correlation_key"),
        (4, ("signal:A", "timer:${due}"), "timer", ""),
        (5, ("signal:A", "timer:PT1H"), "timer", "PARALLEL_MULTIPLE_CATCH_EVENT asks for no job"),
        (6, ("signal:A", "conditional:x"), "", ""),
    ],
)
def test_an_event_with_several_definitions_asks_for_what_one_of_them_leaves_open(
    lite: Client, number: int, events: tuple[str, ...], kind: str, error: str
):
    id = f"several-{number}"
    c = several(CATCH, *events, parallel=True)
    t = several("intermediateThrowEvent", "signal:B", "escalation:E")
    process = Process(
        id, bpmn=flow("s -> c -> t -> e", process=id, s=several("startEvent", f"message:{id}", "signal:Q"), c=c, t=t)
    )
    if kind:
        getattr(process, kind)("c")(lambda: None)
    if error:
        with pytest.raises(ConfigurationError, match=re.escape(error)):
            register(lite, [process])
    else:
        assert {element for _, element, _ in register(lite, [process]).strangers} <= {"c"}
