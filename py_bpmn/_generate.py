"""Writes `_operations.py` from the OpenAPI document of the service: `python -m py_bpmn._generate openapi.json`."""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("_operations.py")
NOT_REPEATED = {
    "lockJobs": "jobs whose answer was lost come back when their locks end",
    "createApiKey": "the secret of a key is told once",
    "resetEngine": "what is there by the second time must not go",
    "checkLiveness": "the answer counts that is given now",
    "checkReadiness": "the answer counts that is given now",
}
"""Operations that are sent once, and why. All others are reads, or take an Idempotency-Key."""

HIDDEN = {"Data": ("value",), "CreatedApiKey": ("authorization",)}
"""Attributes that are not shown where an object is, so that they don't get into logs."""

_HEAD = '''\
"""The operations of the API and the objects of these. Generated from its OpenAPI document, not to be edited.

Attributes and arguments are the properties of the JSON in snake_case. Partitions are dates, times are in UTC, durations
are timedeltas or texts in ISO 8601. An argument that is None is not sent; `worker_id` is then that of the client. Every
method raises the `ProblemError` that the service answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from py_bpmn._wire import (
    Model,
    Operation,
    Read,
    read_date,
    read_many,
    read_nothing,
    read_text,
    read_texts,
    read_time,
)

T = TypeVar("T")
'''

_SENDERS = '''
class Sender(Protocol):
    """Sends requests one after the other."""

    worker_id: str

    def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T: ...


class AsyncSender(Protocol):
    """Sends requests while others wait."""

    worker_id: str

    async def send(
        self,
        operation: Operation[T],
        *,
        path: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        file: bytes | None = None,
        idempotency_key: str | None = None,
    ) -> T: ...
'''


def snake(name: str) -> str:
    """`bpmnProcessId` is `bpmn_process_id`; what Python or a dataclass can't name so gets a `_`."""
    found = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    return found + "_" if keyword.iskeyword(found) else found


def _named(schema: Mapping[str, Any]) -> str | None:
    """The component that a schema is, also where more is said of it, or where it may be null."""
    for each in (schema, *schema.get("allOf", ()), *schema.get("anyOf", ())):
        if "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return None


@dataclass(frozen=True, slots=True)
class _Type:
    """How Python names the values of a schema, and how they are read."""

    read: str
    """Type of a value that is answered."""
    given: str
    """Type of a value that is sent."""
    reader: str = "None"
    """Expression of the function that reads it."""
    many: bool = False


