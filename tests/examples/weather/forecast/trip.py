"""An asynchronous handler: a hundred of these wait at the same time in one thread."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx2

from py_bpmn import Process

trip = Process("trip", bpmn=Path(__file__).with_name("trip.bpmn"))


@trip.execute("forecast", retries=3, backoff="1s..1m")
async def forecast(place: str) -> dict[str, Any]:
    async with httpx2.AsyncClient(base_url=os.environ["FORECAST_URL"], timeout=10) as http:
        answer = await http.get(f"/{place}")
        answer.raise_for_status()
    return {"degrees": answer.json()["degrees"]}


@trip.exclusive("good")
def good(degrees: int) -> str:
    return "go" if degrees >= 20 else "tomorrow"
