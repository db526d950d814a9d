"""The conformance corpus beside the repository, where there is one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "conformance"


def is_there() -> bool:
    return (CORPUS / "run.py").exists()


def load_runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_runner", CORPUS / "run.py")
    assert spec is not None
    assert spec.loader is not None
    runner = importlib.util.module_from_spec(spec)
    # Its dataclasses look for the module they are in.
    sys.modules[spec.name] = runner
    spec.loader.exec_module(runner)
    return runner


def scenarios_by_file(runner: ModuleType) -> dict[str, list[Any]]:
    files: dict[str, list[Any]] = {}
    for scenario in runner.load_scenarios():
        files.setdefault(scenario.file.stem, []).append(scenario)
    return files
