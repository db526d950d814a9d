"""The plugin in runs of its own: what a user of pytest sees."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import app.testing  # noqa: F401
import py_bpmn.testing.engine
import py_bpmn.testing.kit  # noqa: F401  (what is loaded here is not loaded anew by each run inside of this one)
from py_bpmn.testing import plugin
from py_bpmn.testing.engine import InProcess

pytest_plugins = ["pytester"]

GOLDEN = Path(__file__).parent / "golden" / "report.txt"
WITH_PLUGIN = ("-p", plugin.__name__, "-p", "no:cacheprovider")
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
"""The plugin is imported here already."""
SHOP = '''
import pytest
from py_bpmn.worker import Process

SHOP = Process("shop", bpmn="""{xml}""")

@SHOP.execute("charge-card")
def charge(amount: int):
    if amount > 100:
        raise ConnectionError("refused")
    return {{"receipt": f"R{{amount}}"}}
'''
XML = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="shop" isExecutable="true">'
    '<startEvent id="start"/><sequenceFlow id="f1" sourceRef="start" targetRef="charge-card"/>'
    '<serviceTask id="charge-card"/><sequenceFlow id="f2" sourceRef="charge-card" targetRef="ship"/>'
    '<serviceTask id="ship"/><sequenceFlow id="f3" sourceRef="ship" targetRef="wait"/>'
    '<intermediateCatchEvent id="wait"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>'
    '</intermediateCatchEvent><sequenceFlow id="f4" sourceRef="wait" targetRef="end"/><endEvent id="end"/>'
    "</process></definitions>"
)


@pytest.fixture
def shop(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a process."""
    monkeypatch.delenv("BPMN_TEST_PYTHON", raising=False)
    monkeypatch.setenv("BPMN_WORKER_ID", "worker")
    # Whether or not the plugin is installed where these tests run, it is there once.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP.format(xml=XML))
    pytester.syspathinsert()
    return pytester


def test_tests_get_an_engine_each_and_are_set_by_markers(shop: pytest.Pytester):
    shop.makepyfile(
        """
        import pytest
        from shop import SHOP

        pytestmark = pytest.mark.bpmn(worker_id="tester")

        def start(bpmn, **variables):
            bpmn.use(SHOP)
            return bpmn.start("shop", amount=20, **variables)

        @pytest.mark.parametrize("n", range(3))
        def test_nothing_is_left_of_others(bpmn, n):
            assert list(bpmn.client.instances()) == []
            start(bpmn).waits_at("charge-card").runs()
            bpmn.clock.advances(days=3)

        def test_time_is_that_of_the_machine(bpmn):
            from datetime import UTC, datetime, timedelta
            assert start(bpmn).instance.data.created_at - datetime.now(UTC) < timedelta(minutes=1)

        def test_worker(bpmn):
            assert start(bpmn).instance.data.created_by == "tester"

        @pytest.mark.bpmn(auto=True, worker_id="other")
        def test_auto(bpmn):
            story = start(bpmn)
            story.waits_at("ship").has(receipt="R20")
            assert story.instance.data.created_by == "other"

        @pytest.mark.bpmn(config={"BPMN_XML_TIMERS": "false"})
        def test_config(bpmn):
            story = start(bpmn)
            story.at("charge-card").completes()
            story.at("ship").completes()
            story.waits_at("wait").is_set(cycle="0 8 * * *")

        def test_config_of_others_is_not_left(bpmn):
            story = start(bpmn)
            story.at("charge-card").completes()
            story.at("ship").completes()
            story.waits_at("wait").fires()
            story.is_completed()
        """
    )
    shop.runpytest_inprocess(*WITH_PLUGIN, "-W", "error", *QUIET, "--strict-markers").assert_outcomes(passed=8)


def test_a_report_has_the_sentence_and_the_timeline_and_nothing_of_the_kit(shop: pytest.Pytester):
    shop.makepyfile(
        """
        import pytest
        from shop import SHOP

        def test_it_ships(bpmn):
            bpmn.use(SHOP)
            story = bpmn.start("shop", amount=20)
            story.waits_at("charge-card").runs()
            story.at("ship").fails("TimeoutError: no answer", retries=1)
            story.waits_at("wait")

        def test_it_charges(bpmn):
            bpmn.use(SHOP)
            bpmn.start("shop", amount=200).at("charge-card").runs()

        @pytest.mark.bpmn(atuo=True)
        def test_misspelt(bpmn):
            pass

        @pytest.mark.bpmn("auto")
        def test_positional(bpmn):
            pass

        @pytest.mark.bpmn(config={"BPMN_XML_TIMER": "false"})
        def test_unknown_option(bpmn):
            pass

        @pytest.mark.bpmn(config={"BPMN_DATABASE_URL": "sqlite:///mine.db"})
        def test_option_that_is_given(bpmn):
            pass

        @pytest.mark.bpmn(config={"BPMN_XML_TIMERS": False})
        def test_option_that_is_no_text(bpmn):
            pass

        def test_without_it():
            assert 1 == 2
        """
    )
    result = shop.runpytest_inprocess(*WITH_PLUGIN, *QUIET, "-p", "no:logging", "-rN", "--color=no")
    result.assert_outcomes(failed=3, errors=5)
    assert _steady(result.stdout.str()) == GOLDEN.read_text(encoding="utf-8"), _steady(result.stdout.str())

    pages = {page.name.partition(".py-")[2]: page.read_text() for page in (shop.path / "bpmn-failures").iterdir()}
    assert sorted(pages) == ["test_it_charges.html", "test_it_ships.html"]
    for part in ("expected to wait at: wait — is waiting at: ship", "job failed: TimeoutError: no answer", "<svg"):
        assert part in pages["test_it_ships.html"]
    drawn = re.findall(r'class="(\w+)"[^>]* data-element-id="([\w-]+)"', pages["test_it_ships.html"])
    assert [id for mark, id in drawn if mark == "taken"] == ["f1", "f2"]
    assert [id for mark, id in drawn if mark == "visited"] == ["start", "charge-card", "ship"]


