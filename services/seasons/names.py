"""How people call the bodies and categories of a season."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, select

from models import tables
from models.store.engine import reading


@dataclass(frozen=True)
class SeasonNames:
    """By its id how lists name a body, e.g. 福建; by its key the title of a category."""

    bodies: Mapping[str, str]
    categories: Mapping[str, str]


def read_names(engine: Engine, season_ids: Collection[str]) -> dict[str, SeasonNames]:
    """Return the names of some seasons, by the season's id.

    They stand in the programme of each as it was entered; all else of it is left unread.
    """
    season = tables.season.c
    query = select(season.id, season.programme).where(season.id.in_(season_ids))
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    return {
        season_id: SeasonNames(
            {body["id"]: body["short"] for body in programme["bodies"]},
            {category["key"]: category["title"] for category in programme["categories"]},
        )
        for season_id, programme in rows
    }
