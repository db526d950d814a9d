"""Workers as programs: signals, exit codes, crashes, and services that go and come."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from py_bpmn import Client, ConfigurationError
from py_bpmn.worker import Job, Process, Worker
from py_bpmn.worker.supervise import Child, Family, load
from tests.databases import Databases
from tests.http_worker.serving import ROOT, Relay, free_port, serving
from tests.worker.conftest import OPTIONS, PATIENCE, until
from tests.worker.models import tasks

LONG = timedelta(seconds=10)
KILLS = int(os.environ.get("BPMN_TEST_KILLS", "10"))
"""Of the long run; `make worker` does more."""
Start = Callable[..., "Program"]


class Program:
    def __init__(self, command: list[str], notes: Path, environment: dict[str, str]) -> None:
        self._notes = notes
        self._log = notes.with_suffix(".log")
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env={**os.environ, "NOTES": str(notes), **environment},
                stdin=subprocess.DEVNULL,
                stderr=log,
            )

    @property
    def notes(self) -> list[list[str]]:
        return [line.split() for line in self._notes.read_text().splitlines()] if self._notes.exists() else []

    def noted(self, word: str, number: int = 1) -> list[list[str]]:
        """So many notes of that word, once they are there."""

        def found() -> list[list[str]]:
            known = [note for note in self.notes if note[0] == word]
            return known if len(known) >= number else []

        return until(found, f"{number} notes {word} in {self.notes}\n{self.log}")

    @property
    def log(self) -> str:
        return self._log.read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    programs = []

    def begin(bpmn: Client | str, *command: str, **environment: str) -> Program:
        url = bpmn if isinstance(bpmn, str) else bpmn.url
        given = {"BPMN_URL": url, **environment}
        program = Program(list(command or ("-m", "tests.worker.shop")), tmp_path / "notes", given)
        programs.append(program.process)
        return program

    yield begin
    for process in programs:
        process.kill()
        process.wait()


def _locked(bpmn: Client) -> list[Any]:
    return [job for job in bpmn.api.query_jobs(states=["LOCKED"]).results if (job.locked_by or "").startswith("shop#")]


def _cancel_all(bpmn: Client) -> None:
    for each in bpmn.instances(process="shop", states=["STARTED"]):
        each.cancel()


def test_sigterm_during_work_leaves_no_lock(bpmn: Client, start: Start):
    bpmn.deploy(tasks("shop", "a"))
    started = [bpmn.start("shop") for _ in range(60)]
    program = start(bpmn, SECONDS="0.2")
    program.noted("ended", 5)
    assert program.stop() == 0
    assert not _locked(bpmn)
    ended = {note[2] for note in program.notes if note[0] == "ended"}
    assert {note[2] for note in program.notes if note[0] == "began"} == ended
    assert {str(each.id) for each in started if each.refresh().ended} == ended
    _cancel_all(bpmn)


@pytest.mark.parametrize(("signals", "grace"), [((signal.SIGINT, signal.SIGTERM), "30s"), ((signal.SIGTERM,), "0s")])
def test_a_second_signal_and_the_end_of_grace_leave_jobs_to_others(
    lite: Client, start: Start, signals: Any, grace: str
):
    program = start(lite, GRACE=grace)
    until(lambda: list(lite.each(lite.api.query_processes, bpmn_process_id="shop")), "it is deployed")
    found = lite.start("shop", variables={"stays": True})
    program.noted("began")
    for number in signals:
        program.process.send_signal(number)
    assert program.process.wait(PATIENCE) == 1
    assert "1 jobs have not ended in time, and are left to others" in program.log
    assert not _locked(lite)
    found.cancel()


def test_several_processes_are_started_again_when_they_die(lite: Client, start: Start):
    lite.deploy(tasks("shop", "a"))
    started = [lite.start("shop", variables={"stays": True}) for _ in range(8)]
    program = start(lite, PROCESSES="2", GRACE="0s")
    first = {note[1] for note in program.noted("began", 8)}
    assert len(first) == 2
    os.kill(int(first.pop()), signal.SIGKILL)
    # What the killed one had is begun by a new one, once the lease has ended.
    until(lambda: len({note[1] for note in program.notes}) == 3 and len(program.notes) == 12, "a new one begins")
    program.process.kill()
    # The others end with the one that has started them, and leave nothing locked.
    until(lambda: not any(Path(f"/proc/{note[1]}").exists() for note in program.notes), "they end")
    assert not _locked(lite)
    for each in started:
        each.cancel()


def test_several_processes_end_with_their_jobs(lite: Client, start: Start):
    lite.deploy(tasks("shop", "a"))
    for _ in range(8):
        lite.start("shop")
    program = start(lite, "-m", "py_bpmn.worker", "tests.worker.shop:worker", PROCESSES="2", SECONDS="0.2")
    program.noted("ended", 8)
    assert program.stop(signal.SIGINT) == 0
    assert not _locked(lite)


def test_a_program_that_finds_no_service_can_be_stopped(start: Start):
    program = start(f"http://127.0.0.1:{free_port()}")
    until(lambda: "the service does not answer" in program.log, "it tries")
    assert program.stop() == 0


def test_mistakes_end_the_program_with_1(lite: Client, start: Start, tmp_path: Path):
    broken = tmp_path / "broken.py"
    broken.write_text(
        "from py_bpmn.worker import *\nfrom tests.worker.models import tasks\n"
        "p = Process('broken', bpmn=tasks('broken', 'a'))\nWorker(p).run()\n"
    )
    program = start(lite, str(broken), PYTHONPATH=str(ROOT))
    assert program.process.wait(PATIENCE) == 1
    assert program.log.splitlines()[-1] == 'broken: nobody does a: @execute("a") is missing'
    broken.write_text(broken.read_text().replace("Worker(p)", "Worker(p, processes=2)"))
    program = start(lite, str(broken), PYTHONPATH=str(ROOT))
    assert program.process.wait(PATIENCE) == 1
    assert "start it as python -m shop.worker, or as py-bpmn worker shop.worker:worker" in program.log


BROKEN = """
from py_bpmn.worker import Process, Worker
from tests.worker.models import tasks

