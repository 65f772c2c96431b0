"""Whether one case on record is as it was written: its history, its forms, its events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Table, and_, select

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.history import transition_hash
from models.cases.states import EDITABLE
from models.chain import GENESIS, digest, digest_text
from models.ids import event_id
from models.stream.names import event_subject
from models.tables import CaseRecord, CaseRevision, Outbox, Transition, table_of
from services.audit.removals import Removals, read_removals
from services.audit.report import Problem

type Row = Mapping[Any, Any]

_CASES, _LINES = table_of(CaseRecord), table_of(Transition)
_REVISIONS, _OUTBOX = table_of(CaseRevision), table_of(Outbox)


@dataclass
class CaseFile:
    """Everything on record of one case.

    Attributes:
        form: The filed revision, where one was filed.
        removals: What is said to be removed of it, and by which deeds.
    """

    case: Row
    lines: list[Row] = field(default_factory=list)
    events: dict[int, Row] = field(default_factory=dict)
    form: Row | None = None
    removals: Removals = field(default_factory=Removals)


def read_cases(connection: Connection, case_ids: Sequence[str]) -> dict[str, CaseFile]:
    """Return the files of some cases, as of one moment."""
    found = connection.execute(select(_CASES).where(_CASES.c.id.in_(case_ids)))
    files = {row["id"]: CaseFile(row) for row in found.mappings()}
    for row in _rows(connection, _LINES, case_ids):
        files[row["case_id"]].lines.append(row)
    for row in _rows(connection, _OUTBOX, case_ids):
        files[row["case_id"]].events[row["seq"]] = row
    frozen = select(_REVISIONS).join(
        _CASES,
        and_(
            _CASES.c.id == _REVISIONS.c.case_id,
            _CASES.c.frozen_revision == _REVISIONS.c.revision,
        ),
    )
    for row in connection.execute(frozen.where(_CASES.c.id.in_(case_ids))).mappings():
        files[row["case_id"]].form = row
    for case_id, removals in read_removals(connection, list(files)).items():
        files[case_id].removals = removals
    return files


def check_case(file: CaseFile) -> Iterator[Problem]:
    """Yield what is not as it was written."""
    yield from _history(file)
    yield from _standing(file)
    yield from _belonging(file)
    yield from _filed(file)
    yield from file.removals.check(file.case["id"], file.lines)


def _rows(connection: Connection, table: Table, case_ids: Sequence[str]) -> Iterator[Row]:
    query = select(table).where(table.c.case_id.in_(case_ids))
    yield from connection.execute(query.order_by(table.c.case_id, table.c.seq)).mappings()


def _history(file: CaseFile) -> Iterator[Problem]:
    expected, previous = 1, GENESIS
    for line in file.lines:
        where = event_id(line["case_id"], line["seq"])
        if line["seq"] != expected:
            message = f"办理记录缺少第 {expected} 至 {line['seq'] - 1} 步"
            yield Problem(kind="missing", where=where, message=message)
        elif line["previous_hash"] != previous:
            message = "办理记录与上一步的哈希不衔接"
            yield Problem(kind="changed", where=where, message=message)
        for message in _changed(line):
            yield Problem(kind="changed", where=where, message=message)
        yield from _event(line, file.events.get(line["seq"]), where)
        expected, previous = line["seq"] + 1, line["hash"]


def _changed(line: Row) -> Iterator[str]:
    """Yield what of a line is not what its hashes say."""
    if transition_hash(line) != line["hash"]:
        yield "办理记录的内容与其哈希不符"
    try:
        command = parse_command(Action(line["action"]), line["command"])
    except (ValidationError, ValueError):
        yield "办理记录中的请求内容无法读取"
        return
    if command.digest != line["command_digest"]:
        yield "请求内容与其摘要不符"
    if line["reason"] is not None and digest_text(line["reason"]) != command.reason:
        yield "意见或理由的文字与其摘要不符"


def _event(line: Row, event: Row | None, where: str) -> Iterator[Problem]:
    if event is None:
        yield Problem(kind="missing", where=where, message="这一步没有对应的事件")
        return
    try:
        body = json.loads(event["body"])
        announced = (body["id"], body["data"]["record_hash"])
        subject = event_subject(ACTIONS[Action(line["action"])].event, line["case_id"], line["seq"])
    except (ValueError, KeyError, TypeError):
        announced, subject = None, None
    if announced != (where, line["hash"]) or event["subject"] != subject:
        message = "事件的内容与办理记录的哈希不符"
        yield Problem(kind="changed", where=where, message=message)


def _standing(file: CaseFile) -> Iterator[Problem]:
    case, lines = file.case, file.lines
    seq, head = (lines[-1]["seq"], lines[-1]["hash"]) if lines else (0, GENESIS)
    if case["seq"] > seq:
        message = f"办理记录止于第 {seq} 步，案例已到第 {case['seq']} 步：末尾被截去"
        yield Problem(kind="missing", where=case["id"], message=message)
    elif (case["seq"], case["head_hash"]) != (seq, head):
        message = "案例的步数或最新哈希与办理记录不符"
        yield Problem(kind="changed", where=case["id"], message=message)
    elif lines and case["state"] != lines[-1]["target"]:
        message = f"案例状态为 {case['state']}，办理记录为 {lines[-1]['target']}"
        yield Problem(kind="changed", where=case["id"], message=message)


def _belonging(file: CaseFile) -> Iterator[Problem]:
    """Whose a case is never changes: each of its events says it, and the audit has those."""
    event = file.events.get(file.lines[-1]["seq"]) if file.lines else None
    if event is None:
        return
    try:
        said = json.loads(event["body"])["data"]
        told = (said["season"], said["body"], said["unit"])
        said["title"], said["category"]
    except (ValueError, KeyError, TypeError):
        return  # said already
    if told != (file.case["season_id"], file.case["body_id"], file.case["unit_id"]):
        message = "案例所属的征集季、推荐单位或申报单位与其事件不符"
        yield Problem(kind="changed", where=file.case["id"], message=message)
    shown = (file.case["title"], file.case["category"])
    if file.case["state"] not in EDITABLE and shown != (said["title"], said["category"]):
        message = "案例的名称或类别与其事件不符"
        yield Problem(kind="changed", where=file.case["id"], message=message)


def _filed(file: CaseFile) -> Iterator[Problem]:
    """What was filed is under the hash of its line; the form has to be that very one."""
    filed = file.case["content_digest"]
    bound = file.lines[-1]["content_digest"] if file.lines else None
    if file.lines and filed != bound:
        message = "案例所记的申报内容摘要与办理记录不符"
        yield Problem(kind="changed", where=file.case["id"], message=message)
    if file.case["frozen_revision"] is None:
        return
    form = file.form
    if form is None:
        message = f"已申报的申报表（第 {file.case['frozen_revision']} 版）不存在"
        yield Problem(kind="missing", where=file.case["id"], message=message)
    elif form["digest"] != filed or (
        digest(form["form"]) != filed and not (form["removed_at"] and form["form"] == {})
    ):
        message = f"已申报的申报表（第 {form['revision']} 版）在申报后被改动"
        yield Problem(kind="changed", where=file.case["id"], message=message)
