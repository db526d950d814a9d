"""`py-bpmn lint`: what is wrong or odd about BPMN files, with line, column and the name of the rule.

A file is checked here where the service is installed, and else by the service. Nothing is deployed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from py_bpmn import _service
from py_bpmn._xml import Node, UnreadableError, decode, read
from py_bpmn.cli import kinds
from py_bpmn.cli.output import printable
from py_bpmn.cli.problems import instead_of_the_service_here
from py_bpmn.cli.sections import SectionCommand, SectionOption, settings
from py_bpmn.cli.session import session_of
from py_bpmn.errors import BpmnClientError

if TYPE_CHECKING:
    from py_bpmn._operations import Differences, DifferentElement
    from py_bpmn.client import Client

GROUP = "py_bpmn.checkers"
"""Entry points of the service: its own parser, as `Checker`."""
ID_CHANGED = "id-changed"
FORMATS = ("text", "github", "json")

Format = Literal["text", "github", "json"]
Checker = Callable[[bytes, Sequence[str]], Iterable[Mapping[str, Any]]]
"""Given a file and the ids of some of its processes, or an empty one if there is just one, what `POST /processes/check`
answers with `findings=true` for each of them. What is about the file need be told with one of them only.
"""
Compare = Callable[[bytes, str], "Differences | None"]
"""What distinguishes a process of a file from its newest version, if there is one."""

_LEVELS = {"ERROR": "error", "WARNING": "warning", "NOTE": "note"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    file: str
    line: int = 0
    """0 where it is about the file as a whole, like the column."""
    column: int = 0
    level: str
    """error, warning or note."""
    rule: str
    detail: str
    pointer: str = ""


def check_file(
    name: str, raw: bytes, checker: Checker, *, ignore: Collection[str] = (), compare: Compare | None = None
) -> list[Finding]:
    """All findings of a file in its order, those of all its processes. Errors are told whatever is to be ignored."""
    found: dict[tuple[object, ...], Finding] = {}
    processes = processes_of(raw)
    places: dict[str, Node] = {}
    for process, answer in zip(processes, checker(raw, processes), strict=True):
        here = list(_checked(name, answer))
        if compare is not None and not failed(here) and (differences := compare(raw, process)) is not None:
            places = places or {node.get("id"): node for node in read(raw).walk()}
            here += _compared(name, places, differences)
        for each in here:
            if each.level == "error" or each.rule not in ignore:
                # What is about the file is found with each of its processes.
                found.setdefault((each.line, each.column, each.rule, each.detail), each)
    return sorted(found.values(), key=lambda finding: (finding.line, finding.column))


def failed(findings: Iterable[Finding], *, strict: bool = False) -> bool:
    """Whether there are errors, or warnings where these count."""
    levels = {"error", "warning"} if strict else {"error"}
    return any(finding.level in levels for finding in findings)


def show(findings: Sequence[Finding], form: Format) -> str:
    """The findings for people, for GitHub's annotations, or as a JSON array."""
    if form == "json":
        return json.dumps([_plain(finding) for finding in findings], indent=2, ensure_ascii=False)
    return "\n".join((_text if form == "text" else _annotation)(finding) for finding in findings)


def summary(findings: Iterable[Finding], files: int) -> str:
    """How many findings there are, in one line."""
    counts = Counter(finding.level for finding in findings)
    parts = [f"{counts[level]} {level}{'s' * (counts[level] > 1)}" for level in _LEVELS.values() if counts[level]]
    where = "1 file" if files == 1 else f"{files} files"
    return f"{', '.join(parts) or 'nothing to be said'} in {where}"


def local_checker() -> Checker | None:
    """The parser of the service that is installed here, if there is one, and it is not hidden by another `app`."""
    if _service.found() != _service.OWN:
        return None
    for found in entry_points(group=GROUP, name="local"):
        checker: Checker = found.load()
        return checker
    return None


