"""The examples for deployments say what is so: options, metrics and limits that they name exist, and fit together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Config
from app.config.table import OPTIONS
from app.gauges import gauges
from app.metrics import Metrics
from app.store import Facts
from app.store.facts import Files
from tests.test_health import FACTS, NODE, NOW

APP = Path(__file__).resolve().parent.parent / "app"
DEPLOY = APP / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
GUIDES = [APP / "guides" / name for name in ("deploying.md", "metrics-and-logs.md")]


def text(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def metrics() -> set[str]:
    """The names of all series there can be."""
    metrics = Metrics()
    metrics.request("lockJobs", 200, 0.001)
    metrics.command("LockJobs", 0.001)
    metrics.expired("job", 1)
    facts = Facts(active={"p": 1}, files=Files(path="", size=1, wal=1, free=1, disk=1), days=FACTS.days)
    exposed = metrics.text(lambda: gauges(facts, [NODE], NOW, NOW)).decode()
    return {re.split("[{ ]", line)[0] for line in exposed.splitlines() if not line.startswith("#")}


@pytest.mark.parametrize("path", [*FILES, *GUIDES], ids=lambda path: path.name)
def test_options_that_are_named_exist(path: Path):
    known = {name for option in OPTIONS for name in option.names}
    named = set(re.findall(r"\bBPMN_[A-Z_]*[A-Z]\b(?!\.\.\.|_)", path.read_text(encoding="utf-8")))
    assert named <= known


@pytest.mark.parametrize("path", [DEPLOY / "alerts.yaml", GUIDES[1]], ids=lambda path: path.name)
def test_metrics_that_are_named_exist(path: Path):
    named = set(re.findall(r"\bbpmn_[a-z_]+\b", path.read_text(encoding="utf-8"))) - {"bpmn_process_id"}
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in metrics()}
    assert named
    assert named <= metrics() | families


def test_the_guide_names_all_metrics():
    families = {re.sub("_(bucket|count|sum)$", "", name) for name in metrics()}
    guide = GUIDES[1].read_text(encoding="utf-8")
    assert {name for name in families if f"`{name}" not in guide} == set()


def test_every_alert_says_how_bad_it_is_and_what_is_so():
    groups = yaml.safe_load(text("alerts.yaml"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) > 5
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["expr"].count("(") == rule["expr"].count(")")


def seconds(value: str) -> float:
    found = re.fullmatch(r"([0-9]+)s?", value)
    assert found, value
    return float(found[1])


def test_the_proxy_waits_longer_than_the_service_and_keeps_connections_for_a_shorter_time():
    config, proxy = Config(), text("nginx.conf")

    def value(directive: str) -> str:
        found = re.search(rf"^\s*{directive} ([^;]+);", proxy, re.MULTILINE)
        assert found, directive
        return found[1]

    assert seconds(value("proxy_read_timeout")) > config.long_poll_max + config.transaction_timeout
    # The first one is that of the connections to the service.
    assert seconds(value("keepalive_timeout")) < config.http_keep_alive
    assert value("client_max_body_size") == "1m" and config.http_max_body == 1024 * 1024
    assert seconds(value("client_body_timeout")) <= config.http_request_timeout
    assert proxy.count("{") == proxy.count("}")


def stopping() -> float:
    return Config().shutdown_delay + Config().shutdown_grace


def test_the_unit_stops_the_service_in_no_less_time_than_it_may_take():
    unit = text("py-bpmn.service")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert seconds(settings["TimeoutStopSec"]) > stopping()
    assert settings["Type"] == "notify"
    assert settings["User"] == "py-bpmn"


def test_the_containers_have_what_they_refer_to():
    found: dict[str, Any] = yaml.safe_load(text("compose.yaml"))
    service = found["services"]["bpmn"]
    assert seconds(service["stop_grace_period"]) > stopping()
    assert (APP.parent / service["build"]["dockerfile"]).is_file()
    for each in found["services"].values():
        assert set(each["secrets"]) <= set(found["secrets"])
        for value in each["environment"].values():
            if value.startswith("/run/secrets/"):
                assert value.rpartition("/")[2] in each["secrets"]


def test_the_image_runs_as_a_user_without_rights_and_takes_in_what_a_build_needs():
    image = text("Containerfile")
    assert re.search(r"^USER 10001$", image, re.MULTILINE)
    taken = {line[1:] for line in text("Containerfile.dockerignore").splitlines() if line.startswith("!")}
    root = APP.parent
    assert {name for name in taken if not (root / name).exists()} == set()
    assert {"app", "alembic", "alembic.ini", "py_bpmn", "wsgi.py", "pyproject.toml", "README.md"} <= taken
