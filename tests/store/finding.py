"""How long operators wait for their answers: `make finding`.

Among 100,000 instances of 60 days, with a million element instances, a page of 50 takes 50 ms, and statistics of all of
them take 400 ms; medians, on a machine that does nothing else.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from app.config import Config
from app.criteria import Paging, StatisticsCriteria
from app.store import Store, migrate, open_store
from tests.databases import Databases
from tests.store import crowd
from tests.store.test_store_finding import ASKED, DAYS, LIMIT, NOW

PER_DAY = 1_667
MOST_OF_PAGE = 0.05
MOST_OF_STATISTICS = 0.4
EVERYTHING = StatisticsCriteria(process_ids=tuple(range(1, crowd.PROCESSES * crowd.VERSIONS + 1)))
TIMES = 9


def median(do: Callable[[], Any]) -> float:
    """Seconds."""
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measured(store: Store) -> dict[str, tuple[float, float]]:
    """What was taken, and what may be."""
    found = {}
    for name, (criteria, order, _) in ASKED.items():
        paging = Paging(limit=LIMIT, order=order, with_cursor=True)
        took = median(lambda criteria=criteria, paging=paging: store.page(criteria, NOW, paging))  # type: ignore[misc]
        found[name] = took, MOST_OF_PAGE
    found["statistics"] = median(lambda: store.statistics(EVERYTHING, NOW)), MOST_OF_STATISTICS
    return found


def main() -> int:
    databases = Databases(lambda url: migrate(Config(database_url=url)))
    slow = 0
    try:
        for kind in ("sqlite", "postgres"):
            with databases.fresh(kind) as url:
                crowd.fill(url, DAYS, PER_DAY)
                store = open_store(Config(database_url=url, query_timeout=30))
                for name, (took, most) in measured(store).items():
                    slow += took > most
                    print(f"{kind:8}  {name:40}  {took * 1000:7.1f} ms{'' if took <= most else '  too slow'}")
                store.close()
    finally:
        databases.stop()
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
