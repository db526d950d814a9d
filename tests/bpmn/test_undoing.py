"""Compensation, and transactions that are cancelled."""

import pytest

from app.bpmn.model import ElementType
from tests.bpmn.build import accepted, causes, flow, warnings

T = ElementType
START = '<startEvent id="{0}s"/><endEvent id="{0}e"/>'
COMPENSATE = "<compensateEventDefinition/>"


def association(source, target, id="as"):
    return f'<association id="{id}-{source}-{target}" sourceRef="{source}" targetRef="{target}"/>'


def boundary(host, id="b", definition=COMPENSATE):
    return f'<boundaryEvent id="{id}" attachedToRef="{host}">{definition}</boundaryEvent>'


def undo(id="u", attributes="", content=""):
    return f'<serviceTask id="{id}" isForCompensation="true" {attributes}>{content}</serviceTask>'


def throw(attributes="", tag="intermediateThrowEvent"):
    return f'<{tag} id="c"><compensateEventDefinition {attributes}/></{tag}>'


def handler(id="x", start="k"):
    return (
        f'<subProcess id="{id}" triggeredByEvent="true"><startEvent id="{start}">{COMPENSATE}</startEvent>'
        f'<task id="{id}-t"/>{flow(start, f"{id}-t")}</subProcess>'
    )


def inside(content, tag="subProcess"):
    return f'<{tag} id="sp"><task id="in"/>{content}</{tag}>'


TASK = '<startEvent id="s"/><serviceTask id="t"/>' + flow("s", "t")
UNDONE = TASK + boundary("t") + undo() + association("b", "u")


@pytest.mark.parametrize("ends", [("b", "u"), ("u", "b")])
def test_an_association_leads_to_the_handler(ends):
    found = accepted(TASK + boundary("t") + undo() + association(*ends))
    assert (found["b"].type, found["b"].handler, found["u"].is_compensation) == (
        *(T.COMPENSATION_BOUNDARY_EVENT, found["u"], True),
    )


def test_a_handler_may_be_shared_and_other_associations_are_notes():
    body = UNDONE + '<serviceTask id="v"/>' + flow("t", "v") + boundary("v", "d") + association("d", "u")
    body += '<textAnnotation id="note"/>' + association("b", "note") + association("note", "u")
    found = accepted(body)
    assert found["b"].handler is found["d"].handler is found["u"]


def test_compensation_is_not_unreachable_or_unfinished():
    body = UNDONE + throw() + '<endEvent id="e"/>' + flow("t", "c") + flow("c", "e")
    assert warnings(body) == []
    assert warnings(body.replace("serviceTask", "task")) == []


@pytest.mark.parametrize("attribute", ['cancelActivity="false"', 'cancelActivity="true"', ""])
def test_a_compensation_boundary_event_ends_nothing_that_it_could_spare(attribute):
    assert accepted(UNDONE.replace('id="b"', f'id="b" {attribute}'))["b"].interrupting


ONE = "compensation boundary event b must have exactly one association with a compensation activity of its scope"
LONELY = "compensation activity u has no association with a compensation boundary event"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TASK + boundary("t"), [("/p/b", ONE)]),
        (TASK + boundary("t") + '<task id="u"/>' + association("b", "u"), [("/p/b", ONE)]),
        (
            UNDONE + undo("v") + association("b", "v"),
            [("/p/u", LONELY), ("/p/v", LONELY.replace(" u ", " v ")), ("/p/b", ONE)],
        ),
        (
            TASK + boundary("t") + association("b", "u") + inside(undo()),
            [("/p/sp/u", LONELY), ("/p/b", ONE)],
        ),
        (undo(), [("/p/u", LONELY)]),
        (
            UNDONE + flow("b", "t"),
            [("/p/b-t", "sequence flow b-t must not leave compensation boundary event b")],
        ),
        (UNDONE + flow("t", "u"), [("/p/t-u", "sequence flow t-u must not lead into compensation activity u")]),
        (UNDONE + flow("u", "t"), [("/p/u-t", "sequence flow u-t must not leave compensation activity u")]),
        (
            UNDONE + boundary("u", "d", "<errorEventDefinition/>"),
            [("/p/d", "boundary event d cannot be attached to compensation activity u")],
        ),
        (
            UNDONE + boundary("t", "d") + association("d", "u"),
            [("/p/d", "compensation of t must have one handler: b is there already")],
        ),
        (
            inside(handler()) + boundary("sp") + undo() + association("b", "u"),
            [("/p/b", "compensation of sp must have one handler: k is there already")],
        ),
        (handler(), [("/p/x/k", "start event k catches compensation, so it must not be in a process")]),
        (
            inside(handler().replace("</subProcess>", handler("y", "l") + "</subProcess>")),
            [("/p/sp/x/y/l", "start event l catches compensation, so it must not be in an event sub-process")],
        ),
        (
            inside('<intermediateCatchEvent id="c"><compensateEventDefinition/></intermediateCatchEvent>'),
            [("/p/sp/c", "element c is not supported: compensateEventDefinition in intermediateCatchEvent")],
        ),
        (
            f'<startEvent id="c">{COMPENSATE}</startEvent>',
            [("/p/c", "element c is not supported: compensateEventDefinition in startEvent")],
        ),
        (
            UNDONE.replace("serviceTask", "receiveTask").replace('id="u"', 'id="u" instantiate="true"'),
            [("/p/u", "compensation activity u must not start the process")],
        ),
    ],
)
def test_what_compensation_must_be_like(body, expected):
    found = [(pointer, detail.partition(" (line")[0]) for pointer, _, detail in causes(body)]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("tag", ["subProcess", "transaction"])
