"""The service as a WSGI application, for a server of one's own.

    gunicorn --worker-class app.http_worker.Worker --logger-class app.http_worker.Logger --threads 8 app.wsgi

Don't load it before the server forks (gunicorn: no --preload): the task executor is a thread. `py-bpmn serve` takes
care of this, and of the server's settings. Other servers and worker classes work, too, without the protection from slow
clients that `app.http_worker` gives.
"""

import atexit
import logging
import sys
from functools import partial

from app import logs
from app.config import Config, ConfigError, share_metrics
from app.serve import BOOT_ERROR, Application, log_start, prepare

logger = logging.getLogger(__name__)
warnings: list[str] = []
try:
    config = Config.from_env(warn=warnings.append)
except ConfigError as error:
    logger.error("the service can't start: %s", "; ".join(error.errors))
    sys.exit(BOOT_ERROR)
logs.set_up(config.log_level, config.log_format)
for warning in warnings:
    logger.warning("%s", warning)
if config.metrics_enabled and config.metrics_directory:
    share_metrics(config.metrics_directory)
log_start(config)
application = Application(config, partial(prepare, config))
application.start()
atexit.register(application.stop)
