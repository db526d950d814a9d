"""`profile`: services by name."""

from __future__ import annotations

import getpass
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import click

from py_bpmn.cli import kinds, profiles
from py_bpmn.cli.output import Column
from py_bpmn.cli.profiles import Profile
from py_bpmn.cli.tables import Argument, Command, Resource, Values, option

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session


def add(session: Session, command: Command, values: Values) -> None:
    known = profiles.load()
    name = values["name"]
    ways = [way for way in ("key_command", "key_file", "ask_key") if way in values]
    if len(ways) > 1:
        raise click.UsageError("a profile has one key: say only one of --key-command, --key-file and --ask-key")
    key = ""
    if "key_file" in values:
        key = kinds.read_text(values["key_file"]).strip()
    elif "ask_key" in values:
        key = _asked()
    url = session.options.url
    if not url:
        raise click.UsageError("--url is needed: the address of the service")
    profile = Profile(
        url=url.rstrip("/"),
        key=key,
        key_command=values.get("key_command", ""),
        worker_id=session.options.worker_id or "",
        ca_file=str(Path(values["ca_file"]).resolve()) if "ca_file" in values else "",
        production="production" in values,
    )
    if name in known.profiles:
        session.guard(2, f"replace profile {name}")
    profiles.save(known.added(name, profile))


def _asked() -> str:
    """The key as it is typed, unseen. Raises click.UsageError where that is not possible."""
    with warnings.catch_warnings():
        # Else it would be read from whatever standard input is.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            key: str = click.prompt("Key", hide_input=True, err=True)
        except getpass.GetPassWarning:
            raise click.UsageError(
                "--ask-key needs a terminal: say --key-file, or --key-command, where nobody can be asked"
            ) from None
    return key


def use(session: Session, command: Command, values: Values) -> None:
    profiles.save(profiles.load().used(values["name"]))


def remove(session: Session, command: Command, values: Values) -> None:
    profiles.save(profiles.load().removed(values["name"]))


def show(session: Session, command: Command, values: Values) -> None:
    from py_bpmn._wire import Model

    class Shown(Model):
        FIELDS = {name: (name, None) for name in ("name", "url", "key", "workerId", "production", "current")}  # noqa: RUF012

    known = profiles.load()
    rows = [
        Shown(
            name=name,
            url=profile.url,
            key="command" if profile.key_command else "stored" if profile.key else "none",
            workerId=profile.worker_id,
            production=profile.production,
            current=name == known.current,
        )
        for name, profile in known.profiles.items()
    ]
    session.out.rows(rows, command.columns, Shown, name=lambda row: str(row.name))


RESOURCE = Resource(
    name="profile",
    help="services by name, in a file of your own",
    commands=(
        Command(
            name="add",
            help="remember a service; --url and --worker-id are remembered with it",
            arguments=(Argument("name"),),
            options=(
                option("key_command", help="command that prints the key, such as 'pass show bpmn'"),
                option("key_file", kind=kinds.FILE, help="file with the key, which is copied; - is standard input"),
                option("ask_key", flag=True, help="ask for the key, which is then stored"),
                option("ca_file", kind=kinds.FILE, help="certificates that are trusted"),
                option("production", flag=True, help="ask before each change"),
            ),
            run=add,
        ),
        Command(
            name="use",
            help="use a service where none is named",
            arguments=(Argument("name", kinds.PROFILE),),
            run=use,
        ),
        Command(
            name="list",
            help="show all, without their keys",
            columns=("name", "url", "key", Column("WORKER ID", "workerId"), "production", "current"),
            run=show,
        ),
        Command(
            name="remove",
            help="forget a service",
            arguments=(Argument("name", kinds.PROFILE),),
            run=remove,
        ),
    ),
)
