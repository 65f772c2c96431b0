"""Starts a stack in order, keeps it alive, reports on it, and stops it in reverse order."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from workers.folder.report import ProcessReport, StackReport, down_report, write_json
from workers.processes import WorkerRole, groups, health_port
from workers.settings.stack import StackSettings
from workers.stack import programs
from workers.stack.addresses import settings_of_workers, shown_addresses, variables
from workers.stack.child import Child
from workers.stack.databases import upgrade_databases
from workers.stack.first_start import open_first_season
from workers.stack.screen import Screen
from workers.stack.servers import Servers

STOPPING = (signal.SIGINT, signal.SIGTERM)

log = structlog.get_logger()


class Supervisor:
    """One stack in one folder; the caller holds the folder's lock and the ports.

    Args:
        settings: What was asked for.
        own: The servers that we start.
        ports: The port of each name.
        screen: Where the lines of all processes go.
        empty: Open no season on the first start.
    """

    def __init__(
        self,
        settings: StackSettings,
        own: Servers,
        ports: Mapping[str, int],
        screen: Screen,
        *,
        empty: bool = False,
    ) -> None:
        self._settings, self._empty, self._screen = settings, empty, screen
        self._places = settings.places
        self._worker_settings = worker_settings = settings_of_workers(settings, ports)
        self._report = down_report(self._places)
        self._report["addresses"] = shown_addresses(worker_settings, ports)
        self._report["temporal_namespace"] = worker_settings.temporal_namespace
        self._report["pid"] = os.getpid()
        self._servers = [
            self._child(program)
            for program in own.programs(worker_settings.temporal_namespace, ports, self._places)
        ]
        self._workers = [self._worker(roles, ports) for roles in groups(settings.processes)]
        self._started = False
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()

    async def run(self, announce: Callable[[StackReport], None]) -> None:
        """Serve until a signal says stop; call `announce` once when all is ready.

        Raises:
            StartFailed: A process never came to serve.
        """
        self._watch_signals()
        self._note_start()
        self._write()
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self._started = True
                self._write()
                announce(self._report)
                await stopping
        finally:
            for task in (starting, stopping):
                task.cancel()
            await asyncio.gather(starting, stopping, return_exceptions=True)
            await self._stop_all()

    def _worker(self, roles: Sequence[WorkerRole], ports: Mapping[str, int]) -> Child:
        health = [ports[health_port(role)] for role in roles]
        known = variables(self._worker_settings)
        return self._child(programs.worker(roles, self._places, known, health))

    def _child(self, program: programs.Program) -> Child:
        def show(name: str, line: str) -> None:
            # Servers complain at length about each other's end; their logs keep it.
            ending = self._stop.is_set() and name not in WorkerRole
            self._screen.line(name, line, shown=not ending and not program.chatter(line))

        bounded = replace(program, start_within=self._settings.start_within)
        return Child(bounded, show, self._write)

    async def _start(self) -> None:
        for server in self._servers:
            server.start()
        await asyncio.gather(
            asyncio.to_thread(self._upgrade),
            *(server.served() for server in self._servers),
        )
        for worker in self._workers:
            worker.start()
        await asyncio.gather(*(worker.served() for worker in self._workers))
        if not self._empty:
            await open_first_season(self._worker_settings)

    def _upgrade(self) -> None:
        upgrade_databases(self._worker_settings)
        log.info("databases_ready")

    async def _stop_all(self) -> None:
        """Stop the workers, all at once; then the servers, the last started first."""
        self._started = False
        self._write()
        log.info("stopping")
        await asyncio.gather(*(worker.stop(self._hurry) for worker in self._workers))
        for server in reversed(self._servers):
            await server.stop(self._hurry)
        self._places.report.unlink(missing_ok=True)
        self._places.started.unlink(missing_ok=True)
        log.info("stopped")

    def _note_start(self) -> None:
        """Leave a mark that only a clean stop removes; note if the last stop left one."""
        if self._places.started.exists():
            self._places.unclean.touch()
            log.warning("last_stop_was_not_clean")
        self._places.started.touch()

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)

    def _hung_up(self) -> None:
        """Open the log files anew; a terminal that is gone is no reason to stop."""
        self._screen.reopen()
        log.info("logs_reopened")

    def _signalled(self) -> None:
        """Stop in order at the first signal; lose patience at the second."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def _write(self) -> None:
        children = [*self._servers, *self._workers]
        reports = [each for child in children for each in child.report()]
        self._report["processes"] = sorted(reports, key=_place)
        self._report["ready"] = self._started and all(child.ready for child in children)
        with contextlib.suppress(OSError):  # a full disk is no reason to stop the processes
            write_json(self._places.report, self._report)


def _place(report: ProcessReport) -> int:
    """Return the place of a process in lists: servers, then workers in the order of their roles."""
    name = report["name"]
    return list(WorkerRole).index(WorkerRole(name)) if name in WorkerRole else -1
