"""Texts of a file that give a decision or a value."""

from __future__ import annotations

from app.bpmn.model import MAX_EXPRESSION_LENGTH, Element, Expression
from app.bpmn.problems import object_to
from app.bpmn.reader import XmlNode


def read_expression(element: Element, node: XmlNode | None) -> Expression | None:
    """What a child of an element says; None where there is no child, or no text in it."""
    if node is None or not node.text:
        return None
    if len(node.text) > MAX_EXPRESSION_LENGTH:
        what = f"{node.tag} of element {element.id} is longer than {MAX_EXPRESSION_LENGTH} characters"
        object_to(element, what, node.place)
    return Expression(node.text[:MAX_EXPRESSION_LENGTH], node.token("language"), *node.place)
