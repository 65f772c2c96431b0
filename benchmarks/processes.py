"""The processes under measurement: a Temporal server and two workers, in a folder that goes."""

import asyncio
import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from benchmarks.figures import BARE, ENGINE, OURS
from workers.servers.found import Binary, show
from workers.servers.ports import LOOPBACK, free_ports
from workers.servers.temporal import find_temporal, temporal_command
from workers.temporal_client import connect
from workflows.names import NAMESPACE

START_SECONDS = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """Return a folder on the disk of the checkout: /tmp may be memory, where fsync is free."""
    parent.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent)).absolute()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Server:
    """The Temporal server of this run."""

    address: str
    version: str
    pid: int


@contextlib.asynccontextmanager
async def temporal(folder: Path) -> AsyncIterator[Server]:
    """Run a server of our own, whatever TEMPORAL_ADDRESS says: both contenders meet it new."""
    environ = {name: value for name, value in os.environ.items() if name != "TEMPORAL_ADDRESS"}
    binary = await asyncio.to_thread(find_temporal, environ)
    assert isinstance(binary, Binary)
    port, ui_port = free_ports(2)
    command = temporal_command(
        binary.path, db_file=folder / "temporal.db", port=port, ui_port=ui_port, namespace=NAMESPACE
    )
    with process("temporal", command, folder) as pid:
        yield Server(f"{LOOPBACK}:{port}", show(binary.version), pid)


async def connected(address: str) -> Client:
    """Return a client as soon as the server answers."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            with contextlib.suppress(Exception):  # whatever a starting server answers
                client = await connect(address)
                await client.count_workflows()
                return client
            await asyncio.sleep(0.1)


@contextlib.contextmanager
def workers(folder: Path, address: str, database_url: str) -> Iterator[dict[str, int]]:
    """Run the two worker processes; yield contender → pid."""
    module = [sys.executable, "-m", "benchmarks.worker"]
    with (
        process(BARE, [*module, BARE, address, database_url], folder) as bare,
        process(OURS, [*module, OURS, address, database_url], folder) as ours,
    ):
        yield {BARE: bare, ENGINE: bare, OURS: ours}


@contextlib.contextmanager
def process(
    name: str, command: list[str], folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Run a process for the length of a block; yield its pid. `environ`: None: as ours."""
    log = folder / f"{name}.log"
    with log.open("wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environ)
    try:
        yield running.pid
        assert running.poll() is None, f"{name} ended early"
    except BaseException:
        print(log.read_text(errors="replace")[-4000:], file=sys.stderr)
        raise
    finally:
        running.terminate()
        running.wait()


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that a process and its threads used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def own_cpu_seconds() -> float:
    """Return the CPU seconds that this process, the clients', used so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
