"""What is accepted without effect is told once for each element and kind, with what to do instead."""

from __future__ import annotations

import pytest

from app.bpmn.advice import RULES
from app.bpmn.assignment import Assignment, literal_tags
from app.bpmn.extensions import ENGINES, read_extensions
from app.bpmn.ignored import KINDS, ignored
from app.bpmn.model import Process
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import BPMN
from tests.bpmn.test_cost import calls_of

PREFIXES = "".join(f' xmlns:{prefix}="{namespace}"' for namespace, prefix in ENGINES.items())


def file(body: str, head: str = "") -> str:
    start = f'<definitions xmlns="{BPMN}"{PREFIXES}>{head}<process id="p" isExecutable="true">'
    return f"{start}\n{body}</process></definitions>"


def model(xml: str) -> Process:
    found = find_process(parse(xml), "p")
    assert found.causes == []
    return found


def told(body: str, head: str = "") -> list[tuple[str, str, str]]:
    xml = file(body, head)
    return [(cause.pointer, cause.type, cause.detail) for cause in ignored(xml, model(xml))]


def task(extension: str = "", attributes: str = "", tag: str = "serviceTask", more: str = "") -> str:
    inside = f"<extensionElements>{extension}</extensionElements>" if extension else ""
    return f'<{tag} id="t" {attributes}>{inside}{more}</{tag}>'


KINDS_FOUND = [
    ("ignored-implementation", "camunda:class", task(attributes='camunda:class="a.B"')),
    ("ignored-implementation", "camunda:delegateExpression", task(attributes='camunda:delegateExpression="${b}"')),
    ("ignored-implementation", "flowable:expression", task(attributes='flowable:expression="${b}"')),
    (
        "ignored-implementation",
        "camunda:connector",
        task("<camunda:connector><camunda:inputOutput/></camunda:connector>"),
    ),
    ("ignored-script", "script", task(tag="scriptTask", more="<script>x = 1</script>")),
    ("ignored-script", "zeebe:script", task('<zeebe:script expression="=1"/>', tag="scriptTask")),
    ("ignored-decision", "camunda:decisionRef", task(attributes='camunda:decisionRef="d"', tag="businessRuleTask")),
    (
        "ignored-decision",
        "zeebe:calledDecision",
        task('<zeebe:calledDecision decisionId="d"/>', tag="businessRuleTask"),
    ),
    (
        "ignored-mapping",
        "zeebe:ioMapping",
        task('<zeebe:ioMapping><zeebe:input source="=a" target="b"/></zeebe:ioMapping>'),
    ),
    ("ignored-mapping", "camunda:inputOutput", task("<camunda:inputOutput/>")),
    ("ignored-called-element", "zeebe:calledElement", task('<zeebe:calledElement processId="q"/>', tag="callActivity")),
    (
        "ignored-called-variables",
        "camunda:in, camunda:out",
        task('<camunda:in variables="all"/><camunda:out/>', tag="callActivity"),
    ),
    (
        "ignored-listener",
        "zeebe:executionListeners",
        task("<zeebe:executionListeners><zeebe:executionListener/></zeebe:executionListeners>"),
    ),
    (
        "ignored-listener",
        "camunda:taskListener",
        task("<camunda:taskListener/><camunda:taskListener/>", tag="userTask"),
    ),
    ("ignored-form", "camunda:formKey", task(attributes='camunda:formKey="f"', tag="userTask")),
    (
        "ignored-form",
        "camunda:formData",
        task("<camunda:formData><camunda:formField id='x'/></camunda:formData>", tag="userTask"),
    ),
    ("ignored-form", "zeebe:formDefinition", task('<zeebe:formDefinition formId="f"/>', tag="userTask")),
    ("ignored-schedule", "zeebe:taskSchedule", task('<zeebe:taskSchedule dueDate="=d"/>', tag="userTask")),
    ("ignored-schedule", "camunda:dueDate", task(attributes='camunda:dueDate="${d}"', tag="userTask")),
    ("ignored-retries", "retries of zeebe:taskDefinition", task('<zeebe:taskDefinition type="x" retries="3"/>')),
    (
        "ignored-retries",
        "camunda:failedJobRetryTimeCycle",
        task("<camunda:failedJobRetryTimeCycle>R3/PT1M</camunda:failedJobRetryTimeCycle>"),
    ),
    (
        "ignored-headers",
        "zeebe:taskHeaders",
        task("<zeebe:taskHeaders><zeebe:header key='a' value='b'/></zeebe:taskHeaders>"),
    ),
    ("ignored-assignment", "camunda:assignment", task(attributes='camunda:assignee="${starter}"', tag="userTask")),
    (
        "ignored-assignment",
        "zeebe:assignment",
        task('<zeebe:assignmentDefinition candidateGroups="a, b"/>', tag="userTask"),
    ),
    (
        "ignored-assignment",
        "potentialOwner",
        task(tag="userTask", more="<potentialOwner><resourceRef>r</resourceRef></potentialOwner>"),
    ),
    (
        "ignored-data-association",
        "dataInputAssociation",
        task(more="<dataInputAssociation><targetRef>t</targetRef></dataInputAssociation>"),
    ),
]


@pytest.mark.parametrize(("kind", "what", "body"), KINDS_FOUND, ids=lambda value: value[:40])
def test_each_kind_is_told_with_what_to_do_instead(kind, what, body):
    sentence = f"{what} of element t has no effect: {KINDS[kind].instead} (line 2)"
    assert told(body) == [("/p/t", kind, sentence)]


def test_there_is_a_case_for_every_kind():
    apart = {"ignored-correlation-key", "ignored-evaluation"}
    assert {kind for kind, _, _ in KINDS_FOUND} | apart == set(KINDS)
    assert not set(KINDS) & set(RULES)


