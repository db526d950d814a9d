"""Options that several resources share."""

from __future__ import annotations

from py_bpmn.cli import kinds
from py_bpmn.cli.tables import Option, option

PROCESS = option("bpmn_process_id", "--process", "--bpmn-process-id", kind=kinds.PROCESS, help="BPMN id of the process")
PROCESS_ID = option("process_id", kind=kinds.NUMBER, help="id of the process version")
ELEMENT = option("bpmn_element_id", "--element", "--bpmn-element-id", kind=kinds.ELEMENT, help="BPMN id of the element")
ELEMENT_ID = option("element_id", kind=kinds.NUMBER, help="id of the element")
ELEMENT_INSTANCE_ID = option(
    "element_instance_id", kind=kinds.Id("element_instances"), help="element instance, by address or id"
)
INSTANCE_ID = option(
    "process_instance_id",
    "--instance",
    "--process-instance-id",
    kind=kinds.INSTANCE_ID,
    help="process instance, by address or id",
)
EXPRESSIONS = option(
    "expressions", kind=kinds.OneOf("ExpressionMode"), help="who evaluates the expressions of the file"
)
KEY = option("correlation_key", "--key", "--correlation-key", help="correlation key")
TAGS = option("tags", "-t", "--tag", kind=kinds.TAG, many=True, help="tag it has")
NEW_TAGS = option("tags", "-t", "--tag", kind=kinds.TAG, many=True, help="tag it gets")
NAMES = option("names", "-n", "--name", many=True, help="name of a variable; all without it")
WAIT_TIMEOUT = option("wait_timeout", kind=kinds.DURATION, help="how long the answer may wait for it")

CREATED = (
    option("created.from_", "--created-from", "--since", kind=kinds.MOMENT, help="created then or later"),
    option("created.until", "--created-until", "--until", kind=kinds.MOMENT, help="created before"),
)


def states(schema: str) -> Option:
    return option("states", "--state", kind=kinds.OneOf(schema), many=True, help="state it is in")


def variables(fills: str, flag: str, help: str, *, short: bool = False, of_elements: bool = False) -> Option:
    """A family of options that sets variables."""
    family = "element_variables" if of_elements else "variables"
    return Option(fills, (flag,), help, family=family, short=short)  # type: ignore[arg-type]  # one of the two


def timer(fills: str, prefix: str = "--time") -> tuple[Option, ...]:
    """When something is due: one of the three."""
    return (
        option(f"{fills}.time", prefix, kind=kinds.DUE, help="then, or after a duration such as 2h"),
        option(f"{fills}.time_cycle", f"{prefix}-cycle", help="cron expression"),
        option(f"{fills}.time_duration", f"{prefix}-duration", kind=kinds.DURATION, help="after this"),
    )
