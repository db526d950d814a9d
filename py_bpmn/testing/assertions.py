"""What a test can say about a process instance; what does not hold fails with where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn, Self

from py_bpmn._operations import ElementInstance, Incident, Job, Task, Waiting
from py_bpmn.client import Instance
from py_bpmn.testing import words

if TYPE_CHECKING:
    from py_bpmn.testing.kit import Bpmn

__tracebackhide__ = True


class Assertions:
    """About one process instance."""

    def __init__(self, bpmn: Bpmn, instance: Instance) -> None:
        self.bpmn = bpmn
        self.seen = instance
        """As it was when it was read first."""
        self.partition: date = instance.partition
        self.id = instance.id
        self.ref = instance.ref
        """Partition and id, by which the instance is addressed."""
        self.process = instance.process
        """BPMN process id."""

    @property
    def instance(self) -> Instance:
        """As it is now."""
        return self.bpmn.client.instance((self.partition, self.id))

    @property
    def variables(self) -> dict[str, Any]:
        """Of the process."""
        return self.instance.get_variables()

    def passed(self, *ids: str) -> Self:
        """It has left each of these elements, not counting what was canceled."""
        missing = [id for id in ids if id not in self._completed()]
        if missing:
            self._fails_to(f"have passed: {', '.join(missing)}")
        return self

    def not_passed(self, *ids: str) -> Self:
        completed = self._completed()
        passed = [id for id in ids if id in completed]
        if passed:
            self._fail(f"expected not to have passed: {', '.join(passed)}")
        return self

    def is_completed(self, *, at: str | None = None) -> Self:
        """`at` is the end event, or one of them."""
        if self.instance.state != "COMPLETED":
            self._fails_to(f"be completed{f' at: {at}' if at else ''}")
        if at is not None and at not in (ends := self._ends()):
            raise AssertionError(f"expected to be completed at: {at} — is completed at: {', '.join(ends)}")
        return self

    def is_canceled(self) -> Self:
        if self.instance.state != "CANCELED":
            self._fails_to("be canceled")
        return self

    def has(self, variables: Mapping[str, Any] | None = None, /, **more: Any) -> Self:
        """It has these process variables, beside others. Values are compared as they are stored."""
        wanted = {**(variables or {}), **more}
        found = self.instance.get_variables(*wanted)
        wrong = [text for name, value in wanted.items() if (text := self._difference(name, value, found))]
        if wrong:
            self._fail("; ".join(wrong))
        return self

    def has_no(self, *names: str) -> Self:
        """It has no process variables with these names."""
        found = self.instance.get_variables(*names)
        if found:
            self._fail(f"expected no {', '.join(found)}, but there is {_shown(found)}")
        return self

    def has_incident(self, at: str, error: str = "") -> Self:
        """There is one that is not resolved, whose error has this text in it."""
        found: list[Incident] = [
            each
            for each in self.bpmn.client.incidents(partition=self.partition, process_instance_id=self.id)
            if each.bpmn_element_id == at
        ]
        if not any(error in (each.error or "") for each in found):
            self._fails_to(f"have an incident at: {at}{f' ({error})' if error else ''}")
        return self

    def shows(self, expected: str) -> Self:
        """State, visits, jobs and tasks, such as `STARTED | EI: 1 p STARTED; 2 start COMPLETED | J: 1 EXECUTE@2 DUE`.

        A visit is its number, element and state, and `^` with the number of its scope unless that is the process; work
        is number, type, `@` with the visit, state, `rc` with the retry count, and the error in quotes. Numbers count
        from 1. Parts that are left out are not looked at, and neither is ` by ` with who has made something.
        """
        state, *parts = expected.split(" | ")
        if self.instance.state != state:
            self._fails_to(f"be {state}")
        for part in parts:
            name, _, entries = part.partition(": ")
            wanted = entries.split("; ") if entries else []
            found = self._shown(name, wanted)
            if found != wanted:
                raise AssertionError(f"expected {name}: {'; '.join(wanted)} — is {name}: {'; '.join(found)}")
        return self

    def waiting(self) -> list[Waiting]:
        """All that waits for something, and for what."""
        return self.instance.waiting()

    def positions(self) -> list[Waiting]:
        """Where it waits, without events that wait meanwhile at an activity or scope, and scopes that are suspended."""
        return [each for each in self.waiting() if _is_position(each)]

    def places(self) -> list[str]:
        """The elements of these; one that waits for several things is there once."""
        return list({each.element_instance_id: each.bpmn_element_id for each in self.positions()}.values())

    def standing(self) -> str:
        """Where it stands, as sentences of failures say it."""
        return words.standing(self.instance.state, self.positions(), self.bpmn.clock.now)

    def _fails_to(self, what: str) -> NoReturn:
        """Raises AssertionError with what was expected, and where it stands."""
        self._fail(f"expected to {what}")

    def _fail(self, sentence: str) -> NoReturn:
        raise AssertionError(f"{sentence} — {self.standing()}") from None

    def visits(self) -> list[ElementInstance]:
        """Of elements, ended or not, in the order in which they began."""
        api = self.bpmn.client.api
        found = self.bpmn.client.each(
            api.query_element_instances, partition=self.partition, process_instance_id=self.id
        )
        return list(found)

    def _completed(self) -> set[str]:
        return {each.bpmn_element_id for each in self.visits() if each.state == "COMPLETED"}

    def _ends(self) -> list[str]:
        ends = [each for each in self.visits() if each.bpmn_element_type.endswith("END_EVENT")]
        return [each.bpmn_element_id for each in ends if each.state == "COMPLETED"]

    def _difference(self, name: str, value: Any, found: Mapping[str, Any]) -> str:
        if name not in found:
            return f"expected {name} to be {value!r}, but there is no such variable"
        is_same = found[name] == value or found[name] == _stored(self.bpmn, value)
        return "" if is_same else f"expected {name} to be {value!r}, but it is {found[name]!r}"

    def _shown(self, name: str, wanted: Sequence[str]) -> list[str]:
        visits = self.visits()
        number = {each.id: place for place, each in enumerate(visits, 1)}
        found = [_visit(each, number, visits[0].id) for each in visits] if name == "EI" else self._work(name, number)
        pairs = [(entry, wanted[place] if place < len(wanted) else "") for place, entry in enumerate(found)]
        return [entry if " by " in want else entry.rsplit(" by ", 1)[0] for entry, want in pairs]

    def _work(self, name: str, number: Mapping[int, int]) -> list[str]:
        api, client = self.bpmn.client.api, self.bpmn.client
        queries: Mapping[str, Callable[..., Any]] = {"J": api.query_jobs, "T": api.query_tasks}
        if name not in queries:
            raise ValueError(f"shows knows EI, J and T, but not {name}")
        found = client.each(queries[name], partition=self.partition, process_instance_id=self.id)
        return [_work_of(each, place, number) for place, each in enumerate(found, 1)]


def _is_position(waiting: Waiting) -> bool:
    type = waiting.bpmn_element_type
    is_event_beside = type.endswith(("_BOUNDARY_EVENT", "_START_EVENT"))
    return not is_event_beside and not (type == "PROCESS" and waiting.kind == "SUSPENDED")


def _visit(visit: ElementInstance, number: Mapping[int, int], first: int) -> str:
    parent = visit.parent_id
    scope = f" ^{number[parent]}" if parent and parent != first and parent in number else ""
    return f"{number[visit.id]} {visit.bpmn_element_id} {visit.state}{scope} by {visit.created_by}"


def _work_of(work: Job | Task, place: int, number: Mapping[int, int]) -> str:
    at = f"@{number[work.element_instance_id]}" if work.element_instance_id else ""
    retries = f" rc{work.retry_count}" if work.retry_count else ""
    error = f' "{words.first_line(work.error)}"' if work.error else ""
    return f"{place} {work.type}{at} {work.state}{retries}{error} by {work.created_by}"


def _stored(bpmn: Bpmn, value: Any) -> Any:
    """The value as it is when it is read back."""
    encoded = bpmn.client.values.encode(value)
    return bpmn.client.values.decode(encoded.encoding, encoded.value)


def _shown(variables: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in variables.items())