class _Document:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]
        self._paths: Mapping[str, Any] = document["paths"]

    def type_of(self, schema: Mapping[str, Any]) -> _Type:
        name = _named(schema)
        if name is not None:
            return _Type(name, name) if self._is_enum(name) else _Type(name, name, f"{name}.read")
        kind, form = schema.get("type"), schema.get("format")
        if kind == "array":
            item = self.type_of(schema["items"])
            reader = f"read_many({item.read})" if item.reader.endswith(".read") else "read_texts"
            return _Type(f"tuple[{item.read}, ...]", f"Sequence[{item.given}]", reader, many=True)
        if form == "date":
            return _Type("date", "date", "read_date")
        if form == "date-time":
            return _Type("datetime", "datetime", "read_time")
        if kind == "string" and str(schema.get("pattern", "")).startswith("^P("):
            return _Type("str", "timedelta | str")
        simple = {"string": "str", "integer": "int", "boolean": "bool", "object": "Mapping[str, Any]"}[str(kind)]
        return _Type(simple, simple)

    def _is_enum(self, name: str) -> bool:
        return "enum" in self._schemas[name]

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
        for path, item in self._paths.items():
            for method, operation in item.items():
                if method != "parameters" and not operation.get("deprecated"):
                    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                    yield path, method.upper(), operation, parameters

    def body_of(self, operation: Mapping[str, Any]) -> str | None:
        content = operation.get("requestBody", {}).get("content", {})
        return _named(content["application/json"]["schema"]) if content else None

    def answer_of(self, operation: Mapping[str, Any]) -> tuple[str, str, str]:
        """Type, reader, and what the answer is."""
        for status, answer in sorted(operation["responses"].items()):
            if status.startswith("2"):
                content = answer.get("content", {})
                if "application/json" in content:
                    name = _named(content["application/json"]["schema"])
                    return f"{name}", f"{name}.read", "json"
                return ("str", "read_text", "text") if content else ("None", "read_nothing", "nothing")
        raise ValueError(f"{operation['operationId']} has no answer")

    def shown(self) -> list[str]:
        """The components that are answered, or are part of a body, those first that others are made of."""
        found: list[str] = []

        def visit(name: str) -> None:
            if name in found:
                return
            for schema in self._schemas[name].get("properties", {}).values():
                visit_schema(schema)
            if name not in found:
                found.append(name)

        def visit_schema(schema: Mapping[str, Any]) -> None:
            name = _named(schema)
            if name is not None:
                visit(name)
            elif schema.get("type") == "array":
                visit_schema(schema["items"])

        for _, _, operation, _ in self.operations():
            body = self.body_of(operation)
            for schema in self._schemas[body]["properties"].values() if body else ():
                visit_schema(schema)
            type, _, kind = self.answer_of(operation)
            if kind == "json":
                visit(type)
        return found

    def models(self) -> Iterator[str]:
        shown = self.shown()
        for name in shown:
            if self._is_enum(name):
                values = ", ".join(json.dumps(value) for value in self._schemas[name]["enum"])
                yield f"{name} = Literal[{values}]"
        for name in shown:
            if not self._is_enum(name):
                yield from self._model(name, self._schemas[name])

    def _model(self, name: str, schema: Mapping[str, Any]) -> Iterator[str]:
        yield f"\n\nclass {name}(Model):"
        rows = []
        for key, each in schema["properties"].items():
            # A body may be given a duration, while an answer has it as it was given: as a text.
            type = self.type_of(each)
            annotation, default = type.given if type.given.startswith("timedelta") else type.read, ""
            if key not in schema.get("required", ()):
                annotation, default = (annotation, " = ()") if type.many else (f"{annotation} | None", " = None")
            yield f"    {snake(key)}: {annotation}{default}"
            if each.get("description"):
                yield _doc(each["description"], "    ")
            rows.append(f"{json.dumps(key)}: ({json.dumps(snake(key))}, {type.reader}),")
        yield "\n    FIELDS: ClassVar[dict[str, tuple[str, Read | None]]] = {"
        yield from (f"        {row}" for row in rows)
        yield "    }"
        if needed := [snake(key) for key in schema["properties"] if key in schema.get("required", ())]:
            yield f"    REQUIRED = ({', '.join(json.dumps(name) for name in needed)},)"
        if hidden := HIDDEN.get(name):
            yield f"    HIDDEN = ({', '.join(json.dumps(each) for each in hidden)},)"

    def table(self) -> Iterator[str]:
        for path, method, operation, parameters in self.operations():
            _, reader, kind = self.answer_of(operation)
            name = operation["operationId"]
            facts = [json.dumps(name), json.dumps(method), json.dumps(path), reader]
            if kind != "json":
                facts.append(f"answers={json.dumps(kind)}")
            if any(parameter["in"] == "header" for parameter in parameters):
                facts.append("keyed=True")
            if name in NOT_REPEATED:
                facts.append("repeated=False")
            yield f"{snake(name).upper()} = Operation({', '.join(facts)})"

    def methods(self, *, asynchronous: bool) -> Iterator[str]:
        for path, _, operation, parameters in self.operations():
            yield from self._method(path, operation, parameters, asynchronous=asynchronous)

    def _method(
        self, path: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]], *, asynchronous: bool
    ) -> Iterator[str]:
        name = snake(operation["operationId"])
        body = self.body_of(operation)
        properties = self._schemas[body]["properties"] if body else {}
        required = set(self._schemas[body].get("required", ())) if body else set()
        places: dict[str, list[str]] = {"path": [], "query": []}
        needed: list[str] = []
        optional: list[str] = []
        told: list[tuple[str, str]] = []
        for parameter in sorted(parameters, key=lambda each: (each["in"] != "path", path.find(each["name"]))):
            place, key = parameter["in"], parameter["name"]
            if place == "header" or str(parameter.get("description", "")).startswith("With a file as body"):
                continue
            places[place].append(key)
            self._argument(key, parameter["schema"], parameter.get("required", False), needed, optional)
            told.append((snake(key), parameter.get("description", "")))
        for key, schema in properties.items():
            self._argument(key, schema, key in required, needed, optional)
            told.append((snake(key), schema.get("description", "")))
        keyed = any(parameter["in"] == "header" for parameter in parameters)
        if keyed:
            optional.append("idempotency_key: str | None = None")
        type, _, _ = self.answer_of(operation)
        prefix, wait = ("async ", "await ") if asynchronous else ("", "")
        arguments = "".join(f", {each}" for each in (["*", *needed, *optional] if needed or optional else []))
        yield f"\n    {prefix}def {name}(self{arguments}) -> {type}:"
        if asynchronous:
            yield f'        """As `Api.{name}`."""'
        else:
            yield _method_doc(operation, told)
        sent = [name.upper()]
        for place, keys in places.items():
            if keys:
                sent.append(f"{place}={{{', '.join(f'{json.dumps(key)}: {_value(key)}' for key in keys)}}}")
        if body:
            sent.append(f"body={{{', '.join(f'{json.dumps(key)}: {_value(key)}' for key in properties)}}}")
        if keyed:
            sent.append("idempotency_key=idempotency_key")
        yield f"        return {wait}self._sender.send({', '.join(sent)})"

    def _argument(
        self, key: str, schema: Mapping[str, Any], required: bool, needed: list[str], optional: list[str]
    ) -> None:
        type = self.type_of(schema).given
        if required and key != "workerId":
            needed.append(f"{snake(key)}: {type}")
        else:
            optional.append(f"{snake(key)}: {type} | None = None")


