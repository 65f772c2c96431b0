"""The portal's routes, its request log, and its answers to errors."""

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
from portal.front_page import FrontPage
from services.calendars.feeds import PATH

RETRY_AFTER = "60"
"""Seconds to wait before asking again while the record is unavailable."""
NOT_KEPT = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}

log = structlog.get_logger(__name__)


def application(engine: Engine, domain: str) -> Starlette:
    """Return the portal as an ASGI application.

    Args:
        engine: The record.
        domain: The mail domain, which the ids of calendar entries carry.
    """
    app = Starlette(
        routes=[
            Route("/", FrontPage(engine).show),
            Route(PATH, Feeds(engine, domain).show),
        ],
        middleware=[Middleware(RequestLog)],
        exception_handlers={404: _not_found, SQLAlchemyError: _record_unavailable},
    )
    app.router.redirect_slashes = False  # a redirect would reveal which addresses exist
    return app


class RequestLog:
    """Logs each request by its route, since the address itself may be a secret."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log its status and duration."""
        status, started = 500, time.perf_counter()

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_noting_status)
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


async def _record_unavailable(_request: Request, error: Exception) -> Response:
    log.warning("record_away", error=type(error).__name__)
    headers = {**NOT_KEPT, "Retry-After": RETRY_AFTER}
    return PlainTextResponse("Try again later\n", 503, headers)
