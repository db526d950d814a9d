"""What is accepted with a warning: each rule with odd models, and with their twins that nothing is odd about."""

from itertools import pairwise

import pytest

from app.bpmn.advice import RULES, advise, refused
from app.bpmn.parser import find_process, parse
from app.errors import Cause
from tests.bpmn.build import BPMN, process, warnings
from tests.bpmn.test_checks import CATCH, THROW, flow

START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
CONDITION = "<conditionExpression>x</conditionExpression>"
SIGNAL = '<signalEventDefinition signalRef="g"/>'
HEAD = '<signal id="g" name="G"/><message id="m" name="M"/><error id="x" errorCode="X"/><error id="any"/>'


def service(*ids):
    return "".join(f'<serviceTask id="{id}"/>' for id in ids)


def path(*ids):
    """Flows from each to the next."""
    return "".join(flow(a, b) for a, b in pairwise(ids))


def conditional(source, target):
    return f'<sequenceFlow id="{source}{target}" sourceRef="{source}" targetRef="{target}">{CONDITION}</sequenceFlow>'


def boundary(definition="<timerEventDefinition/>", host="t", id="b", attributes=""):
    return f'<boundaryEvent id="{id}" attachedToRef="{host}" {attributes}>{definition}</boundaryEvent>'


def error(ref):
    return f'<errorEventDefinition errorRef="{ref}"/>'


def timer(tag, text):
    return f"<timerEventDefinition><{tag}>{text}</{tag}></timerEventDefinition>"


def sub(*parts):
    """A sub-process with a start and an end event, and more."""
    inner = '<startEvent id="i"/><endEvent id="j"/>' + path("i", "j")
    return f'<subProcess id="sp">{inner}{"".join(parts)}</subProcess>'


def never(id):
    return f"no start event leads to element {id}: it is never executed (line 2)"


def ends_at(what):
    return f"{what} has no outgoing sequence flow: the path ends there (line 2)"


def joined(*parts):
    """Tasks a and b before a parallel gateway j, whose flows are still to be drawn, and more."""
    return START + service("a", "b") + '<parallelGateway id="j"/>' + END + path("j", "e") + "".join(parts)


def types(body, head=HEAD, tail=""):
    return {type for _, type, _ in warnings(body, head, tail)}


LINE = START + service("t") + END + path("s", "t", "e")
ALONE = "parallel gateway j waits for paths of which only one is ever taken (line 2)"
SPLIT = (
    START + '<exclusiveGateway id="g"/>' + service("a", "b") + END + path("s", "g") + path("a", "e") + path("b", "e")
)
"""A gateway whose outgoing flows are still to be drawn."""

NO_START = "process p has no start event, and no element without incoming sequence flow: it can't be started (line 1)"

