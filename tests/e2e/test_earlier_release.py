"""A state folder and an export of an earlier release, in the hands of today's code."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.audit import archive_verifier
from tests.e2e.driving import REASON, act, lines
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("earlier-release"),
]

STATES = Path(__file__).with_name("states")
RELEASE = "2026-11-26"
ANSWERS = json.loads((STATES / f"{RELEASE}-answers.json").read_text(encoding="utf-8"))
IN_FORMAL_CHECK = "case_01M8APS7BVP1E91KV3XCPE7EEB"
"""It awaits the organiser, whose deadline ends no case: it can be acted on at any time."""
NAMED_BY = ("id", "seq", "n", "year", "user", "channel")
"""What tells an item of a list from the others."""

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The old folder, served by today's code."""
    folder = unpacked(f"{RELEASE}.tar.xz", tmp_path_factory.mktemp("earlier"))
    stack = Stack(folder)
    try:
        stack.up()
        yield stack
    finally:
        stack.clean()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The old export, unpacked."""
    return unpacked(f"{RELEASE}-export.tar.gz", tmp_path_factory.mktemp("export"))


def unpacked(name: str, folder: Path) -> Path:
    """Unpack a file of `states/`; return the one folder in it."""
    with tarfile.open(STATES / name) as file:
        file.extractall(folder, filter="data")
    [inner] = folder.iterdir()
    inner.chmod(0o700)  # as it was made
    return inner


def differences(was: Any, is_: Any, moves: list[str], where: str = "") -> Iterator[str]:
    """Yield what an answer of today lacks or says otherwise; it may say more."""
    if isinstance(was, dict):
        for key, value in was.items():
            if not isinstance(is_, dict) or key not in is_:
                yield f"{where}.{key} is gone"
            elif key not in moves:
                yield from differences(value, is_[key], moves, f"{where}.{key}")
    elif isinstance(was, list) and isinstance(is_, list):
        for item in was:
            name = f"{where}[{named(item)}]"
            found = [other for other in is_ if named(other) == named(item)]
            if len(found) == 1:
                yield from differences(item, found[0], moves, name)
            else:
                yield f"{name} is there {len(found)} times"
    elif was != is_:
        yield f"{where} was {was!r} and is {is_!r}"


def named(item: Any) -> Any:
    """Return what an item of a list is known by."""
    if not isinstance(item, dict):
        return item
    return next((item[key] for key in NAMED_BY if key in item), item)


@pytest.mark.parametrize("asked", ANSWERS, ids=lambda asked: " ".join(asked["command"]))
def test_it_says_what_it_said(old: Stack, asked: Answer) -> None:
    said = old.json(*asked["command"])
    assert list(differences(asked["answer"], said, asked["moves"])) == []


def test_an_open_case_goes_on_by_an_update_of_its_old_workflow(old: Stack) -> None:
    before = lines(old, IN_FORMAL_CHECK)
    shown = act(old, IN_FORMAL_CHECK, ("fail", "--reason", REASON))
    assert shown["state"] == "ineligible"
    *earlier, last = lines(old, IN_FORMAL_CHECK)
    assert earlier[: len(before)] == before
    assert (last["action"], last["to"], last["reason"]) == (
        "fail_formal_check",
        "ineligible",
        REASON,
    )
    assert shown["seq"] == last["seq"] == len(earlier) + 1

    def witnessed() -> Answer | None:
        event: Answer = old.json("event", "show", f"{IN_FORMAL_CHECK}:{last['seq']}")
        return event if event["audit"] and event["told"] else None

    assert old.wait_until(witnessed, what="the event is told and witnessed")["stream_seq"]


def test_all_its_records_agree_and_verify(old: Stack) -> None:
    def agreed() -> Answer | None:
        """The clock may have ended cases just now: then the others are a moment behind."""
        done = old.run("reconcile", "--all", "--output", "json", check=False)
        answer: Answer = json.loads(done.stdout)
        return answer if answer["ok"] and not answer["differences"] else None

    assert old.wait_until(agreed, what="the records agree")["cases"] == 15
    verified = old.json("audit", "verify")
    assert (verified["ok"], verified["cases"], verified["problems"]) == (True, 15, [])


@pytest.mark.parametrize("whose", ["today's", "its own"])
def test_its_export_verifies(archive: Path, whose: str) -> None:
    program = archive / "verify.py" if whose == "its own" else Path(archive_verifier.__file__)
    assert inspected(program, archive) == (0, ["ok 核验无误"])


@pytest.mark.parametrize("whose", ["today's", "its own"])
def test_a_change_in_its_export_is_found(archive: Path, tmp_path: Path, whose: str) -> None:
    program = archive / "verify.py" if whose == "its own" else Path(archive_verifier.__file__)
    for path in archive.iterdir():
        text = path.read_text(encoding="utf-8")
        if path.name == "history.jsonl":
            text = text.replace("fujian", "fujiao", 1)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    code, said = inspected(program, tmp_path)
    assert code == 3
    assert "changed  file:history.jsonl" in "\n".join(said)


def inspected(program: Path, folder: Path) -> tuple[int, list[str]]:
    """Verify as an inspector would: no packages, no environment."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(program), str(folder)],
        capture_output=True, text=True, check=False, env={"PYTHONUTF8": "1"},
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout.splitlines()
