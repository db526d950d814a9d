"""XML text -> tree of BPMN nodes. Knows nothing about BPMN but its namespace and the name of the root.

The text is decoded already: a declared encoding is ignored and a byte order mark accepted. Document types, entities
and external references are refused by defusedxml, whose parser is set up here to call back without a detour: a file
may have a hundred thousand elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from app.bpmn.substitution import concrete
from app.bpmn.tags import is_executed
from app.bpmn.vocabulary import OPAQUE
from app.errors import EngineError, invalid_model

WHITE_SPACE = " \t\r\n"
"""As XML has it."""

TOPIC = "http://camunda.org/schema/1.0/bpmn}topic"
"""An attribute that says which workers a task is for."""
TASK_DEFINITION = "http://camunda.org/schema/zeebe/1.0}taskDefinition"
"""The element that does so elsewhere, by its attribute `type`; it is one of the `extensionElements`."""

_OMG = "omg.org/"
"""What is in the namespaces of all versions of BPMN, and of its diagrams."""
_MOST_STRANGERS = 100
"""How many elements of another namespace are told of."""

OWN = "urn:py-bpmn"
"""The namespace of attributes of our own."""
_CAMUNDA = "http://camunda.org/schema/1.0/bpmn}"
_ZEEBE = "http://camunda.org/schema/zeebe/1.0}"
VARIABLES = ("errorCodeVariable", "errorMessageVariable", "escalationCodeVariable")
"""Attributes that mean the same in each namespace."""
_ATTRIBUTES: Mapping[str, str] = {
    **{f"{OWN}}}{name}": name for name in ("correlationKey", "outVariables", "variables")},
    **{
        f"{_CAMUNDA}{name}": f"camunda:{name}"
        for name in ("calledElementBinding", "calledElementVersion", "collection", "elementVariable")
    },
}
_EXTENSIONS: Mapping[str, str] = {
    **{f"{_CAMUNDA}{name}": f"camunda:{name}" for name in ("in", "inputOutput", "out")},
    **{
        f"{_ZEEBE}{name}": f"zeebe:{name}"
        for name in ("calledElement", "ioMapping", "loopCharacteristics", "subscription")
    },
}
"""What is kept of other namespaces, by the name that it is kept under."""

_NOTHING: Sequence[Any] = ()
_NO_NAMES: Mapping[str, str] = MappingProxyType({})


class Place(NamedTuple):
    """Where something begins in a file; both are counted from 1."""

    line: int
    column: int


NOWHERE = Place(0, 0)


class XmlNode:
    """An element in the namespace of the root, with its attributes that have no namespace, or this one."""

    __slots__ = ("attributes", "children", "column", "extensions", "foreign", "line", "tag", "task_type", "text")

    def __init__(self, tag: str, line: int, column: int, attributes: dict[str, str]) -> None:
        self.tag = tag
        """The local name."""
        self.line = line
        self.column = column
        """Of the bracket, counted from 1."""
        self.attributes = attributes
        self.children: Sequence[XmlNode] = _NOTHING
        self.text = ""
        """The text directly in the element, without white space around it."""
        self.task_type = ""
        """What workers a task is for, as the extensions of common tools say it."""
        self.foreign = _NO_NAMES
        """Attributes of other namespaces that may count: our own ones by their names."""
        self.extensions: Sequence[tuple[str, Mapping[str, str]]] = _NOTHING
        """Elements of its `extensionElements` that may count, by their names, with their attributes."""

    @property
    def place(self) -> Place:
        return Place(self.line, self.column)

    def get(self, attribute: str) -> str:
        """The attribute as it is written; empty where there is none."""
        return self.attributes.get(attribute, "")

    def extension(self, name: str) -> Mapping[str, str]:
        """The attributes of the first extension of that name; empty where there is none."""
        return next((attributes for kept, attributes in self.extensions if kept == name), _NO_NAMES)

    def token(self, attribute: str) -> str:
        """The attribute without white space around it, as XML Schema reads everything but strings."""
        return self.attributes.get(attribute, "").strip(WHITE_SPACE)

    def walk(self, *, opaque: frozenset[str] = frozenset()) -> Iterator[XmlNode]:
        """The node and everything below it in document order, without the content of `opaque` elements."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            if node.children and node.tag not in opaque:
                pending.extend(reversed(node.children))