def test_an_expression_for_a_correlation_key_is_told_at_the_events_that_wait():
    head = (
        '<message id="m" name="M"><extensionElements><zeebe:subscription correlationKey="=k"/></extensionElements>'
        '</message><message id="n" name="N"/>'
    )
    events = "".join(
        f'<intermediateCatchEvent id="{ref}"><messageEventDefinition messageRef="{ref}"/></intermediateCatchEvent>'
        for ref in "mn"
    )
    assert [found[:2] for found in told(events, head)] == [("/p/m", "ignored-correlation-key")]


def test_conditions_are_told_where_the_model_was_made_for_an_engine_that_evaluates_them():
    gateway = (
        '<exclusiveGateway id="g"/><task id="a"/><task id="b"/>'
        '<sequenceFlow id="f" sourceRef="g" targetRef="a"><conditionExpression>=x</conditionExpression></sequenceFlow>'
        '<sequenceFlow id="h" sourceRef="g" targetRef="b"><conditionExpression>=y</conditionExpression></sequenceFlow>'
    )
    assert [found[:2] for found in told(gateway)] == [("/p/g", "ignored-evaluation")]
    bare = file(gateway).replace(PREFIXES, "")
    assert ignored(bare, model(bare)) == []


@pytest.mark.parametrize(
    "body",
    [
        task('<zeebe:taskDefinition type="x"/>'),
        task(
            attributes='camunda:type="external" camunda:topic="x" camunda:asyncBefore="true" camunda:exclusive="false"'
        ),
        task(attributes='camunda:assignee="ann" camunda:candidateGroups="sales"', tag="userTask"),
        task('<zeebe:assignmentDefinition assignee="ann"/><zeebe:userTask/>', tag="userTask"),
        task("<camunda:properties><camunda:property name='a' value='b'/></camunda:properties>"),
        task('<x:inputOutput xmlns:x="urn:x"/>', 'x:class="a" xmlns:x="urn:x"'),
        task(more="<documentation>script> performer</documentation>"),
        task("<camunda:unknown><camunda:inputOutput/></camunda:unknown>"),
    ],
)
def test_what_is_used_or_loses_nothing_is_not_told(body):
    assert told(body) == []


CALLING = task(attributes="camunda:class='a.B'")


def test_an_extension_belongs_to_the_element_around_it():
    listener = "<extensionElements><camunda:executionListener/></extensionElements>"
    body = (
        f'{listener}<startEvent id="s"><messageEventDefinition>{listener}</messageEventDefinition></startEvent>'
        f'<subProcess id="u">{CALLING}<startEvent id="v"/>{listener}</subProcess>'
        f'<sequenceFlow id="f" sourceRef="s" targetRef="u">{listener}</sequenceFlow>'
    )
    pointers = {kind: [found[0] for found in told(body) if found[1] == kind] for kind in KINDS}
    assert pointers["ignored-listener"] == ["/p", "/p/s", "/p/u"]
    assert pointers["ignored-implementation"] == ["/p/u/t"]


def test_another_process_of_the_file_is_not_looked_at():
    xml = file("").replace("</definitions>", f'<process id="q">{CALLING}</process></definitions>')
    assert ignored(xml, model(xml)) == []


def test_of_one_kind_only_some_are_told_and_the_others_counted():
    found = told("".join(task(attributes='camunda:class="a"').replace('"t"', f'"t{n}"') for n in range(200)))
    assert [pointer for pointer, _, _ in found] == [*(f"/p/t{n}" for n in range(10)), "/p"]
    assert found[-1] == ("/p", "ignored-implementation", "the same holds for 190 more elements")


def test_twice_the_size_costs_at_most_about_twice_as_much():
    def cost(size: int) -> int:
        xml = file("".join(task("<camunda:inputOutput/>").replace('"t"', f'"t{n}"') for n in range(size)))
        process = model(xml)
        return calls_of(lambda: ignored(xml, process))

    small, large = cost(300), cost(600)
    assert large < 2.2 * small + 500


def test_all_constructs_without_influence_are_counted():
    xml = file(
        '<laneSet><lane id="l"/><lane id="m"/></laneSet><dataObject id="d"/>'
        '<textAnnotation id="a"><text>x</text></textAnnotation>'
        + task(
            "<y:z xmlns:y='urn:y'><y:w/></y:z><camunda:inputOutput/>", 'camunda:asyncBefore="true" camunda:topic="x"'
        )
    )
    found = read_extensions(xml)
    assert dict(found.counts) == {
        "lane": 2,
        "dataObject": 1,
        "textAnnotation": 1,
        "camunda:asyncBefore": 1,
        "y:z": 1,
        "camunda:inputOutput": 1,
    }
    assert {place.line for place in found.first_places.values()} == {2}


@pytest.mark.parametrize(
    ("said", "tags", "is_complete"),
    [
        ({}, {}, True),
        ({"assignee": " ann "}, {"assignee": "ann"}, True),
        ({"assignee": "ann", "groups": "sales"}, {"assignee": "ann", "group": "sales"}, True),
        ({"assignee": "=user", "groups": "sales"}, {"group": "sales"}, False),
        ({"assignee": "${user}"}, {}, False),
        ({"assignee": "a-#{user}"}, {}, False),
        ({"groups": "sales,support"}, {}, False),
        ({"groups": '=["sales"]'}, {}, False),
        ({"users": "ann"}, {}, False),
        ({"assignee": "x" * 1001}, {}, False),
    ],
)
def test_literals_become_tags(said, tags, is_complete):
    found = literal_tags(Assignment("t", "camunda", 1, **said))
    assert (found.tags, found.is_complete) == (tags, is_complete)
