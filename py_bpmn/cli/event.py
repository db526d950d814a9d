"""Commands about messages and signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from py_bpmn.cli import kinds
from py_bpmn.cli.options import INSTANCE_ID, KEY, WAIT_TIMEOUT, timer, variables
from py_bpmn.cli.output import Column
from py_bpmn.cli.perform import request, show
from py_bpmn.cli.tables import PARTITION, Command, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

SUBSCRIPTION_COLUMNS = (
    "id",
    "partition",
    "element_instance_id",
    "process_instance_id",
    "bpmn_element_id",
    "correlation_key",
    "created_at",
    "created_by",
    "name",
)
VARIABLES = variables("variables", "--variable", "variable that comes with it", short=True)
NAME = option("name", "-n", "--name", help="its name")


def send_signal(session: Session, command: Command, values: Values) -> None:
    """Sends it; asks before when several wait for it."""
    count = 0
    if not session.options.yes:
        count = session.count("query_signal_subscriptions", name=values["name"])
    session.guard(count, f"send signal {values['name']} to {count} that wait for it")
    show(session, command, session.call(command.operation, **request(command, values)))


def number_of(row: Any) -> str:
    """The partition that some of them have is that of an instance."""
    return str(row.id)


MESSAGE = Resource(
    name="message",
    help="messages, each for one that waits for its name and key",
    commands=(
        Command(
            name="send",
            help="send a message",
            operation="send_message",
            options=(
                option("name", "-n", "--name", required=True, help="its name"),
                option("correlation_key", "--key", "--correlation-key", required=True, help="correlation key"),
                option("unique_key", help="key by which a repetition is known"),
                *timer("expiration_timer", "--expiration-time"),
                option("require_receiver", flag=True, help="only if somebody waits for it"),
                WAIT_TIMEOUT,
                VARIABLES,
            ),
            row="SentMessage",
            naming=number_of,
            columns=(
                "id",
                "name",
                "correlation_key",
                "unique_key",
                "result",
                Column("INSTANCE", "", lambda row, _: _receiver(row)),
                "bpmn_process_id",
                "version",
                "bpmn_element_id",
                "created_at",
                "created_by",
                "expires_at",
            ),
            writes=True,
            does="send message",
        ),
        Command(
            name="query",
            help="find messages",
            operation="query_messages",
            options=(
                option("id", "-i", "--id", kind=kinds.NUMBER, help="its id"),
                NAME,
                KEY,
                option("correlated", "--correlated/--waiting", flag=True, help="received, or still waiting"),
                option("exclude_expired", flag=True, help="without those that have expired"),
            ),
            row="Message",
            naming=number_of,
            rows="results",
            columns=(
                "id",
                "name",
                "correlation_key",
                "unique_key",
                "correlated",
                "created_at",
                "created_by",
                "expires_at",
                "result",
            ),
            paged=True,
        ),
        Command(
            name="query-subscriptions",
            help="find what waits for messages",
            operation="query_message_subscriptions",
            options=(PARTITION, INSTANCE_ID, KEY, NAME),
            row="MessageSubscription",
            naming=number_of,
            rows="results",
            columns=SUBSCRIPTION_COLUMNS,
            paged=True,
        ),
    ),
)


def _receiver(row: Any) -> str:
    return f"{row.partition}/{row.process_instance_id}" if row.process_instance_id is not None else ""


SIGNAL = Resource(
    name="signal",
    help="signals, for all that wait for their name",
    commands=(
        Command(
            name="send",
            help="send a signal",
            operation="send_signal",
            also=("query_signal_subscriptions",),
            options=(option("name", "-n", "--name", required=True, help="its name"), WAIT_TIMEOUT, VARIABLES),
            row="Signal",
            columns=("id", "name", "subscriber_count", "delivered_count", "created_at", "created_by"),
            writes=True,
            run=send_signal,
        ),
        Command(
            name="query-subscriptions",
            help="find what waits for signals",
            operation="query_signal_subscriptions",
            options=(PARTITION, INSTANCE_ID, NAME),
            row="SignalSubscription",
            naming=number_of,
            rows="results",
            columns=tuple(name for name in SUBSCRIPTION_COLUMNS if name != "correlation_key"),
            paged=True,
        ),
    ),
)
