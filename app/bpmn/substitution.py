"""Elements that stand for others: `<flowElement xsi:type="tTask"/>` is the same as `<task/>` (XML Schema, 2.6.1)."""

from __future__ import annotations

from collections.abc import Mapping

_ABSTRACT = frozenset(
    {"artifact", "eventDefinition", "flowElement", "loopCharacteristics", "resourceRole", "rootElement"}
)
_DERIVED: Mapping[str, frozenset[str]] = {
    "subProcess": frozenset({"adHocSubProcess", "transaction"}),
    "task": frozenset(
        {
            *("businessRuleTask", "manualTask", "receiveTask", "scriptTask", "sendTask", "serviceTask"),
            "userTask",
        }
    ),
}
"""What elements may be, beside what their names say."""
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_EXPAT_TYPE = _TYPE[1:]
"""As the parser writes it that is called back without a detour."""


def concrete(tag: str, attributes: Mapping[str, str]) -> str:
    """The name of the element that one with that name and these attributes is."""
    derived = _DERIVED.get(tag)
    if derived is None and tag not in _ABSTRACT:
        return tag
    type = (attributes.get(_EXPAT_TYPE) or attributes.get(_TYPE, "")).strip().rpartition(":")[2]
    meant = type[1:2].lower() + type[2:] if type[:1] == "t" and len(type) > 1 else tag
    return meant if derived is None or meant in derived else tag
