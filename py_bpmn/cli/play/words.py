"""The language of walks: a step is a line of words, such as `decide in-stock reserve` or `complete ship parcel=7`."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from py_bpmn.errors import BpmnClientError

STEPS: Mapping[str, str] = {
    "start": "PROCESS [name=value]...: begins; the first line of a walk",
    "complete": "ELEMENT [name=value]...: the job is done, or the process that is called has ended",
    "decide": "GATEWAY ELEMENT...: the gateway leads there",
    "error": "ELEMENT CODE [name=value]...: the job ends in a BPMN error",
    "escalate": "ELEMENT CODE [name=value]...: the job ends in an escalation",
    "fail": "ELEMENT [TEXT]: the job fails, without a retry",
    "retry": "ELEMENT: what has failed is tried again",
    "user": "ELEMENT [name=value]...: somebody completes the user task",
    "call": "ELEMENT PROCESS: the call activity calls this process",
    "key": "ELEMENT KEY [NAME]: the event waits for the message with this key",
    "name": "ELEMENT NAME: the event waits for, or sends, the signal of this name",
    "timer": "ELEMENT DURATION: the timer fires after it",
    "code": "ELEMENT [CODE]: the event catches or throws this code; without it, it catches all",
    "message": "NAME KEY [name=value]...: a message is sent",
    "signal": "NAME [name=value]...: a signal is sent",
    "fire": "ELEMENT: the clock moves on until its timer is due",
    "time": "DURATION: the clock moves on, such as by 25h or 1d12h",
    "set": "name=value...: variables that the next completion sets as well",
}
UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
VARIABLE = re.compile(r"[^\W\d][\w.-]*=.*", re.DOTALL)


class Unable(BpmnClientError):
    """What was typed can't be done, for the reason in the message; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Step:
    word: str
    args: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ".join([self.word, *map(_quoted, self.args), *map(_assigned, self.variables.items())])


def split(line: str) -> list[str]:
    """Words of a line; quotes keep spaces. Raises Unable."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Unable(f"{error}: quotes come in pairs".lower()) from None


def read_step(line: str) -> Step:
    """A step as it is written in a walk. Raises Unable."""
    word, *rest = split(line)
    if word not in STEPS:
        raise Unable(f"there is no step {word}; there are {', '.join(STEPS)}")
    args, variables = assigned(rest)
    if not args and word != "set":
        raise Unable(f"{word} is {word} {STEPS[word]}")
    return Step(word, tuple(args), variables)


def assigned(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """What stands alone, and variables of `name=value`."""
    alone: list[str] = []
    variables: dict[str, Any] = {}
    for word in words:
        if VARIABLE.fullmatch(word):
            name, _, text = word.partition("=")
            variables[name] = value_of(text)
        else:
            alone.append(word)
    return alone, variables


def value_of(text: str) -> Any:
    """JSON, or else the text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _assigned(variable: tuple[str, Any]) -> str:
    return _quoted(f"{variable[0]}={text_of(variable[1])}")


def text_of(value: Any) -> str:
    """As `value_of` reads it: a text without quotes, where it is nothing else without them."""
    if isinstance(value, str) and value_of(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    # shlex quotes all letters beyond ASCII, which need none.
    return text if re.fullmatch(r"[\w@%+=:,./-]+", text) else shlex.quote(text)


def duration(text: str) -> dict[str, float]:
    """`25h` or `1d12h`, by units as timedelta takes them. Raises Unable."""
    plain = text.removeprefix("+")
    if not re.fullmatch(r"(\d+(\.\d+)?[wdhms])+", plain):
        raise Unable(f"{text!r} is not a duration: it must be like 30s, 25h or 1d12h")
    found: dict[str, float] = {}
    for number, unit in re.findall(r"(\d+(?:\.\d+)?)([wdhms])", plain):
        value = float(number) if "." in number else int(number)
        found[UNITS[unit]] = found.get(UNITS[unit], 0) + value
    try:
        timedelta(**found)
    except OverflowError:
        raise Unable(f"{text!r} is longer than the clock goes") from None
    return found
