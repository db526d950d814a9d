"""Process and element variables: scopes, precedence, deletion, encryption."""

import base64
from contextlib import closing
from dataclasses import replace

import pytest

from app import criteria as c
from app.commands.base import CalledProcess, Data, VariableInput
from app.commands.instance import CreateProcessInstance
from app.commands.message import SendMessage
from app.commands.variable import GetElementVariables, GetProcessVariables, SetElementVariables, SetProcessVariables
from app.service import open_service
from tests.flow import USER, call, catch, flow, sub
from tests.story import Story, deploy, detail, run_tasks, send, signal, variables

LINE = flow("s -> t -> e")
NESTED = flow("s -> sp -> e", sp=sub("s2 -> t -> e2"))
KEYS = tuple(base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def secret(value="hidden"):
    return Data(encoding="text", value=value, encrypted=True)


def scoped(scope, name, value):
    return VariableInput(name=name, bpmn_element_id=scope, data=Data(encoding="text", value=value))


def at(story, element, own=False, names=None):
    """What a task sees, as (stored at, name, value)."""
    visit = story.visit(element)
    command = GetElementVariables(partition=visit.partition, id=visit.id, names=names, exclude_parent_variables=own)
    return [(v.bpmn_element_id, v.name, v.value) for v in story.service.execute(command)]


def set_at(story, element, *given, worker="w"):
    visit = story.visit(element)
    return SetElementVariables(partition=visit.partition, id=visit.id, worker_id=worker, variables=given)


def test_a_variable_is_updated_in_place(engine):
    story = Story.start(engine, LINE, variables=variables(v="1"))
    (before,) = story.query(c.VariableCriteria)
    story.clock_advances(hours=1).sets("x", v="2")
    (after,) = story.query(c.VariableCriteria)
    assert (after.id, after.created_at, after.created_by) == (before.id, before.created_at, "w")
    assert after.updated_by == "x"
    assert after.updated_at > before.updated_at
    assert story.variables() == {"v": "2"}


def test_a_variable_without_data_is_deleted_even_if_there_is_none(engine):
    story = Story.start(engine, LINE, variables=variables(a="1", b="2"))
    (before, _) = story.query(c.VariableCriteria)
    story.sets(a=None, missing=None)
    assert story.variables() == {"b": "2"}
    story.sets(a="3")
    assert before.id not in [v.id for v in story.query(c.VariableCriteria)]


def test_of_two_entries_with_one_name_the_first_wins(engine):
    story = Story.start(engine, LINE, variables=(*variables(v="first"), *variables(v="second")))
    assert story.variables() == {"v": "first"}
    both = (*variables(v=None), *variables(v="third"))
    engine.execute(SetProcessVariables(partition=story.partition, id=story.id, worker_id="w", variables=both))
    assert story.variables() == {}


FIRST = [
    pytest.param((*variables(v=None), *variables(v="too late")), {}, id="deleted"),
    pytest.param((*variables(v="kept"), *variables(v=None)), {"v": "kept"}, id="set"),
]
"""A deletion is an entry like any other."""


@pytest.mark.parametrize(("given", "left"), FIRST)
def test_the_first_entry_of_a_name_wins_in_a_completion(engine, given, left):
    story = Story.start(engine, flow("s -> t -> u -> e"), variables=variables(v="old"))
    story.job_completes("t", process_variables=given, element_variables=given)
    assert story.variables() == left
    assert at(story, "t", own=True) == [("t", name, value) for name, value in left.items()]


@pytest.mark.parametrize(("given", "left"), FIRST)
def test_the_first_entry_of_a_name_wins_in_a_message_and_in_a_signal(engine, given, left):
    caught = flow("s -> c -> d -> t -> e", c=catch("message:m"), d=catch("signal:g"))
    story = Story.start(engine, caught, variables=variables(v="old"))
    story.job_completes("c", message_correlation_key="k")
    send(engine, variables=given)
    story.tasks_run("DONE")
    assert story.variables() == left
    story.sets(v="old")
    signal(engine, variables=given)
    story.tasks_run("DONE")
    assert story.variables() == left


@pytest.mark.parametrize(("given", "left"), FIRST)
def test_the_first_entry_of_a_name_wins_in_a_new_and_in_a_called_instance(engine, given, left):
    deploy(engine, flow("s -> t -> e", process="ch"))
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch")), variables=given)
    assert story.variables() == left
    called = CalledProcess(bpmn_process_id="ch", version="1", variables=given)
    assert story.job_completes("ca", called_process=called).called().variables() == left


def test_the_first_entry_of_a_name_wins_however_its_scope_is_named(engine):
    story = Story.start(engine, LINE)
    gone = VariableInput(name="v", bpmn_element_id="t")
    engine.execute(set_at(story, "t", gone, scoped("", "v", "too late"), scoped("t", "w", "kept")))
    assert at(story, "t", own=True) == [("t", "w", "kept")]


def test_variables_are_sorted_by_name_and_filtered_by_names(engine):
    story = Story.start(engine, LINE, variables=variables(b="1", a="2", c="3"))
    assert list(story.variables()) == ["a", "b", "c"]
    command = GetProcessVariables(partition=story.partition, id=story.id, names=("c", "a", "no"))
    assert [v.name for v in engine.execute(command)] == ["a", "c"]


def test_a_task_sees_the_variables_of_the_scopes_around_it(engine):
    story = Story.start(engine, NESTED, variables=variables(v="process variable"))
    engine.execute(
        set_at(story, "t", scoped("", "v", "own"), scoped("sp", "v", "outer"), scoped("p", "w", "outermost"))
    )
    assert at(story, "t") == [("sp", "v", "outer"), ("t", "v", "own"), ("p", "w", "outermost")]
    assert at(story, "t", own=True) == [("t", "v", "own")]
    assert at(story, "t", names=("w",)) == [("p", "w", "outermost")]
    assert at(story, "sp") == [("sp", "v", "outer"), ("p", "w", "outermost")]
    assert story.variables() == {"v": "process variable"}


def test_a_job_writes_to_its_task_and_the_scopes_around_it(engine):
    story = Story.start(engine, NESTED)
    given = (scoped("", "a", "1"), scoped("sp", "b", "2"), scoped("t", "c", "3"))
    story.job_completes("t", element_variables=given).is_completed()
    assert at(story, "t") == [("t", "a", "1"), ("sp", "b", "2"), ("t", "c", "3")]


def test_an_unknown_scope_is_refused_and_nothing_is_stored(engine):
    story = Story.start(engine, NESTED)
    visit = story.visit("t")
    assert detail(engine, set_at(story, "t", scoped("", "a", "1"), scoped("e", "b", "2"), scoped("c", "b", "2"))) == (
        f"VALIDATION: element instance {visit.partition}/{visit.id} has no such scopes [c, e], but [p, sp, t]"
    )
    assert at(story, "t") == []


def test_a_job_with_an_unknown_scope_stays_locked(engine):
    story = Story.start(engine, NESTED)
    with pytest.raises(Exception, match="has no such scopes"):
        story.job_completes("t", element_variables=(scoped("no", "a", "1"),))
    story.shows("STARTED | J: 1 EXECUTE@5 LOCKED")


def test_element_variables_of_what_has_ended_stay_readable_and_cannot_be_set(engine):
    story = Story.start(engine, flow("s -> a -> b -> e"))
    story.job_completes("a", element_variables=variables(v="1"))
    assert at(story, "a") == [("a", "v", "1")]
    visit = story.visit("a")
    assert detail(engine, set_at(story, "a", *variables(v="2"))) == (
        f"CONFLICT: element instance {visit.partition}/{visit.id} is ended"
    )
    story.job_completes("b")
    assert detail(engine, set_at(story, "b")) == f"CONFLICT: process instance {story.partition}/{story.id} is ended"
    assert at(story, "a") == [("a", "v", "1")]


@pytest.mark.parametrize("command", [GetProcessVariables, GetElementVariables])
def test_variables_of_something_unknown_are_not_found(engine, command):
    story = Story.start(engine, LINE)
    assert detail(engine, command(partition=story.partition, id=999999)).startswith("NOT_FOUND: ")


def test_element_variables_can_be_deleted(engine):
    story = Story.start(engine, NESTED)
    engine.execute(set_at(story, "t", scoped("", "a", "1"), scoped("sp", "a", "2")))
    engine.execute(set_at(story, "t", VariableInput(name="a", bpmn_element_id="sp")))
    assert at(story, "t") == [("t", "a", "1")]


def test_a_called_instance_shares_nothing_with_its_caller(engine):
    deploy(engine, flow("s -> t -> e", process="ch"))
    story = Story.start(engine, flow("s -> ca -> e", ca=call("ch")), variables=variables(v="1"))
    child = story.job_completes("ca", element_variables=variables(w="2")).called()
    assert (child.variables(), at(child, "t")) == ({}, [])


@pytest.fixture
def with_keys(config, clock):
    with closing(open_service(replace(config, encryption_keys=KEYS), clock)) as service:
        yield service


def test_an_encrypted_variable_is_read_in_clear_and_stored_otherwise(with_keys):
    story = Story.start(with_keys, LINE, variables=variables(v=secret()))
    command = GetProcessVariables(partition=story.partition, id=story.id)
    (shown,) = with_keys.execute(command)
    assert (shown.value, shown.encrypted) == ("hidden", True)
    (stored,) = story.query(c.VariableCriteria)
    assert stored.encrypted
    assert "hidden" not in stored.value


def test_every_way_to_write_a_variable_encrypts(with_keys):
    deploy(with_keys, flow("s -> t -> e", process="ch"))
    model = flow("s -> t -> u -> c -> ca -> e", u=USER, c=catch("message:m"), ca=call("ch"))
    story = Story.start(with_keys, model, variables=variables(v1=secret()))
    story.sets(v2=secret()).job_completes("t", process_variables=variables(v3=secret()))
    story.user_task_updates(completed=True, process_variables=variables(v4=secret()))
    story.job_completes("c", message_correlation_key="k")
    send(with_keys, variables=variables(v5=secret()))
    run_tasks(with_keys)
    called = CalledProcess(variables=variables(v6=secret()))
    child = story.job_completes("ca", called_process=called).called()
    assert story.variables() == dict.fromkeys(("v1", "v2", "v3", "v4", "v5"), "hidden")
    assert child.variables() == {"v6": "hidden"}
    stored = story.query(c.VariableCriteria) + child.query(c.VariableCriteria)
    assert len(stored) == 6
    assert all(v.encrypted and "hidden" not in v.value for v in stored)


def test_an_old_key_still_decrypts_after_a_new_one_was_put_before_it(config, clock):
    with closing(open_service(replace(config, encryption_keys=KEYS[1:]), clock)) as old:
        story = Story.start(old, LINE, variables=variables(v=secret()))
    with closing(open_service(replace(config, encryption_keys=KEYS), clock)) as both:
        assert Story(both, story.created).variables() == {"v": "hidden"}


def test_without_a_key_nothing_encrypted_is_written(engine):
    deploy(engine, LINE)
    given = variables(v=secret())
    refused = "VALIDATION: an encrypted variable needs an encryption key, but none is configured"
    create = CreateProcessInstance(bpmn_process_id="p", version="1", worker_id="w", variables=given)
    assert detail(engine, create) == refused
    message = SendMessage(name="m", correlation_key="k", worker_id="w", variables=given)
    assert detail(engine, message) == refused
    assert engine.query(c.ProcessInstanceCriteria()) == []
    assert engine.query(c.MessageCriteria()) == []


def test_without_a_key_an_encrypted_variable_is_not_readable(config, clock):
    with closing(open_service(replace(config, encryption_keys=KEYS), clock)) as keyed:
        story = Story.start(keyed, LINE, variables=variables(v=secret(), w="plain"))
    command = GetProcessVariables(partition=story.partition, id=story.id)
    with closing(open_service(config, clock)) as bare:
        assert detail(bare, command) == "UNKNOWN: variable v can't be decrypted: no encryption key is configured"
        assert [v.value for v in bare.execute(replace(command, names=("w",)))] == ["plain"]
