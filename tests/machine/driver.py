"""Drives what has been started to its end, with whatever is waited for answered at random."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.machine.completion import startable
from tests.machine.player import Player
from tests.machine.tables import Tables

HOW = ("right", "right", "right", "right", "throw", "escalate", "error")


class Driver:
    """The player checks after each step that nothing hangs."""

    def __init__(self, player: Player, random: Random) -> None:
        self._player = player
        self._random = random

    def drive(self, most: int) -> bool:
        """Goes on until nothing is open any more; False where it still is after so many steps."""
        for _ in range(most):
            moves = list(self._moves(self._player.tables))
            if not moves:
                return True
            self._random.choice(moves)()
        return False

    def _moves(self, tables: Tables) -> list[Callable[[], None]]:
        """One for each kind of what is open, so that all of them have their turn."""
        player, luck = self._player, self._random.randrange(2**20)
        found: list[Callable[[], None]] = []
        if player.due_jobs():
            found.append(lambda: player.work(self._random.choice((1, 1, 2, 100)), self._random.choice(HOW), luck))
        if any(row["state"] == "STARTED" for row in tables["user_task"]):
            found.append(lambda: player.update_user_task(luck, "complete", luck))
        if player.due_tasks():
            found.append(lambda: player.execute(self._random.choice((1, 100)), "", 0))
        unresolved = [place for place, row in enumerate(tables["incident"]) if row["resolved_at"] is None]
        if unresolved:
            found.append(lambda: player.resolve(self._random.choice(unresolved), ""))
        if any(row["completed_at"] is None and row["locked_by"] is None for row in tables["job"]):
            found.append(lambda: player.advance("PT1H"))
        if player.waited_for():
            found.append(lambda: player.happen(luck))
        return found

    def start(self) -> None:
        """An instance of each process, by each of its start events."""
        player, luck = self._player, self._random.randrange(2**20)
        for process in startable(player.tables):
            player.start(player.tables["process"].index(process), luck)
        for row in player.tables["event_definition"]:
            if row["instantiates"] and row["message_name"]:
                player.send_message(row["message_name"], "k1", "", "", luck)
            elif row["instantiates"] and row["signal_name"]:
                player.send_signal(row["signal_name"], luck)
