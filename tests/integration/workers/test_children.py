"""One process kept alive: small real programs that serve, die, hang and talk."""

import asyncio
import gc
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from tests.slack import slack
from tests.waiting import until
from workers.folder import readiness
from workers.stack import child, probes
from workers.stack.child import Child, StartFailed
from workers.stack.programs import TETHER, Program

SERVE = """
import os, signal, sys, time, threading
from pathlib import Path
Path({ready!r}).write_text(str(os.getpid()))
print("serving", os.getpid(), flush=True)
signal.pause()
"""
PARENT = """
import os, signal, subprocess, sys
subprocess.Popen([sys.executable, "-I", "-S", sys.argv[1], str(os.getpid()), *sys.argv[2:]])
signal.pause()
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"

Make = Callable[..., Child]


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return tmp_path / "it.ready"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
async def make(ready: Path, lines: list[str]) -> AsyncIterator[Make]:
    made: list[Child] = []

    def one(
        script: str,
        *,
        start_within: float = 20,
        stalled_after: float = 20,
        grace: float = 5,
        in_vain: bool = False,
    ) -> Child:
        """Make one. `in_vain`: it will be waited for to the end, on whatever machine."""
        program = Program(
            name="it",
            command=[sys.executable, "-c", script],
            missing=partial(probes.marked, {"it": ready}),
            before=partial(readiness.clear_ready, ready),
            start_within=start_within if in_vain else slack(start_within),
            stalled_after=stalled_after if in_vain else slack(stalled_after),
            grace=slack(grace),
        )
        made.append(Child(program, lambda _name, line: lines.append(line), lambda: None))
        return made[-1]

    yield one
    at_once = asyncio.Event()
    at_once.set()
    for each in made:
        await each.stop(at_once)


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended: without an init that reaps, it stays in the table."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def serve(ready: Path) -> str:
    return SERVE.format(ready=str(ready))


async def test_it_serves_and_stops_when_asked(make: Make, ready: Path, lines: list[str]) -> None:
    it = make(serve(ready))
    it.start()
    await it.served()
    pid = it.pid
    assert it.report() == [{"name": "it", "pid": pid, "ready": True, "restarts": 0, "health": None}]
    await until(lambda: bool(lines))
    assert lines == [f"serving {pid}"]
    await it.stop(asyncio.Event())
    assert it.report() == [
        {"name": "it", "pid": None, "ready": False, "restarts": 0, "health": None}
    ]
    assert pid is not None
    assert is_gone(pid)


async def test_it_is_started_again_each_time_it_dies(make: Make, ready: Path) -> None:
    it = make(serve(ready))
    it.start()
    await it.served()
    pids = []
    for restarts in (1, 2):
        pids.append(it.pid)
        assert it.pid is not None
        os.kill(it.pid, signal.SIGKILL)
        await until(partial(_serves_again, it, restarts))
    assert len({*pids, it.pid}) == 3


def _serves_again(it: Child, restarts: int) -> bool:
    return it.restarts == restarts and it.ready


async def test_it_is_started_again_though_a_stranger_holds_its_output(
    make: Make, ready: Path
) -> None:
    stranger = ready.with_name("stranger")
    script = f"""
import os, subprocess, sys
from pathlib import Path
if not Path({str(stranger)!r}).exists():
    left = subprocess.Popen(["sleep", "infinity"], start_new_session=True)
    Path({str(stranger)!r}).write_text(str(left.pid))
    os._exit(1)
