"""What is done for a trip. Whoever approves does so by `decide`, which a web page or a chat bot would call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from py_bpmn import Client, Process

approval = Process("approval", bpmn=Path(__file__).with_name("approval.bpmn"))


@dataclass
class Trip:
    traveller: str
    to: str
    leaves: date
    price: int


@approval.exclusive("cheap")
def cheap(trip: Trip) -> str:
    return "book" if trip.price < 100 else "approve"


@approval.exclusive("approved")
def approved(approved: bool) -> str:
    return "book" if approved else "tell-no"


@approval.execute("book")
def book(trip: Trip) -> dict[str, str]:
    return {"ticket": f"{trip.to.upper()}-{trip.leaves:%d%m}"}


@approval.execute("tell-no")
def tell(trip: Trip, reason: str = "") -> None:
    print(f"{trip.traveller} can't go to {trip.to}: {reason or 'no reason given'}")


def decide(bpmn: Client, key: str, *, approved: bool, reason: str = "") -> None:
    """What the manager says about the trip with this key."""
    [instance] = bpmn.instances(process="approval", key=key, states=["STARTED"])
    [task] = bpmn.user_tasks(partition=instance.partition, process_instance_id=instance.id)
    bpmn.complete_user_task(task, variables={"approved": approved, "reason": reason})
