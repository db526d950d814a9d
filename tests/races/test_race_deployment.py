"""Deployments at the same moment: one version is one process, one start name belongs to one process."""

from __future__ import annotations

from functools import partial

from app.clock import SystemClock
from app.config import Config
from app.criteria import ProcessCriteria
from app.errors import EngineError, ErrorKind
from app.service import Service, open_service
from tests.store import play
from tests.store.database import require_sound, rows, value
from tests.store.play import model
from tests.store.together import failures, in_processes, in_threads

ROUNDS = 10
STARTS = """
    SELECT message_name, count(*) FROM event_definition
    WHERE bpmn_element_type = 'MESSAGE_START_EVENT' AND NOT suspended GROUP BY message_name HAVING count(*) > 1"""


def message_start(process_id: str, name: str = "ordered") -> str:
    return play.MESSAGE_START.replace('<process id="p"', f'<process id="{process_id}"').replace("ordered", name)


def test_the_same_version_from_several_is_one_process(config: Config, service: Service, other: Service):
    for number in range(ROUNDS):
        deploying = [partial(play.deploy, each, version=str(number)) for each in (service, other, service, other)]
        found = in_threads(*deploying)
        assert failures(found) == []
        assert len({process.id for process in found}) == 1
    assert len(service.query(ProcessCriteria())) == ROUNDS
    assert value(config.database_url, "SELECT count(*) FROM element") == ROUNDS * 4


def test_of_two_models_for_one_version_one_is_refused(service: Service, other: Service):
    for number in range(ROUNDS):
        outcomes = in_threads(
            partial(play.deploy, service, model("start -> a -> end"), version=str(number)),
            partial(play.deploy, other, model("start -> b -> end"), version=str(number)),
        )
        (refused,) = failures(outcomes)
        assert isinstance(refused, EngineError) and refused.kind is ErrorKind.CONFLICT


def test_of_two_processes_with_one_start_message_one_is_refused(config: Config, service: Service, other: Service):
    for number in range(ROUNDS):
        outcomes = in_threads(
            *(
                partial(play.deploy, each, message_start(f"{name}{number}", f"n{number}"))
                for name, each in (("p", service), ("q", other))
            )
        )
        (refused,) = failures(outcomes)
        assert isinstance(refused, EngineError) and refused.kind is ErrorKind.VALIDATION
        assert [cause.type for cause in refused.causes] == ["message_event"]
    assert rows(config.database_url, STARTS) == []


def deploy_one(url: str, process_id: str) -> str:
    """VALIDATION, or the id of the process that was deployed."""
    service = open_service(Config(database_url=url), SystemClock())
    try:
        return play.deploy(service, message_start(process_id)).bpmn_process_id
    except EngineError as error:
        return str(error.kind)
    finally:
        service.close()


def test_one_start_message_goes_to_one_of_several_service_processes(config: Config, service: Service):
    url = config.database_url
    outcomes = in_processes(deploy_one, [(url, process_id) for process_id in ("p", "q", "r")])
    assert sorted(outcomes)[:2] == ["VALIDATION", "VALIDATION"]
    assert rows(url, "SELECT bpmn_process_id FROM process") == [(sorted(outcomes)[2],)]


def test_of_versions_that_are_deployed_at_once_the_start_events_of_one_are_in_force(
    config: Config, service: Service, other: Service
):
    for number in range(ROUNDS):
        deploying = [
            partial(play.deploy, each, message_start("p"), version=f"{number}.{name}")
            for name, each in (("a", service), ("b", other))
        ]
        assert failures(in_threads(*deploying)) == []
        assert rows(config.database_url, STARTS) == []
        play.send(service, "ordered")
    play.run_events(service)
    assert value(config.database_url, "SELECT count(*) FROM process_instance") == ROUNDS
    require_sound(config.database_url)