ODD = [
    ("no-start-event", "", "/p", NO_START),
    ("no-start-event", service("t") + END + path("t", "t", "e"), "/p", NO_START),
    ("unreachable", LINE + service("u") + path("u", "e"), "/p/u", never("u")),
    ("unreachable", LINE + '<endEvent id="f"/>', "/p/f", never("f")),
    (
        "unreachable",
        START + sub(service("u"), path("u", "j")) + END + path("s", "sp", "e"),
        "/p/sp/u",
        never("u"),
    ),
    (
        "link-not-thrown",
        LINE + CATCH.format("c", "l") + path("c", "e"),
        "/p/c",
        "no link throw event leads to link catch event c (line 2)",
    ),
    ("event-without-flow", START, "/p/s", ends_at("event s")),
    (
        "event-without-flow",
        START + f'<intermediateCatchEvent id="c">{SIGNAL}</intermediateCatchEvent>' + path("s", "c"),
        "/p/c",
        ends_at("event c"),
    ),
    (
        "event-without-flow",
        START + '<intermediateThrowEvent id="c"/>' + path("s", "c"),
        "/p/c",
        ends_at("event c"),
    ),
    (
        "event-without-flow",
        LINE + '<intermediateThrowEvent id="c"/>' + path("c", "e"),
        "/p/c",
        "event c has no incoming sequence flow (line 2)",
    ),
    ("event-without-flow", LINE + boundary(), "/p/b", ends_at("event b")),
    (
        "event-without-flow",
        LINE + THROW.format("l", "l") + CATCH.format("c", "l") + path("c", "e"),
        "/p/l",
        "event l has no incoming sequence flow (line 2)",
    ),
    ("implicit-end", LINE + service("u") + path("s", "u"), "/p/u", ends_at("element u")),
    (
        "implicit-end",
        LINE + '<exclusiveGateway id="u"/>' + path("s", "u"),
        "/p/u",
        ends_at("element u"),
    ),
    ("no-end-event", START + service("t") + path("s", "t"), "/p", "process p has no end event (line 1)"),
    (
        "no-end-event",
        START + '<subProcess id="sp"><startEvent id="i"/></subProcess>' + END + path("s", "sp", "e"),
        "/p/sp",
        "sub-process sp has no end event (line 2)",
    ),
    (
        "endless-loop",
        START + '<task id="a"/><manualTask id="b"/>' + path("s", "a", "b", "a"),
        "/p/a",
        "element a is in a loop in which nothing waits: it never ends (line 2)",
    ),
    (
        "endless-loop",
        START
        + '<exclusiveGateway id="a"/>'
        + THROW.format("l", "k")
        + CATCH.format("c", "k")
        + path("s", "a", "l")
        + path("c", "a"),
        "/p/l",
        "element l is in a loop in which nothing waits: it never ends (line 2)",
    ),
    (
        "never-joined",
        joined('<exclusiveGateway id="g"/>') + path("s", "g", "a", "j") + path("g", "b", "j"),
        "/p/j",
        ALONE,
    ),
    (
        "never-joined",
        joined('<parallelGateway id="f"/><exclusiveGateway id="g"/><serviceTask id="c"/>')
        + path("s", "f", "g", "a", "j")
        + path("g", "b", "j")
        + path("f", "c", "j"),
        "/p/j",
        ALONE,
    ),
    ("never-joined", joined(boundary(host="a", id="x")) + path("s", "a", "j") + path("x", "b", "j"), "/p/j", ALONE),
    (
        "never-joined",
        joined('<startEvent id="m"><messageEventDefinition messageRef="m"/></startEvent>')
        + path("s", "a", "j")
        + path("m", "b", "j"),
        "/p/j",
        ALONE,
    ),
    (
        "single-flow-gateway",
        START + '<exclusiveGateway id="g"/>' + END + path("s", "g", "e"),
        "/p/g",
        "gateway g has one path in and out at most: it neither forks nor joins (line 2)",
    ),
    (
        "single-flow-gateway",
        START + '<parallelGateway id="g"/>' + END + path("s", "g", "e"),
        "/p/g",
        "gateway g has one path in and out at most: it neither forks nor joins (line 2)",
    ),
    (
        "gateway-direction",
        SPLIT.replace('id="g"', 'id="g" gatewayDirection="Converging"') + path("g", "a") + path("g", "b"),
        "/p/g",
        "gateway g is Converging, but has 1 incoming and 2 outgoing sequence flows (line 2)",
    ),
    (
        "gateway-direction",
        SPLIT.replace('id="g"', 'id="g" gatewayDirection="Mixed"') + path("g", "a") + path("g", "b"),
        "/p/g",
        "gateway g is Mixed, but has 1 incoming and 2 outgoing sequence flows (line 2)",
    ),
    (
        "gateway-direction",
        SPLIT.replace('id="g"', 'id="g" gatewayDirection="Diverging"') + path("g", "a", "g") + path("g", "b"),
        "/p/g",
        "gateway g is Diverging, but has 2 incoming and 2 outgoing sequence flows (line 2)",
    ),
    (
        "gateway-direction",
        SPLIT.replace('id="g"', 'id="g" gatewayDirection="Forking"') + path("g", "a") + path("g", "b"),
        "/p/g",
        "gateway g is Forking, but has 1 incoming and 2 outgoing sequence flows (line 2)",
    ),
    (
        "undecidable-gateway",
        SPLIT + conditional("g", "a") + path("g", "b"),
        "/p/gb",
        "sequence flow gb has no condition and is no default flow, but others of its gateway have one (line 2)",
    ),
    (
        "undecidable-gateway",
        SPLIT + path("g", "a") + path("g", "b") + flow("g", "b", "again"),
        "/p/g",
        "gateway g has 2 flows to b, which look alike (line 2)",
    ),
    (
        "ignored-condition",
        SPLIT.replace('id="g"', 'id="g" default="gb"') + conditional("g", "a") + conditional("g", "b"),
        "/p/gb",
        "sequence flow gb is a default flow, so its condition doesn't count (line 2)",
    ),
    (
        "ignored-condition",
        START + '<exclusiveGateway id="g"/>' + END + path("s", "g") + conditional("g", "e"),
        "/p/ge",
        "sequence flow ge is the only one of its gateway, so its condition doesn't count (line 2)",
    ),
    (
        "ignored-default-flow",
        LINE.replace('id="t"', 'id="t" default="te"'),
        "/p/t",
        "default flow te of element t has no effect (line 2)",
    ),
    (
        "ignored-default-flow",
        LINE.replace('id="t"', 'id="t" default="nothing"'),
        "/p/t",
        "default flow nothing of element t has no effect (line 2)",
    ),
    (
        "timer-text",
        LINE + boundary(timer("timeDuration", "five minutes")) + path("b", "e"),
        "/p/b",
        "timeDuration 'five minutes' of event b is not an ISO 8601 duration (line 2)",
    ),
    (
        "timer-text",
        LINE + boundary(timer("timeDate", "P1D")) + path("b", "e"),
        "/p/b",
        "timeDate 'P1D' of event b is not an ISO 8601 date-time (line 2)",
    ),
    (
        "never-armed",
        LINE.replace("serviceTask", "task") + boundary() + path("b", "e"),
        "/p/b",
        "boundary event b never happens: t is over as soon as it begins (line 2)",
    ),
    (
        "interrupting-error",
        LINE + boundary(error("x"), attributes='cancelActivity="false"') + path("b", "e"),
        "/p/b",
        "boundary event b catches an error, so it interrupts in any case (line 2)",
    ),
    (
        "same-trigger",
        LINE + boundary(error("x")) + boundary(error("x"), id="c") + path("b", "e") + path("c", "e"),
        "/p/c",
        "boundary event c catches the same as b: it never happens (line 2)",
    ),
    (
        "throw-without-code",
        START + '<endEvent id="e"><errorEventDefinition errorRef="any"/></endEvent>' + path("s", "e"),
        "/p/e",
        "event e throws an error without a code (line 2)",
    ),
    (
        "called-process",
        LINE.replace("serviceTask", "callActivity").replace('id="t"', 'id="t" calledElement="q"'),
        "/p/t",
        "process q has no none start event, so t can't call it (line 2)",
    ),
    (
        "empty-sub-process",
        '<subProcess id="x"/>',
        "/p/x",
        "sub-process x has no content: it completes at once (line 2)",
    ),
    (
        "endless-loop",
        START + '<subProcess id="x"/><exclusiveGateway id="g"/>' + path("s", "x", "g", "x"),
        "/p/x",
        "element x is in a loop in which nothing waits: it never ends (line 2)",
    ),
    (
        "data-name",
        '<dataObject id="d" name="All orders"/><task id="t"><multiInstanceLoopCharacteristics>'
        "<loopDataInputRef>d</loopDataInputRef></multiInstanceLoopCharacteristics></task>",
        "/p/t",
        "data 'All orders' of element t has no name that a variable can have: it means the variable d (line 2)",
    ),
    ("nameless-declaration", LINE, "/p", "message n has no name, and no event refers to it (line 1)"),
    (
        "must-understand",
        LINE,
        "/p",
        "extension x:Cost must be understood, as the file says, and is skipped (line 1)",
    ),
    ("unknown-element", LINE + "<fooBar/>", "/p", "fooBar is no element of BPMN, and is skipped (line 2)"),
    ("duplicate-id", LINE + '<dataObject id="t"/>', "/p", "ID t is used more than once (line 2)"),
    ("duplicate-id", LINE + '<dataObject id="d"/>\n<laneSet id="d"/>', "/p", "ID d is used more than once (line 3)"),
]
CALLED = '<process id="q"><startEvent id="qs"><messageEventDefinition/></startEvent></process>'
EXTRA = {
    "called-process": ("", CALLED),
    "must-understand": ('<extension mustUnderstand="true" definition="x:Cost"/>', ""),
    "nameless-declaration": ('<message id="n"/>', ""),
}


