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
        "categoryValueRef",
        "completionCondition",
        "correlationSubscription",
        "dataInput",
        "dataInputAssociation",
        "dataObject",
        "dataObjectReference",
        "dataOutput",
        "dataOutputAssociation",
        "dataStoreReference",
        "group",
        "humanPerformer",
        "inputSet",
        "ioBinding",
        "ioSpecification",
        "laneSet",
        "monitoring",
        "outputSet",
        "performer",
        "potentialOwner",
        "property",
        "rendering",
        "resourceRole",
        "script",
        "supportedInterfaceRef",
        "supports",
        "text",
        "textAnnotation",
    }
)
HARMLESS = _HARMLESS | DECLARATIONS | OPAQUE
"""Inside of processes and flow nodes."""

_HARMLESS_AT_ROOT = frozenset(
    {
        "category",
        "collaboration",
        "conversation",
        "correlationProperty",
        "dataStore",
        "endPoint",
        "extension",
        "globalBusinessRuleTask",
        "globalConversation",
        "globalManualTask",
        "globalScriptTask",
        "globalTask",
        "globalUserTask",
        "import",
        "interface",
        "itemDefinition",
        "partnerEntity",
        "partnerRole",
        "relationship",
        "resource",
    }
)
HARMLESS_AT_ROOT = _HARMLESS_AT_ROOT | DECLARATIONS | OPAQUE
"""Beside processes."""
