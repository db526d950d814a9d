"""The HTTP edge: requests become commands and criteria, records and errors become responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.api import (
    audit,
    check,
    element,
    health,
    incident,
    insight,
    instance,
    job,
    key,
    message,
    process,
    settings,
    signal,
    system,
    task,
    testing,
    user_task,
    variable,
)
from app.api.application import Application
from app.api.docs import register_docs
from app.api.openapi import Api

if TYPE_CHECKING:
    from app.service import Service

__all__ = ["create"]

_RESOURCES = (
    *(process, check, element, instance, insight, variable, job, task, message, signal, incident, user_task),
    *(settings, audit, key, health, system, testing),
)


def create(service: Service) -> Application:
    """The WSGI application with all operations, answered by `service`."""
    app = Application(service)
    for resource in _RESOURCES:
        app.register_blueprint(resource.blp)
    register_docs(app, lambda: Api(app).document(resource.blp for resource in _RESOURCES))
    return app