@dataclass(slots=True, eq=False)
class Document:
    root: XmlNode
    prefixes: frozenset[str] = field(default_factory=frozenset)
    """Prefixes that are bound to a namespace somewhere in the file."""
    strangers: Sequence[tuple[str, Place]] = ()
    """The first elements that would count in the namespace of the root, but have none, or another one of the OMG's.

    Those in extensions and documentation are left out.
    """


def read(xml: str) -> Document:
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
        collector.feed(text)
    except ParseError as error:
        raise _syntax_error(error, seen_root=collector.root is not None) from error
    except DefusedXmlException as error:
        what = "document types, entities and external references are not allowed"
        raise invalid_xml(what, collector.place()) from error
    except UnicodeEncodeError as error:
        raise invalid_xml(f"failed to decode XML: character {error.start + 1} is a lone surrogate") from error
    if collector.root is None or collector.root.tag != "definitions":
        raise invalid_xml("no definitions found", collector.root.place if collector.root else NOWHERE)
    return Document(collector.root, frozenset(collector.prefixes), collector.strangers)


def invalid_xml(reason: str, place: tuple[int, int] = NOWHERE) -> EngineError:
    error = invalid_model(f"BPMN XML is invalid: {reason}")
    error.place = place
    return error


def unqualified(attributes: dict[str, Any], namespace: str) -> dict[str, Any]:
    """The attributes, of which those that repeat the namespace of their element are no foreign ones."""
    found = {key: value for key, value in attributes.items() if not key.startswith(namespace)}
    for key, value in attributes.items():
        if key.startswith(namespace):
            found.setdefault(key.removeprefix(namespace), value)
    return found


def _kept(attributes: dict[str, str]) -> dict[str, str]:
    """The attributes of other namespaces that may count, by the names they are kept under."""
    found: dict[str, str] = {}
    for key, value in attributes.items():
        namespace, _, name = key.rpartition("}")
        kept = _ATTRIBUTES.get(key, "")
        if not kept and namespace and name in VARIABLES:
            kept = name if namespace == OWN else f"foreign:{name}"
        if kept:
            found[kept] = value.strip(WHITE_SPACE)
    return found


def _check_declaration(version: str, encoding: str | None, standalone: int) -> None:
    if version != "1.0":
        raise invalid_xml(f"XML version {version} is not supported")


def _syntax_error(error: ParseError, *, seen_root: bool) -> EngineError:
    line, column = error.position
    reason = str(error).partition(": line ")[0]
    if reason == "no element found":
        if not seen_root:
            return invalid_xml("no definitions found", (line, column + 1))
        reason = "unclosed element"
    return invalid_xml(f"failed to decode XML: {reason} (line {line}, column {column + 1})", (line, column + 1))