def test_an_event_sub_process_may_undo_what_it_is_inside_of(tag):
    found = accepted(inside(handler(), tag))
    assert (found["k"].type, found["k"].interrupting) == (T.COMPENSATION_START_EVENT, True)


@pytest.mark.parametrize("tag", ["intermediateThrowEvent", "endEvent"])
@pytest.mark.parametrize(
    ("attributes", "activity", "waits"),
    [
        ("", None, True),
        ('activityRef="t"', "t", True),
        ('activityRef="x:t" waitForCompletion="false"', "t", False),
        ('waitForCompletion="true"', None, True),
    ],
)
def test_a_compensation_event_undoes_one_activity_or_all(tag, attributes, activity, waits):
    found = accepted(UNDONE + throw(attributes, tag))
    types = {"intermediateThrowEvent": T.COMPENSATION_THROW_EVENT, "endEvent": T.COMPENSATION_END_EVENT}
    assert found["c"].type is types[tag]
    assert (found["c"].activity_ref and found["c"].activity_ref.id, found["c"].waits) == (activity, waits)


REFERENCE = throw('activityRef="t"')
IN_HANDLER = (
    f'<subProcess id="x" triggeredByEvent="true"><startEvent id="m"><errorEventDefinition/></startEvent>{REFERENCE}'
)
IN_HANDLER += "</subProcess>"


def test_an_event_sub_process_may_undo_an_activity_of_the_scope_around_it():
    found = accepted(UNDONE + IN_HANDLER)
    assert found["c"].activity_ref is found["t"]


UNKNOWN = "t is no activity of the scope of compensation event c"
POWERLESS = "activity t of compensation event c has nothing that undoes it"
EMPTY = '<subProcess id="t"><task id="a"/>{}</subProcess>'
LEAF = boundary("a") + undo() + association("b", "u")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (REFERENCE, [UNKNOWN]),
        (REFERENCE + '<startEvent id="t"/>', [UNKNOWN]),
        (UNDONE + inside(REFERENCE), [UNKNOWN]),
        (UNDONE + IN_HANDLER.replace(REFERENCE, inside(REFERENCE)), [UNKNOWN]),
        (REFERENCE + TASK, [POWERLESS]),
        (REFERENCE + EMPTY.format(""), [POWERLESS]),
        (REFERENCE + EMPTY.format(LEAF), []),
        (REFERENCE + EMPTY.format(handler()), []),
        (
            REFERENCE
            + EMPTY.format(f'<transaction id="y">{LEAF}<task id="z"/></transaction>')
            .replace('<task id="a"/>', "")
            .replace('<task id="z"/>', '<task id="a"/>'),
            [],
        ),
        (
            REFERENCE
            + EMPTY.format(
                IN_HANDLER.replace(REFERENCE, '<task id="z"/>' + boundary("z") + undo() + association("b", "u"))
            ),
            [POWERLESS],
        ),
    ],
)
def test_a_compensation_event_refers_to_what_can_be_undone(body, expected):
    assert [detail.partition(" (line")[0] for _, _, detail in causes(body)] == expected


CANCEL = "<cancelEventDefinition/>"
END = f'<endEvent id="ce">{CANCEL}</endEvent>'


def transaction(content=END, attributes="", tag="transaction"):
    return f'<{tag} id="tx" {attributes}><startEvent id="begin"/>{content}</{tag}>'


def test_a_transaction_may_be_cancelled():
    found = accepted(
        transaction()
        + boundary("tx", definition=CANCEL).replace("<boundaryEvent", '<boundaryEvent cancelActivity="false"')
    )
    assert (found["ce"].type, found["b"].type, found["b"].interrupting) == (
        *(T.CANCEL_END_EVENT, T.CANCEL_BOUNDARY_EVENT, True),
    )


BOTH = boundary("tx", definition=CANCEL)
MARKER = "<multiInstanceLoopCharacteristics><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (END, [("/p/ce", "cancel end event ce must be in a transaction, and not in p")]),
        (
            transaction(inside(END)) + BOTH,
            [
                ("/p/tx", "transaction tx has a cancel boundary event, so it must have a cancel end event"),
                ("/p/tx/sp/ce", "cancel end event ce must be in a transaction, and not in sp"),
            ],
        ),
        (
            transaction("", tag="subProcess") + BOTH,
            [("/p/b", "cancel boundary event b must be attached to a transaction, and not to tx")],
        ),
        (
            transaction() + BOTH + BOTH.replace('id="b"', 'id="d"'),
            [("/p/d", "transaction tx must have a single cancel boundary event, and has b")],
        ),
        (transaction(), [("/p/tx", "transaction tx has a cancel end event, so it must have a cancel boundary event")]),
        (
            transaction("") + BOTH,
            [("/p/tx", "transaction tx has a cancel boundary event, so it must have a cancel end event")],
        ),
        (
            transaction(END + MARKER) + BOTH,
            [("/p/tx", "transaction tx has a cancel end event, so it must have no marker")],
        ),
        (
            f'<intermediateThrowEvent id="ce">{CANCEL}</intermediateThrowEvent>',
            [("/p/ce", "element ce is not supported: cancelEventDefinition in intermediateThrowEvent")],
        ),
    ],
)
def test_cancel_events_belong_to_transactions(body, expected):
    found = [(pointer, detail.partition(" (line")[0]) for pointer, _, detail in causes(body)]
    assert found == expected
