"""The tree of commands, and what becomes of their problems.

Exit codes: 0 done, 1 a problem, 2 a wrong command line, 3 not found, 4 no connection, 5 what `--wait` has waited for
did not happen in time, 130 interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import click

from py_bpmn.cli import element, event, incident, instance, job, process, profile, service, system, task, user_task
from py_bpmn.cli import variable as variables
from py_bpmn.cli.building import build, build_group
from py_bpmn.cli.following import RUN
from py_bpmn.cli.health import CHECK
from py_bpmn.cli.kinds import Kind
from py_bpmn.cli.output import printable
from py_bpmn.cli.problems import FAILED, code_of, tell
from py_bpmn.cli.sections import PlainGroup, SectionCommand, settings
from py_bpmn.cli.session import Session
from py_bpmn.cli.tables import Resource
from py_bpmn.errors import BpmnClientError, ConfigurationError, ProblemError

NAME = "py-bpmn"
WRONG = 2
INTERRUPTED = 130

RESOURCES: tuple[Resource, ...] = (
    process.RESOURCE,
    instance.RESOURCE,
    element.RESOURCE,
    element.INSTANCE_RESOURCE,
    variables.RESOURCE,
    job.RESOURCE,
    task.RESOURCE,
    user_task.RESOURCE,
    incident.RESOURCE,
    event.MESSAGE,
    event.SIGNAL,
    system.AUDIT,
    profile.RESOURCE,
)
COMMANDS = (process.DEPLOY, RUN, system.SET_TIME, CHECK)
LOADED = {
    "lint": "tell what is wrong or odd about BPMN files",
    "play": "walk through a process in the terminal",
    "render": "draw a file as SVG",
    "watch": "lint and deploy files of a folder when they change",
}
"""Commands that are loaded when they are typed, since what they need takes time."""
SECTIONS = {
    "On a service": (
        "deploy",
        "lint",
        "watch",
        "run",
        *(each.name for each in RESOURCES if each.name != "profile"),
        "set-time",
        "check",
    ),
    "On this machine": ("play", "render", "worker", "profile", "completion", "version"),
    "With the service installed": tuple(service.COMMANDS),
}


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns the exit code."""
    session = Session()
    try:
        _require_text(arguments)
        code = tree().main(args=list(arguments), prog_name=NAME, standalone_mode=False, obj=session)
    except click.UsageError as error:
        error.show()
        return WRONG
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ProblemError as problem:
        tell(problem)
        return code_of(problem)
    except BpmnClientError as error:
        click.echo(f"error: {printable(str(error), lines=True)}", err=True)
        return WRONG if isinstance(error, ConfigurationError) else FAILED
    except SystemExit as ended:
        # Of what completes a command line.
        return ended.code if isinstance(ended.code, int) else FAILED
    return code if isinstance(code, int) else 0


class Tree(PlainGroup):
    """Lists the commands by what they need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted((*self.commands, *LOADED))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in LOADED:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(f"py_bpmn.cli.{cmd_name}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name, LOADED.get(name) or self.commands[name].get_short_help_str(80)) for name in names]
                )


def _require_text(arguments: Sequence[str]) -> None:
    """Bytes that are no text arrive as lone surrogates, which can't be sent. Raises click.UsageError."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise click.UsageError(f"{argument!r} is not text in UTF-8") from None


@cache
def tree() -> click.Group:
    """All commands."""
    commands: dict[str, click.Command] = {each.name: build(each) for each in COMMANDS}
    commands |= {each.name: build_group(each) for each in RESOURCES}
    commands |= {name: _of_service(name, text) for name, text in service.COMMANDS.items()}
    audit = commands["audit"]
    assert isinstance(audit, click.Group)
    audit.add_command(_of_service("export", "print it as lines of JSON, from the database", before=("audit",)))
    commands |= {each.name or "": each for each in (_worker, _completion, _version) if each.name}
    return Tree(
        NAME,
        commands=commands,
        aliases={each.alias: each.name for each in RESOURCES if each.alias},
        params=[
            *settings(),
            click.Option(
                ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
                help="print the version",
            ),
        ],
        help="A BPMN 2.0 process engine: its service, and what is done with one. An address is like 2026-11-26/17 or "
        "today/17.",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    )  # fmt: skip


def _of_service(name: str, text: str, before: tuple[str, ...] = ()) -> click.Command:
    """A command that takes the rest of the command line as it is."""

    def call(rest: tuple[str, ...]) -> int:
        return service.run([*before, name, *rest])

    return click.Command(
        name,
        callback=call,
        params=[click.Argument(["rest"], nargs=-1, type=_Rest(service.SUBCOMMANDS.get(name, ())))],
        add_help_option=False,
        short_help=text,
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )


class _Rest(Kind):
    """What follows: a command of the service, and its options."""

    name = "ARGUMENT"

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        from click.shell_completion import CompletionItem

        words = () if ctx.params.get("rest") else self._words
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


@click.pass_context
def _work(
    context: click.Context, target: str, processes: int | None, metrics_port: int | None, log_format: str | None
) -> int:
    # The worker, and the processes that it starts, look into the environment.
    os.environ |= context.ensure_object(Session).environment()
    code: int = import_module("py_bpmn.worker").main(target, processes, metrics_port, log_format)
    return code


_worker = SectionCommand(
    "worker",
    callback=_work,
    params=[
        click.Argument(["target"], metavar="MODULE:ATTRIBUTE"),
        click.Option(["--processes"], type=click.IntRange(min=1), help="worker processes; as the worker says without"),
        click.Option(["--metrics-port"], type=click.IntRange(0, 65535), help="port for /metrics and /healthz"),
        click.Option(["--log-format"], type=click.Choice(["text", "json"]), help="text by default"),
        *settings(),
    ],
    help="Run a worker, such as shop.worker:worker, until it is told to stop.",
    short_help="run a worker, until it is told to stop",
)


@click.command("completion", short_help="print what a shell needs to complete commands, options and ids")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def _completion(context: click.Context, shell: str) -> None:
    """Print what a shell needs to complete commands, options and ids: eval "$(py-bpmn completion bash)"."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(context.find_root().command, {}, NAME, "_PY_BPMN_COMPLETE").source())


@click.command("version", short_help="print the version")
def _version() -> int:
    """Print the version."""
    return show_version()


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        context.exit(show_version())


def show_version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("py-bpmn-server", "py-bpmn-client"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if not found:
        click.echo("error: py-bpmn is not installed", err=True)
        return FAILED
    click.echo(next(iter(found.values())))
    if len(found) > 1:
        both = " and ".join(f"{name} {number}" for name, number in found.items())
        click.echo(
            f"warning: {both} are both installed here, and overwrite each other: the first one has all; "
            "uninstall both, and install one again",
            err=True,
        )
    return 0
