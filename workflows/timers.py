"""The timers of a case: as few as will do."""

import asyncio
from datetime import datetime

from temporalio import workflow


class Timers:
    """Timers that stand until they ring.

    Nothing cancels one. One that rings too early costs four events and saves two in most
    lives: a correction's due date comes and goes, and the timer that stood before it still
    stands after it.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._standing: dict[datetime, asyncio.Task[None]] = {}

    def rings_by(self, at: datetime) -> bool:
        """Return whether one rings at an instant or before it."""
        return any(rings <= at for rings in self._standing)

    def ring_by(self, at: datetime, note: str) -> None:
        """See to it that one rings at an instant or before it.

        Args:
            at: An instant that lies ahead.
            note: What the Temporal UI shows beside a new timer.
        """
        if not self.rings_by(at):
            self._standing[at] = asyncio.create_task(self._ring(at, note))

    async def _ring(self, at: datetime, note: str) -> None:
        await workflow.sleep(at - workflow.now(), summary=note)
        del self._standing[at]
