"""Where the service is, if it is installed beside these tools: nothing of it is imported here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "app"
"""Where it is, if it is installed here."""


def found() -> Path | None:
    """The package, or the file of the module, that `import app` would load: a name that users' projects have, too."""
    spec = find_spec("app")
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None
