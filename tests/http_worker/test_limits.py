"""How many connections a process takes depends on how many files it may open."""

from __future__ import annotations

import resource

import pytest

from app.http_worker import worker


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limits of open files as they were set; the first are those of before."""
    limits = [(1024, 4096)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    return limits


def test_more_files_are_asked_for_where_they_are_needed(limits: list[tuple[int, int]]):
    assert worker._allowed(1000) == 1000
    assert limits[1:] == [(1000 + worker.SPARE_FILES, 4096)]


def test_what_is_enough_is_left_as_it_is(limits: list[tuple[int, int]]):
    assert worker._allowed(100) == 100
    assert limits[1:] == []


def test_fewer_connections_are_taken_where_the_system_allows_no_more(limits: list[tuple[int, int]]):
    assert worker._allowed(10_000) == 4096 - worker.SPARE_FILES
    assert limits[1:] == [(4096, 4096)]


@pytest.mark.parametrize("soft", [1024, resource.RLIM_INFINITY])
def test_a_system_without_a_limit_allows_all(limits: list[tuple[int, int]], soft: int):
    limits[:] = [(soft, resource.RLIM_INFINITY)]
    assert worker._allowed(10_000) == 10_000
