"""Which py-bpmn this is."""

from __future__ import annotations


def version() -> str:
    """The version of py-bpmn that is installed; "unknown" where it is run without an installation."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("py-bpmn-server")
    except PackageNotFoundError:
        return "unknown"
