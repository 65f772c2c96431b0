"""A message as it leaves by a channel, put together from one delivery or from a day's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, case, func, select

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEvent
from models.notifications.delivery import Channel
from models.notifications.texts import digest, salutation
from models.programme.mail import Contact
from services.notifications.alarms import Due, alarms_of
from services.notifications.reminders import EventMessage, calendar_news

type DeliveryRow = Row[*tuple[Any, ...]]
"""A delivery with its message, its recipient and what else is needed to send it."""

_delivery, _message, _user = tables.delivery.c, tables.inbox_message.c, tables.app_user.c
_channel, _season = tables.user_channel.c, tables.season.c
_case = tables.case_record.c


class GivenDeadline(NamedTuple):
    """An event that gives a deadline. `alarms`: when the recipient's calendar is to ring."""

    event: CaseEvent
    alarms: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class OutgoingMessage:
    """One delivery, or all of a digest, ready to send.

    Attributes:
        delivery_id: What a Message-ID is made of, the same over all attempts; a digest's is
            another than that of any delivery in it.
        event_id: The event that it is about.
        season: The season of the case.
        to: The recipient's address, personal data.
        subject, text: What the inbox shows.
        at: When it was put into the inbox.
        due: The deadlines that come along for the recipient's calendar.
        over: The events that ended a deadline which came along before.
        reply_to: Where an answer goes; None: nowhere.
        salutation: How a mail begins.
        number: How people call the case, for where to act; None: it is about none, or several.
        contact: Whom to call about the call; None: its programme names nobody.
        english: Whether the text has an English half.
    """

    delivery_id: str
    event_id: str
    season: str
    to: str
    subject: str
    text: str
    at: datetime
    due: tuple[GivenDeadline, ...] = ()
    over: tuple[CaseEvent, ...] = ()
    reply_to: str | None = None
    salutation: str = ""
    number: str | None = None
    contact: Contact | None = None
    english: bool = False


DELIVERIES = (
    select(
        _delivery.id, _delivery.channel, _delivery.digest, _delivery.attempts,
        _message.recipient, _message.event, _message.event_id, _message.case_id,
        _message.subject, _message.text, _message.at, _message.removed_at,
        _user.season_id, _user.role, _user.name,
        func.coalesce(_case.number, _message.case_id).label("number"),
        case((_delivery.channel == Channel.MAIL, _user.email), else_=_channel.address)
        .label("address"),
        _season.programme["reminders"]["reply_to"].as_string().label("reply_to"),
        _season.programme["contact"].label("contact"),
        _season.programme["mail"]["english"].as_boolean().label("english"),
    )
    .join_from(tables.delivery, tables.inbox_message)
    .join(tables.app_user, _user.id == _message.recipient)
    .join(tables.season, _season.id == _user.season_id)
    .join(tables.case_record, _case.id == _message.case_id, isouter=True)
    .join(
        tables.user_channel,
        (_channel.user_id == _user.id) & (_channel.channel == _delivery.channel),
        isouter=True,
    )
)  # fmt: skip
"""The query of `DeliveryRow`s."""


def compose(connection: Connection, rows: Sequence[DeliveryRow]) -> OutgoingMessage | None:
    """Return what leaves for some deliveries to one recipient; None: they have no address.

    Args:
        connection: Where to read the deadlines of reminders.
        rows: One, or those of a digest, the oldest first.
    """
    first = rows[0]
    if first.address is None:
        return None
    delivery_id, subject, text = str(first.id), first.subject, first.text
    if len(rows) > 1:
        delivery_id += ".digest"  # else the first of them, sent again alone, would pass for this
        subject, text = digest([(row.subject, row.text) for row in rows])
    messages = [
        EventMessage(row.event, row.event_id, row.role)
        for row in rows
        if row.channel == Channel.MAIL and row.case_id is not None  # no other brings entries
    ]
    news = calendar_news(connection, messages)
    return OutgoingMessage(
        delivery_id=delivery_id,
        event_id=first.event_id,
        season=first.season_id,
        to=first.address,
        subject=subject,
        text=text,
        at=first.at,
        due=_with_alarms(connection, news.given),
        over=news.over,
        reply_to=first.reply_to,
        salutation=salutation(Role(first.role), first.name),
        number=first.number if len({row.number for row in rows}) == 1 else None,
        contact=first.contact and Contact.model_validate(first.contact),
        english=bool(first.english),  # none in the programmes of older seasons
    )


def _with_alarms(connection: Connection, given: Sequence[CaseEvent]) -> tuple[GivenDeadline, ...]:
    due = {
        event.id: Due(event.data.season, event.data.deadline, event.time)
        for event in given
        if event.data.deadline is not None
    }
    alarms = alarms_of(connection, due.values())
    return tuple(GivenDeadline(event, tuple(alarms[due[event.id]])) for event in given)