@pytest.mark.parametrize(("rule", "body", "pointer", "detail"), ODD)
def test_something_odd_is_accepted_with_a_warning(rule, body, pointer, detail):
    head, tail = EXTRA.get(rule, ("", ""))
    assert (pointer, rule, detail) in warnings(body, HEAD + head, tail)


def test_every_rule_has_something_odd_and_says_what_it_looks_for():
    assert set(RULES) - {"leftover-reference"} == {rule for rule, *_ in ODD}
    for name, rule in RULES.items():
        assert rule.name == name
        assert rule.about.endswith(".")


@pytest.mark.parametrize(
    "body",
    [
        LINE,
        START.replace("/>", f">{SIGNAL}</startEvent>") + service("t") + END + path("s", "t", "e"),
        SPLIT + path("g", "a") + path("g", "b"),
        SPLIT + conditional("g", "a") + conditional("g", "b"),
        SPLIT.replace('id="g"', 'id="g" default="gb" gatewayDirection="Diverging"')
        + conditional("g", "a")
        + path("g", "b"),
        SPLIT.replace('id="g"', 'id="g" gatewayDirection="Unspecified"') + path("g", "a") + path("g", "b"),
        SPLIT.replace('id="g"', 'id="g" gatewayDirection=" Mixed "') + path("g", "a", "g") + path("g", "b"),
        START
        + '<parallelGateway id="g"/>'
        + service("a", "b")
        + '<parallelGateway id="j" gatewayDirection="Converging"/>'
        + END
        + path("s", "g", "a", "j", "e")
        + path("g", "b", "j"),
        START
        + service("t")
        + THROW.format("l", "k")
        + CATCH.format("c", "k")
        + END
        + path("s", "t", "l")
        + path("c", "e"),
        LINE + boundary(SIGNAL) + path("b", "e"),
        LINE + boundary(error("x")) + boundary(error("any"), id="c") + path("b", "e") + path("c", "e"),
        LINE
        + boundary("<escalationEventDefinition/>")
        + boundary("<escalationEventDefinition/>", id="c")
        + path("b", "e")
        + path("c", "e"),
        LINE + boundary(timer("timeDuration", "${wait}")) + path("b", "e"),
        LINE + boundary(timer("timeCycle", "= cycle")) + path("b", "e"),
        LINE + boundary(timer("timeCycle", " R3/PT1H\n")) + path("b", "e"),
        LINE + boundary("<timerEventDefinition><timeDuration/></timerEventDefinition>") + path("b", "e"),
        START + sub() + END + path("s", "sp", "e"),
        START + '<task id="a"/>' + service("b") + END + path("s", "a", "b", "a") + path("b", "e"),
        LINE + '<dataObject id="d"/><laneSet id="l"><lane id="k"><flowNodeRef>t</flowNodeRef></lane></laneSet>',
        LINE.replace("serviceTask", "callActivity").replace('id="t"', 'id="t" calledElement="elsewhere:1"'),
    ],
)
def test_nothing_is_odd_about_a_model_as_it_should_be(body):
    assert warnings(body, HEAD) == []


