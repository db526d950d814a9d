"""A new type of element is a file of its own, a member, a row and a line, and nothing else."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BEHAVIOR = """
from app.engine.elements.base import Behavior
from app.engine.types import JobType


class EchoTask(Behavior):
    jobs = (JobType.EXECUTE,)

    def enter(self, run, token):
        run.wait(token)
        run.create_job(token, JobType.EXECUTE)

    def job_done(self, run, token, job, completion, retry_due):
        run.complete(token)
"""
ADDED = (
    ("bpmn/kinds.py", '    ERROR_BOUNDARY_EVENT = "ERROR_BOUNDARY_EVENT"\n', '    ECHO_TASK = "ECHO_TASK"\n'),
    ("bpmn/tags.py", '    "eventBasedGateway": T.EVENT_BASED_GATEWAY,\n', '    "echoTask": T.ECHO_TASK,\n'),
    (
        "engine/elements/__init__.py",
        "from app.engine.elements.error import",
        "from app.engine.elements.echo import EchoTask\n",
    ),
    (
        "engine/elements/__init__.py",
        "    ElementType.ERROR_BOUNDARY_EVENT: ",
        "    ElementType.ECHO_TASK: EchoTask(),\n",
    ),
)
"""File, what the line is put in front of, and the line."""
PLAY = """
from tests.flow import Kind
from tests.walk import Walk

walk = Walk("s -> echo -> e", echo=Kind("echoTask"))
assert walk.waiting_at == ["echo"], walk
walk.job("echo").done()
print(walk.instance.state)
"""


def test_a_type_of_element_is_added_by_a_file_a_member_a_row_and_a_line(tmp_path: Path):
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    (tmp_path / "app/engine/elements/echo.py").write_text(BEHAVIOR, encoding="utf-8")
    for name, before, line in ADDED:
        path = tmp_path / "app" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{before!r} in {name}"
        path.write_text(text.replace(before, line + before), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PLAY], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("COMPLETED\n", "")
