"""Those who are told something: by which channels, and when it may leave."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from models.cases.actors import Role
from models.dates.pace import Pace
from models.notifications.delivery import Channel
from models.notifications.quiet_hours import after_quiet, next_at
from models.programme.reminders import Reminders
from models.tables import AppUser, Season, UserChannel, table_of

DIGESTED = frozenset({Role.BODY, Role.PANEL, Role.EXPERT})
"""Who gets the mails of a day as one, where the programme says so."""

_USERS, _SEASONS = table_of(AppUser), table_of(Season)
_USER, _SEASON, _CHANNEL = _USERS.c, _SEASONS.c, table_of(UserChannel).c


@dataclass(frozen=True)
class Hours:
    """When a season's messages leave: its hours, their time zone, its pace."""

    reminders: Reminders
    zone: ZoneInfo
    pace: Pace

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
class Reader:
    """A user who is told something."""

    id: str
    role: Role
    channels: tuple[str, ...]
    hours: Hours

    @property
    def gets_digests(self) -> bool:
        """Whether mails of a day leave as one."""
        return self.role in DIGESTED and self.hours.reminders.digest_at is not None

    def leaves(self, at: datetime, *, digest: bool) -> datetime:
        """Return the first instant from `at` at which something may leave for them."""
        return self.hours.leaves(at, digest=digest)


def readers(connection: Connection, users: Collection[str]) -> list[Reader]:
    """Return the users of these ids, in their order; those that do not exist are left out."""
    chosen: dict[str, list[str]] = {}
    for user_id, channel in connection.execute(
        select(_CHANNEL.user_id, _CHANNEL.channel)
        .where(_CHANNEL.user_id.in_(users))
        .order_by(_CHANNEL.channel)
    ):
        chosen.setdefault(user_id, []).append(channel)
    rows = connection.execute(select(*_USER).where(_USER.id.in_(users)).order_by(_USER.id)).all()
    hours = {season: _hours(connection, season) for season in {row.season_id for row in rows}}
    return [
        Reader(
            id=row.id,
            role=Role(row.role),
            channels=(*(() if row.email is None else (Channel.MAIL,)), *chosen.get(row.id, ())),
            hours=hours[row.season_id],
        )
        for row in rows
    ]


def _hours(connection: Connection, season_id: str) -> Hours:
    row = connection.execute(
        select(
            _SEASON.programme["reminders"].label("reminders"),
            _SEASON.programme["timezone"].label("timezone"),
            _SEASON.anchor,
            _SEASON.seconds_per_day,
        ).where(_SEASON.id == season_id)
    ).one()
    return Hours(
        reminders=Reminders.model_validate_json(json.dumps(row.reminders or {})),
        zone=ZoneInfo(row.timezone),
        pace=Pace(anchor=row.anchor, seconds_per_day=row.seconds_per_day),
    )
