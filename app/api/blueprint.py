"""Routes and their documentation.

flask-smorest documents what its decorators are told, but here they do not wrap the views: bodies are read by our own
reader, views return finished responses, and a request pays for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from http import HTTPStatus
from typing import Any

import flask_smorest  # type: ignore[import-untyped]  # has no annotations

from app.api import examples
from app.api.body import read_body
from app.api.fields import camel
from app.api.file_body import FileBody
from app.api.idempotency import PARAMETER, UNREPEATABLE
from app.api.objects import ApiSchema
from app.api.openapi import PAGE_PARAMETERS, search_parameters
from app.api.params import orders_of, page, paging
from app.api.query_fields import QueryFields

View = Callable[..., Any]


_QUERIES = "queries"
"""Attribute of a view that only reads."""


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # has no annotations
    """A resource. Decorate views with, from the outside in: `route`, `paged`, `arguments`, `response`."""

    def route(
        self,
        rule: str,
        *,
        methods: Collection[str] = ("GET",),
        problems: Collection[int] = (),
        extension: bool = False,
        alias: bool = False,
        public: bool = False,
        reads: bool = False,
        repeatable: bool = True,
    ) -> Callable[[View], View]:
        """Registers the view; its operation id is its name.

        `problems` are the statuses of problems that the operation has beyond those of its parameters and body.
        `extension` marks what the customer's document does not know, `alias` an older path of the same operation,
        `public` an operation without authentication. `reads` is to be said of one that changes nothing though its
        method is not GET and it is no query; one that is not `repeatable` refuses an Idempotency-Key, since what it
        answers must not be kept, or has nothing to be kept in.
        """

        def decorate(view: View) -> View:
            document = _document(view)
            manual = dict(document.get("manual_doc", {}))
            name = camel(view.__name__)
            manual["operationId"] = f"{name}Alias" if alias else name
            if alias:
                manual["deprecated"] = True
            if extension:
                manual["x-extension"] = True
            if not repeatable:
                setattr(view, UNREPEATABLE, True)
            elif not (reads or "GET" in methods or hasattr(view, _QUERIES)):
                others = [each for each in manual.get("parameters", ()) if each is not PARAMETER]
                manual["parameters"] = [*others, PARAMETER]
            if public:
                manual["security"] = []
            else:
                statuses = {*_own_problems(rule, document), *problems, 401, 403, 500, 503}
                if PARAMETER in manual.get("parameters", ()):
                    statuses |= {400, 409}
                manual["responses"] = {status: HTTPStatus(status).name for status in sorted(statuses)}
            view._apidoc = {**document, "manual_doc": manual}  # type: ignore[attr-defined]  # flask-smorest's place
            self.add_url_rule(rule, None, view, methods=list(methods))
            return view

        return decorate

    def arguments(
        self, schema: type[ApiSchema], *, file: type[ApiSchema] | None = None, **options: Any
    ) -> Callable[[View], View]:
        """Passes the loaded body as first argument.

        With `file` the body may be an XML file, too, with the other fields of that schema as query parameters.
        """
        arguments = super().arguments
        reader = schema()
        files = FileBody(file()) if file is not None else None

        def decorate(view: View) -> View:
            document = arguments(schema, error_status_code=400, **examples.of_body(camel(view.__name__)), **options)

            @wraps(view)
            def with_body(**kwargs: Any) -> Any:
                return view(files.read() if files and files.is_meant() else read_body(reader), **kwargs)

            described = _document(document(view))
            if files is not None:
                described = {**described, "manual_doc": files.document(camel(view.__name__))}
            with_body._apidoc = described  # type: ignore[attr-defined]  # as above
            return with_body

        return decorate

    def query_arguments(self, schema: type[ApiSchema]) -> Callable[[View], View]:
        """Passes the loaded query parameters as first argument, for an operation without a body."""
        reader = QueryFields(schema())

        def decorate(view: View) -> View:
            @wraps(view)
            def with_query(**kwargs: Any) -> Any:
                return view(reader.read(), **kwargs)

            manual = {"parameters": reader.document(camel(view.__name__))}
            with_query._apidoc = {**_document(view), "manual_doc": manual}  # type: ignore[attr-defined]  # as above
            return with_query

        return decorate

    def response(self, status: int, schema: Any = None, **options: Any) -> Callable[[View], View]:
        """Documents the response that the view returns."""
        document = super().response(status, schema, **options)

        def decorate(view: View) -> View:
            view._apidoc = _document(document(view))  # type: ignore[attr-defined]  # as above
            return view

        return decorate

    def paged(self, view: View) -> View:
        """Passes the page that a query asks for as `page`; it is settled before the body is read."""

        @wraps(view)
        def with_page(**kwargs: Any) -> Any:
            return view(page=page(), **kwargs)

        document = _document(view)
        setattr(with_page, _QUERIES, True)
        with_page._apidoc = {**document, "manual_doc": {"parameters": PAGE_PARAMETERS}}  # type: ignore[attr-defined]  # as above
        return with_page

    def paged_by(self, kind: type[Any], *more: dict[str, Any]) -> Callable[[View], View]:
        """Like `paged` for a query by criteria of that kind: the page, its order, cursor and total, as `paging`.

        `more` documents further query parameters.
        """

        def decorate(view: View) -> View:
            @wraps(view)
            def with_paging(**kwargs: Any) -> Any:
                return view(paging=paging(kind), **kwargs)

            setattr(with_paging, _QUERIES, True)
            manual = {"parameters": [*PAGE_PARAMETERS, *search_parameters(orders_of(kind)), *more]}
            with_paging._apidoc = {**_document(view), "manual_doc": manual}  # type: ignore[attr-defined]  # as above
            return with_paging

        return decorate

    def parameters(self, *parameters: dict[str, Any]) -> Callable[[View], View]:
        """Documents query parameters."""

        def decorate(view: View) -> View:
            manual = {"manual_doc": {"parameters": list(parameters)}}
            view._apidoc = {**_document(view), **manual}  # type: ignore[attr-defined]  # as above
            return view

        return decorate


def _document(view: View) -> dict[str, Any]:
    document: dict[str, Any] = getattr(view, "_apidoc", {})
    return document


def _own_problems(rule: str, document: dict[str, Any]) -> set[int]:
    """What can be wrong with a request of this form."""
    statuses = {400} if "<" in rule else set()
    return statuses | {400, 415} if "arguments" in document else statuses
