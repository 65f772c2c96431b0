"""Shows what a moved date would do, and asks before it is moved."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.frame.options import options
from cli.frame.output import confirm, say, show

if TYPE_CHECKING:
    from services.dates.plan import MovePlan

DryRun = Annotated[bool, typer.Option("--dry-run", help="只显示影响，不作任何更改")]
COLUMNS = {
    "id": "编号",
    "title": "名称",
    "state": "状态",
    "effect": "影响",
    "before": "原期限",
    "after": "新期限",
}


def show_plan(plan: "MovePlan") -> None:
    """Show a plan that is not carried out: JSON whole, else its cases, and the rest in words."""
    from services.dates.plan import describe

    if options().json:
        show(plan)
    else:
        show(list(plan.cases), COLUMNS)
    say(describe(plan))
    say("以上为试算，未作任何更改。")


def approve(plan: "MovePlan") -> None:
    """Show what a plan does, and ask; in a pipe, what takes time from nobody goes on unasked.

    Raises:
        Refused: `confirmation_needed`: it takes time from somebody, and nobody is there to ask;
            `not_confirmed`: the answer is no.
    """
    from services.dates.plan import describe, summary

    asked = sys.stdin.isatty()
    if plan.dangerous and not (asked or options().yes):
        confirm(summary(plan))
    say(describe(plan))
    if asked:
        confirm("确定这样调整吗？")
