"""Log files grow to their limit, are set aside, and are opened anew when somebody moves them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.folder.places import Places
from workers.stack.log_file import LogFile, Rotation
from workers.stack.screen import Screen


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "it.log"


@pytest.fixture
def small(path: Path) -> Iterator[LogFile]:
    file = LogFile(path, Rotation(most_bytes=20, kept=2))
    yield file
    file.close()


def contents(path: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in sorted(path.parent.iterdir())}


def test_a_file_is_set_aside_before_it_is_too_large(path: Path, small: LogFile) -> None:
    for n in range(1, 8):
        small.write(f"line {n}...\n")
    assert contents(path) == {
        "it.log": "line 7...\n",
        "it.log.1": "line 5...\nline 6...\n",
        "it.log.2": "line 3...\nline 4...\n",
    }


def test_a_text_larger_than_a_file_is_kept_whole(path: Path, small: LogFile) -> None:
    small.write("x" * 100)
    small.write("y" * 100)
    assert contents(path) == {"it.log": "y" * 100, "it.log.1": "x" * 100}


def test_a_file_of_an_earlier_run_counts(path: Path, small: LogFile) -> None:
    path.write_text("before before before\n")
    small.write("after\n")
    assert contents(path) == {"it.log": "after\n", "it.log.1": "before before before\n"}


def test_none_is_kept_where_none_is_wanted(path: Path) -> None:
    file = LogFile(path, Rotation(most_bytes=5, kept=0))
    file.write("one\n")
    file.write("two\n")
    file.close()
    assert contents(path) == {"it.log": "two\n"}


def test_a_file_that_was_moved_or_removed_is_begun_anew(path: Path, small: LogFile) -> None:
    small.write("one\n")
    path.rename(path.with_name("moved"))
    small.write("two\n")
    path.unlink()
    small.write("three\n")
    assert contents(path) == {"it.log": "three\n", "moved": "one\n"}


def test_descriptors_follow_the_file(path: Path) -> None:
    """What a supervisor in the background writes past its log is in the newest file, too."""
    descriptor = os.open(os.devnull, os.O_WRONLY)
    file = LogFile(path, Rotation(most_bytes=5, kept=1), (descriptor,))
    try:
        file.write("one\n")
        file.write("two\n")
        os.write(descriptor, b"past\n")
    finally:
        file.close()
        os.close(descriptor)
    assert contents(path) == {"it.log": "two\npast\n", "it.log.1": "one\n"}


def test_a_screen_rotates_the_logs_of_all_processes(tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.prepare()
    own = LogFile(places.log_of("up"), Rotation(most_bytes=40, kept=1))
    screen = Screen(places, own, Rotation(most_bytes=10, kept=1))
    for n in range(3):
        screen.line("cases", f"line {n}")
    screen.reopen()
    screen.line("cases", "last")
    screen.close()
    own.close()
    assert contents(places.log_of("any")) == {
        "cases.log": "last\n",
        "cases.log.1": "line 2\n",
        "up.log": "cases    | line 2\ncases    | last\n",
        "up.log.1": "cases    | line 0\ncases    | line 1\n",
    }
