"""Those who are notified: whom an event concerns, by which channels, and when it may leave."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, or_, select, true

from models import tables
from models.cases.actors import Role
from models.cases.events import CaseEventData
from models.dates.pace import Pace
from models.notifications.delivery import Channel
from models.notifications.quiet_hours import after_quiet, next_at
from models.programme.mail import MailRules
from models.programme.reminders import Reminders

DIGESTED = frozenset({Role.BODY, Role.PANEL, Role.EXPERT})
"""Who gets the mails of a day as one, if the programme says so."""

_user, _channel, _season = tables.app_user.c, tables.user_channel.c, tables.season.c


@dataclass(frozen=True)
class MessageRules:
    """How a season's messages leave.

    Attributes:
        reminders: Their hours.
        zone: The time zone of the hours.
        pace: How fast the season runs.
        english: Whether an English half follows the Chinese.
    """

    reminders: Reminders
    zone: ZoneInfo
    pace: Pace
    english: bool

    def leaves(self, at: datetime, *, digest: bool) -> datetime:
        """Return the first instant from `at` at which a message may leave."""
        hours = self.reminders
        civil = self.pace.civil(at).astimezone(self.zone)
        held = civil
        if digest and hours.digest_at is not None:
            held = next_at(held, hours.digest_at)
        held = after_quiet(held, hours.quiet_from, hours.quiet_until)
        return at if held == civil else self.pace.real(held)


@dataclass(frozen=True)
class Recipient:
    """A user to notify.

    Attributes:
        role: In what capacity.
        channels: The channels beside the inbox, mail first.
        rules: How their messages leave.
    """

    id: str
    role: Role
    channels: tuple[Channel, ...]
    rules: MessageRules

    @property
    def gets_digests(self) -> bool:
        """Whether mails of a day leave as one."""
        return self.role in DIGESTED and self.rules.reminders.digest_at is not None


def concerned_by(
    connection: Connection, data: CaseEventData, roles: Sequence[Role]
) -> list[Recipient]:
    """Return the users whom an event about a case concerns, by id.

    Nobody outside the case's season is notified, no applicant of another unit, and no
    reviewer of another body.

    Args:
        connection: Where to read.
        data: The event.
        roles: The roles that are notified of it.
    """
    if not roles:
        return []
    belongs = or_(*(and_(_user.role == role, _own(role, data)) for role in roles))
    return _recipients(connection, and_(_user.season_id == data.season, belongs))


def recipients_by_id(connection: Connection, users: Collection[str]) -> list[Recipient]:
    """Return the users of these ids, by id; those that do not exist are left out."""
    return _recipients(connection, _user.id.in_(users))


def _own(role: Role, data: CaseEventData) -> ColumnElement[bool]:
    org = {Role.APPLICANT: data.unit, Role.BODY: data.body}.get(role)
    return true() if org is None else _user.org == org


def _recipients(connection: Connection, whom: ColumnElement[bool]) -> list[Recipient]:
    query = (
        select(_user.id, _user.role, _user.season_id, _user.email, _channel.channel)
        .join_from(tables.app_user, tables.user_channel, isouter=True)
        .where(whom)
        .order_by(_user.id, _channel.channel)
    )
    rows = connection.execute(query).all()
    if not rows:
        return []
    rules = rules_of(connection, {row.season_id for row in rows})
    found = []
    for (user_id, role, season_id, email), of_user in groupby(rows, key=lambda row: row[:4]):
        chosen = [Channel(row.channel) for row in of_user if row.channel is not None]
        mail = () if email is None else (Channel.MAIL,)
        found.append(Recipient(user_id, Role(role), (*mail, *chosen), rules[season_id]))
    return found


def rules_of(connection: Connection, seasons: Iterable[str]) -> Mapping[str, MessageRules]:
    """Return the rules of seasons, by id."""
    query = select(
        _season.id,
        _season.programme["reminders"].label("reminders"),
        _season.programme["mail"].label("mail"),
        _season.programme["timezone"].label("timezone"),
        _season.anchor,
        _season.seconds_per_day,
    ).where(_season.id.in_(seasons))
    return {
        row.id: MessageRules(
            reminders=Reminders.model_validate_json(json.dumps(row.reminders or {})),
            zone=ZoneInfo(row.timezone),
            pace=Pace(anchor=row.anchor, seconds_per_day=row.seconds_per_day),
            english=MailRules.model_validate(row.mail or {}).english,
        )
        for row in connection.execute(query)
    }
