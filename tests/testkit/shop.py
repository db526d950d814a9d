"""What the stories are about: processes with their functions, as a project of a process author has them."""

from __future__ import annotations

from typing import Any

from py_bpmn.values import secret
from py_bpmn.worker import BpmnError, Call, Job, Process, Result
from tests.flow import PARALLEL, USER, boundary, call, catch, flow, sub

ORDER = flow(
    "start -> charge-card -> payment -> ship -> done; remind -> reminded;"
    "declined -> fork -> ask-for-another-card, cancel-order-timer;"
    "ask-for-another-card -> asked; cancel-order-timer -> canceled",
    process="order",
    **{
        "payment": sub("begin -> payment-received -> paid", **{"payment-received": catch("message:payment-received")}),
        "remind": boundary("payment", "timer:P1D", interrupting=False),
        "declined": boundary("charge-card", "error:DECLINED"),
        "fork": PARALLEL,
        "ask-for-another-card": USER,
        "cancel-order-timer": catch("timer:PT48H"),
        "ship": call(),
    },
)
order = Process("order", bpmn=ORDER)


@order.execute("charge-card", retries=2, backoff="10m..10m", no_retry=(PermissionError,))
async def charge(amount: float, job: Job) -> dict[str, Any]:
    if amount > 1000:
        raise BpmnError("DECLINED", variables={"reason": "too much"})
    if amount > 500:
        raise PermissionError("a person has to look at this")
    if amount < 0 and job.attempt == 1:
        raise ConnectionError("refused")
    return {"receipt": f"R{amount}", "token": secret("T")}


@order.correlation_key("payment-received")
def payment_key(order_id: str) -> str:
    return order_id


@order.call("ship")
def ship(order_id: str) -> Call:
    return Call("shipping", key=order_id, variables={"what": order_id})


QUOTE = flow("start -> ask -> sum-up -> done", process="quote", ask=call("offer")).replace(
    'id="sum-up"', 'id="sum-up" name="Sum up"'
)
quote = Process("quote", bpmn=QUOTE)


@quote.pass_variables("ask")
def take_offer(called: dict[str, Any]) -> dict[str, Any]:
    return {"price": called["offered"] * 2}


@quote.execute("sum-up")
def sum_up(price: float) -> Result:
    return Result(process={"total": price + 1}, delete=["price"])
