"""`py-bpmn play`: walks that were typed, recorded, taken again, and written as tests.

A transcript has the command line, what was typed behind `>`, and what was shown. With BPMN_TEST_TRANSCRIPTS=write they
are written anew.
"""

from __future__ import annotations

import io
import os
import pty
import re
import select
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_bpmn.cli import main
from py_bpmn.cli.play.game import Game
from py_bpmn.cli.play.loop import Loop
from py_bpmn.cli.play.model import read_file
from py_bpmn.cli.play.show import Screen
from py_bpmn.cli.play.walk import read_walk
from py_bpmn.cli.play.words import Unable, read_step
from py_bpmn.testing import engine as engines
from py_bpmn.testing.engine import InProcess, NoEngine
from tests.bpmn.build import BPMN
from tests.flow import INCLUSIVE, SERVICE, USER, boundary, call, catch, end, flow, several, start, sub

FOLDER = Path(__file__).parent / "walks"
FILES = Path(__file__).resolve().parents[1] / "files"
ROOT = Path(__file__).resolve().parents[2]
WALKS = sorted(path.stem for path in FOLDER.glob("*.walk"))
WRITES = os.environ.get("BPMN_TEST_TRANSCRIPTS") == "write"
NOW = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d")


@pytest.fixture(scope="module")
def engine() -> Iterator[InProcess]:
    engine = InProcess()
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def one_engine(engine: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each walk begins on an empty one; making it takes most of the time."""
    monkeypatch.setattr(engines, "choose", lambda _: engine)
    monkeypatch.setattr(engine, "close", lambda: None)


def play(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    return main(["play", *arguments])


def begun(engine: InProcess, path: Path, model: str, *others: str) -> Game:
    files = [path / f"{number}.bpmn" for number in range(1 + len(others))]
    for file, text in zip(files, (model, *others), strict=True):
        file.write_text(text)
    [first, *more] = [process for file in files for process in read_file(file)]
    game = Game(engine, first, more)
    game.start({})
    return game


def typed(game: Game, capsys: pytest.CaptureFixture[str], *lines: str) -> list[str]:
    """What is shown after each line, as it was at last."""
    shown: list[str] = []
    left = list(lines)

    def read() -> str | None:
        shown.append(capsys.readouterr().out)
        return left.pop(0) if left else None

    Loop(game, Screen(color=False), read).run()
    return shown[-1].splitlines()


@pytest.mark.parametrize("name", WALKS)
def test_recorded_walks_go_as_they_were_written_down(name, monkeypatch, capsys):
    walk = FOLDER / f"{name}.walk"
    assert play(monkeypatch, str(FILES / f"{name}.bpmn"), "--script", str(walk)) == 0
    assert capsys.readouterr() == (walk.read_text(), "")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.txt")))
def test_what_is_typed_is_done_and_shown(name, monkeypatch, capsys, tmp_path):
    transcript = FOLDER / f"{name}.txt"
    command, *lines = transcript.read_text().splitlines()
    _, _, file, *options = shlex.split(command.removeprefix("$ "))
    steps = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
    assert play(monkeypatch, str(FILES / file), *options, typed="\n".join(steps)) == 0
    out, err = capsys.readouterr()
    found = f"{command}\n{NOW.sub('2026-01-02 03:04', out)}"
    saved = (tmp_path / f"{name}.walk").read_text()
    if WRITES:
        transcript.write_text(found)
        (FOLDER / f"{name}.walk").write_text(saved)
    assert (found, err) == (transcript.read_text(), "")
    assert saved == (FOLDER / f"{name}.walk").read_text()


def walked(game: Game) -> list[str]:
    return [str(each.step) for each in game.done[1:]]


def test_a_walk_that_leads_elsewhere_is_told_with_the_first_difference(monkeypatch, capsys, tmp_path):
    walk = tmp_path / "other.walk"
    text = (FOLDER / "order.walk").read_text().replace("= chargePayment, pickItems", "= pickItems, ship")
    walk.write_text(text.replace("set note=", "# what was noted\n\nset note="))
    assert play(monkeypatch, str(FILES / "order.bpmn"), "--script", str(walk)) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "= chargePayment, pickItems"
    assert err == (
        f"error: {walk}:6: after decide inStock fork: expected pickItems, ship — is chargePayment, pickItems\n"
    )


def test_a_step_that_can_not_be_done_any_more_is_a_difference(monkeypatch, capsys, tmp_path):
    walk = tmp_path / "other.walk"
    walk.write_text("start orderFulfilment\ncomplete checkStock\ncomplete ship\n")
    assert play(monkeypatch, str(FILES / "order.bpmn"), "--script", str(walk)) == 1
    assert capsys.readouterr().err == (
        f"error: {walk}:3: complete ship can't be done: nothing waits at ship: it is waiting at inStock\n"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", " is no walk: it has no steps"),
        ("start p\nwalk home\n", ":2: is no walk: there is no step walk; there are start, complete, "),
        ("complete a\n", ":1: is no walk: start is its first step, and only that"),
        ("start p\nstart p\n", ":2: is no walk: start is its first step, and only that"),
        ("start p\n= a\n= b\n", ":3: is no walk: = b must follow a step"),
        ("start p\ncomplete\n", ":2: is no walk: complete is complete ELEMENT [name=value]...: "),
        ("start p\ncomplete 'a\n", ":2: is no walk: no closing quotation: quotes come in pairs"),
    ],
)
def test_a_file_that_is_no_walk_is_refused(monkeypatch, capsys, tmp_path, text, problem):
    walk = tmp_path / "no.walk"
    walk.write_text(text)
    assert play(monkeypatch, str(FILES / "order.bpmn"), "--script", str(walk)) == 2
    assert capsys.readouterr().err.startswith(f"error: {walk}{problem}")


def test_what_can_not_be_played_is_told(monkeypatch, capsys, tmp_path):
    broken = ROOT / "tests" / "lint" / "broken"
    assert play(monkeypatch, str(broken / "complex-gateway.bpmn")) == 1
    assert "  /order/split2: element split2 is not supported: callChoreography" in capsys.readouterr().err
    assert play(monkeypatch, str(broken / "unclosed.bpmn")) == 2
    assert "can't be played: the XML is broken" in capsys.readouterr().err
    assert play(monkeypatch, str(broken / "two-processes.bpmn")) == 2
    assert "has several processes: choose one with --process: order, second" in capsys.readouterr().err
    assert play(monkeypatch, str(broken / "two-processes.bpmn"), "--process", "third") == 2
    assert "has no process third, but order, second" in capsys.readouterr().err
    assert play(monkeypatch, str(FILES / "order.bpmn"), "--script", str(FOLDER / "order.walk"), "-v", "a=1") == 2
    assert "a walk has its own variables" in capsys.readouterr().err
    assert play(monkeypatch, "-") == 2
    waiting = tmp_path / "m.bpmn"
    waiting.write_text(flow("go -> a -> end", process="m", go=start("timer:PT1H")))
    assert play(monkeypatch, str(waiting)) == 1
    assert "scope m has no none start event" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ("message:begin", ['bpmn.send("begin", key="1", a=1)', 'story = bpmn.started("m")']),
        ("signal:begin", ['bpmn.signal("begin", a=1)', 'story = bpmn.started("m")']),
    ],
)
def test_a_process_that_is_started_by_what_is_sent_gets_that(engine, tmp_path, event, code):
    game = begun(engine, tmp_path, flow("go -> a -> end", process="m", go=start(event), a=SERVICE))
    game.start({"a": 1})
    assert (game.seen, game.root.story.variables) == ("a", {"a": 1})
    assert [*game.done[0].code[:2]] == code
    game.do(read_step("complete a"))
    game.back()
    assert game.seen == "a"


@pytest.mark.parametrize("ids", [True, False])
def test_flows_that_another_process_draws_or_that_have_no_ids_lead_on(engine, tmp_path, capsys, ids):
    flows = "".join(
        f'<sequenceFlow id="{source}{target}" name="to {target}" sourceRef="{source}" targetRef="{target}"/>'
        for source, target in ("sg", "ga", "gb")
    )
    if not ids:
        flows = re.sub(r" id=\S+", "", flows)
    nodes = '<startEvent id="s"/><exclusiveGateway id="g"/><endEvent id="a"/><endEvent id="b"/>'
    model = (
        f'<definitions xmlns="{BPMN}"><process id="p" isExecutable="true">{nodes}</process>'
        f'<process id="q"><task id="t"/>{flows}</process></definitions>'
    )
    game = begun(engine, tmp_path, model)
    assert game.process.choices("g") == ["a", "b"]
    assert game.process.labels == {("s", "g"): "to g", ("g", "a"): "to a", ("g", "b"): "to b"}
    typed(game, capsys, "d b")
    assert game.seen == "completed at b"


def test_the_end_of_input_ends_it(monkeypatch, capsys):
    assert play(monkeypatch, str(FILES / "order.bpmn"), typed="c") == 0
    assert capsys.readouterr().out.splitlines()[3] == "> c"


def test_back_takes_the_steps_before_on_a_fresh_engine(engine, tmp_path, capsys):
    game = begun(engine, tmp_path, flow("start -> a -> b -> end", a=SERVICE, b=SERVICE))
    first = game.root.story.instance.data.created_at
    typed(game, capsys, "c x=1", "c", "b")
    assert (game.seen, game.root.story.variables) == ("b", {"x": 1})
    assert len(list(game.bpmn.client.instances())) == 1
    assert game.root.story.instance.data.created_at > first
    assert typed(game, capsys, "b", "b") == [" ! this is the beginning"]
    assert typed(game, capsys, "c", "c", "r")[0] == " ● start ─▶ ▢ a   EXECUTE"
    assert walked(game) == []


def test_an_event_with_several_definitions_waits_for_each_of_them(engine, tmp_path, capsys):
    event = several("intermediateCatchEvent", "message:m", "signal:B", "timer:PT1H", parallel=True)
    s = several("startEvent", "timer:R/PT1H", "message:begin")
    game = begun(engine, tmp_path, flow("s -> c -> e", s=s, c=event))
    shown = typed(game, capsys, "a k")
    assert [line for line in shown if "○" in line] == [
        " 1 ○ c   TIMER   due in 1h",
        " 2 ○ c   MESSAGE m, key k",
        " 3 ○ c   SIGNAL B",
    ]
    assert game.seen == "c"
    assert game.done[-1].code[-1] == 'story.waits_at("c")'
    assert typed(game, capsys, "m", "t", "g")[1].startswith(" ■ completed at e")


def test_a_refused_step_changes_nothing(engine, tmp_path, capsys):
    game = begun(engine, tmp_path, flow("start -> a -> b -> end", a=SERVICE, b=SERVICE))
    game.do(read_step("complete a"))
    # Nothing catches it: the engine would have an incident.
    assert "an incident was" not in (shown := typed(game, capsys, "e b NOPE")[0])
    assert shown.startswith(" ! expected the job to be done at: b")
    assert (game.seen, walked(game)) == ("b", ["complete a"])
    assert typed(game, capsys, "c")[1].startswith(" ■ completed at end   4 elements, 3 of 3 flows")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("hello", "hello means nothing here; h tells what does"),
        ("start p", "start means nothing here; h tells what does"),
        ("c nowhere", "nothing waits at nowhere: it is waiting at pick"),
        ("complete", "a gateway asks where to go: say the number of a choice"),
        ("3", "there is no choice 3 at pick"),
        ("2.1", "there is no position 2"),
        ("1.1 2.1", "choices are those of one position"),
        ("decide pick end", "there is no flow to end: pick leads to a, b"),
        ("decide pick", "nothing is chosen: pick leads to a, b"),
        ("user pick", "user can't be done at pick, but the number of a choice"),
        ("message", "nothing waits for such a message"),
        ("message a b c", "message is message NAME KEY [name=value]...: a message is sent"),
        ("m paid o-1", "nothing waits for message paid with key o-1"),
        ("g paid", "nothing waits for signal paid"),
        ("t", "no timer is set: say by how much, such as t +1h"),
        ("t soon", "'soon' is not a duration: it must be like 30s, 25h or 1d12h"),
        ("t 1h 2h", "time is time +1h, or t alone for the next timer"),
        ("t 99999999999w", "'99999999999w' is longer than the clock goes"),
        ("v x", "variables are set by name=value, but not by x"),
        ("s", "say the name of the file: s NAME.walk for a script, s NAME.py for a test"),
        ("s /nowhere/a.walk", "can't write /nowhere/a.walk: No such file or directory"),
        ("c 'a", "no closing quotation: quotes come in pairs"),
    ],
)
def test_what_is_not_understood_explains_itself(engine, tmp_path, capsys, line, problem):
    game = begun(engine, tmp_path, flow("start -> pick -> a, b; a -> end", pick=INCLUSIVE, a=SERVICE, b=SERVICE))
    assert typed(game, capsys, line) == [f" ! {problem}"]
    assert (game.seen, walked(game)) == ("pick", [])


def test_what_the_engine_refuses_is_told_without_its_formalities(engine, tmp_path, capsys):
    game = begun(engine, tmp_path, flow("start -> a -> end", a=SERVICE))
    [shown] = typed(game, capsys, "t 999999w")
    assert shown.endswith(" leaves the years 1 to 9999")
    assert (game.seen, walked(game)) == ("a", [])


def test_with_several_positions_it_must_be_said_where(engine, tmp_path, capsys):
    model = flow("start -> pick -> a, b; a -> end; late -> x", pick=INCLUSIVE, a=SERVICE, b=USER,
                 late=boundary("b", "timer:PT2H"))  # fmt: skip
    game = begun(engine, tmp_path, model)
    shown = typed(game, capsys, "1,2")
    assert shown[1:5] == [
        " 1 ▢ a   EXECUTE",
        "     c1 complete   f1 fail",
        " 2 ▢ b   USER_TASK   timers: late in 2h",
        "     c2 complete",
    ]
    assert typed(game, capsys, "c") == [" ! say where, by its number: 1 (a) or 2 (b)"]
    assert typed(game, capsys, "2") == [" ! say what is to be done at b, as it is shown there"]
    assert typed(game, capsys, "7") == [" ! there is no position 7"]
    typed(game, capsys, "f1 no paper", "t +1h")
    assert game.seen == "a (incident), b"
    assert " late fired, b canceled" in typed(game, capsys, "y", "c a", "t")
    assert walked(game) == [
        "decide pick a b", "fail a 'no paper'", "time 1h", "retry a", "complete a", "fire late",
    ]  # fmt: skip


def test_jobs_that_ask_are_answered_by_what_is_offered_or_typed(engine, tmp_path, capsys):
    model = flow(
        "start -> message -> signal -> timer -> work -> sent; any -> x; more -> y", message=catch("message"),
        signal=catch("signal"), timer=catch("timer"), work=SERVICE, sent=end("signal"), any=boundary("work", "error"),
        more=boundary("work", "escalation:MORE", interrupting=False),
    )  # fmt: skip
    game = begun(engine, tmp_path, model)
    typed(game, capsys, "a o-1", "m", "c", "c", "a 90m", "t", "c", "x", "c", "a gone")
    assert walked(game) == [
        "key message o-1 message", "message message o-1", "name signal signal", "signal signal", "timer timer 90m",
        "fire timer", "code any", "escalate work MORE", "complete work", "name sent gone",
    ]  # fmt: skip
    assert game.seen == "completed at y, sent"


def test_what_boundary_events_catch_is_offered(engine, tmp_path, capsys):
    model = flow("start -> inner -> end; failed -> x; stop -> y", process="p",
                 inner=sub("s -> t -> e", t=SERVICE), failed=boundary("inner", "error:BAD"),
                 stop=boundary("inner", "signal:stop"))  # fmt: skip
    game = begun(engine, tmp_path, model)
    shown = typed(game, capsys, "v")
    assert shown == ["   there are no variables; v name=value sets one with the next completion"]
    game.restart()
    assert any("BPMN error [BAD]" in line for line in typed(game, capsys, "r"))
    typed(game, capsys, "e reason=late")
    assert (game.seen, game.root.story.variables) == ("completed at x", {"reason": "late"})
    assert walked(game) == ["error t BAD reason=late"]


def test_called_processes_are_played_or_stand_for_themselves(engine, tmp_path, capsys):
    caller = flow("start -> ship -> end; bad -> x", process="caller", ship=call("shipping"),
                  bad=boundary("ship", "error:LOST"))  # fmt: skip
    shipping = flow("start -> pack -> end", process="shipping", pack=SERVICE)
    game = begun(engine, tmp_path, caller, shipping)
    assert typed(game, capsys, "c")[1] == " ▢ ship/pack   EXECUTE"
    typed(game, capsys, "c ship/pack", "c parcel=7")
    assert walked(game) == ["call ship shipping", "complete ship/pack", "complete ship parcel=7"]
    alone = begun(engine, tmp_path, caller)
    typed(alone, capsys, "a", "e")
    assert (alone.seen, walked(alone)) == ("completed at x", ["call ship shipping", "error ship LOST"])


def test_a_saved_test_passes(engine, tmp_path, capsys):
    caller = flow("start -> ask -> ship -> wait -> slow -> end", process="caller", ask=SERVICE, ship=call("shipping"),
                  wait=catch("message"), slow=catch("timer"))  # fmt: skip
    shipping = flow("start -> pack -> end", process="shipping", pack=USER)
    game = begun(engine, tmp_path, caller, shipping)
    called = typed(
        game, capsys, "v customer-id=7", "f", "y", 'c text="it\'s"', "c", "c", "c parcel=7", "c", "c", "c", "t +30m",
        "s test_called.py", "t", f"s {tmp_path / 'test_done.py'}",
    )  # fmt: skip
    assert called == [f" saved {tmp_path / 'test_done.py'}"]
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "py_bpmn.testing.plugin", str(tmp_path)]
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert "2 passed" in done.stdout, done.stdout
    source = (tmp_path / "test_done.py").read_text()
    assert "from datetime import timedelta\n" in source
    assert '    shipping = story.at("ship").calls("shipping")\n' in source


def test_without_an_engine_it_is_told_how_one_is_had(monkeypatch, capsys):
    def choose(url):
        raise NoEngine(engines.NO_ENGINE)

    monkeypatch.setattr(engines, "choose", choose)
    assert play(monkeypatch, str(FILES / "order.bpmn")) == 2
    assert capsys.readouterr().err == (
        "error: there is no engine here: install py-bpmn-server, or name the Python of another environment that has it "
        "by BPMN_TEST_PYTHON=/path/to/bin/python\n"
    )


def test_in_a_terminal_it_has_colors_and_asks_for_each_line():
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    environ.pop("NO_COLOR", None)
    command = [sys.executable, "-c", "import sys; from py_bpmn.cli import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "play", str(FILES / "order.bpmn")], stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    os.close(theirs)
    shown = b""
    left = [b"c\n", b"q\n"]
    deadline = time.monotonic() + 60
    while True:
        assert select.select([ours], [], [], deadline - time.monotonic())[0], shown.decode()
        try:
            more = os.read(ours, 4096)
        except OSError:
            break
        if not more:
            break
        shown += more
        if left and shown.endswith(b"> "):
            os.write(ours, left.pop(0))
    os.close(ours)
    assert process.wait() == 0
    text = shown.decode()
    assert "\x1b[1m ● orderReceived ─▶ ▢ checkStock   EXECUTE" in text
    assert "   1 fork (yes)   2 offerBackorder (no)   f fail\r\n" in text


def test_steps_are_read_as_they_are_written():
    for line in ["complete ship 'a=it is' b=[1] c=x", "message paid 'o 1' amount=1.5", 'set text="7" größe=2']:
        step = read_step(line)
        assert read_step(str(step)) == step
    assert str(read_step("complete ship a=true b='\"7\"'")) == "complete ship a=true 'b=\"7\"'"
    with pytest.raises(Unable, match="quotes come in pairs"):
        read_step("complete 'ship")


def test_a_walk_may_say_only_some_of_what_is_seen(tmp_path):
    walk = tmp_path / "a.walk"
    walk.write_text("# mine\nstart p a=1\n\ncomplete a\n= b\n")
    assert [(each.number, each.step.word, each.seen) for each in read_walk(walk)] == [
        (2, "start", None),
        (4, "complete", "b"),
    ]
