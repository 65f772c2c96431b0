"""`tuixuan template`: what people are told, shown with an invented case."""

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


class Form(StrEnum):
    """How a template is shown."""

    TEXT = "text"
    HTML = "html"
    SUBJECT = "subject"


@app.command("list")
def list_() -> None:
    """列出全部通知模板：每个事件、每个接收角色各一份。"""
    from cli.frame.output import show
    from services.notifications.previews import list_templates

    columns = {"event": "事件", "role": "角色", "subject": "主题"}
    show({"items": list_templates(), "next_cursor": None}, columns)


@app.command("show")
def show_(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="事件，如 returned")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="接收角色，如 applicant")],
    form: Annotated[Form, typer.Option("--form", help="text、html 或 subject")] = Form.TEXT,
) -> None:
    """用虚构案例预览一份通知。"""
    from cli.frame.options import options
    from cli.frame.output import show
    from services.notifications.html import as_html
    from services.notifications.previews import preview

    said = preview(event, role)
    shown = {
        Form.TEXT: said.text,
        Form.HTML: as_html(said.subject, said.text),
        Form.SUBJECT: said.subject,
    }[form]
    if options().json:
        show({"event": event, "role": role, "form": form, "content": shown})
    else:
        print(shown)
