"""A moved date is shown and asked for, on a real terminal."""

import os
import pty
import subprocess
import sys
import termios
from typing import NamedTuple

import pytest

ASKED = """
import sys
from datetime import UTC, datetime
from cli.frame.effects import agreed
from cli.frame.options import Options, begin
from models.refusals import Refused
from services.dates.plan import CaseEffect, MovePlan

def plan(*ids):
    at = datetime(2024, 5, 1, tzinfo=UTC)
    rest = {"title": "（示例）", "state": "draft", "effect": "lapses", "before": at, "after": at}
    cases = tuple(CaseEffect(id=each, **rest) for each in ids)
    return MovePlan(season="2024", milestone="cutoff", before=at, after=at, cases=cases)

begin(Options())
plans = iter([plan(*ids.split("+")) for ids in sys.argv[2:]])
try:
    print("agreed" if agreed(lambda: next(plans), dry_run=sys.argv[1] == "dry") else "shown")
except Refused as refused:
    print(refused.code)
"""


class Said(NamedTuple):
    result: str
    shown: str


def on_terminal(answers: str, *arguments: str) -> Said:
    """Ask on a pseudo-terminal, on which somebody has typed the answers."""
    ours, theirs = pty.openpty()
    modes = termios.tcgetattr(theirs)
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    os.write(ours, answers.encode())
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASKED, *arguments],
            stdin=theirs, capture_output=True, check=True, text=True,
        )  # fmt: skip
    finally:
        os.close(ours)
        os.close(theirs)
    return Said(done.stdout.split()[-1], done.stderr)


@pytest.mark.parametrize(
    ("answers", "plans", "result", "questions"),
    [
        ("y\n", ["a", "a"], "agreed", 1),
        ("n\n", ["a"], "not_confirmed", 1),
        ("\n", ["a"], "not_confirmed", 1),
        ("maybe\ny\n", ["a", "a"], "agreed", 2),
        ("y\ny\n", ["a", "a+b", "a+b"], "agreed", 2),
        ("y\nn\n", ["a", "a+b"], "not_confirmed", 2),
    ],
)
def test_it_is_asked_for_until_the_answer_is_about_what_it_does_now(
    answers: str, plans: list[str], result: str, questions: int
) -> None:
    said = on_terminal(answers, "do", *plans)
    assert (said.result, said.shown.count("确定这样调整吗？")) == (result, questions)
    assert "随即逾期终止" in said.shown
    assert ("情况有变" in said.shown) is (len(set(plans)) > 1)


def test_what_is_only_shown_is_not_asked_for() -> None:
    said = on_terminal("", "dry", "a")
    assert said.result == "shown"
    assert "确定" not in said.shown
    assert "以上为试算" in said.shown
