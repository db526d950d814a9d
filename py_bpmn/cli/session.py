"""What one call of the command has to go by: the options that all commands have, the profile, and the client."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

import click

from py_bpmn.cli import profiles
from py_bpmn.cli.output import Format, Output
from py_bpmn.errors import Forbidden

if TYPE_CHECKING:
    from py_bpmn._wire import Answer, Request
    from py_bpmn.client import Client

TIMEOUT = timedelta(seconds=40)
LONGEST_WAIT = timedelta(seconds=20)
"""Of one request of a command that waits for an end; services do not let it wait much longer."""
CREDENTIALS = ("BPMN_AUTHORIZATION", "BPMN_USERNAME", "BPMN_PASSWORD")
HIDDEN = frozenset({"value", "authorization", "bpmnXml", "error", "diagram"})
"""Properties that are not shown by --debug: values of variables, secrets, and what is as long as a file."""


class Declined(click.ClickException):
    """Who was asked has said no."""

    exit_code = 1

    def __init__(self) -> None:
        super().__init__("nothing was done")


@dataclass(slots=True, kw_only=True)
class Options:
    """As they were typed, before or after the name of the command."""

    url: str | None = None
    profile: str | None = None
    worker_id: str | None = None
    timeout: timedelta = TIMEOUT
    output: Format | None = None
    columns: str | None = None
    no_color: bool = False
    debug: bool = False
    yes: bool = False


@dataclass
class Session:
    """Settles the options with the environment and the profile, when they are needed."""

    options: Options = field(default_factory=Options)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @cached_property
    def profile(self) -> tuple[str, profiles.Profile] | None:
        """The chosen one, or the one in use."""
        chosen = self.options.profile or os.environ.get("BPMN_PROFILE")
        known = profiles.load()
        name = chosen or known.current
        return (name, known.get(name)) if name else None

    @cached_property
    def url(self) -> str:
        from py_bpmn.client import DEFAULT_URL

        profile = self.profile[1].url if self.profile else ""
        wins = os.environ.get("BPMN_URL")
        if self.options.profile and not self.options.url and wins and wins != profile:
            click.echo(f"note: BPMN_URL is set to {wins}, and wins over profile {self.options.profile}", err=True)
        return self.options.url or os.environ.get("BPMN_URL") or profile or DEFAULT_URL

    @cached_property
    def client(self) -> Client:
        from py_bpmn.client import Client

        key, worker_id, ca_file = self._given()
        timeout = self.options.timeout.total_seconds()
        client = Client(self.url, key=key, worker_id=worker_id, ca_file=ca_file, timeout=timeout)
        if self.options.debug:
            _trace(client)
        return client

    def environment(self) -> dict[str, str]:
        """What tells another client the same."""
        key, worker_id, ca_file = self._given()
        names = {"URL": self.url, "AUTHORIZATION": key, "WORKER_ID": worker_id, "CA_FILE": ca_file}
        return {f"BPMN_{name}": value for name, value in names.items() if value}

    def _given(self) -> tuple[str | None, str | None, str | None]:
        """Key, worker id and file of certificates, as far as the environment does not tell them."""
        if not self.profile:
            return None, self.options.worker_id, None
        profile = self.profile[1]
        worker_id = self.options.worker_id or os.environ.get("BPMN_WORKER_ID") or profile.worker_id
        ca_file = os.environ.get("BPMN_CA_FILE") or profile.ca_file
        # The key of a profile is for its own service alone, wherever an address comes from.
        is_known = any(os.environ.get(name) for name in CREDENTIALS)
        key = None if is_known or not profile.is_of(self.url) else profile.authorization()
        return key, worker_id or None, ca_file or None

    @cached_property
    def out(self) -> Output:
        columns = self.options.columns
        wanted = columns.split(",") if columns else None
        return Output(self.options.output, wanted, color=self.colored(sys.stdout), now=self.now())

    def colored(self, stream: TextIO) -> bool:
        """Whether there are colors: not where nobody sees them, or wants them."""
        unwanted = self.options.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not unwanted and stream.isatty()

    def call(self, operation: str, **arguments: Any) -> Any:
        """The answer of an operation, by its name in snake_case."""
        return getattr(self.client.api, operation)(**arguments)

    def count(self, operation: str, **criteria: Any) -> int:
        """How many there are; 1 where one may not know, but perhaps may change them."""
        try:
            return self.call(operation, **criteria, limit=1, total=True).total or 0
        except Forbidden:
            return 1

    def guard(self, count: int, what: str) -> None:
        """Asks before something is changed: more than one thing at once, or anything in production.

        Raises Declined, and click.UsageError where nobody can be asked.
        """
        production = self.profile is not None and self.profile[1].production
        if self.options.yes or (count <= 1 and not production):
            return
        where = f"profile {self.profile[0]}, {self.url}" if self.profile else self.url
        deed = f"{what} ({where}{', PRODUCTION' if production else ''})"
        if not sys.stdin.isatty():
            raise click.UsageError(f"{deed}: say --yes where nobody can be asked")
        question = f"{deed[0].upper()}{deed[1:]}?"
        if production and self.colored(sys.stderr):
            question = click.style(question, fg="red", bold=True)
        if not click.confirm(question, err=True):
            raise Declined

    def close(self) -> None:
        if "client" in self.__dict__:
            self.client.close()


def _trace(client: Client) -> None:
    """Has the client print its requests and answers, without authorization and values."""
    sender = client._sender
    ask = sender._answer

    def answer(request: Request[Any]) -> Answer:
        _print(f"> {request.operation.method} {client.url}{request.path}", request.content)
        found = ask(request)
        _print(f"< {found.status} {found.headers.get('x-request-id', '')}".rstrip(), found.content)
        return found

    sender._answer = answer  # type: ignore[method-assign]  # the one place where both are known


def _print(line: str, content: bytes | None) -> None:
    click.echo(line, err=True)
    if not content:
        return
    try:
        click.echo(json.dumps(_hidden(json.loads(content)), indent=2, ensure_ascii=True), err=True)
    except ValueError:
        click.echo(f"({len(content)} bytes)", err=True)


def _hidden(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: "..." if name in HIDDEN else _hidden(value) for name, value in data.items()}
    return [_hidden(each) for each in data] if isinstance(data, list) else data


@contextmanager
def session_of(context: click.Context) -> Iterator[Session]:
    """The session of this call."""
    session: Session = context.ensure_object(Session)
    try:
        yield session
    finally:
        session.close()
