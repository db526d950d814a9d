"""What only lint looks for: each rule with files that break it, and with twins that don't."""

from __future__ import annotations

from functools import partial

import pytest

from app.bpmn.advice import RULES as ADVICE
from app.bpmn.checks import check as causes_of
from app.bpmn.diagram import show
from app.bpmn.ignored import KINDS
from app.bpmn.lint import IGNORED, RULES, check
from app.bpmn.parser import find_process, parse
from tests.bpmn.build import bpmn, event
from tests.bpmn.test_advice import END, LINE, SIGNAL, START, path, service
from tests.bpmn.test_cost import FAMILIES, calls_of
from tests.models.stage import FILES

NAMED = LINE.replace('id="t"', 'id="t" name="T"')
SEND = '<sendTask id="t" name="T" messageRef="m"/>'
CATCH = f'<boundaryEvent id="b" name="B" attachedToRef="t">{SIGNAL}</boundaryEvent>' + path("b", "e")
CATCH_MESSAGE = CATCH.replace(SIGNAL, '<messageEventDefinition messageRef="m"/>')
THROW = START + f'<endEvent id="e" name="E">{SIGNAL}</endEvent>' + NAMED.partition(END)[0].removeprefix(START)
THROW += path("s", "t", "e")
FORK = '<{0} id="g" {1}/>' + path("s", "g", "t", "g") + path("g", "e")


def checked(xml):
    """Of the only process that can be meant."""
    (answer,) = check(xml.encode())
    return answer


def rules(body, head="", *, drawn=True):
    """What lint alone has to say about a process that nothing else is to be said about."""
    xml = bpmn(body, head)
    if drawn:
        xml = show(xml, find_process(parse(xml), "p"))
    else:
        assert causes_of(find_process(parse(xml), "p")) == []
    return {each["rule"] for each in checked(xml)["findings"]} & RULES.keys()


def own(body, head=""):
    return rules(body, head, drawn=False) - {"no-diagram"}


@pytest.mark.parametrize(
    ("rule", "body", "head"),
    [
        ("no-name", LINE, ""),
        ("no-name", NAMED.replace('name="T"', 'name=" "'), ""),
        ("no-name", event("boundaryEvent", "<timerEventDefinition/>"), ""),
        ("no-name", NAMED + '<exclusiveGateway id="g"/>' + path("s", "g", "t") + path("g", "e"), ""),
        ("forks-and-joins", NAMED.partition("<sequence")[0] + FORK.format("exclusiveGateway", 'name="G"'), ""),
        ("forks-and-joins", NAMED.partition("<sequence")[0] + FORK.format("parallelGateway", ""), ""),
        ("no-default", NAMED + '<exclusiveGateway id="g" name="G"/>' + path("s", "g", "t") + path("g", "e"), ""),
        ("unused-declaration", NAMED, '<message id="m" name="M"/>'),
        ("unused-declaration", NAMED, '<error id="x"/>'),
        ("unused-declaration", NAMED + CATCH, '<signal id="g" name="G"/><signal id="h" name="H"/>'),
        ("alike-names", NAMED, '<message id="m" name="OrderPaid"/><message id="n" name="order-paid"/>'),
        ("used-once", NAMED + CATCH, '<signal id="g" name="G"/>'),
        ("used-once", THROW, '<signal id="g" name="G"/>'),
        ("used-once", NAMED.replace('<serviceTask id="t" name="T"/>', SEND), '<message id="m" name="M"/>'),
    ],
)
def test_something_is_a_matter_of_taste(rule, body, head):
    assert rule in own(body, head)


@pytest.mark.parametrize(
    ("rule", "body", "head"),
    [
        ("no-name", NAMED, ""),
        ("no-name", NAMED + '<parallelGateway id="g"/>' + path("s", "g", "t") + path("g", "e"), ""),
        ("forks-and-joins", NAMED, ""),
        (
            "forks-and-joins",
            NAMED.partition("<sequence")[0] + FORK.format("exclusiveGateway", 'gatewayDirection="Mixed"'),
            "",
        ),
        (
            "no-default",
            NAMED + '<exclusiveGateway id="g" name="G" default="ge"/>' + path("s", "g", "t") + path("g", "e"),
            "",
        ),
        ("no-default", NAMED + '<exclusiveGateway id="g" name="G"/>' + path("s", "g", "e"), ""),
        ("unused-declaration", NAMED + CATCH, '<signal id="g" name="G"/>'),
        ("unused-declaration", NAMED.replace('<serviceTask id="t" name="T"/>', SEND), '<message id="m" name="M"/>'),
        ("unused-declaration", NAMED, '<message id="nameless"/>'),
        ("alike-names", NAMED, '<message id="m" name="OrderPaid"/><message id="n" name="OrderPaid"/>'),
        ("alike-names", NAMED, '<message id="m" name="OrderPaid"/><signal id="n" name="order-paid"/>'),
        ("used-once", NAMED + CATCH_MESSAGE, '<message id="m" name="M"/>'),
        ("used-once", THROW + CATCH, '<signal id="g" name="G"/>'),
        ("used-once", NAMED, '<signal id="g" name="G"/>'),
    ],
)
def test_nothing_is_to_be_said_about_a_twin(rule, body, head):
    assert rule not in own(body, head)


def test_a_file_that_draws_all_of_its_process_has_a_diagram():
    assert "no-diagram" in rules(NAMED, drawn=False)
    assert "no-diagram" not in rules(NAMED)


def test_rules_say_what_they_look_for_under_names_of_their_own():
    assert not RULES.keys() & {*ADVICE, *KINDS, IGNORED}
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.about.endswith(".")


def test_an_error_stands_alone():
    (finding,) = checked(bpmn(service("t") + "<callChoreography/>"))["findings"]
    assert (finding["level"], finding["rule"]) == ("ERROR", "element")


def test_what_a_deployment_says_without_effect_is_a_note():
    extended = NAMED.replace(
        'name="T"', 'name="T" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" camunda:class="a"'
    )
    found = checked(bpmn(extended))
    levels = {each["rule"]: each["level"] for each in found["findings"]}
    assert levels["ignored-implementation"] == "NOTE"


@pytest.mark.parametrize("file", sorted(FILES.glob("*.bpmn")), ids=lambda file: file.stem)
def test_example_processes_have_no_warnings(file):
    for answer in check(file.read_bytes(), parse(file.read_text()).executable_ids):
        assert answer["deployable"]
        assert {each["level"] for each in answer["findings"]} <= {"NOTE"}


@pytest.mark.parametrize("family", ["messages", "attributes", "foreign attributes", "lanes", "a gateway", "a chain"])
def test_twice_the_size_costs_at_most_about_twice_as_much(family):
    files = (bpmn(FAMILIES[family](size)) for size in (300, 600))
    small, large = (calls_of(partial(checked, file)) for file in files)
    assert large < 2.2 * small + 500
