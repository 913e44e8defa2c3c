"""The configuration: what the environment and the files give."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scheduler.config import load
from scheduler.exceptions import WrongUse


@pytest.fixture(autouse=True)
def no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have neither a configuration file nor a home of the machine in the way."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLYWATCH_HOME", str(tmp_path / "home"))


def test_a_secret_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """X_FILE names a file; the newline that editors add is no part of the secret."""
    (tmp_path / "url").write_text("smtp://user:secret@mail.example.org\n")
    monkeypatch.setenv("TALLYWATCH_SMTP_URL_FILE", str(tmp_path / "url"))
    url = load().smtp_url
    assert url is not None
    assert url.get_secret_value() == "smtp://user:secret@mail.example.org"
    assert "secret@" not in repr(load())


def test_a_credential_of_systemd_is_named_without_its_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The directory differs from unit to unit; the name does not."""
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "tallywatch_smtp_url").write_text("smtps://mail.example.org")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    monkeypatch.setenv("TALLYWATCH_SMTP_URL_FILE", "tallywatch_smtp_url")
    url = load().smtp_url
    assert url is not None
    assert url.get_secret_value() == "smtps://mail.example.org"


def test_a_file_that_is_missing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, with the name of the variable and of the file."""
    monkeypatch.setenv("SENTRY_DSN_FILE", "/nowhere/dsn")
    with pytest.raises(WrongUse, match="SENTRY_DSN_FILE names /nowhere/dsn, which cannot be read"):
        load()


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "ftp://hush@sentry.example/1",
        "https://sentry.example/1",
        "https://hush@/1",
        "https://hush@sentry.example",
        "https://hush@sentry.example/hush",
        "https://hush@sentry.example:hush/1",
        "https://hush@[sentry/1",
    ],
)
def test_a_malformed_dsn_stops_the_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Sentry's library would, with a traceback."""
    monkeypatch.setenv("SENTRY_DSN", text)
    with pytest.raises(
        WrongUse, match=r"^the setting SENTRY_DSN in the environment is wrong: must be https"
    ) as raised:
        load()
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://key@o1.ingest.sentry.io/42",
        "http://key:secret@127.0.0.1:9000/prefix/1",
        "https://key@[::1]/7",
    ],
)
def test_a_dsn_is_taken_as_sentry_gives_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """With a port, a prefix or a second key as well."""
    monkeypatch.setenv("SENTRY_DSN", text)
    given = load().sentry_dsn
    assert given is not None
    assert given.get_secret_value() == text


def test_the_daemon_does_not_start_with_a_malformed_dsn(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in a sentence, as of every setting."""
    monkeypatch.setenv("SENTRY_DSN", "nonsense")
    done = subprocess.run(["tallywatch", "daemon"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "SENTRY_DSN" in done.stderr
