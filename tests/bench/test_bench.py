"""The benchmark measures what it says: each scenario is played for a moment, and what it compares is right."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bench import __main__ as bench
from tests.bench.compare import Change, Figure, changes
from tests.bench.count import count
from tests.bench.fill import copy
from tests.bench.generator import run
from tests.bench.growth import grow, steep
from tests.bench.load import SCENARIOS, Answer, Failed, create, deploy, play, prepare, service
from tests.bench.measure import knows, loads, memory, starts
from tests.bench.process import cpu_seconds, memory_mib
from tests.bench.retention import keep_up, verdict
from tests.bench.serve import AUTHORIZATION, serving
from tests.bench.storm import storm
from tests.bench.waiting import beside, pick_up
from tests.databases import Databases

kinds = pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=getattr(pytest.mark, kind)) for kind in ("sqlite", "postgres")]
)
ALWAYS = [name for name, scenario in SCENARIOS.items() if not scenario.optional]


@kinds
def test_each_scenario_is_played_by_several_clients(databases: Databases, kind: str):
    with databases.fresh(kind) as url, serving(url) as served:
        connection = served.connect()
        for scenario in SCENARIOS.values():
            if not knows(connection, scenario):
                continue
            stage = prepare(connection.ask, scenario)
            if scenario.open_jobs:
                copy(url, create(connection.ask, stage.process, "bench"), 300)
            load = run(served.port, AUTHORIZATION, scenario, stage, clients=2, units=6)
            assert load.failures == []
            assert load.units >= 6
            assert not load.drained
            assert len(load.unit_seconds) >= 2
            assert load.requests == sum(len(taken) for taken in load.request_seconds.values())
        connection.close()
        assert cpu_seconds(served.pid) > 0
        assert memory_mib(served.pid)["rss"] > 0


@kinds
def test_a_copied_instance_goes_on_like_any_other(databases: Databases, kind: str):
    with databases.fresh(kind) as url, serving(url) as served:
        connection = served.connect()
        process = deploy(connection.ask, "one-task")
        instance = create(connection.ask, process, "bench")
        before = date.fromisoformat(instance["partition"]) - timedelta(days=1)
        assert copy(url, instance, 3) == copy(url, instance, 3, before)
        found: list[Answer] = connection.ask("query", "POST", "/process-instances/query", {})["results"]
        assert {each["partition"] for each in found} == {instance["partition"], before.isoformat()}
        assert len(found) == 7
        drained = run(
            served.port, AUTHORIZATION, SCENARIOS["lock-batch"], prepare(connection.ask, SCENARIOS["lock-batch"])
        )
        assert (drained.units, drained.drained, drained.failures) == (7, True, [])
        found = connection.ask("query", "POST", "/process-instances/query", {})["results"]
        assert {each["state"] for each in found} == {"COMPLETED"}
        new = create(connection.ask, process, "bench")
        assert new["id"] > max(each["id"] for each in found if each["partition"] == new["partition"])
        connection.close()


@kinds
def test_statements_are_counted_for_each_request_of_a_turn(databases: Databases, kind: str):
    with databases.fresh(kind) as url:
        counts = count(url)
    assert {name: {operation: len(each) for operation, each in found.items()} for name, found in counts.items()} == {
        "service": {"create": 1, "lock": 1, "complete": 1},
        "parallel": {"create": 1, "lock": 1, "complete": 2, "execute": 1},
        "message": {"create": 1, "lock": 1, "complete": 1, "message": 1, "execute": 1},
        "query": {"query": 1, "query elements": 1},
        **{name: {counts[name].popitem()[0]: 1} for name in counts.keys() & {"batch-start"}},
    }
    requests = [each for found in counts.values() for requests in found.values() for each in requests]
    assert all(each["statements"] for each in requests)
    assert all((each["round_trips"] is None) is (kind == "sqlite") for each in requests)


def test_a_request_that_is_refused_fails_the_turn():
    def ask(operation: str, *_: Any) -> Answer:
        if operation == "lock":
            return {"jobs": [{"partition": "2026-11-23", "id": 1}]}
        return {"state": "CANCELED", "id": 1}

    with pytest.raises(Failed, match="CANCELED"):
        play(
            ask,
            service(prepare(lambda *_: {"bpmnProcessId": "a", "version": "1", "id": 1}, SCENARIOS["service"]), "me"),
        )


@pytest.mark.sqlite
def test_a_client_that_fails_is_told_and_ends_its_part_only(databases: Databases):
    with databases.fresh("sqlite") as url, serving(url) as served:
        connection = served.connect()
        stage = prepare(connection.ask, SCENARIOS["service"])
        connection.close()
        stage.process = {**stage.process, "version": "unknown"}
        load = run(served.port, AUTHORIZATION, SCENARIOS["service"], stage, clients=3, units=1)
        assert [failure.partition(" {")[0] for failure in load.failures] == ["create: 404"] * 3
        assert load.units == 0


@kinds
def test_growth_is_told_against_an_empty_database(databases: Databases, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.bench.growth.TIMERS", 30)
    monkeypatch.setattr("tests.bench.growth.KNOWN", 20)
    monkeypatch.setattr("tests.bench.load.KNOWN", 5)
    lines = grow(databases, kind, (110, 220), (2,), 4, 1)
    assert [line["state"] for line in lines] == ["110 rows", "220 rows", "2 days", "30 timers"]
    for line in lines:
        assert line["failures"] == []
        assert set(line["operations"]) == {"create", "lock", "complete", "query by id"}
        # So few requests may take less than what CPU is counted in.
        assert all(each["cpu_ratio"] >= 0 and each["time_ratio"] > 0 for each in line["operations"].values())


@pytest.mark.sqlite
def test_starts_loads_and_memory_have_their_figures(databases: Databases):
    found = starts(databases, "sqlite", 1)["rounds"]
    assert all(found[0][name] > 0 for name in ("seconds", "cpu_ms", "speed_ms"))
    [line] = loads(databases, "sqlite", SCENARIOS["query"], (1,), 0.05, BPMN_HTTP_THREADS="1")
    assert line["failures"] == []
    assert line["rate"] > 0 and line["cpu_ms"]["service"] > 0 and line["p99_ms"] >= line["p50_ms"] > 0
    kept = memory(databases, "sqlite", 5, 30.0)
    assert kept["instances"] >= 5
    assert kept["after"]["pss"] > 0 and kept["failures"] == []


@pytest.mark.sqlite
def test_a_storm_has_its_figures(databases: Databases):
    with databases.fresh("sqlite") as url:
        found = storm(url, timers=60, clients=1, idle_seconds=0.2)
    assert found["timers"] == 60
    assert found["cpu_ms"]["service"] > 0
    assert found["idle"]["requests"] > 0


def test_what_takes_more_than_when_empty_is_said():
    flat = {"cpu_ratio": 1.1, "time_ratio": 1.2}
    line = {"state": "5 days", "operations": {"create": flat, "lock": {"cpu_ratio": 1.0, "time_ratio": 1.5}}}
    assert steep(line) == ["lock takes 1.50 times as much with 5 days"]


def load_line(**figures: list[float]) -> dict[str, Any]:
    rounds = [
        {"rate": rate, "cpu_ms": {"service": cpu}, "speed_ms": speed, "failures": []}
        for rate, cpu, speed in zip(figures["rate"], figures["cpu"], figures["speed"], strict=True)
    ]
    return {"scenario": "service", "unit": "instance", "clients": 1, "rounds": rounds}


def result(**figures: list[float]) -> dict[str, Any]:
    start = {"seconds": 0.5, "cpu_ms": 500.0, "speed_ms": 10.0, "memory_mib": {"pss": 80.0, "rss": 60.0}}
    counts = {"service": {"create": [{"statements": 4, "transaction": 2, "round_trips": 2}]}}
    growth = {"state": "5 days", "operations": {"lock": {"cpu_ratios": [1.0, 1.1, 1.2]}}, "failures": []}
    part = {
        "settings": {},
        "loads": [load_line(**figures)],
        "counts": counts,
        "starts": {"rounds": [start, dict(start)]},
        "memory": {"instances": 10, "before": {"pss": 70.0}, "after": {"pss": 80.0}},
        "storm": {},
        "growth": [growth],
    }
    return {"databases": {"sqlite": part}}


STEADY = {"rate": [100.0, 101.0, 99.0], "cpu": [4.0, 4.1, 3.9], "speed": [10.0, 10.0, 10.0]}
CPU = "sqlite, service, 1 clients: CPU of the service"
TIME = "sqlite, service, 1 clients: time per unit"


class TestComparing:
    def real(self, before: dict[str, Any], after: dict[str, Any]) -> dict[str, float]:
        return {change.name: round(change.ratio, 2) for change in changes(before, after) if change.is_real}

    def test_the_same_has_not_changed(self):
        assert self.real(result(**STEADY), result(**STEADY)) == {}

    def test_what_takes_more_or_less_is_told_the_worst_first(self):
        after = result(**STEADY | {"rate": [50.0, 50.5, 49.5], "cpu": [2.0, 2.0, 2.0]})
        found = self.real(result(**STEADY), after)
        assert list(found.items()) == [(TIME, 2.0), (CPU, 0.5)]

    def test_a_slower_machine_is_no_slower_service(self):
        after = result(rate=[50.0, 50.5, 49.5], cpu=[8.0, 8.2, 7.8], speed=[20.0, 20.0, 20.0])
        assert self.real(result(**STEADY), after) == {}

    def test_rounds_that_differ_widely_hide_a_change(self):
        after = result(**STEADY | {"cpu": [3.0, 5.2, 7.0]})
        assert CPU not in self.real(result(**STEADY), after)

    def test_one_more_statement_is_told(self):
        after = result(**STEADY)
        after["databases"]["sqlite"]["counts"]["service"]["create"][0]["statements"] = 5
        assert self.real(result(**STEADY), after) == {"sqlite, service, create: statements": 1.25}

    def test_what_only_one_of_them_has_is_left_out(self):
        before, after = result(**STEADY), result(**STEADY)
        del before["databases"]["sqlite"]["loads"][0]
        after["databases"]["postgres"] = deepcopy(after["databases"]["sqlite"])
        after["databases"]["sqlite"] |= {"starts": {"rounds": []}, "memory": {}, "growth": []}
        names = {change.name for change in changes(before, after)}
        assert names == {"sqlite, service, create: statements", "sqlite, service, create: round trips"}

    def test_a_bound_is_broken_by_what_is_worse_and_no_noise(self):
        assert Change("a", 1.3, 0.1).is_worse_than(1.25)
        assert not Change("a", 1.2, 0.1).is_worse_than(1.25)
        assert not Change("a", 1.3, 0.4).is_worse_than(1.25)
        assert not Change("a", 0.5, 0.1).is_worse_than(1.25)

    def test_one_round_is_known_less_well_than_two(self):
        one, two = Figure.of([1.0]), Figure.of([1.0, 1.0])
        assert one is not None and two is not None
        assert one.noise > two.noise > 0
        assert Figure.of([]) is None


def test_the_matrix_of_threads_and_all_figures_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Whatever is measured has its line; nothing is measured here."""
    moment = {
        "clients": 1, "units": 10, "rate": 100.0, "cpu_ms": {"service": 4.0}, "requests_per_unit": 3.0,
        "generator_ms": 0.1, "generator_share": 0.1, "p50_ms": 1.0, "p99_ms": 2.0, "speed_ms": 10.0,
        "memory_mib": {"pss": 80.0, "rss": 60.0}, "request_ms": {}, "drained": True, "failures": [],
    }  # fmt: skip
    operation = {"cpu_ms": 1.0, "p50_ms": 2.0, "cpu_ratio": 1.4, "time_ratio": 1.0, "cpu_ratios": [1.4]}
    start = {"rounds": [{"seconds": 0.5, "cpu_ms": 500.0, "speed_ms": 10.0, "memory_mib": {"pss": 70.0, "rss": 60.0}}]}
    kept = {"instances": 10, "before": {"pss": 71.0, "rss": 1.0}, "after": {"pss": 72.0, "rss": 1.0}, "failures": []}
    grown = [{"state": "5 days", "operations": {"lock": operation}, "failures": []}]
    monkeypatch.setattr(bench, "loads", lambda *_, **__: [moment])
    monkeypatch.setattr(bench, "starts", lambda *_: start)
    monkeypatch.setattr(bench, "memory", lambda *_: kept)
    monkeypatch.setattr(bench, "grow", lambda *_: grown)
    monkeypatch.setattr(
        bench, "count", lambda _: {"query": {"query": [{"statements": 1, "transaction": 0, "trips": 1}]}}
    )
    assert bench.main(["--databases", "sqlite"]) == 0
    shown = capsys.readouterr().out
    for text in ("100*", "500 ms of CPU", "71 MiB, 72 MiB after 10", "1.00 (1.40 x)", "not flat: lock takes 1.40"):
        assert text in shown
    assert bench.main(["--databases", "sqlite", "--defaults", "--scenarios", "query"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines() if " query " in line] == [
        "1",
        "2",
        "4",
        "8",
    ]


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def measured(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What is said to be measured; nothing is."""
        found = result(**STEADY)
        found["databases"]["sqlite"] |= {"growth": [], "memory": {}}
        found["databases"]["sqlite"]["loads"] = []
        monkeypatch.setattr(bench, "_bench", lambda *_: found)
        return found

    def test_all_figures_are_written(self, tmp_path: Path, measured: dict[str, Any]):
        assert bench.main(["--json", str(tmp_path / "a.json")]) == 0
        assert json.loads((tmp_path / "a.json").read_text()) == measured

    def test_the_same_as_before_is_fine(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = tmp_path / "a.json"
        bench.main(["--json", str(file)])
        assert bench.main(["--compare", str(file)]) == 0
        assert "0 differ beyond the noise" in capsys.readouterr().out

    def test_more_than_the_bound_fails(
        self, tmp_path: Path, measured: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ):
        before = deepcopy(measured)
        for start in before["databases"]["sqlite"]["starts"]["rounds"]:
            start["cpu_ms"] /= 2
        (tmp_path / "a.json").write_text(json.dumps(before))
        assert bench.main(["--compare", str(tmp_path / "a.json")]) == 1
        assert "slower  2.00 x  (noise 10%)  sqlite: CPU of a start  (too much)" in capsys.readouterr().out
        assert bench.main(["--compare", str(tmp_path / "a.json"), "--bound", "3"]) == 0

    def test_a_failed_request_fails_the_run(self, measured: dict[str, Any], capsys: pytest.CaptureFixture[str]):
        measured["databases"]["sqlite"]["memory"] = {
            "instances": 0,
            "before": {"pss": 1.0, "rss": 1.0},
            "after": {"pss": 1.0, "rss": 1.0},
            "failures": ["create: 500"],
        }
        assert bench.main([]) == 1
        assert "failed: create: 500" in capsys.readouterr().err


@kinds
def test_workers_that_wait_get_each_job_once_and_ask_about_as_often_as_there_are_jobs(databases: Databases, kind: str):
    with databases.fresh(kind) as url:
        found = pick_up(url, workers=3, jobs=8, learn_seconds=0, wait_seconds=2)
    assert (found["jobs"], found["picked_up"], found["more_than_once"]) == (8, 8, 0)
    # In the end each of them gets nothing, or did so while the service started.
    assert found["requests"] <= 8 + 2 * 3
    assert 0 <= found["ms"]["p50"] <= found["ms"]["p99"] <= found["ms"]["max"]


@pytest.mark.sqlite
def test_what_others_wait_is_measured_while_many_wait_and_while_nobody_does(databases: Databases):
    with databases.fresh("sqlite") as url:
        found = beside(url, waiting=4, creates=5, wait_seconds=1)
    assert found["waiting"] == 4
    # Each has waited, and not been answered at once.
    assert found["requests"] <= 2 * 4
    assert set(found["alone_ms"]) == set(found["crowded_ms"]) == {"p50", "p99", "max"}


@kinds
def test_ended_instances_are_deleted_while_clients_go_on(databases: Databases, kind: str):
    with databases.fresh(kind) as url:
        found = keep_up(url, seconds=1.0, rounds=1, clients=2, backlog=200)
    assert found["failures"] == []
    assert found["deleted"] == 200 - found["left"] > 0
    assert found["ended"] > 0
    assert len(found["calm"]) == len(found["deleting"]) == 1


def test_deletion_is_judged_by_what_it_keeps_up_with_and_what_it_costs():
    good = {"calm": [100.0, 90.0], "deleting": [80.0, 80.0], "deleted": 10, "ended": 9, "left": 5, "failures": []}
    assert verdict(good, 1.3) == []
    assert verdict(good | {"deleted": 8, "left": 0}, 1.3) == []
    assert verdict(good | {"deleted": 8}, 1.3) == ["8 instances were deleted while 9 ended"]
    assert len(verdict(good | {"deleting": [70.0], "failures": ["create: 500"]}, 1.3)) == 2
