"""The guide's program is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.serve import PASSWORD, USERNAME, serving
from tests.databases import Databases

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "app" / "guides" / "client.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.sqlite
def test_the_program_of_the_guide_runs(databases: Databases, tmp_path: Path):
    (xml,) = re.findall(r"^<\?xml.*?</definitions>$", README, re.DOTALL | re.MULTILINE)
    (tmp_path / "greeting.bpmn").write_text(xml, encoding="utf-8")
    program = "".join(re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))
    with databases.fresh("sqlite") as url, serving(url) as served:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=tmp_path,
            env=os.environ
            | {
                "BPMN_URL": f"http://127.0.0.1:{served.port}",
                "BPMN_USERNAME": USERNAME,
                "BPMN_PASSWORD": PASSWORD,
                "PYTHONPATH": str(ROOT),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("404 NOT_FOUND process greeting:unknown could not be found"), lines
    assert "{'name': 'Ada'}" in lines
    assert "BUFFERED" in lines
