"""Check that a case on record is as it was written: where it stands, its parties, its form."""

import json
from collections.abc import Iterator

from models.audit.report import Problem
from models.cases.states import EDITABLE
from models.chain import GENESIS, digest
from services.audit.case_file import CaseFile, Row
from services.audit.history_check import check_history


def check_case(file: CaseFile) -> Iterator[Problem]:
    """Yield whatever of a case is not as it was written."""
    yield from check_history(file)
    yield from _check_standing(file)
    yield from _check_parties(file)
    yield from _check_filed_form(file)
    yield from file.removals.check(file.case["id"], file.lines)


def _check_standing(file: CaseFile) -> Iterator[Problem]:
    """Hold seq, head and state of the case against the last line of its history."""
    case, lines = file.case, file.lines
    seq, head = (lines[-1]["seq"], lines[-1]["hash"]) if lines else (0, GENESIS)
    if case["seq"] > seq:
        message = f"办理记录止于第 {seq} 步，案例已到第 {case['seq']} 步：末尾被截去"
        yield Problem(kind="missing", where=case["id"], message=message)
    elif (case["seq"], case["head_hash"]) != (seq, head):
        yield _changed(case, "案例的步数或最新哈希与办理记录不符")
    elif lines and case["state"] != lines[-1]["target"]:
        message = f"案例状态为 {case['state']}，办理记录为 {lines[-1]['target']}"
        yield _changed(case, message)


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


def _check_filed_form(file: CaseFile) -> Iterator[Problem]:
    """Hold the filed form against its digest, which is under the hash of a line of history."""
    case, form = file.case, file.form
    filed, number = case["content_digest"], case["frozen_revision"]
    if file.lines and filed != file.lines[-1]["content_digest"]:
        yield _changed(case, "案例所记的申报内容摘要与办理记录不符")
    if number is None:
        return
    if form is None:
        message = f"已申报的申报表（第 {number} 版）不存在"
        yield Problem(kind="missing", where=case["id"], message=message)
    elif form["digest"] != filed or not (digest(form["form"]) == filed or _is_removed(form)):
        yield _changed(case, f"已申报的申报表（第 {number} 版）在申报后被改动")


def _is_removed(form: Row) -> bool:
    return form["removed_at"] is not None and form["form"] == {}


def _changed(case: Row, message: str) -> Problem:
    return Problem(kind="changed", where=case["id"], message=message)
