"""Build a mail as it goes out: the same bytes each time that it is sent."""

from collections.abc import Iterator
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from models.programme.mail import Contact
from services.notifications.mail_template import as_html, footer_of
from services.notifications.outgoing import OutgoingMessage
from workers.notify.encoded_words import WORDS_APART
from workers.notify.transport import RejectedError
from workers.settings.mail import MailSettings

LONGEST_LINE = 998
"""Octets of one line that SMTP carries (RFC 5322 section 2.1.1)."""


def build_mail(
    outgoing: OutgoingMessage, settings: MailSettings, portal: str | None = None
) -> EmailMessage:
    """Return the mail.

    Args:
        outgoing: What it says, and to whom.
        settings: Who sends it.
        portal: The address of the portal; None: there is none.

    Raises:
        RejectedError: The address cannot stand in a header.
    """
    try:
        return _build(outgoing, settings, portal)
    except (ValueError, IndexError) as error:  # the standard library's parser raises both
        raise RejectedError("the address cannot stand in a mail") from error


def _build(outgoing: OutgoingMessage, settings: MailSettings, portal: str | None) -> EmailMessage:
    message = _headers(outgoing, settings)
    footer = footer_of(outgoing.reply_to, english=outgoing.english)
    said = "\n\n".join(_paragraphs(outgoing, portal))
    text = "\n".join([said, "", "--", *footer, ""])
    message.set_content(text, charset="utf-8", cte=_encoding(text))
    html = as_html(outgoing.subject, said, footer)
    message.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    message.set_boundary(f"=_{outgoing.delivery_id}")  # else another one each time
    if outgoing.due or outgoing.over:
        _attach_entries(message, outgoing, settings.domain)
    return message


def _paragraphs(outgoing: OutgoingMessage, portal: str | None) -> Iterator[str]:
    """Yield whom it is to, what happened, where to act, and whom to call."""
    if outgoing.salutation:
        yield outgoing.salutation
    yield outgoing.text.strip()
    act = [] if portal is None else [f"查看与办理：{portal}/"]
    if outgoing.number is not None:
        act.append(f"命令行：tuixuan case show {outgoing.number}")
    if act:
        yield "\n".join(act)
    if outgoing.contact is not None:
        yield "联系：" + _contact(outgoing.contact)


def _contact(contact: Contact) -> str:
    parts = [contact.office]
    parts += [f"电话 {contact.phone}"] if contact.phone else []
    parts += [f"邮箱 {contact.mail}"] if contact.mail else []
    parts += [contact.hours] if contact.hours else []
    return "，".join(parts)


def _headers(outgoing: OutgoingMessage, settings: MailSettings) -> EmailMessage:
    message = EmailMessage(policy=WORDS_APART)
    message["From"] = settings.sender
    message["To"] = Address(addr_spec=outgoing.to)
    if outgoing.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=outgoing.reply_to)
    message["Subject"] = outgoing.subject
    message["Date"] = format_datetime(outgoing.at)
    message["Message-ID"] = f"<{outgoing.delivery_id}@{settings.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"<{outgoing.season}.tuixuan.{settings.domain}>"
    message["X-Tuixuan-Event"] = outgoing.event_id
    return message


def _attach_entries(message: EmailMessage, outgoing: OutgoingMessage, domain: str) -> None:
    """Attach what is due and what is over; one calendar can do one of both (RFC 5546)."""
    from services.calendars.events import given, over  # few mails need them
    from services.calendars.ics import CANCEL, PUBLISH, as_ics

    due = [duty for each in outgoing.due for duty in given(each.event, each.alarms)]
    ended = [over(each) for each in outgoing.over]
    for duties, method, name in ((due, PUBLISH, "deadline"), (ended, CANCEL, "cancelled")):
        if not duties:
            continue
        entries = as_ics(duties, domain, method)
        message.add_attachment(
            entries, subtype="calendar", charset="utf-8", cte=_encoding(entries),
            filename=f"{name}.ics", params={"method": method},
        )  # fmt: skip
        message.set_boundary(f"=_of_{outgoing.delivery_id}")


def _encoding(text: str) -> str:
    """Return 8bit, which is readable in transit, unless a line is too long for it."""
    long = any(len(line.encode()) > LONGEST_LINE for line in text.splitlines())
    return "base64" if long else "8bit"
