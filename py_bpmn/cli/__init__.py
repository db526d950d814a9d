"""The command `py-bpmn`, of both distributions.

What it does with a service over HTTP is here. What needs the service itself, such as `serve` and `migrate`, is taken
from the distribution py-bpmn-server where that is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from py_bpmn.cli import service
from py_bpmn.cli.streams import standard_streams

WRONG = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    with standard_streams() as output:
        try:
            code = _run(arguments)
            output.flush()
        except OSError as error:
            if error is not output.failure:
                raise
            code = 0
        # Whoever has handled it has told so by the code, but for what prints the help.
        return code or output.conclude()


def _run(arguments: list[str]) -> int:
    # Needs nothing but the service: neither the libraries of the command line, nor the time to load them.
    if arguments and service.takes(arguments):
        return service.run(arguments)
    try:
        from py_bpmn.cli.tree import run
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        print("error: the command line is not installed here: pip install 'py-bpmn-client[cli]'", file=sys.stderr)
        return WRONG
    return run(arguments)
