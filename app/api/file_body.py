"""Requests whose body is an XML file as it is; the other fields of the operation come as query parameters."""

from __future__ import annotations

import hashlib
from typing import Any

from werkzeug.http import parse_options_header

from app.api import examples
from app.api.body import invalid_body, raw_body
from app.api.context import current
from app.api.fields import Undecodable, check_text
from app.api.objects import ApiSchema
from app.api.query_fields import QueryFields
from app.bpmn.text import DecodingError, decode

XML_TYPES = ("application/xml", "text/xml")
VERSION_DIGITS = 12
"""Of the SHA-256 of a file, where no version is named."""


class FileBody:
    """Reads such requests into `bpmn_xml`, which is the file, and the fields of `schema`."""

    def __init__(self, schema: ApiSchema) -> None:
        self._parameters = QueryFields(schema)

    def is_meant(self) -> bool:
        return current.get().content_type.partition(";")[0].strip().lower() in XML_TYPES

    def read(self) -> dict[str, Any]:
        """The loaded fields; `version` is always set. Raises `EngineError`."""
        request = current.get()
        raw = raw_body(request)
        _, options = parse_options_header(request.content_type)
        try:
            xml = decode(raw, options.get("charset", ""))
            check_text(xml)
        except DecodingError as error:
            raise invalid_body(str(error)) from None
        except Undecodable as error:
            raise invalid_body(f"XML {error.reason}") from None
        version = hashlib.sha256(raw).hexdigest()[:VERSION_DIGITS]
        return {"version": version, **self._parameters.read(), "bpmn_xml": xml}

    def document(self, operation: str) -> dict[str, Any]:
        """What OpenAPI says of such requests beside those in JSON."""
        content = {"schema": {"type": "string"}, "example": examples.MODEL}
        return {
            "requestBody": {"content": dict.fromkeys(XML_TYPES, content)},
            "parameters": self._parameters.document(operation, with_file=True),
        }
