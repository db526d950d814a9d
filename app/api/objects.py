"""Objects and arrays: the base classes of all schemas, and the fields that nest them.

A request passes two steps. *Decoding* (`ApiSchema.decode`) settles JSON types, in document order, and stops at the
first problem. It drops every null and every zero value, since clients mean "absent" by them. *Validation*
(`ApiSchema.load`) collects all broken constraints of what is left, one per field, in the order in which the fields are
declared. That is marshmallow's work; a body in which no constraint is broken, as nearly all of them, does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validates_schema

from app.api.fields import Decoded, Undecodable, camel
from app.api.rules import Violation, broken


class Object(Decoded, fields.Nested):
    """An object with a schema of its own; `make` turns its loaded fields into a value."""

    def __init__(self, schema: type[ApiSchema], *, make: Callable[..., Any] | None = None, **options: Any) -> None:
        super().__init__(nested=schema, **options)
        self._make = make

    @property
    def zero(self) -> dict[str, Any]:
        return {}

    def decode(self, value: Any) -> dict[str, Any]:
        schema: ApiSchema = self.schema  # type: ignore[assignment]  # only our schemas are nested
        return schema.decode(value)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        loaded = self.schema.load(value)
        return self._make(**loaded) if self._make is not None else loaded


class Many(Decoded, fields.List[Any]):
    """An array, loaded as a tuple or as what `make` turns its items into."""

    def __init__(
        self,
        item: Decoded,
        *,
        least: int = 0,
        most: int | None = None,
        unique: bool = False,
        make: Callable[[list[Any]], Any] = tuple,
        **options: Any,
    ) -> None:
        """An empty array counts as an absent one, unless there must be at `least` some items."""
        facts: dict[str, Any] = dict(options.pop("facts", {}))
        if least:
            facts["minItems"] = least
        if most is not None:
            facts["maxItems"] = most
        if unique:
            facts["uniqueItems"] = True
        super().__init__(cls_or_instance=item, facts=facts, **options)
        self._least = least
        self._most = most
        self._unique = unique
        self._make = make

    def decode(self, value: Any) -> Any:
        if type(value) is not list:
            raise Undecodable
        item: Decoded = self.inner  # type: ignore[assignment]  # the constructor takes nothing else
        items = []
        for index, each in enumerate(value):
            try:
                decoded = None if each is None else item.decode(each)
            except Undecodable as error:
                error.path.append(index)
                raise
            items.append(item.zero if decoded is None else decoded)
        return items if items or self._least else None

    def check_size(self, items: Collection[Any]) -> None:
        if len(items) < self._least:
            broken("required", f"must have at least {self._least}", printed(items))
        if self._most is not None and len(items) > self._most:
            broken("max", f"exceeds a maximum of {self._most}", printed(items))

    def load_items(self, value: Any) -> list[Any]:
        """The loaded items; raises the violations inside of them only when the array is not too long."""
        self.check_size(value)
        item: Decoded = self.inner  # type: ignore[assignment]  # as above
        try:
            return [item.load(each) for each in value]
        except ValidationError:
            # Not `super()`: that is `Decoded`, which leaves values as they are.
            return fields.List._deserialize(self, value, None, None)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        items = self.load_items(value)
        if self._unique and len(set(items)) < len(items):
            broken("unique", "must be unique", printed(items))
        return self._make(items)


def printed(items: Collection[Any]) -> str:
    """An array as violations show it: named things by their name, others by what they consist of."""
    return f"[{' '.join(_printed_item(item) for item in items)}]"


def _printed_item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "bpmnElementId" in item and "name" not in item:
        return f"{{{' '.join(str(part) for part in item.values())}}}"
    return str(item.get("name", ""))


class ApiSchema(Schema):
    """A JSON object. Attributes are snake_case, properties camelCase; properties that are not declared are refused."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = camel(field_name)

    @cached_property
    def _decoders(self) -> dict[str, Callable[[Any], Any]]:
        return {camel(name): field.decode for name, field in self.fields.items() if isinstance(field, Decoded)}

    @cached_property
    def _loaders(self) -> list[tuple[str, str, Callable[[Any], Any], bool]]:
        return [
            (name, camel(name), field.load, field.required)
            for name, field in self.fields.items()
            if isinstance(field, Decoded)
        ]

    def load(self, data: Any, **options: Any) -> Any:
        """The fields of a decoded object, by attribute. Raises `ValidationError` with all that is wrong."""
        if not options and type(data) is dict:
            loaded = self._load_sound(data)
            if loaded is not None:
                return loaded
        return super().load(data, **options)

    def _load_sound(self, data: dict[str, Any]) -> dict[str, Any] | None:
        """The same as marshmallow's, but None where there is any violation, or a property that is not declared."""
        loaded = {}
        try:
            for name, key, load, required in self._loaders:
                if key in data:
                    loaded[name] = load(data[key])
                elif required:
                    return None
        except ValidationError:
            return None
        return loaded if len(loaded) == len(data) and not self.broken_together(data) else None

    def broken_together(self, given: Mapping[str, Any]) -> dict[str, list[Violation]]:
        """What is wrong with the decoded properties as they come together, by the property that it is reported at."""
        return {}

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_together(self, _loaded: Any, given: Any, **_options: Any) -> None:
        if broken_ones := self.broken_together(given):
            raise ValidationError(dict(broken_ones))

    def decode(self, value: Any) -> dict[str, Any]:
        """The properties of the JSON value that are neither null nor zero. Raises `Undecodable`."""
        if type(value) is not dict:
            raise Undecodable
        decoders = self._decoders
        decoded = {}
        for key, item in value.items():
            decode = decoders.get(key)
            if decode is None:
                raise Undecodable(detail=f'unknown JSON field "{key}"')
            if item is None:
                continue
            try:
                found = decode(item)
            except Undecodable as error:
                error.path.append(key)
                raise
            if found is not None:
                decoded[key] = found
        return decoded


class AnswerSchema(ApiSchema):
    """An object that only answers contain. Its required properties are always there; clients tolerate unknown ones."""

    class Meta:
        unknown = EXCLUDE
