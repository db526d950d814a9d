"""`check`: from the database where the service is installed, else what a service tells of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from py_bpmn.cli import kinds, service
from py_bpmn.cli.tables import Command, Values, option
from py_bpmn.errors import ProblemError

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

MARKS = {"ERROR": "ERROR", "WARN": "WARN ", "OK": "ok   "}
CODES = {"OK": 0, "WARN": 1}


def check(session: Session, command: Command, values: Values) -> int:
    """Prints how the system is; 0 when all is well, 1 for warnings, 2 for errors.

    Where the service is installed, it looks into the database itself, unless an address is given.
    """
    if service.is_installed():
        arguments = ["check"]
        if _wants_json(session, values):
            arguments.append("--json")
        if session.options.url:
            arguments += ["--url", session.options.url]
        if "key_file" in values:
            arguments += ["--key-file", values["key_file"]]
        return service.run(arguments)
    try:
        found = _ask(session, values).write()
    except ProblemError as problem:
        hint = "look at --url, and at --key-file or BPMN_AUTHORIZATION"
        finding = {"level": "ERROR", "title": "The service can't be asked", "detail": str(problem), "hint": hint}
        found = {"status": "ERROR", "version": "", "findings": [{"code": "service", **finding}], "nodes": []}
    if _wants_json(session, values):
        session.out.text(json.dumps(found, indent=2))
    else:
        session.out.text(show(found))
    return CODES.get(found["status"], 2)


def _wants_json(session: Session, values: Values) -> bool:
    return "json" in values or session.options.output in ("json", "jsonl")


def _ask(session: Session, values: Values) -> Any:
    if "key_file" not in values:
        return session.call("get_health")
    from py_bpmn.client import Client

    key = kinds.read_text(Path(values["key_file"])).strip()
    with Client(session.url, key=key, timeout=session.options.timeout.total_seconds()) as client:
        return client.api.get_health()


def show(found: dict[str, Any]) -> str:
    """One screen: what is wrong comes first, each with what helps; what is in order is one line each."""
    lines = []
    for finding in found["findings"]:
        detail = f": {finding['detail']}" if finding.get("detail") else ""
        lines.append(f"{MARKS[finding['level']]}  {finding['title']}{detail}")
        if finding.get("hint") and finding["level"] != "OK":
            lines.append(f"         -> {finding['hint']}")
    for node in found["nodes"]:
        executor = "" if node["executor"] else ", no executor"
        where = f"{node['engineId']} on {node['host']}, process {node['pid']}"
        lines.append(f"node   {where}, seen {node['lastSeen']}{executor}")
    return "\n".join(lines)


CHECK = Command(
    name="check",
    help="tell what is wrong with the system, and what helps",
    operation="get_health",
    options=(
        option("json", flag=True, help="print all that is known as JSON"),
        option("key_file", help="file with the API key"),
    ),
    run=check,
)
