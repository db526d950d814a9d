"""Where the command `py-bpmn` begins: outside of `app`, a name that other projects use for a package of theirs, too."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    """Runs one command and returns the exit code."""
    found = _found()
    if found != Path(__file__).resolve().parents[1] / "app":
        print(
            f"error: Python finds another package app before the one of py-bpmn: {found}. "
            "Start py-bpmn without that folder in PYTHONPATH",
            file=sys.stderr,
        )
        return 1
    from app.cli import main

    return main()


def _found() -> Path | None:
    """The package, or the file of the module, that `import app` would load."""
    spec = find_spec("app")
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
