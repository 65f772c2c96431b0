"""The command shows what has expired, asks, and removes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from cli.main import run
from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from services.audit.access import Viewer
from services.audit.entries import list_entries
from services.cases.access import show_form
from tests.factories import (
    commit,
    make_case,
)
from tests.integration.retention.world import (
    CLASSES,
    ROOT,
    keep_days,
)


def test_the_command_shows_asks_and_removes(
    sqlite_engine: Engine, season: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The sample's case ended in 2024; whatever day it is now, that is years ago."""
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    commit(sqlite_engine, case_id, Action.WITHDRAW)
    keep_days(sqlite_engine, 184)
    capsys.readouterr()

    def said(*command: str, code: int = 0) -> Any:
        words = ["retention", *command, season, "--output", "json", "--state-dir", str(tmp_path)]
        assert run(words) == code
        captured = capsys.readouterr()
        return json.loads(captured.out if code == 0 else captured.err.splitlines()[-1])

    def counts(found: Any, key: str) -> dict[str, int]:
        return {each["name"]: each[key] for each in found["items"]}

    shown = said("show")
    assert shown["items"][0] == {
        "season": season, "name": "forms", "label": "申报表的各个版本", "days": 184,
        "since": "案例终结", "due": 1, "oldest": "2024-03-25T03:00:00Z",
    }  # fmt: skip
    assert "审计记录" in shown["forever"]
    one = {**dict.fromkeys(CLASSES, 0), "forms": 1}
    assert counts(said("apply", "--dry-run"), "due") == one
    assert said("apply", code=1)["code"] == "confirmation_needed"
    assert counts(said("show"), "due") == one  # nothing went yet
    assert said("apply", "--as", "body:fujian", code=1)["code"] == "role_not_allowed"
    assert counts(said("apply", "--yes"), "removed") == one
    assert counts(said("apply"), "removed") == dict.fromkeys(CLASSES, 0)
    [entry] = list_entries(sqlite_engine, kind="removal")
    assert (entry.object, entry.actor[:9]) == (f"{case_id}/form/1", "operator:")
    with pytest.raises(Refused, match="已按保存期限清除，时间 20"):
        show_form(sqlite_engine, case_id, Viewer(ROOT, "req_2"))
