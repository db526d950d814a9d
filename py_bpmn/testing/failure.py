"""What is left of a test that has failed: a page with the diagrams of its instances, all in one file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from py_bpmn.svg import DrawingError, draw
from py_bpmn.testing import words
from py_bpmn.testing.coverage import Covered, Model

if TYPE_CHECKING:
    from py_bpmn.testing.kit import Bpmn
    from py_bpmn.testing.story import Story

FOLDER = "bpmn-failures"
LONGEST_NAME = 150
MOST_STORIES = 20
"""Of one test that are drawn, the last ones."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
_STYLE = """
body { font: 15px/1.5 sans-serif; margin: 2em; overflow-wrap: anywhere }
pre { background: #f4f4f4; padding: 1em; white-space: pre-wrap }
"""


def write_page(test: str, sentence: str, kit: Bpmn, root: Path) -> Path:
    """Writes it into a folder below `root`, by the name of the test, and answers where it is."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / f"{_UNSAFE.sub('-', test).strip('-.')[-LONGEST_NAME:]}.html"
    path.write_text("".join(_page(test, sentence, kit)), encoding="utf-8")
    return path


def _page(test: str, sentence: str, kit: Bpmn) -> Iterator[str]:
    yield f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(test)}</title>'
    yield f"<style>{_STYLE}</style></head>\n<body><h1>{escape(test)}</h1><pre>{escape(sentence)}</pre>"
    for story in kit.stories[-MOST_STORIES:]:
        instance = story.instance
        name, *lines = words.timeline(f"{story.process} {story.ref} {story.standing()}", instance.history())
        text = "\n".join(lines)
        yield f"<h2>{escape(name)}</h2>{_diagram(story, instance.data.process_id)}<pre>{escape(text)}</pre>"
    yield "</body></html>\n"


def _diagram(story: Story, process_id: int) -> str:
    covered = Covered(Model(story.process, story.bpmn.client.api.get_diagram(id=process_id)))
    covered.add(story.visits())
    try:
        return draw(covered.model.diagram, taken_flows=set(covered.taken), visits=covered.visits, title=story.process)
    except DrawingError as error:
        return f"<p>{escape(str(error))}</p>"
