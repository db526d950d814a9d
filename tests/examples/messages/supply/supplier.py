from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from py_bpmn import Job, Process

supplier = Process("supplier", bpmn=Path(__file__).with_name("supplier.bpmn"))


@supplier.execute("plan")
def plan(parts: list[str]) -> dict[str, int]:
    return {"days": 2 + len(parts)}


@supplier.execute("confirm")
def confirm(order_id: str, days: int, job: Job) -> None:
    # It may come before the customer waits for it.
    job.client.send(
        "order-confirmed", key=order_id, variables={"days": days}, unique_key=job.key, expires=timedelta(days=1)
    )
