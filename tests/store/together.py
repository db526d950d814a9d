"""Things that happen at the same moment: in threads, or in processes of their own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerContext
from typing import Any

PATIENCE = 120.0
"""Seconds after which whatever has not happened counts as never."""


def in_threads(*doings: Callable[[], Any]) -> list[Any]:
    """What each returned or raised, in their order; all begin at once."""
    outcomes: list[Any] = [None] * len(doings)
    barrier = threading.Barrier(len(doings))

    def run(position: int, do: Callable[[], Any]) -> None:
        barrier.wait(PATIENCE)
        try:
            outcomes[position] = do()
        except Exception as error:
            outcomes[position] = error

    threads = [threading.Thread(target=run, args=each, daemon=True) for each in enumerate(doings)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a thread is stuck"
    return outcomes


def failures(outcomes: Sequence[Any]) -> list[Exception]:
    return [outcome for outcome in outcomes if isinstance(outcome, Exception)]


def context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # Imported once, before the processes are forked; it opens no connection.
    context.set_forkserver_preload(["app.executor", "app.store.postgres", "app.store.sqlite", "alembic.command"])
    return context


def _run(barrier: Any, outcomes: Any, position: int, do: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    barrier.wait(PATIENCE)
    try:
        outcomes.put((position, do(*arguments)))
    except Exception as error:
        outcomes.put((position, RuntimeError(repr(error))))


def in_processes(do: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What the function of a module returned or raised for each of the arguments; each in a process, all at once."""
    processes_of = context()
    barrier, outcomes = processes_of.Barrier(len(arguments)), processes_of.Queue()
    processes = [
        processes_of.Process(target=_run, args=(barrier, outcomes, position, do, each), daemon=True)
        for position, each in enumerate(arguments)
    ]
    for process in processes:
        process.start()
    found = dict(outcomes.get(timeout=PATIENCE) for _ in processes)
    for process in processes:
        process.join(PATIENCE)
        process.close()
    outcomes.close()
    outcomes.join_thread()
    return [found[position] for position in range(len(arguments))]
