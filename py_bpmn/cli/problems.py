"""What a service has refused: as it is told, and as an exit code."""

from __future__ import annotations

import click

from py_bpmn.cli.output import printable
from py_bpmn.errors import NotFound, ProblemError

FAILED = 1
NOT_FOUND = 3
NO_CONNECTION = 4


def tell(problem: ProblemError) -> None:
    click.echo(printable(str(problem), lines=True), err=True)


def code_of(problem: ProblemError) -> int:
    if isinstance(problem, NotFound):
        return NOT_FOUND
    return NO_CONNECTION if problem.status == 0 else FAILED
