"""Build a mail as it goes out: the same bytes each time that it is sent."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from services.notifications.mail_template import NO_REPLY, REPLY_REACHES_ORGANISER, as_html
from services.notifications.outgoing import OutgoingMessage
from workers.notify.transport import RejectedError
from workers.settings.mail import MailSettings

LONGEST_LINE = 998
"""Octets of one line that SMTP carries (RFC 5322 section 2.1.1)."""


def build_mail(outgoing: OutgoingMessage, settings: MailSettings) -> EmailMessage:
    """Return the mail.

    Raises:
        RejectedError: The address cannot stand in a header.
    """
    try:
        return _build(outgoing, settings)
    except (ValueError, IndexError) as error:  # the standard library's parser raises both
        raise RejectedError("the address cannot stand in a mail") from error


def _build(outgoing: OutgoingMessage, settings: MailSettings) -> EmailMessage:
    message = _headers(outgoing, settings)
    footer = NO_REPLY if outgoing.reply_to is None else REPLY_REACHES_ORGANISER
    text = "\n".join([outgoing.text.rstrip(), "", "--", *footer, ""])
    message.set_content(text, charset="utf-8", cte=_encoding(text))
    html = as_html(outgoing.subject, outgoing.text, footer)
    message.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    message.set_boundary(f"=_{outgoing.delivery_id}")  # else another one each time
    if outgoing.due or outgoing.over:
        _attach_entries(message, outgoing, settings.domain)
    return message


def _headers(outgoing: OutgoingMessage, settings: MailSettings) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
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
