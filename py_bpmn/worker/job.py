"""What a handler sees of its job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from py_bpmn.worker.outcome import JobGone

if TYPE_CHECKING:
    from datetime import date

    from py_bpmn._operations import Decision, JobTimer, VisibleVariable
    from py_bpmn._operations import Job as Data
    from py_bpmn.client import Client
    from py_bpmn.values import Values


class Job:
    """The job that a handler does."""

    def __init__(self, data: Data, client: Client) -> None:
        self.data = data
        """All that the service has told of it."""
        self.client = client
        """The service that the job is of: for messages to send, instances to start, and all else."""
        self._gone = ""

    def __repr__(self) -> str:
        return f"<Job {self.ref} {self.type} at {self.element}>"

    @property
    def partition(self) -> date:
        return self.data.partition

    @property
    def id(self) -> int:
        return self.data.id

    @property
    def ref(self) -> str:
        """Partition and id, by which it is addressed."""
        return f"{self.data.partition}/{self.data.id}"

    @property
    def key(self) -> str:
        """The same in each attempt: a key for others, by which they know that something was asked for before."""
        return f"{self.data.partition}/{self.data.element_instance_id}/{self.data.type}"

    @property
    def attempt(self) -> int:
        """1 for the first one."""
        return self.data.retry_count + 1

    @property
    def type(self) -> str:
        return self.data.type

    @property
    def element(self) -> str:
        """BPMN id of the element."""
        return self.data.bpmn_element_id

    @property
    def element_name(self) -> str | None:
        return self.data.bpmn_element_name

    @property
    def instance(self) -> str:
        """The process instance, as it is addressed."""
        return f"{self.data.partition}/{self.data.process_instance_id}"

    @property
    def correlation_key(self) -> str | None:
        """Of the process instance."""
        return self.data.correlation_key

    @property
    def task_type(self) -> str | None:
        return self.data.task_type

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Of what decides for flows: these, with their targets and conditions."""
        return self.data.decisions

    @property
    def expression(self) -> str | None:
        """What the BPMN file says about the condition or number that is asked for."""
        return self.data.expression

    @property
    def called_element(self) -> str | None:
        return self.data.called_element

    @property
    def message_name(self) -> str | None:
        return self.data.message_name

    @property
    def timer(self) -> JobTimer | None:
        """What the BPMN file says about when it fires."""
        return self.data.timer

    @property
    def alive(self) -> bool:
        """Whether the result is still wanted."""
        return not self._gone

    def check(self) -> None:
        """Raises JobGone if the result is not wanted any more."""
        if self._gone:
            raise JobGone(f"job {self.ref} at {self.element} is gone: {self._gone}")

    def is_gone(self, reason: str) -> None:
        """Tells the handler that it may stop."""
        self._gone = self._gone or reason


class Variables(Mapping[str, Any]):
    """All variables that a job sees, by name; of several with one name, the one of the innermost scope.

    What can't be read, such as an encrypted value whose key is missing, raises ValueError when it is asked for.
    """

    def __init__(self, values: Values, variables: tuple[VisibleVariable, ...]) -> None:
        self._values = values
        self._found: dict[str, VisibleVariable] = {}
        for variable in variables:
            self._found.setdefault(variable.name, variable)

    def __getitem__(self, name: str) -> Any:
        variable = self._found[name]
        if variable.data is None:
            raise ValueError(f"variable {name} {variable.error or 'has no value'}")
        try:
            return self._values.decode(variable.data.encoding, variable.data.value)
        except ValueError as error:
            raise ValueError(f"variable {name}: {error}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def __repr__(self) -> str:
        return f"<Variables {', '.join(self._found)}>"
