"""One process, kept alive."""

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import AsyncIterator, Callable

import structlog

from workers.folder.report import ProcessReport
from workers.stack.programs import Program

FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
"""Seconds before a process that died is started again: doubled each time."""
CALM = 30.0
"""Seconds alive after which a death counts as the first again."""
GIVE_UP = 4
"""Deaths before it ever served: then something is wrong that waiting does not mend."""
ASK_EVERY = 0.1
LOOK_EVERY = 0.5
LONGEST_LINE = 1 << 20

log = structlog.get_logger()


class StartFailed(Exception):
    """A process never came to serve.

    Attributes:
        name: Which.
        why: What was missing, or how it ended.
        last_lines: What it said last.
    """

    def __init__(self, name: str, why: str, last_lines: list[str]) -> None:
        super().__init__(name, why, last_lines)
        self.name, self.why, self.last_lines = name, why, last_lines


class Child:
    """Starts a program, watches it, starts it again when it dies."""

    def __init__(
        self, program: Program, show: Callable[[str, str], None], changed: Callable[[], None]
    ) -> None:
        """Show its lines with `show(name, line)`; call `changed` when its report changes."""
        self.program = program
        self.ready = False
        self.restarts = 0
        self._show, self._changed = show, changed
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._served = asyncio.Event()
        self._trouble = "not started"
        self._last: deque[str] = deque(maxlen=20)
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the process; None: it is down."""
        return None if self._process is None else self._process.pid

    def report(self) -> ProcessReport:
        """Return what `status` says about it."""
        return ProcessReport(
            name=self.program.name,
            pid=self.pid,
            ready=self.ready,
            restarts=self.restarts,
            health=self.program.health,
        )

    def start(self) -> None:
        """Start it and keep it alive from now on."""
        self._task = asyncio.create_task(self._keep_alive(), name=f"keep {self.program.name}")

    async def served(self) -> None:
        """Wait until it has served for the first time.

        Raises:
            StartFailed: it died too often, or took too long.
        """
        if self._task is None:
            raise RuntimeError("start it first")
        waiting = asyncio.create_task(self._served.wait())
        try:
            await asyncio.wait(
                {waiting, self._task},
                timeout=self.program.start_within,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            waiting.cancel()
        if self._task.done() and not self._served.is_set():
            self._task.result()
        if not self._served.is_set():
            why = f"not ready within {self.program.start_within:.0f} s: {self._trouble}"
            raise StartFailed(self.program.name, why, list(self._last))

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to end; make it end after its grace, or as soon as `hurry` is set."""
        self._stopping.set()
        if self._task is None:
            return
        self._signal(signal.SIGTERM)
        hurried = asyncio.create_task(hurry.wait())
        done, _ = await asyncio.wait(
            {self._task, hurried},
            timeout=self.program.grace,
            return_when=asyncio.FIRST_COMPLETED,
        )
        hurried.cancel()
        if self._task not in done:
            log.warning("process_killed", process=self.program.name, pid=self.pid)
            self._signal(signal.SIGKILL)
        with contextlib.suppress(StartFailed):
            await self._task

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _keep_alive(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            started = time.monotonic()
            how = await self._run_once()
            if self._stopping.is_set():
                return
            self.restarts += 1
            if not self._served.is_set() and self.restarts >= GIVE_UP:
                raise StartFailed(self.program.name, how, list(self._last))
            if time.monotonic() - started >= CALM:
                delay = FIRST_DELAY
            name = self.program.name
            log.warning("process_died", process=name, how=how, restart_in_s=delay)
            self._changed()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _run_once(self) -> str:
        """Run it to its end and return how it ended."""
        try:
            process = self._process = await self._spawn()
        except OSError as error:  # no memory, no descriptor, no disk: it may pass
            return f"could not be started: {error}"
        self._changed()
        if self._stopping.is_set():  # asked to stop while it was being started
            self._signal(signal.SIGTERM)
        tasks = [asyncio.create_task(does(process)) for does in (self._listen, self._watch)]
        try:
            code = await _end_of(process)
            await asyncio.wait(tasks[:1], timeout=1)  # its last words
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._process, self.ready = None, False
        return _ended(code)

    async def _spawn(self) -> Process:
        self.program.before()
        return await asyncio.create_subprocess_exec(
            *self.program.tethered,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=dict(self.program.environ),
            start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
        )

    async def _listen(self, process: Process) -> None:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        async for line in _lines(process.stdout):
            self._last.append(line)
            self._show(self.program.name, line)

    async def _watch(self, process: Process) -> None:
        """Ask until it serves."""
        while (trouble := await self._ask(process.pid)) is not None:
            self._trouble = trouble
            await asyncio.sleep(ASK_EVERY)
        self.ready = True
        self._served.set()
        log.info("process_ready", process=self.program.name, pid=process.pid)
        self._changed()

    async def _ask(self, pid: int) -> str | None:
        try:
            return await self.program.missing(pid)
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not serve yet
            return f"{type(error).__name__}: {error}"


async def _end_of(process: Process) -> int:
    """Return the exit code of a process once it has one.

    asyncio waits for the end of its output too, and whoever inherited that may hold it open.
    """
    waiting = asyncio.create_task(process.wait())
    try:
        while process.returncode is None:
            await asyncio.wait({waiting}, timeout=LOOK_EVERY)
    finally:
        waiting.cancel()
    return process.returncode


def _ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield lines of any length; a very long one comes in pieces."""
    rest = b""
    while chunk := await stream.read(1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")