process = Process("broken", bpmn=tasks("broken", "a"))
worker = Worker(process, processes=2)
"""
UNGUARDED = """
if __name__ != "__main__":
    worker.run()
"""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            BROKEN,
            'error: the worker can\'t start, because of a mistake:\nbroken: nobody does a: @execute("a") is missing',
        ),
        (BROKEN + UNGUARDED, "error: module broken runs its worker while it is imported: put worker.run() below if "),
    ],
)
def test_mistakes_of_several_processes_are_told_once(lite: Client, start: Start, tmp_path: Path, code: str, text: str):
    (tmp_path / "broken.py").write_text(code)
    path = os.pathsep.join(map(str, (tmp_path, ROOT)))
    program = start(lite, "-m", "py_bpmn.worker", "broken:worker", PYTHONPATH=path)
    assert program.process.wait(PATIENCE) == 1
    assert program.log.count("error: ") == program.log.count(text) == 1
    assert "is started again" not in program.log


class Spawned(Family):
    """Processes that do what a test says: they start, and end with a code."""

    def __init__(self) -> None:
        super().__init__(Worker(Process("p"), processes=2), "", None)
        self.spawned: list[tuple[int, socket.socket, Any]] = []

    def _spawn(self, child: Child) -> None:
        child.line, other_end = socket.socketpair()
        child.line.setblocking(False)
        process = SimpleNamespace(pid=child.number, returncode=None, send_signal=lambda number: None)
        process.poll = lambda: process.returncode
        child.process = process  # type: ignore[assignment]
        self.spawned.append((child.number, other_end, process))

    def look(self, now: float) -> list[bool]:
        return [self._look_after(child, now) for child in self._children]

    def starts(self, place: int) -> None:
        self.spawned[place][1].send(b"\n")

    def ends(self, place: int, code: int) -> None:
        self.spawned[place][2].returncode = code

    def close(self) -> None:
        for _, other_end, _ in self.spawned:
            other_end.close()
        for child in self._children:
            child.forget()


def test_one_that_could_start_before_is_tried_again_while_others_are_at_work():
    with closing(Spawned()) as family:
        family.look(0)
        assert [number for number, _, _ in family.spawned] == [0]
        family.starts(0)
        for _ in range(2):
            family.look(0)
        family.starts(1)
        family.ends(1, -signal.SIGKILL)
        family.look(20)
        assert [number for number, _, _ in family.spawned] == [0, 1, 1]
        family.ends(2, 1)
        assert family.look(40) == [True, True]
        assert [number for number, _, _ in family.spawned] == [0, 1, 1, 1]
        family.ends(0, -signal.SIGKILL)
        family.ends(3, 1)
        family.look(40)
        assert family.look(50) == [True, False]


HANDS = """
import multiprocessing, os, signal, subprocess, sys
from py_bpmn.worker import Process, Worker
from tests.worker.models import tasks

