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
