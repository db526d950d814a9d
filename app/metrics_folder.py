"""The folder in which the processes of a service count together. It is there before prometheus_client is imported."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from app.config import Config, share_metrics
from app.errors import StartError

IN_MEMORY = "/dev/shm"
"""What is written there stays in memory."""


@contextmanager
def counting(config: Config) -> Iterator[Config]:
    """The configuration with an empty folder in which the processes can count, if that is wanted.

    Raises StartError for one that can't be used.
    """
    if not config.metrics_enabled:
        yield config
        return
    given = config.metrics_directory
    folder = given or tempfile.mkdtemp(prefix="py-bpmn-metrics-", dir=IN_MEMORY if _is_usable(IN_MEMORY) else None)
    if not _is_usable(folder):
        raise StartError(f"BPMN_METRICS_DIRECTORY {folder} can't be used: it must be a folder that can be written to")
    share_metrics(folder)
    from app import metrics

    metrics.empty(folder)
    process = os.getpid()
    try:
        yield replace(config, metrics_directory=folder)
    finally:
        # Worker processes end here, too.
        if not given and os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)


def _is_usable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
