"""Open a season of a programme, with its bodies and their shared inboxes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select

from models import tables
from models.cases.actors import Role
from models.dates.pace import Pace
from models.programme.definition import Programme
from models.programme.moments import end_of
from models.refusals import Refused
from models.store.engine import transaction
from services.people.users import add_user
from services.seasons.queries import SeasonView, show_season
from services.seasons.working_days import seed_working_days

_SEASON_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class Opening:
    """How a season is opened, where not as its programme says.

    Attributes:
        season_id: Its id; None: the programme's own.
        starting: The day on which it opens; every date keeps its distance.
        pace: `1d=SECONDS`: how fast its days pass. Without `starting` the season opens today.
    """

    season_id: str | None = None
    starting: date | None = None
    pace: str | None = None


def open_season(
    engine: Engine, programme: Programme, now: datetime, opening: Opening = Opening()
) -> SeasonView:
    """Open a season of a programme.

    Raises:
        Refused: `bad_season_id`, `season_exists`, `starting_invalid` or `pace_invalid`.
    """
    season_id = opening.season_id or programme.id
    if not _SEASON_ID.fullmatch(season_id):
        raise Refused("bad_season_id", "征集季编号只能含小写字母、数字和 -，最多 32 个字符。")
    starting = _starting(programme, now, opening)
    if starting is not None:
        programme = programme.starting(starting)
    pace = _pace(programme, now, opening.pace)
    with transaction(engine) as connection:
        if connection.scalar(select(func.count()).where(tables.season.c.id == season_id)):
            raise Refused("season_exists", f"征集季 {season_id} 已经开启。")
        _write_season(connection, season_id, programme, pace, now)
        connection.execute(insert(tables.body), list(_bodies(programme, season_id)))
        for user in _shared_users(programme, season_id):
            add_user(connection, season_id=season_id, at=now, **user)
        seed_working_days(connection)
    return show_season(engine, season_id)


def shared_user_id(season_id: str, org: str) -> str:
    """Return the id of the shared user of a body, of the organiser or of the panel."""
    return f"{season_id}-{org}"


def _starting(programme: Programme, now: datetime, opening: Opening) -> date | None:
    """Return the day on which the season opens; None: the programme's own."""
    if opening.starting is None and opening.pace is not None and _opens_on_a_day(programme):
        return now.astimezone(programme.zone).date()
    return opening.starting


def _pace(programme: Programme, now: datetime, wanted: str | None) -> Pace:
    """Return how fast the season's days pass.

    A rehearsal begins to run the moment it is opened, so that the hours of its first day
    that are gone already are not a season each; or at the time that its programme names.
    """
    opens = programme.instants()["opens"]
    if wanted is None:
        return Pace(anchor=opens)
    return Pace.parse(wanted, now if _opens_on_a_day(programme) else opens)


def _opens_on_a_day(programme: Programme) -> bool:
    """Return whether a programme opens on a day, and not at a time of its own."""
    return not isinstance(programme.milestones.opens, datetime)


def _write_season(
    connection: Connection, season_id: str, programme: Programme, pace: Pace, now: datetime
) -> None:
    row = {
        "id": season_id,
        "title": f"{programme.edition} {programme.title}",
        "programme": programme.model_dump(mode="json"),
        "milestones": {name: at.isoformat() for name, at in programme.instants().items()},
        "anchor": pace.anchor,
        "seconds_per_day": pace.seconds_per_day,
        "opened_at": now,
    }
    connection.execute(insert(tables.season), row)


def _bodies(programme: Programme, season_id: str) -> Iterator[dict[str, Any]]:
    for body in programme.bodies:
        yield {
            "season_id": season_id,
            "id": body.id,
            "name": body.name,
            "kind": body.kind,
            "cutoff": None if body.cutoff is None else end_of(body.cutoff, programme.zone),
        }


def _shared_users(programme: Programme, season_id: str) -> Iterator[dict[str, Any]]:
    """Yield one shared inbox for each body and role; people of their own come later."""
    for body in programme.bodies:
        user_id = shared_user_id(season_id, body.id)
        yield {"id": user_id, "role": Role.BODY, "org": body.id, "name": body.name, "email": None}
    for role in (Role.ORGANISER, Role.PANEL):
        user_id = shared_user_id(season_id, role)
        yield {"id": user_id, "role": role, "org": None, "name": str(role), "email": None}
