"""The record's one door: a transition goes on record whole and once, or what stands is told."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError, StatementError

from models.cases.actions.names import Action
from models.cases.actions.registry import parse_command
from models.cases.events import CaseEvent
from models.cases.history import transition_hash
from models.cases.messages import CommitTransitionInput, CommitTransitionResult
from models.cases.states import State
from models.chain import GENESIS
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import metadata
from services.audit.case_check import check_case
from services.audit.case_file import read_cases
from services.cases import rows as rows_of_cases
from services.cases.commit import RecordBehindError
from tests.factories import (
    OPENS,
    commit,
    commits,
    form,
    keep_reason,
    make_case,
    programme,
    save_form,
    standing,
    wanted,
)

CUTOFF = programme().instants()["cutoff"]


def rows(engine: Engine, table: str, case_id: str) -> list[dict[str, Any]]:
    target = metadata.tables[table]
    key = target.c.id if table == "case_record" else target.c.case_id
    query = select(target).where(key == case_id)
    if "seq" in target.c:
        query = query.order_by(target.c.seq)
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def case_row(engine: Engine, case_id: str) -> dict[str, Any]:
    return rows(engine, "case_record", case_id)[0]


def everything(engine: Engine, case_id: str) -> list[list[dict[str, Any]]]:
    return [rows(engine, table, case_id) for table in ("case_record", "transition", "outbox")]


def test_a_transition_its_case_and_its_event_go_on_record_together(
    engine: Engine, season: str
) -> None:
    case_id = make_case(engine, season=season)
    asked = wanted(engine, case_id, Action.SUBMIT, update_id="request-1")

    result = commits(engine).commit(asked)

    (line,), (event,) = rows(engine, "transition", case_id), rows(engine, "outbox", case_id)
    case = case_row(engine, case_id)
    assert (line["seq"], line["update_id"], line["previous_hash"]) == (1, "request-1", GENESIS)
    assert (line["source"], line["target"]) == (State.DRAFT, State.PROVINCE_REVIEW)
    assert line["hash"] == transition_hash(line) == case["head_hash"]
    assert (case["seq"], case["state"], case["frozen_revision"]) == (1, "province_review", 1)
    assert case["content_digest"] == line["content_digest"] == asked.command["content"]
    body = CaseEvent.model_validate_json(event["body"])
    assert (body.id, body.data.record_hash) == (f"{case_id}:1", line["hash"])
    assert event["subject"] == f"tuixuan.v1.case.submitted.{case_id}.1"
    assert (event["published_at"], event["attempts"]) == (None, 0)
    assert result.answered
    assert [row.hash for row in result.rows] == [line["hash"]]
    assert result.outlook.deadline == CUTOFF == case["deadline"]


def test_each_line_binds_the_one_before(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PUBLISHED)
    lines = rows(engine, "transition", case_id)
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert [line["previous_hash"] for line in lines] == [
        GENESIS,
        *(line["hash"] for line in lines[:-1]),
    ]


def test_the_same_request_again_gets_what_was_stored(engine: Engine, season: str) -> None:
    """A task that runs again sees another clock; the time on record stays."""
    case_id = make_case(engine, season=season)
    asked = wanted(engine, case_id, Action.SUBMIT)
    first = commits(engine).commit(asked)
    before = everything(engine, case_id)

    later = asked.model_copy(update={"at": asked.at + timedelta(seconds=5)})
    again = commits(engine).commit(later)

    assert (again.answered, again.rows) == (True, first.rows)
    assert again.rows[0].at == asked.at
    assert everything(engine, case_id) == before


def test_a_request_done_long_ago_is_answered(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    commit(engine, case_id, Action.SUBMIT, update_id="first")
    commit(engine, case_id, Action.ACCEPT)
    before = everything(engine, case_id)

    old = rows(engine, "transition", case_id)[0]
    late = CommitTransitionInput.of(
        standing(engine, case_id), "first", Action.SUBMIT, State.PROVINCE_REVIEW, OPENS,
        parse_command(
            Action.SUBMIT, wanted(engine, make_case(engine, season=season), Action.SUBMIT).command
        ).model_copy(
            update={"revision": 1, "content": old["content_digest"]}
        ),
    )  # fmt: skip
    result = commits(engine).commit(late)

    assert (result.answered, result.rows, result.refusal) == (True, (), None)
    assert everything(engine, case_id) == before


def test_what_another_put_there_is_returned_and_not_overwritten(
    engine: Engine, season: str
) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    mine = wanted(engine, case_id, Action.ACCEPT, update_id="mine")
    commit(engine, case_id, Action.WITHDRAW, update_id="another's")
    before = everything(engine, case_id)

    result = commits(engine).commit(mine)

    assert (result.answered, result.refusal) == (False, None)
    assert [(row.update_id, row.target) for row in result.rows] == [("another's", State.WITHDRAWN)]
    assert everything(engine, case_id) == before


def test_all_that_a_workflow_missed_is_returned(engine: Engine, season: str) -> None:
    """A workflow that was reset to an earlier point adopts several at once."""
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    mine = wanted(engine, case_id, Action.ACCEPT, update_id="mine")
    for action in (Action.ACCEPT, Action.SEND_BACK, Action.ACCEPT):
        commit(engine, case_id, action)
    result = commits(engine).commit(mine)
    assert [row.seq for row in result.rows] == [2, 3, 4]
    assert result.outlook == standing(engine, case_id).outlook


def test_an_id_used_for_something_else_is_refused(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.ACCEPT, update_id="once")
    before = everything(engine, case_id)
    result = commit(engine, case_id, Action.SEND_BACK, update_id="once")
    assert result.refusal is not None
    assert (result.refusal.code, result.answered) == ("update_id_reused", False)
    assert everything(engine, case_id) == before


def test_the_same_id_on_another_case_is_another_request(engine: Engine, season: str) -> None:
    for _ in range(2):
        case_id = make_case(engine, season=season)
        assert commit(engine, case_id, Action.SUBMIT, update_id="once").answered


def test_a_record_that_is_behind_makes_nothing_up(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    ahead = wanted(engine, case_id, Action.ACCEPT).model_copy(update={"seq": 4})
    before = everything(engine, case_id)
    with pytest.raises(RecordBehindError, match="ends at 1, before 4"):
        commits(engine).commit(ahead)
    assert everything(engine, case_id) == before


def test_an_unknown_case_is_refused(engine: Engine, season: str) -> None:
    asked = wanted(engine, make_case(engine, season=season), Action.SUBMIT)
    with pytest.raises(Refused, match="unknown_case"):
        commits(engine).commit(asked.model_copy(update={"case_id": "case_x"}))


def refused(result: CommitTransitionResult) -> str:
    assert result.refusal is not None
    assert (result.answered, result.rows) == (False, ())
    return result.refusal.code


def test_an_incomplete_form_is_refused(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, summary="")
    before = everything(engine, case_id)
    result = commit(engine, case_id, Action.SUBMIT)
    assert refused(result) == "form_incomplete"
    assert result.refusal is not None
    # These words enter a workflow's history, so they name the field and quote nothing.
    assert result.refusal.message == "申报表未通过检查：summary：required_missing"
    assert everything(engine, case_id) == before


def test_what_is_filed_is_the_newest_form_and_no_other(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    asked = wanted(engine, case_id, Action.SUBMIT)
    save_form(engine, case_id, title="另一虚构标题")
    assert refused(commits(engine).commit(asked)) == "revision_changed"
    old = asked.command["content"]
    assert refused(commit(engine, case_id, Action.SUBMIT, content=old)) == "revision_changed"
    assert commit(engine, case_id, Action.SUBMIT).answered
    assert case_row(engine, case_id)["frozen_revision"] == 2


def test_a_corrected_form_is_checked_too(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.CORRECTION)
    save_form(engine, case_id, sections=())
    assert refused(commit(engine, case_id, Action.RESUBMIT)) == "form_incomplete"


@pytest.mark.parametrize("again", ["虚构案 例（一）", "虚构案例(一)", "虚构案\u200b例（一）"])
def test_one_unit_files_a_title_once(engine: Engine, season: str, again: str) -> None:
    first = make_case(engine, season=season, state=State.PROVINCE_REVIEW, title="虚构 案例（一）")
    unit = case_row(engine, first)["unit_id"]
    second = make_case(engine, season=season, unit_id=unit, title=again)
    assert refused(commit(engine, second, Action.SUBMIT)) == "duplicate_filing"
    commit(engine, first, Action.WITHDRAW)
    assert commit(engine, second, Action.SUBMIT).answered


def test_of_two_filed_at_once_one_is_refused(engine: Engine, season: str) -> None:
    first = make_case(engine, season=season, title="虚构案例")
    unit = case_row(engine, first)["unit_id"]
    second = make_case(engine, season=season, unit_id=unit, title="虚构案例")
    asked = [wanted(engine, case_id, Action.SUBMIT) for case_id in (first, second)]
    answers = at_once(engine, asked)
    assert sorted(result.answered for result in answers) == [False, True]


def at_once(engine: Engine, asked: list[CommitTransitionInput]) -> list[CommitTransitionResult]:
    door, barrier = commits(engine), Barrier(len(asked))

    def one(each: CommitTransitionInput) -> CommitTransitionResult:
        barrier.wait()
        return door.commit(each)

    with ThreadPoolExecutor(len(asked)) as pool:
        return list(pool.map(one, asked))


def test_of_many_writers_of_one_place_one_wins_and_all_hear_of_it(
    engine: Engine, season: str
) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    asked = [wanted(engine, case_id, Action.ACCEPT, update_id=f"w{n}") for n in range(8)]
    results = at_once(engine, asked)
    assert sum(result.answered for result in results) == 1
    assert len({result.rows for result in results}) == 1
    assert len(rows(engine, "transition", case_id)) == len(rows(engine, "outbox", case_id)) == 2


def test_many_writers_that_adopt_and_go_on_leave_one_whole_history(
    engine: Engine, season: str
) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)

    def insist(n: int) -> None:
        while not commit(engine, case_id, Action.MOVE_DEADLINE, update_id=f"w{n}").answered:
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(insist, range(12)))
    lines = rows(engine, "transition", case_id)
    assert [line["seq"] for line in lines] == list(range(1, 14))
    assert len({line["update_id"] for line in lines}) == 13
    with reading(engine) as connection:
        assert list(check_case(read_cases(connection, [case_id])[case_id])) == []


def test_a_failure_midway_leaves_nothing(
    engine: Engine, season: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    before = everything(engine, case_id)
    asked = wanted(engine, case_id, Action.ACCEPT)
    with monkeypatch.context() as patch:
        patch.setattr(rows_of_cases, "event_subject", lambda *_: None)
        with pytest.raises(IntegrityError):
            commits(engine).commit(asked)
    assert everything(engine, case_id) == before
    assert commits(engine).commit(asked).answered


KILLED_MIDWAY = """
import signal, sys
from services.cases import rows
from services.cases.commit import Commits
from services.seasons.cache import SeasonCache
from models.store.engine import open_engine
from models.cases.messages import CommitTransitionInput

