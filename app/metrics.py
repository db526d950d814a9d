"""What Prometheus asks for: what the processes of a service count together, and gauges of the database.

prometheus_client keeps what is counted in files of a folder, one for each process, so that any process can tell the sum
and what a process has counted outlives it (its documentation, "Multiprocess Mode"). Without a folder the numbers are
those of this process. The names are part of what users rely on: they are listed in the guide on metrics.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.samples import Sample

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FRESH_SECONDS = 10.0
"""For so long the gauges of the database are not read again."""
SAMPLE_SECONDS = 5.0
"""How often what is in use at the moment is looked at."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. An operation takes some milliseconds; the last ones are for those that wait."""
REQUESTS = "bpmn_http_requests"

Measured = tuple[str, str, dict[tuple[str, ...], float], tuple[str, ...]]
"""Name, description, values by the values of labels, names of labels."""


class Metrics:
    """Those of one service. It is made before worker processes fork, and each counts in a file of its own."""

    def __init__(self, folder: str = "") -> None:
        """`folder` is the one that the processes share, and prometheus_client was told of; empty for one process."""
        # When something was counted first is of no use where processes come and go.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # has no annotations
        self._folder = folder
        self._own = CollectorRegistry()
        self._requests = self._histogram(
            "bpmn_http_request_seconds",
            "How long it took to answer requests.",
            "operation",
            "status",
        )
        self._commands = self._histogram(
            "bpmn_command_seconds", "How long commands took, repetitions included.", "command"
        )
        self._retries = self._counter(
            "bpmn_command_retries", "Transactions that were repeated after a conflict in the database."
        )
        self._incidents = self._counter("bpmn_incidents_created", "Incidents that were created.")
        self._expired = self._counter("bpmn_leases_expired", "Locks that have ended, and were taken back.", "of")
        self._pool = self._gauge("bpmn_database_pool_in_use", "Connections to the database that are in use.")
        self._waiters = self._gauge("bpmn_waiters", "Requests that wait for something to happen.")
        self._by_request: dict[tuple[str, int], Histogram] = {}
        self._by_command: dict[str, Histogram] = {}
        self._gauges: tuple[float, list[Measured]] = float("-inf"), []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=BUCKETS, registry=self._own)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._own)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self._own, multiprocess_mode="livesum")

    def request(self, operation: str, status: int, seconds: float) -> None:
        found = self._by_request.get((operation, status))
        if found is None:
            found = self._by_request[operation, status] = self._requests.labels(operation, status)
        found.observe(seconds)

    def command(self, name: str, seconds: float) -> None:
        found = self._by_command.get(name)
        if found is None:
            found = self._by_command[name] = self._commands.labels(name)
        found.observe(seconds)

    def retried(self) -> None:
        self._retries.inc()

    def incidents(self, count: int) -> None:
        """So many were created at once."""
        if count:
            self._incidents.inc(count)

    def expired(self, of: str, count: int) -> None:
        """So many leases of jobs or tasks have ended."""
        if count:
            self._expired.labels(of).inc(count)

    def start(self, in_use: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Looks now and then, in a thread of its own, how many connections are in use and how many requests wait."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._sample, args=(in_use, waiting), name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _sample(self, in_use: Callable[[], int], waiting: Callable[[], int]) -> None:
        while not self._stopping.is_set():
            self._pool.set(in_use())
            self._waiters.set(waiting())
            self._stopping.wait(SAMPLE_SECONDS)
        self._pool.set(0)
        self._waiters.set(0)

    def text(self, read: Callable[[], list[Measured]]) -> bytes:
        """All metrics in Prometheus's text format; `read` gives the gauges of the database.

        It is asked at most every 10 seconds. While it raises, the other metrics are told, and these are left out.
        """
        counted = CollectorRegistry()
        if self._folder:
            MultiProcessCollector(counted, path=self._folder)  # type: ignore[no-untyped-call]  # has no annotations
        else:
            counted = self._own
        return generate_latest(_Only(with_totals(counted.collect()))) + generate_latest(_Only(self._measured(read)))

    def _measured(self, read: Callable[[], list[Measured]]) -> Iterator[Metric]:
        up = 1.0
        with self._lock:
            read_at, measured = self._gauges
            if time.monotonic() - read_at > FRESH_SECONDS:
                try:
                    measured = read()
                except Exception:
                    # The service tells of outages itself.
                    up, measured = 0.0, []
                else:
                    self._gauges = time.monotonic(), measured
        yield _family(("bpmn_database_up", "Whether the database told what follows.", {(): up}, ()))
        yield from map(_family, measured)


class _Only:
    """A registry that has what it is given; collectors of one's own have no place among those of several processes."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _family(measured: Measured) -> Metric:
    name, text, values, labels = measured
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def with_totals(metrics: Iterable[Metric]) -> Iterator[Metric]:
    """The metrics, and the number of requests by operation and status, which their times tell already."""
    for metric in metrics:
        yield metric
        if metric.name == "bpmn_http_request_seconds":
            totals = CounterMetricFamily(REQUESTS, "Requests that were answered.", labels=("operation", "status"))
            for sample in metric.samples:
                if sample.name.endswith("_count"):
                    totals.samples.append(Sample(f"{REQUESTS}_total", sample.labels, sample.value))
            yield totals


def empty(folder: str) -> None:
    """Forgets what earlier services have counted in the folder."""
    for file in Path(folder).glob("*.db"):
        file.unlink(missing_ok=True)


def forget_process(pid: int, folder: str) -> None:
    """A process has ended: what it had in use at that moment counts no more, what it has counted does."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]  # has no annotations