def _value(key: str) -> str:
    return f"{snake(key)} or self._sender.worker_id" if key == "workerId" else snake(key)


def _doc(text: str, indent: str) -> str:
    text = _plain(text)
    lines = textwrap.wrap(text, 116 - len(indent), break_long_words=False, break_on_hyphens=False)
    if len(lines) == 1:
        return f'{indent}"""{lines[0]}"""'
    return "\n".join([f'{indent}"""{lines[0]}', *(indent + line for line in lines[1:]), f'{indent}"""'])


def _plain(text: str) -> str:
    """The text on one line, up to a table in it."""
    text = " ".join(text.split("\n\n|")[0].split())
    return text.replace("\\", "\\\\").replace('"""', "'''")


def _method_doc(operation: Mapping[str, Any], told: Iterable[tuple[str, str]]) -> str:
    indent = " " * 8
    parts = [_plain(operation["summary"])]
    if operation.get("description"):
        parts += ["", *_wrapped(_plain(operation["description"]), indent)]
    facts = [(name, _plain(text)) for name, text in told if text]
    if facts:
        parts.append("")
        for name, text in facts:
            parts += _wrapped(f"`{name}`: {text}", indent, "    ")
    if len(parts) == 1:
        return f'{indent}"""{parts[0]}"""'
    return "\n".join([f'{indent}"""{parts[0]}', *((indent + part).rstrip() for part in parts[1:]), f'{indent}"""'])


def _wrapped(text: str, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        118 - len(indent),
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


def generate(document: Mapping[str, Any]) -> str:
    """The text of the module for a document, formatted."""
    known = _Document(document)
    parts = [
        _HEAD,
        *known.models(),
        "\n",
        *known.table(),
        "\n" + _SENDERS,
        '\n\nclass Api:\n    """All operations, which answer when they are done."""',
        "\n    def __init__(self, sender: Sender) -> None:\n        self._sender = sender",
        *known.methods(asynchronous=False),
        '\n\nclass AsyncApi:\n    """All operations, to be awaited."""',
        "\n    def __init__(self, sender: AsyncSender) -> None:\n        self._sender = sender",
        *known.methods(asynchronous=True),
    ]
    return formatted("\n".join(parts) + "\n")


def formatted(text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--stdin-filename", str(TARGET), "-"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    TARGET.write_text(generate(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), encoding="utf-8")
