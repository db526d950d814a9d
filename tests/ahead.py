"""What the engine executes and the parser is about to read."""

import pytest

from app.bpmn import parser, tags
from app.bpmn.expressions import read_expression
from app.bpmn.process_reader import ProcessReader

EXECUTED = {"adHocSubProcess", "instantiating eventBasedGateway"}


class ReadingAhead(ProcessReader):
    def __init__(self, node, file):
        self._root_node = node
        super().__init__(node, file)

    def finish(self):
        super().finish()
        for node in self._root_node.walk():
            if node.tag == "adHocSubProcess":
                element = self._by_id[node.token("id")]
                element.sequential = node.token("ordering") == "Sequential"
                element.cancel_remaining = node.token("cancelRemainingInstances") != "false"
                condition = next((child for child in node.children if child.tag == "completionCondition"), None)
                element.condition = read_expression(element, condition)


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "NOT_YET", tags.NOT_YET - EXECUTED)
    monkeypatch.setattr(parser, "ProcessReader", ReadingAhead)
