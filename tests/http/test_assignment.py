"""User tasks that a model gives to somebody are tagged with it from the start, and are claimed by an update."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.models import between
from tests.http.talk import Api, key, of

ZEEBE = 'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"'
CAMUNDA = 'xmlns:camunda="http://camunda.org/schema/1.0/bpmn"'


def user_task(attributes: str = "", extension: str = "") -> str:
    inside = f"<extensionElements>{extension}</extensionElements>" if extension else ""
    return f'<userTask id="u" {attributes}>{inside}</userTask>'


def waiting(api: Api, task: str) -> Any:
    """The user task of a new instance."""
    api.deploy(between(task, "u"))
    (found,) = api.query("user-tasks", **of(api.start()))
    return found


@pytest.mark.parametrize(
    ("task", "tags"),
    [
        (user_task(), {}),
        (
            user_task(f'{CAMUNDA} camunda:assignee="ann" camunda:candidateGroups="sales"'),
            {"assignee": "ann", "group": "sales"},
        ),
        (user_task(ZEEBE, '<zeebe:assignmentDefinition candidateGroups="sales"/>'), {"group": "sales"}),
        (user_task(ZEEBE, '<zeebe:assignmentDefinition assignee="=user" candidateGroups="a,b"/>'), {}),
        (user_task('xmlns:x="urn:x" x:assignee="ann"'), {}),
    ],
)
def test_literals_of_the_model_are_the_tags_of_a_new_user_task(api: Api, task: str, tags: dict[str, str]):
    found = waiting(api, task)
    assert {tag["name"]: tag["value"] for tag in found.get("tags", [])} == tags
    for name, value in tags.items():
        assert api.query("user-tasks", tags=[{"name": name, "value": value}]) == [found]
    assert api.query("user-tasks", tags=[{"name": "group", "value": "other"}]) == []


def test_who_claims_a_user_task_first_has_it(api: Api):
    task = waiting(api, user_task(f'{CAMUNDA} camunda:candidateGroups="sales"'))
    claim = {"revision": task["revision"], "tags": [{"name": "assignee", "value": "ann"}], "workerId": "ann"}
    claimed = api.patch(f"/user-tasks/{key(task)}", **claim)
    assert [tag["value"] for tag in claimed["tags"]] == ["ann", "sales"]
    late = api.send("PATCH", f"/user-tasks/{key(task)}", {**claim, "workerId": "bob"})
    assert late.problem[:2] == (409, "CONFLICT")
    given_back = {"revision": claimed["revision"], "tags": [{"name": "assignee", "value": ""}], "workerId": "ann"}
    assert [tag["name"] for tag in api.patch(f"/user-tasks/{key(task)}", **given_back)["tags"]] == ["group"]
