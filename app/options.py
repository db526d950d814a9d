"""Reads the texts of options.

A parser takes the text of an option and answers its value, or raises `ValueError` with the rest of a sentence that
begins with the name of the option.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from app.caller import Role
from app.crypto import check_keys


def any_text(text: str) -> str:
    return text


def name_of_at_most(most: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.strip():
            raise ValueError("must not be blank")
        if len(text) > most:
            raise ValueError(f"must have at most {most} characters, but has {len(text)}")
        return text

    return parse


def flag(text: str) -> bool:
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.strip().lower()]
    except KeyError:
        raise ValueError(f"must be true or false, but is {text!r}") from None


def choice(*allowed: str) -> Callable[[str], str]:
    """A parser for one of `allowed`, in any case; it answers the spelling of `allowed`."""
    spellings = {value.lower(): value for value in allowed}

    def parse(text: str) -> str:
        try:
            return spellings[text.strip().lower()]
        except KeyError:
            raise ValueError(f"must be one of {', '.join(allowed)}, but is {text!r}") from None

    return parse


def roles(text: str) -> frozenset[Role]:
    names = [name.strip().upper() for name in text.split(",")]
    try:
        return frozenset(Role(name) for name in names)
    except ValueError:
        raise ValueError(f"must be a list of {', '.join(Role)}, but is {text!r}") from None


def whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", text.strip()) is None or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}, but is {text!r}")
        return int(text)

    return parse


def days_or_ever(text: str) -> int | None:
    return whole_number(0, 36500)(text) or None


_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PARTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")
_SHORT = re.compile(rf"(?:{_PARTS.pattern})+")
_ISO = re.compile(r"P(?=.)([0-9]+D)?(?:T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(?:\.[0-9]+)?S)?)?")


def seconds(text: str) -> float:
    """The seconds of a text such as `30s`, `1m30s`, `500ms`, `90`, `2d`, `PT1M` or `P1DT12H`."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text):
        return float(text)
    iso = _ISO.fullmatch(text)
    short = "".join(part for part in iso.groups() if part).lower() if iso else text
    if len(text) > 40 or _SHORT.fullmatch(short) is None:
        raise ValueError(f"must be a duration such as 30s, 1m30s or PT1M, but is {text!r}")
    return round(sum(float(amount) * _UNITS[unit] for amount, unit in _PARTS.findall(short)), 3)


def duration_of_at_least(least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = seconds(text)
        if value < least:
            raise ValueError(f"must be a duration of at least {least:g}s, but is {text!r}")
        return value

    return parse


def duration_or_zero(least: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = seconds(text)
        if 0 < value < least:
            raise ValueError(f"must be 0 or a duration of at least {least:g}s, but is {text!r}")
        return value

    return parse


def database_url(text: str) -> str:
    scheme, separator, rest = text.strip().partition("://")
    if scheme == "sqlite" and separator:
        path = rest.partition("?")[0]
        if not path.startswith("/") or path in ("/", "/:memory:"):
            raise ValueError("must name a file, such as sqlite:///bpmn.db; all processes and threads share it")
        return f"sqlite://{rest}"
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg") or not separator:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    host = rest.partition("?")[0].rpartition("@")[2].partition("/")[0]
    if (port := re.search(r":([^\]:]*)$", host)) and not re.fullmatch(r"[0-9]{0,5}", port[1]):
        raise ValueError(f"must have a number as port, but has {port[1]!r}")
    query = urlsplit(f"postgresql://{rest}").query
    for name, option in {"search_path": "DATABASE_SCHEMA", "pool_max_conns": "DATABASE_POOL_SIZE"}.items():
        if re.search(rf"(^|&){name}=", query):
            raise ValueError(f"can't have the parameter {name}, use BPMN_{option}")
    return f"postgresql+psycopg://{rest}"


def postgres_url_or_nothing(text: str) -> str:
    if not text.strip():
        return ""
    url = database_url(text)
    if not url.startswith("postgresql"):
        raise ValueError("must begin with postgresql://")
    return url


def schema_name(text: str) -> str:
    if re.fullmatch(r"([a-z_][a-z0-9_]{0,62})?", text) is None:
        raise ValueError(f"must consist of lower-case letters, digits and _, but is {text!r}")
    return text


def encryption_keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in re.split(r"[,\n]", text) if part.strip())
    if problems := check_keys(keys):
        raise ValueError("; ".join(problems))
    return keys


def bind_address(text: str) -> str:
    host, separator, port = text.strip().rpartition(":")
    if not separator or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise ValueError(f"must be HOST:PORT, but is {text!r}")
    if re.fullmatch(r"[0-9]{1,5}", port) is None or int(port) > 65535:
        raise ValueError(f"must have a port from 0 to 65535, but is {text!r}")
    return f"{host or '0.0.0.0'}:{port}"


def username(text: str) -> str:
    if ":" in text:
        raise ValueError("must not contain a colon")
    return text
