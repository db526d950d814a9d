"""Which engine there is, and what is said where there is none, or it can't do what a test wants."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from py_bpmn import _service
from py_bpmn.errors import ConfigurationError
from py_bpmn.testing import engine as engines
from py_bpmn.testing.engine import InProcess, Remote, Subprocess
from py_bpmn.testing.kit import Bpmn
from py_bpmn.worker import BpmnError, Process
from tests.flow import call, catch, flow

TIMER = flow("start -> wait -> end", wait=catch("timer:PT1H"))


@pytest.fixture(scope="module")
def here() -> Iterator[InProcess]:
    engine = InProcess()
    yield engine
    engine.close()


class Installed(Distribution):
    """A distribution, as its metadata tell."""

    def __init__(self, folder: Path, files: tuple[str, ...] = (), origin: Any = None) -> None:
        self._folder = folder
        for name in files:
            # What is not there is not told, since Python 3.12.
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        self._texts = {
            "RECORD": "".join(f"{name},,\n" for name in files),
            "direct_url.json": json.dumps(origin) if origin else None,
        }

    def read_text(self, filename: str) -> str | None:
        return self._texts.get(filename)

    def locate_file(self, path: Any) -> Any:
        return self._folder / path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is installed, and which `app` would be loaded; nothing at first."""
    found = SimpleNamespace(installed={}, app=None)

    def distribution(name: str) -> Distribution:
        try:
            return found.installed[name]
        except KeyError:
            raise PackageNotFoundError(name) from None

    def find_spec(name: str) -> Any:
        return found.app and importlib.util.spec_from_file_location(
            name, found.app / "__init__.py", submodule_search_locations=[str(found.app)]
        )

    monkeypatch.setattr(engines, "distribution", distribution)
    monkeypatch.setattr(_service, "find_spec", find_spec)
    return found


SERVICE = ("app/__init__.py", "app/testing.py", "py_bpmn/__init__.py")


def test_the_service_is_that_of_its_distribution(packages: Any, tmp_path: Path):
    packages.installed["py-bpmn-server"] = Installed(tmp_path, SERVICE)
    packages.app = tmp_path / "app"
    engines.check(None, {})


def test_the_service_may_be_a_checkout(packages: Any, tmp_path: Path):
    (tmp_path / "my code" / "app").mkdir(parents=True)
    (tmp_path / "my code" / "app" / "testing.py").touch()
    origin = {"url": (tmp_path / "my code").as_uri(), "dir_info": {"editable": True}}
    packages.installed["py-bpmn-server"] = Installed(tmp_path / "site", ("_py_bpmn.pth",), origin)
    packages.app = tmp_path / "my code" / "app"
    engines.check(None, {})


def test_a_package_of_the_project_is_not_the_service(packages: Any, tmp_path: Path):
    packages.installed["py-bpmn-server"] = Installed(tmp_path / "site", SERVICE)
    packages.app = tmp_path / "project" / "app"
    with pytest.raises(
        ConfigurationError, match=r"another package app before the one of py-bpmn-server: .*project/app"
    ):
        engines.check(None, {})


@pytest.mark.parametrize("others", [{}, {"py-bpmn-client": ("py_bpmn/__init__.py",)}, {"py-bpmn": ("pybpmn/x.py",)}])
def test_without_the_service_it_is_said_what_would_help(packages: Any, tmp_path: Path, others: Any):
    packages.installed |= {name: Installed(tmp_path, files) for name, files in others.items()}
    packages.app = tmp_path / "app"
    with pytest.raises(ConfigurationError) as raised:
        engines.check(None, {})
    assert str(raised.value) == (
        "there is no engine here: install py-bpmn-server, or name the Python of another environment that has it by "
        "BPMN_TEST_PYTHON=/path/to/bin/python"
    )


def test_both_distributions_are_one_too_many(packages: Any, tmp_path: Path):
    packages.installed["py-bpmn-server"] = Installed(tmp_path, SERVICE)
    packages.installed["py-bpmn-client"] = Installed(tmp_path, ("py_bpmn/__init__.py",))
    packages.app = tmp_path / "app"
    with pytest.raises(ConfigurationError, match="both installed here, and overwrite each other"):
        engines.check(None, {})