def reached(*_):
    print("reached", flush=True)
    signal.pause()

rows.event_subject = reached
asked = CommitTransitionInput.model_validate_json(sys.argv[2])
Commits(open_engine(sys.argv[1]), SeasonCache()).commit(asked)
"""


def test_killed_between_two_rows_of_one_commit(
    engine: Engine, season: str, database_urls: tuple[str, str]
) -> None:
    """The transition and the case are written, the event is not: kill -9 there."""
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    before = everything(engine, case_id)
    asked = wanted(engine, case_id, Action.ACCEPT)
    command = [sys.executable, "-c", KILLED_MIDWAY, database_urls[0], asked.model_dump_json()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"reached\n"
        assert everything(engine, case_id) == before
        os.kill(process.pid, signal.SIGKILL)
    assert everything(engine, case_id) == before
    assert commits(engine).commit(asked).answered
    assert len(rows(engine, "transition", case_id)) == len(rows(engine, "outbox", case_id)) == 2


def test_a_return_sets_a_due_date_and_counts(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    due = OPENS + timedelta(days=9)
    reason = keep_reason(engine, case_id, "请补充用户规模数据")
    result = commit(engine, case_id, Action.RETURN_FOR_REVISION, due=due, reason=reason)
    case = case_row(engine, case_id)
    assert (case["due"], case["deadline"], case["return_rounds"]) == (due, due, 1)
    assert rows(engine, "transition", case_id)[-1]["reason"] == "请补充用户规模数据"
    assert result.outlook.agenda.items[-1].at == due
    commit(engine, case_id, Action.SUBMIT)
    assert case_row(engine, case_id)["due"] is None


def test_words_never_leave_the_record(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    reason = keep_reason(engine, case_id, "联系人电话 13800000000")
    result = commit(engine, case_id, Action.DECLINE, reason=reason)
    told = result.model_dump_json() + rows(engine, "outbox", case_id)[-1]["body"]
    assert "13800000000" not in told
    assert form().contact_mobile not in told


def test_a_passed_deadline_is_noted_and_a_moved_one_taken_up(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.EXPIRE, deadline=CUTOFF)
    case = case_row(engine, case_id)
    assert (case["overdue"], case["state"], case["seq"]) == (True, "province_review", 2)
    until = CUTOFF + timedelta(days=3)
    result = commit(engine, case_id, Action.MOVE_DEADLINE, until=until)
    case = case_row(engine, case_id)
    assert (case["overdue"], case["due"], case["deadline"]) == (False, until, until)
    assert result.outlook.deadline == until
    event = CaseEvent.model_validate_json(rows(engine, "outbox", case_id)[-1]["body"])
    assert (event.data.deadline_before, event.data.deadline) == (CUTOFF, until)


def test_a_drafts_own_cutoff_outlives_a_return(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    until = CUTOFF + timedelta(days=3)
    commit(engine, case_id, Action.MOVE_DEADLINE, until=until)
    commit(engine, case_id, Action.SUBMIT)
    reason = keep_reason(engine, case_id, "请修改")
    result = commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)
    assert result.outlook.deadline == result.outlook.cutoff == until


def test_an_end_awaits_nothing(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    result = commit(engine, case_id, Action.WITHDRAW)
    assert (result.outlook.deadline, result.outlook.agenda.items) == (None, ())


def bad_rows() -> Iterator[Any]:
    line = {"seq": 2, "update_id": "new", "action": "accept", "source": "province_review",
            "target": "recommendation", "actor_role": "body", "actor_id": "b", "at": OPENS,
            "command": {}, "command_digest": "x", "previous_hash": "x", "hash": "x"}  # fmt: skip
    event = {"seq": 1, "subject": "s", "body": "b", "created_at": OPENS, "attempts": 0}
    for name, table, row, change in (
        ("the same place again", "transition", line, {"seq": 1}),
        ("the same request again", "transition", line, {"update_id": "taken"}),
        ("a place before the first", "transition", line, {"seq": 0}),
        ("an unknown action", "transition", line, {"action": "explode"}),
        ("an unknown source", "transition", line, {"source": "nowhere"}),
        ("an unknown target", "transition", line, {"target": "nowhere"}),
        ("an unknown role", "transition", line, {"actor_role": "king"}),
        ("no case", "transition", line, {"case_id": "case_x"}),
        ("no actor", "transition", line, {"actor_id": None}),
        ("the same event again", "outbox", event, {}),
        ("an event of no transition", "outbox", event, {"seq": 2}),
    ):
        yield pytest.param(table, {**row, **change}, id=name)


@pytest.mark.parametrize(("table", "row"), list(bad_rows()))
def test_the_database_itself_refuses(
    engine: Engine, season: str, table: str, row: dict[str, Any]
) -> None:
    case_id = make_case(engine, season=season)
    commit(engine, case_id, Action.SUBMIT, update_id="taken")
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(insert(metadata.tables[table]), {"case_id": case_id, **row})


@pytest.mark.parametrize(
    "change",
    [{"state": "nowhere"}, {"seq": -1}, {"revision": 0}, {"frozen_revision": 9},
     {"body_id": "atlantis"}, {"season_id": "1999"}, {"unit_id": "unit_x"}, {"title": None}],
)  # fmt: skip
def test_the_database_itself_refuses_a_case(
    engine: Engine, season: str, change: dict[str, Any]
) -> None:
    case_id = make_case(engine, season=season)
    cases = metadata.tables["case_record"]
    with pytest.raises(IntegrityError), transaction(engine) as connection:
        connection.execute(update(cases).where(cases.c.id == case_id).values(**change))


def test_a_time_without_a_zone_is_refused(engine: Engine, season: str) -> None:
    case_id = make_case(engine, season=season)
    cases = metadata.tables["case_record"]
    naive = OPENS.replace(tzinfo=None)
    with pytest.raises(StatementError, match="naive"), transaction(engine) as connection:
        connection.execute(update(cases).where(cases.c.id == case_id).values(due=naive))
