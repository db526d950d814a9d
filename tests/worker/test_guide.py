"""The program of the guide does the jobs of a process that it fits to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from py_bpmn import Client
from tests.flow import EXCLUSIVE, boundary, call, catch, flow
from tests.worker.conftest import until

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "app" / "guides" / "python-worker.md").read_text(encoding="utf-8")
MODEL = flow(
    "start -> charge-card -> in-stock -> reorder, ship; reorder -> ship; ship -> payment-received -> end; "
    "declined -> refused",
    process="order",
    **{
        "in-stock": EXCLUSIVE,
        "reorder": call("shipping"),
        "ship": call(),
        "payment-received": catch("message:paid"),
        "declined": boundary("charge-card", "error:DECLINED"),
    },
)
"""What the guide leaves to others is done by `ship`."""


def test_the_program_of_the_guide_does_what_it_says(lite: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BPMN_URL", lite.url)
    model = MODEL.replace('<callActivity id="reorder" calledElement="shipping"', '<task id="reorder"')
    (tmp_path / "order.bpmn").write_text(model.replace("</callActivity>", "</task>", 1), encoding="utf-8")
    lite.deploy(flow("start -> end", process="shipping"), process="shipping")
    (program,) = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "orders"}
    exec(compile(program, "orders.py", "exec"), names)
    values = {"card": "4111", "orderId": "o-1", "address": {"zip": "89073"}}
    with names["worker"].running():
        declined = lite.start("order", variables={**values, "amount": 1001})
        assert declined.wait(timedelta(seconds=20)).ended
        assert declined.get_variables("reason") == {"reason": "too much"}
        paid = lite.start("order", variables={**values, "amount": "12.50"})
        until(lambda: any(each.kind == "MESSAGE" for each in paid.waiting()), "waits for the payment")
        lite.send("paid", key="o-1")
        assert paid.wait(timedelta(seconds=20)).ended
        assert paid.get_variables("token") == {"token": "T-4111"}
