from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from py_bpmn import Job, Process

customer = Process("customer", bpmn=Path(__file__).with_name("customer.bpmn"))


@customer.execute("order-parts")
def order_parts(order_id: str, parts: list[str], job: Job) -> None:
    # An attempt that is repeated sends nothing new: the message has a key of its own.
    content = {"order_id": order_id, "parts": parts}
    job.client.send("order-placed", key=order_id, variables=content, unique_key=job.key, expires=timedelta(days=1))


@customer.correlation_key("confirmation")
def confirmation(order_id: str) -> str:
    return order_id
