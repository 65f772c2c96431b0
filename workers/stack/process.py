"""One run of a program: started, its lines, its end."""

import asyncio
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator

from workers.stack.programs import Program

LOOK_EVERY = 0.5
LONGEST_LINE = 1 << 20


async def spawn(program: Program) -> Process:
    """Start a program.

    Raises:
        OSError: There is no memory, descriptor or disk space for it.
    """
    program.before()
    return await asyncio.create_subprocess_exec(
        *program.tethered,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        env=dict(program.environ),
        cwd=program.folder,
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop them in order
    )


async def lines(process: Process) -> AsyncIterator[str]:
    """Yield what a process writes, line by line; a very long line comes in pieces."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    rest = b""
    while chunk := await process.stdout.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], b""
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
    if rest:
        yield rest.decode(errors="replace")


async def end_of(process: Process) -> int:
    """Return the exit code of a process once it has one.

    asyncio also waits for the end of its output, which a grandchild may hold open.
    """
    waiting = asyncio.create_task(process.wait())
    try:
        while process.returncode is None:
            await asyncio.wait({waiting}, timeout=LOOK_EVERY)
    finally:
        waiting.cancel()
    return process.returncode


def close(process: Process) -> None:
    """Close our end of its output, which a grandchild may hold open for ever."""
    process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no other way


def how_it_ended(code: int) -> str:
    """Say what an exit code means."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
