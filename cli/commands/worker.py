"""`tuixuan worker ROLE…`: one of the processes that `up` starts."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
THREADS = 8
"""For each role: one that waits for a database that hangs leaves the others theirs."""


@app.command(help="运行一个后台进程（通常由 up 启动），收到 SIGTERM 后办完手头的工作再退出")
def worker(
    roles: Annotated[
        list[WorkerRole], typer.Argument(metavar="ROLE...", help="进程的职责，一项或多项")
    ],
    health_port: Annotated[
        list[int] | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="健康与指标的端口，依次对应各项职责；默认：第一项用 TUIXUAN_METRICS__PORT",
        ),
    ] = None,
) -> None:
    from workers.logs.setup import configure_logs

    settings = options().settings()
    roles = list(dict.fromkeys(roles))
    if len(health_port or ()) > len(roles):
        raise typer.BadParameter("--health-port 多于职责：每项职责至多一个端口。")
    configure_logs(roles[0], level=settings.log_level)
    ports = health_port or ([settings.metrics.port] if settings.metrics.port else [])
    asyncio.run(_run(roles, settings, [*ports, *[None] * len(roles)][: len(roles)]))


async def _run(
    roles: Sequence[WorkerRole], settings: "WorkerSettings", ports: Sequence[int | None]
) -> None:
    """Run the roles until a signal; the first that ends without one ends all of them."""
    import structlog

    settings.places.prepare()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS * len(roles), thread_name_prefix="io"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, bool)  # our lines go to stdout: nothing to open anew
    running = [
        asyncio.create_task(_serve(role, settings, port, stop))
        for role, port in zip(roles, ports, strict=True)
    ]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    ended = await asyncio.gather(*running, return_exceptions=True)
    errors = [error for error in ended if isinstance(error, BaseException)]
    for error in errors[1:]:
        structlog.get_logger().error("worker_failed", exc_info=error)
    if errors:
        raise errors[0]


async def _serve(
    role: WorkerRole, settings: "WorkerSettings", port: int | None, stop: asyncio.Event
) -> None:
    import structlog

    from workers.health.server import served_health
    from workers.logs.setup import speak_as
    from workers.roles import RUN

    speak_as(role)
    log = structlog.get_logger()
    log.info("worker_starting", state_dir=str(settings.state_dir))
    with served_health(role, settings, port):
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
