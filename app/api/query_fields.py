"""Fields of a schema as query parameters, for requests whose body is something else, or that have none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, unquote_to_bytes

import orjson
from marshmallow import ValidationError

from app.api import examples
from app.api.context import current
from app.api.fields import Choice, Flag, Int32, Undecodable, camel
from app.api.objects import ApiSchema, Many
from app.api.rules import MOST_ITEMS, flatten
from app.api.schemas import Tags
from app.errors import Cause, EngineError, ErrorKind

_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_FLAGS = {"true": True, "false": False}


class QueryFields:
    """Reads the query string of a request into the fields of `schema`.

    Tags are written `name:value`, each as a parameter of its own, and other arrays as JSON.
    """

    def __init__(self, schema: ApiSchema) -> None:
        self._schema = schema
        self._fields = {camel(name): field for name, field in schema.fields.items()}

    def read(self) -> dict[str, Any]:
        """The loaded fields, without what is absent or zero. Raises `EngineError`."""
        request = current.get()
        query = request.query
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
            loaded: dict[str, Any] = self._schema.load(decoded)
        except ValidationError as error:
            causes = flatten(error.messages_dict, "?")
            raise _invalid("failed to validate query parameters", causes) from None
        request.worker_id = loaded.get("worker_id", "")
        return loaded

    def _value(self, name: str, texts: list[str]) -> Any:
        """What the parameter would be in JSON."""
        field = self._fields[name]
        if isinstance(field, Tags):
            if any(":" not in text for text in texts):
                raise _invalid(f"query parameter {name} must be name:value")
            return [dict(zip(("name", "value"), text.partition(":")[::2], strict=True)) for text in texts]
        if len(texts) > 1:
            raise _invalid(f"query parameter {name} is given {len(texts)} times")
        (text,) = texts
        if isinstance(field, Int32):
            return int(text) if _INTEGER.fullmatch(text) else text
        if isinstance(field, Flag):
            return _FLAGS.get(text, text)
        if isinstance(field, Many):
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                raise _invalid(f"query parameter {name} is not JSON") from None
        return text

    def document(self, operation: str, *, with_file: bool = False) -> list[dict[str, Any]]:
        """The parameters as OpenAPI has them. Those that go with a file are not needed where there is none."""
        return [self._parameter(name, operation, with_file) for name in sorted(self._fields)]

    def _parameter(self, name: str, operation: str, with_file: bool) -> dict[str, Any]:
        field = self._fields[name]
        parameter: dict[str, Any] = {"name": name, "in": "query"}
        description = field.metadata.get("description", "")
        if with_file:
            parameter["x-extension"] = True
            description = f"With a file as body. {description}"
        elif field.required:
            parameter["required"] = True
        elif field.metadata.get("x-extension"):
            parameter["x-extension"] = True
        example = examples.QUERIES.get(operation, {}).get(name)
        if isinstance(field, Tags):
            parameter["schema"] = {"type": "array", "items": {"type": "string"}, "maxItems": MOST_ITEMS}
            description = f"{description} `name:value`, once for each tag."
        elif isinstance(field, Int32):
            parameter["schema"] = {"type": "integer", "format": "int32", "minimum": 0}
        elif isinstance(field, Flag):
            parameter["schema"] = {"type": "boolean"}
        elif isinstance(field, Many):
            item = field.inner.nested.__name__.removesuffix("Schema")  # type: ignore[attr-defined]  # an Object
            schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{item}"}, "maxItems": MOST_ITEMS}
            parameter["content"] = {"application/json": {"schema": schema}}
        elif isinstance(field, Choice):
            parameter["schema"] = {"type": "string", "enum": [choice.value for choice in field.choices]}
        else:
            parameter["schema"] = {"type": "string", "maxLength": field.metadata["maxLength"]}
            if field.required:
                parameter["schema"]["minLength"] = 1
        if example is not None:
            parameter["example"] = example
        return {**parameter, "description": description.strip()}


def _invalid(detail: str, causes: Sequence[Cause] = ()) -> EngineError:
    return EngineError(ErrorKind.HTTP_REQUEST_URI, detail, title="invalid query parameters", causes=causes)