def remote_checker(client: Client) -> Checker:
    """The service itself."""

    def check(raw: bytes, processes: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        reason = xml = ""
        try:
            xml = decode(raw)
        except UnreadableError as error:
            reason = str(error)
        if not xml:
            yield from [_unreadable(reason or "BPMN XML is invalid: XML is empty")] * len(processes)
            return
        for process in processes:
            yield client.api.check_process(bpmn_xml=xml, bpmn_process_id=process or None, findings=True).write()

    return check


def _unreadable(detail: str) -> Mapping[str, Any]:
    """What need not be asked."""
    return {"findings": [{"level": "ERROR", "rule": "process", "detail": detail, "pointer": "#/bpmnXml"}]}


def remote_comparison(client: Client) -> Compare:
    def compare(raw: bytes, process: str) -> Differences | None:
        return client.api.check_process(bpmn_xml=decode(raw), bpmn_process_id=process or None).differences

    return compare


def processes_of(raw: bytes) -> list[str]:
    """The ids to check: of the executable processes, or of all if none is. Empty for the only one of a file."""
    try:
        root = read(raw)
    except UnreadableError:
        return [""]
    nodes = [node for node in root.children if node.tag == "process" and node.namespace == root.namespace]
    wanted = [node for node in nodes if node.is_true("isExecutable")] or nodes
    return [""] if len(wanted) < 2 else list(dict.fromkeys(node.get("id") for node in wanted))


def _checked(name: str, answer: Mapping[str, Any]) -> Iterator[Finding]:
    for each in answer.get("findings", ()):
        yield Finding(
            file=name,
            line=each.get("line", 0),
            column=each.get("column", 0),
            level=_LEVELS.get(each["level"], "note"),
            rule=each["rule"],
            detail=each["detail"],
            pointer=each["pointer"],
        )


def _compared(name: str, places: Mapping[str, Node], differences: Differences) -> Iterator[Finding]:
    for new, old in _renamed(differences):
        node = places.get(new)
        yield Finding(
            file=name,
            line=node.line if node else 0,
            column=node.column if node else 0,
            level="warning",
            rule=ID_CHANGED,
            detail=f"element {new} seems to be {old} of version {differences.version}, with another ID: instances that "
            f"wait at {old} can be migrated with a mapping only",
        )


def _renamed(differences: Differences) -> Iterator[tuple[str, str]]:
    """New and old ids of elements that are the same otherwise, as far as that is clear."""
    removed, added = _by_look(differences.removed), _by_look(differences.added)
    for look, new in added.items():
        old = removed.get(look, [])
        if len(new) == len(old) == 1:
            yield new[0], old[0]


def _by_look(elements: Iterable[DifferentElement]) -> dict[tuple[str, str | None], list[str]]:
    found: dict[tuple[str, str | None], list[str]] = {}
    for element in elements:
        found.setdefault((element.bpmn_element_type, element.bpmn_element_name), []).append(element.bpmn_element_id)
    return found


def _plain(finding: Finding) -> dict[str, Any]:
    fields = {field: getattr(finding, field) for field in Finding.__slots__}
    return {field: value for field, value in fields.items() if value}


def _text(finding: Finding) -> str:
    place = f":{finding.line}:{finding.column}" if finding.line else ""
    return printable(f"{finding.file}{place}: {finding.level}: {finding.detail} [{finding.rule}]")


def _annotation(finding: Finding) -> str:
    kind = "notice" if finding.level == "note" else finding.level
    properties = {"file": finding.file, "line": finding.line, "col": finding.column, "title": finding.rule}
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value)
    return f"::{kind} {shown}::{_data(finding.detail)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _ignored(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> frozenset[str]:
    return frozenset(name.strip() for value in values for name in value.split(","))


@click.pass_context
def _lint(
    context: click.Context,
    files: tuple[Path, ...],
    form: Format | None,
    strict: bool,
    ignore: frozenset[str],
    against: bool,
) -> int:
    with session_of(context) as session:
        checker = None if session.options.url else local_checker()
        form = form or ("json" if session.options.output in ("json", "jsonl") else "text")
        compare = remote_comparison(session.client) if against else None
        check = partial(check_file, checker=checker or remote_checker(session.client), ignore=ignore, compare=compare)
        findings: list[Finding] = []
        with nullcontext() if checker or session.options.url else instead_of_the_service_here():
            for path in files:
                findings += check(str(path), _content(path))
    shown = show(findings, form)
    if shown:
        click.echo(shown)
    if form == "text":
        click.echo(summary(findings, len(files)), err=True)
    return int(failed(findings, strict=strict))


def _content(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise BpmnClientError(f"can't read {path}: {error.strerror}") from None


lint = SectionCommand(
    "lint",
    callback=_lint,
    params=[
        click.Argument(["files"], nargs=-1, required=True, type=kinds.FILE, metavar="FILE..."),
        SectionOption(["--format", "form"], type=click.Choice(FORMATS), help="text by default"),
        SectionOption(["--strict"], is_flag=True, help="exit code 1 with warnings, too"),
        SectionOption(
            ["--ignore"],
            multiple=True,
            callback=_ignored,
            metavar="RULE",
            help="a rule that is not looked at; repeatable",
        ),
        SectionOption(["--against"], is_flag=True, help="compare with the newest version that is deployed, too"),
        *settings(),
    ],
    help="Tell what is wrong or odd about BPMN files. The exit code is 1 if one of them can't be deployed.",
    short_help="tell what is wrong or odd about BPMN files",
)
