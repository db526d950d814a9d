"""Profiles: what is remembered, what wins over it, and who is asked."""

from __future__ import annotations

import getpass
import io
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from py_bpmn import ConfigurationError
from py_bpmn.cli import main, profiles
from py_bpmn.cli.profiles import Profile, Profiles
from py_bpmn.cli.session import Options, Session
from tests.commands.conftest import terminal

URL = "http://127.0.0.1:1"


@pytest.fixture
def known() -> None:
    keyed = Profile(url=URL, key="of the profile", worker_id="eve")
    live = Profile(url="http://127.0.0.1:2", key_command="echo live key", production=True)
    profiles.save(Profiles({"test": keyed, "live": live}, "test"))


def session(**options: str) -> Session:
    return Session(Options(**options))  # type: ignore[arg-type]  # only texts are given


def test_the_file_keeps_everything_and_is_for_its_owner_alone(tmp_path: Path):
    odd = Profile(url=URL, key='"\\\x7f\n\N{SNOWMAN}', production=True)
    written = Profiles({"a.b": odd, "c": Profile(url=URL, ca_file="/ca.pem")}, "c")
    profiles.save(written)
    assert profiles.load() == written
    assert profiles.path() == tmp_path / "config" / "py-bpmn" / "profiles.toml"
    assert stat.S_IMODE(profiles.path().stat().st_mode) == 0o600
    assert [path.name for path in profiles.path().parent.iterdir()] == ["profiles.toml"]


def test_without_a_file_there_is_no_profile():
    assert profiles.load() == Profiles({})
    assert session().url == "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[profiles.a", "is not TOML"),
        ("profiles = 1", "must have a table profiles.NAME"),
        ("[profiles.a]\nkey = 'x'", "profile a has no url"),
        ("[profiles.a]\nurl = 1", "url of profile a must be a str"),
        ("[profiles.a]\nurl = 'http://a'\ncolor = 'red'", "profile a has color, but only url, key, "),
    ],
)
def test_a_file_that_can_not_be_used_is_one_sentence(content: str, sentence: str, capsys: pytest.CaptureFixture[str]):
    profiles.save(Profiles({}))
    profiles.path().write_text(content)
    assert main(["profile", "list"]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("known")
def test_a_file_that_others_can_read_is_refused():
    profiles.path().chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by others, and may hold keys: chmod 600"):
        profiles.load()


@pytest.mark.usefixtures("known")
class TestWhatWins:
    def test_the_profile_in_use(self):
        assert session().environment() == {
            "BPMN_URL": URL,
            "BPMN_AUTHORIZATION": "of the profile",
            "BPMN_WORKER_ID": "me@here",
        }

    def test_the_variable_names_another_one(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("BPMN_PROFILE", "live")
        assert session().url == "http://127.0.0.1:2"
        assert session().environment()["BPMN_AUTHORIZATION"] == "live key"

    def test_the_option_wins_over_the_variable(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("BPMN_PROFILE", "live")
        assert session(profile="test").url == URL

    def test_the_environment_wins_over_the_profile_and_says_so(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ):
        monkeypatch.setenv("BPMN_URL", "http://127.0.0.1:3")
        assert session(profile="live").url == "http://127.0.0.1:3"
        assert "BPMN_URL is set to http://127.0.0.1:3, and wins over profile live" in capsys.readouterr().err

    def test_the_option_wins_over_all(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("BPMN_URL", "http://127.0.0.1:3")
        found = session(url="http://127.0.0.1:4", worker_id="me").environment()
        assert (found["BPMN_URL"], found["BPMN_WORKER_ID"]) == ("http://127.0.0.1:4", "me")

    def test_the_worker_of_the_profile_where_the_environment_has_none(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("BPMN_WORKER_ID")
        assert session().environment()["BPMN_WORKER_ID"] == "eve"

    @pytest.mark.parametrize("url", ["http://127.0.0.1:3", "https://127.0.0.1:1", "http://localhost:1"])
    def test_the_key_is_not_sent_to_another_service(self, url: str):
        assert "BPMN_AUTHORIZATION" not in session(url=url).environment()

    @pytest.mark.parametrize("name", ["BPMN_AUTHORIZATION", "BPMN_USERNAME"])
    def test_the_credentials_of_the_environment_win(self, monkeypatch: pytest.MonkeyPatch, name: str):
        monkeypatch.setenv(name, "of the environment")
        assert "BPMN_AUTHORIZATION" not in session().environment()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("no-such-program", "can't be run"),
        ("false", "ended with 1"),
        ("true", "has printed nothing"),
        ("'", "can't be run"),
    ],
)
def test_a_key_command_that_fails_is_one_sentence(command: str, sentence: str):
    with pytest.raises(ConfigurationError, match=sentence):
        Profile(url=URL, key_command=command).authorization()


def test_a_key_is_neither_shown_nor_listed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    assert "secret" not in repr(Profile(url=URL, key="secret"))
    monkeypatch.setattr("click.prompt", lambda *_, **__: "typed secret")
    assert main(["profile", "add", "asked", "--url", URL, "--ask-key"]) == 0
    assert profiles.load().get("asked").key == "typed secret"
    assert main(["profile", "list", "-o", "json"]) == 0
    assert "secret" not in capsys.readouterr().out


def test_a_key_is_asked_for_at_a_terminal_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    # As it is where there is neither a terminal nor an input that is one.
    monkeypatch.setattr(getpass, "getpass", getpass.fallback_getpass)  # type: ignore[attr-defined]  # it is there
    monkeypatch.setattr(sys, "stdin", io.StringIO("piped\n"))
    assert main(["profile", "add", "asked", "--url", URL, "--ask-key"]) == 2
    assert "Error: --ask-key needs a terminal: say --key-file, or --key-command" in capsys.readouterr().err
    assert "asked" not in profiles.load().profiles
    assert sys.stdin.read() == "piped\n"


@pytest.mark.usefixtures("known")
class TestProduction:
    @pytest.fixture(autouse=True)
    def live(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BPMN_PROFILE", "live")

    def test_each_change_is_asked_for(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        terminal(monkeypatch, "n\n")
        assert main(["--no-color", "pi", "cancel", "today/1"]) == 1
        assert "(profile live, http://127.0.0.1:2, PRODUCTION)? [y/N]: " in capsys.readouterr().err

    def test_the_question_is_red(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        terminal(monkeypatch, "n\n")
        assert main(["message", "send", "--name", "paid", "--key", "k"]) == 1
        assert "\x1b[31m\x1b[1mSend message" in capsys.readouterr().err

    def test_who_says_yes_is_not_asked(self):
        assert main(["pi", "cancel", "today/1", "--yes"]) == 4

    def test_what_only_reads_is_not_asked_for(self):
        assert main(["pi", "query"]) == 4

    def test_whoever_ends_the_input_has_not_agreed(self, monkeypatch: pytest.MonkeyPatch):
        terminal(monkeypatch)
        assert main(["pi", "cancel", "today/1"]) == 130


def test_a_profile_is_replaced_as_a_whole():
    first = Profiles({"a": Profile(url=URL, key="k")})
    assert first.added("a", Profile(url=URL)).get("a") == replace(first.get("a"), key="")
