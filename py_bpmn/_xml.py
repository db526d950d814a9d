"""Reads the XML of a BPMN file. Document types, and with them entities, are refused: files come from anywhere."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from xml.parsers import expat

from py_bpmn.errors import BpmnClientError

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


_MOST_OF_TEXT = 10_000
"""What is beyond is not needed by anyone, but for the rest of its piece."""


class UnreadableError(BpmnClientError):
    """The text is no XML, or more than XML should be."""


@dataclass(slots=True, eq=False)
class Node:
    """An element with the attributes that have no namespace, or repeat that of the element."""

    namespace: str
    tag: str
    """The local name."""
    attributes: dict[str, str]
    line: int
    """Where its bracket is, like `column` counted from 1."""
    column: int
    children: list[Node] = field(default_factory=list)
    text: str = ""
    """The text before the first child."""

    def get(self, name: str) -> str:
        """The attribute without white space around it; empty where there is none."""
        return self.attributes.get(name, "").strip()

    def is_true(self, name: str) -> bool:
        """Whether an attribute says so; where there is none, neither this nor `is_false` is true."""
        return self.get(name) in ("true", "1")

    def is_false(self, name: str) -> bool:
        return self.get(name) in ("false", "0")

    def walk(self) -> Iterator[Node]:
        """The node and all below it, in document order."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.children))

    def first(self, tag: str) -> Node | None:
        return next((child for child in self.children if child.tag == tag), None)


_ABSTRACT = ("artifact", "eventDefinition", "flowElement", "loopCharacteristics", "resourceRole", "rootElement")
_DERIVED = {
    "subProcess": ("adHocSubProcess", "transaction"),
    "task": tuple(f"{kind}Task" for kind in ("businessRule", "manual", "receive", "script", "send", "service", "user")),
}
"""What elements may be, beside what their names say."""
_TYPE = "http://www.w3.org/2001/XMLSchema-instance}type"
_DECLARED = re.compile(rb"""^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BEGINNINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
"""Byte order marks, and declarations of two bytes a character; the longer ones first that begin with a shorter one."""

_ALIASES = {"windows-31j": "cp932", "windows-874": "cp874"}
"""Names that IANA has registered, but Python may not know."""


def decode(raw: bytes) -> str:
    """The text of a file, by its byte order mark or declaration, as the service reads it. Raises UnreadableError."""
    encoding = next((name for beginning, name in _BEGINNINGS if raw.startswith(beginning)), "")
    if not encoding:
        declared = _DECLARED.match(raw)
        encoding = declared[1].decode() if declared else "utf-8"
        encoding = _ALIASES.get(encoding.lower(), encoding)
        if encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
            # The declaration itself is read as something else.
            encoding = "utf-8"
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except (LookupError, UnicodeError) as error:
        raise UnreadableError(f"the XML can't be decoded: {error}") from None


def read(xml: str | bytes) -> Node:
    """The root element. Raises UnreadableError."""
    content = xml.removeprefix("\ufeff") if isinstance(xml, str) else decode(xml)
    # A declared encoding was that of the file, and may be one that the parser does not know.
    parser = expat.ParserCreate("utf-8", "}")
    root: list[Node] = []
    open_nodes: list[Node] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition("}")
        own = _own(attributes, namespace)
        node = Node(
            namespace, _concrete(tag, attributes), own, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1
        )
        (open_nodes[-1].children if open_nodes else root).append(node)
        open_nodes.append(node)

    def text(data: str) -> None:
        if open_nodes and not open_nodes[-1].children and len(open_nodes[-1].text) < _MOST_OF_TEXT:
            open_nodes[-1].text += data

    def refuse(*_: object) -> None:
        raise UnreadableError("the XML has a document type, which is not allowed in BPMN files: take it out")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_nodes.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content.encode(errors="replace"), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise UnreadableError(f"the XML is broken: {reason} (line {error.lineno}, column {error.offset + 1})") from None
    return root[0]


def _concrete(tag: str, attributes: dict[str, str]) -> str:
    """The name of what an element is to the service: `<flowElement xsi:type="tTask"/>` is a `task`."""
    derived = _DERIVED.get(tag, ())
    type = attributes.get(_TYPE, "").strip().rpartition(":")[2]
    if type[:1] != "t" or len(type) == 1 or not (derived or tag in _ABSTRACT):
        return tag
    meant = type[1].lower() + type[2:]
    return meant if not derived or meant in derived else tag


def _own(attributes: dict[str, str], namespace: str) -> dict[str, str]:
    """The attributes that are the element's own, as the service reads them: a prefix may repeat its namespace."""
    own = {key: value for key, value in attributes.items() if "}" not in key}
    if namespace and len(own) < len(attributes):
        for key, value in attributes.items():
            if key.startswith(f"{namespace}}}"):
                own.setdefault(key.removeprefix(f"{namespace}}}"), value)
    return own


def key_of(flow: Node) -> str:
    """The id of a sequence flow, or else its place: ids may be missing (BPMN 2.0.2, 8.3.1)."""
    return flow.get("id") or f"{flow.line}:{flow.column}"


def strays(root: Node, process: str, inside: Set[str]) -> Iterator[Node]:
    """The flows between elements of a process, whose ids are `inside`, that the file draws in another process."""
    others = [each for each in root.children if each.tag == "process" and each.get("id") != process]
    nodes = [node for each in others for node in each.walk() if node.namespace == root.namespace]
    elsewhere = {node.get("id") for node in nodes}
    for node in (node for node in nodes if node.tag == "sequenceFlow"):
        ends = {node.get(end).rpartition(":")[2] for end in ("sourceRef", "targetRef")}
        if ends <= inside and ends.isdisjoint(elsewhere):
            yield node
