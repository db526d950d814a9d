"""The service as a WSGI application, for a server of one's own: `gunicorn --worker-class gthread wsgi`.

Don't load it before the server forks (gunicorn: no --preload): the task executor is a thread. `py-bpmn serve` takes
care of this, and of the server's settings.
"""

import atexit

from app import logs
from app.config import Config
from app.serve import prepare, start

config = Config.from_env()
logs.set_up(config.log_level, config.log_format)
prepare(config)
running = start(config)
atexit.register(running.stop)
application = running.app
