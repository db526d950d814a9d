"""What `py-bpmn check` finds out, from the database or from a service, and how it is shown.

Results are the body of `GET /health`.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

from app import health
from app.config import Config
from app.errors import StartError
from app.redact import describe, is_of_database
from app.version import version

SECONDS = 30
_MARKS = {"ERROR": "ERROR", "WARN": "WARN ", "OK": "ok   "}


def local(config: Config) -> dict[str, Any]:
    """As the database tells it. What keeps it from being asked is a finding, too."""
    from app.api.health import encode_health
    from app.examine import Health, examine
    from app.service import Service
    from app.store import find_schema, open_store

    try:
        schema = find_schema(config)
    except StartError as error:
        found = health.unreachable(str(error))
        return encode_health(Health(health.status(found), found))
    try:
        schema.require_current()
    except StartError as error:
        outdated = partial(health.outdated, is_newer=not schema.is_known)
        found = outdated(str(error)) if schema.exists else health.unreachable(str(error))
        return encode_health(Health(health.status(found), found))
    service = Service(config, open_store(config, quiet=True))
    try:
        return encode_health(examine(service))
    except Exception as error:
        if not is_of_database(error):
            raise
        found = health.unreadable(describe(error))
        return encode_health(Health(health.status(found), found))
    finally:
        service.close()


def ask(url: str, key_file: Path | None, config: Config) -> dict[str, Any]:
    """As a service tells it; its user name and password are the configured ones, unless there is a file with a key."""
    if "@" in url:
        return _not_asked("--url must not hold a user name or a password")
    try:
        headers = _credentials(key_file, config)
    except OSError as error:
        return _not_asked(f"{key_file} can't be read: {error.strerror}")
    try:
        request = urllib.request.Request(f"{url.rstrip('/')}/health", headers=headers)
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            found = json.load(answer)
            if isinstance(found, dict) and found.get("status") in _MARKS:
                return found
            detail = f"{url} is no py-bpmn, or an older one"
    except urllib.error.HTTPError as error:
        detail = f"{url} answered {error.code} {error.reason}"
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        detail = f"{url} does not answer: {reason}"
    return _not_asked(detail)


def _not_asked(detail: str) -> dict[str, Any]:
    hint = "look at --url, and at --key-file or BPMN_HTTP_BASIC_AUTH_USERNAME and _PASSWORD"
    title = "The service can't be asked"
    finding = {"code": "service", "level": "ERROR", "title": title, "detail": detail, "hint": hint}
    return {"status": "ERROR", "version": version(), "findings": [finding], "nodes": []}


def _credentials(key_file: Path | None, config: Config) -> dict[str, str]:
    if key_file is not None:
        return {"Authorization": key_file.read_text(encoding="utf-8").strip()}
    if config.has_basic_auth:
        pair = f"{config.basic_auth_username}:{config.basic_auth_password}"
        return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
    return {}


def show(found: dict[str, Any]) -> str:
    """One screen: what is wrong comes first, each with what helps; what is in order is one line each."""
    lines = []
    for finding in found["findings"]:
        detail = f": {finding['detail']}" if finding.get("detail") else ""
        lines.append(f"{_MARKS[finding['level']]}  {finding['title']}{detail}")
        if finding.get("hint") and finding["level"] != "OK":
            lines.append(f"         -> {finding['hint']}")
    for node in found["nodes"]:
        executor = "" if node["executor"] else ", no executor"
        where = f"{node['engineId']} on {node['host']}, process {node['pid']}"
        lines.append(f"node   {where}, seen {node['lastSeen']}{executor}")
    return "\n".join(lines)