def test_an_address_comes_first_and_then_another_python(packages: Any):
    python = {"BPMN_TEST_PYTHON": sys.executable}
    engines.check("http://127.0.0.1:1", python)
    engines.check(None, python)
    assert isinstance(engines.choose("http://127.0.0.1:1", python), Remote)
    assert isinstance(engines.choose(None, python), Subprocess)


def test_options_are_those_of_one_test(here: InProcess):
    for config, waiting in (({}, "TIMER"), ({"BPMN_XML_TIMERS": "false"}, "JOB"), ({}, "TIMER")):
        here.reset(config)
        bpmn = Bpmn(here.client(""))
        bpmn.deploy(TIMER)
        assert [each.kind for each in bpmn.start("p").waiting()] == [waiting]


def test_another_process_has_other_options_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = Subprocess(sys.executable)
    try:
        for _ in range(2):
            engine.reset({"BPMN_XML_TIMERS": "false"})
            bpmn = Bpmn(engine.client(""))
            assert list(bpmn.client.instances()) == []
            bpmn.deploy(TIMER)
            assert [each.kind for each in bpmn.start("p").waiting()] == ["JOB"]
        with pytest.raises(ConfigurationError, match=r"did not start: .*BPMN_XML_TIMERS: must be true or false"):
            engine.reset({"BPMN_XML_TIMERS": "maybe"})
    finally:
        engine.close()
    assert list(tmp_path.iterdir()) == []


def test_another_process_that_can_not_be_reset_is_refused():
    engine = Subprocess(sys.executable)
    try:
        engine.reset({"BPMN_TEST_OPERATIONS": "false"})
        with pytest.raises(ConfigurationError, match="can't be reset: BPMN_TEST_OPERATIONS is false"):
            engine.reset({"BPMN_TEST_OPERATIONS": "false"})
    finally:
        engine.close()


def test_a_service_that_others_use_keeps_its_options():
    with pytest.raises(ConfigurationError) as raised:
        Remote("http://127.0.0.1:1").reset({"BPMN_XML_TIMERS": "false"})
    assert str(raised.value) == (
        "config={'BPMN_XML_TIMERS': 'false'} can't be had from http://127.0.0.1:1: "
        "a service that others use keeps its options"
    )


def test_a_clock_that_can_not_be_moved_is_that_of_the_machine(here: InProcess):
    here.reset({"BPMN_SET_TIME_ENABLED": "false"})
    bpmn = Bpmn(here.client(""), is_shared=True)
    bpmn.deploy(TIMER)
    story = bpmn.start("p")
    assert story.standing() == "is waiting at: wait (timer, due in 1h)"
    with pytest.raises(ConfigurationError) as raised:
        story.at("wait").fires()
    assert str(raised.value) == (
        "the engine at http://engine does not let its clock be moved: BPMN_SET_TIME_ENABLED is false. "
        "Tests that move it need an engine of their own, or one with BPMN_SET_TIME_ENABLED=true"
    )


def test_tests_that_share_an_engine_have_versions_and_keys_of_their_own(here: InProcess):
    here.reset({})
    process = Process("p", bpmn=flow("start -> wait -> end", wait=catch("message:paid")))
    process.correlation_key("wait")(lambda: "k")
    tests = [Bpmn(here.client(""), is_shared=True) for _ in range(2)]
    stories = []
    for bpmn in tests:
        bpmn.use(process)
        stories.append(bpmn.start(process, key="business"))
    assert stories[0].instance.version != stories[1].instance.version
    assert stories[0].instance.key != stories[1].instance.key
    tests[1].send("paid", key="k")
    stories[1].is_completed()
    stories[0].waits_at("wait")


MODEL = flow("start -> wait, work -> end", wait=catch("message:paid"), work=call("other"))


def test_a_shared_engine_is_left_as_it_was(here: InProcess):
    here.reset({})
    client = here.client("me")
    before = client.deploy(MODEL, version="1", process="p")
    theirs = client.start("p")
    process = Process("p", bpmn=MODEL, version="1")
    process.correlation_key("wait")(lambda: "k")
    bpmn = Bpmn(client, is_shared=True)
    bpmn.use(process)
    bpmn.start(process).at("work").calls("other")
    bpmn.start(process, version="1")
    client.start("p", version=bpmn.start(process).instance.version)
    assert bpmn.clean_up() == []
    assert [each.id for each in client.api.query_processes().results] == [before.id]
    assert [each.ref for each in client.instances()] == [theirs.ref]
    assert client.start("p").version == "1"
    assert theirs.waiting()


