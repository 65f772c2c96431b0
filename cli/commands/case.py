"""`tuixuan case`: file cases, look at them, and do what their lifecycle allows.

Declarations only: what they need is imported when one of them runs, so that `--help`
answers at once.
"""

from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from cli.frame.words import WHEN

app = typer.Typer(no_args_is_help=True)


Id = Annotated[str, typer.Argument(metavar="ID", help="案例编号")]
Text = Annotated[str | None, typer.Option("--reason", "--remarks", help="理由或意见（只存入记录）")]
UpdateId = Annotated[
    str | None, typer.Option("--update-id", help="请求编号；重试时用同一个，不会重复办理")
]
File = Annotated[
    Path, typer.Option("--from", metavar="FILE", help="案例文件（TOML）", dir_okay=False)
]


@app.command()
def create(
    season: Annotated[str, typer.Option(help="征集季编号")],
    file: File,
    email: Annotated[str | None, typer.Option(help="申报单位接收通知的邮箱")] = None,
) -> None:
    """由案例文件新建一份草稿。"""
    _work().create(season, file, email)


@app.command()
def edit(case_id: Id, file: File) -> None:
    """用案例文件替换草稿或补正中的申报表。"""
    _work().edit(case_id, file)


@app.command("show")
def show_(case_id: Id) -> None:
    """查看一件案例。"""
    _work().show_case(case_id)


@app.command("list")
def list_(
    season: Annotated[str | None, typer.Option(help="征集季")] = None,
    state: Annotated[list[str] | None, typer.Option(help="状态，可多次给出")] = None,
    body: Annotated[str | None, typer.Option(help="推荐单位")] = None,
    category: Annotated[str | None, typer.Option(help="类别")] = None,
    title: Annotated[str | None, typer.Option(help="名称中含有的文字")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="只列已过期限的")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="只列在办的，停留最久的在前")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="最多多少件")] = 50,
    cursor: Annotated[str | None, typer.Option(help="上一页给出的 next_cursor")] = None,
) -> None:
    """列出案例，按申报先后。"""
    _work().list_cases(
        season=season,
        body=body,
        category=category,
        title=title,
        states=state or [],
        overdue=overdue,
        waiting=waiting,
        limit=limit,
        cursor=cursor,
    )


@app.command()
def count(
    season: Annotated[str | None, typer.Option(help="征集季")] = None,
    body: Annotated[str | None, typer.Option(help="推荐单位")] = None,
    category: Annotated[str | None, typer.Option(help="类别")] = None,
) -> None:
    """各状态各有多少件案例。"""
    _work().count_cases(season=season, body=body, category=category)


@app.command()
def history(case_id: Id) -> None:
    """查看一件案例的全部记录，每行都与前一行以哈希相连；查看记入审计。"""
    _work().show_history(case_id)


@app.command()
def form(
    case_id: Id,
    revision: Annotated[int | None, typer.Option(min=1, help="第几版；默认：最新")] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="完整显示联系人、电话等个人信息（须写明理由）")
    ] = False,
    text: Annotated[str | None, typer.Option("--reason", help="查看的理由")] = None,
) -> None:
    """查看申报表；联系人、电话等默认隐去，每次查看都记入审计。"""
    _work().show_form(case_id, revision, text, reveal=reveal)


@app.command()
def submit(case_id: Id, update_id: UpdateId = None) -> None:
    """提交草稿，送省级审核。"""
    _act(case_id, "submit", update_id=update_id)


@app.command("return")
def return_(
    case_id: Id,
    text: Text = None,
    due: Annotated[str | None, typer.Option(help=f"修改期限：{WHEN}；默认到申报截止")] = None,
    update_id: UpdateId = None,
) -> None:
    """退回修改（须写明意见）。"""
    _act(case_id, "return_for_revision", {"due": due and _work().moment(due)}, text, update_id)


@app.command()
def accept(
    case_id: Id,
    answer: Annotated[
        list[str] | None, typer.Option(metavar="POINT=yes|no", help="逐项答复审核要点")
    ] = None,
    all_yes: Annotated[bool, typer.Option("--all-yes", help="全部审核要点均符合")] = False,
    update_id: UpdateId = None,
) -> None:
    """省级审核通过，进入推荐（须答复每个审核要点）。"""
    answers = _work().answers(case_id, answer or [], all_yes=all_yes)
    _act(case_id, "accept", {"answers": answers}, update_id=update_id)


