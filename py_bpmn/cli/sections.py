"""Commands, groups and options of click, in the sections that a help has; and the options of all commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.output import FORMATS
from py_bpmn.cli.session import Session

MOST_VALUES = 12
"""That are listed in a help; completion knows them all."""


class SectionOption(click.Option):
    """An option that has its place in the help."""

    def __init__(self, *args: Any, section: str = "Options", **more: Any) -> None:
        self.section = section
        super().__init__(*args, **more)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        record = super().get_help_record(ctx)
        if record is None or not isinstance(self.type, kinds.OneOf):
            return record
        values = self.type.values
        return record if len(values) > MOST_VALUES else (record[0], f"{record[1]}: {', '.join(values)}")


class SectionCommand(click.Command):
    """Lists its own options first, and those of all commands last."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Pages": [], "Options of all commands": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                section = "Options of all commands" if "--help" in parameter.opts else "Options"
                sections[getattr(parameter, "section", section)].append(record)
        for title, records in sections.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class PlainGroup(click.Group):
    """Groups have no parameters but those of all commands."""

    def __init__(self, *args: Any, aliases: Mapping[str, str] | None = None, **more: Any) -> None:
        self._aliases = aliases or {}
        super().__init__(*args, **more)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, self._aliases.get(cmd_name, cmd_name))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        SectionCommand.format_options(self, ctx, formatter)  # type: ignore[arg-type]  # it asks for nothing else


def settings() -> list[click.Parameter]:
    """The options of all commands: each may stand before the name of the command, or behind."""

    def store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            assert parameter.name is not None
            setattr(context.ensure_object(Session).options, parameter.name, value)

    def make(*flags: str, **more: Any) -> click.Parameter:
        return SectionOption(
            flags, expose_value=False, callback=store, section="Options of all commands", default=None, **more
        )

    return [
        make("--url", metavar="URL", help="address of the service; or BPMN_URL"),
        make("--profile", type=kinds.PROFILE, help="one of `py-bpmn profile list`; or BPMN_PROFILE"),
        make("--worker-id", metavar="TEXT", help="who does it; or BPMN_WORKER_ID, or else user@host"),
        make("--timeout", type=kinds.SECONDS, help="how long an answer may take  [default: 40s]"),
        make("-o", "--output", type=click.Choice(FORMATS), help="by default a table, or jsonl into a pipe"),
        make("--columns", metavar="NAME,...", help="what is shown of each result"),
        make("--no-color", is_flag=True, help="without colors; or NO_COLOR"),
        make("--yes", is_flag=True, help="do not ask"),
        make("--debug", is_flag=True, help="print requests and answers, without authorization and values"),
    ]
