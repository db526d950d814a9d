"""The completion of the shells, with their own functions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from py_bpmn.cli import main
from tests.commands.conftest import suggested

ASKING = {
    "bash": """
        eval "$(py-bpmn completion bash)"
        complete -p py-bpmn | grep -q _py_bpmn_completion || exit 9
        COMP_WORDS=({words}) COMP_CWORD={last} COMP_LINE='{words}'
        _py_bpmn_completion py-bpmn
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """,
    "zsh": """
        autoload -U compinit && compinit -D
        eval "$(py-bpmn completion zsh)"
        (( $+_comps[py-bpmn] )) || exit 9
        compadd() {{ print -l -- $completions }}
        _describe() {{ print -l -- ${{completions_with_descriptions%%:*}} }}
        words=({words}) CURRENT=$(({last} + 1))
        _py_bpmn_completion
    """,
    "fish": """
        py-bpmn completion fish | source
        complete --do-complete '{words}' | string replace -r '\\t.*' ''; true
    """,
}
SHELLS = [name for name in ASKING if name == "bash" or shutil.which(name)]
"""bash is everywhere; others are tried where they are installed, as `.ci/run` does."""
COMPLETED = [
    ("py-bpmn pi qu", ["query"]),
    ("py-bpmn process-instance sus", ["suspend"]),
    ("py-bpmn job complete set-t", ["set-timer"]),
    ("py-bpmn pi query --state COMP", ["COMPLETED"]),
    ("py-bpmn pi query --has", ["--has-incident"]),
    ("py-bpmn lint --str", ["--strict"]),
    ("py-bpmn api-key rev", ["revoke"]),
    ("py-bpmn -o js", ["json", "jsonl"]),
]


def completed(shell: str, words: str, **environ: str) -> list[str]:
    program = ASKING[shell].format(words=words, last=len(words.split()) - 1)
    done = subprocess.run(
        [shell, "-c", program],
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(Path.cwd()), **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("words", [COMPLETED[0][0], COMPLETED[3][0]])
def test_shells_complete_with_what_the_command_prints_for_them(shell: str, words: str):
    assert completed(shell, words) == dict(COMPLETED)[words]


@pytest.mark.parametrize(("words", "found"), COMPLETED)
def test_commands_options_and_values_are_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, found: list[str]
):
    assert suggested(capsys, monkeypatch, words) == found


def test_where_no_service_answers_no_id_is_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BPMN_URL", "http://127.0.0.1:1")
    assert suggested(capsys, monkeypatch, "py-bpmn pi get ") == []
    assert capsys.readouterr().err == ""


def test_names_of_profiles_are_completed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert main(["profile", "add", "test", "--url", "http://127.0.0.1:1"]) == 0
    assert suggested(capsys, monkeypatch, "py-bpmn --profile te") == ["test"]
    assert suggested(capsys, monkeypatch, "py-bpmn profile use ") == ["test"]
