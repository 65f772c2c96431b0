"""The mail's template: a message as HTML, in the same words as its text."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from textwrap import wrap

import css_inline
from jinja2 import Environment, StrictUndefined, Template

from models.wording import Words

_LONGEST_LINE = 200
"""Characters; with three octets each they stay below what one line of SMTP carries."""

NO_REPLY = Words(
    "本邮件由系统自动发出，请勿直接回复。",
    "This mail was sent automatically; please do not reply to it.",
)
REPLY_REACHES_ORGANISER = Words(
    "本邮件由系统自动发出，回复将送达主办方。",
    "This mail was sent automatically; an answer reaches the organiser.",
)


def footer_of(reply_to: str | None, *, english: bool) -> Sequence[str]:
    """Return the lines beneath a mail: where an answer goes, in the languages of its text."""
    said = NO_REPLY if reply_to is None else REPLY_REACHES_ORGANISER
    return (said.zh, said.en) if english else (said.zh,)


def as_html(subject: str, text: str, footer: Sequence[str] = (NO_REPLY.zh,)) -> str:
    """Return a page with its styles inline; whatever people wrote is escaped."""
    paragraphs = [
        [part for line in block.splitlines() for part in wrap(line, _LONGEST_LINE) or [""]]
        for block in text.strip().split("\n\n")
    ]
    page = _template().render(subject=subject, paragraphs=paragraphs, footer=footer)
    return css_inline.inline(page, keep_style_tags=False, load_remote_stylesheets=False)


@cache
def _template() -> Template:
    file = files("services.notifications").joinpath("mail_template.html.j2")
    source = file.read_text(encoding="utf-8")
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(source)
