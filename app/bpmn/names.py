"""Names of variables."""

from __future__ import annotations

import re

from app.bpmn.model import MAX_ID_LENGTH

_VARIABLE = re.compile(r"[a-zA-Z0-9_-]+")


def is_variable(name: str) -> bool:
    return len(name) <= MAX_ID_LENGTH and _VARIABLE.fullmatch(name) is not None
