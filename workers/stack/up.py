"""`tuixuan up`: takes the folder, the servers and the ports, then runs the supervisor."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

from workers.folder import lock
from workers.folder.places import Places
from workers.folder.report import StackReport
from workers.logs.setup import configure_logs
from workers.settings.stack import StackSettings
from workers.stack import ports
from workers.stack.screen import Screen
from workers.stack.servers import find_servers
from workers.stack.supervisor import Supervisor

OURS = "tuixuan"
"""The prefix of the supervisor's own lines."""


def up(
    settings: StackSettings, announce: Callable[[StackReport], None], *, empty: bool = False
) -> None:
    """Run the stack of the folder until a signal stops it.

    Args:
        settings: What was asked for.
        announce: Called once, when all is ready.
        empty: Open no season on the first start.

    Raises:
        FolderInUse: Another supervisor runs here.
        PortInUse: A port that was asked for is in use.
        ServerMissing: A server cannot be had.
        ServerUnavailable: An external server does not answer.
        StartFailed: A process never came to serve.
    """
    places = settings.places
    with lock.hold(places), _screen(places, settings.log_level) as screen, _sigterm_interrupts():
        # Not in the event loop: a signal must be able to end a build of minutes.
        found = find_servers(settings, lambda line: screen.line(OURS, line))
        asked = {name: port.asked(settings) for name, port in ports.PORTS.items()}
        with ports.chosen(found.port_names(), asked, places) as chosen:

            async def supervise() -> None:
                await Supervisor(settings, found, chosen, screen, empty=empty).run(announce)

            asyncio.run(supervise())


@contextlib.contextmanager
def _screen(places: Places, level: str) -> Iterator[Screen]:
    screen = Screen(places, sys.stderr)
    configure_logs(OURS, level=level, stream=screen.said(OURS))
    try:
        yield screen
    finally:
        screen.close()


@contextlib.contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does until the supervisor takes over: undo and leave."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
