"""A whole system in a folder of its own, started and used as people do: by `tuixuan`."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from nats.aio.client import Client as Nats
from sqlalchemy import Engine
from temporalio.client import Client

from models.cases.form import CaseForm
from models.store.engine import open_engine
from models.wording import BEIJING
from services.clock import now
from tests.e2e.commands import commands
from tests.factories import ROOT, form
from tests.ports import StackPorts
from tests.slack import slack
from tests.waiting import wait_until
from workers.folder.places import Places
from workers.servers.nats_users import NatsUser, login
from workers.stream.connection import connect as connect_nats
from workers.temporal_client import connect

COMMAND_SECONDS = 60.0
"""For a command, `up` and `down` among them."""
SERVES_SECONDS = 30.0
"""For anything that comes of a command later."""
CALL = ROOT / "programmes" / "2024-new-services.toml"
OTHERS = ("TEMPORAL_", "NATS_URL", "DATABASE_URL", "TUIXUAN_", "LOG_LEVEL", "XDG_CONFIG_HOME")
"""What would make our stack another one than the default."""

Status = dict[str, Any]


class Stack:
    """A state folder, the stack that runs in it, and what tests ask of both.

    Everything that changes something goes through `run` or `json`: the real command in a
    process of its own. What runs is looked at through `engine`, `client()` and `nats()`.
    """

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        """Take the folder, and variables that the stack and its commands see."""
        self.places = Places(root)
        self._ports = StackPorts(self.places)
        bare = {name: text for name, text in os.environ.items() if not name.startswith(OTHERS)}
        nowhere = str(root / "config")
        self.environ = {**bare, "XDG_CONFIG_HOME": nowhere, **(environ or {})}
        self._drafts = 0

    def up(self, *flags: str) -> Status:
        """Start it, or start it again; return its status once all is ready."""
        status: Status = self.json("up", "--detach", *flags)
        assert status["ready"] is True
        return status

    def down(self) -> None:
        """Stop it and wait until every process has ended."""
        self.run("down")

    def run(
        self, *arguments: str, check: bool = True, within: float = COMMAND_SECONDS
    ) -> "subprocess.CompletedProcess[str]":
        """Run `tuixuan` on this stack; `check`: it must end with 0."""
        environ = {**self.environ, "PYTHONPATH": str(ROOT)}
        told = [*arguments, "--state-dir", str(self.places.root)]
        done = commands().run(told, environ, slack(within))
        if check:
            assert done.returncode == 0, (
                f"{arguments}: {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed; return what it writes for programs."""
        return json.loads(self.run(*arguments, "--output", "json").stdout)

    def refused(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command that must fail; return its exit code, and its code and message."""
        done = self.run(*arguments, "--output", "json", check=False)
        assert done.returncode != 0, done.stdout
        told = json.loads(done.stderr.splitlines()[-1])
        return done.returncode, told["code"], told["message"]

    def status(self) -> Status:
        """Return what `tuixuan status` says; read without a process, so that it may be polled."""
        from workers.folder.report import read_report

        return {**read_report(self.places)}

    def pid(self, process: str) -> int:
        """Return the pid of a process of the stack, `tuixuan` being the supervisor."""
        status = self.status()
        pids = {each["name"]: each["pid"] for each in status["processes"]}
        found = {**pids, "tuixuan": status["pid"]}[process]
        assert isinstance(found, int), f"{process} is down"
        return found

    def kill(self, process: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process of the stack; return the pid that it had."""
        pid = self.pid(process)
        os.kill(pid, number)
        return pid

    def wait_restarted(self, process: str, old_pid: int, within: float = SERVES_SECONDS) -> None:
        """Wait until a process that was killed serves again."""

        def serves() -> bool:
            found = [each for each in self.status()["processes"] if each["name"] == process]
            return any(each["ready"] and each["pid"] != old_pid for each in found)

        self.wait_until(serves, within=within, what=f"{process} serves again")

    def wait_until[T](
        self, condition: Callable[[], T | None], within: float = SERVES_SECONDS, what: str = ""
    ) -> T:
        """Ask until the answer is true, and return it."""
        return wait_until(condition, what, within)

    @property
    def addresses(self) -> dict[str, str]:
        """Where the stack's servers answer."""
        found: dict[str, str] = self.status()["addresses"]
        return found

    @cached_property
    def engine(self) -> Engine:
        """The record."""
        return open_engine(self.places.record_url)

    @cached_property
    def audit_engine(self) -> Engine:
        """The audit's own store."""
        return open_engine(self.places.audit_url)

    async def client(self) -> Client:
        """Return a client of the stack's Temporal."""
        return await connect(self.addresses["temporal"])

    async def nats(self, user: NatsUser = NatsUser.OPERATOR) -> Nats:
        """Return a user's connection to the stack's NATS; the caller closes it."""
        at = login(self.addresses["nats"], user, self.places.nats_users)
        return await connect_nats(at, "test")

    def ask_temporal[T](self, work: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine with a client, from a synchronous test."""

        async def asked() -> T:
            return await work(await self.client())

        return asyncio.run(asked())

    def open_season(self, season: str, *flags: str, days_ago: int = 14) -> str:
        """Open the real call under this id, as if it had opened so many days ago.

        It has no quiet hours, so that its mails leave at any hour.
        """
        call = self.places.root / f"{season}.toml"
        text = CALL.read_text(encoding="utf-8")
        call.write_text(text.replace("quiet_from = 21:00:00", "quiet_from = 08:00:00"), "utf-8")
        starting = (now() - timedelta(days=days_ago)).astimezone(BEIJING).date()
        options = ["--starting", starting.isoformat(), *flags]
        self.json("season", "open", str(call), "--id", season, *options)
        return season

    def create_case(self, season: str, content: CaseForm | None = None, **changes: Any) -> str:
        """File a draft by the command line; return its id. `changes`: other form fields."""
        content = content or form(**changes)
        self._drafts += 1
        path = self.places.root / f"draft-{self._drafts}.toml"
        path.write_text(case_file(content), encoding="utf-8")
        made: str = self.json("case", "create", "--season", season, "--from", str(path))["id"]
        return made

    def clean(self) -> None:
        """Stop whatever still runs in the folder."""
        for name in ("engine", "audit_engine"):
            if name in self.__dict__:
                getattr(self, name).dispose()
        pids = [each["pid"] for each in self.status()["processes"] if each["pid"]]
        if self.run("down", check=False).returncode != 0:
            for pid in (self.status()["pid"], *pids):
                if pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    def logs(self, process: str) -> str:
        """Return what a process has written."""
        path = self.places.log_of(process)
        return path.read_text(encoding="utf-8") if path.exists() else ""


def case_file(content: CaseForm) -> str:
    """Return the form as a file that `case create --from` reads."""
    fields = content.model_dump(mode="json")
    sections = fields.pop("sections")
    # A JSON string is a TOML string as well.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    for section in sections:
        lines += ["", "[[sections]]"]
        lines += [
            f"{key} = {json.dumps(text, ensure_ascii=False)}" for key, text in section.items()
        ]
    return "\n".join([*lines, ""])
