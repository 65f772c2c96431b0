"""One process, kept alive."""

import asyncio
import contextlib
import os
import signal
import time
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from workers.folder.report import ProcessReport
from workers.stack.process import close, end_of, how_it_ended, lines, spawn
from workers.stack.programs import Program
from workers.stack.progress import Progress

FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
"""Seconds before a process that died is started again; doubled each time."""
CALM = 30.0
"""Seconds alive after which the next death counts as the first again."""
GIVE_UP = 4
"""Deaths before it ever served; then something is wrong that waiting does not mend."""
ASK_EVERY = 0.1
LOOK_AFTER_EVERY = 5.0
LOOK_EVERY = 0.5
"""Seconds between two looks whether a process that starts gets on."""
MOST_HELD_BACK = 1000
"""Lines of a program that is asked to end; the oldest go first."""
LAST_WORDS = 1.0
"""Seconds in which the output of a process that ended is still read."""

log = structlog.get_logger()


class StartFailed(Exception):
    """A process never came to serve.

    Attributes:
        name: Which process.
        why: What was missing, or how it ended.
        last_lines: The last lines that it wrote.
    """

    def __init__(self, name: str, why: str, last_lines: list[str]) -> None:
        super().__init__(name, why, last_lines)
        self.name, self.why, self.last_lines = name, why, last_lines


class Child:
    """Starts a program, watches it, and starts it again when it dies.

    Args:
        program: What to run.
        show: Called with the name and each line that the program writes.
        changed: Called when the report of the process changes.
    """

    def __init__(
        self, program: Program, show: Callable[[str, str], None], changed: Callable[[], None]
    ) -> None:
        self.program = program
        self.ready = False
        self.restarts = 0
        self._show, self._changed = show, changed
        self._process: Process | None = None
        self._stopping = asyncio.Event()
        self._served = asyncio.Event()
        self._trouble = "not started"
        self._progress = Progress()
        self._last: deque[str] = deque(maxlen=20)
        self._held_back: deque[str] = deque(maxlen=MOST_HELD_BACK)
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The pid of the process; None while it is down."""
        return None if self._process is None else self._process.pid

    def report(self) -> list[ProcessReport]:
        """Return what `status` says about each of its parts."""
        return [
            ProcessReport(
                name=name, pid=self.pid, ready=self.ready, restarts=self.restarts, health=health
            )
            for name, health in (self.program.parts or {self.program.name: None}).items()
        ]

    def start(self) -> None:
        """Start it, and keep it alive from now on."""
        self._progress = Progress()
        self._task = asyncio.create_task(self._keep_alive(), name=f"keep {self.program.name}")

    async def served(self) -> None:
        """Wait until it has served for the first time.

        Raises:
            StartFailed: It died too often, got no further, or took too long.
        """
        if self._task is None:
            raise RuntimeError("start it first")
        serving = asyncio.create_task(self._served.wait())
        try:
            while not self._served.is_set() and not self._task.done():
                await asyncio.wait(
                    {serving, self._task},
                    timeout=LOOK_EVERY,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                self._progress.look(self.pid)
                if not self._served.is_set() and not self._task.done():
                    self._give_up_if_stalled()
        finally:
            serving.cancel()
        if not self._served.is_set():
            self._task.result()
            raise self._failed(f"已被要求停止：{self._trouble}")

    def _give_up_if_stalled(self) -> None:
        """Wait as long as it gets on, within the limit of the settings."""
        within, stalled = self.program.start_within, self.program.stalled_after
        if self._progress.took >= within:
            raise self._failed(f"{within:.0f} 秒内未就绪：{self._trouble}")
        if self._progress.silence >= stalled:
            raise self._failed(f"{stalled:.0f} 秒没有任何进展：{self._trouble}")

    async def stop(self, hurry: asyncio.Event) -> None:
        """Ask it to end; kill it after its grace, or as soon as `hurry` is set."""
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

    def _failed(self, why: str) -> StartFailed:
        return StartFailed(self.program.name, why, list(self._last))

    async def _keep_alive(self) -> None:
        delay = FIRST_DELAY
        while not self._stopping.is_set():
            started = time.monotonic()
            how = await self._run_once()
            if self._stopping.is_set():
                return
            self.restarts += 1
            if not self._served.is_set() and self.restarts >= GIVE_UP:
                raise self._failed(how)
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
            process = self._process = await spawn(self.program)
        except OSError as error:  # no memory, no descriptor, no disk: it may pass
            return f"could not be started: {error}"
        self._changed()
        if self._stopping.is_set():  # asked to stop while it was being started
            self._signal(signal.SIGTERM)
        tasks = [asyncio.create_task(does(process)) for does in (self._listen, self._watch)]
        try:
            code = await end_of(process)
            await asyncio.wait(tasks[:1], timeout=LAST_WORDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            close(process)
            self._process, self.ready = None, False
        if code != 0:
            self._show_held_back()
        return how_it_ended(code)

    def _show_held_back(self) -> None:
        """Show what it wrote after it was asked to end: it did not end well."""
        while self._held_back:
            self._say(self._held_back.popleft())

    def _say(self, line: str) -> None:
        self._show(self.program.speaker(line), line)

    async def _listen(self, process: Process) -> None:
        async for line in lines(process):
            self._last.append(line)
            self._progress.note()
            if self.program.ends_loudly and self._stopping.is_set():
                self._held_back.append(line)
            else:
                self._say(line)

    async def _watch(self, process: Process) -> None:
        """Ask until it serves."""
        while (trouble := await self._ask(process.pid)) is not None:
            self._trouble = trouble
            await asyncio.sleep(ASK_EVERY)
        self.ready = True
        self._served.set()
        log.info("process_ready", process=self.program.name, pid=process.pid)
        self._changed()
        if self.program.ails is not None:
            await self._look_after(self.program.ails)

    async def _look_after(self, ails: Callable[[], Awaitable[str | None]]) -> None:
        """Notice that it serves and cannot work; start it again once that may cure it."""
        name = self.program.name
        while True:
            await asyncio.sleep(LOOK_AFTER_EVERY)
            why = await ails()
            if self.ready != (why is None):
                self.ready = why is None
                log.warning(
                    "process_recovered" if self.ready else "process_ails", process=name, why=why
                )
                self._changed()
            if why is not None and self.program.curable():
                log.warning("process_started_again", process=name, why=why)
                self._signal(signal.SIGTERM)
                await asyncio.sleep(self.program.grace)
                self._signal(signal.SIGKILL)

    async def _ask(self, pid: int) -> str | None:
        try:
            return await self.program.missing(pid)
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not serve yet
            return f"{type(error).__name__}: {error}"
