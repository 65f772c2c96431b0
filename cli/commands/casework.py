"""What the commands of `tuixuan case` do."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from cli.connections.databases import record
from cli.connections.viewer import viewer
from cli.frame.moments import parse_moment
from cli.frame.options import options
from cli.frame.output import say, show
from models.cases.actions.names import Action
from models.cases.form_check import CaseForm
from models.cases.states import State
from services.audit import access
from services.cases import drafts, queries
from services.cases.drafts import NewDraft
from services.cases.requests import Request
from services.cases.views import CaseView
from services.clock import now

LIST_COLUMNS = {
    "id": "编号",
    "title": "名称",
    "state": "状态",
    "state_label": "状态名称",
    "seq": "序号",
    "body": "推荐单位",
    "since": "进入时间",
    "deadline": "期限",
}
COUNT_COLUMNS = {"state": "状态", "state_label": "状态名称", "cases": "件数"}
HISTORY_COLUMNS = {
    "seq": "序号",
    "action": "事项",
    "from": "从",
    "to": "到",
    "actor": "办理人",
    "at": "时间",
    "reason": "理由",
}


def create(season: str, file: Path, email: str | None) -> None:
    """Start a draft from a file."""
    draft = NewDraft(season, _form(file), options().actor(), email)
    from cli.connections.services import connected

    case_id = connected(lambda here: here.service.create(draft))
    show({"id": case_id})
    say(f"草稿已保存。下一步：tuixuan case submit {case_id}")


def edit(case_id: str, file: Path) -> None:
    """Save a new version of the form."""
    form = _form(file)
    with record() as engine:
        drafts.save_draft(engine, case_id, form, options().actor())
        show(queries.show(engine, case_id))


def show_case(case_id: str) -> None:
    """Show one case."""
    with record() as engine:
        show(queries.show(engine, case_id))


def list_cases(*, states: Sequence[str], overdue: bool, **wanted: Any) -> None:  # noqa: ANN401 - the filter's own fields
    """Show a page of cases."""
    known = ", ".join(State)
    unknown = [state for state in states if state not in set(State)]
    if unknown:
        raise typer.BadParameter(f"没有状态 {'、'.join(unknown)}，可选：{known}")
    chosen = queries.CaseFilter(
        states=tuple(map(State, states)), overdue_at=now() if overdue else None, **wanted
    )
    with record() as engine:
        show(queries.list_cases(engine, chosen), LIST_COLUMNS)


def count_cases(season: str | None, body: str | None, category: str | None) -> None:
    """Show how many cases stand in each state."""
    chosen = queries.CaseFilter(season=season, body=body, category=category)
    with record() as engine:
        items = queries.count_cases(engine, chosen)
    show({"items": items, "next_cursor": None}, COUNT_COLUMNS)


def show_history(case_id: str) -> None:
    """Show every line of a case's history."""
    with record() as engine:
        found = access.show_history(engine, case_id, viewer())
    show(found, HISTORY_COLUMNS)


def show_form(case_id: str, revision: int | None, reason: str | None, *, reveal: bool) -> None:
    """Show what the form says, and that this was entered."""
    with record() as engine:
        found = access.show_form(engine, case_id, viewer(reason), revision=revision, reveal=reveal)
    if options().json:
        show(found)
        return
    titles = {"case_id": "案例", "revision": "版本", "filed": "已申报", "saved_at": "保存于"}
    show(found, titles)
    fields = found.form.model_dump(exclude={"sections"})
    rows = [
        {"field": found.titles.get(name, name), "text": text}
        for name, text in fields.items()
        if text
    ]
    rows += [{"field": each.heading, "text": each.text} for each in found.form.sections]
    show(rows, {"field": "栏目", "text": "内容"})
    if found.masked:
        say("个人信息已部分隐去；确需查看请用 --reveal --reason 理由。")
    say("本次查看已记入审计。")


def answers(case_id: str, given: Sequence[str], *, all_yes: bool) -> Mapping[str, bool]:
    """Return the screening points' answers."""
    said = dict(map(_answer, given))
    if not all_yes:
        return said
    with record() as engine:
        return dict.fromkeys(drafts.screening_points(engine, case_id), True) | said


def act(
    case_id: str, action: str, fields: Mapping[str, Any], text: str | None, update_id: str | None
) -> None:
    """Do something to a case, and show it afterwards."""
    from cli.connections.services import connected

    given = {} if update_id is None else {"update_id": update_id}
    request = Request(case_id, Action(action), fields, options().actor(), text, **given)
    after: CaseView = connected(lambda here: here.service.act(request))
    show(after)


def moment(text: str) -> datetime:
    """Return the instant that a person means."""
    return parse_moment(text)


def _form(file: Path) -> CaseForm:
    return CaseForm.from_toml(file.read_text(encoding="utf-8-sig"))


def _answer(text: str) -> tuple[str, bool]:
    point, equals, value = text.partition("=")
    if not equals or value not in ("yes", "no"):
        raise typer.BadParameter(f"--answer 应为 要点=yes 或 要点=no，得到的是“{text}”")
    return point, value == "yes"
