"""The clock of tests, and waiting for something to come true."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

PATIENCE = 30.0
"""Seconds until a condition that does not come true fails a test."""


def now() -> datetime:
    return datetime.now(UTC)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.02)
