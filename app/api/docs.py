"""The OpenAPI document and Swagger UI, whose files come from an installed package, never from another host."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import orjson
from flask import Flask

from app.api.answer import HTML, Response, empty, wants_page
from app.api.context import Request, service
from app.api.examples import DAY

_ASSETS = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
DOCS_PATHS = frozenset({"/docs", "/openapi.json", *(f"/docs/{name}" for name in _ASSETS)})

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>py-bpmn API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null});
</script>
</body>
</html>
"""


def register_docs(app: Flask, document: Callable[[], dict[str, Any]]) -> None:
    """Serves `document`, which is asked once, when it is needed, and a page that shows it."""
    once = Lock()

    @cache
    def encoded() -> bytes:
        return orjson.dumps(document())

    def openapi() -> Response:
        today = service().now().date().isoformat()
        with once:
            content = encoded()
        return Response(content.replace(DAY.encode(), today.encode()), 200, "application/json")

    def page() -> Response:
        return Response(_PAGE.encode(), 200, HTML)

    app.add_url_rule("/openapi.json", "openapi", openapi)
    app.add_url_rule("/docs", "docs", page)
    for name in _ASSETS:
        app.add_url_rule(f"/docs/{name}", f"docs {name}", _asset(name))


def leads_to_docs(request: Request) -> bool:
    """Whether a browser asks for what there is: it is led to the documentation, while for others nothing is there."""
    return request.path == "/" and request.method in ("GET", "HEAD") and wants_page()


def to_docs() -> Response:
    response = empty(302)
    # Relative, as on the page itself: there may be a prefix before our paths that we do not know.
    response.headers.append(("Location", "docs"))
    return response


def _asset(name: str) -> Callable[[], Response]:
    def asset() -> Response:
        from swagger_ui_bundle import swagger_ui_path

        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return Response((swagger_ui_path / name).read_bytes(), 200, content_type)

    return asset
