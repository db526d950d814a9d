"""Answers of queries: a page of records, and what tells of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.api.answer import Response, json_answer
from app.api.context import service
from app.api.encode import Encoder, listed
from app.api.fields import Flag, Int32, Text
from app.api.objects import AnswerSchema, ApiSchema
from app.api.schemas import results_of
from app.criteria import Criteria, Page, Paging


def page_of(schema: type[ApiSchema]) -> type[ApiSchema]:
    """The schema of a response that is one page of a query."""
    results = results_of(schema)
    properties = {
        "next_cursor": Text(
            extension=True,
            description="The cursor of the next page, where an order or a cursor is given; absent on the last page.",
        ),
        "total": Int32(extension=True, description="With `total=true`: how many results there are on all pages."),
        "total_is_lower_bound": Flag(
            extension=True, description="Whether there are more than `total`, which is as far as was counted."
        ),
    }
    return type(results.__name__, (results,), {**properties, "__module__": AnswerSchema.__module__})


def find(encode: Encoder, criteria: Criteria, paging: Paging) -> Response:
    """The page that is asked for of what matches the criteria."""
    if not (paging.with_cursor or paging.with_total):
        return listed(encode, service().query(criteria, offset=paging.offset, limit=paging.limit))
    return page_answer(encode, service().finding.page(criteria, paging))


def page_answer(encode: Callable[[Any], dict[str, Any]], page: Page) -> Response:
    encoded = [encode(record) for record in page.records]
    answer: dict[str, Any] = {"count": len(encoded), "results": encoded}
    if page.next_cursor:
        answer["nextCursor"] = page.next_cursor
    if page.total is not None:
        answer["total"] = page.total
        if page.total_is_lower_bound:
            answer["totalIsLowerBound"] = True
    return json_answer(answer)
