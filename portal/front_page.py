"""The front page: what this is, which calls are open, and how deadlines reach a calendar."""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from models.programme.milestones import milestone_moment
from models.wording import MILESTONES, Words
from services.clock import now
from services.seasons.queries import SeasonView, open_seasons


@dataclass(frozen=True)
class SeasonDate:
    """One date of a season. `machine`: as `<time datetime>` wants it."""

    words: Words
    shown: str
    machine: str
    past: bool


@dataclass(frozen=True)
class OpenSeason:
    """A season as the page shows it."""

    id: str
    title: str
    dates: Sequence[SeasonDate]


class FrontPage:
    """Serves the page from the record. It names no person, and sets no cookie."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def show(self, _request: Request) -> Response:
        """Return the page."""
        at = now()
        seasons = await asyncio.to_thread(open_seasons, self._engine, at)
        return HTMLResponse(rendered(seasons, at), headers=headers())


def rendered(seasons: Sequence[SeasonView], at: datetime) -> str:
    """Return the page as it is at an instant."""
    shown = [OpenSeason(each.id, each.title, [*_dates(each, at)]) for each in seasons]
    return _template().render(seasons=shown, style=_style())


@cache
def headers() -> dict[str, str]:
    """Return the headers of the page: nothing is loaded, and its one style is named by its hash."""
    style = base64.b64encode(sha256(_style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{style}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def _dates(season: SeasonView, at: datetime) -> Iterator[SeasonDate]:
    for name, instant in sorted(season.milestones.items(), key=lambda each: each[1]):
        words = MILESTONES.get(name, Words(name, name))
        machine = instant.isoformat().replace("+00:00", "Z")
        yield SeasonDate(words, milestone_moment(name, instant), machine, instant <= at)


@cache
def _style() -> str:
    return _file("front_page.css")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(_file("front_page.html.j2"))


def _file(name: str) -> str:
    return files("portal").joinpath(name).read_text(encoding="utf-8")
