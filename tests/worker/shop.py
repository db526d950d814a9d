"""A worker as users write one. It notes what it does in the file that NOTES names."""

from __future__ import annotations

import os
import random
import time

from py_bpmn import Client
from py_bpmn.worker import Job, Process, Worker
from tests.worker.models import tasks

shop = Process("shop", bpmn=tasks("shop", "a"), lease="1s", retries=20, backoff="0s")
NOTES = os.environ.get("NOTES", os.devnull)
SECONDS = float(os.environ.get("SECONDS", "0"))
"""How long a job takes at most."""


def note(*words: object) -> None:
    with open(NOTES, "a", encoding="utf-8") as file:
        file.write(" ".join(map(str, words)) + "\n")


@shop.execute("a")
def a(job: Job, stays: bool = False) -> None:
    note("began", os.getpid(), job.data.process_instance_id)
    until = time.monotonic() + (60 if stays else random.random() * SECONDS)
    while job.alive and time.monotonic() < until:
        time.sleep(0.01)
    note("ended", os.getpid(), job.data.process_instance_id)


worker = Worker(
    shop,
    client=Client(worker_id="shop"),
    threads=4,
    grace=os.environ.get("GRACE", "30s"),
    processes=int(os.environ.get("PROCESSES", "1")),
)

if __name__ == "__main__":
    worker.run()