def _steady(report: str) -> str:
    """From the first failure on, without what differs from run to run."""
    report = report[report.index("= ERRORS =") :].partition("\n")[2]
    report = re.sub(r"^=+ .* in [\d.]+s =+\n?", "", report, flags=re.MULTILINE)
    report = re.sub(r"^ +\d\d:\d\d:\d\d\.\d{3} ", "  TIME ", report, flags=re.MULTILINE)
    report = re.sub(r"\d{4}-\d\d-\d\d/\d+", "DAY/ID", report)
    return re.sub(r"retry due in \d+s", "retry due SOON", report)


def test_where_there_is_no_engine_it_is_said_once(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BPMN_TEST_PYTHON", "/nowhere/bin/python")
    shop.makepyfile("def test_a(bpmn): pass\ndef test_b(bpmn): pass")
    result = shop.runpytest_inprocess(*WITH_PLUGIN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: BPMN_TEST_PYTHON is /nowhere/bin/python, but there is no /nowhere/bin/py-bpmn: "
            "it must be the Python of an environment that has py-bpmn-server"
        ]
    )
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_where_none_is_installed_the_ways_to_another_one_are_told(
    shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("py_bpmn.testing.engine._installed", lambda name: None)
    shop.makepyfile("def test_a(bpmn): pass")
    result = shop.runpytest_inprocess(*WITH_PLUGIN)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no engine here: *, or a service that runs by --bpmn-url"])


def test_a_service_that_others_use_is_named_on_the_command_line(shop: pytest.Pytester):
    shop.makepyfile("import pytest\n@pytest.mark.bpmn(config={'BPMN_XML_TIMERS': 'false'})\ndef test_a(bpmn): pass")
    result = shop.runpytest_inprocess(*WITH_PLUGIN, "--bpmn-url", "http://127.0.0.1:1")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["config={'BPMN_XML_TIMERS': 'false'} can't be had from http://127.0.0.1:1: *"])


class Shared(InProcess):
    """Stands for a service that others use."""

    is_shared = True

    def __init__(self, url: str) -> None:
        super().__init__()
        super().reset({})

    def reset(self, options: Mapping[str, str]) -> None:
        """It is theirs."""


def test_a_service_that_others_use_is_left_as_it_was_or_it_is_told(
    shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("py_bpmn.testing.engine.Remote", Shared)
    shop.makepyfile(
        """
        from shop import SHOP

        def test_a(bpmn):
            bpmn.use(SHOP)
            bpmn.start(SHOP, amount=1)

        def test_b(bpmn):
            assert not bpmn.client.api.query_processes().results
            assert not list(bpmn.client.instances())
            bpmn.use(SHOP)
            bpmn.client.api.create_process_instance(bpmn_process_id="shop", worker_id="somebody else")
        """
    )
    result = shop.runpytest_inprocess(
        *WITH_PLUGIN, "-W", "default::pytest.PytestWarning", *QUIET, "--bpmn-url", "http://127.0.0.1:1"
    )
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*what stays at http://engine: version * of shop: * has 1 process instance"])


def test_who_does_not_use_it_needs_no_engine(shop: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BPMN_TEST_PYTHON", "/nowhere/bin/python")
    shop.makepyfile("def test_a(): pass")
    shop.runpytest_inprocess(*WITH_PLUGIN).assert_outcomes(passed=1)


def test_a_run_that_does_not_use_it_loads_no_client(shop: pytest.Pytester):
    source = (
        f"import sys, {plugin.__name__}; print([each for each in sys.modules if each.startswith(('httpx', 'app'))])"
    )
    assert shop.runpython_c(source).outlines == ["[]"]


def test_processes_of_xdist_have_engines_of_their_own(shop: pytest.Pytester):
    shop.makepyfile(
        """
        import pytest
        from shop import SHOP

        @pytest.mark.parametrize("n", range(8))
        def test_nothing_is_left_of_others(bpmn, n):
            assert list(bpmn.client.instances()) == []
            bpmn.use(SHOP)
            bpmn.start("shop", amount=20).at("charge-card").runs()
        """
    )
    shop.runpytest_inprocess(*WITH_PLUGIN, *QUIET, "-p", "xdist", "-n", "2").assert_outcomes(passed=8)


def test_a_project_has_encodings_of_its_own(shop: pytest.Pytester):
    shop.makeconftest(
        """
        import pytest
        from py_bpmn import Codec

        def encode(value):
            return f"{value.real}/{value.imag}" if isinstance(value, complex) else None

        @pytest.fixture
        def bpmn_codecs():
            return [Codec("complex", encode, lambda text: complex(*map(float, text.split("/"))))]
        """
    )
    shop.makepyfile(
        """
        from shop import SHOP

        def test_it_is_read_as_it_was_written(bpmn):
            bpmn.use(SHOP)
            bpmn.start("shop", amount=20, wave=1 + 2j).has(wave=1 + 2j)
        """
    )
    shop.runpytest_inprocess(*WITH_PLUGIN, *QUIET).assert_outcomes(passed=1)
