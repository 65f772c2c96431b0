"""Which season, body or category somebody means: by its key, or by a name that people use."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, Engine, false, or_, select

from models import tables
from models.programme.definition import Programme
from models.programme.parts import choice_key, chosen
from models.refusals import Refused
from models.store.engine import reading
from models.text.names import folded
from models.wording import MILESTONES
from services.seasons.queries import read_programme

CANDIDATES = 5
"""How many units a refusal names."""


def find_season(engine: Engine, typed: str) -> str:
    """Return the id of the season that somebody means by its id or title.

    Raises:
        Refused: `unknown_season`; the message names the choices.
    """
    with reading(engine) as connection:
        known = _seasons(connection)
    for season_id, title in known.items():
        if typed == season_id or choice_key(typed) == choice_key(title):
            return season_id
    choices = "、".join(f"{season_id}（{title}）" for season_id, title in known.items())
    raise _unknown("season", "征集季", typed, choices)


def find_body(engine: Engine, typed: str, season: str | None = None) -> str:
    """Return the id of the body that somebody means by its id, its name or its place's.

    Args:
        engine: The record.
        typed: E.g. `fujian`, 福建, 福建省 or 福建省广播电视局.
        season: Of this season; None: of any.

    Raises:
        Refused: `unknown_body`; the message names the choices.
    """
    wanted = choice_key(typed)
    programmes = _programmes(engine, season)
    bodies = [body for programme in programmes for body in programme.bodies]
    found = [body.id for body in bodies if wanted in body.names]
    known = {body.id: body.short for body in bodies}
    return _one(found, known, lambda choices: _unknown("body", "推荐单位", typed, choices))


def find_category(engine: Engine, typed: str, season: str | None = None) -> str:
    """Return the key of the category that somebody means by its key or title.

    Raises:
        Refused: `unknown_category`; the message names the choices.
    """
    programmes = _programmes(engine, season)
    categories = [each for programme in programmes for each in programme.categories]
    found = [each.key for each in categories if chosen([each], typed)]
    known = {each.key: each.title for each in categories}
    return _one(found, known, lambda choices: _unknown("category", "类别", typed, choices))


def find_milestone(typed: str) -> str:
    """Return the name of the milestone that somebody means by its name or in words.

    What is neither is returned as it is, to be refused with the choices of its season.
    """
    wanted = choice_key(typed)
    for name, words in MILESTONES.items():
        said = (name, words.zh, words.zh.removesuffix("截止"), words.en)
        if wanted in map(choice_key, said):
            return name
    return typed


def find_unit(engine: Engine, typed: str, season: str) -> str:
    """Return the id of the unit that somebody means by its id, the beginning of it, or its name.

    Raises:
        Refused: `unknown_unit`, or `ambiguous_unit`; the message names the candidates.
    """
    unit = tables.unit.c
    begins = typed.strip().removeprefix("unit_").upper()
    exact = or_(unit.id == typed, unit.name_key == folded(typed))
    begun = unit.id.startswith(f"unit_{begins}", autoescape=True) if begins else false()
    query = (
        select(unit.id, unit.name, exact.label("exact"))
        .where(unit.season_id == season, or_(exact, begun))
        .order_by(exact.desc(), unit.id)
        .limit(CANDIDATES + 1)
    )
    with reading(engine) as connection:
        found = connection.execute(query).all()
    if len(found) == 1 or (found and found[0].exact):
        return str(found[0].id)
    if not found:
        message = f"征集季 {season} 没有申报单位“{typed}”；编号与名称见 tuixuan case show。"
        raise Refused("unknown_unit", message)
    choices = "、".join(f"{row.id}（{row.name}）" for row in found[:CANDIDATES])
    raise Refused("ambiguous_unit", f"不止一个申报单位以“{typed}”开头：{choices}。请多写几位。")


def _seasons(connection: Connection) -> dict[str, str]:
    """Return the titles of all seasons by their ids, the newest first."""
    seasons = tables.season.c
    query = select(seasons.id, seasons.title).order_by(seasons.opened_at.desc())
    return {row.id: row.title for row in connection.execute(query)}


def _programmes(engine: Engine, season: str | None) -> list[Programme]:
    with reading(engine) as connection:
        wanted = _seasons(connection) if season is None else [season]
        return [read_programme(connection, each) for each in wanted]


def _one(found: Iterable[str], known: dict[str, str], unknown: Callable[[str], Refused]) -> str:
    for key in found:
        return key
    raise unknown("、".join(f"{key}（{name}）" for key, name in known.items()))


def _unknown(kind: str, called: str, typed: str, choices: str) -> Refused:
    return Refused(f"unknown_{kind}", f"没有{called}“{typed}”，可选：{choices or '无'}。")
