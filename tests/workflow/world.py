"""One record, one server, one desk: what a test needs to see cases live."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from sqlite3 import Connection as SQLiteConnection
from typing import Any

from sqlalchemy import Engine, delete, event, insert, select, update
from temporalio.client import Client

from models.cases.actors import Actor, Role
from models.dates.pace import Pace
from models.store.engine import open_engine, reading, transaction
from models.tables import CalendarDay, Season, table_of
from models.wording import BEIJING
from services.cases.drafts import NewDraft
from services.cases.service import CaseService
from services.clock import now
from services.dates.change import MilestoneChange
from services.dates.milestones import Milestones
from services.dates.moves import MilestoneMove
from services.seasons.opening import Opening, open_season
from tests import factories
from tests.workflow.case import Case
from workers.cases.worker import LOCAL_ACTIVITIES, case_worker

SEASON = factories.SEASON
ROOT = Path(__file__).resolve().parents[2]


class World:
    """The record of one test on a server that others may share: its task queue is its own."""

    def __init__(self, engine: Engine, client: Client, queue: str) -> None:
        self.engine, self.client, self.queue = engine, client, queue
        self.service = CaseService(engine, client)

    def open_season(self) -> None:
        """Open the call of 2024 as if it had opened two weeks ago."""
        starting = (now() - timedelta(days=14)).date()
        open_season(self.engine, factories.programme(), now(), Opening(starting=starting))
        self.enter_years()

    def set_pace(self, seconds_per_day: float) -> Pace:
        """Let the season's days pass so fast from now on."""
        pace = Pace(anchor=now(), seconds_per_day=seconds_per_day)
        self._write_season(anchor=pace.anchor, seconds_per_day=pace.seconds_per_day)
        return pace

    def hurry(self, seconds_per_day: float, *, days_left: int, holidays: int = 0) -> datetime:
        """Let the season's days pass fast from now on, all of them working days.

        Args:
            seconds_per_day: How fast.
            days_left: Until the cutoff, which is a midnight.
            holidays: Days without work before the last day.

        Returns:
            The cutoff, a real instant.
        """
        pace = self.set_pace(seconds_per_day)
        midnight = datetime.combine(now().astimezone(BEIJING).date(), time(), BEIJING)
        cutoff = midnight + timedelta(days=days_left)
        last = (cutoff - timedelta(days=1)).date()
        table = table_of(CalendarDay)
        free = table.c.day.between(last - timedelta(days=holidays), last - timedelta(days=1))
        with transaction(self.engine) as connection:
            connection.execute(update(table).values(working=True))
            connection.execute(update(table).where(free).values(working=False))
        self.set_milestone("cutoff", cutoff)
        return pace.real(cutoff)

    def enter_years(self) -> None:
        """Enter this year and the next ones, where nobody arranged their holidays yet."""
        days = table_of(CalendarDay)
        with transaction(self.engine) as connection:
            known = set(connection.scalars(select(days.c.day)))
            first = date(now().year, 1, 1)
            missing = [
                day
                for day in (first + timedelta(days=n) for n in range(6 * 366))
                if day not in known
            ]
            connection.execute(
                insert(days),
                [{"day": day, "working": day.weekday() < 5, "source": "test"} for day in missing],
            )

    async def move(self, milestone: str, after: datetime) -> list[str]:
        """Move a date as an organiser does; return the cases that were told."""
        return (await self.move_date(milestone, after)).cases

    async def move_date(
        self, milestone: str, after: datetime, *, closes: bool = False
    ) -> MilestoneMove:
        """Move a date as an organiser does; return all that came of it."""
        organiser = Actor(role=Role.ORGANISER, id="organiser")
        moving = MilestoneChange(SEASON, milestone, after, "（示例）顺延", organiser, closes=closes)
        return await Milestones(self.engine, self.service).move(moving)

    def forget_years(self) -> None:
        """Leave no working day on record."""
        with transaction(self.engine) as connection:
            connection.execute(delete(table_of(CalendarDay)))

    def set_milestone(self, name: str, at: datetime) -> None:
        """Move a date of the season and tell nobody: as if the calendar had always said so."""
        with reading(self.engine) as connection:
            milestones = connection.scalars(select(table_of(Season).c.milestones)).one()
        self._write_season(milestones={**milestones, name: at.isoformat()})

    def _write_season(self, **values: Any) -> None:
        with transaction(self.engine) as connection:
            connection.execute(update(table_of(Season)).values(**values))

    async def draft(self, **changes: Any) -> "Case":
        """File a new draft; its title is its own."""
        title = f"虚构案例 {now():%H%M%S%f}"
        content = factories.form(**{"title": title, **changes})
        return Case(self, await self.service.create(NewDraft(SEASON, content)))

    @asynccontextmanager
    async def worker(self, engine: Engine | None = None) -> AsyncIterator[None]:
        """Serve this world's cases as the real process does."""
        with ThreadPoolExecutor(LOCAL_ACTIVITIES) as threads:
            async with case_worker(self.client, engine or self.engine, threads):
                yield

    @asynccontextmanager
    async def process(self, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """Serve them from a process of their own, by the script that can die at a point."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.workflow.mortal_worker",
            self.client.service_client.config.target_host,
            self.engine.url.render_as_string(hide_password=False), self.queue, *arguments,
            cwd=ROOT,
        )  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            await process.wait()

    @contextmanager
    def impatient(self) -> Iterator[Engine]:
        """Open the record anew, for a worker that does not wait for a lock but asks again."""
        engine = open_engine(str(self.engine.url))
        event.listen(engine, "connect", _ask_at_once)
        yield engine
        engine.dispose()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the record's write lock, so that nobody else writes."""
        with transaction(self.engine):
            yield


def _ask_at_once(connection: SQLiteConnection, _record: Any) -> None:
    connection.execute("PRAGMA busy_timeout=10")
