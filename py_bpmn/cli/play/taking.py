"""Steps of a story that are taken where something is waited for, and the lines of a test that take the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from py_bpmn.cli.play.place import Position
from py_bpmn.cli.play.source import arguments, source
from py_bpmn.cli.play.words import STEPS, Unable, duration
from py_bpmn.testing.story import Called

INDENT = "    "


def take(position: Position, word: str, args: Sequence[str], variables: Mapping[str, Any]) -> list[str]:
    """One step of a story at an element, and the line of a test that does the same."""
    at = position.at
    said = f"{position.told.name}.at({source(position.id)})"
    kwargs = arguments(variables)
    quoted = [source(each) for each in args]
    match word:
        case "complete" if position.stub:
            stub = position.stub.story
            assert isinstance(stub, Called)
            stub.completes(variables)
            return [f"{position.stub.name}.completes({', '.join(kwargs)})"]
        case "complete":
            at.completes(variables)
            return [f"{said}.completes({', '.join(kwargs)})"]
        case "user":
            at.user_completes(variables)
            return [f"{said}.user_completes({', '.join(kwargs)})"]
        case "decide":
            at.decides(*args)
            return [f"{said}.decides({', '.join(quoted)})"]
        case "error" | "escalate":
            if position.stub:
                at, said = position.stub.story.at("task"), f'{position.stub.name}.at("task")'
            verb = "throws" if word == "error" else "escalates"
            getattr(at, verb)(only(args, word), variables)
            # The code comes first, then variables by position.
            return [f"{said}.{verb}({', '.join([*quoted, *kwargs])})"]
        case "fail":
            text = " ".join(args) or "failed"
            at.fails(text)
            return [f"{said}.fails({source(text)})", f"{position.told.name}.has_incident({source(position.id)})"]
        case "retry":
            _retry(position)
            story = position.told.name
            return [
                f"for incident in bpmn.client.incidents(partition={story}.partition, process_instance_id={story}.id):",
                f"{INDENT}if incident.bpmn_element_id == {source(position.id)}:",
                f"{INDENT * 2}bpmn.client.resolve(incident)",
                "bpmn.settle()",
            ]
        case "fire":
            at.fires()
            return [f"{said}.fires()"]
    return _answer(position, word, args)


def _answer(position: Position, word: str, args: Sequence[str]) -> list[str]:
    """What an event waits for."""
    at = position.at
    said = f"{position.told.name}.at({source(position.id)})"
    quoted = ", ".join(source(each) for each in args)
    match word:
        case "key":
            if not 1 <= len(args) <= 2:
                raise Unable(f"key is key {STEPS['key']}")
            at.correlates(*args)
            return [f"{said}.correlates({quoted})"]
        case "name":
            at.signals(only(args, word))
            return [f"{said}.signals({quoted})"]
        case "timer":
            by = duration(only(args, word))
            at.is_set(after=timedelta(**by))
            return [f"{said}.is_set(after=timedelta({', '.join(f'{unit}={n}' for unit, n in by.items())}))"]
        case "code":
            catches = position.waiting.bpmn_element_type.endswith("BOUNDARY_EVENT")
            is_error = position.waiting.job_type == "SET_ERROR_CODE"
            verb = "catches" if catches else "throws" if is_error else "escalates"
            getattr(at, verb)(*(args if catches else [only(args, word)]))
            return [f"{said}.{verb}({quoted})"]
    raise Unable(f"{word} can't be done at {position.label}")


def _retry(position: Position) -> None:
    story, number = position.told.story, position.waiting.incident_id
    assert number is not None, "it is an incident"
    story.bpmn.client.api.resolve_incident(partition=story.partition, id=number)
    story.bpmn.moved()


def only(args: Sequence[str], word: str) -> str:
    """The one argument of a step. Raises Unable."""
    if len(args) != 1:
        raise Unable(f"{word} is {word} {STEPS[word]}")
    return args[0]
