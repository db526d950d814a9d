"""Finds out what is known about the state of the system, and has it judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app import health
from app.errors import EngineError, ErrorKind
from app.health import Finding, HealthLevel, Known
from app.service import Service
from app.store import Node, head_revision


@dataclass(frozen=True, slots=True)
class Health:
    """How the system is: the worst level, all findings with the worst first, and the service processes."""

    status: HealthLevel
    findings: Sequence[Finding]
    nodes: Sequence[Node] = ()
    """Those that have a row, also some that have died within the hour."""


def examine(service: Service) -> Health:
    """Asks the database, and never raises for a database that can't be used: that is a finding."""
    try:
        known = _known(service)
    except EngineError as error:
        if error.kind is not ErrorKind.UNAVAILABLE:
            raise
        findings = health.unreachable(error.detail)
        return Health(health.status(findings), findings)
    findings = health.judge(known)
    return Health(health.status(findings), findings, known.nodes)


def _known(service: Service) -> Known:
    encrypted, unreadable = service.count_unreadable()
    (newest_revision,) = head_revision()
    return Known(
        config=service.config,
        facts=service.facts(),
        newest_revision=newest_revision,
        nodes=service.nodes.find(),
        keys=service.keys.listed(),
        unreadable=unreadable,
        encrypted=encrypted,
        now=service.now(),
        clock=service.nodes.now(),
        machine_time=datetime.now(UTC).replace(tzinfo=None),
    )