class _Collector:
    """Builds the tree, whose depth never meets the recursion limit."""

    def __init__(self) -> None:
        self.root: XmlNode | None = None
        self.prefixes: set[str] = set()
        self.strangers: list[tuple[str, Place]] = []
        self._strange: set[str] = set()
        """Names with namespace of what may be in `strangers`."""
        self._namespace = ""
        self._tags: dict[str, str] = {}
        """Local name by name with namespace, of what has been met; empty for what is foreign."""
        self._open: list[XmlNode] = []
        self._texts: list[str] = []
        self._foreign_depth = 0
        parser = DefusedXMLParser(target=self, forbid_dtd=True)
        self._parser = parser
        self._expat: Any = parser.parser
        self._expat.ordered_attributes = False
        self._expat.buffer_text = True
        self._expat.buffer_size = 65536
        self._expat.XmlDeclHandler = _check_declaration
        self._expat.StartNamespaceDeclHandler = self._declare
        # It would be called for comments and the like; entities that it could expand can't be declared.
        self._expat.DefaultHandlerExpand = None
        self._listen()

    def place(self) -> Place:
        """Of what is being read."""
        return Place(self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 1)

    def feed(self, text: str) -> None:
        try:
            self._parser.feed(text)
            self._parser.close()
        finally:
            # The parser refers to this object and back; without that the tree goes away with its last user.
            self._expat.StartElementHandler = self._expat.EndElementHandler = None
            self._expat.StartNamespaceDeclHandler = self._expat.CharacterDataHandler = None

    def _listen(self) -> None:
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._texts.append

    def _skip(self) -> None:
        self._foreign_depth = 1
        self._expat.StartElementHandler = self._start_foreign
        self._expat.EndElementHandler = self._end_foreign
        self._expat.CharacterDataHandler = None

    def _declare(self, prefix: str | None, _uri: str | None) -> None:
        if prefix:
            self.prefixes.add(prefix)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = self._tags.get(name)
        if tag is None:
            tag = self._tags[name] = self._local(name)
        if self._texts:
            self._take_text()
        if not tag:
            if len(self._open) > 1 and self._open[-1].tag == "extensionElements":
                self._extend(self._open[-2], name, attributes)
            elif name in self._strange and self._open[-1].tag not in OPAQUE and len(self.strangers) < _MOST_STRANGERS:
                self.strangers.append((name.rpartition("}")[2], self.place()))
            self._skip()
            return
        node = XmlNode(tag, self._expat.CurrentLineNumber, self._expat.CurrentColumnNumber + 1, attributes)
        for key in attributes:
            if "}" in key:
                node.tag = concrete(tag, attributes)
                own = unqualified(attributes, f"{self._namespace}}}") if self._namespace else attributes
                node.attributes = {key: value for key, value in own.items() if "}" not in key}
                node.task_type = attributes.get(TOPIC, "").strip(WHITE_SPACE)
                node.foreign = _kept(attributes) or _NO_NAMES
                break
        if self._open:
            parent = self._open[-1]
            if parent.children is _NOTHING:
                parent.children = [node]
            else:
                parent.children.append(node)  # type: ignore[attr-defined] # a list once it isn't empty
        else:
            self.root = node
        self._open.append(node)

    def _extend(self, owner: XmlNode, name: str, attributes: dict[str, str]) -> None:
        """Keeps one of the `extensionElements` of a node, if it may count."""
        if name == TASK_DEFINITION:
            owner.task_type = attributes.get("type", "").strip(WHITE_SPACE)
        elif name in _EXTENSIONS:
            found = _EXTENSIONS[name], {key: value.strip(WHITE_SPACE) for key, value in attributes.items()}
            if owner.extensions is _NOTHING:
                owner.extensions = [found]
            else:
                owner.extensions.append(found)  # type: ignore[attr-defined] # as below

    def _local(self, name: str) -> str:
        namespace, _, tag = name.rpartition("}")
        if self.root is None:
            self._namespace = namespace
        if namespace == self._namespace:
            return tag
        if is_executed(tag) and (not namespace or _OMG in namespace):
            # It may have been meant for BPMN, but has lost its namespace, or has that of another version.
            self._strange.add(name)
        return ""

    def _end(self, _name: str) -> None:
        if self._texts:
            self._take_text()
        self._open.pop()

    def _take_text(self) -> None:
        """Gives what was read since the last tag to the element around it."""
        text = "".join(self._texts)
        self._texts.clear()
        if self._open and not text.isspace():
            node = self._open[-1]
            node.text = (node.text + text).strip(WHITE_SPACE)

    def _start_foreign(self, _name: str, _attributes: dict[str, str]) -> None:
        self._foreign_depth += 1

    def _end_foreign(self, _name: str) -> None:
        self._foreign_depth -= 1
        if not self._foreign_depth:
            self._listen()

    def close(self) -> None:
        """Part of the parser's protocol; the caller takes `root`."""