@pytest.mark.parametrize(
    "body",
    [
        joined('<parallelGateway id="f"/>') + path("s", "f", "a", "j") + path("f", "b", "j"),
        joined('<inclusiveGateway id="f"/>') + path("s", "f", "a", "j") + path("f", "b", "j"),
        joined() + path("s", "a", "j") + path("s", "b", "j"),
        joined(boundary(host="a", id="x", attributes='cancelActivity="false"'))
        + path("s", "a", "j")
        + path("x", "b", "j"),
        joined('<parallelGateway id="f"/><exclusiveGateway id="g"/><serviceTask id="c"/>')
        + path("s", "f", "g", "a", "j")
        + path("f", "c", "g", "b", "j"),
        joined('<parallelGateway id="f"/><exclusiveGateway id="g"/><serviceTask id="c"/>')
        + path("s", "f", "g", "a", "j")
        + path("g", "c", "e")
        + path("f", "b", "j"),
        START
        + '<exclusiveGateway id="g"/><parallelGateway id="j"/>'
        + END
        + path("s", "g", "j", "e")
        + flow("g", "j", "x"),
    ],
)
def test_a_join_may_get_all_its_tokens(body):
    assert "never-joined" not in types(body)


def test_what_lies_behind_something_unreachable_is_unreachable_and_what_lies_in_it_is_not():
    inner = '<subProcess id="u"><startEvent id="i"/><endEvent id="j"/>' + path("i", "j") + "</subProcess>"
    assert [pointer for pointer, type, _ in warnings(LINE + inner + service("v") + path("u", "v", "e"))] == [
        "/p/u",
        "/p/v",
    ]


