"""What deploy/README.md promises of one Debian host, watched on one: its own commands, under a real systemd.

The host is made of a fresh tree of Debian. What is installed on it is what is committed here.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.commands.conftest import publish
from tests.daemon.conftest import DAYS
from tests.deploy import machine
from tests.deploy.machine import CannotBoot, Machine, eventually
from tests.deploy.secure import certified
from tests.ledger.test_kills import post
from tests.mails.server import Server
from tests.mails.server import serving as taking_mails
from tests.spiders.site import Site, serving
from tests.surroundings import free_port

ROOT = Path(__file__).parents[2]
README = (ROOT / "deploy" / "README.md").read_text("utf-8")
UNIT = (ROOT / "deploy" / "systemd" / "tallywatch.service").read_text("utf-8")
TREES = ROOT / ".tools" / "debian"

POLL_PATIENCE_S = 100.0
"""A source is polled once a minute here."""

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1200)]


def typed(section: str) -> list[str]:
    """Return the blocks of commands in a section of the README."""
    text = re.split(r"^## ", README, flags=re.MULTILINE)
    (words,) = [part for part in text if part.startswith(section + "\n")]
    blocks = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", words, re.MULTILINE)
    return [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks]


INSTALL, SECRET, START, ASK = typed("One Debian host")
(RESTORE,) = typed("Backup and restore")
UPGRADE, ROLLBACK = typed("Upgrade and rollback")
(ALIAS,) = re.findall(r"^alias (?:.*\\\n)*.*\n", ASK, re.MULTILINE)


def instead(text: str, given: str, ours: str) -> str:
    """Put what a person would put in the place of an example."""
    assert given in text
    return text.replace(given, ours)


def reports() -> list[str]:
    """Return posts of three days that have just passed, with figures that are right."""
    today = datetime.now(UTC).date()
    return [dated(day, today - timedelta(days=back)) for day, back in zip(DAYS, (3, 2, 1), strict=True)]


def dated(day: date, then: date) -> str:
    """Return the post of a day, as if it were another day's."""
    text = instead(post(day), f"{day:%d.%m.%y}", f"{then:%d.%m.%y}")
    return instead(text, f'datetime="{day}T', f'datetime="{then}T')


@contextmanager
def mail_server() -> Iterator[Server]:
    """Take mails over, in a thread of its own."""
    server, ready, over = Server(), threading.Event(), threading.Event()

    async def serve() -> None:
        async with taking_mails(server):
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """A host on which the README was followed."""

    machine: Machine
    channel: Site
    mails: Server
    port: int  # of the daemon's pages

    @property
    def config(self) -> Path:
        """Its configuration, seen from here."""
        return self.machine.root / "etc/tallywatch/tallywatch.toml"

    def tw(self, command: str) -> str:
        """Run a command by the alias of the README."""
        return self.machine.run(f"{ALIAS}tw {command}\n")

    def leads(self, after: str = "") -> bool:
        """Whether the daemon is up and leads; after the end of a main process, as another one."""
        told = self.machine.show()
        runs = (told["ActiveState"], told["SubState"]) == ("active", "running") and told["MainPID"] != after
        return runs and told["StatusText"].startswith("leading")

    def main(self) -> str:
        """Return the main process of the daemon."""
        return self.machine.show()["MainPID"]

    def processes(self) -> list[str]:
        """Return all processes of the daemon, as systemd counts them."""
        group = self.machine.show()["ControlGroup"]
        return self.machine.run(f"cat /sys/fs/cgroup/systemd{group}/cgroup.procs /sys/fs/cgroup{group}/cgroup.procs"
                                " 2> /dev/null || true").split()  # fmt: skip

    def healthy(self) -> bool:
        """Whether its pages say that all is well and the database answers."""
        with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=10) as ready:
            return bool(ready.status == 200)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Follow the README on a fresh host, up to `systemctl enable --now`."""
    reason = machine.lacking()
    if reason is not None:
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            there = stack.enter_context(machine.booted(TREES, tmp_path_factory.mktemp("machine")))
        except CannotBoot as error:
            pytest.skip(str(error))
        public, secret = certified(tmp_path_factory.mktemp("tls"))
        channel = stack.enter_context(serving(secret))
        publish(channel, *reports())
        mails = stack.enter_context(mail_server())
        deployed = Deployed(machine=there, channel=channel, mails=mails, port=free_port())
        install(deployed, public)
        yield deployed


def pictured(mails: Server, number: str) -> list[str]:
    """Return who got a mail with a picture that speaks of a number."""
    found = []
    for envelope in mails.accepted:
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain",))
        said = re.sub(r"(?<=\d)[,\s](?=\d)", "", body.get_content()) if body else ""
        if number in said and any(part.get_content_type() == "image/png" for part in mail.walk()):
            found += envelope.rcpt_tos
    return sorted(found)


def install(host: Deployed, public: Path) -> None:
    """Type what the README says, and edit what it says is to be edited; the host trusts the channel's certificate."""
    there = host.machine
    shutil.copy(public, there.root / "usr/local/share/ca-certificates/channel.crt")
    there.run("update-ca-certificates")
    repository = there.root / "srv/tallywatch.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(repository)], check=True)
    subprocess.run(["git", "push", "--quiet", str(repository), "HEAD:refs/heads/main"], cwd=ROOT, check=True)
    there.run("apt-get update")
    there.run(instead(INSTALL, "https://example.org/tallywatch.git", "/srv/tallywatch.git"))
    edited = instead(host.config.read_text("utf-8"), "port = 8080 ", f"port = {host.port} ")
    source = (
        f'[sources.telegram_general_staff]\nenabled = true\nbase_url = "{host.channel.url}"\ninterval_minutes = 1\n'
    )
    host.config.write_text(f"{edited}\n{source}", "utf-8")
    there.run(instead(SECRET, "smtps://user:password@mail.example.org", host.mails.url))
    there.run(instead(START, "--follow", "--no-pager"))