"""
    it = make(script + SERVE.format(ready=str(ready)))
    it.start()
    try:
        async with asyncio.timeout(slack(30)):
            await it.served()
        assert it.restarts == 1
        await it.stop(asyncio.Event())
        gc.collect()  # a pipe that was left open fails the test here
    finally:
        os.kill(int(stranger.read_text()), signal.SIGKILL)


async def test_waits_between_starts_double(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FIRST_DELAY", 0.1)
    monkeypatch.setattr(child, "LONGEST_DELAY", 0.4)
    starts: list[float] = []
    it = make("")
    clock = asyncio.get_running_loop().time
    object.__setattr__(it.program, "before", lambda: starts.append(clock()))
    monkeypatch.setattr(child, "GIVE_UP", 6)
    it.start()
    with pytest.raises(StartFailed):
        await it.served()
    waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
    for wait, least in zip(waits, (0.1, 0.2, 0.4, 0.4, 0.4), strict=True):
        assert least <= wait < least + slack(0.35)


async def test_one_that_never_serves_is_given_up_with_its_last_words(make: Make) -> None:
    it = make("import sys; print('no such thing', file=sys.stderr); sys.exit(3)")
    it.start()
    with pytest.raises(StartFailed) as failed:
        await it.served()
    assert failed.value.why == "exit code 3"
    assert failed.value.last_lines[-1] == "no such thing"
    assert it.restarts == child.GIVE_UP


async def test_one_that_takes_too_long_is_reported_with_what_is_missing(make: Make) -> None:
    it = make("import signal; signal.pause()", start_within=1, in_vain=True)
    it.start()
    with pytest.raises(StartFailed, match="it has not said that it serves"):
        await it.served()


async def test_one_that_works_is_waited_for_however_slow(make: Make, ready: Path) -> None:
    """It calculates without a word for longer than a process may stand still."""
    work = "import time\nwhile time.process_time() < 2.5: pass\n"
    it = make(work + serve(ready), start_within=120, stalled_after=1.5)
    it.start()
    await it.served()
    assert it.restarts == 0


async def test_one_that_says_something_is_waited_for(make: Make, ready: Path) -> None:
    slow = "import time\nfor n in range(10):\n    print(n, flush=True); time.sleep(0.3)\n"
    it = make(slow + serve(ready), start_within=120, stalled_after=2)
    it.start()
    await it.served()
    assert it.restarts == 0


async def test_one_that_stands_still_is_given_up_before_the_limit(make: Make) -> None:
    it = make("import signal; signal.pause()", start_within=600, stalled_after=1, in_vain=True)
    it.start()
    with pytest.raises(StartFailed, match="没有任何进展：it has not said that it serves"):
        await it.served()


async def test_one_that_serves_and_cannot_work_is_started_again_once_that_may_help(
    make: Make, ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a server whose disk was full: it lives, it answers, and it never recovers by itself."""
    monkeypatch.setattr(child, "LOOK_AFTER_EVERY", 0.05)
    ailing, asked, room = set[int](), list[int | None](), False
    it = make(serve(ready))

    async def ails() -> str | None:
        asked.append(it.pid)
        return "no space left on device" if it.pid in ailing else None

    object.__setattr__(it.program, "ails", ails)
    object.__setattr__(it.program, "curable", lambda: room)
    it.start()
    await it.served()
    pid = it.pid
    assert pid is not None
    ailing.add(pid)
    await until(lambda: not it.ready)
    enough = len(asked) + 3
    await until(lambda: len(asked) >= enough)
    assert (it.pid, it.restarts) == (pid, 0)  # the disk is still full
    room = True
    await until(partial(_serves_again, it, 1))
    assert it.pid != pid

    room = False
    assert it.pid is not None
    ailing.add(it.pid)
    await until(lambda: not it.ready)
    ailing.clear()
    await until(lambda: it.ready)  # it got well by itself
    assert it.restarts == 1


async def test_one_that_cannot_be_run_at_all_is_reported(make: Make) -> None:
    it = make("")
    object.__setattr__(it.program, "command", ["/nowhere/program"])
    it.start()
    with pytest.raises(StartFailed) as failed:
        await it.served()
    assert "/nowhere/program" in " ".join(failed.value.last_lines)


async def test_one_that_does_not_listen_is_killed_after_its_grace(make: Make, ready: Path) -> None:
    it = make(DEAF + serve(ready), grace=0.3)
    it.start()
    await it.served()
    pid = it.pid
    assert pid is not None
    async with asyncio.timeout(slack(5)):
        await it.stop(asyncio.Event())
    assert is_gone(pid)


async def test_hurry_ends_the_grace(make: Make, ready: Path) -> None:
    it = make(DEAF + serve(ready), grace=60)
    it.start()
    await it.served()
    hurry = asyncio.Event()
    stopping = asyncio.create_task(it.stop(hurry))
    await asyncio.sleep(0)
    hurry.set()
    async with asyncio.timeout(slack(5)):
        await stopping


async def test_its_own_children_end_with_it(make: Make, ready: Path, lines: list[str]) -> None:
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', 'infinity']); print(p.pid)\n"
    it = make(script + DEAF + serve(ready), grace=0.2)
    it.start()
    await it.served()
    await until(lambda: bool(lines))
    await it.stop(asyncio.Event())
    await until(lambda: is_gone(int(lines[0])))


async def test_lines_of_any_length_and_encoding_arrive(make: Make, lines: list[str]) -> None:
    it = make("import os; os.write(1, b'\\xff\\n' + b'x' * 300000 + b'\\nend')", start_within=5)
    it.start()
    await until(lambda: "end" in lines)
    assert lines[:3] == ["\N{REPLACEMENT CHARACTER}", "x" * 300_000, "end"]


async def test_a_child_ends_with_its_parent_however_the_parent_ends(ready: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(TETHER), sys.executable, "-c", serve(ready)
    )
    await until(lambda: ready.exists() and bool(ready.read_text()))
    pid = int(await asyncio.to_thread(ready.read_text))
    assert pid != parent.pid
    parent.kill()
    await parent.wait()
    await until(lambda: is_gone(pid))


async def test_a_child_of_a_dead_parent_does_not_start(tmp_path: Path) -> None:
    mark = tmp_path / "started"
    late = await asyncio.create_subprocess_exec(
        sys.executable, str(TETHER), "1", "touch", str(mark)
    )
    assert await late.wait() == 1
    assert not mark.exists()