def test_what_others_have_started_meanwhile_stays_and_is_told(here: InProcess):
    here.reset({})
    bpmn = Bpmn(here.client("me"), is_shared=True)
    deployed = bpmn.deploy(MODEL)
    theirs = here.client("somebody else").start("p")
    [sentence] = bpmn.clean_up()
    assert sentence == (
        f"version {deployed.version} of p: process {deployed.id} (p:{deployed.version}) has 1 process instance"
    )
    assert theirs.waiting()


def test_an_engine_of_its_own_is_left_to_be_emptied(here: InProcess):
    here.reset({})
    bpmn = Bpmn(here.client(""))
    bpmn.deploy(MODEL)
    bpmn.start("p")
    assert bpmn.clean_up() == []
    assert len(list(bpmn.client.instances())) == 1


def test_a_process_without_a_file_has_to_be_there(here: InProcess):
    here.reset({})
    bpmn = Bpmn(here.client(""))
    process = Process("p")
    process.execute("work")(lambda: {"x": 1})
    with pytest.raises(ConfigurationError, match="p is not deployed, and has no file"):
        bpmn.use(process)
    bpmn.client.deploy(flow("start -> work -> end"))
    bpmn.use(process)
    story = bpmn.start(process)
    story.at("work").runs()
    story.is_completed().has(x=1)


def test_functions_have_to_fit_to_the_file(here: InProcess):
    here.reset({})
    process = Process("p", bpmn=flow("start -> work, other -> end"))
    process.execute("wrok")(lambda: None)
    process.exclusive("work")(lambda: "end")
    with pytest.raises(ConfigurationError) as raised:
        Bpmn(here.client("")).use(process)
    assert "wrok" in str(raised.value)
    assert 'exclusive("work")' in str(raised.value)
    assert "worker" not in str(raised.value)


class Careless(BpmnError):
    def __init__(self, why: str) -> None:
        self.why = why


@pytest.mark.parametrize(
    ("thrown", "sentence"),
    [
        (BpmnError("\ud800"), r'execute\("work"\): the result of .* can\'t be sent: .*surrogate'),
        (Careless("no"), "Careless needs a code, which is a text, and is given to the __init__ of its base class"),
    ],
)
def test_what_a_function_ends_with_and_can_not_be_sent_is_its_failure(
    here: InProcess, thrown: BpmnError, sentence: str
):
    here.reset({})
    process = Process("p", bpmn=flow("start -> work -> end"))

    @process.execute("work")
    def work() -> None:
        raise thrown

    bpmn = Bpmn(here.client(""))
    bpmn.use(process)
    with pytest.raises(AssertionError, match=f"expected work to run — its function failed: {sentence}") as raised:
        bpmn.start(process).at("work").runs()
    assert raised.value.__cause__ is thrown
    story = bpmn.start(process)
    bpmn.settle()
    story.has_incident("work", sentence.partition(":")[0].replace("\\", ""))


def test_only_processes_can_be_used(here: InProcess):
    here.reset({})
    with pytest.raises(TypeError, match=r"bpmn\.use takes what py_bpmn\.Process has made, but not 'p'"):
        Bpmn(here.client("")).use("p")  # type: ignore[arg-type]


def test_the_clock_goes_on_and_never_back(here: InProcess):
    here.reset({})
    clock = Bpmn(here.client("")).clock
    before = clock.now
    clock.advances(days=1, seconds=0.5)
    assert timedelta(days=1, seconds=0.5) < clock.now - before < timedelta(days=1, minutes=1)
    with pytest.raises(ValueError, match="can't go back"):
        clock.advances(hours=-1)
    clock.set((clock.now + timedelta(days=1)).replace(tzinfo=None))
    assert clock.now - before > timedelta(days=2)


def test_nothing_is_left_of_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    engine = InProcess()
    engine.reset({})
    assert list(tmp_path.iterdir())
    engine.close()
    assert list(tmp_path.iterdir()) == []
