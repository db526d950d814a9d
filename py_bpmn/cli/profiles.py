"""Services by name: the file `profiles.toml`, which only its owner can read."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from py_bpmn.errors import ConfigurationError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How to reach one service."""

    url: str
    key: str = field(default="", repr=False)
    key_command: str = ""
    """Prints the key, such as `pass show bpmn`; it is run without a shell."""
    worker_id: str = ""
    ca_file: str = ""
    production: bool = False
    """Whether each change is asked for."""

    def authorization(self) -> str | None:
        """The key, which the command is asked for where there is one."""
        if not self.key_command:
            return self.key or None
        try:
            done = subprocess.run(shlex.split(self.key_command), stdout=subprocess.PIPE, text=True, check=True)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"the key command {self.key_command!r} can't be run: {error}") from None
        except subprocess.CalledProcessError as error:
            raise ConfigurationError(f"the key command {self.key_command!r} ended with {error.returncode}") from None
        key = done.stdout.strip()
        if not key:
            raise ConfigurationError(f"the key command {self.key_command!r} has printed nothing")
        return key

    def is_of(self, url: str) -> bool:
        """Whether the key may be sent there."""
        return urlsplit(url)[:2] == urlsplit(self.url)[:2]


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles, and the name of the one that is used where none is chosen."""

    profiles: dict[str, Profile]
    current: str = ""

    def get(self, name: str) -> Profile:
        found = self.profiles.get(name)
        if found is None:
            known = ", ".join(sorted(self.profiles)) or "none yet"
            raise ConfigurationError(f"there is no profile {name}; there is {known}")
        return found

    def added(self, name: str, profile: Profile) -> Profiles:
        if not NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} can't name a profile: use letters, digits, dots and dashes")
        if "@" in urlsplit(profile.url).netloc:
            raise ConfigurationError("the address of a service must not hold a user name or a password")
        if not profile.url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"{profile.url!r} is not the address of a service: it must be like https://bpmn.test"
            )
        return replace(self, profiles={**self.profiles, name: profile})

    def removed(self, name: str) -> Profiles:
        self.get(name)
        return Profiles(
            {each: profile for each, profile in self.profiles.items() if each != name},
            "" if self.current == name else self.current,
        )

    def used(self, name: str) -> Profiles:
        self.get(name)
        return replace(self, current=name)


def path() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "py-bpmn" / "profiles.toml"


def load() -> Profiles:
    """The profiles of the user. Raises ConfigurationError for a file that can't be used."""
    file = path()
    try:
        text = file.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return Profiles({})
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} can't be read: {error}") from None
    if os.name == "posix" and file.stat().st_mode & 0o077:
        raise ConfigurationError(f"{file} can be read by others, and may hold keys: chmod 600 {file}")
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is not TOML: {error}") from None
    tables = found.get("profiles", {})
    if not isinstance(tables, dict) or not isinstance(found.get("current", ""), str):
        raise ConfigurationError(f"{file} must have a table profiles.NAME for each profile, and the name in current")
    return Profiles({name: _read(file, name, table) for name, table in tables.items()}, found.get("current", ""))


def _read(file: Path, name: str, table: Any) -> Profile:
    types = {each.name: bool if each.name == "production" else str for each in fields(Profile)}
    if not isinstance(table, dict) or "url" not in table:
        raise ConfigurationError(f"{file}: profile {name} has no url")
    for key, value in table.items():
        if key not in types:
            raise ConfigurationError(f"{file}: profile {name} has {key}, but only {', '.join(types)} are known")
        if not isinstance(value, types[key]):
            raise ConfigurationError(f"{file}: {key} of profile {name} must be a {types[key].__name__}")
    return Profile(**table)


def save(profiles: Profiles) -> None:
    """Replaces the file at once, so that one that is read meanwhile is whole."""
    file = path()
    lines = [f"current = {_quoted(profiles.current)}"] if profiles.current else []
    for name, profile in profiles.profiles.items():
        lines += ["", f"[profiles.{_quoted(name)}]"]
        for each in fields(Profile):
            value = getattr(profile, each.name)
            if value:
                lines.append(f"{each.name} = {'true' if value is True else _quoted(value)}")
    written = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write("\n".join(lines).lstrip("\n") + "\n")
        written.replace(file)
    except OSError as error:
        raise ConfigurationError(f"{file} can't be written: {error.strerror}") from None


def _quoted(text: str) -> str:
    """A basic string of TOML, which escapes as JSON does; only DEL is left by JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
