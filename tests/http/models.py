"""BPMN files for the tests of this package: the process `p`, with sequence flows as `a -> b -> c`."""

from __future__ import annotations

from itertools import pairwise

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def flows(*chains: str) -> str:
    """Sequence flows along the chains of element ids."""
    pairs = [pair for chain in chains for pair in pairwise(chain.split(" -> "))]
    return "".join(
        f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}"/>' for source, target in pairs
    )


def model(elements: str, *chains: str, process: str = "p", head: str = "") -> str:
    return (
        f'<definitions xmlns="{BPMN}">{head}'
        f'<process id="{process}" isExecutable="true">{elements}{flows(*chains)}</process></definitions>'
    )


def between(element: str, element_id: str, *, process: str = "p", head: str = "") -> str:
    """A process that waits at one element."""
    ends = '<startEvent id="start"/>{}<endEvent id="end"/>'
    return model(ends.format(element), f"start -> {element_id} -> end", process=process, head=head)


SERVICE = between('<serviceTask id="work"/>', "work")
STRAIGHT = model('<startEvent id="start"/><endEvent id="end"/>', "start -> end")
MESSAGE_CATCH = between(
    '<intermediateCatchEvent id="catch"><messageEventDefinition/></intermediateCatchEvent>', "catch"
)
SIGNAL_CATCH = between('<intermediateCatchEvent id="catch"><signalEventDefinition/></intermediateCatchEvent>', "catch")
TIMER_CATCH = between('<intermediateCatchEvent id="catch"><timerEventDefinition/></intermediateCatchEvent>', "catch")
TIMER_START = model(
    '<startEvent id="start"><timerEventDefinition/></startEvent><endEvent id="end"/>',
    "start -> end",
)
MESSAGE_START = model(
    '<startEvent id="start"><messageEventDefinition/></startEvent><serviceTask id="work"/><endEvent id="end"/>',
    "start -> work -> end",
)
CALL = between('<callActivity id="call"/>', "call")
USER_TASK = model(
    '<startEvent id="start"/><userTask id="task"/><endEvent id="end"/>'
    '<boundaryEvent id="failed" attachedToRef="task"><errorEventDefinition/></boundaryEvent>'
    '<endEvent id="failed-end"/>',
    "start -> task -> end",
    "failed -> failed-end",
)
PARALLEL = model(
    '<startEvent id="start"/><parallelGateway id="fork"/><serviceTask id="a"/><serviceTask id="b"/>'
    '<parallelGateway id="join"/><endEvent id="end"/>',
    "start -> fork -> a -> join -> end",
    "fork -> b -> join",
)
EXCLUSIVE = model(
    '<startEvent id="start"/><exclusiveGateway id="fork"/><endEvent id="left"/><endEvent id="right"/>',
    "start -> fork -> left",
    "fork -> right",
)
