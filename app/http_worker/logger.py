"""gunicorn's log, which is that of the service."""

from __future__ import annotations

import contextlib
import logging
from typing import Any

from gunicorn.glogging import Logger as GunicornLogger

from app import logs
from app.config import Config, ConfigError


class Logger(GunicornLogger):
    """gunicorn's own records go where those of the service go, in the same format."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if not logging.getLogger().handlers:
            # gunicorn's own command line. What is wrong in the configuration is reported by the process that needs it.
            with contextlib.suppress(ConfigError):
                config = Config.from_env(warn=lambda warning: None)
                logs.set_up(config.log_level, config.log_format)
        logs.take_over_server()
