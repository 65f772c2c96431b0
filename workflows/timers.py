"""The timers of a case: as few as possible."""

import asyncio
from datetime import datetime

from temporalio import workflow


class Timers:
    """Timers that run until they fire.

    Nothing cancels one. A timer that fires too early costs four events and saves two in most
    lives: a correction's due date comes and goes, and the timer that was running before still
    serves afterwards.
    """

    def __init__(self) -> None:
        self._standing: dict[datetime, asyncio.Task[None]] = {}

    def fires_by(self, at: datetime) -> bool:
        """Return whether a timer fires at an instant or before it."""
        return any(fires <= at for fires in self._standing)

    def fire_by(self, at: datetime, note: str) -> None:
        """Make sure that a timer fires at an instant or before it.

        Args:
            at: An instant that lies ahead.
            note: What the Temporal UI shows beside a new timer.
        """
        if not self.fires_by(at):
            self._standing[at] = asyncio.create_task(self._fire(at, note))

    async def _fire(self, at: datetime, note: str) -> None:
        await workflow.sleep(at - workflow.now(), summary=note)
        del self._standing[at]
