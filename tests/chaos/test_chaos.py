"""The short form of `make chaos`: each time something else breaks, and the output says how to have it again."""

from __future__ import annotations

import secrets

import pytest

from tests.chaos.run import play

SECONDS = 45.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
def test_services_and_a_database_that_are_killed_at_random_lose_nothing_and_do_nothing_twice(kind: str):
    """At rest nothing is locked, every acknowledged request took effect once, and every other one at most once.

    Workers die, forget what they have locked and come too late, and none of them ever unlocks a job.
    """
    seed = secrets.randbelow(2**32)
    report = play(kind, SECONDS, seed)
    print(report)
    again = f"python -m tests.chaos --database {kind} --seconds {SECONDS:g} --seed {seed}"
    assert not report.violations, f"{report}\n{again}"
    assert report.instances and sum(report.faults.values()) > 2, f"{report}: too little has happened"
