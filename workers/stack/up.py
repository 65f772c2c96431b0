"""`tuixuan up`: takes the folder, the servers and the ports, then runs the supervisor."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TextIO

from workers.folder import lock
from workers.folder.places import Places
from workers.folder.privacy import require_private
from workers.folder.report import StackReport
from workers.folder.room import require_room
from workers.logs.setup import configure_logs
from workers.settings.stack import StackSettings
from workers.stack import ports
from workers.stack.external import external_servers_answer
from workers.stack.log_file import LogFile, Rotation
from workers.stack.screen import Screen
from workers.stack.servers import find_servers
from workers.stack.supervisor import Supervisor
from workflows.names import NAMESPACE

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
        FolderOpen: Other accounts of the machine can enter the folder.
        NoRoom: The disk has too little room for a first start.
        PortInUse: A port that was asked for is in use.
        ServerMissing: A server cannot be had.
        ServersUnavailable: External servers do not answer, or lack what we need.
        StartFailed: A process never came to serve.
    """
    places = settings.places
    with lock.hold(places), _screen(settings) as screen, _signals_until_supervised():
        require_private(places, allowed=settings.open_folder)
        require_room(places)
        namespace = settings.temporal.namespace or NAMESPACE
        asyncio.run(external_servers_answer(settings, namespace))
        # Not in the event loop: a signal must be able to end a build of minutes.
        found = find_servers(settings, lambda line: screen.line(OURS, line))
        asked = {name: port.asked(settings) for name, port in ports.PORTS.items()}
        with ports.chosen(found.port_names(), asked, places) as chosen:

            async def supervise() -> None:
                await Supervisor(settings, found, chosen, screen, empty=empty).run(announce)

            asyncio.run(supervise())


@contextlib.contextmanager
def _screen(settings: StackSettings) -> Iterator[Screen]:
    log = settings.log
    rotation = Rotation(most_bytes=log.max_mib << 20, kept=log.kept)
    screen = Screen(settings.places, _own_output(settings.places, rotation), rotation)
    configure_logs(OURS, level=settings.log_level, stream=screen.said(OURS))
    try:
        yield screen
    finally:
        screen.close()


def _own_output(places: Places, rotation: Rotation) -> TextIO | LogFile:
    """Return where our lines are shown; in the background that is a log file like the others."""
    path = places.log_of("up")
    with contextlib.suppress(OSError, ValueError):
        if os.path.samestat(path.stat(), os.fstat(sys.stderr.fileno())):
            return LogFile(path, rotation, (sys.stdout.fileno(), sys.stderr.fileno()))
    return sys.stderr


@contextlib.contextmanager
def _signals_until_supervised() -> Iterator[None]:
    """Until the supervisor takes over, let SIGTERM do what Ctrl-C does, and SIGHUP nothing."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    def ignore(_number: int, _frame: FrameType | None) -> None:
        """Do nothing; unlike SIG_IGN, no child inherits this."""

    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt)}
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup has said so already
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, ignore)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
