"""`py-bpmn worker shop.worker:worker`, or `python -m shop.worker`."""

from __future__ import annotations

from py_bpmn import Worker
from shop.order import order

worker = Worker(order, threads=16)

if __name__ == "__main__":
    worker.run()
