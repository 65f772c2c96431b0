"""A mail as it goes out: the same bytes each time that it is sent."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from models.cases.events import CaseEvent
from services.notifications.html import ANSWERED, NO_ANSWER, as_html
from workers.settings.mail import MailSettings

LONGEST_LINE = 998
"""Octets of one line that SMTP carries (RFC 5322 section 2.1.1)."""


@dataclass(frozen=True)
class OutgoingMail:
    """One delivery by mail.

    Attributes:
        delivery_id: What the Message-ID is made of, the same over all attempts; of a digest
            another than that of any delivery in it.
        event_id: Of which event it tells.
        season: The season of the case.
        to: The recipient's address, personal data.
        subject, text: What the inbox shows.
        at: When it was put into the inbox.
        due: The events whose deadlines come along for the recipient's calendar.
        reply_to: Where an answer goes; None: nowhere.
    """

    delivery_id: str
    event_id: str
    season: str
    to: str
    subject: str
    text: str
    at: datetime
    due: tuple[CaseEvent, ...] = ()
    reply_to: str | None = None


def build_message(letter: OutgoingMail, settings: MailSettings) -> EmailMessage:
    """Return the mail.

    Raises:
        ValueError: The address cannot stand in a header.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender
    message["To"] = Address(addr_spec=letter.to)
    if letter.reply_to is not None:
        message["Reply-To"] = Address(addr_spec=letter.reply_to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.delivery_id}@{settings.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"<{letter.season}.tuixuan.{settings.domain}>"
    message["X-Tuixuan-Event"] = letter.event_id
    footer = NO_ANSWER if letter.reply_to is None else ANSWERED
    text = "\n".join([letter.text.rstrip(), "", "--", *footer, ""])
    message.set_content(text, charset="utf-8", cte=_encoding(text))
    html = as_html(letter.subject, letter.text, footer)
    message.add_alternative(html, subtype="html", charset="utf-8", cte=_encoding(html))
    message.set_boundary(f"=_{letter.delivery_id}")  # else another one each time
    if letter.due:
        _attach_deadlines(message, letter, settings.domain)
    return message


def _attach_deadlines(message: EmailMessage, letter: OutgoingMail, domain: str) -> None:
    from services.calendars.ics import METHOD, as_ics  # few mails need it

    entries = as_ics(letter.due, domain)
    if entries is not None:
        message.add_attachment(
            entries, subtype="calendar", charset="utf-8", cte=_encoding(entries),
            filename="deadline.ics", params={"method": METHOD},
        )  # fmt: skip
        message.set_boundary(f"=_of_{letter.delivery_id}")


def _encoding(text: str) -> str:
    """Readable as it lies where lines allow; SMTP servers of old get it recoded."""
    long = any(len(line.encode()) > LONGEST_LINE for line in text.splitlines())
    return "base64" if long else "8bit"
