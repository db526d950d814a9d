"""The service inside of the process that tests with it: all that `py_bpmn.testing` loads of `app`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from app import create_app
from app.api.context import EXTENSION
from app.config import Config, ConfigError
from app.service import Service, open_service
from app.store import migrate


class Engine:
    """One application, and behind it a service with the options that a test wants. It starts no thread.

    A service is opened once for the same options, on its own copy of a SQLite file that is migrated once, and emptied
    after: that takes 2 ms, while the statements of a new one take 20 ms to build.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="py-bpmn-test-"))
        self._template = self._folder / "template.db"
        migrate(Config(database_url=f"sqlite:///{self._template}"))
        self._services: dict[frozenset[tuple[str, str]], Service] = {}
        service = self._open({})
        self.wsgi = create_app(service.config, service=service)
        """The application, in which `reset` exchanges the service."""

    def reset(self, options: Mapping[str, str]) -> None:
        """Begins anew, on an empty database, with these options of the service.

        Raises ValueError with a sentence for options that can't be used.
        """
        service = self._services.get(frozenset(options.items()))
        if service is None:
            service = self._open(options)
        else:
            service.empty()
        self.wsgi.extensions[EXTENSION] = service

    def _open(self, options: Mapping[str, str]) -> Service:
        database = self._folder / f"{len(self._services) + 1}.db"
        config = _configured({**options, "BPMN_DATABASE_URL": f"sqlite:///{database}"})
        shutil.copyfile(self._template, database)
        service = self._services[frozenset(options.items())] = open_service(config)
        return service

    def close(self) -> None:
        for service in self._services.values():
            service.close()
        shutil.rmtree(self._folder)


def _configured(environ: Mapping[str, str]) -> Config:
    unknown: list[str] = []
    try:
        config = Config.from_env(environ, warn=unknown.append)
    except ConfigError as error:
        raise ValueError("; ".join(error.errors)) from error
    if unknown:
        raise ValueError("; ".join(unknown))
    return config