def test_the_daemon_leads_as_an_ordinary_user(host: Deployed) -> None:
    """Started by the README's commands it says READY, leads, and nothing of it runs as anybody but its own user."""
    eventually(host.leads)
    told = host.machine.show()
    assert (told["Type"], told["User"], told["NRestarts"]) == ("notify", "tallywatch", "0")
    assert told["UnitFileState"] == "enabled"
    assert set(host.processes()) == set(host.machine.owned())
    assert told["MainPID"] in host.processes()


def test_the_database_works_in_the_sandbox(host: Deployed) -> None:
    """The embedded PostgreSQL is one of the unit's processes, as confined as the daemon, and answers."""
    eventually(host.leads)
    programs = {process: host.machine.run(f"readlink /proc/{process}/exe").strip() for process in host.processes()}
    servers = [process for process, program in programs.items() if program.endswith("/bin/postgres")]
    assert len(servers) > 3
    for process in programs:
        said = host.machine.run(f"cat /proc/{process}/status")
        assert re.search(r"^NoNewPrivs:\t1$", said, re.MULTILINE)
        assert re.search(r"^Seccomp:\t2$", said, re.MULTILINE)
        assert re.search(r"^CapBnd:\t0+$", said, re.MULTILINE)
    assert host.healthy()


def test_the_metrics_tell_of_the_process(host: Deployed) -> None:
    """Memory and time of the daemon are read from /proc, as far as the sandbox shows it."""
    eventually(host.leads)
    with urlopen(f"http://127.0.0.1:{host.port}/metrics", timeout=10) as page:
        told = page.read().decode()
    for name in ("process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds"):
        assert re.search(rf"^{name} [1-9]", told, re.MULTILINE), name


def test_the_sandbox_is_the_units(host: Deployed) -> None:
    """Every switch of the unit is on; and it may write to its own places only."""
    switches = re.findall(r"^((?:Private|Protect|Restrict|Memory|NoNew|Lock|Remove)\w+)=yes$", UNIT, re.MULTILINE)
    told = host.machine.show()
    assert len(switches) > 12
    assert {name: told[name] for name in switches} == dict.fromkeys(switches, "yes")
    assert (told["ProtectSystem"], told["ProtectProc"]) == ("strict", "invisible")
    inside = f"nsenter --target={host.main()} --mount"
    host.machine.run(f"{inside} touch /var/lib/tallywatch/touched && rm /var/lib/tallywatch/touched")
    for place in ("/etc/tallywatch", "/opt/tallywatch", "/usr/bin", "/var/backups/tallywatch", "/var"):
        said = host.machine.run(f"{inside} touch {place}/touched && echo written", check=False)
        assert "Read-only file system" in said, place


def test_the_exposure_is_what_the_readme_says(host: Deployed) -> None:
    """`systemd-analyze security` computes the figure that stands there."""
    (stated,) = re.findall(r"`systemd-analyze security tallywatch` says ([0-9.]+) of 10", README)
    said = host.machine.run("systemd-analyze security --no-pager tallywatch")
    assert re.findall(r"exposure level for tallywatch.service: ([0-9.]+)", said) == [stated]


