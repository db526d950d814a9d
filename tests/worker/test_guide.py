"""The program of the guide does the jobs of its process, and its commands show how."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from py_bpmn import Client

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "app" / "guides" / "python-worker.md").read_text(encoding="utf-8")


def block(kind: str) -> str:
    """The only one of its kind."""
    (found,) = re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_program_of_the_guide_does_what_it_says(lite: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BPMN_URL", lite.url)
    (tmp_path / "order.bpmn").write_text(block("xml"), encoding="utf-8")
    (tmp_path / "orders.py").write_text(block("python"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("orders", tmp_path / "orders.py")
    assert spec is not None and spec.loader is not None
    orders = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(orders)
    values = {"card": "4111", "orderId": "o-2"}
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    with orders.worker.running():
        declined = lite.start("order", variables={**values, "amount": 1001})
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block("sh")],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shown = [json.loads(line) for line in done.stdout.splitlines()]
        paid = lite.instance((shown[0]["partition"], shown[0]["id"]))
        assert paid.wait(timedelta(seconds=20)).state == "COMPLETED"
        assert shown[1]["result"] in ("BUFFERED", "DELIVERED")
        assert paid.get_variables("stock") == {"stock": 0}
        assert declined.get_variables("reason") == {"reason": "too much"}
        assert [each.bpmn_element_id for each in declined.waiting()] == ["ask-for-card"]
