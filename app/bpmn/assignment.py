"""To whom a model gives a user task, as tags of the task: `assignee` and `group`."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.bpmn.reader import Place

MOST_OF_TAG_VALUE = 1000
_EXPRESSIONS = ("${", "#{")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an extension says, each empty where it says nothing."""

    element_id: str
    prefix: str
    place: Place
    assignee: str = ""
    groups: str = ""
    users: str = ""


@dataclass(frozen=True, slots=True)
class AssignmentTags:
    tags: dict[str, str] = field(default_factory=dict)
    is_complete: bool = True
    """Whether the tags say all that the assignment does."""


def literal_tags(assignment: Assignment) -> AssignmentTags:
    """The tags of an assignment: its assignee and its only group, where these are literals."""
    assignee, groups = assignment.assignee.strip(), assignment.groups.strip()
    found = {}
    if _is_literal(assignee):
        found["assignee"] = assignee
    if _is_literal(groups) and "," not in groups:
        found["group"] = groups
    wanted = bool(assignee) + bool(groups) + bool(assignment.users.strip())
    return AssignmentTags(found, len(found) == wanted)


def _is_literal(text: str) -> bool:
    is_expression = text.startswith("=") or any(mark in text for mark in _EXPRESSIONS)
    return bool(text) and not is_expression and len(text) <= MOST_OF_TAG_VALUE
