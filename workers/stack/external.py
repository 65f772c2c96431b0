"""Servers that we do not run: waited for, and named if they do not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.stack import probes

ASK_EVERY = 0.5
PATIENCE = 30.0
"""Seconds in which an external server must answer."""


class ServerUnavailable(Exception):
    """An external server does not answer."""

    def __init__(self, variable: str, address: str, why: str) -> None:
        super().__init__(variable, address, why)
        self.variable, self.address, self.why = variable, address, why


async def external_servers_answer(settings: StackSettings, namespace: str) -> None:
    """Wait for the external servers that the settings name.

    Raises:
        ServerUnavailable: One does not answer, or lacks what we need.
    """
    if address := settings.temporal.address:
        ask = partial(probes.temporal, address, namespace)
        await _answers("TEMPORAL_ADDRESS", address, ask)
    if url := settings.nats.url:
        await _answers("NATS_URL", mask_password(url), partial(probes.nats, url))


async def _answers(variable: str, address: str, ask: Callable[[], Awaitable[str | None]]) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while (trouble := await ask()) is not None:
        if asyncio.get_running_loop().time() > deadline:
            raise ServerUnavailable(variable, address, trouble)
        await asyncio.sleep(ASK_EVERY)
