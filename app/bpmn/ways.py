"""Where tokens get to in a process, as far as its drawing tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.bpmn.kinds import ACTIVITIES, DECIDING_GATEWAYS, PASSED_THROUGH_TASKS, START_EVENTS, ElementType
from app.bpmn.model import Element

T = ElementType

_PASSED_THROUGH = PASSED_THROUGH_TASKS | {T.LINK_CATCH_EVENT, T.LINK_THROW_EVENT, T.NONE_THROW_EVENT}
_CHOOSING_GATEWAYS = frozenset({T.EVENT_BASED_GATEWAY, T.EXCLUSIVE_GATEWAY})
"""They go on along one flow."""


def start_events(scope: Element) -> list[Element]:
    return [child for child in scope.children if child.type in START_EVENTS]


def beginnings(scope: Element) -> list[Element]:
    """Where tokens get into a scope: by itself, when something happens, or when somebody selects what is performed."""
    if scope.type is T.AD_HOC_SUB_PROCESS:
        return [child for child in scope.children if child.type in ACTIVITIES and child.begins]
    found = dict.fromkeys([*start_events(scope), *scope.start_nodes()])
    return [*found, *(child for child in scope.children if child.instantiate)]


def following(element: Element, caught: dict[str, Element]) -> Iterator[Element]:
    """Where tokens of an element may get to next."""
    yield from (flow.target for flow in element.outgoing)
    yield from element.attached
    if element.handler is not None:
        yield element.handler
    if element.type is T.LINK_THROW_EVENT and element.link_name in caught:
        yield caught[element.link_name]


def caught_links(scope: Element) -> dict[str, Element]:
    """The link catch events of a scope by name."""
    return {child.link_name: child for child in scope.children if child.type is T.LINK_CATCH_EVENT}


def reached(scope: Element) -> set[Element]:
    """What in a scope a token may get to."""
    caught = caught_links(scope)
    pending = beginnings(scope)
    found = set(pending)
    while pending:
        new = [element for element in following(pending.pop(), caught) if element not in found]
        found.update(new)
        pending += dict.fromkeys(new)
    return found


def passes(element: Element) -> bool:
    """Whether nothing waits at the element, and nothing is decided there."""
    if element.type in DECIDING_GATEWAYS:
        joins = element.type is T.COMPLEX_GATEWAY and len(element.incoming) > 1
        return len(element.outgoing) == 1 and not joins
    if element.type is T.PARALLEL_GATEWAY:
        return len(element.incoming) == 1
    if any(flow.is_chosen for flow in element.outgoing):
        return False
    is_passed = element.type in _PASSED_THROUGH or element.is_empty
    return is_passed and element.loop is None and element.start_quantity == 1


def pruned(
    elements: set[Element], after: dict[Element, list[Element]], before: dict[Element, list[Element]]
) -> set[Element]:
    """The elements without those that nothing leads to, again and again."""
    left = set(elements)
    count = {element: sum(each in left for each in before.get(element, ())) for element in left}
    pending = [element for element in left if not count[element]]
    while pending:
        element = pending.pop()
        left.discard(element)
        for target in after.get(element, ()):
            if target in left:
                count[target] -= 1
                if not count[target]:
                    pending.append(target)
    return left


_MOST_STEPS = 100
"""How far back paths are followed: a fork that is farther away is not found."""


def reached_by_several(scope: Element) -> set[Element]:
    """What more than one token may get to: what follows something that goes on along several flows at once."""
    caught = caught_links(scope)
    starts = scope.start_nodes()
    pending = [target for element in scope.children for target in _at_once(element)]
    if starts and starts[0].type is not T.NONE_START_EVENT:
        pending += starts
    found = set(pending)
    # Many flows may lead to one element, and much may follow it.
    pending = list(found)
    while pending:
        new = [element for element in following(pending.pop(), caught) if element not in found]
        found.update(new)
        pending += dict.fromkeys(new)
    return found


def _at_once(element: Element) -> Iterator[Element]:
    """What gets tokens at the same time as something else."""
    if any(not event.interrupting for event in element.attached):
        for each in (element, *element.attached):
            yield from _targets(each)
    goes_on = 1 if element.type in _CHOOSING_GATEWAYS else len(element.outgoing) * element.completion_quantity
    if goes_on > 1:
        yield from _targets(element)


def _targets(element: Element) -> list[Element]:
    return [flow.target for flow in element.outgoing]


def exclude_each_other(join: Element, sources: Sequence[Element]) -> bool:
    """Whether two paths to the gateway begin at one that chooses, with nothing on the way that others lead to."""
    taken: dict[Element, Element] = {}
    """What is met on the way back along the paths, with what follows it there."""
    for source in sources:
        here: dict[Element, Element] = {}
        below, node = join, source
        while len(here) < _MOST_STEPS and node not in here and len(node.incoming) == 1:
            if node in taken:
                if node.type in _CHOOSING_GATEWAYS and taken[node] is not below:
                    return True
                break
            here[node] = below
            below, node = node, node.incoming[0].source
        taken = here | taken
    return False
