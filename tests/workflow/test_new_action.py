"""An action is added to a copy of the tree as CONTRIBUTING says, and works from end to end."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.factories import ROOT
from tests.workflow.temporal import Temporal

pytestmark = pytest.mark.slow

FOLDERS = (
    "activities", "cli", "models", "portal", "programmes", "services", "tests", "workers",
    "workflows",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns("__pycache__", "states", "histories", "e2e")

DECLARATION = '''

class Acknowledge(Command):
    """Say that the case arrived."""


ACKNOWLEDGE = Declaration(
    action=Action.ACKNOWLEDGE,
    command=Acknowledge,
    moves=(Move((State.PROVINCE_REVIEW,), None),),
    roles=(Role.BODY,),
    event=EventName.ACKNOWLEDGED,
    words=Words("签收", "acknowledge"),
    headline=Words("已签收", "Acknowledged"),
    notified={Role.APPLICANT: Words("推荐单位已签收贵单位的案例。", "Your case has arrived.")},
    verb=Verb("acknowledge", "签收案例。"),
)

ACTIONS = ('''

MIGRATION = '''"""A body says that a case arrived."""

from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("INSERT INTO case_action (name) VALUES ('acknowledge')")
'''


THAT_KNOW_ACTIONS = (
    "tests/unit/cases/test_lifecycle.py", "tests/unit/cases/test_guards.py",
    "tests/unit/cases/test_events.py", "tests/unit/cases/test_agenda.py",
    "tests/unit/workflows", "tests/unit/notifications", "tests/unit/cli/test_actions.py",
)  # fmt: skip


class Copy:
    """A copy of the tree, in which files are edited."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, root / folder, ignore=LEFT_OUT)
        shutil.copy(ROOT / "pyproject.toml", root)

    def edit(self, path: str, before: str, after: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(before) == 1, (path, before)
        file.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *arguments], cwd=self.root, capture_output=True, text=True, check=False
        )


def add_action(copy: Copy) -> None:
    """Three files, one line and one row of the test's table."""
    copy.edit(
        "models/cases/actions/names.py",
        '    MOVE_DEADLINE = "move_deadline"\n',
        '    MOVE_DEADLINE = "move_deadline"\n    ACKNOWLEDGE = "acknowledge"\n',
    )
    copy.edit(
        "models/cases/actions/names.py",
        '    DEADLINE_MOVED = "deadline_moved"\n',
        '    DEADLINE_MOVED = "deadline_moved"\n    ACKNOWLEDGED = "acknowledged"\n',
    )
    copy.edit("models/cases/actions/review.py", "\n\nACTIONS = (", DECLARATION + "ACKNOWLEDGE, ")
    versions = copy.root / "models" / "migrations" / "record" / "versions"
    newest = max(path.name for path in versions.glob("r*.py"))[1:5]
    number = f"{int(newest) + 1:04}"
    migration = MIGRATION.format(number=number, before=newest)
    (versions / f"r{number}_acknowledge.py").write_text(migration, encoding="utf-8")
    copy.edit(
        "workflows/case.py",
        "    move_deadline = _performs(Action.MOVE_DEADLINE)\n",
        "    move_deadline = _performs(Action.MOVE_DEADLINE)\n"
        "    acknowledge = _performs(Action.ACKNOWLEDGE)\n",
    )
    copy.edit(
        "tests/unit/cases/test_lifecycle.py",
        "move_deadline       | {WORK} ",
        "acknowledge         | province_review | body | =\nmove_deadline       | {WORK} ",
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    copied = Copy(tmp_path_factory.mktemp("tree"))
    add_action(copied)
    return copied


def test_the_tests_that_know_actions_pass(copy: Copy) -> None:
    done = copy.run("-m", "pytest", "-q", *THAT_KNOW_ACTIONS)
    assert done.returncode == 0, done.stdout[-2000:]
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 300


def test_without_its_declaration_nothing_starts(tmp_path: Path) -> None:
    """The control: a name alone is found out at once."""
    bare = Copy(tmp_path)
    bare.edit(
        "models/cases/actions/names.py",
        '    MOVE_DEADLINE = "move_deadline"\n',
        '    MOVE_DEADLINE = "move_deadline"\n    ACKNOWLEDGE = "acknowledge"\n',
    )
    done = bare.run("-c", "import models.cases.lifecycle")
    assert "KeyError: <Action.ACKNOWLEDGE" in done.stderr


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'record.db'}"
    server: Any = request.getfixturevalue("postgres")
    url: str = server.url(server.create())
    return url


def test_it_works_from_the_command_line_to_the_notification(
    copy: Copy, temporal: Temporal, empty_url: str, queue: str
) -> None:
    done = copy.run("-m", "tests.workflow.new_action", temporal.address, empty_url, queue)
    assert done.returncode == 0, done.stderr[-3000:]
    came = json.loads(done.stdout.splitlines()[-1])
    assert came["said"] == ""
    assert json.loads(came["shown"])["seq"] == 2
    assert came["history"] == [
        ["submit", "draft", "province_review"],
        ["acknowledge", "province_review", "province_review"],
    ]
    kind, subject = came["notified"]
    assert kind == "org.tuixuan.case.acknowledged"
    assert subject.endswith("》已签收【推选】")
