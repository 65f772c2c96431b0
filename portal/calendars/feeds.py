"""The route of calendar feeds."""

import asyncio
from functools import lru_cache
from hashlib import sha256

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from services.calendars.feeds import Feed, note_use, read_feed
from services.calendars.ics import Duty, as_feed
from services.clock import now

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Disposition": 'inline; filename="deadlines.ics"',
    "X-Robots-Tag": "noindex",
}
"""Sent with every answer; a cache must ask first whether its copy is current."""
TYPE = "text/calendar; charset=utf-8"
CACHED_FEEDS = 32
"""How many rendered feeds are kept: most requests find nothing new."""

log = structlog.get_logger(__name__)


class Feeds:
    """Serves a feed to whoever knows its address.

    Args:
        engine: The record.
        domain: The mail domain, which the ids of entries carry.
    """

    def __init__(self, engine: Engine, domain: str) -> None:
        self._engine, self._domain = engine, domain

    async def show(self, request: Request) -> Response:
        """Return the feed of an address, or 304 if the calendar has it already.

        Raises:
            HTTPException: 404, if no feed has this address, whether or not one ever had.
        """
        text = await asyncio.to_thread(self._read, request.path_params["token"])
        if text is None:
            raise HTTPException(404)
        tag = f'"{sha256(text).hexdigest()[:32]}"'
        headers = {**HEADERS, "ETag": tag}
        if is_known(tag, request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers=headers)
        return Response(text, headers=headers, media_type=TYPE)

    def _read(self, token: str) -> bytes | None:
        feed = read_feed(self._engine, token)
        if feed is None:
            return None
        self._note(feed)
        return _rendered(feed.name, feed.duties, self._domain)

    def _note(self, feed: Feed) -> None:
        try:
            note_use(self._engine, feed, now())
        except DBAPIError as error:  # people see their deadlines even if the record is busy
            log.warning("feed_use_not_noted", error=type(error).__name__)


def is_known(tag: str, asked: str) -> bool:
    """Return whether `If-None-Match` names a tag; a proxy may have made it a weak one."""
    known = [each.strip().removeprefix("W/") for each in asked.split(",")]
    return tag in known or known == ["*"]


@lru_cache(CACHED_FEEDS)
def _rendered(name: str, duties: tuple[Duty, ...], domain: str) -> bytes:
    return as_feed(name, duties, domain).encode()