def test_what_a_boundary_event_or_a_link_leads_to_is_reachable():
    body = LINE + boundary() + THROW.format("l", "k") + CATCH.format("c", "k") + service("u")
    assert types(body + path("b", "l") + path("c", "u", "e")) == set()


@pytest.mark.parametrize("called", ["q", " q ", "q:1"])
def test_a_called_process_of_the_same_file_needs_a_none_start_event(called):
    body = LINE.replace("serviceTask", "callActivity").replace('id="t"', f'id="t" calledElement="{called}"')
    assert types(body, tail=CALLED) == {"called-process"}
    assert types(body, tail=CALLED.replace("<messageEventDefinition/>", "")) == set()


def test_a_prefix_before_a_called_process_of_the_same_file_is_taken_for_a_process():
    body = LINE.replace("serviceTask", "callActivity").replace('id="t"', 'id="t" calledElement="tns:q"')
    xml = (
        f'<definitions xmlns="{BPMN}" xmlns:tns="urn:this"><process id="p" isExecutable="1">{body}</process>'
        '<process id="q"><startEvent id="qs"/></process></definitions>'
    )
    (warning,) = advise(find_process(parse(xml), "p"))
    assert warning.detail == "t calls version q of process tns, not process q: a prefix has no meaning there (line 1)"


def test_a_declaration_without_a_name_is_left_to_the_events_that_refer_to_it():
    other = '<process id="q"><startEvent id="qs"><messageEventDefinition messageRef="n"/></startEvent></process>'
    assert types(LINE, '<message id="n"/>', other) == set()
    assert types(LINE, '<error id="n"/><escalation id="o"/>') == set()


def test_timers_that_are_not_read_are_not_looked_at():
    body = LINE + boundary(timer("timeDate", "soon")) + path("b", "e")
    assert warnings(body, xml_timers=False) == []


def test_warnings_come_by_rule_and_then_in_numbering_order():
    body = START + service("u", "v") + '<exclusiveGateway id="g"/>' + END + path("s", "g", "e")
    assert [(type, pointer) for pointer, type, _ in warnings(body)] == [
        ("unreachable", "/p/u"),
        ("unreachable", "/p/v"),
        ("implicit-end", "/p/u"),
        ("implicit-end", "/p/v"),
        ("single-flow-gateway", "/p/g"),
    ]


def test_at_most_a_thousand_warnings_are_given():
    assert len(advise(process(LINE + service(*(f"u{number}" for number in range(2000)))))) == 1000


def test_a_model_that_would_be_refused_today_is_odd():
    found = refused(Cause("/p/t", "element", "it is wrong"))
    assert (found.pointer, found.type, found.detail) == ("/p/t", "refused", "it is wrong")
