"""Standard streams as a command finds them: some are closed, and some take nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from errno import EBADF
from typing import Any, TextIO

FAILED = 1


class Watched:
    """Standard output that remembers what was in its way, which tells that from any other problem with a file."""

    def __init__(self, stream: TextIO) -> None:
        self.failure: OSError | None = None
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self.failure = error
            raise

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self.failure = error
            raise

    def conclude(self) -> int:
        """Tells what was in its way, if it was not a reader who has had enough, and returns the exit code."""
        if self.failure is None:
            return 0
        # What is left would be tried again at the exit.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        if isinstance(self.failure, BrokenPipeError):
            return 0
        reason = "it is closed" if self.failure.errno == EBADF else self.failure.strerror
        print(f"error: standard output can't be written: {reason}", file=sys.stderr)
        return FAILED


@contextmanager
def standard_streams() -> Iterator[Watched]:
    """Standard output as it is watched, with files in the place of closed streams.

    Nothing comes from a closed input, what is told to a closed standard error is lost, and writing to a closed output
    fails.
    """
    before = sys.stdin, sys.stdout, sys.stderr
    with ExitStack() as opened:

        def stand_in(flags: int, mode: str) -> Any:
            # Also keeps the number from a file or a connection, which would get what is written to the stream.
            return opened.enter_context(open(os.open(os.devnull, flags), mode))

        sys.stdin = sys.stdin or stand_in(os.O_RDONLY, "r")
        # Not open for writing: results that nobody can get are a problem, as on a disk that is full.
        output = Watched(sys.stdout or stand_in(os.O_RDONLY, "w"))
        sys.stdout = output
        sys.stderr = sys.stderr or stand_in(os.O_WRONLY, "w")
        try:
            yield output
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
