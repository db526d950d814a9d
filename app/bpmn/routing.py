"""The ways of the flows of one scope: along rows that are free, and in the channels between columns and rows.

A channel has tracks, so that flows which have nothing to do with each other don't lie upon each other. Those that
leave one node share a track, and so do those that come to one node. No way crosses a node.

Along a channel, places are counted in halves: a row or column `n` is `2n + 1`, the channel before it is `2n`.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from app.bpmn.layers import Places

MOST_CELLS = 50
"""Cells of a row that a flow goes along; a longer one takes a channel."""
MOST_ROWS = 10
"""Rows that a flow of a boundary event goes straight down."""
MOST_SORTED = 60
"""Wires of a channel whose order is chosen with care; more are packed as they come."""

Net = tuple[str, int]
"""The flows that leave a node ("s") or come to it ("t")."""
_FREE: Net = ("", 0)


class Way(Enum):
    STRAIGHT = "straight"
    """Along the row of source and target."""
    STEP = "step"
    """Through the channel behind the source, then along the row of the target."""
    BRIDGE = "bridge"
    """Through the channel behind the source, a channel between rows, and the channel before the target."""
    DROP = "drop"
    """From a boundary event straight down to the row of the target."""
    UNDERPASS = "underpass"
    """From a boundary event down to the channel between rows, and on like a bridge."""


@dataclass(slots=True, eq=False)
class Wire:
    """What the flows of one net take up in a channel."""

    low: int
    high: int
    track: int = 0

    def reach(self, place: int) -> None:
        self.low = min(self.low, place)
        self.high = max(self.high, place)


@dataclass(slots=True, eq=False)
class Channel:
    wires: dict[Net, Wire] = field(default_factory=dict)
    left: dict[int, set[Net]] = field(default_factory=dict)
    """By row, who comes from the node on the left of it, and turns; `right`: who goes on to the right."""
    right: dict[int, set[Net]] = field(default_factory=dict)

    def reach(self, net: Net, *places: int) -> None:
        wire = self.wires.get(net)
        if wire is None:
            wire = self.wires[net] = Wire(places[0], places[0])
        for place in places:
            wire.reach(place)

    @property
    def tracks(self) -> int:
        return 1 + max((wire.track for wire in self.wires.values()), default=-1)

    def assign(self) -> None:
        """Gives each wire a track on which no other one touches it."""
        if len(self.wires) > MOST_SORTED:
            self._pack()
            return
        tracks: list[list[Wire]] = []
        done: dict[Net, int] = {}
        left_of = self._left_of()
        for net in self._sorted(left_of):
            wire = self.wires[net]
            track = 1 + max((done[other] for other in left_of[net] if other in done), default=-1)
            while track < len(tracks) and any(_touch(wire, other) for other in tracks[track]):
                track += 1
            while track >= len(tracks):
                tracks.append([])
            tracks[track].append(wire)
            done[net] = wire.track = track

    def _left_of(self) -> dict[Net, set[Net]]:
        """By net, those that turn where it goes on to the right: on the left of them it would lie upon them."""
        found: dict[Net, set[Net]] = {net: set() for net in self.wires}
        for row, nets in self.right.items():
            turning = self.left.get(row)
            if turning:
                for net in nets:
                    found[net] |= turning - {net}
        return found

    def _sorted(self, left_of: Mapping[Net, set[Net]]) -> list[Net]:
        """From left to right; where two would have to be left of each other, the upper one is."""
        left = sorted(self.wires, key=lambda net: (self.wires[net].low, self.wires[net].high, net))
        found: list[Net] = []
        while left:
            net = next((net for net in left if left_of[net].isdisjoint(left)), left[0])
            left.remove(net)
            found.append(net)
        return found

    def _pack(self) -> None:
        ends: list[tuple[int, int]] = []
        for wire in sorted(self.wires.values(), key=lambda wire: (wire.low, wire.high)):
            if ends and ends[0][0] < wire.low:
                wire.track = heapq.heappop(ends)[1]
            else:
                wire.track = len(ends)
            heapq.heappush(ends, (wire.high, wire.track))


def _touch(one: Wire, other: Wire) -> bool:
    return one.low <= other.high and other.low <= one.high


@dataclass(slots=True, eq=False)
class Routes:
    ways: list[Way]
    """By flow."""
    between_rows: list[int]
    """By flow, the channel between rows that it takes, which is above the row of that number; -1 for none."""
    vertical: list[Channel]
    """The channels before each column, and behind the last one."""
    horizontal: list[Channel]
    """The channels above each row, and below the last one."""
    turns: list[Net]
    """By flow, the net in the channel behind its source."""


def route(flows: Sequence[tuple[int, int, bool]], places: Places) -> Routes:
    """The ways of flows (source, target, whether it leaves downwards) between nodes at their places."""
    return _Router(flows, places).route()


class _Router:
    def __init__(self, flows: Sequence[tuple[int, int, bool]], places: Places) -> None:
        self._flows = flows
        self._columns, self._rows = places
        self._taken: dict[tuple[int, int], Net] = {
            cell: ("n", node) for node, cell in enumerate(zip(self._columns, self._rows, strict=True))
        }
        """By cell, the node in it or the net that goes through it."""
        self._vertical = [Channel() for _ in range(max(self._columns, default=-1) + 2)]
        self._horizontal = [Channel() for _ in range(max(self._rows, default=-1) + 2)]

    def route(self) -> Routes:
        ways = [self._way(*flow) for flow in self._flows]
        turns = self._turns(ways)
        between = [self._run(flow, way, net) for flow, way, net in zip(self._flows, ways, turns, strict=True)]
        for channel in (*self._vertical, *self._horizontal):
            channel.assign()
        return Routes(ways, between, self._vertical, self._horizontal, turns)

    def _way(self, source: int, target: int, low: bool) -> Way:
        column, row = self._columns[source], self._rows[target]
        if low:
            drops = self._can_drop(column, self._rows[source] + 1, row) and self._take(column, target)
            return Way.DROP if drops else Way.UNDERPASS
        if self._take(column + 1, target):
            return Way.STRAIGHT if row == self._rows[source] else Way.STEP
        return Way.BRIDGE

    def _can_drop(self, column: int, first: int, row: int) -> bool:
        """Whether no node stands in the column from the row `first` down to the row."""
        if not first <= row <= first + MOST_ROWS:
            return False
        return all(self._taken.get((column, each), _FREE)[0] != "n" for each in range(first, row + 1))

    def _take(self, first: int, target: int) -> bool:
        """Whether the row of the target is free from the column `first` to it; then it is taken for its flows."""
        last, row = self._columns[target], self._rows[target]
        if not first <= last <= first + MOST_CELLS:
            return False
        cells = [(column, row) for column in range(first, last)]
        net = ("t", target)
        if any(self._taken.get(cell, net) != net for cell in cells):
            return False
        self._taken.update(dict.fromkeys(cells, net))
        return True

    def _turns(self, ways: Sequence[Way]) -> list[Net]:
        """Flows that turn share a track with the others of their source; a single one with those of its target."""
        count: dict[int, int] = {}
        for (source, _, _), way in zip(self._flows, ways, strict=True):
            if way in (Way.STEP, Way.BRIDGE):
                count[source] = count.get(source, 0) + 1
        return [
            ("t", target) if way is Way.STEP and count[source] == 1 else ("s", source)
            for (source, target, _), way in zip(self._flows, ways, strict=True)
        ]

    def _run(self, flow: tuple[int, int, bool], way: Way, net: Net) -> int:
        """Notes what a flow takes up; the channel between rows that it takes, or -1."""
        source, target, low = flow
        row, to_row = self._rows[source], self._rows[target]
        behind = self._vertical[self._columns[source] + 1]
        if way is Way.STEP:
            behind.reach(net, 2 * row + 1, 2 * to_row + 1)
            behind.left.setdefault(row, set()).add(net)
            behind.right.setdefault(to_row, set()).add(net)
        if way not in (Way.BRIDGE, Way.UNDERPASS):
            return -1
        between = row + 1 if low else self._between(flow)
        enters = ("t", target)
        before = self._vertical[self._columns[target]]
        before.reach(enters, 2 * between, 2 * to_row + 1)
        before.right.setdefault(to_row, set()).add(enters)
        if low:
            leaves = 2 * self._columns[source] + 1
        else:
            leaves = 2 * (self._columns[source] + 1)
            behind.reach(net, 2 * row + 1, 2 * between)
            behind.left.setdefault(row, set()).add(net)
        self._horizontal[between].reach(enters, leaves, 2 * self._columns[target])
        return between

    def _between(self, flow: tuple[int, int, bool]) -> int:
        """Back above both ends; else next to the row of the target, on the side of the source."""
        source, target, _ = flow
        row, to_row = self._rows[source], self._rows[target]
        if self._columns[target] <= self._columns[source]:
            return min(row, to_row)
        return to_row if row < to_row else to_row + 1
