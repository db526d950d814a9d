"""XML text -> tree of BPMN nodes. Knows nothing about BPMN but its namespace and the name of the root.

The text is decoded already: a declared encoding is ignored and a byte order mark accepted. Document types, entities
and external references are refused by defusedxml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.errors import EngineError, invalid_model


@dataclass(slots=True, eq=False)
class XmlNode:
    """An element in the namespace of the root, with its attributes that have no namespace."""

    tag: str
    """The local name."""
    line: int
    attributes: dict[str, str]
    children: list[XmlNode] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The text directly in the element, whitespace included."""
        return "".join(self.texts)

    def get(self, attribute: str) -> str:
        return self.attributes.get(attribute, "")

    def walk(self, *, opaque: frozenset[str] = frozenset()) -> Iterator[XmlNode]:
        """The node and everything below it in document order, without the content of `opaque` elements."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            if node.tag not in opaque:
                pending.extend(reversed(node.children))


def read(xml: str) -> XmlNode:
    """The `definitions` element with all BPMN elements in it; foreign elements are left out with their content.

    Raises EngineError (PROCESS_MODEL) for whatever is no such document; a syntax error is told by line and column.
    """
    text = xml.removeprefix("\ufeff")
    if not text:
        raise invalid_xml("XML is empty")
    if "<" not in text:
        raise invalid_xml("no definitions found")
    collector = _Collector()
    try:
        _feed(collector, text)
    except ParseError as error:
        raise _syntax_error(error, seen_root=collector.root is not None) from error
    except DefusedXmlException as error:
        raise invalid_xml("document types, entities and external references are not allowed") from error
    except UnicodeEncodeError as error:
        raise invalid_xml(f"failed to decode XML: character {error.start + 1} is a lone surrogate") from error
    if collector.root is None or collector.root.tag != "definitions":
        raise invalid_xml("no definitions found")
    return collector.root


def invalid_xml(reason: str) -> EngineError:
    return invalid_model(f"BPMN XML is invalid: {reason}")


def _feed(collector: _Collector, text: str) -> None:
    parser = DefusedXMLParser(target=collector, forbid_dtd=True)
    collector.expat = parser.parser
    collector.expat.XmlDeclHandler = _check_declaration
    parser.feed(text)
    parser.close()


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if version != "1.0":
        raise invalid_xml(f"XML version {version} is not supported")


def _syntax_error(error: ParseError, *, seen_root: bool) -> EngineError:
    line, column = error.position
    reason = str(error).partition(": line ")[0]
    if reason == "no element found":
        if not seen_root:
            return invalid_xml("no definitions found")
        reason = "unclosed element"
    return invalid_xml(f"failed to decode XML: {reason} (line {line}, column {column + 1})")


class _Collector:
    """Target of the XML parser: builds the tree, whose depth never meets the recursion limit."""

    def __init__(self) -> None:
        self.root: XmlNode | None = None
        self.expat: Any = None
        self._namespace = ""
        self._open: list[XmlNode] = []
        self._foreign_depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, tag = name.rpartition("}")
        if self.root is None:
            self._namespace = namespace
        elif self._foreign_depth or namespace != self._namespace:
            self._foreign_depth += 1
            return
        own = {key: value for key, value in attributes.items() if not key.startswith("{")}
        node = XmlNode(tag, self.expat.CurrentLineNumber, own)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def data(self, text: str) -> None:
        if self._open and not self._foreign_depth:
            self._open[-1].texts.append(text)

    def end(self, name: str) -> None:
        if self._foreign_depth:
            self._foreign_depth -= 1
        else:
            self._open.pop()

    def close(self) -> None:
        """Part of the parser's protocol; the caller takes `root`."""
