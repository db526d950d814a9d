"""Commands that share a transaction, as far as they can."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from app.commands.base import Command
from app.commands.context import EngineClock, Options
from app.commands.group import Rounds, Shared, execute_together, key_of, shares
from app.engine.graph import Graph
from app.errors import EngineError
from app.memory import Step, share_once
from app.store import GraphMissing, Store, Transaction

if TYPE_CHECKING:
    from app.metrics import Metrics

logger = logging.getLogger(__name__)

R = TypeVar("R")
T = TypeVar("T")

MOST_TOGETHER = 50
"""Commands that share a transaction."""


class Sharing:
    def __init__(
        self,
        store: Store,
        options: Options,
        engine_time: EngineClock,
        committed: Callable[[Transaction, float], None],
        metrics: Metrics | None,
    ) -> None:
        """`committed` is told of each transaction, and of when it was begun."""
        self._store = store
        self._options = options
        self._engine_time = engine_time
        self._committed = committed
        self._metrics = metrics

    def each(
        self, commands: Sequence[Command[Any]], alone: Callable[[int], Any], steps: Sequence[Step] = ()
    ) -> Iterator[dict[int, Any]]:
        """What the commands return or raise, by their places; those that shared a transaction at once.

        The others are executed by `alone`, each when the next outcome is asked for.
        """
        rounds = Rounds([key_of(command) for command in commands], MOST_TOGETHER)
        while places := rounds.deal():
            sharing = [place for place in places if shares(commands[place])]
            done: set[int] = set()
            if len(sharing) > 1:
                shared = self._share(
                    [commands[place] for place in sharing], [steps[place] for place in sharing] if steps else ()
                )
                later = {sharing[n]: root for n, root in shared.later.items()}
                outcomes = {sharing[n]: outcome for n, outcome in shared.settled.items()}
                rounds.defer(later)
                done = {*later, *outcomes}
                if outcomes:
                    yield outcomes
            for place in places:
                if place not in done:
                    yield {place: outcome(alone, place)}

    def _share(self, commands: Sequence[Command[Any]], steps: Sequence[Step]) -> Shared:
        """Executes what can be executed in one transaction; nothing, where that can't be committed as a whole."""
        began = time.perf_counter()
        shared = self._try_to_share(commands, steps)
        if self._metrics is not None and shared.settled:
            share = (time.perf_counter() - began) / len(shared.settled)
            for _ in shared.settled:
                self._metrics.command(type(commands[0]).__name__, share)
        return shared

    def _try_to_share(self, commands: Sequence[Command[Any]], steps: Sequence[Step]) -> Shared:
        loaded: dict[int, Graph] = {}
        while True:
            try:
                return self._store.reach(lambda: self._once_together(commands, steps, loaded))
            except GraphMissing as missing:
                process_id = missing.process_id
            except EngineError as error:
                error.title = error.title or commands[0].title
                return Shared(settled=dict.fromkeys(range(len(commands)), error))
            try:
                loaded[process_id] = self._store.load_graph(process_id)
            except Exception:
                # It concerns those of this process only.
                return _each_alone(commands)

    def _once_together(
        self, commands: Sequence[Command[Any]], steps: Sequence[Step], loaded: dict[int, Graph]
    ) -> Shared:
        began = time.monotonic()
        try:
            with self._store.begin_group(loaded) as tx:
                execute = partial(execute_together, tx, self._options, self._engine_time)
                shared = share_once(tx, steps, commands, execute) if steps else execute(commands)
        except GraphMissing:
            raise
        except Exception as error:
            if self._store.is_away(error):
                raise
            # One of them may be to blame, and the others are not to suffer from it.
            logger.debug("commands that shared a transaction are executed one by one", exc_info=True)
            return _each_alone(commands)
        self._committed(tx, began)
        return shared


def outcome(execute: Callable[[T], R], given: T) -> R | Exception:
    """What is returned or raised."""
    try:
        return execute(given)
    except Exception as error:
        return error


def _each_alone(commands: Sequence[Command[Any]]) -> Shared:
    return Shared(alone=list(range(len(commands))))
