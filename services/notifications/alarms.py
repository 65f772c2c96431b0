"""When somebody's own calendar is to ring: as the reminders of a deadline go out."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from models.cases.agenda import AT_DEADLINE, plan
from services.notifications.recipients import rules_of
from services.seasons.working_days import read_working_days


class Due(NamedTuple):
    """A deadline of a season. `since`: no alarm lies before this instant."""

    season: str
    deadline: datetime
    since: datetime


def alarms_of(connection: Connection, deadlines: Iterable[Due]) -> Mapping[Due, list[datetime]]:
    """Return the instants of the reminders before each deadline, the earliest first.

    A year without published working days has no alarms, as it has no reminders.
    """
    wanted = set(deadlines)
    if not wanted:
        return {}
    rules = rules_of(connection, {each.season for each in wanted})
    working_days = read_working_days(connection)
    return {
        each: [
            item.at
            for item in plan(
                each.deadline,
                each.since,
                reminders=rules[each.season].reminders,
                working_days=working_days,
                pace=rules[each.season].pace,
            ).items
            if item.offset != AT_DEADLINE
        ]
        for each in wanted
    }
