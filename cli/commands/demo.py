"""`tuixuan demo`: shows one new case passing through every stage."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from cli.frame.output import say, show

if TYPE_CHECKING:
    from models.audit.report import AuditReport
    from services.cases.views import CaseView
    from services.demo.proof import DemoStep

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    *,
    clean: Annotated[
        bool, typer.Option("--clean", help="不演示，而是把以往演示的征集季归档，不再列出")
    ] = False,
) -> None:
    """演示：一件新案例从草稿走到公布，每一步都显示事件、消息、邮件与审计记录。"""
    if clean:
        _clean()
        return
    case, report = asyncio.run(_run())
    outcome = "无误" if report.ok else f"发现 {len(report.problems)} 个问题"
    say(f"\n审计核验：{report.cases} 件案例、{report.records} 条记录，{outcome}。")
    say(f"接下来：tuixuan case history {case.id}")
    say(f"        tuixuan inbox {case.unit}")
    say("演示征集季不在一般列表中（season list --all 可见）；收起：tuixuan demo --clean")
    if options().json:
        show(case)


def _clean() -> None:
    """Archive the seasons of earlier demonstrations, and say what stays."""
    from cli.connections.databases import record
    from services.clock import now
    from services.demo.cleaning import clean_demos

    with record() as engine:
        cleaned = clean_demos(engine, now())
    if options().json:
        show(cleaned)
    if not cleaned.seasons:
        say("没有尚未归档的演示征集季。")
        return
    say(
        f"已归档 {len(cleaned.seasons)} 个演示征集季，不再列出。"
        f"其 {cleaned.cases} 件案例、消息与审计记录不能删除，仍在记录中"
        "（season list --all、case list --all 可见）。"
    )
    if cleaned.running:
        say(f"其中 {cleaned.running} 件尚未结束，流程继续运行；如需结束，可逐件 case withdraw。")


async def _run() -> "tuple[CaseView, AuditReport]":
    """Run the steps and show each; return the case at its end and the audit's report."""
    from cli.connections.databases import audit_store
    from cli.connections.services import open_connections
    from services.audit.verification import verify
    from services.demo.walkthrough import Demo

    last: CaseView | None = None
    async with open_connections() as here:
        with audit_store() as audit:
            number = 0
            async for step in Demo(here.engine, audit, here.service).run():
                number += 1
                say(_told(number, step))
                last = step.case or last
            anchor = here.settings.places.audit_anchor
            report = await asyncio.to_thread(verify, here.engine, audit, anchor)
    assert last is not None  # noqa: S101 - the demonstration makes a case
    return last, report


def _told(number: int, step: "DemoStep") -> str:
    lines = [f"{number:2}. {step.what}"]
    if step.refused is not None:
        lines.append(f"      被拒绝：{step.refused}")
    elif step.case is not None:
        lines.append(
            f"      状态 {step.case.state_label}（{step.case.state}），序号 {step.case.seq}"
        )
    if step.case is not None and step.case.seq and step.refused is None:
        lines.append(
            f"      事件 #{_or_missing(step.event)} · 审计 #{_or_missing(step.audit)}"
            f" · 站内消息 {'、'.join(step.inbox) or '（尚无）'}"
        )
        lines += [f"      邮件 {mail}.eml → {who}" for mail, who in step.mails.items()]
    return "\n".join(lines)


def _or_missing(number: int | None) -> str:
    return "（尚未到达）" if number is None else str(number)
