"""Which requests lock what handlers do, and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from py_bpmn.worker import Process, Variables
from py_bpmn.worker.process import KINDS
from py_bpmn.worker.wanted import TYPES, Wanted, wanted


def _named(n: int = 0) -> None: ...
async def _waits() -> None: ...
def _all(variables: Variables) -> None: ...


def _process(id: str, *handlers: tuple[str, str, Any], **options: Any) -> Process:
    process = Process(id, **options)
    for kind, element, function in handlers:
        getattr(process, kind)(element)(function)
    return process


def test_handlers_that_are_alike_share_one_request():
    one = _process("one", ("execute", "a", _named), ("exclusive", "b", lambda m: "x"))
    two = _process("two", ("execute", "c", lambda: None))
    (found,) = wanted([one, two], [])
    assert found.conditions == {
        "bpmn_process_ids": ("one", "two"),
        "bpmn_element_ids": ("a", "b", "c"),
        "types": ("EVALUATE_EXCLUSIVE_GATEWAY", "EXECUTE"),
        "lock_timeout": found.lease,
        "variables": ("m", "n"),
    }


def test_other_terms_take_a_request_of_their_own():
    process = _process("p", ("execute", "a", _named), ("execute", "b", _waits), ("execute", "c", _all))
    process.execute("d", lease="2m")(_named)
    assert [sorted(each.elements) for each in wanted([process], [])] == [["a"], ["b"], ["c"], ["d"]]
    assert [each.all_variables for each in wanted([process], [])] == [False, False, True, False]


def test_more_than_the_service_takes_are_asked_for_by_several_requests():
    process = _process("p", *(("execute", f"e{number}", _named) for number in range(250)))
    assert [len(each.elements) for each in wanted([process], [])] == [100, 100, 50]


FUNCTIONS = (_named, _waits, _all)
handlers = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from([*KINDS]), st.sampled_from("abc"), st.sampled_from(FUNCTIONS)),
    unique_by=lambda each: each[:3],
)
kinds = st.tuples(st.sampled_from("pq"), st.sampled_from("abc"), st.sampled_from(TYPES))


@given(handlers, st.lists(kinds, unique=True))
def test_each_job_that_is_done_here_is_locked_on_its_terms_and_no_other_one(given_handlers, existing):
    processes = {id: Process(id) for id in "pq"}
    for id, kind, element, function in given_handlers:
        getattr(processes[id], kind)(element)(function)
    strangers = [kind for kind in existing if processes[kind[0]].handler(*kind[1:]) is None]
    found = wanted(processes.values(), strangers)
    assert not any(each.matches(kind) for each in found for kind in strangers)
    for id in "pq":
        for element in "abc":
            for type in TYPES:
                handler = processes[id].handler(element, type)
                if handler is not None:
                    matching = [each for each in found if each.matches((id, element, type))]
                    assert matching and all(_is_on_terms(each, handler) for each in matching)


def _is_on_terms(request: Wanted, handler: Any) -> bool:
    names = handler.variables
    has_variables = request.all_variables if names is None else request.variables >= set(names)
    return (request.is_async, request.lease) == (handler.is_async, handler.lease) and has_variables
