import os
import signal
import subprocess
import sys
from http.client import HTTPResponse
from pathlib import Path

import pytest

from app import demo, paths
from app.bpmn.parser import parse
from app.cli import main
from app.demo import outcome

pytestmark = pytest.mark.sqlite


def job(order: int, element: str, kind: str = "EXECUTE") -> dict[str, str]:
    return {"correlationKey": f"order-{order}", "bpmnElementId": element, "type": kind}


@pytest.mark.parametrize(
    ("order", "element", "decision"),
    [
        (1, "in-stock", None),
        (5, "in-stock", "reorder"),
        (1, "carrier", None),
        (3, "carrier", "ship-express"),
    ],
)
def test_a_gateway_takes_its_default_flow_unless_the_order_is_special(order: int, element: str, decision: str | None):
    completion = outcome(job(order, element, "EVALUATE_EXCLUSIVE_GATEWAY")).get("completion", {})
    assert completion.get("exclusiveGatewayDecision") == decision


def test_the_model_is_sound():
    [process] = parse((paths.PACKAGE / "demo.bpmn").read_text(encoding="utf-8"), xml_timers=True).processes
    assert process.causes == []


def test_the_demo_completes_every_instance_and_tells_what_was_done(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    demo.main(instances=15)
    out, err = capfd.readouterr()
    table = {line.split()[0]: line.split()[-2:] for line in out.splitlines() if line and line[0].isalpha()}
    assert table["reorder"] == ["EXECUTE", "3"]
    assert table["in-stock"] == ["EVALUATE_EXCLUSIVE_GATEWAY", "15"]
    assert table["ship-express"] == ["EXECUTE", "5"]
    assert out.splitlines()[-1].startswith("15 instances completed in ")
    assert "started 15 of 15 instances" in err
    assert list(tmp_path.iterdir()) == []


def test_an_instance_that_does_not_complete_fails_the_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(demo, "INSTANCES", 2)
    monkeypatch.setattr(demo, "STALL_SECONDS", 0.0)
    monkeypatch.setattr(demo.Worker, "_complete", lambda self, job: None)
    with pytest.raises(SystemExit) as ended:
        main(["demo"])
    assert ended.value.code == "error: 2 of 2 instances were not completed"
    assert "all jobs" in capfd.readouterr().out


def test_a_signal_that_comes_after_an_answer_is_not_lost(monkeypatch: pytest.MonkeyPatch):
    closed = HTTPResponse.close

    def interrupted(response: HTTPResponse) -> None:
        closed(response)
        raise KeyboardInterrupt

    with demo.playground() as client, monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(HTTPResponse, "close", interrupted)
        client.post("/processes/query", {})


ENDLESS = """
import sys
from app import cli, demo
if __name__ == "__main__":
    demo.INSTANCES = 1_000_000
    sys.exit(cli.main(["demo"]))
"""
"""A demonstration that has not ended by itself before it is stopped."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_nothing_is_left_when_the_demo_is_stopped(number: signal.Signals, tmp_path: Path):
    root = str(Path(__file__).resolve().parent.parent)
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        env=os.environ | {"PYTHONPATH": root, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("deployed process order")
    # A terminal sends Ctrl-C to all processes of the group; others stop the one they have started.
    (os.killpg if number is signal.SIGINT else os.kill)(process.pid, number)
    # The pipes end when the last process that holds them has ended.
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
