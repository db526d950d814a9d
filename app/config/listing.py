"""Options as they are listed: names, values, defaults and descriptions."""

from __future__ import annotations

from typing import NamedTuple

from app.config import Config, default_of, defaults_by_others
from app.config.table import OPTIONS


class Line(NamedTuple):
    """An option as it is listed; secrets are masked."""

    name: str
    value: str
    default: str
    description: str


def listing(config: Config) -> list[Line]:
    """All options with the values of `config`."""
    return [
        Line(
            option.name,
            option.show(getattr(config, option.field)),
            option.default or option.show(default_of(option.field)),
            option.description + (f" (or {option.name}_FILE)" if option.from_file else ""),
        )
        for option in OPTIONS
    ]


def changed(config: Config) -> dict[str, str]:
    """The options of `config` that are not at the defaults of its database, as they are listed; without its address."""
    usual = Config(database_url=config.database_url, **defaults_by_others({"database_url": config.database_url}))
    return {
        option.name: option.show(getattr(config, option.field))
        for option in OPTIONS
        if getattr(config, option.field) != getattr(usual, option.field) and option.field != "database_url"
    }


def markdown() -> str:
    """The table of options for the guide: name, default and description."""
    rows = [f"| `{line.name}` | {line.default} | {line.description} |" for line in listing(Config())]
    return "\n".join(["| Option | Default | Meaning |", "| --- | --- | --- |", *rows])
