"""Standard loops and multi-instances: what is read, and what is wrong about them."""

import pytest

from app.bpmn.model import Expression, Loop
from tests.bpmn.build import accepted, causes, process

MULTI = '<serviceTask id="t">\n<multiInstanceLoopCharacteristics {}>{}</multiInstanceLoopCharacteristics></serviceTask>'
LOOP = '<serviceTask id="t">\n<standardLoopCharacteristics {}>{}</standardLoopCharacteristics></serviceTask>'
ITEMS = "<loopDataInputRef>orders</loopDataInputRef>"
OUTPUT = '<loopDataOutputRef>results</loopDataOutputRef><outputDataItem name="result"/>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (MULTI.format("", ""), Loop(multi=True, sequential=False)),
        (MULTI.format('isSequential="true"', ""), Loop(multi=True, sequential=True)),
        (
            MULTI.format("", "<loopCardinality> 3 </loopCardinality>"),
            Loop(multi=True, sequential=False, cardinality=Expression("3", "", 3, 36), literal=3),
        ),
        (
            MULTI.format("", '<loopCardinality language="cel">size(orders)</loopCardinality>'),
            Loop(multi=True, sequential=False, cardinality=Expression("size(orders)", "cel", 3, 36)),
        ),
        (MULTI.format("", "<loopCardinality/>"), Loop(multi=True, sequential=False)),
        (
            MULTI.format("", ITEMS + '<inputDataItem id="i" name="order"/>' + OUTPUT),
            Loop(
                multi=True,
                sequential=False,
                collection="orders",
                item="order",
                output_collection="results",
                output_item="result",
            ),
        ),
        (
            MULTI.format("", ITEMS + '<inputDataItem id="order"/>'),
            Loop(multi=True, sequential=False, collection="orders", item="order"),
        ),
        (
            MULTI.format('behavior="All"', "<completionCondition>enough</completionCondition>"),
            Loop(multi=True, sequential=False, condition=Expression("enough", "", 3, 50)),
        ),
        (LOOP.format("", ""), Loop(multi=False, sequential=True)),
        (
            LOOP.format('testBefore="true" loopMaximum="2"', "<loopCondition>more</loopCondition>"),
            Loop(
                multi=False,
                sequential=True,
                condition=Expression("more", "", 3, 64),
                test_before=True,
                maximum=2,
            ),
        ),
    ],
)
def test_a_marker_is_read(body, expected):
    assert accepted(body)["t"].loop == expected


@pytest.mark.parametrize(
    "tag",
    [
        *("businessRuleTask", "callActivity", "manualTask", "receiveTask", "scriptTask", "sendTask", "serviceTask"),
        *("task", "transaction", "subProcess", "userTask"),
    ],
)
def test_every_activity_may_have_a_marker(tag):
    content = '<startEvent id="s"/>' if tag in ("transaction", "subProcess") else ""
    found = accepted(f'<{tag} id="t"><standardLoopCharacteristics/>{content}</{tag}>')
    assert found["t"].loop == Loop(multi=False, sequential=True)


MUST = "multi-instance t must have"
A_NAME = "must be the name of a variable, and not"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (
            MULTI.format("", "<loopCardinality>3</loopCardinality>" + ITEMS),
            [f"{MUST} either a loopCardinality or a loopDataInputRef (line 3)"],
        ),
        (
            MULTI.format("", "<loopCardinality>-1</loopCardinality>"),
            ["loopCardinality of multi-instance t must be from 0 to 1000 (line 3)"],
        ),
        (
            MULTI.format("", "<loopCardinality>1001</loopCardinality>"),
            ["loopCardinality of multi-instance t must be from 0 to 1000 (line 3)"],
        ),
        (
            MULTI.format('isSequential="true"', f"<loopCardinality>{'9' * 4000}</loopCardinality>"),
            ["loopCardinality of multi-instance t must be from 0 to 2147483647 (line 3)"],
        ),
        (
            MULTI.format("", f"<loopCardinality>{'x' * 4097}</loopCardinality>"),
            ["loopCardinality of element t is longer than 4096 characters (line 3)"],
        ),
        (
            MULTI.format("", '<inputDataItem name="order"/>'),
            [f"{MUST} a loopDataInputRef for its inputDataItem (line 3)"],
        ),
        (
            MULTI.format("", '<outputDataItem name="result"/>'),
            [f"{MUST} both a loopDataOutputRef and an outputDataItem, or neither (line 3)"],
        ),
        (
            MULTI.format("", "<loopDataOutputRef>results</loopDataOutputRef>"),
            [f"{MUST} both a loopDataOutputRef and an outputDataItem, or neither (line 3)"],
        ),
        (
            MULTI.format("", ITEMS + '<inputDataItem name="an order"/>'),
            [f"inputDataItem of multi-instance t {A_NAME} an order (line 3)"],
        ),
        (
            MULTI.format("", ITEMS + '<inputDataItem name="loopCounter"/>'),
            [f"inputDataItem of multi-instance t {A_NAME} loopCounter (line 3)"],
        ),
        (
            MULTI.format("", ITEMS + "<inputDataItem/>"),
            [f"inputDataItem of multi-instance t {A_NAME} empty (line 3)"],
        ),
        (
            MULTI.format("", "<loopDataInputRef>${orders}</loopDataInputRef>"),
            [f"loopDataInputRef of multi-instance t {A_NAME} ${{orders}} (line 3)"],
        ),
        (
            MULTI.format('behavior="Sometimes"', ""),
            ["behavior of multi-instance t must be All, None, One or Complex (line 3)"],
        ),
        (
            '<task id="t"><standardLoopCharacteristics/>\n<multiInstanceLoopCharacteristics/></task>',
            ["activity t must have a single loop or multi-instance marker (line 3)"],
        ),
        (
            LOOP.format('loopMaximum="0"', ""),
            ["loopMaximum of activity t must be an integer from 1 to 2147483647 (line 3)"],
        ),
        (
            LOOP.format('loopMaximum="x"', ""),
            ["loopMaximum of activity t must be an integer from 1 to 2147483647 (line 3)"],
        ),
        (
            '<exclusiveGateway id="t">\n<standardLoopCharacteristics/></exclusiveGateway>',
            ["element t is not supported: standardLoopCharacteristics (line 3)"],
        ),
        (
            '<endEvent id="t">\n<multiInstanceLoopCharacteristics/></endEvent>',
            ["element t is not supported: multiInstanceLoopCharacteristics (line 3)"],
        ),
        (
            '<task id="t">\n<loopCharacteristics/></task>',
            ["element t is not supported: loopCharacteristics (line 3)"],
        ),
        (
            MULTI.format("", "<inputDataItem><serviceTask/></inputDataItem>"),
            [
                "element t is not supported: serviceTask in multiInstanceLoopCharacteristics (line 3)",
                f"{MUST} a loopDataInputRef for its inputDataItem (line 3)",
            ],
        ),
    ],
)
def test_what_is_wrong_about_a_marker_is_a_cause(body, details):
    found = causes(body)
    assert {cause[:2] for cause in found} == {("/p/t", "element")}
    assert set(details) <= {detail for _, _, detail in found}