process = Process("hands", bpmn=tasks("hands", "reads", "ends", "copies", "awaits"))

@process.execute("reads")
def reads():
    return {"read": subprocess.run(["cat"], stdout=subprocess.PIPE, timeout=20).stdout.decode()}

@process.execute("ends")
def ends():
    other = multiprocessing.get_context("fork").Process(target=signal.pause, daemon=True)
    other.start()
    other.terminate()
    other.join(20)
    return {"ended": other.exitcode}

@process.execute("copies", retries=0)
def copies():
    codes = []
    for do in (lambda: {}, lambda: sys.exit("no more")):
        copy = os.fork()
        if copy == 0:
            return do()
        codes.append(os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]))
    return {"copied": codes}

@process.execute("awaits")
async def awaits():
    copy = os.fork()
    return {"awaited": os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1])} if copy else {}

worker = Worker(process, processes=int(os.environ["PROCESSES"]))
if __name__ == "__main__":
    worker.run()
"""


@pytest.mark.parametrize("processes", ["1", "2"])
def test_what_handlers_start_has_no_part_in_the_worker(lite: Client, start: Start, tmp_path: Path, processes: str):
    (tmp_path / "hands.py").write_text(HANDS)
    lite.deploy(tasks("hands", "reads", "ends", "copies", "awaits"))
    found = lite.start("hands")
    path = os.pathsep.join(map(str, (tmp_path, ROOT)))
    program = start(lite, "-m", "hands", PROCESSES=processes, PYTHONPATH=path)
    assert found.wait(LONG).state == "COMPLETED", program.log
    assert found.get_variables() == {"read": "", "ended": -signal.SIGTERM, "copied": [0, 1], "awaited": 0}
    # A program that has not configured its logging tells that, too.
    until(lambda: program.log.count(" does jobs of hands\n") == int(processes), "all have begun")
    assert program.stop() == 0
    (line,) = (line for line in program.log.splitlines() if "a process that the handler has forked ends" in line)
    assert f"[instance={found.ref} element=copies " in line


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("tests.worker.shop", "a worker is named by its module, such as shop.worker:worker, but not tests.worker.shop"),
        *(
            (f"{module}:w", "a worker is named by its module")
            for module in ("../h", ".h", "h.py", "a/h", "a\\h", "a..h")
        ),
        ("tests.worker.nothing:worker", "there is no module tests.worker.nothing here"),
        ("tests.worker.shop:nobody", "module tests.worker.shop has no nobody"),
        ("tests.worker.shop:shop", "tests.worker.shop:shop is no Worker, but of type Process"),
    ],
)
def test_a_worker_that_is_not_found_is_told(target: str, text: str):
    with pytest.raises(ConfigurationError, match=text):
        load(target)


def _killed_and_restarted(bpmn: Client, start: Start, jobs: int, kills: int) -> None:
    """Each job ends, and what a killed worker had is not lost."""
    bpmn.deploy(tasks("shop", "a"))
    started = [bpmn.start("shop") for _ in range(jobs)]
    for number in range(kills):
        program = start(bpmn, SECONDS="0.2")
        program.noted("ended", (number + 1) * 2)
        program.process.kill()
        program.process.wait()
    program = start(bpmn, SECONDS="0.2")
    until(lambda: not list(bpmn.instances(process="shop", states=["STARTED"])), "all ended")
    assert program.stop() == 0
    assert {each.refresh().state for each in started} == {"COMPLETED"}
    assert not list(bpmn.incidents(bpmn_process_id="shop"))
    began = Counter(note[2] for note in program.notes if note[0] == "began")
    # Only what a kill has interrupted is begun again.
    assert sum(began.values()) - jobs <= 4 * kills


def test_nothing_is_lost_when_workers_are_killed(lite: Client, start: Start):
    _killed_and_restarted(lite, start, jobs=12, kills=1)


@pytest.mark.slow
def test_nothing_is_lost_when_workers_are_killed_often(bpmn: Client, start: Start):
    _killed_and_restarted(bpmn, start, jobs=KILLS * 8, kills=KILLS)


def test_a_service_that_is_restarted_gets_all_completions(databases: Databases, tmp_path: Path, caplog: Any):
    process = Process("away", bpmn=tasks("away", "a"), lease="20s")
    begun, go_on = threading.Semaphore(0), threading.Event()
    runs: Counter[int] = Counter()

    @process.execute("a")
    def a(job: Job) -> None:
        runs[job.data.process_instance_id] += 1
        begun.release()
        assert go_on.wait(PATIENCE)

    port = free_port()
    with databases.fresh("sqlite") as url, ExitStack() as stack:
        bound = {**OPTIONS, "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}"}
        client = stack.enter_context(Client(f"http://127.0.0.1:{port}"))
        worker = Worker(process, client=client, threads=4)
        starting = threading.Thread(target=worker.start)
        # Nobody is there yet.
        starting.start()
        until(lambda: "the service does not answer" in caplog.text, "it is noticed")
        first = ExitStack()
        first.enter_context(_serving_at(url, tmp_path, port, bound))
        starting.join(PATIENCE)
        instances = [client.start("away") for _ in range(4)]
        for _ in instances:
            assert begun.acquire(timeout=PATIENCE)
        first.close()
        go_on.set()
        until(lambda: caplog.text.count("the service does not answer") == 2, "it is noticed again")
        with _serving_at(url, tmp_path, port, bound):
            for each in instances:
                assert until(lambda each=each: each.refresh().ended, "it has ended")
            later = client.start("away")
            assert later.wait(LONG).ended
            assert worker.stop()
    assert set(runs.values()) == {1}
    assert caplog.text.count("the service does not answer") == 2


@contextmanager
def _serving_at(url: str, folder: Path, port: int, options: dict[str, str]) -> Iterator[None]:
    with serving(url, folder, ready=False, **options) as served:
        served.port = port
        served.until_status("/readiness", 200)
        yield


def test_stopping_ends_within_grace_while_the_service_is_away(lite: Client):
    process = Process("cut", bpmn=tasks("cut", "a"))
    begun, go_on = threading.Event(), threading.Event()

    @process.execute("a")
    def a() -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    lite.deploy(tasks("cut", "a"))
    found = lite.start("cut")
    way = Relay(lite.url.replace("http://", "postgresql://u:p@") + "/db")
    port = way._address[1]
    with Client(f"http://127.0.0.1:{port}") as client:
        worker = Worker(process, client=client)
        worker.start()
        assert begun.wait(PATIENCE)
        way.cut()
        go_on.set()
        assert not worker.stop(0.5)
    found.cancel()
