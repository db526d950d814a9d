"""Values as the source code of a test."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import Any

RESERVED = frozenset({"key", "self", "tags", "variables", "version"})
"""Names of variables that are parameters of steps, too."""


def source(value: Any) -> str:
    """A JSON value as Python."""
    if isinstance(value, str):
        return f'"{value}"' if value.isprintable() and '"' not in value and "\\" not in value else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{source(name)}: {source(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(source, value)) + "]"
    return repr(value)


def arguments(variables: Mapping[str, Any], otherwise: str = "") -> list[str]:
    """Variables as arguments: by name, or all as a dict where a name can't be one."""
    if not variables:
        return []
    if all(name.isidentifier() and not keyword.iskeyword(name) and name not in RESERVED for name in variables):
        return [f"{name}={source(value)}" for name, value in variables.items()]
    return [f"{otherwise}{source(dict(variables))}"]
