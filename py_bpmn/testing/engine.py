"""The engine that tests speak to: in their own process, in one that is started for them, or a service that is there.

This is the only file of the package that may load the service, and it does so by name.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import httpx2

from py_bpmn import _service
from py_bpmn.client import Client
from py_bpmn.errors import ConfigurationError, NotFound, ProblemError

__tracebackhide__ = True

PYTHON = "BPMN_TEST_PYTHON"
"""The environment variable that names the Python of another environment, which has the service."""
SERVER = "py-bpmn-server"
SERVERS = (SERVER, "py-bpmn")
"""Names of the distribution with the service; the second one is older."""
CLIENT = "py-bpmn-client"
USERNAME = "test"
START_SECONDS = 60.0
LOOK_SECONDS = 0.02
STOP_SECONDS = 15.0

OPTIONS: Mapping[str, str] = {
    "BPMN_ENCRYPTION_KEYS": b64encode(b"for tests, which have no secrets").decode(),
    "BPMN_HTTP_BASIC_AUTH_USERNAME": USERNAME,
    "BPMN_LOG_REQUESTS": "false",
    # Nothing moves while a test waits for an answer.
    "BPMN_LONG_POLL_MAX": "0s",
    "BPMN_SET_TIME_ENABLED": "true",
    "BPMN_TASK_EXECUTOR_ENABLED": "false",
    "BPMN_TEST_OPERATIONS": "true",
}
"""How an engine is set that tests have for themselves; they may say otherwise."""
GIVEN = ("BPMN_DATABASE_URL", "BPMN_HTTP_BASIC_AUTH_PASSWORD", "BPMN_HTTP_BIND_ADDRESS")
"""Options that are not for tests to set."""

NO_ENGINE = (
    f"there is no engine here: install {SERVER}, or name the Python of another environment that has it by "
    f"{PYTHON}=/path/to/bin/python"
)


class NoEngine(ConfigurationError):
    """Nothing here has the service."""


class Engine(Protocol):
    is_shared: bool
    """Whether others use it as well: then nothing may be taken away from it, and tests keep to what is theirs."""

    def reset(self, options: Mapping[str, str]) -> None:
        """Has it empty, with these options of the service. Raises ConfigurationError."""

    def client(self, worker_id: str) -> Client:
        """Closed with the engine."""

    def close(self) -> None: ...


def choose(url: str | None, environ: Mapping[str, str] | None = None) -> Engine:
    """The engine at the address, or else that of the environment, or else the one that is installed here.

    Raises ConfigurationError with a sentence where there is none.
    """
    environ = os.environ if environ is None else environ
    if url:
        return Remote(url)
    if python := environ.get(PYTHON):
        return Subprocess(python)
    return InProcess()


def check(url: str | None, environ: Mapping[str, str] | None = None) -> None:
    """Raises ConfigurationError where `choose` would do so, without starting anything."""
    environ = os.environ if environ is None else environ
    if url:
        return
    if python := environ.get(PYTHON):
        _script(python)
    else:
        _require_service()


class _Clients:
    """Clients of one engine, by worker id."""

    def __init__(self) -> None:
        self._opened: dict[str, Client] = {}

    def get(self, worker_id: str, **options: Any) -> Client:
        found = self._opened.get(worker_id)
        if found is None:
            found = self._opened[worker_id] = Client(worker_id=worker_id or None, **options)
        return found

    def close(self) -> None:
        for client in self._opened.values():
            client.close()
        self._opened.clear()


class InProcess:
    """The service of this environment, without a server: requests are function calls."""

    is_shared = False

    def __init__(self) -> None:
        _require_service()
        self._engine: Any = import_module("app.testing").Engine()
        self._transport = httpx2.WSGITransport(app=self._engine.wsgi)
        self._password = secrets.token_urlsafe()
        self._clients = _Clients()

    def reset(self, options: Mapping[str, str]) -> None:
        _check_options(options)
        try:
            self._engine.reset({**OPTIONS, "BPMN_HTTP_BASIC_AUTH_PASSWORD": self._password, **options})
        except ValueError as error:
            raise ConfigurationError(f"the engine can't be set so: {error}") from error

    def client(self, worker_id: str) -> Client:
        return self._clients.get(
            worker_id,
            url="http://engine",
            username=USERNAME,
            password=self._password,
            transport=self._transport,
        )

    def close(self) -> None:
        self._clients.close()
        self._engine.close()


class Subprocess:
    """`py-bpmn serve` of another environment. With other options it is another one, that runs as long as the first."""

    is_shared = False

    def __init__(self, python: str) -> None:
        self._script = _script(python)
        self._served: dict[frozenset[tuple[str, str]], _Served] = {}
        self._current: _Served | None = None

    def reset(self, options: Mapping[str, str]) -> None:
        _check_options(options)
        key = frozenset(options.items())
        self._current = self._served.get(key)
        if self._current is None:
            self._current = self._served[key] = _Served(self._script, options)
        else:
            self._current.reset()

    def client(self, worker_id: str) -> Client:
        assert self._current is not None, "it is reset before it is used"
        return self._current.client(worker_id)

    def close(self) -> None:
        for served in self._served.values():
            served.close()


class _Served:
    """A service that was started for tests, on a file of its own."""

    def __init__(self, script: Path, options: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="py-bpmn-test-"))
        self._password = secrets.token_urlsafe()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._url = f"http://127.0.0.1:{free.getsockname()[1]}"
        self._clients = _Clients()
        try:
            with self._log.open("wb") as log:
                command = [str(script), "serve"]
                given: Any = {"cwd": self._folder, "env": self._environ(options), "stdin": subprocess.DEVNULL}
                self._process = subprocess.Popen(command, stdout=log, stderr=log, **given)
        except OSError as error:
            shutil.rmtree(self._folder)
            raise ConfigurationError(f"the service that {PYTHON} names did not start: {error}") from error
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _environ(self, options: Mapping[str, str]) -> dict[str, str]:
        # What is said to this Python, and where it looks for packages, is not meant for the other one.
        ours = ("BPMN_", "GO_BPMN_", "PYTHON")
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            **OPTIONS,
            "BPMN_SHUTDOWN_DELAY": "0s",
            "BPMN_HTTP_WORKERS": "1",
            "BPMN_LOG_LEVEL": "WARNING",
            **options,
            "BPMN_DATABASE_URL": f"sqlite:///{self._folder / 'bpmn.db'}",
            "BPMN_HTTP_BASIC_AUTH_PASSWORD": self._password,
            "BPMN_HTTP_BIND_ADDRESS": urlsplit(self._url).netloc,
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with httpx2.Client(base_url=self._url, timeout=5) as http:
            while True:
                try:
                    if http.get("/readiness").status_code == 200:
                        return
                except httpx2.RequestError:
                    pass
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(encoding="utf-8", errors="replace").strip() or "it has said nothing"
                    raise ConfigurationError(f"the service that {PYTHON} names did not start: {said[-2000:]}")
                time.sleep(LOOK_SECONDS)

    def reset(self) -> None:
        try:
            self.client("").api.reset_engine()
        except NotFound as error:
            raise ConfigurationError(f"the service that {PYTHON} names is too old to be reset") from error
        except ProblemError as error:
            raise ConfigurationError(f"the service that {PYTHON} names can't be reset: {error.detail}") from error

    def client(self, worker_id: str) -> Client:
        return self._clients.get(worker_id, url=self._url, username=USERNAME, password=self._password)

    def close(self) -> None:
        self._clients.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


class Remote:
    """A service that runs anyway; who may use it is told by BPMN_AUTHORIZATION, or BPMN_USERNAME and BPMN_PASSWORD."""

    is_shared = True

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients = _Clients()

    def reset(self, options: Mapping[str, str]) -> None:
        if options:
            raise ConfigurationError(
                f"config={dict(options)!r} can't be had from {self._url}: a service that others use keeps its options"
            )

    def client(self, worker_id: str) -> Client:
        return self._clients.get(worker_id, url=self._url)

    def close(self) -> None:
        self._clients.close()


def _check_options(options: Mapping[str, str]) -> None:
    for name in GIVEN:
        if name in options:
            raise ConfigurationError(f"{name} is not for tests to set: the engine has one of its own for each test")


def _script(python: str) -> Path:
    script = Path(python).expanduser().absolute().with_name("py-bpmn")
    if not script.is_file():
        raise ConfigurationError(
            f"{PYTHON} is {python}, but there is no {script}: it must be the Python of an environment that has {SERVER}"
        )
    return script


def _require_service() -> None:
    servers = [server for name in SERVERS if (server := _installed(name)) is not None]
    homes = [home for server in servers for home in _homes(server)]
    if homes and _installed(CLIENT) is not None:
        raise ConfigurationError(
            f"{SERVER} and {CLIENT} are both installed here, and overwrite each other: uninstall both, then install one"
        )
    if not homes:
        raise NoEngine(NO_ENGINE)
    found = _service.found()
    if found not in homes:
        raise ConfigurationError(
            f"Python finds another package app before the one of {SERVER}: {found}. Name the Python of another "
            f"environment that has {SERVER} by {PYTHON}=/path/to/bin/python"
        )


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _homes(found: Distribution) -> Iterator[Path]:
    """Where the distribution says that it has the service; another one of that name has none."""
    if any(str(file) == "app/testing.py" for file in found.files or ()):
        yield Path(str(found.locate_file("app"))).resolve()
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        checkout = Path(unquote(urlsplit(origin["url"]).path))
        if (checkout / "app" / "testing.py").is_file():
            yield (checkout / "app").resolve()
