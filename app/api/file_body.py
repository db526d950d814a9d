"""Requests whose body is an XML file as it is; the other fields of the operation come as query parameters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import orjson
from marshmallow import ValidationError
from werkzeug.http import parse_options_header

from app.api import examples
from app.api.body import invalid_body, raw_body
from app.api.context import current
from app.api.fields import ApiSchema, Int32, Many, Undecodable, camel, check_text
from app.api.rules import MOST_ITEMS, flatten
from app.api.schemas import Tags
from app.bpmn.text import DecodingError, decode
from app.errors import Cause, EngineError, ErrorKind

XML_TYPES = ("application/xml", "text/xml")
VERSION_DIGITS = 12
"""Of the SHA-256 of a file, where no version is named."""
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")


class FileBody:
    """Reads such requests into the fields of `schema`, whose field `bpmn_xml` is the file."""

    def __init__(self, schema: ApiSchema) -> None:
        self._schema = schema
        self._fields = {camel(name): field for name, field in schema.fields.items() if name != "bpmn_xml"}

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
        fields = self._parameters(request.query)
        fields["bpmn_xml"] = xml
        fields.setdefault("version", hashlib.sha256(raw).hexdigest()[:VERSION_DIGITS])
        return fields

    def _parameters(self, query: str) -> dict[str, Any]:
        try:
            unquote_to_bytes(query).decode()
        except UnicodeDecodeError:
            raise _invalid("the query string is not UTF-8") from None
        values = parse_qs(query)
        unknown = next((name for name in values if name not in self._fields), None)
        if unknown is not None:
            raise _invalid(f"unknown query parameter {unknown}, known are {', '.join(self._fields)}")
        found = {name: self._value(name, texts) for name, texts in values.items()}
        try:
            decoded = self._schema.decode(found)
        except Undecodable as error:
            name = ".".join(step for step in error.path[::-1] if isinstance(step, str))
            raise _invalid(error.detail or f"query parameter {name} {error.reason or 'is invalid'}") from None
        try:
            # The file itself stands for the one field that can't be a parameter.
            loaded: dict[str, Any] = self._schema.load({**decoded, "bpmnXml": "-"})
        except ValidationError as error:
            causes = flatten(error.messages_dict, "?")
            raise _invalid("failed to validate query parameters", causes) from None
        return loaded

    def _value(self, name: str, texts: list[str]) -> Any:
        """What the parameter would be in JSON."""
        field = self._fields[name]
        if isinstance(field, Tags):
            return [dict(zip(("name", "value"), text.partition(":")[::2], strict=True)) for text in texts]
        if len(texts) > 1:
            raise _invalid(f"query parameter {name} is given {len(texts)} times")
        (text,) = texts
        if isinstance(field, Int32):
            return int(text) if _INTEGER.fullmatch(text) else text
        if isinstance(field, Many):
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                raise _invalid(f"query parameter {name} is not JSON") from None
        return text

    def document(self, operation: str) -> dict[str, Any]:
        """What OpenAPI says of such requests beside those in JSON."""
        content = {"schema": {"type": "string"}, "example": examples.MODEL}
        return {
            "requestBody": {"content": dict.fromkeys(XML_TYPES, content)},
            "parameters": [self._parameter(name, operation) for name in sorted(self._fields)],
        }

    def _parameter(self, name: str, operation: str) -> dict[str, Any]:
        field = self._fields[name]
        parameter: dict[str, Any] = {"name": name, "in": "query", "x-extension": True}
        described = f"With a file as body. {_MORE.get(name) or field.metadata.get('description', '')}".strip()
        example = examples.QUERIES.get(operation, {}).get(name)
        if isinstance(field, Tags):
            parameter["schema"] = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ITEMS}
        elif isinstance(field, Int32):
            parameter["schema"] = {"type": "integer", "format": "int32", "minimum": 0}
        elif isinstance(field, Many):
            item = field.inner.nested.__name__.removesuffix("Schema")  # type: ignore[attr-defined]  # an Object
            schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{item}"}, "maxItems": MOST_ITEMS}
            parameter["content"] = {"application/json": {"schema": schema}}
        else:
            parameter["schema"] = {"type": "string", "maxLength": field.metadata["maxLength"]}
        if example is not None:
            parameter["example"] = example
        return {**parameter, "description": described}


_MORE: Mapping[str, str] = {
    "bpmnProcessId": "ID of the process element; the only executable process of the file, if it is not given.",
    "tags": "`name:value`, once for each tag.",
    "version": f"Any process version; the first {VERSION_DIGITS} hex digits of the file's SHA-256, if it is not given.",
}
"""What there is to say of a parameter beyond what is said of the field, or instead of it."""


def _invalid(detail: str, causes: Sequence[Cause] = ()) -> EngineError:
    return EngineError(ErrorKind.HTTP_REQUEST_URI, detail, title="invalid query parameters", causes=causes)
