"""NATS, the relay and the consumers beside the cases: what they take of the throughput."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from activities.database import open_engine
from activities.migrations import upgrade_audit
from benchmarks.processes import START_SECONDS, process
from services.clock import now
from services.events import backlog
from workers.places import Places
from workers.servers.found import Binary
from workers.servers.nats import find_nats, nats_command, write_nats_conf
from workers.servers.ports import LOOPBACK, free_ports
from workers.stack import probes
from workers.stack.programs import ROLES
from workers.stack.readiness import is_marked

OTHERS = tuple(role for role in ROLES if role not in {"cases", "portal", "reconcile"})
"""The relay, and every consumer that there is."""


@dataclass(frozen=True)
class Consumers:
    """The processes that carry events, held still or at work."""

    pids: tuple[int, ...]
    engine: Engine

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let them do nothing for the length of a block."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    async def caught_up(self) -> None:
        """Wait until all that is recorded is on the stream."""
        while (await asyncio.to_thread(backlog, self.engine, now())).waiting:  # noqa: ASYNC110 - SQL tells nobody
            await asyncio.sleep(0.1)

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.pids:
            os.kill(pid, number)


@contextlib.asynccontextmanager
async def consumers(folder: Path, engine: Engine, temporal: str) -> AsyncIterator[Consumers]:
    """Run them on the record of this run; all serve when the block begins."""
    binary = await asyncio.to_thread(find_nats, {**os.environ, "NATS_URL": ""})
    assert isinstance(binary, Binary)
    places = Places(folder / "state")
    places.prepare()
    audit = open_engine(places.audit_url)
    upgrade_audit(audit)
    audit.dispose()
    port, monitor = free_ports(2)
    write_nats_conf(places.nats_conf, port=port, monitor_port=monitor, store_dir=places.nats_store)
    url = f"nats://{LOOPBACK}:{port}"
    environ = {
        **os.environ,
        "TUIXUAN_NATS__URL": url,
        "TUIXUAN_TEMPORAL__ADDRESS": temporal,
        "TUIXUAN_DATABASE__URL": engine.url.render_as_string(hide_password=False),
        "TUIXUAN_DATABASE__AUDIT_URL": places.audit_url,
    }
    with contextlib.ExitStack() as running:
        running.enter_context(process("nats", nats_command(binary.path, places.nats_conf), folder))
        async with asyncio.timeout(START_SECONDS):
            while await probes.nats(url) is not None:  # noqa: ASYNC110 - it starts
                await asyncio.sleep(0.1)
        command = [sys.executable, "-m", "cli", "worker", "--state-dir", str(places.root)]
        pids = tuple(
            running.enter_context(process(role, [*command, role], folder, environ))
            for role in OTHERS
        )
        async with asyncio.timeout(START_SECONDS):
            while not all(map(is_marked, map(places.ready_file, OTHERS), pids)):  # noqa: ASYNC110 - files tell nobody
                await asyncio.sleep(0.1)
        yield Consumers(pids, engine)
