from __future__ import annotations

import json
from pathlib import Path

from tests.commands.conftest import Tallywatch, publish
from tests.ledger.reports import FIGURES
from tests.ledger.test_kills import post
from tests.spiders.site import Site
from tests.surroundings import free_port


def test_the_database_is_away(tallywatch: Tallywatch) -> None:
    """One sentence that says so, without the password; once it is back the same command does all the work."""
    url = f"postgresql://tallywatch:hush@127.0.0.1:{free_port()}/tallywatch"
    done = tallywatch("crawl", TALLYWATCH_DATABASE_URL=url)
    assert done.returncode == 1
    assert "PostgreSQL cannot be reached" in done.stderr
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(tallywatch("crawl", "--json").stdout)["new"] == 3


def test_the_mail_server_is_away(tallywatch: Tallywatch, channel: Site, tmp_path: Path) -> None:
    """The mail waits in the outbox with the reason, and goes out once when there is a way."""
    publish(channel, *(post(day).replace("155530", "155350") for day in list(FIGURES)[2:4]))
    done = tallywatch("crawl", TALLYWATCH_SMTP_URL=f"smtp://127.0.0.1:{free_port()}")
    assert done.returncode == 0, done.stderr
    (mail,) = [json.loads(line) for line in tallywatch("mail", "list", "--json").stdout.splitlines()]
    assert mail["state"] == "queued"
    assert mail["last_error"]
    for _ in range(2):
        assert tallywatch("crawl", TALLYWATCH_NOW="2023-03-08T13:00").returncode == 0
    assert len(list((tmp_path / "a home" / "Maildir" / "new").iterdir())) == 1


def test_the_home_cannot_be_written(tallywatch: Tallywatch, channel: Site, tmp_path: Path) -> None:
    """A Maildir that cannot be written holds a mail back like a server that is away; the numbers are kept."""
    publish(channel, *(post(day).replace("155530", "155350") for day in list(FIGURES)[2:4]))
    home = tmp_path / "a home"
    home.mkdir()
    (home / "Maildir").write_text("in the way", "utf-8")
    done = tallywatch("crawl", "--json")
    assert (done.returncode, json.loads(done.stdout)["new"]) == (0, 2)
    (mail,) = [json.loads(line) for line in tallywatch("mail", "list", "--json").stdout.splitlines()]
    assert (mail["state"], mail["sent_at"]) == ("queued", None)
    (home / "Maildir").unlink()
    assert tallywatch("crawl", TALLYWATCH_NOW="2023-03-08T13:00").returncode == 0
    assert len(list((home / "Maildir" / "new").iterdir())) == 1
