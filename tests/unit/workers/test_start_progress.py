"""A process that starts is waited for while it gets on; what its end said comes first."""

from pathlib import Path

from cli.frame.errors import explain
from workers.stack.detach import DetachFailed
from workers.stack.progress import Progress


class World:
    """A clock and the CPU time of a process, both moved by hand."""

    def __init__(self) -> None:
        self.now, self.used = 100.0, 0.0
        self.progress = Progress(lambda _pid: self.used, lambda: self.now)

    def later(self, seconds: float, *, used: float = 0.0, pid: int | None = 7) -> float:
        self.now += seconds
        self.used += used
        self.progress.look(pid)
        return self.progress.silence


def test_work_is_progress_and_waiting_is_not() -> None:
    world = World()
    assert world.later(1) == 0  # a first process
    assert world.later(50, used=0.3) == 0
    assert world.later(30, used=0.1) == 30  # a look around now and then
    assert world.later(20, used=0.0) == 50
    assert world.later(10, used=0.1) == 0  # together they were work
    assert world.progress.took == 111


def test_a_line_is_progress() -> None:
    world = World()
    world.later(1)
    assert world.later(40) == 40
    world.progress.note()
    assert world.later(5) == 5


def test_another_process_is_progress() -> None:
    world = World()
    world.later(1, used=3)
    world.later(40)
    world.used = 0.0
    assert world.later(1, pid=8) == 0


LINES = [
    "tuixuan  | {}",
    "nats     | [1] [FTL] no space left on device",
    "nats 未能启动：exit code 1。最后的输出：",
    "  [1] [FTL] no space left on device（start_failed）",
]


def test_the_reason_comes_first_and_once() -> None:
    problem = explain(DetachFailed(69, LINES, Path("/s/log/up.log")))
    assert (problem.code, problem.exit) == ("start_failed", 69)
    assert problem.message == (
        "后台系统未能启动：nats 未能启动：exit code 1。最后的输出：\n"
        "  [1] [FTL] no space left on device（start_failed）\n完整日志见 /s/log/up.log。"
    )


def test_without_a_reason_the_last_lines_are_shown() -> None:
    problem = explain(DetachFailed(-9, LINES[:2], Path("/s/log/up.log")))
    assert problem.exit == 1
    assert problem.message.endswith("最后的输出：\n  " + "\n  ".join(LINES[:2]))
