"""Check that a case on record is as it was written: where it stands, its parties, its form."""

import json
from collections.abc import Iterator
from datetime import datetime

from models.audit.report import Problem
from models.cases.derived import derived
from models.cases.states import EDITABLE
from models.chain import digest
from models.ids import event_id
from services.audit.case_file import CaseFile, Row
from services.audit.history_check import check_history


def check_case(file: CaseFile) -> Iterator[Problem]:
    """Yield whatever of a case is not as it was written."""
    yield from check_history(file)
    yield from _check_standing(file)
    yield from _check_parties(file)
    yield from check_forms(file)
    yield from file.removals.check(file.case["id"], file.lines)


def _check_standing(file: CaseFile) -> Iterator[Problem]:
    """Hold the case's columns against what its history gives."""
    case, lines = file.case, file.lines
    seq = lines[-1]["seq"] if lines else 0
    if case["seq"] > seq:
        message = f"办理记录止于第 {seq} 步，案例已到第 {case['seq']} 步：末尾被截去"
        yield Problem(kind="missing", where=case["id"], message=message)
        return
    try:
        expected = derived(case, lines, _deadlines(file))
    except (ValueError, LookupError, TypeError):
        return  # the check of the history names it
    for name, value in expected.items():
        if case[name] != value:
            yield _changed(case, f"案例的 {name} 与办理记录不符（应为 {value}）")


def _deadlines(file: CaseFile) -> dict[int, datetime | None]:
    """Return the deadline after each step, as its event says it."""
    said = {
        seq: json.loads(row["body"])["data"].get("deadline") for seq, row in file.events.items()
    }
    return {seq: None if at is None else datetime.fromisoformat(at) for seq, at in said.items()}


def _check_parties(file: CaseFile) -> Iterator[Problem]:
    """Hold season, body, unit and title against the last event.

    Whose a case is never changes. Each of its events says it, and the audit has those.
    """
    case = file.case
    event = file.events.get(file.lines[-1]["seq"]) if file.lines else None
    if event is None:
        return
    try:
        said = json.loads(event["body"])["data"]
        parties = (said["season"], said["body"], said["unit"])
        shown = (said["title"], said["category"])
        number = said.get("number", case["number"])  # events of older releases have none
    except (ValueError, KeyError, TypeError):
        return  # the check of the history names it
    if parties != (case["season_id"], case["body_id"], case["unit_id"]):
        yield _changed(case, "案例所属的征集季、推荐单位或申报单位与其事件不符")
    if case["state"] not in EDITABLE and shown != (case["title"], case["category"]):
        yield _changed(case, "案例的名称或类别与其事件不符")
    if number != case["number"]:
        yield _changed(case, "案例编号与其事件不符")


def check_forms(file: CaseFile) -> Iterator[Problem]:
    """Hold every form that was filed against its digest, which is under the hash of its line."""
    for filing in file.filings():
        where, form = event_id(file.case["id"], filing.seq), file.forms.get(filing.revision)
        which = f"第 {filing.seq} 步所申报的申报表（第 {filing.revision} 版）"
        if form is None:
            yield Problem(kind="missing", where=where, message=f"{which}不存在")
        elif form["digest"] != filing.digest or not _holds(form, filing.digest):
            yield Problem(kind="changed", where=where, message=f"{which}在申报后被改动")


def _holds(form: Row, filed: str) -> bool:
    return _is_removed(form) or digest(form["form"]) == filed


def _is_removed(form: Row) -> bool:
    return form["removed_at"] is not None and form["form"] == {}


def _changed(case: Row, message: str) -> Problem:
    return Problem(kind="changed", where=case["id"], message=message)
