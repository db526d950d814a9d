"""The WSGI application: how a request gets to its view, and what becomes of its errors."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import flask
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import MapAdapter

from app import caller, logs
from app.api.answer import Response, bare
from app.api.auth import refuse
from app.api.context import EXTENSION, Request, current
from app.api.docs import leads_to_docs, to_docs
from app.api.fields import camel
from app.api.idempotency import REPLAYED_HEADER, answer
from app.api.log import log_answer, log_refusal
from app.api.params import convert_path
from app.api.problem import answer_to
from app.api.roles import EVERYBODY, enter
from app.api.waiting import Parked
from app.waiting import PARKED, RESUMED

if TYPE_CHECKING:
    from app.service import Service

View = Callable[..., Response]

_VARIABLE = re.compile("<([a-zA-Z_]+)>")
"""A variable part of a path, in the rules of werkzeug; ours name no converters."""


UNKNOWN = "unknown"
"""The operation of what is none, for metrics."""


def _operation(endpoint: str) -> str:
    """Of one in a blueprint the id, whichever of its paths it is; all that belongs to the documentation is one."""
    _, dot, view = endpoint.rpartition(".")
    return camel(_NUMBER.sub("", view)) if dot and " " not in endpoint else EVERYBODY


_NUMBER = re.compile("_[0-9]+$")
"""The endpoints of several paths of one view are numbered."""


class _Route(NamedTuple):
    view: View
    path: str
    """As it is documented."""
    operation: str


class _Received(flask.Response):
    """A response as Flask's test client sees it."""

    default_mimetype = None


class Application(flask.Flask):
    """Flask's routes and blueprints, with a request's way to its view cut down to what this service uses.

    Sessions, hooks, signals and the proxies of Flask's request context don't exist here, and views are called as they
    are; they find the request in `app.api.context`.
    """

    response_class = _Received

    def __init__(self, service: Service) -> None:
        super().__init__("app", static_folder=None)
        self.extensions[EXTENSION] = service
        # A path either is one of ours, letter by letter, or it is unknown: no redirects, no OPTIONS.
        self.url_map.merge_slashes = False
        self.config["PROVIDE_AUTOMATIC_OPTIONS"] = False

    def wsgi_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        resumed: Parked | None = environ.get(RESUMED)
        if resumed is None:
            request, began = Request(environ, self.extensions[EXTENSION]), time.perf_counter()
        else:
            request, began = resumed.request, resumed.began
            request.environ = environ
        entered = current.set(request)
        caller.current.set(request.caller)
        logs.request_id.set(request.id)
        try:
            response = self._answer(request, resumed)
        finally:
            # What the thread logs from here on does not belong to the request.
            logs.request_id.set("")
            caller.current.set(None)
            current.reset(entered)
        if resumed is not None:
            response.headers += resumed.headers
        if isinstance(response, Parked):
            response.began = began
            environ[PARKED] = response
            return []
        response.headers.append(("X-Request-Id", request.id))
        if request.memory is not None and request.memory.is_replayed:
            response.headers.append(REPLAYED_HEADER)
        seconds = time.perf_counter() - began
        log_answer(request, response.status, seconds)
        if request.service.metrics is not None:
            request.service.metrics.request(request.operation or UNKNOWN, response.status, seconds)
        return response(environ, start_response)

    def _answer(self, request: Request, resumed: Parked | None) -> Response:
        try:
            if resumed is not None:
                return resumed.go_on()
            route = self._find(request)
            return self._enter(request) or self._view(request, route)
        except Exception as error:
            return answer_to(error)

    def _find(self, request: Request) -> _Route | None:
        """The route of a path that is known, with its method; the request tells of it from now on."""
        method, path = request.method, request.path
        found = self._fixed.get((method, path))
        if found is None and path not in self._methods:
            for pattern, route in self._patterns.get((method, path.split("/", 2)[1]), ()):
                if match := pattern.fullmatch(path):
                    request.parts, found = match.groupdict(), route
                    break
        if found is None:
            return None
        request.route, request.operation = found.path, found.operation
        return found

    def _enter(self, request: Request) -> Response | None:
        """What precedes the path and the body: authentication, also of unknown paths."""
        refusal = refuse(request)
        if refusal is not None:
            log_refusal(request, refusal.status)
            return refusal
        if request.environ["PATH_INFO"].startswith("//"):
            # Werkzeug drops all but one of the leading slashes.
            return bare(404, "There is no such path.")
        if leads_to_docs(request):
            return to_docs()
        return None

    def _view(self, request: Request, route: _Route | None) -> Response:
        """Whether the caller may use the operation is known before the path is converted."""
        if route is not None:
            enter(request, route.operation)
            return answer(request, route.view, convert_path(request.parts) if request.parts else {})
        if methods := self._methods.get(request.path):
            raise MethodNotAllowed(methods)
        # Nothing that is known, as a rule: this tells whether the path has other methods.
        endpoint, parts = self._paths.match(request.path, request.method)
        enter(request, _operation(endpoint))
        return self._views[endpoint](**convert_path(parts))

    @property
    def _views(self) -> dict[str, View]:
        return cast("dict[str, View]", self.view_functions)

    @cached_property
    def _fixed(self) -> Mapping[tuple[str, str], _Route]:
        """The views whose paths have no variable parts, by method and path."""
        return {
            (method, rule.rule): _Route(self._views[rule.endpoint], rule.rule, _operation(rule.endpoint))
            for rule in self.url_map.iter_rules()
            if not rule.arguments
            for method in rule.methods or ()
        }

    @cached_property
    def _methods(self) -> Mapping[str, list[str]]:
        """The methods of paths without variable parts: what other paths have in that place is none of these."""
        found = defaultdict(list)
        for method, path in self._fixed:
            found[path].append(method)
        return dict(found)

    @cached_property
    def _patterns(self) -> Mapping[tuple[str, str], list[tuple[re.Pattern[str], _Route]]]:
        """The other views with the patterns of their paths, by method and the first part of the path."""
        found = defaultdict(list)
        for rule in self.url_map.iter_rules():
            if rule.arguments:
                pattern = re.compile(_VARIABLE.sub(r"(?P<\1>[^/]+)", rule.rule))
                route = _Route(self._views[rule.endpoint], _VARIABLE.sub(r"{\1}", rule.rule), _operation(rule.endpoint))
                for method in rule.methods or ():
                    found[method, rule.rule.split("/", 2)[1]].append((pattern, route))
        return dict(found)

    @cached_property
    def _paths(self) -> MapAdapter:
        return self.url_map.bind("")
