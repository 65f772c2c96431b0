"""Waiting for something to come true: the one place where tests sleep."""

import asyncio
import inspect
import linecache
import time
from collections.abc import Awaitable, Callable
from typing import Any, overload

from tests.slack import Limit

PATIENCE = 30.0
"""Seconds of an idle machine until a condition that does not come true fails a test."""
PAUSE = 0.02
"""Seconds between two looks: other processes raise no event here."""


def wait_until[T](ask: Callable[[], T | None], what: str = "", within: float = PATIENCE) -> T:
    """Ask until the answer is true, and return it.

    Args:
        ask: The question.
        what: What is waited for, in words; the source of the question says it too.
        within: Seconds of an idle machine.
    """
    limit = Limit(within)
    while not (answer := ask()):
        assert not limit.passed(), _in_vain(what, ask, limit)
        time.sleep(PAUSE)
    return answer


@overload
async def until[T](
    ask: Callable[[], Awaitable[T | None]], what: str = ..., within: float = ...
) -> T: ...
@overload
async def until[T](ask: Callable[[], T | None], what: str = ..., within: float = ...) -> T: ...
async def until(ask: Callable[[], Any], what: str = "", within: float = PATIENCE) -> Any:
    """Do the same in an event loop. A plain function may block: a thread asks it."""
    limit = Limit(within)
    while True:
        found = await asyncio.to_thread(ask)
        if answer := await found if inspect.isawaitable(found) else found:
            return answer
        assert not await asyncio.to_thread(limit.passed), _in_vain(what, ask, limit)
        await asyncio.sleep(PAUSE)


def _in_vain(what: str, ask: Callable[[], object], limit: Limit) -> str:
    code = getattr(ask, "__code__", None)
    where = linecache.getline(code.co_filename, code.co_firstlineno).strip() if code else repr(ask)
    return f"in vain for {limit}: {what or where}"
