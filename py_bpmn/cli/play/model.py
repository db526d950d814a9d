"""What a BPMN file says about its processes, as far as one who walks through them has to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from py_bpmn._xml import Node, UnreadableError, decode, key_of, read, strays
from py_bpmn.errors import ConfigurationError

Thrown = Literal["error", "escalation"]
Sent = Literal["message", "signal"]


@dataclass(frozen=True, slots=True)
class Boundary:
    """A boundary event that catches errors or escalations."""

    host: str
    kind: Thrown
    code: str
    """Empty is any."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a file."""

    id: str
    xml: str
    file: Path
    several: bool
    """Whether the file has other executable processes, too."""
    flows: Sequence[tuple[str, str]]
    """From and to."""
    boundaries: Sequence[Boundary]
    scopes: Mapping[str, str]
    """The element that another one is in."""
    called: Mapping[str, str]
    """What a call activity calls."""
    labels: Mapping[tuple[str, str], str]
    """Names of flows."""
    started_by: Sequence[tuple[Sent, str]]
    """Messages and signals that start it, by their names; empty where nothing has to be sent."""

    def choices(self, gateway: str) -> list[str]:
        """Where flows of a gateway lead, each once."""
        return list(dict.fromkeys(to for source, to in self.flows if source == gateway))

    def caught(self, element: str, kind: Thrown) -> list[str]:
        """Codes that are caught when they come out of an element; empty is any."""
        found: list[str] = []
        at = element
        while at:
            found += [each.code for each in self.boundaries if each.host == at and each.kind == kind]
            at = self.scopes.get(at, "")
        return list(dict.fromkeys(found))


def read_file(path: Path) -> list[Process]:
    """The processes that can be executed, or all if none says so. Raises ConfigurationError."""
    try:
        xml = decode(path.read_bytes())
        root = read(xml)
    except OSError as error:
        raise ConfigurationError(f"can't read {path}: {error.strerror}") from None
    except UnreadableError as error:
        raise ConfigurationError(f"{path} can't be played: {error}") from None
    nodes = [node for node in root.children if node.tag == "process"]
    nodes = [node for node in nodes if node.is_true("isExecutable")] or nodes
    if not nodes:
        raise ConfigurationError(f"{path} can't be played: it has no process")
    names = {node.get("id"): node.get("name") for node in root.children if node.tag in ("message", "signal")}
    codes = {
        node.get("id"): node.get(f"{node.tag}Code") for node in root.children if node.tag in ("error", "escalation")
    }
    return [_process(root, node, xml, path, codes, names, len(nodes) > 1) for node in nodes]


def _process(
    whole: Node, root: Node, xml: str, file: Path, codes: Mapping[str, str], names: Mapping[str, str], several: bool
) -> Process:
    inner = [node for node in root.walk() if node is not root]
    drawn = [*inner, *strays(whole, root.get("id"), {node.get("id") for node in inner})]
    return Process(
        id=root.get("id"),
        xml=xml,
        file=file,
        several=several,
        flows=_flows(drawn),
        boundaries=list(_boundaries(root, codes)),
        scopes={child.get("id"): node.get("id") for node in inner for child in node.children},
        labels={
            (node.get("sourceRef"), node.get("targetRef")): node.get("name")
            for node in drawn
            if node.tag == "sequenceFlow" and node.get("name")
        },
        started_by=list(_triggers(root, names)),
        called={node.get("id"): _plain(node.get("calledElement")) for node in _all(root, "callActivity")},
    )


def _all(root: Node, tag: str) -> Iterator[Node]:
    return (node for node in root.walk() if node.tag == tag)


def _triggers(root: Node, names: Mapping[str, str]) -> Iterator[tuple[Sent, str]]:
    starts = [node for node in root.children if node.tag == "startEvent"]
    if not all(any(child.tag.endswith("EventDefinition") for child in node.children) for node in starts):
        return
    kinds: tuple[Sent, ...] = ("message", "signal")
    for node in starts:
        for kind in kinds:
            for definition in _definitions(node, kind):
                reference = definition.get(f"{kind}Ref")
                name = names.get(reference) or names.get(_plain(reference))
                if name:
                    yield kind, name


def _flows(drawn: Sequence[Node]) -> list[tuple[str, str]]:
    """Flows may be told by what they connect alone."""
    sources: dict[str, str] = {}
    targets: dict[str, str] = {}
    for node in drawn:
        if node.tag == "sequenceFlow":
            sources[key_of(node)], targets[key_of(node)] = node.get("sourceRef"), node.get("targetRef")
        for child in node.children:
            if child.tag in ("incoming", "outgoing"):
                ends = sources if child.tag == "outgoing" else targets
                ends.setdefault(child.text.strip(), node.get("id"))
    return [(source, targets[id]) for id, source in sources.items() if id in targets]


def _definitions(node: Node, kind: str) -> list[Node]:
    """An event may have several."""
    return [child for child in node.children if child.tag == f"{kind}EventDefinition"]


def _boundaries(root: Node, codes: Mapping[str, str]) -> Iterator[Boundary]:
    kinds: tuple[Thrown, ...] = ("error", "escalation")
    for node in _all(root, "boundaryEvent"):
        for kind in kinds:
            for definition in _definitions(node, kind):
                reference = definition.get(f"{kind}Ref")
                code = codes.get(reference, codes.get(_plain(reference), ""))
                yield Boundary(_plain(node.get("attachedToRef")), kind, code)


def _plain(reference: str) -> str:
    """Without the prefix of a namespace."""
    return reference.rpartition(":")[2]
