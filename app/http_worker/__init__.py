"""The service's worker process under gunicorn: one thread that waits for clients, some that serve requests.

The poller (the main thread) keeps all connections. It reads whatever comes without blocking, and hands a request to a
thread when it is complete; what a client is too slow to take is written by the poller as well. So idle, half-open and
slow connections cost memory, but no thread. Probes have threads of their own, and are answered while all others wait.

A connection belongs to the poller, except from the hand-over of a request until it is given back. A thread that has
answered stays on the connection for some milliseconds while no other request waits for it: a client that sends the next
request at once is answered without a way through the poller. Then it leaves the connection as idle and does not wake
the poller, unless there is more to do for it.

TLS, HTTP/2 and limits by client are left to a proxy in front.
"""

from __future__ import annotations

from app.http_worker.logger import Logger
from app.http_worker.worker import Worker

__all__ = ["Logger", "Worker"]
