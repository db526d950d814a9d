"""`pytest --bpmn-cov`: what the instances of a run have gone through of some files, told at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from py_bpmn._xml import UnreadableError, read
from py_bpmn.errors import ConfigurationError, ProblemError
from py_bpmn.testing.coverage import Coverage, CoverageError, Model, Recorder, merged, to_json
from py_bpmn.testing.plugin import COVERING
from py_bpmn.testing.report import table, write_pages

if TYPE_CHECKING:
    from py_bpmn.client import Client
    from py_bpmn.testing.kit import Bpmn

OUTPUT = "bpmn_coverage"
"""What a process of pytest-xdist hands over."""
NOTHING = "no test that ran has used the fixture bpmn"


def set_up(config: pytest.Config) -> None:
    """Begins to record where that is asked for. Raises pytest.UsageError."""
    paths = config.getoption("--bpmn-cov")
    reports, required = config.getoption("--bpmn-cov-report"), config.getoption("--bpmn-cov-fail-under")
    if not paths:
        if reports or required is not None:
            raise pytest.UsageError("--bpmn-cov-report and --bpmn-cov-fail-under need --bpmn-cov=PATH")
        return
    try:
        files = list(_files(paths))
        targets = [_target(report) for report in reports]
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from error
    config.pluginmanager.register(Covering(files, targets, required), COVERING)


def _files(paths: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        found = sorted(path.rglob("*.bpmn")) if path.is_dir() else [path]
        if not found or not path.exists():
            raise ConfigurationError(f"--bpmn-cov: there is no BPMN file at {path}")
        yield from found


def _target(report: str) -> tuple[str, Path]:
    kind, _, path = report.partition(":")
    if kind not in ("html", "json") or not path:
        raise ConfigurationError(f"--bpmn-cov-report is html:FOLDER or json:FILE, but not {report}")
    return kind, Path(path)


class Covering:
    """Records one run, or the part of it that a process of pytest-xdist has."""

    def __init__(self, files: Sequence[Path], targets: Sequence[tuple[str, Path]], required: float | None) -> None:
        self._files = files
        self._targets = targets
        self._required = required
        self._coverage = Coverage()
        self._parts: list[str] = []
        """What the processes of pytest-xdist have handed over."""

    def expect(self, client: Client) -> None:
        """Has all processes of the files count, also those that nothing goes through. Raises ConfigurationError."""
        if self._coverage.processes:
            return
        expected = Coverage()
        for file in self._files:
            try:
                for process in _processes(file):
                    checked = client.check(file, process=process)
                    if not checked.deployable or checked.diagram is None:
                        cause = checked.errors[0].detail if checked.errors else "it can't be executed"
                        raise ConfigurationError(f"--bpmn-cov: {file}: {cause}")
                    expected.of(Model(process, checked.diagram))
            except (ProblemError, CoverageError) as error:
                cause = error.detail if isinstance(error, ProblemError) else str(error)
                raise ConfigurationError(f"--bpmn-cov: {file}: {cause}") from error
        # Only all together: as long as a file is unusable, each test says so.
        self._coverage = expected

    def record(self, kit: Bpmn, test: str) -> None:
        """Adds all instances that a test has had to do with."""
        found = Coverage()
        # Ids of processes begin anew with each test.
        recorder = Recorder(kit.client.api, found)
        for partition, id in kit.instances():
            recorder.record(partition, id, test)
        for covered in found:
            if covered.model.key in self._coverage.processes:
                self._coverage.of(covered.model).merge(covered)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        part = getattr(node, "workeroutput", {}).get(OUTPUT)
        if part is not None:
            self._parts.append(part)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[OUTPUT] = to_json(self._coverage)
            return
        self._coverage.merge(merged(self._parts))
        for kind, path in self._targets:
            if kind == "html":
                write_pages(self._coverage, path, self._required)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(to_json(self._coverage), encoding="utf-8")
        if session.exitstatus == pytest.ExitCode.OK and self._shortfall:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @property
    def _shortfall(self) -> str:
        if self._required is None:
            return ""
        return self._coverage.shortfall(self._required) if self._coverage.processes else NOTHING

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._coverage.processes:
            terminalreporter.write_line(f"bpmn coverage: {NOTHING}", red=bool(self._shortfall))
            return
        terminalreporter.write_line("")
        terminalreporter.write(table(self._coverage, self._required))
        for kind, path in self._targets:
            terminalreporter.write_line(f"{kind}: {path / 'index.html' if kind == 'html' else path}")


def _processes(file: Path) -> list[str]:
    """The ids of the executable processes of a file. Raises ConfigurationError."""
    try:
        root = read(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--bpmn-cov: can't read {file}: {error.strerror}") from error
    except UnreadableError as error:
        raise ConfigurationError(f"--bpmn-cov: {file} is no BPMN file: {error}") from error
    nodes = [node for node in root.children if node.tag == "process" and node.namespace == root.namespace]
    return [node.get("id") for node in nodes if node.is_true("isExecutable")]
