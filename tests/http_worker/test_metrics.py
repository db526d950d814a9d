"""Metrics of several worker processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http_worker.serving import PATIENCE, Served, serving

pytestmark = pytest.mark.sqlite


def counted(served: Served) -> dict[str, float]:
    """How many requests the metrics tell, by operation."""
    text = served.get("/metrics").body.decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {sample.labels["operation"]: sample.value for sample in samples if sample.name == "bpmn_http_requests_total"}


def test_all_processes_count_together_and_what_a_killed_one_has_counted_stays(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = {"BPMN_METRICS_ENABLED": "true", "BPMN_HTTP_WORKERS": "2"}
    with serving(sqlite_url, tmp_path, **options) as served:
        deadline = time.monotonic() + PATIENCE
        while len(served.workers) < 2:
            assert time.monotonic() < deadline, "there is only one process"
        first, second = sorted(served.workers)
        for stopped in (first, second):
            # The other one serves all that come now.
            os.kill(stopped, signal.SIGSTOP)
            for _ in range(3):
                assert served.post("/jobs/query").status == 200
            os.kill(stopped, signal.SIGCONT)
        assert counted(served)["queryJobs"] == 6
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while len(served.workers - {first}) < 2:
            assert time.monotonic() < deadline, "there is no other process"
        assert served.post("/jobs/query").status == 200
        assert counted(served)["queryJobs"] == 7
        assert served.stop() == 0


def test_the_folder_is_emptied_when_the_service_starts_and_left_alone_when_it_ends(sqlite_url: str, tmp_path: Path):
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "counter_1.db").write_bytes(b"of an earlier service")
    options = {"BPMN_METRICS_ENABLED": "true", "BPMN_METRICS_DIRECTORY": str(folder)}
    with serving(sqlite_url, tmp_path, **options) as served:
        assert served.post("/jobs/query").status == 200
        assert counted(served)["queryJobs"] == 1
        assert served.stop() == 0
    assert any(folder.glob("histogram_*.db"))
    assert not (folder / "counter_1.db").exists()


def test_a_folder_that_is_missing_is_told(sqlite_url: str, tmp_path: Path):
    options = {"BPMN_METRICS_ENABLED": "true", "BPMN_METRICS_DIRECTORY": str(tmp_path / "missing")}
    with serving(sqlite_url, tmp_path, ready=False, **options) as served:
        assert served.process.wait(PATIENCE) == 1
        [line] = served.log
    assert line.startswith("error: BPMN_METRICS_DIRECTORY") and "must be a folder" in line
