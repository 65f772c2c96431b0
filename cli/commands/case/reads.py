"""The commands that file a draft and look at cases.

What they need is imported when one of them runs, so that `--help` answers at once.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.commands.case.filters import filter_by, states
from cli.commands.case.names import readable, readable_rows
from cli.frame.cells import cell
from cli.frame.options import options
from cli.frame.output import plain_data, say, show, show_page
from cli.frame.parameters import MOST, Cursor
from cli.frame.words import CASE, WHEN

if TYPE_CHECKING:
    from cli.connections.services import Connections
    from models.cases.form import CaseForm
    from services.cases.access import FormView

app = typer.Typer(no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help=CASE)]
File = Annotated[
    Path, typer.Option("--from", metavar="FILE", help="案例文件（TOML）", dir_okay=False)
]

LIST_COLUMNS = {
    "id": "编号",
    "number": "案例编号",
    "title": "名称",
    "state": "状态",
    "body": "推荐单位",
    "since": "进入时间",
    "days_waiting": "停留天数",
    "deadline": "期限",
}
COUNT_COLUMNS = {"state": "状态", "cases": "件数"}
HISTORY_COLUMNS = {
    "seq": "序号",
    "action": "事项",
    "from": "从",
    "to": "到",
    "actor": "办理人",
    "at": "时间",
    "moved": "期限变动",
    "reason": "理由",
}


IncludeDemos = Annotated[
    bool, typer.Option("--all", help="也列出演示征集季的案例；用 --season 指明时总会列出")
]


@app.command()
def create(
    season: Annotated[str, typer.Option(help="征集季编号")],
    file: File,
    email: Annotated[str | None, typer.Option(help="申报单位接收通知的邮箱")] = None,
) -> None:
    """由案例文件新建一份草稿。"""
    from cli.connections.services import connected
    from services.cases.drafts import NewDraft
    from services.seasons.lookup import find_season

    draft = NewDraft(season, _form(file), options().actor(), email)

    async def work(here: "Connections") -> str:
        known = find_season(here.engine, draft.season_id)
        return await here.service.create(replace(draft, season_id=known))

    case_id = connected(work)
    show({"id": case_id})
    say(f"草稿已保存。下一步：tuixuan case submit {case_id}")


@app.command()
def edit(case_id: Id, file: File) -> None:
    """用案例文件替换草稿或补正中的申报表。"""
    from cli.connections.databases import record
    from services.cases import drafts, queries
    from services.cases.lookup import find_case

    form = _form(file)
    with record() as engine:
        case_id = find_case(engine, case_id)
        drafts.save_draft(engine, case_id, form, options().actor())
        show(readable(engine, queries.show(engine, case_id)))


@app.command("show")
def show_(case_id: Id) -> None:
    """查看一件案例：在哪一步，为什么不动（等待谁、自何时起、期限）。"""
    from cli.connections.databases import record
    from services.cases import queries
    from services.cases.lookup import find_case

    with record() as engine:
        show(readable(engine, queries.show(engine, find_case(engine, case_id))))


@app.command("list")
def list_(
    season: Annotated[str | None, typer.Option(help="征集季")] = None,
    state: Annotated[list[str] | None, typer.Option(help="状态，可多次给出")] = None,
    body: Annotated[str | None, typer.Option(help="推荐单位")] = None,
    category: Annotated[str | None, typer.Option(help="类别")] = None,
    title: Annotated[str | None, typer.Option(help="名称中含有的文字")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="只列已过期限的")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="只列在办的，停留最久的在前")] = False,
    due_before: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"期限在此之前的，最早的在前：{WHEN}")
    ] = None,
    due_after: Annotated[
        str | None, typer.Option(metavar="WHEN", help="期限在此之后的，如 now（不含已过期的）")
    ] = None,
    all_: IncludeDemos = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少件")] = 50,
    cursor: Cursor = None,
) -> None:
    """列出案例，按申报先后；停留最久的、本周到期的、已逾期的另有选项。"""
    from cli.connections.databases import record
    from cli.frame.moments import parse_moment
    from services.cases import queries
    from services.clock import now

    wanted = states(state or [])
    with record() as engine:
        chosen = replace(
            filter_by(engine, season, body, category), title=title, states=wanted,
            overdue_at=now() if overdue else None, waiting=waiting,
            limit=limit, cursor=cursor, demos=all_,
            due_before=None if due_before is None else parse_moment(due_before),
            due_after=None if due_after is None else parse_moment(due_after),
        )  # fmt: skip
        page = queries.list_cases(engine, chosen)
        rows = page.items if options().json else readable_rows(engine, page.items)
    show({"items": rows, "next_cursor": page.next_cursor}, LIST_COLUMNS)


@app.command()
def count(
    season: Annotated[str | None, typer.Option(help="征集季")] = None,
    body: Annotated[str | None, typer.Option(help="推荐单位")] = None,
    category: Annotated[str | None, typer.Option(help="类别")] = None,
    all_: IncludeDemos = False,
) -> None:
    """各状态各有多少件案例。"""
    from cli.connections.databases import record
    from services.cases import queries

    with record() as engine:
        chosen = replace(filter_by(engine, season, body, category), demos=all_)
        show_page(queries.count_cases(engine, chosen), COUNT_COLUMNS)


@app.command()
def history(case_id: Id) -> None:
    """查看一件案例的全部记录，每行都与前一行以哈希相连；查看记入审计。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from services.cases import access
    from services.cases.lookup import find_case

    with record() as engine:
        found = access.show_history(engine, find_case(engine, case_id), viewer())
    if options().json:
        show(found)
        return
    rows = [plain_data(line) for line in found.items]
    show([{**row, "moved": _moved(row)} for row in rows], HISTORY_COLUMNS)


@app.command()
def form(
    case_id: Id,
    revision: Annotated[
        int | None, typer.Option(min=1, max=MOST, help="第几版；默认：最新")
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="完整显示联系人、电话等个人信息（须写明理由）")
    ] = False,
    text: Annotated[str | None, typer.Option("--reason", help="查看的理由")] = None,
) -> None:
    """查看申报表；联系人、电话等默认隐去，每次查看都记入审计。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from services.cases import access
    from services.cases.lookup import find_case

    with record() as engine:
        case_id = find_case(engine, case_id)
        found = access.show_form(engine, case_id, viewer(text), revision=revision, reveal=reveal)
    if options().json:
        show(found)
        return
    titles = {"case_id": "案例", "revision": "版本", "filed": "已申报", "saved_at": "保存于"}
    show(found, titles)
    _show_fields(found)
    if found.masked:
        say("个人信息已部分隐去；确需查看请用 --reveal --reason 理由。")
    say("本次查看已记入审计。")


def _moved(line: Mapping[str, Any]) -> str | None:
    """Return the old and the new time of a line that moved a deadline."""
    before, after = line["deadline_before"], line["deadline"]
    if before is None and after is None:
        return None
    language = options().language
    return " → ".join(cell("deadline", each, language) or "—" for each in (before, after))


def _show_fields(found: "FormView") -> None:
    """Show a form as a table: its fields, then its sections."""
    fields = found.form.model_dump(exclude={"sections"})
    rows = [
        {"field": found.titles.get(name, name), "text": text}
        for name, text in fields.items()
        if text
    ]
    rows += [{"field": each.heading, "text": each.text} for each in found.form.sections]
    show(rows, {"field": "栏目", "text": "内容"})


def _form(file: Path) -> "CaseForm":
    from models.cases.form import CaseForm
    from models.text.encodings import decode_text

    return CaseForm.from_toml(decode_text(file.read_bytes(), f"案例文件 {file}"))
