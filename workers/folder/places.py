"""Where files are: the state folder, what is in it, and the configuration file."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parents[2]


class HomeMissing(Exception):
    """The account has no home folder, and what would be in it has to be named."""


def home_folder() -> Path | None:
    """Return the account's home folder; None for one without: a bare number in a container."""
    if home := os.environ.get("HOME"):
        return Path(home)
    try:
        return Path.home()
    except RuntimeError:  # no HOME, and no entry for this number
        return None


def default_state_dir() -> Path:
    """Return `var/state` of the checkout that runs this code, else a folder in XDG_STATE_HOME.

    Raises:
        HomeMissing: There is neither.
    """
    pyproject = CHECKOUT / "pyproject.toml"
    if pyproject.is_file() and 'name = "tuixuan"' in pyproject.read_text(encoding="utf-8"):
        return CHECKOUT / "var" / "state"
    if states := os.environ.get("XDG_STATE_HOME"):
        return Path(states, "tuixuan")
    home = home_folder()
    if home is None:
        raise HomeMissing
    return home / ".local" / "state" / "tuixuan"


def config_file() -> Path:
    """Return the path of the user's settings; the file need not exist.

    An account without a home folder, such as a service's, has its settings in `/etc`.
    """
    home = home_folder()
    usual = Path("/etc") if home is None else home / ".config"
    return Path(os.environ.get("XDG_CONFIG_HOME") or usual, "tuixuan", "config.toml")


def sqlite_url(path: Path) -> str:
    """Return the address of a database file.

    What an address parts with is escaped; the rest stays as it is, so that people can read it.
    """
    escaped = re.sub(r"[%?#\x00-\x1f\x7f]", lambda found: quote(found[0]), str(path))
    return f"sqlite:///{escaped}"


@dataclass(frozen=True)
class Places:
    """The files of one stack, all under one folder."""

    root: Path

    @property
    def record_url(self) -> str:
        """The record, if no other database is named."""
        return sqlite_url(self.root / "tuixuan.db")

    @property
    def audit_url(self) -> str:
        """The audit's own store, beside it."""
        return sqlite_url(self.root / "audit.db")

    @property
    def audit_anchor(self) -> Path:
        """The audit's notes of how far its chain goes, outside any database."""
        return self.root / "audit-anchor.jsonl"

    @property
    def audit_digests(self) -> Path:
        """The signed digest of the audit at the end of each day, outside any database."""
        return self.root / "audit-digests.jsonl"

    @property
    def audit_key(self) -> Path:
        """The key that signs them, if no other is given."""
        return self.root / "audit-key.pem"

    @property
    def temporal_db(self) -> Path:
        """The file of the embedded Temporal server."""
        return self.root / "temporal" / "temporal.db"

    @property
    def nats_store(self) -> Path:
        """The folder of the embedded JetStream."""
        return self.root / "nats"

    @property
    def nats_users(self) -> Path:
        """The passwords of the embedded NATS server, one for each role."""
        return self.root / "nats-users.json"

    @property
    def secrets_key(self) -> Path:
        """The key under which the record's secrets are sealed."""
        return self.root / "secrets-key"

    @property
    def mail(self) -> Path:
        """Where mails are saved if no SMTP server is named."""
        return self.root / "mail"

    @property
    def logs(self) -> Path:
        """The log files, one for each process."""
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What is true only while the stack runs, and the ports of last time."""
        return self.root / "run"

    @property
    def report(self) -> Path:
        """The report of the running stack, which `status` reads."""
        return self.run / "stack.json"

    @property
    def ports(self) -> Path:
        """The ports of last time."""
        return self.run / "ports.json"

    @property
    def lock(self) -> Path:
        """Held by the supervisor while it lives; holds its pid."""
        return self.run / "stack.lock"

    @property
    def started(self) -> Path:
        """Exists from a start of the stack until its clean stop."""
        return self.run / "started"

    @property
    def unclean(self) -> Path:
        """Exists after a stop that was not clean, until the records were compared."""
        return self.run / "unclean"

    @property
    def nats_conf(self) -> Path:
        """The configuration written for the embedded NATS server."""
        return self.run / "nats-server.conf"

    def log_of(self, process: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{process}.log"

    def ready_file(self, role: str) -> Path:
        """Return the file that holds the pid of a worker while it serves."""
        return self.run / f"{role}.ready"

    def prepare(self) -> None:
        """Make the folders, readable by their owner alone: they hold personal data."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.temporal_db.parent, self.nats_store, self.mail, self.logs, self.run):
            folder.mkdir(mode=0o700, exist_ok=True)
