"""The HTTP edge: requests become commands and criteria, records and errors become responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request

from app import logs
from app.api import (
    answer,
    element,
    incident,
    instance,
    job,
    message,
    process,
    signal,
    system,
    task,
    user_task,
    variable,
)
from app.api.auth import refuse
from app.api.context import EXTENSION, request_id
from app.api.docs import leads_to_docs, register_docs, to_docs
from app.api.openapi import Api
from app.api.params import convert_path
from app.api.problem import register_error_handlers

if TYPE_CHECKING:
    from app.service import Service

__all__ = ["register"]

_RESOURCES = (process, element, instance, variable, job, task, message, signal, incident, user_task, system)


def register(app: Flask, service: Service) -> None:
    """Adds all operations to `app`, answered by `service`."""
    app.extensions[EXTENSION] = service
    app.response_class = answer.Response
    # A path either is one of ours, letter by letter, or it is unknown: no redirects, no OPTIONS.
    app.url_map.merge_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.before_request(_enter)
    app.after_request(_leave)
    app.teardown_request(_forget)
    register_error_handlers(app)
    for resource in _RESOURCES:
        app.register_blueprint(resource.blp)
    register_docs(app, lambda: Api(app).document(resource.blp for resource in _RESOURCES))


def _enter() -> Response | None:
    """What precedes the body: authentication, also of unknown paths, and then the path."""
    logs.request_id.set(request_id())
    refusal = refuse()
    if refusal is not None:
        return refusal
    if request.environ["PATH_INFO"].startswith("//"):
        # Werkzeug drops all but one of the leading slashes.
        return answer.bare(404, "There is no such path.")
    if leads_to_docs():
        return to_docs()
    convert_path()
    return None


def _leave(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    return response


def _forget(error: BaseException | None) -> None:
    """What the thread logs from here on does not belong to the request."""
    logs.request_id.set("")
