"""`tuixuan worker ROLE`: one of the processes that `up` starts."""

import asyncio
import contextlib
import os
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from workers.processes import WorkerRole

if TYPE_CHECKING:
    from workers.folder.places import Places
    from workers.settings.worker import WorkerSettings

app = typer.Typer(add_completion=False)

GRACE = 25.0
"""Seconds after SIGTERM in which a worker may finish its work in hand; production allows 30."""


@app.command(help="运行一个后台进程（通常由 up 启动），收到 SIGTERM 后办完手头的工作再退出")
def worker(role: Annotated[WorkerRole, typer.Argument(metavar="ROLE", help="进程的职责")]) -> None:
    from workers.logs.setup import configure_logs

    settings = options().settings()
    configure_logs(role, level=settings.log_level)
    asyncio.run(_run(role, settings))


async def _run(role: WorkerRole, settings: "WorkerSettings") -> None:
    import structlog

    from workers.health.server import served_health
    from workers.roles import RUN

    settings.places.prepare()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, bool)  # our lines go to stdout: nothing to open anew
    log = structlog.get_logger()
    log.info("worker_starting", state_dir=str(settings.state_dir))
    with served_health(role, settings):
        work = asyncio.create_task(RUN[role](settings, stop))
        await _until_done(work, settings.places, role, stop)
    log.info("worker_stopped")


async def _until_done(
    work: "asyncio.Task[None]", places: "Places", role: WorkerRole, stop: asyncio.Event
) -> None:
    """Wait for the work, or for a signal and then for the work in hand."""
    from workers.folder.readiness import is_marked

    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not work.done():
        # A worker that is not ready has nothing in hand: it may still wait for a server.
        serves = is_marked(places.ready_file(role), os.getpid())
        await asyncio.wait({work}, timeout=GRACE if serves else 0)
        work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
