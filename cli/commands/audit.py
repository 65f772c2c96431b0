"""`tuixuan audit`: verify the audit against the record, sign it, hand it to inspectors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.exits import Exit
from cli.frame.options import options
from cli.frame.output import say, show, show_page
from cli.frame.parameters import Cursor, Limit
from cli.frame.words import CASE, SINCE
from models.wording import moment

if TYPE_CHECKING:
    from models.audit.report import AuditReport
    from services.audit.digest_file import DigestFile

app = typer.Typer(no_args_is_help=True)

ENTRY_COLUMNS = {
    "at": "时间",
    "actor": "由谁",
    "on_behalf": "代表",
    "action": "行为",
    "object": "对象",
    "reason": "理由",
    "witnessed": "已入审计",
}


REPORT_COLUMNS = {
    "ok": "通过",
    "cases": "案例数",
    "records": "审计条数",
    "since": "始于",
    "signed_until": "签名至",
}


@app.callback()
def audit() -> None:
    """审计记录：核验、签名、导出。"""


@app.command()
def verify() -> None:
    """核验审计链与全部案例记录；发现问题时退出码为 3。"""
    from cli.connections.databases import audit_store, record
    from services.audit.verification import verify as verify_all

    anchor = options().settings().places.audit_anchor
    with record() as engine, audit_store() as store:
        report = verify_all(engine, store, anchor, digests=_digest_file())
    if options().json:
        show(report)
    else:
        show(report, REPORT_COLUMNS)
        say(_reach(report))
        for problem in report.problems:
            say(f"{problem.kind}  {problem.where}  {problem.message}")
    if not report.ok:
        raise typer.Exit(Exit.FOUND)


@app.command()
def export(
    season: Annotated[str, typer.Argument(metavar="SEASON", help="征集季编号")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="写入的 .tar.gz 文件")],
) -> None:
    """导出一季的审计材料，附核验程序 verify.py：解开后无需任何服务即可核验。"""
    from cli.connections.databases import audit_store, record
    from cli.connections.viewer import viewer
    from services.audit.custody import enter_export
    from services.audit.export import EvidenceStores
    from services.audit.export import export as export_season
    from services.seasons.lookup import find_season

    places = options().settings().places
    with record() as engine, audit_store() as store:
        season = find_season(engine, season)
        sources = EvidenceStores(engine, store, places.audit_anchor, places.audit_digests)
        done = export_season(sources, season, to)
        enter_export(engine, season, viewer(), done.head)
    show(done)
    if not done.digests:
        say("还没有签名的摘要；先执行 tuixuan audit sign 再导出，末尾被截去才看得出来。")


@app.command()
def sign() -> None:
    """现在就对审计链末端签名，写入数据库之外的摘要文件（每日会自动签名）。"""
    from cli.connections.databases import audit_store
    from services.clock import now

    with audit_store() as store:
        show(_digest_file().sign_now(store, now()))


@app.command()
def rotate_key(
    reason: Annotated[str, typer.Option("--reason", help="更换的原因")],
    new_key: Annotated[
        Path | None, typer.Option("--new-key", metavar="FILE", help="新密钥（PEM）；默认：生成")
    ] = None,
) -> None:
    """更换签名密钥：新的公钥由旧密钥签名，记入摘要文件。"""
    from cli.connections.databases import record
    from cli.connections.viewer import viewer
    from models.text.encodings import decode_text
    from services.audit import custody

    new = None if new_key is None else decode_text(new_key.read_bytes(), f"密钥文件 {new_key}")
    with record() as engine:
        show(custody.rotate_key(engine, _digest_file(), viewer(reason), new))


@app.command("deeds", hidden=True)  # the name of earlier releases
@app.command()
def entries(
    season: Annotated[str | None, typer.Option(help="征集季")] = None,
    case_id: Annotated[str | None, typer.Option("--case", help=CASE)] = None,
    kind: Annotated[
        str | None, typer.Option(help="look 查看、change 修改、removal 清除、key 更换密钥")
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="ROLE:ID", help="由谁")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help=f"自何时起：{SINCE}")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> None:
    """谁查看、修改、清除过什么（如昨日以来）：事件之外的行为，新的在前。"""
    from cli.connections.databases import record
    from cli.frame.moments import parse_start
    from services.audit.entries import list_entries
    from services.cases.lookup import find_case
    from services.seasons.lookup import find_season

    with record() as engine:
        season = season and find_season(engine, season)
        case_id = case_id and find_case(engine, case_id)
        begins = None if since is None else parse_start(since)
        items = list_entries(
            engine, season=season, case_id=case_id, kind=kind, actor=by, since=begins,
            limit=limit, after=cursor,
        )  # fmt: skip
    show_page(items, ENTRY_COLUMNS, limit=limit)


def _reach(report: "AuditReport") -> str:
    """Say since when and up to which signed day the verification reaches."""
    if report.since is None:
        return "审计链还没有记录。"
    begins = f"核验自 {moment(report.since)} 的第一条记录起"
    if report.signed_until is None:
        return f"{begins}；还没有一天签名，末尾若被截去看不出来（tuixuan audit sign 立即签名）。"
    return f"{begins}；截至 {report.signed_until}（含当日）已签名，此后的记录尚未签名。"


def _digest_file() -> "DigestFile":
    from services.audit.digest_file import DigestFile

    settings = options().settings()
    places = settings.places
    return DigestFile(places.audit_digests, places.audit_key, settings.audit.signing_key)
