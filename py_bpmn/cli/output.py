"""How results are written: tables for people, lines of JSON for programs, ids for the next command."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from py_bpmn._wire import Model

Format = Literal["table", "json", "jsonl", "ids"]
FORMATS: tuple[Format, ...] = ("table", "json", "jsonl", "ids")
GAP = 3
"""Spaces between columns."""
COLORS = {
    **dict.fromkeys(("INCIDENT", "ERROR", "CAUSED_INCIDENT"), "red"),
    **dict.fromkeys(("SUSPENDED", "QUEUED", "CAUSED_RETRY", "RETRY", "WARN"), "yellow"),
    **dict.fromkeys(("COMPLETED", "DONE", "OK"), "green"),
    **dict.fromkeys(("CANCELED", "TERMINATED"), "bright_black"),
}
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What could move the cursor, or turn the line around: names and errors come from others."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    heading: str
    attribute: str
    """Of the row; dots lead into objects of it."""
    show: Callable[[Any, datetime], str] | None = None
    """Makes the text of the value, and is told the time; without it each type has its own."""

    @property
    def name(self) -> str:
        """As `--columns` takes it."""
        return self.heading.lower().replace(" ", "-")

    def text(self, row: Any, now: datetime) -> str:
        value = value_of(row, self.attribute)
        return self.show(value, now) if self.show else text_of(value)


def value_of(row: Any, attribute: str) -> Any:
    """`address` is what a row is named by; the row itself has no name."""
    if not attribute:
        return row
    if attribute == "address":
        return address_of(row)
    for name in attribute.split("."):
        row = getattr(row, name, None)
    return row


def column(spec: str | Column) -> Column:
    """An attribute by its name is headed by that."""
    if isinstance(spec, Column):
        return spec
    return Column(spec.rstrip("_").replace("_", " ").upper(), spec, headline if spec == "error" else None)


def headline(error: str | None, _: datetime | None = None) -> str:
    """What an error says in one line: the first one, and of a bare traceback the last."""
    lines = (error or "").strip().splitlines() or [""]
    return lines[-1 if lines[0].startswith("Traceback ") else 0]


def text_of(value: Any) -> str:
    """One value in one line."""
    from py_bpmn._wire import Model, write

    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Model):
        written = value.write()
        if set(written) <= {"name", "value"} and "name" in written:
            return f"{written['name']}={written.get('value', '')}"
        return json.dumps(written, ensure_ascii=False)
    if isinstance(value, (list, tuple)):
        return ", ".join(text_of(each) for each in value)
    if isinstance(value, dict):
        return json.dumps(write(value), ensure_ascii=False)
    return str(value)


def age(value: datetime | None, now: datetime) -> str:
    """How long ago, in the largest unit that fits; `in ...` for what is to come."""
    if value is None:
        return ""
    seconds = int((now - value).total_seconds())
    if seconds >= 0:
        return _length(seconds)
    # A timer of two hours is due in two hours for as long as it takes to ask for it.
    return f"in {_length(-seconds + (30 if seconds < -60 else 0))}"


def _length(seconds: int) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def some(value: int | None, _: datetime) -> str:
    """A number that is worth a look only when it is not 0."""
    return str(value) if value else ""


def address_of(row: Any) -> str:
    """`partition/id`, or the id alone, or the name."""
    partition, id = getattr(row, "partition", None), getattr(row, "id", None)
    if partition is not None and id is not None:
        return f"{partition}/{id}"
    for name in ("id", "bpmn_process_id", "name"):
        if (found := getattr(row, name, None)) is not None:
            return str(found)
    return ""


def printable(text: str, *, lines: bool = False) -> str:
    """`text` with what a terminal would obey made visible; with `lines`, line breaks and tabs stay."""
    return UNPRINTABLE.sub(
        lambda found: found[0] if lines and found[0] in "\n\t" else found[0].encode("unicode_escape").decode(), text
    )


class Output:
    """Writes results to standard output, and all else to standard error."""

    def __init__(self, format: Format | None, columns: Sequence[str] | None, *, color: bool, now: datetime) -> None:
        self.format: Format = format or ("table" if sys.stdout.isatty() else "jsonl")
        self._columns = columns
        self._color = color
        self._now = now

    @property
    def is_table(self) -> bool:
        return self.format == "table"

    def say(self, text: str) -> None:
        """Tells people something that is no result."""
        click.echo(printable(text, lines=True), err=True)

    def text(self, text: str) -> None:
        try:
            click.echo(text)
        except BrokenPipeError:
            # Who reads has had enough. What is left must not be tried again at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(0) from None

    def rows(
        self,
        rows: Sequence[Any],
        columns: Sequence[str | Column],
        model: type[Model] | None,
        *,
        whole: Any = None,
        within: str = "results",
        name: Callable[[Any], str] = address_of,
    ) -> None:
        """A list of results. `whole` is the answer they came in as `within`, which is what `-o json` writes."""
        if self.format == "ids":
            for row in rows:
                self.text(name(row))
            return
        chosen = self._chosen(columns, model)
        if self.format == "table":
            self._table(rows, chosen or [column(each) for each in columns])
        elif self.format == "jsonl":
            for row in rows:
                self.text(json.dumps(self._json(row, chosen), ensure_ascii=False))
        else:
            data = [self._json(row, chosen) for row in rows]
            found = data if chosen or whole is None else {**whole.write(), within: data}
            self.text(json.dumps(found, ensure_ascii=False, indent=2))

    def one(
        self,
        row: Any,
        columns: Sequence[str | Column] = (),
        *,
        also: Sequence[str | Column] = (),
        text: Callable[[Any], str] | None = None,
        name: Callable[[Any], str] = address_of,
    ) -> None:
        """One result: as a table, it is a line for each of its columns, or `text`. `also` can be asked for."""
        if self.format == "ids":
            self.text(name(row))
            return
        chosen = self._chosen((*columns, *also), type(row))
        if self.format != "table":
            self.text(
                json.dumps(self._json(row, chosen), ensure_ascii=False, indent=2 if self.format == "json" else None)
            )
        elif text is not None and not chosen:
            self.text(text(row))
        else:
            shown = chosen or [column(each) for each in columns or [field for field, _ in type(row).FIELDS.values()]]
            width = max(_width(each.heading) for each in shown)
            for each in shown:
                value = printable(each.text(row, self._now))
                if value:
                    self.text(f"{self._head(_padded(each.heading, width))}{' ' * GAP}{self._tint(value, value)}")

    def _chosen(self, columns: Sequence[str | Column], model: type[Model] | None) -> list[Column] | None:
        """What `--columns` names: columns of the table, or properties of the results."""
        if self._columns is None:
            return None
        known = {column(each).name: column(each) for each in columns}
        fields = {} if model is None else {attribute: name for name, (attribute, _) in model.FIELDS.items()}
        for attribute, name in fields.items():
            for spelling in (attribute.rstrip("_").replace("_", "-"), name.lower()):
                known.setdefault(spelling, column(attribute))
        known.setdefault("address", Column("ADDRESS", "address"))
        wanted = [name.strip().replace("_", "-") for name in self._columns]
        unknown = [name for name in wanted if name.lower() not in known]
        if unknown:
            raise click.UsageError(
                f"there is no column {', '.join(unknown)}; there are "
                f"{', '.join(dict.fromkeys(column(each).name for each in (*columns, *fields)))}"
            )
        return [known[name.lower()] for name in wanted]

    def _json(self, row: Any, chosen: list[Column] | None) -> Any:
        from py_bpmn._wire import write

        data = write(row)
        if chosen is None:
            return data
        names = {attribute: name for name, (attribute, _) in type(row).FIELDS.items()}
        found = {}
        for each in chosen:
            name = names.get(each.attribute) or re.sub("-([a-z])", lambda letter: letter[1].upper(), each.name)
            value = data.get(names[each.attribute]) if each.attribute in names else each.text(row, self._now)
            if value is not None:
                found[name] = value
        return found

    def _table(self, rows: Iterable[Any], columns: Sequence[Column]) -> None:
        cells = [[printable(each.text(row, self._now)) for each in columns] for row in rows]
        if not cells:
            return
        headings = [each.heading for each in columns]
        widths = [max(map(_width, texts)) for texts in zip(headings, *cells, strict=True)]
        self.text(self._line(headings, widths, self._head))
        for line in cells:
            self.text(self._line(line, widths, lambda text: self._tint(text, text.strip())))

    def _line(self, cells: Sequence[str], widths: Sequence[int], paint: Callable[[str], str]) -> str:
        *filled, last = [*zip(cells, widths, strict=True)]
        while filled and not last[0]:
            last = filled.pop()
        return (" " * GAP).join([*(paint(_padded(cell, width)) for cell, width in filled), paint(last[0])])

    def _head(self, text: str) -> str:
        return click.style(text, bold=True) if self._color else text

    def _tint(self, text: str, word: str) -> str:
        color = COLORS.get(word) if self._color else None
        return click.style(text, fg=color) if color else text


def _width(text: str) -> int:
    """Cells of a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
