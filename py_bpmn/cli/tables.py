"""Commands as tables: what a command is called, what can be typed, what it asks the service for, and what it shows.

`building` makes commands of click from them, and `perform` does what they are for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.output import Column, address_of
from py_bpmn.cli.session import Session

Values = dict[str, Any]
"""What was typed, by what it fills."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option, or a family of options, and what it fills: an argument of the operation, or a part of one."""

    fills: str
    flags: tuple[str, ...]
    help: str
    kind: kinds.Kind = kinds.TEXT
    required: bool = False
    many: bool = False
    flag: bool = False
    default: Any = None
    section: str = "Options"
    family: Literal["", "variables", "element_variables", "definitions"] = ""
    short: bool = False
    """Whether the variables can be typed with -v as well."""

    @property
    def has_contrary(self) -> bool:
        """Whether it is one of two flags, of which neither need be typed."""
        return self.flag and "/" in self.flags[0]


@dataclass(frozen=True, slots=True)
class Argument:
    """What is typed without a flag."""

    fills: str
    kind: kinds.Kind = kinds.TEXT
    required: bool = True
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command."""

    name: str
    help: str
    operation: str = ""
    """Method of the client's `api`."""
    also: tuple[str, ...] = ()
    """Further operations that it uses."""
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    address: Literal["", "one", "many", "filter"] = ""
    """Whether it is about one thing at an address, about several, or about what meets criteria."""
    completes: str = ""
    """What its addresses are of."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the operation that nobody types."""
    row: str = ""
    """The schema of what is shown."""
    rows: str = ""
    """Where in the answer the results are; without it, the answer is the result."""
    columns: tuple[str | Column, ...] = ()
    text: Callable[[Any], str] | None = None
    """What people see of a single result, where that is no list of its properties."""
    naming: Callable[[Any], str] = address_of
    """What `-o ids` prints of a result."""
    paged: bool = False
    counted: bool = True
    """Whether its pages have cursors, and can be counted."""
    writes: bool = False
    does: str = ""
    """What is asked before, such as `cancel`; the name of the command by default."""
    run: Callable[[Session, Command, Values], int | None] | None = None
    """In place of the one request and its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A group of commands."""

    name: str
    help: str
    commands: tuple[Command, ...]
    groups: tuple[Resource, ...] = ()
    alias: str = ""


def option(fills: str, *flags: str, help: str, kind: kinds.Kind = kinds.TEXT, **more: Any) -> Option:
    return Option(fills, flags or ("--" + fills.rpartition(".")[2].replace("_", "-"),), help, kind, **more)


PARTITION = option("partition", "-p", "--partition", kind=kinds.PARTITION, help="day, in place of an address")
REASON = option("reason", "--reason", help="why, for the audit")
PAGING = (
    option("limit", kind=click.IntRange(min=0), default=100, section="Pages", help="results at most"),
    option("offset", kind=click.IntRange(min=0), section="Pages", help="results to leave out before"),
    option("cursor", section="Pages", help="goes on behind the page before, which has told it"),
    option("all", flag=True, section="Pages", help="all pages, one after the other"),
    option("order", section="Pages", help="such as -createdAt for the newest first"),
    option("total", flag=True, section="Pages", help="count all results"),
)
