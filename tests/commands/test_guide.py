"""The commands of the guide, typed as they stand there."""

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
GUIDE = (ROOT / "app" / "guides" / "command-line.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
GIVEN = "BPMN_URL=http://127.0.0.1:8080 BPMN_USERNAME=dev BPMN_PASSWORD=dev"


@pytest.mark.sqlite
def test_the_commands_of_the_guide_do_what_it_says(databases: Databases, tmp_path: Path):
    (xml,) = re.findall(r"^<\?xml.*?</definitions>$", README, re.DOTALL | re.MULTILINE)
    (tmp_path / "greeting.bpmn").write_text(xml, encoding="utf-8")
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE))
    assert GIVEN in script
    with databases.fresh("sqlite") as url, serving(url) as served:
        address = f"http://127.0.0.1:{served.port}"
        given = f"BPMN_URL={address} BPMN_USERNAME={USERNAME} BPMN_PASSWORD={PASSWORD}"
        programs = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script.replace(GIVEN, given).replace("http://127.0.0.1:8080", address)],
            cwd=tmp_path,
            env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb"},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state": "COMPLETED"' in done.stdout
    assert (tmp_path / ".config" / "py-bpmn" / "profiles.toml").stat().st_mode & 0o077 == 0
