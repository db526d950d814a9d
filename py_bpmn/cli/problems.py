"""What a service has refused: as it is told, and as an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from py_bpmn.cli.output import printable
from py_bpmn.errors import NotFound, ProblemError

FAILED = 1
NOT_FOUND = 3
NO_CONNECTION = 4
WHY_ASKED = (
    "a service is asked because none is installed here: name one that runs by --url, or pip install py-bpmn-server"
)


def tell(problem: ProblemError) -> None:
    click.echo(printable(str(problem), lines=True), err=True)


@contextmanager
def instead_of_the_service_here() -> Iterator[None]:
    """For what asks a service only because it is not installed here: one that does not answer is told with that."""
    try:
        yield
    except ProblemError as problem:
        if problem.status == 0:
            problem.detail += f"; {WHY_ASKED}"
        raise


def code_of(problem: ProblemError) -> int:
    if isinstance(problem, NotFound):
        return NOT_FOUND
    return NO_CONNECTION if problem.status == 0 else FAILED