def test_the_alias_asks_and_mails(host: Deployed) -> None:
    """`tw doctor` finds all well, `tw mail test` reaches the credential's server, `tw status` names the leader."""
    eventually(host.leads)
    eventually(lambda: "Crawled telegram_general_staff" in host.machine.journal())
    before = len(host.mails.accepted)
    said = host.machine.run(ASK)
    assert "NOT OK" not in said
    assert f"a daemon answers at 127.0.0.1:{host.port}" in said
    assert "desk@example.org: " in said
    sent = [envelope.rcpt_tos for envelope in host.mails.accepted[before:] if b"Nothing is wrong." in envelope.content]
    assert sent == [["desk@example.org"], ["buro@example.org"]]
    assert f"/{host.main()}-" in said, "the leader is named by its process"


def test_the_secret_is_a_credential(host: Deployed) -> None:
    """It stands in no environment; its file can be read by root, and by the daemon in a copy of its own."""
    assert host.mails.place not in host.machine.run(f"tr '\\0' '\\n' < /proc/{host.main()}/environ")
    own = "/run/credentials/tallywatch.service/tallywatch_smtp_url"
    assert host.machine.run(f"nsenter --target={host.main()} --mount cat {own}") == host.mails.url
    given = "/etc/tallywatch/credentials/smtp_url"
    said = host.machine.run(f"setpriv --reuid=tallywatch --regid=tallywatch --clear-groups cat {given}", check=False)
    assert "Permission denied" in said


def test_a_contradiction_is_mailed_with_its_chart(host: Deployed) -> None:
    """Two digits are swapped in a post: each reader gets a mail, and the picture in it was drawn in the sandbox."""
    eventually(lambda: re.search("Crawled telegram_general_staff: .* 3 new", host.machine.journal()))
    publish(host.channel, *(instead(text, "155530", "155350") if "155530" in text else text for text in reports()))

    eventually(lambda: pictured(host.mails, "155350") == ["buro@example.org", "desk@example.org"], POLL_PATIENCE_S)
    assert "without its chart" not in host.machine.journal()


def test_a_wrong_configuration_is_refused_by_a_reload(host: Deployed) -> None:
    """The same process goes on with the old one, and the journal says why."""
    eventually(host.leads)
    main = host.main()
    with reloaded(host, '[judge.budget]\nof = "nobody"\n'):
        refused = "The configuration is refused, the old one stays: the setting judge.budget"
        eventually(lambda: refused in host.machine.journal())
        eventually(host.leads)
    assert host.main() == main


def test_a_right_configuration_is_adopted_by_a_reload(host: Deployed) -> None:
    """A source that is added is polled at once, by the same process; one that is taken out is polled no more."""
    eventually(host.leads)
    main = host.main()
    with serving() as second:
        publish(second, *reports())
        source = f'[sources.second]\nenabled = true\nspider = "telegram_general_staff"\nbase_url = "{second.url}"\n'
        with reloaded(host, source):
            eventually(lambda: second.times("/s/GeneralStaffZSU"))
            eventually(lambda: host.machine.show()["StatusText"] == "leading, 2 sources")
        eventually(lambda: host.machine.show()["StatusText"] == "leading, 1 sources")
    assert host.main() == main


@contextmanager
def reloaded(host: Deployed, more: str) -> Iterator[None]:
    """Have more in the configuration for a while; the daemon reads it again before and after."""
    given = host.config.read_text("utf-8")
    host.config.write_text(given + more, "utf-8")
    try:
        host.machine.run("systemctl reload tallywatch")
        yield
    finally:
        host.config.write_text(given, "utf-8")
        host.machine.run("systemctl reload tallywatch")


def test_a_killed_daemon_comes_back(host: Deployed) -> None:
    """After `kill -9` everything of it is started again, the PostgreSQL too, and it leads."""
    eventually(host.leads)
    before, main = set(host.processes()), host.main()
    host.machine.run(f"kill -9 {main}")
    eventually(lambda: host.leads(after=main))
    assert before.isdisjoint(host.machine.owned())
    assert host.healthy()


