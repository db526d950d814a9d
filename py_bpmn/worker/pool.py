"""Where handlers run: functions in threads, coroutines in one event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from py_bpmn.worker.board import Held
from py_bpmn.worker.observe import logger

Do = Callable[[Held], None]
LAST_WORDS = 1.0
"""Seconds that coroutines have to end when they are canceled."""


class Threads:
    """Their threads do not keep the process from ending: a handler that does not stop can't be stopped otherwise."""

    def __init__(self, number: int, do: Do) -> None:
        self._do = do
        self._queue: queue.SimpleQueue[Held | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"bpmn-handler-{count}", daemon=True) for count in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def put(self, held: Held) -> None:
        self._queue.put(held)

    def _run(self) -> None:
        while (held := self._queue.get()) is not None:
            try:
                self._do(held)
            except BaseException:
                # Not one of the handler, but a mistake of ours; the lease brings the job back.
                logger.exception("job %s/%s could not be done", held.data.partition, held.data.id)

    def stop(self, seconds: float) -> None:
        """Waits so long for the threads, if they are at work."""
        for _ in self._threads:
            self._queue.put(None)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


class Loop:
    """Coroutines, at most `concurrency` at a time."""

    def __init__(self, concurrency: int, do: Callable[[Held], object]) -> None:
        self._do = do
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._is_ending = False
        self._loop = asyncio.new_event_loop()
        self._free = asyncio.Semaphore(concurrency)
        self._thread = threading.Thread(target=self._run, name="bpmn-loop", daemon=True)
        self._thread.start()

    def put(self, held: Held) -> None:
        self._loop.call_soon_threadsafe(self._begin, held)

    def _begin(self, held: Held) -> None:
        task = self._loop.create_task(self._one(held))
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _one(self, held: Held) -> None:
        async with self._free:
            await self._do(held)  # type: ignore[misc]  # what it is given returns an awaitable

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        while not self._is_ending:
            try:
                self._loop.run_forever()
            except BaseException as error:
                # A task that a handler has started has raised SystemExit, say.
                logger.error("an asynchronous handler has tried to end the event loop by %s", type(error).__name__)
        with suppress(BaseException):
            self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=LAST_WORDS)
        await self._loop.shutdown_asyncgens()

    def cancel(self) -> None:
        """Has all that are at work end."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in list(self._tasks)])

    def stop(self, seconds: float) -> None:
        self._is_ending = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(seconds)
