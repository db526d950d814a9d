"""What a service knows, for the completion of ids: nothing is said where it does not answer at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

import click

from py_bpmn.cli import profiles

if TYPE_CHECKING:
    from py_bpmn.cli.session import Session

SECONDS = 0.3
MOST = 50


def completed(context: click.Context, kind: str, incomplete: str) -> list[str]:
    """What begins with what was typed; nothing after 300 ms, or where the service can't be asked."""
    from py_bpmn.cli.session import Session

    if not kind:
        return []
    session = context.ensure_object(Session)
    found: list[str] = []
    with suppress(Exception):
        # Takes about as long, and nobody has been asked yet.
        import_module("py_bpmn.client")

    def ask() -> None:
        with suppress(Exception):
            found.extend(text for text in _ask(session, kind) if text.startswith(incomplete))
            session.close()

    # A daemon: when the time is over, nobody waits for it.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS)
    return list(dict.fromkeys(found))


def _ask(session: Session, kind: str) -> Iterable[str]:
    if kind == "profiles":
        return profiles.load().profiles
    session.options.timeout = timedelta(seconds=SECONDS)
    if kind == "processes":
        return [each.bpmn_process_id for each in session.call("query_processes", latest_only=True, limit=MOST).results]
    if kind == "elements":
        return sorted({each.bpmn_element_id for each in session.call("query_elements", limit=MOST * 10).results})
    operation = {
        "instances": "query_process_instances",
        "jobs": "query_jobs",
        "incidents": "query_incidents",
        "tasks": "query_tasks",
        "user_tasks": "query_user_tasks",
        "element_instances": "query_element_instances",
    }[kind]
    order = "-id" if kind == "user_tasks" else "-createdAt"
    return [f"{each.partition}/{each.id}" for each in session.call(operation, order=order, limit=MOST).results]