def test_a_stuck_daemon_is_started_again(host: Deployed) -> None:
    """A main process that is stopped gives no sign of life: the watchdog ends it, and the next one leads."""
    host.machine.run(
        "mkdir -p /run/systemd/system/tallywatch.service.d\n"
        "printf '[Service]\\nWatchdogSec=10\\n' > /run/systemd/system/tallywatch.service.d/impatient.conf\n"
        "systemctl daemon-reload\n"
        "systemctl restart tallywatch\n"
    )
    eventually(host.leads)
    stuck = host.main()
    host.machine.run(f"kill -STOP {stuck}")
    eventually(lambda: host.leads(after=stuck))
    assert "Watchdog timeout (limit 10s)" in host.machine.journal()
    assert stuck not in host.machine.owned()
    host.machine.run(
        "rm -r /run/systemd/system/tallywatch.service.d\nsystemctl daemon-reload\nsystemctl restart tallywatch"
    )


def test_the_backup_service_and_the_way_back(host: Deployed) -> None:
    """The service dumps while the daemon runs; restored as the README says, the ledger is as it was."""
    eventually(host.leads)
    main = host.main()
    timer = host.machine.show("tallywatch-backup.timer")
    assert (timer["ActiveState"], timer["UnitFileState"]) == ("active", "enabled")
    assert timer["NextElapseUSecRealtime"], "it is due some time"
    host.machine.run("systemctl start tallywatch-backup.service")
    (dump,) = host.machine.run("ls /var/backups/tallywatch/*.dump").split()
    assert host.machine.run(f"stat --format='%a %U' {dump}") == "600 tallywatch\n"
    assert host.main() == main
    figures = host.tw("figures --json")
    assert len(figures.splitlines()) > 10

    said = host.machine.run(ALIAS + instead(RESTORE, "2026-08-01", "by-hand"))
    assert "Restored from /var/backups/tallywatch/by-hand.dump" in said
    eventually(host.leads)
    assert host.tw("figures --json") == figures


def test_an_upgrade_and_the_way_back(host: Deployed) -> None:
    """After `git pull` and install.sh the daemon runs from the new release; after the rollback from the old."""
    eventually(host.leads)

    def release() -> str:
        return host.machine.run(f"cat /proc/{host.main()}/cmdline").partition("/bin/")[0]

    first = release()
    host.machine.run(
        "git clone --quiet /srv/tallywatch.git /root/next\n"
        "cd /root/next\n"
        "git -c user.name=Next -c user.email=next@example.org commit --quiet --allow-empty --message=Next\n"
        "git push --quiet\n"
    )
    host.machine.run(ALIAS + UPGRADE)
    assert "Next" in host.machine.run("git -C /usr/local/src/tallywatch log -1 --format=%s")
    eventually(host.leads)
    second = release()
    assert second != first
    host.machine.run(ROLLBACK)
    eventually(host.leads)
    assert release() == first

    host.machine.run(ALIAS + UPGRADE)
    eventually(host.leads)
    kept = host.machine.run("ls -d /opt/tallywatch.release-*").split()
    assert sorted(kept) == sorted([first, release()]), "what was rolled back from does not stay for ever"


def test_a_stop_leaves_nothing(host: Deployed) -> None:
    """`systemctl stop` ends within its patience, in good order, and no process of the user is left."""
    eventually(host.leads)
    host.machine.run("systemctl stop tallywatch", patience_s=45)
    told = host.machine.show()
    assert (told["ActiveState"], told["Result"], told["ExecMainStatus"]) == ("inactive", "success", "0")
    assert host.machine.owned() == []
    host.machine.run("systemctl start tallywatch")


HOLD = """
import sys
from pathlib import Path
from pipelines import embedded
with embedded.server(Path("/var/lib/tallywatch")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_command_and_the_daemon_hold_each_other_up_in_nothing(host: Deployed) -> None:
    """A daemon that starts while a command runs the PostgreSQL shares it, and has its own when the command ends."""
    eventually(host.leads)
    host.machine.run("systemctl stop tallywatch")
    alias = instead(ALIAS, "/opt/tallywatch/bin/tallywatch'", "/opt/tallywatch/bin/python'")
    (host.machine.root / "usr/local/share/hold.py").write_text(HOLD, "utf-8")
    with host.machine.start(f"{alias}tw /usr/local/share/hold.py\n") as command:
        assert command.stdout
        assert command.stdin
        assert command.stdout.readline() == "held\n"
        host.machine.run("systemctl start tallywatch", patience_s=30)
        eventually(host.leads)
        main = host.main()
        assert set(host.machine.owned()) > set(host.processes()), "the server is the command's"
        command.stdin.close()
        assert command.wait(20) == 0
    eventually(lambda: set(host.machine.owned()) == set(host.processes()) and len(host.processes()) > 4)
    eventually(host.leads)
    assert host.healthy()
    assert host.main() == main
