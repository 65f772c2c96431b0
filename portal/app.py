"""The web portal: which addresses there are, and what is said of those that there are not."""

import time

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.calendars.feeds import Feeds
from services.calendars.feeds import PATH

RETRY_AFTER = "60"
"""Seconds after which one may ask again while the record is away."""
NOT_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}

log = structlog.get_logger(__name__)


def application(engine: Engine, domain: str) -> Starlette:
    """Return the portal.

    Args:
        engine: The record.
        domain: Whose ids calendar entries have: the domain of the letters.
    """
    app = Starlette(
        routes=[Route(PATH, Feeds(engine, domain).show)],
        middleware=[Middleware(RequestLog)],
        exception_handlers={404: _not_found, SQLAlchemyError: _record_away},
    )
    app.router.redirect_slashes = False  # it would tell which addresses there could be
    return app


class RequestLog:
    """Notes each request by the pattern of its address: an address itself may be a secret."""

    def __init__(self, app: ASGIApp) -> None:
        """Take what answers."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and say how it went."""
        status, started = 500, time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = scope.get("route")
            log.info(
                "request",
                method=scope["method"],
                route=route.path if isinstance(route, Route) else None,
                status=status,
                ms=round((time.perf_counter() - started) * 1000, 1),
            )


async def _not_found(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("Not found\n", 404, NOT_KEPT)


async def _record_away(_request: Request, error: Exception) -> Response:
    log.warning("record_away", error=type(error).__name__)
    headers = {**NOT_KEPT, "Retry-After": RETRY_AFTER}
    return PlainTextResponse("Try again later\n", 503, headers)
