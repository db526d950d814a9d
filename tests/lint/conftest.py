from tests.client.conftest import bpmn

__all__ = ["bpmn"]
