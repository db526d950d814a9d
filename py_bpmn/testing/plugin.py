"""The pytest plugin: the fixture `bpmn`, its options, and what a report says of a test that has failed."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from py_bpmn.errors import BpmnClientError, ConfigurationError

if TYPE_CHECKING:
    from py_bpmn.testing.covering import Covering
    from py_bpmn.testing.engine import Engine
    from py_bpmn.testing.kit import Bpmn
    from py_bpmn.values import Codec

MARKER = (
    "bpmn(auto=False, worker_id=None, config=None): how the fixture bpmn is set: whether jobs are done by themselves, "
    "as which worker, and options of the service"
)
FIXTURE = "bpmn_engine"
COVERING = "bpmn-coverage"
"""Name of the plugin that records coverage."""
COVERAGE = ("--bpmn-cov", "--bpmn-cov-report", "--bpmn-cov-fail-under")
"""Options of which one at least asks for coverage."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a test says by `@pytest.mark.bpmn(...)`."""

    auto: bool = False
    worker_id: str | None = None
    config: Mapping[str, str] = field(default_factory=dict)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("bpmn", "testing of BPMN processes")
    group.addoption(
        "--bpmn-url",
        metavar="URL",
        help="test with the service at this address, which others may use as well; its credentials are taken from "
        "BPMN_AUTHORIZATION, or BPMN_USERNAME and BPMN_PASSWORD",
    )
    group.addoption(
        "--bpmn-cov",
        metavar="PATH",
        action="append",
        default=[],
        help="tell which elements and flows the tests go through, of a BPMN file or of all in a folder; repeatable",
    )
    group.addoption(
        "--bpmn-cov-report",
        metavar="KIND",
        action="append",
        default=[],
        help="html:FOLDER or json:FILE, beside the table in the terminal; repeatable",
    )
    group.addoption(
        "--bpmn-cov-fail-under",
        metavar="PERCENT",
        type=float,
        help="fail if the tests go through less of the elements or flows",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    if any(config.getoption(option) not in ([], None) for option in COVERAGE):
        # Loaded where it is asked for, since pytest loads this plugin in every run.
        from py_bpmn.testing import covering

        covering.set_up(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Says at once, and once, that there is no engine to test with; only where it is needed."""
    is_part = hasattr(session.config, "workerinput")
    if not is_part and any(FIXTURE in getattr(item, "fixturenames", ()) for item in session.items):
        from py_bpmn.testing import engine

        try:
            engine.check(session.config.getoption("--bpmn-url"))
        except BpmnClientError as error:
            raise pytest.UsageError(_with_way_out(error)) from error


@pytest.fixture(scope="session")
def bpmn_engine(pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The engine of this run; of each process under pytest-xdist."""
    from py_bpmn.testing import engine

    try:
        found = engine.choose(pytestconfig.getoption("--bpmn-url"))
    except BpmnClientError as error:
        raise pytest.fail.Exception(_with_way_out(error), pytrace=False) from None
    yield found
    found.close()


def _with_way_out(error: BpmnClientError) -> str:
    """What is wrong, and the way out that only tests have."""
    from py_bpmn.testing import engine

    return f"{error}, or a service that runs by --bpmn-url" if isinstance(error, engine.NoEngine) else str(error)


@pytest.fixture
def bpmn_codecs() -> Iterable[Codec]:
    """Further encodings of variables: a fixture of the same name in a conftest.py answers those of a project."""
    return ()


@pytest.fixture
def bpmn(request: pytest.FixtureRequest, bpmn_engine: Engine, bpmn_codecs: Iterable[Codec]) -> Iterator[Bpmn]:
    """An engine that nobody has used before: `bpmn.use(process)`, `bpmn.start("order", amount=20)`."""
    from py_bpmn.testing.kit import Bpmn
    from py_bpmn.values import Values

    try:
        settings = _settings(request.node)
        bpmn_engine.reset(settings.config)
        client = bpmn_engine.client(settings.worker_id or "")
        client.values = Values(bpmn_codecs)
        covering: Covering | None = request.config.pluginmanager.get_plugin(COVERING)
        if covering is not None:
            covering.expect(client)
    except BpmnClientError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    kit = Bpmn(client, auto=settings.auto, is_shared=bpmn_engine.is_shared)
    yield kit
    if covering is not None:
        covering.record(kit, request.node.nodeid)
    if stays := kit.clean_up():
        warnings.warn(pytest.PytestWarning(f"what stays at {client.url}: {'; '.join(stays)}"), stacklevel=1)


def _settings(item: pytest.Item) -> Settings:
    """Of all markers together, the nearest first. Raises ConfigurationError."""
    known = [each.name for each in fields(Settings)]
    found: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("bpmn"))):
        unknown = [repr(each) for each in marker.args] + [name for name in marker.kwargs if name not in known]
        if unknown:
            raise ConfigurationError(f"pytest.mark.bpmn takes {', '.join(known)}, but not {', '.join(unknown)}")
        found |= marker.kwargs
    config = found.get("config") or {}
    if not isinstance(config, Mapping) or not all(isinstance(each, str) for pair in config.items() for each in pair):
        raise ConfigurationError(
            'config of pytest.mark.bpmn has options of the service as texts, such as {"BPMN_XML_TIMERS": "false"}'
        )
    return Settings(bool(found.get("auto", False)), found.get("worker_id"), dict(config))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed and (kit := _kit(item)) is not None:
        _tell(report, kit, item.config.rootpath)
    return report


def _kit(item: pytest.Item) -> Bpmn | None:
    """What the test has used, if it was the fixture of this plugin and not one of the same name."""
    from py_bpmn.testing.kit import Bpmn

    found = getattr(item, "funcargs", {}).get("bpmn")
    return found if isinstance(found, Bpmn) else None


def _tell(report: pytest.TestReport, kit: Bpmn, root: Path) -> None:
    """What is said of the instances of a test that has failed; that it can not be said is no failure of its own."""
    from py_bpmn.testing.failure import write_page

    try:
        timeline = kit.timeline()
        if not timeline:
            return
        page = write_page(report.nodeid, report.longreprtext, kit, root)
        timeline += f"\n\nwith diagrams: {page.relative_to(root)}"
    except Exception as error:
        timeline = f"the engine does not tell: {error}"
    report.sections.append(("bpmn timeline", timeline))
