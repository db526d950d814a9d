"""Takes options out of an environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from app.config.table import OPTIONS, Option

FOR_TESTS = "BPMN_TEST_"
"""How names begin that belong to the tests of this project."""
OF_CLIENTS = frozenset(
    f"BPMN_{name}" for name in ("URL", "AUTHORIZATION", "USERNAME", "PASSWORD", "WORKER_ID", "CA_FILE", "PROFILE")
)
"""Variables that clients of a service read, which may run beside it."""


class Reader:
    """Takes the texts of options out of an environment, and keeps the errors."""

    def __init__(self, environ: Mapping[str, str], warn: Callable[[str], object]) -> None:
        self._environ = environ
        self._warn = warn
        self.errors: list[str] = []

    def warn_of_unknown_names(self) -> None:
        """A misspelt name would else leave an option at its default without a word."""
        current = [name for option in OPTIONS for name in option.names]
        for name in sorted(set(self._environ) - {*current, *(option.alias for option in OPTIONS), *OF_CLIENTS}):
            if name.startswith(("BPMN_", "GO_BPMN_")) and not name.startswith(FOR_TESTS):
                nearest = get_close_matches(name.removeprefix("GO_"), current, 1, cutoff=0.75)
                self._warn(f"{name} is not an option{f': did you mean {nearest[0]}?' if nearest else ''}")

    def read(self, option: Option) -> Iterator[Any]:
        """Yields the option's value, or nothing when it is not set or has an error."""
        name, text = self._find(option)
        if text is None:
            return
        try:
            # Bytes of an environment that are no text arrive as lone surrogates, which can be neither kept nor sent.
            text.encode()
            yield option.parse(text)
        except UnicodeEncodeError:
            self.errors.append(f"{name}: must be text in UTF-8")
        except ValueError as error:
            self.errors.append(f"{name}: {error}")

    def _find(self, option: Option) -> tuple[str, str | None]:
        if option.from_file and option.name + "_FILE" in self._environ:
            return option.name + "_FILE", self._content(option)
        if option.name in self._environ:
            return option.name, self._environ[option.name]
        if option.alias in self._environ:
            self._warn(f"{option.alias} is deprecated, use {option.name}")
            return option.alias, self._environ[option.alias]
        return option.name, None

    def _content(self, option: Option) -> str | None:
        if option.name in self._environ:
            self.errors.append(f"{option.name}: {option.name}_FILE is set, too; only one of them can be")
            return None
        try:
            return Path(self._environ[option.name + "_FILE"]).read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            self.errors.append(f"{option.name}_FILE: can't be read: {error}")
            return None