@app.command()
def decline(case_id: Id, text: Text = None, update_id: UpdateId = None) -> None:
    """不予推荐（须说明理由）。"""
    _act(case_id, "decline", text=text, update_id=update_id)


@app.command("send-back")
def send_back(case_id: Id, text: Text = None, update_id: UpdateId = None) -> None:
    """由推荐退回省级审核（名单封存之前）。"""
    _act(case_id, "send_back", text=text, update_id=update_id)


@app.command()
def recommend(
    case_id: Id,
    rank: Annotated[int | None, typer.Option(min=1, help="在推荐名单中的序号")] = None,
    update_id: UpdateId = None,
) -> None:
    """列入推荐名单上报。"""
    _act(case_id, "recommend", {"rank": rank}, update_id=update_id)


@app.command("leave-out")
def leave_out(case_id: Id, update_id: UpdateId = None) -> None:
    """未列入推荐名单。"""
    _act(case_id, "leave_out", update_id=update_id)


@app.command("request-correction")
def request_correction(
    case_id: Id,
    text: Text = None,
    due: Annotated[str | None, typer.Option(help=f"补正期限：{WHEN}")] = None,
    update_id: UpdateId = None,
) -> None:
    """要求补正（须写明意见和期限）。"""
    _act(case_id, "request_correction", {"due": due and _work().moment(due)}, text, update_id)


@app.command()
def resubmit(case_id: Id, update_id: UpdateId = None) -> None:
    """提交补正后的申报表。"""
    _act(case_id, "resubmit", update_id=update_id)


@app.command("pass")
def pass_(case_id: Id, update_id: UpdateId = None) -> None:
    """形式审查通过（全国截止之后）。"""
    _act(case_id, "pass_formal_check", update_id=update_id)


@app.command()
def fail(case_id: Id, text: Text = None, update_id: UpdateId = None) -> None:
    """形式审查不通过（须说明理由）。"""
    _act(case_id, "fail_formal_check", text=text, update_id=update_id)


@app.command()
def shortlist(case_id: Id, update_id: UpdateId = None) -> None:
    """入围现场答辩。"""
    _act(case_id, "shortlist", update_id=update_id)


@app.command()
def select(case_id: Id, update_id: UpdateId = None) -> None:
    """拟入选，进入公示。"""
    _act(case_id, "select", update_id=update_id)


@app.command("not-select")
def not_select(case_id: Id, update_id: UpdateId = None) -> None:
    """未入选。"""
    _act(case_id, "not_select", update_id=update_id)


@app.command()
def publish(case_id: Id, update_id: UpdateId = None) -> None:
    """公布结果。"""
    _act(case_id, "publish", update_id=update_id)


@app.command()
def disqualify(
    case_id: Id,
    text: Text = None,
    objection: Annotated[
        str | None, typer.Option(help="成立的异议编号（字母、数字、- 和 _）")
    ] = None,
    update_id: UpdateId = None,
) -> None:
    """取消资格（异议成立之后，须说明理由）。"""
    _act(case_id, "disqualify", {"objection": objection}, text, update_id)


@app.command()
def withdraw(
    case_id: Id,
    with_consent: Annotated[
        bool, typer.Option("--with-consent", help="推荐单位已同意（名单封存后须有）")
    ] = False,
    text: Text = None,
    update_id: UpdateId = None,
) -> None:
    """撤回案例。"""
    _act(case_id, "withdraw", {"body_consents": with_consent}, text, update_id)


@app.command()
def extend(
    case_id: Id,
    until: Annotated[str, typer.Argument(metavar="UNTIL", help=WHEN)],
    text: Text = None,
    update_id: UpdateId = None,
) -> None:
    """调整这一件案例当前的期限。"""
    _act(case_id, "move_deadline", {"until": _work().moment(until)}, text, update_id)


def _act(
    case_id: str,
    action: str,
    fields: dict[str, Any] | None = None,
    text: str | None = None,
    update_id: str | None = None,
) -> None:
    _work().act(case_id, action, fields or {}, text, update_id)


def _work() -> ModuleType:
    """Import what the commands need, late."""
    from cli.commands import casework

    return casework
