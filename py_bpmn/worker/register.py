"""What happens before the first job: processes are deployed, and their handlers compared with what they ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from xml.etree import ElementTree

from py_bpmn._operations import Element
from py_bpmn._operations import Process as Deployed
from py_bpmn._xml import UnreadableError, decode, read
from py_bpmn.client import Client, read_bpmn, version_of
from py_bpmn.errors import ConfigurationError, ProblemError, Unavailable
from py_bpmn.worker.asked import Drawn, asked_for, drawn
from py_bpmn.worker.process import KINDS, Process
from py_bpmn.worker.wanted import Kind

Deploy = bool | Literal["check"]
"""Whether files are deployed, or just have to be, or are not looked at."""


@dataclass(slots=True)
class Registered:
    """What is known of the processes."""

    processes: dict[int, str] = field(default_factory=dict)
    """BPMN process ids by the ids of deployed versions."""
    strangers: list[Kind] = field(default_factory=list)
    """Jobs that are asked for, and that no handler does."""


def register(client: Client, processes: Iterable[Process], deploy: Deploy = True) -> Registered:
    """Raises ConfigurationError with all mistakes at once, and Unavailable when the service can't be asked."""
    found = Registered()
    mistakes: list[str] = []
    for process in processes:
        try:
            deployed, xml = _deployed(client, process, deploy)
            file = drawn(read(xml), process.id)
        except Unavailable:
            raise
        except (ConfigurationError, ProblemError, UnreadableError, ElementTree.ParseError) as error:
            mistakes.append(f"{process.id}: {error}")
            continue
        found.processes[deployed.id] = process.id
        elements = list(client.each(client.api.query_elements, process_id=deployed.id))
        _compare(process, deployed, elements, file, found, mistakes)
    if mistakes:
        number = "a mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        raise ConfigurationError("\n".join([f"the worker can't start, because of {number}:", *mistakes]))
    return found


def _deployed(client: Client, process: Process, deploy: Deploy) -> tuple[Deployed, str]:
    """The version that counts, with its XML."""
    if process.bpmn is not None and deploy is True:
        deployed = client.deploy(
            process.bpmn, version=process.version, process=process.id, expressions=process.expressions
        )
        return deployed, decode(read_bpmn(process.bpmn))
    known: list[Deployed] = list(client.each(client.api.query_processes, bpmn_process_id=process.id))
    if not known:
        raise ConfigurationError("no version is deployed")
    newest = max(known, key=lambda each: each.id)
    if process.bpmn is None or deploy is False:
        wanted = next((each for each in known if each.version == process.version), None)
        if process.version is not None and wanted is None:
            raise ConfigurationError(f"version {process.version} is not deployed; the newest one is {newest.version}")
        counts = wanted or newest
        return counts, client.api.get_bpmn_xml(id=counts.id)
    file = read_bpmn(process.bpmn)
    xml = decode(file)
    version = process.version or version_of(file)
    for each in known:
        if each.version == version:
            if ElementTree.canonicalize(client.api.get_bpmn_xml(id=each.id)) != ElementTree.canonicalize(xml):
                raise ConfigurationError(f"version {version} is deployed with another file than {process.bpmn}")
            return each, xml
    raise ConfigurationError(f"{process.bpmn} is not deployed; the newest version is {newest.version}")


def _compare(
    process: Process,
    deployed: Deployed,
    elements: list[Element],
    file: Mapping[str, Drawn],
    found: Registered,
    mistakes: list[str],
) -> None:
    evaluates = deployed.expressions == "ENGINE"
    asked = {
        each.bpmn_element_id: asked_for(each, file.get(each.bpmn_element_id, Drawn()), evaluates=evaluates)
        for each in elements
    }
    types = {each.bpmn_element_id: each.bpmn_element_type for each in elements}
    for handler in process.handlers:
        try:
            _ = handler.parameters
        except ConfigurationError as error:
            mistakes.append(str(error))
        wanted = asked.get(handler.element)
        if wanted is None:
            near = _near(handler.element, [element for element, types in asked.items() if types.all])
            mistakes.append(f"{process.id}: {handler.label}: version {deployed.version} has no such element{near}")
        elif not wanted.all:
            mistakes.append(f"{process.id}: {handler.label}: {types[handler.element]} asks for no job")
        elif handler.kind.types and not set(handler.kind.types) & set(wanted.all):
            those = _decorators(wanted.all)
            mistakes.append(f"{process.id}: {handler.label}: {types[handler.element]} asks for {those}")
    undone = []
    for element, wanted in asked.items():
        found.strangers += [
            (process.id, element, type) for type in wanted.all if process.handler(element, type) is None
        ]
        missing = [type for type in wanted.surely if process.handler(element, type) is None]
        if missing and not process.partial:
            undone.append(f"{process.id}: nobody does {element}: {_decorators(missing, element)} is missing")
    mistakes += undone
    if undone and process.expressions == "ENGINE" and not evaluates:
        mistakes.append(
            f"{process.id}: version {deployed.version} was deployed before with expressions WORKER, and keeps that; "
            "another version can have ENGINE"
        )


def _decorators(types: Iterable[str], element: str = "") -> str:
    named = [kind.name for type in types for kind in KINDS.values() if type in kind.types]
    return " and ".join(f'@{name}("{element}")' if element else name for name in named)


def _near(element: str, others: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(element, others, n=1)
    return f"; is it {found[0]}?" if found else ""
