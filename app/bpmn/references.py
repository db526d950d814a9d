"""References of a file: they are QNames, ids with an optional prefix (BPMN 2.0.2, 15.3)."""

from __future__ import annotations

from collections.abc import Iterable

from app.bpmn.reader import WHITE_SPACE


class References:
    """Which ids the references of one file mean."""

    def __init__(self, ids: Iterable[str], prefixes: frozenset[str]) -> None:
        self._literal = {id for id in ids if ":" in id}
        self._literal_prefixes = {id.partition(":")[0] for id in self._literal} - prefixes

    def resolve(self, text: str) -> str:
        """The id that `text` refers to.

        White space around it doesn't count. A prefix is cut off if the file binds it to a namespace, or no id of the
        file begins with it; but an id that is written with a colon is that id.
        """
        reference = text.strip(WHITE_SPACE)
        prefix, _, local = reference.partition(":")
        if not local or reference in self._literal or prefix in self._literal_prefixes:
            return reference
        return local
