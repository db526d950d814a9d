"""`python -m contacts.load FILE`: starts an instance for each line of a CSV file with the columns name and mail."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable

from py_bpmn import Client, ProblemError, Start


def load(bpmn: Client, lines: Iterable[str]) -> tuple[int, list[str]]:
    """How many were started, and why others were not. A file that is loaded again starts what is not open already."""
    rows = list(csv.DictReader(lines))
    starts = (Start(process="contact", key=row["mail"], unique=True, variables=row) for row in rows)
    results = list(bpmn.start_many(starts))
    problems = [str(result) for result in results if isinstance(result, ProblemError)]
    return len(results) - len(problems), problems


def main() -> int:
    with Client() as bpmn, open(sys.argv[1], encoding="utf-8", newline="") as file:
        started, problems = load(bpmn, file)
    print(f"{started} started")
    print(*problems, sep="\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
