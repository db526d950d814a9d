"""`py-bpmn render`: the picture of a BPMN file, as SVG.

Files that draw themselves are drawn as they are, others with computed positions. These come from the engine that is
installed here, or from the service where one is named.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.problems import instead_of_the_service_here
from py_bpmn.cli.sections import SectionCommand, SectionOption, settings
from py_bpmn.cli.session import Session, session_of
from py_bpmn.errors import BpmnClientError, ConfigurationError

if TYPE_CHECKING:
    from py_bpmn._operations import CheckedProcess
    from py_bpmn.client import Client


class NotDrawable(BpmnClientError):
    """What keeps a file from being drawn, a line for each error."""


def picture(client: Client, name: str, raw: bytes, process: str | None = None) -> str:
    """The SVG of a process of the file. Raises NotDrawable."""
    from py_bpmn._xml import UnreadableError, decode
    from py_bpmn.svg import draw

    try:
        xml = decode(raw)
    except UnreadableError as error:
        raise NotDrawable(f"{name} can't be drawn: {error}") from None
    if not xml.strip():
        raise NotDrawable(f"{name} can't be drawn: it is empty")
    checked = client.api.check_process(bpmn_xml=xml, bpmn_process_id=process)
    if checked.diagram is None:
        raise NotDrawable(_why(name, checked))
    return draw(checked.diagram, title=checked.bpmn_process_id or name)


def _why(name: str, checked: CheckedProcess) -> str:
    reasons = [
        f"{each.detail}: choose one with --process"
        if each.pointer == "#/bpmnProcessId"
        else f"{each.pointer}: {each.detail}"
        for each in checked.errors
    ]
    if len(reasons) == 1:
        return f"{name} can't be drawn: {reasons[0]}"
    return "\n".join([f"{name} can't be drawn:", *(f"  {reason}" for reason in reasons)])


@contextmanager
def drawer(session: Session) -> Iterator[Client]:
    """The service that is named by an option, the environment or a profile; else the engine that is installed here."""
    if session.options.url or os.environ.get("BPMN_URL") or session.profile:
        yield session.client
        return
    try:
        from py_bpmn.testing.engine import InProcess

        engine = InProcess()
    except ConfigurationError:
        # There may be a service at the usual address.
        with instead_of_the_service_here():
            yield session.client
        return
    try:
        engine.reset({})
        yield engine.client("")
    finally:
        engine.close()


@click.pass_context
def _render(context: click.Context, file: Path, out: str, process: str | None) -> None:
    raw = _content(file)
    with session_of(context) as session, drawer(session) as client:
        svg = picture(client, str(file), raw, process)
    if out == "-":
        click.echo(svg, nl=False)
        return
    try:
        Path(out).write_text(svg, encoding="utf-8")
    except OSError as error:
        raise BpmnClientError(f"can't write {out}: {error.strerror}") from None


def _content(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise BpmnClientError(f"can't read {file}: {error.strerror}") from None


render = SectionCommand(
    "render",
    callback=_render,
    params=[
        click.Argument(["file"], type=kinds.FILE),
        SectionOption(
            ["-o", "--output", "out"], required=True, metavar="OUT.svg", help="where it is written; - prints it"
        ),
        SectionOption(["--process"], metavar="PROCESS", help="process of the file, if it has several"),
        *(each for each in settings() if "-o" not in each.opts),
    ],
    help="Draw a BPMN file as SVG. Without a diagram in the file, positions are computed.",
    short_help="draw a file as SVG",
)
