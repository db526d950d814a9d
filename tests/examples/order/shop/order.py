"""What is done for an order."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from py_bpmn import BpmnError, Job, Process
from shop import cards

order = Process("order", bpmn=Path(__file__).with_name("order.bpmn"))


@order.execute("charge-card", retries=5, backoff="10s..10m", lease="1m")
def charge(amount: Decimal, card: str, job: Job) -> dict[str, str]:
    try:
        return {"receipt": cards.charge(card, amount, key=job.key)}
    except cards.Declined as declined:
        raise BpmnError("DECLINED") from declined


@order.exclusive("in-stock")
def in_stock(quantity: int = 1, stock: int = 0) -> str:
    return "ship" if quantity <= stock else "reorder"


@order.execute("reorder")
def reorder(quantity: int = 1) -> dict[str, int]:
    return {"stock": quantity}


@order.execute("ship")
def ship(quantity: int = 1, stock: int = 0) -> dict[str, int]:
    return {"stock": stock - quantity}
