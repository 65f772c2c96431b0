"""Cases as people read them: bodies and categories by their names."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cli.frame.options import options

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from services.cases.views import CaseView


def readable(engine: "Engine", case: "CaseView") -> "CaseView | Mapping[str, Any]":
    """Return a case to show, with names for people and as it is for programs."""
    return case if options().json else readable_rows(engine, [case])[0]


def readable_rows(engine: "Engine", cases: "Sequence[CaseView]") -> list[dict[str, Any]]:
    """Return cases as rows in which bodies and categories have their names."""
    from services.seasons.names import read_names

    names = read_names(engine, {case.season for case in cases})
    rows = [case.model_dump() for case in cases]
    for row in rows:
        known = names[row["season"]]
        row["body"] = known.bodies.get(row["body"], row["body"])
        row["category"] = known.categories.get(row["category"], row["category"])
    return rows
