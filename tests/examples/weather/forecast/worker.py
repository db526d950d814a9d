from __future__ import annotations

from forecast.trip import trip
from py_bpmn import Worker

worker = Worker(trip, concurrency=100)

if __name__ == "__main__":
    worker.run()