def test_a_marker_has_no_place_in_an_event_sub_process():
    body = (
        '<subProcess id="t" triggeredByEvent="true">\n<standardLoopCharacteristics/>'
        '<startEvent id="s"><timerEventDefinition/></startEvent></subProcess>'
    )
    assert causes(body) == [
        ("/p/t", "element", "element t is not supported: standardLoopCharacteristics (line 3)"),
    ]


DATA = """
<dataObject id="plain"/><dataObject id="d" name="Named"/><dataObject id="u"/>
<dataObjectReference id="r1" name="Own" dataObjectRef="d"/><dataObjectReference id="r2" dataObjectRef="d"/>
<dataObjectReference id="r3"/><property id="q" name="Kept"/>
"""
TASK = """<serviceTask id="t">
  <ioSpecification><dataInput id="in" name="Input"/><dataInput id="free"/><dataOutput id="out"/></ioSpecification>
  <dataInputAssociation><sourceRef>r1</sourceRef><targetRef>in</targetRef></dataInputAssociation>
  <dataOutputAssociation><sourceRef>out</sourceRef><targetRef>q</targetRef></dataOutputAssociation>
  <multiInstanceLoopCharacteristics>
    <loopDataInputRef>{}</loopDataInputRef>
    <loopDataOutputRef>{}</loopDataOutputRef><outputDataItem name="result"/>
  </multiInstanceLoopCharacteristics>
</serviceTask>
"""


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        *(("plain", "plain"), ("d", "Named"), ("r1", "Own"), ("r2", "Named"), ("r3", "r3"), ("q", "Kept")),
        *(("in", "Own"), ("free", "free"), ("anything", "anything"), (" q ", "Kept"), ("x:q", "Kept")),
    ],
)
def test_a_reference_to_data_is_the_name_of_a_variable(reference, name):
    assert accepted(DATA + TASK.format(reference, "out"))["t"].loop.collection == name


SPACED = """
<dataObject id="d" name="All orders"/><dataObject id="plain" name="order"/>
<dataObjectReference id="r1" name="Orders [open]" dataObjectRef="d"/><dataObjectReference id="r2" dataObjectRef="d"/>
<dataObjectReference id="r3" name="Orders [paid]" dataObjectRef="plain"/>
<dataObjectReference id="r4" name="Orders [lost]"/><property id="q" name="Aufträge"/>
"""


@pytest.mark.parametrize(
    ("reference", "name", "replaced"),
    [
        *(("d", "d", "All orders"), ("r1", "d", "Orders [open]"), ("r2", "d", "All orders")),
        *(("r3", "order", "Orders [paid]"), ("r4", "r4", "Orders [lost]"), ("q", "q", "Aufträge")),
    ],
)
def test_data_whose_name_no_variable_can_have_means_the_variable_of_its_id(reference, name, replaced):
    items = '<inputDataItem id="item" name="An order"/>'
    body = MULTI.format("", f"<loopDataInputRef>{reference}</loopDataInputRef>{items}")
    found = accepted(SPACED + body)["t"]
    assert (found.loop.collection, found.loop.item) == (name, "item")
    assert list(found.renamed) == [(replaced, name), ("An order", "item")]


@pytest.mark.parametrize("item", ['name="An order"', 'name="An order" id="an.order"', 'name="x" id="loopCounter"'])
def test_an_item_is_renamed_only_to_what_a_variable_can_be_called(item):
    body = MULTI.format("", f"{ITEMS}<inputDataItem {item}/>")
    shown = "An order" if "order" in item else ""
    expected = [f"inputDataItem of multi-instance t {A_NAME} {shown} (line 3)"] if shown else []
    assert [detail for _, _, detail in causes(body)] == expected


def test_a_data_output_is_named_like_what_it_is_connected_with():
    assert accepted(DATA + TASK.format("d", "out"))["t"].loop.output_collection == "Kept"


def test_an_activity_without_marker_has_no_loop():
    assert process('<task id="t"/>').causes == []
    assert accepted('<task id="t"/>')["t"].loop is None
