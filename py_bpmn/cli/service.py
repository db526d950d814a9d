"""The commands that the service brings along: found by their entry points, so that nothing of it is imported here.

Each value of the group `py_bpmn.commands` is called with the command line, beginning with the name of the command, and
returns the exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from py_bpmn import _service

GROUP = "py_bpmn.commands"
COMMANDS = {
    "serve": "start the service",
    "migrate": "create the tables, or bring them up to date",
    "config": "print all options with their values; secrets are masked",
    "key": "keys for encrypted variables",
    "api-key": "API keys, which clients send as authorization",
    "backup": "copy a SQLite database into a file, while services use it",
    "demo": "play a process against a service of its own",
}
"""Commands that only the service has, as they are listed. Of `audit` and `check` there is something without it, too."""
SUBCOMMANDS = {"key": ("create",), "api-key": ("create", "list", "revoke")}

FAILED = 1
WRONG = 2


def takes(arguments: Sequence[str]) -> bool:
    """Whether the service runs this command line."""
    return arguments[0] in COMMANDS or tuple(arguments[:2]) == ("audit", "export")


def is_installed() -> bool:
    return _find("serve") is not None


def run(arguments: Sequence[str]) -> int:
    """Has the service run the command line, and returns the exit code: 2 where there is no service."""
    command = _find(arguments[0])
    if command is None:
        print("error: the service is not installed here: pip install py-bpmn-server", file=sys.stderr)
        return WRONG
    found = _service.found()
    if found != _service.OWN:
        print(
            f"error: Python finds another package app before the one of py-bpmn: {found}. "
            "Start py-bpmn without that folder in PYTHONPATH",
            file=sys.stderr,
        )
        return FAILED
    try:
        return command()(list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED


def _find(name: str) -> Callable[[], Callable[[list[str]], int]] | None:
    """Loads the command, when it is called; None where no service is installed."""
    from importlib.metadata import entry_points

    for found in entry_points(group=GROUP, name=name):
        return found.load
    return None
