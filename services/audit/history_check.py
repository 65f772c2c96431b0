"""Check that a case's history and its events are as they were written."""

from collections.abc import Iterator

from pydantic import ValidationError

from models.audit.report import Problem
from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.binding import misfit
from models.cases.history import transition_hash
from models.chain import GENESIS, digest_text
from models.ids import event_id
from models.stream.names import event_subject
from services.audit.case_file import CaseFile, Row


def check_history(file: CaseFile) -> Iterator[Problem]:
    """Yield whatever is wrong with the lines of a case's history and with their events."""
    expected, previous = 1, GENESIS
    for line in file.lines:
        where = event_id(line["case_id"], line["seq"])
        if line["seq"] != expected:
            message = f"办理记录缺少第 {expected} 至 {line['seq'] - 1} 步"
            yield Problem(kind="missing", where=where, message=message)
        elif line["previous_hash"] != previous:
            message = "办理记录与上一步的哈希不衔接"
            yield Problem(kind="changed", where=where, message=message)
        for message in _check_line(line):
            yield Problem(kind="changed", where=where, message=message)
        yield from _check_event(line, file.events.get(line["seq"]), where)
        expected, previous = line["seq"] + 1, line["hash"]


def _check_line(line: Row) -> Iterator[str]:
    """Yield a message for each part of a line that is not what its hashes say."""
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


def _check_event(line: Row, event: Row | None, where: str) -> Iterator[Problem]:
    if event is None:
        yield Problem(kind="missing", where=where, message="这一步没有对应的事件")
    elif event["subject"] != _subject(line):
        yield Problem(kind="changed", where=where, message="事件的主题与办理记录不符")
    elif why := misfit(line, event["body"]):
        message = f"事件的内容与办理记录的哈希不符（{why}）"
        yield Problem(kind="changed", where=where, message=message)


def _subject(line: Row) -> str | None:
    try:
        name = ACTIONS[Action(line["action"])].event
    except ValueError:
        return None
    return event_subject(name, line["case_id"], line["seq"])
