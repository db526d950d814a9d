"""What the tests of process authors ask of an engine of their own, and no service in use answers."""

from __future__ import annotations

from typing import Any

from app.api.answer import Response, empty
from app.api.blueprint import Blueprint
from app.api.context import service
from app.api.objects import ApiSchema
from app.api.problem import answer_to
from app.errors import EngineError, ErrorKind

blp = Blueprint("testing", __name__, description="Operations for the tests of process authors.")


class ResetEngineSchema(ApiSchema):
    pass


@blp.route("/testing/reset", methods=["POST"], problems=(403,), extension=True, repeatable=False)
@blp.arguments(ResetEngineSchema)
@blp.response(204)
def reset_engine(body: dict[str, Any]) -> Response:
    """Deletes all that there is, but for API keys, and sets engine time back to that of the machine.

    Only on SQLite, and only with BPMN_TEST_OPERATIONS=true. IDs go on.
    """
    config = service().config
    if not config.test_operations:
        return _refused("BPMN_TEST_OPERATIONS is false")
    if not config.is_sqlite:
        return _refused("the database is not SQLite")
    service().empty()
    return empty()


def _refused(hint: str) -> Response:
    response = answer_to(EngineError(ErrorKind.FORBIDDEN, hint, title="failed to reset the engine"))
    response.headers.append(("X-Hint", hint))
    return response
