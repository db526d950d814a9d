"""Graphs of process versions: kept as long as there is room, and compiled when nobody has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from app.commands.base import CalledProcess, Completion
from app.commands.deletion import DeleteProcess
from app.commands.process import GetBpmnXml
from app.engine import deployed
from app.errors import EngineError, ErrorKind
from app.service import Service
from app.store import graphs
from app.store.graphs import Graphs
from tests.races.held import InBackground
from tests.store import play
from tests.store.database import connected, require_sound, rows
from tests.store.play import model
from tests.store.together import PATIENCE, in_threads


class Parser:
    """Counts what is parsed, and can be made to stop in the middle of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed: list[str] = []
        self.begun = threading.Event()
        self.goes_on = threading.Event()
        self.goes_on.set()
        parse = deployed.parse

        def counted(xml: str, **options: Any) -> Any:
            self.parsed.append(xml)
            self.begun.set()
            assert self.goes_on.wait(PATIENCE)
            return parse(xml, **options)

        monkeypatch.setattr(deployed, "parse", counted)

    def stop(self) -> None:
        self.begun.clear()
        self.goes_on.clear()

    def go_on(self) -> None:
        self.goes_on.set()


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> Parser:
    return Parser(monkeypatch)


def forget(service: Service, max_nodes: int = graphs.MAX_NODES) -> None:
    """As if the service was started anew."""
    service._store._graphs = Graphs(max_nodes)


def numbered(number: int) -> str:
    """Five nodes: the process, its events, two tasks."""
    return model("start -> a -> b -> end", process_id=f"p{number}")


def begin_each(service: Service, numbers: list[int]) -> None:
    for number in numbers:
        play.start(service, f"p{number}")


def test_a_graph_is_compiled_once(service: Service, parser: Parser):
    instance = play.begin(service)
    for job in play.lock_of(service, instance):
        play.complete(service, job)
    play.start(service, version="")
    assert len(parser.parsed) == 1


def test_graphs_are_kept_up_to_a_number_of_nodes_and_those_go_first_that_were_not_used(
    service: Service, parser: Parser
):
    for number in range(4):
        play.deploy(service, numbered(number))
    forget(service, max_nodes=15)
    begin_each(service, [0, 1, 2])
    begin_each(service, [0, 1, 2])
    assert len(parser.parsed) == 3
    begin_each(service, [0, 3, 0, 2, 3])
    assert [xml for xml in parser.parsed if 'id="p0"' in xml] == [numbered(0)]
    assert [xml for xml in parser.parsed if 'id="p2"' in xml] == [numbered(2)]
    begin_each(service, [1])
    assert [xml for xml in parser.parsed if 'id="p1"' in xml] == [numbered(1)] * 2


def test_a_graph_that_is_larger_than_all_room_can_be_walked(service: Service):
    forget(service, max_nodes=1)
    instance = play.begin(service, play.wide(30))
    for job in play.lock_of(service, instance):
        play.complete(service, job)
    require_sound(service.config.database_url)


def test_a_command_that_needs_more_graphs_than_there_is_room_for_ends(service: Service):
    """Loading the second one must not make it miss the first one again."""
    play.deploy(service, model("start -> a -> end", process_id="called"))
    instance = play.begin(service, model("start -> call -> b -> end"))
    called = Completion(called_process=CalledProcess(bpmn_process_id="called", version="1"))
    (calls,) = play.lock_of(service, instance)
    forget(service, max_nodes=1)
    assert play.complete(service, calls, completion=called).state == "DONE"
    (inside,) = play.lock(service)
    forget(service, max_nodes=1)
    assert play.complete(service, inside).state == "DONE"
    require_sound(service.config.database_url)


def test_several_that_miss_the_same_graph_compile_it_once(service: Service, parser: Parser):
    play.deploy(service)
    forget(service)
    parser.parsed.clear()
    started = in_threads(*[partial(play.start, service)] * 8)
    assert len({instance.id for instance in started}) == 8
    assert len(parser.parsed) == 1


@pytest.mark.parametrize("cold", ["start", "complete"])
def test_others_can_write_and_read_while_a_graph_is_compiled(service: Service, parser: Parser, cold: str):
    url = service.config.database_url
    instance = play.begin(service)
    (job,) = play.lock_of(service, instance)
    play.deploy(service, numbered(1))
    forget(service)
    parser.stop()
    slow: dict[str, Callable[[], Any]] = {
        "start": lambda: play.start(service, "p", version=str(instance.version)),
        "complete": lambda: play.complete(service, job),
    }
    waiting = InBackground(slow[cold])
    assert parser.begun.wait(PATIENCE)
    with connected(url) as somebody:
        if url.startswith("sqlite"):
            somebody.execute("PRAGMA busy_timeout = 0")
            somebody.execute("BEGIN IMMEDIATE")
        else:
            somebody.execute("BEGIN")
            somebody.execute("SELECT 1 FROM process_instance FOR UPDATE NOWAIT")
        somebody.execute("ROLLBACK")
    assert service._store._dialect.engine.pool.checkedout() == 0
    assert service.execute(GetBpmnXml(id=instance.process_id))
    assert play.lock(service) == []
    assert not waiting.is_done
    parser.go_on()
    assert waiting.result()
    require_sound(url)


def test_the_newest_version_is_found_without_reading_its_model(service: Service):
    play.deploy(service, play.ONE_TASK, version="1")
    play.deploy(service, play.TWO_TASKS, version="2")
    assert play.start(service, version="").version == "2"
    assert rows(service.config.database_url, "SELECT version FROM process_instance") == [("2",)]


@pytest.mark.parametrize("is_known", [True, False])
def test_a_version_that_another_process_deletes_meanwhile_can_not_be_started(
    service: Service, other: Service, monkeypatch: pytest.MonkeyPatch, is_known: bool
):
    process = play.deploy(service, play.ONE_TASK, version="1")
    load = service._store.load_graph

    def load_late(process_id: int) -> Any:
        monkeypatch.undo()
        if not is_known:
            other.execute(DeleteProcess(id=process.id, worker_id="w"))
        return load(process_id)

    monkeypatch.setattr(service._store, "load_graph", load_late)
    if is_known:
        load_late(process.id)
        other.execute(DeleteProcess(id=process.id, worker_id="w"))
    with pytest.raises(EngineError) as caught:
        play.start(service, version="1")
    assert caught.value.kind is ErrorKind.NOT_FOUND
    again = play.deploy(other, play.TWO_TASKS, version="1")
    assert play.start(service, version="1").process_id == again.id
