"""py-bpmn: a BPMN 2.0 process engine as an HTTP service."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from app.clock import Clock
    from app.config import Config
    from app.service import Service


def create_app(config: Config, *, service: Service | None = None, clock: Clock | None = None) -> Flask:
    """The WSGI application, on `service` or else on one that is opened for `config`. Starts no thread."""
    # Imported here, so that whoever imports a module of the package does not load the web framework with it.
    from app import api

    if service is None:
        from app.service import open_service

        service = open_service(config, clock)
    return api.create(service)
