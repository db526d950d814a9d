"""`py-bpmn watch`: lints and deploys what changes below a folder, as long as it runs.

Modification times are looked at twice a second. What is being written, and can't be read yet, is looked at again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from py_bpmn.cli import kinds
from py_bpmn.cli.following import RUN, follow
from py_bpmn.cli.process import tell_of_expressions
from py_bpmn.cli.sections import SectionCommand, SectionOption, settings
from py_bpmn.cli.session import CREDENTIALS, Session, session_of
from py_bpmn.errors import BpmnClientError, ProblemError

if TYPE_CHECKING:
    from py_bpmn._operations import Differences, ExpressionMode, Process, ProcessVariable
    from py_bpmn.cli.lint import Checker

LOOK_SECONDS = 0.5
STOP_SECONDS = 35.0
"""A little longer than a worker gives to what it is doing."""
MODELS = "*.bpmn"
CODE = "*.py"
VARIABLES = ".vars.json"
PASSED_OVER = frozenset({"__pycache__", "node_modules", "venv"})
"""Folders in which nobody edits anything; so are those whose names begin with a dot."""

Signature = tuple[int, int, int]
"""What is different of a file that has been written."""


class Running(Protocol):
    """A process of the machine, as subprocess.Popen has it."""

    def poll(self) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float | None = None) -> int: ...


Spawn = Callable[[Sequence[str], Mapping[str, str]], Running]


def spawn(command: Sequence[str], environ: Mapping[str, str]) -> Running:
    return subprocess.Popen(command, env=dict(environ), stdin=subprocess.DEVNULL)


@dataclass
class Worker:
    """The process of a worker, which is another one after each restart."""

    target: str
    environ: Mapping[str, str]
    say: Callable[[str], None]
    spawn: Spawn = spawn
    _running: Running | None = None

    def restart(self) -> None:
        again = self._running is not None
        self.stop()
        self.say(f"worker {self.target} {'starts again' if again else 'starts'}")
        self._running = self.spawn([sys.executable, "-m", "py_bpmn.worker", self.target], self.environ)

    def look(self) -> None:
        """Tells once that it has ended by itself."""
        code = self._running.poll() if self._running else None
        if code is not None:
            self._running = None
            self.say(f"worker {self.target} has ended with {code}; it starts again after the next change")

    def stop(self) -> None:
        running, self._running = self._running, None
        if running is None or running.poll() is not None:
            return
        running.terminate()
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


@dataclass
class Watch:
    """A folder, and what is known of the files below it."""

    folder: Path
    session: Session
    checker: Checker
    starts: bool = False
    """Whether an instance is started after each deployment."""
    expressions: ExpressionMode | None = None
    """Who evaluates the expressions of the files; None leaves it to the service."""
    worker: Worker | None = None
    _seen: dict[Path, Signature] = field(default_factory=dict)
    """Files as they were when they were dealt with."""
    _deployed: dict[Path, bytes] = field(default_factory=dict)
    _shown: dict[Path, bytes] = field(default_factory=dict)
    """What findings have been told of."""
    _told: dict[Path, str] = field(default_factory=dict)
    """Why a file is tried again, so that it is told once."""
    _code: dict[Path, Signature] | None = None

    def look(self) -> None:
        """Deals with what has changed since the last look."""
        deployed: list[tuple[Path, Process]] = []
        models = dict(_files(self.folder, MODELS))
        for path in [path for path in self._seen if path not in models]:
            self._say(f"{self._name(path)} is gone; what was deployed stays")
            for known in (self._seen, self._deployed, self._shown, self._told):
                known.pop(path, None)
        for path, signature in models.items():
            if self._seen.get(path) != signature:
                found = self._deal_with(path)
                if found is not None:
                    self._seen[path] = signature
                    deployed += [(path, process) for process in found]
        if self.worker is not None:
            self._keep_up(self.worker, bool(deployed))
        if self.starts:
            for path, process in deployed:
                self._start(path, process)

    def _keep_up(self, worker: Worker, has_deployed: bool) -> None:
        code = dict(_files(self.folder, CODE))
        if has_deployed or code != self._code:
            worker.restart()
        self._code = code
        worker.look()

    def _deal_with(self, path: Path) -> list[Process] | None:
        """What was deployed of the file; None if it is to be looked at again."""
        from py_bpmn._xml import UnreadableError, read
        from py_bpmn.cli.lint import check_file, failed, show

        try:
            raw = path.read_bytes()
            if raw == self._deployed.get(path):
                return []
            if not raw.strip():
                raise UnreadableError("it is empty")
            read(raw)
        except (OSError, UnreadableError) as error:
            self._try_again(path, (error.strerror if isinstance(error, OSError) else None) or str(error))
            return None
        try:
            findings = check_file(self._name(path), raw, self.checker)
            if findings and self._shown.get(path) != raw:
                click.echo(show(findings, "text"))
            self._shown[path] = raw
            deployed = [] if failed(findings) else list(self._deploy(path, raw))
        except ProblemError as problem:
            if problem.status == 0:
                self._try_again(path, str(problem))
                return None
            self._say(f"{self._name(path)}: {problem}")
            deployed = []
        self._told.pop(path, None)
        if deployed:
            self._deployed[path] = raw
        return deployed

    def _try_again(self, path: Path, reason: str) -> None:
        if path not in self._told:
            self._say(f"{self._name(path)} is tried again: {reason}")
        self._told[path] = reason

    def _deploy(self, path: Path, raw: bytes) -> Iterator[Process]:
        from py_bpmn._xml import decode
        from py_bpmn.cli.lint import processes_of

        client = self.session.client
        for id in processes_of(raw):
            checked = client.api.check_process(bpmn_xml=decode(raw), bpmn_process_id=id or None)
            process = client.deploy(path, process=id or None, expressions=self.expressions)
            changes = _changes(process, checked.differences)
            self._say(f"{self._name(path)}: {process.bpmn_process_id} {process.version}{changes}")
            tell_of_expressions(self.session, process, self.expressions)
            yield process

    def _start(self, path: Path, process: Process) -> None:
        """Starts an instance, and follows it; a problem is told."""
        if "out" in vars(self.session):
            # What is shown tells ages, which are those of now.
            del self.session.out
        try:
            follow(self.session, RUN, process, {"variables": variables_of(path)}, self.session.options.timeout)
        except BpmnClientError as error:
            self._say(f"{self._name(path)}: {error}")

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.folder))

    def _say(self, text: str) -> None:
        self.session.out.say(text)


def _files(folder: Path, pattern: str) -> Iterator[tuple[Path, Signature]]:
    """The files below the folder, in order."""
    for path in sorted(folder.rglob(pattern)):
        inner = path.relative_to(folder).parts[:-1]
        if any(part in PASSED_OVER or part.startswith(".") for part in inner):
            continue
        try:
            status = path.stat()
        except OSError:
            # It has gone meanwhile.
            continue
        yield path, (status.st_mtime_ns, status.st_size, status.st_ino)


def _changes(process: Process, found: Differences | None) -> str:
    if found is None:
        return ", the first version"
    if found.version == process.version:
        return " is deployed already"
    parts = []
    for what in ("added", "removed", "changed"):
        elements = [
            f"{each.bpmn_element_id} ({', '.join(each.aspects)})" if each.aspects else each.bpmn_element_id
            for each in getattr(found, what)
        ]
        if elements:
            parts.append(f"{what} {', '.join(elements)}")
    return f", against {found.version}: {'; '.join(parts) or 'no element is different'}"


def variables_of(model: Path) -> list[ProcessVariable]:
    """Those in the file beside the model, such as `order.vars.json` of `order.bpmn`. Raises BpmnClientError."""
    from py_bpmn._operations import Data, ProcessVariable

    path = model.with_name(model.stem + VARIABLES)
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise BpmnClientError(f"nothing is started: {path.name} can't be read: {error}") from None
    if not isinstance(content, dict):
        raise BpmnClientError(f"nothing is started: {path.name} must be a JSON object, with variables by name")
    return [
        ProcessVariable(name=name, data=Data(encoding="json", value=json.dumps(value, ensure_ascii=False)))
        for name, value in content.items()
    ]


def environ_of(session: Session) -> dict[str, str]:
    """The environment in which a worker speaks to the same service, as the same one."""
    environ = {**os.environ, "BPMN_URL": session.url}
    if session.profile:
        profile = session.profile[1]
        if not any(environ.get(name) for name in CREDENTIALS) and profile.is_of(session.url):
            environ["BPMN_AUTHORIZATION"] = profile.authorization() or ""
        if profile.ca_file:
            environ.setdefault("BPMN_CA_FILE", profile.ca_file)
    if session.options.worker_id:
        environ["BPMN_WORKER_ID"] = session.options.worker_id
    return environ


def keep_watching(watch: Watch, sleep: Callable[[float], None] = time.sleep) -> None:
    """Until it is interrupted; the worker is stopped then."""
    try:
        while True:
            watch.look()
            sleep(LOOK_SECONDS)
    finally:
        if watch.worker is not None:
            watch.worker.stop()


@click.pass_context
def _watch(
    context: click.Context, folder: Path, starts: bool, target: str | None, expressions: ExpressionMode | None
) -> None:
    from py_bpmn.cli.lint import local_checker, remote_checker

    with session_of(context) as session:
        session.guard(1, f"deploy what changes below {folder}")
        session.out.say(f"{folder}: what changes is deployed to {session.url}; Ctrl-C ends it")
        checker = None if session.options.url else local_checker()
        worker = Worker(target, environ_of(session), session.out.say) if target else None
        keep_watching(Watch(folder, session, checker or remote_checker(session.client), starts, expressions, worker))


watch = SectionCommand(
    "watch",
    callback=_watch,
    params=[
        click.Argument(["folder"], type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR"),
        SectionOption(
            ["--run", "starts"],
            is_flag=True,
            help=f"start an instance after each deployment, with the variables of NAME{VARIABLES}, and follow it",
        ),
        SectionOption(
            ["--worker", "target"],
            metavar="MODULE:ATTRIBUTE",
            help="run a worker, and start it again after each deployment and each change of code",
        ),
        SectionOption(
            ["--expressions"],
            type=kinds.OneOf("ExpressionMode"),
            help="who evaluates the expressions of the files",
        ),
        *settings(),
    ],
    help="Lint and deploy BPMN files below a folder whenever they change.",
    short_help="lint and deploy files of a folder when they change",
)
