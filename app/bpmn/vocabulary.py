"""BPMN elements that are read for something else than the flow, or have no influence on the execution at all."""

from __future__ import annotations

DECLARATIONS = frozenset({"error", "escalation", "message", "signal"})

OPAQUE = frozenset({"BPMNDiagram", "choreography", "documentation", "extensionElements", "globalChoreographyTask"})
"""Content of these is never part of a process."""

_HARMLESS = frozenset(
    {
        "artifact",
        "association",
        "auditing",
        "category",
        "categoryValueRef",
        "collaboration",
        "completionCondition",
        "conversation",
        "correlationProperty",
        "correlationSubscription",
        "dataInput",
        "dataInputAssociation",
        "dataObject",
        "dataObjectReference",
        "dataOutput",
        "dataOutputAssociation",
        "dataState",
        "dataStore",
        "dataStoreReference",
        "endPoint",
        "extension",
        "flowNodeRef",
        "globalBusinessRuleTask",
        "globalConversation",
        "globalManualTask",
        "globalScriptTask",
        "globalTask",
        "globalUserTask",
        "group",
        "humanPerformer",
        "import",
        "inputSet",
        "interface",
        "ioBinding",
        "ioSpecification",
        "itemDefinition",
        "lane",
        "laneSet",
        "messageFlow",
        "monitoring",
        "outputSet",
        "participant",
        "partnerEntity",
        "partnerRole",
        "performer",
        "potentialOwner",
        "property",
        "relationship",
        "rendering",
        "resource",
        "resourceRole",
        "script",
        "supportedInterfaceRef",
        "supports",
        "text",
        "textAnnotation",
    }
)
HARMLESS = _HARMLESS | DECLARATIONS | OPAQUE
"""Beside processes, inside of them, and in flow nodes: not every tool puts each where it belongs."""

_ELSEWHERE = frozenset(
    {
        *(
            "assignment",
            "callConversation",
            "categoryValue",
            "childLaneSet",
            "choreographyRef",
            "conversationAssociation",
        ),
        *("conversationLink", "correlationKey", "dataInputRefs", "dataOutputRefs", "expression", "formalExpression"),
        *("globalCommunication", "inMessageRef", "interfaceRef", "ioSpecificationRef", "messageFlowAssociation"),
        *("operation", "operationRef", "outMessageRef", "participantAssociation", "participantMultiplicity"),
        *("participantRef", "partitionElement", "resourceAssignmentExpression", "resourceParameter"),
        *("resourceParameterBinding", "resourceRef", "subConversation", "transformation"),
    }
)
"""What BPMN has inside of harmless elements, and some tools write outside of them."""
_MEANT = frozenset({"activationCondition", "conditionExpression", "definitions", "eventDefinitionRef", "flowNode"})
_MEANT_ENDINGS = (
    *("activity", "characteristics", "choreography", "definition", "event", "flow", "flowelement", "gateway"),
    *("process", "task", "transaction"),
)


def is_standard(tag: str) -> bool:
    """Whether BPMN has a harmless element of that name."""
    return tag in HARMLESS or tag in _ELSEWHERE


def is_skipped(tag: str) -> bool:
    """Whether an element can be left out: what is no part of BPMN's has no influence unless it looks like a node."""
    return is_standard(tag) or (tag not in _MEANT and not tag.lower().endswith(_MEANT_ENDINGS))
