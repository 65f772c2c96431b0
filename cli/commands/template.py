"""`tuixuan template`: the texts of notifications, shown with an invented case."""

from enum import StrEnum
from typing import Annotated

import typer

from cli.frame.options import options
from cli.frame.output import show, show_page

app = typer.Typer(no_args_is_help=True)


class TemplateForm(StrEnum):
    """How a template is shown."""

    TEXT = "text"
    HTML = "html"
    SUBJECT = "subject"


@app.command("list")
def list_() -> None:
    """列出全部通知模板：每个事件、每个接收角色各一份。"""
    from services.notifications.previews import list_templates

    show_page(list_templates(), {"event": "事件", "role": "角色", "subject": "主题"})


@app.command("show")
def show_(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="事件，如 returned")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="接收角色，如 applicant")],
    form: Annotated[
        TemplateForm, typer.Option("--form", help="text、html 或 subject")
    ] = TemplateForm.TEXT,
) -> None:
    """用虚构案例预览一份通知。"""
    from services.notifications.mail_template import as_html
    from services.notifications.previews import preview

    said = preview(event, role)
    shown = {
        TemplateForm.TEXT: said.text,
        TemplateForm.HTML: as_html(said.subject, said.text),
        TemplateForm.SUBJECT: said.subject,
    }[form]
    if options().json:
        show({"event": event, "role": role, "form": form, "content": shown})
    else:
        print(shown)
