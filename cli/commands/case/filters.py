"""Filters as people type them: states, seasons, bodies and categories by key or by name."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from models.cases.states import State
    from services.cases.queries import CaseFilter


def states(given: list[str]) -> "tuple[State, ...]":
    from models.cases.states import State
    from models.wording import STATES, choices, code_of

    found = {each: code_of(each, State, STATES) for each in given}
    unknown = [each for each, state in found.items() if state is None]
    if unknown:
        known = choices(State, STATES)
        raise typer.BadParameter(f"没有状态 {'、'.join(unknown)}，可选：{known}")
    return tuple(State(state) for state in found.values() if state is not None)


def filter_by(
    engine: "Engine", season: str | None, body: str | None, category: str | None
) -> "CaseFilter":
    """Return a filter by what is on record, however it was named.

    Raises:
        Refused: There is no such season, body or category; the message names the choices.
    """
    from services.cases.queries import CaseFilter
    from services.seasons.lookup import find_body, find_category, find_season

    season = season and find_season(engine, season)
    return CaseFilter(
        season=season,
        body=body and find_body(engine, body, season),
        category=category and find_category(engine, category, season),
    )
