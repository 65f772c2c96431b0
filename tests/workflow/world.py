"""One record, one server, one desk: what a test needs to see cases live."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.api.update.v1 import UpdateRef
from temporalio.api.workflowservice.v1 import PollWorkflowExecutionUpdateRequest
from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from activities.database import reading, transaction
from activities.records import Records
from models.calendar import BEIJING
from models.commands import Actor, Command, Role
from models.history import transition_hash
from models.lifecycle import Action, State
from models.pace import Pace
from models.records import COMMANDS, CaseSnapshot, Standing
from models.tables import CalendarDay, CaseReason, Outbox, Season, Transition, table_of
from services import case_record, intake
from services.cases import CaseDesk
from services.drafts import NewDraft
from services.milestones import Calendar, Moving
from services.requests import Request
from services.seasons import Opening, open_season
from services.views import CaseView
from tests import factories
from workers.cases import LOCAL_ACTIVITIES, case_worker
from workflows import names

SEASON = factories.SEASON
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds until a condition that does not come true fails a test."""

REMARKS = "（示例）请补充数据。"


EXPECTED = (
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_RESET_WORKFLOW,
    WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
)
"""Tasks that the server itself takes back: a reset, and news while a run was ending."""

type Pending = asyncio.Task[CaseSnapshot]


def now() -> datetime:
    return datetime.now(UTC)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.02)


class World:
    """The record of one test on a server that others may share: its task queue is its own."""

    def __init__(self, engine: Engine, client: Client, queue: str) -> None:
        self.engine, self.client, self.queue = engine, client, queue
        self.desk = CaseDesk(engine, client)

    def open_season(self) -> None:
        """Open the call of 2024 as if it had opened two weeks ago."""
        starting = (now() - timedelta(days=14)).date()
        open_season(self.engine, factories.programme(), now(), Opening(starting=starting))
        self.enter_years()

    def hurry(self, seconds_per_day: float, *, days_left: int, holidays: int = 0) -> datetime:
        """Let the season's days pass fast from now on, all of them working days.

        Args:
            seconds_per_day: How fast.
            days_left: Until the cutoff, which is a midnight.
            holidays: Days without work before the last day.

        Returns:
            The cutoff, a real instant.
        """
        pace = Pace(anchor=now(), seconds_per_day=seconds_per_day)
        midnight = datetime.combine(now().astimezone(BEIJING).date(), time(), BEIJING)
        cutoff = midnight + timedelta(days=days_left)
        last = (cutoff - timedelta(days=1)).date()
        table = table_of(CalendarDay)
        free = table.c.day.between(last - timedelta(days=holidays), last - timedelta(days=1))
        with transaction(self.engine) as connection:
            connection.execute(update(table).values(working=True))
            connection.execute(update(table).where(free).values(working=False))
        self._write_season(anchor=pace.anchor, seconds_per_day=pace.seconds_per_day)
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
        organiser = Actor(role=Role.ORGANISER, id="organiser")
        moving = Moving(SEASON, milestone, after, "（示例）顺延", organiser)
        return (await Calendar(self.engine, self.desk).move(moving)).cases

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
        return Case(self, await self.desk.create(NewDraft(SEASON, content)))

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
    def locked(self) -> Iterator[None]:
        """Hold the record's write lock, so that nobody else writes."""
        with transaction(self.engine):
            yield


class Case:
    """One case, its workflow and its record."""

    def __init__(self, world: World, case_id: str) -> None:
        self.world, self.id = world, case_id

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.world.client.get_workflow_handle(names.case_workflow_id(self.id))

    async def act(
        self, action: Action, *, update_id: str | None = None, actor: Actor | None = None,
        text: str | None = REMARKS, **fields: Any,
    ) -> CaseView:  # fmt: skip
        """Act through the desk, with whatever lets the action pass unless told otherwise."""
        ids = {} if update_id is None else {"update_id": update_id}
        values = {**passing_fields(action), **fields}
        return await self.world.desk.act(
            Request(self.id, action, values, actor=actor, text=text, **ids)
        )

    async def walk(self, *actions: Action) -> None:
        for action in actions:
            await self.act(action)

    def command(self, action: Action, **fields: Any) -> Command:
        """Return a command as the desk would send it, its words on record."""
        values = {**passing_fields(action), **fields}
        request = Request(self.id, action, values, text=REMARKS)
        command = intake.prepare(self.world.engine, request)
        assert command is not None
        return command

    async def update(
        self, action: Action, update_id: str, command: Command | None = None, **fields: Any
    ) -> CaseSnapshot:
        """Send an update past the desk, whatever the record says."""
        sent = command or self.command(action, **fields)
        assert isinstance(sent, COMMANDS[action])
        snapshot: CaseSnapshot = await self.handle.execute_update(
            action, sent, id=update_id, result_type=CaseSnapshot
        )
        return snapshot

    async def queued(self, action: Action, update_id: str, **fields: Any) -> "Pending":
        """Send an update that nobody serves yet; return once the server holds it."""
        pending = asyncio.create_task(self.update(action, update_id, **fields))
        await until(lambda: self.admitted(update_id))
        return pending

    async def began(self) -> bool:
        """Whether a worker has taken the case up."""
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        return any(event.event_type == done for event in (await self.history()).events)

    async def admitted(self, update_id: str) -> bool:
        """Whether the server knows the update."""
        client, execution = self.world.client, WorkflowExecution(workflow_id=self.handle.id)
        request = PollWorkflowExecutionUpdateRequest(
            namespace=client.namespace,
            update_ref=UpdateRef(workflow_execution=execution, update_id=update_id),
        )
        try:
            await client.workflow_service.poll_workflow_execution_update(request)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def snapshot(self) -> CaseSnapshot:
        return await self.world.desk.snapshot(self.id)

    @property
    def view(self) -> CaseView:
        return case_record.show(self.world.engine, self.id)

    @property
    def standing(self) -> Standing:
        """Where the record says that the case stands, planned as of its newest transition."""
        return Records(self.world.engine).read_standing(self.id, self.rows[-1].at)

    async def details(self) -> str:
        """Return what the Temporal UI shows as current details."""
        metadata = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        text: str = metadata.current_details
        return text

    @property
    def rows(self) -> list[Any]:
        table = table_of(Transition)
        query = select(table).where(table.c.case_id == self.id).order_by(table.c.seq)
        with reading(self.world.engine) as connection:
            return list(connection.execute(query))

    @property
    def actions(self) -> list[Action]:
        return [row.action for row in self.rows]

    @property
    def outbox(self) -> list[int]:
        table = table_of(Outbox)
        query = select(table.c.seq).where(table.c.case_id == self.id).order_by(table.c.seq)
        with reading(self.world.engine) as connection:
            return list(connection.scalars(query))

    @property
    def texts(self) -> list[str]:
        table = table_of(CaseReason)
        with reading(self.world.engine) as connection:
            return list(connection.scalars(select(table.c.text).where(table.c.case_id == self.id)))

    async def has_done(self, *actions: Action) -> None:
        """Wait until the record holds these, and assert that it holds no others."""

        async def done() -> bool:
            return len(self.rows) >= len(actions)

        await until(done)
        assert self.actions == list(actions)

    async def in_state(self, state: State) -> None:
        """Wait until the workflow stands there."""

        async def stands() -> bool:
            return (await self.snapshot()).state is state

        await until(stands)

    async def history(self) -> WorkflowHistory:
        return await self.handle.fetch_history()

    async def runs(self) -> list[WorkflowHistory]:
        """Return the history of every run, the first one first."""
        histories = [await self.history()]
        while before := _started(histories[0]).continued_execution_run_id:
            handle = self.world.client.get_workflow_handle(self.handle.id, run_id=before)
            histories.insert(0, await handle.fetch_history())
        return histories

    async def length(self) -> int:
        return len((await self.history()).events)

    async def agrees(self) -> None:
        """Assert that workflow, case row, history and outbox tell one story."""
        snapshot, view, rows = await self.snapshot(), self.view, self.rows
        assert [row.seq for row in rows] == list(range(1, view.seq + 1))
        assert self.outbox == [row.seq for row in rows]
        assert (snapshot.state, snapshot.seq) == (view.state, view.seq)
        assert (snapshot.deadline, snapshot.title) == (view.deadline, view.title)
        assert [row.source for row in rows[1:]] == [row.target for row in rows[:-1]]
        assert not rows or rows[-1].target == view.state
        for before, row in zip([None, *rows], rows, strict=False):
            assert before is None or row.previous_hash == before.hash
            assert row.hash == transition_hash({**row._mapping})
        await self.is_healthy()

    async def rang(self, times: int = 1) -> None:
        """Wait until so many timers rang and what came of it is done."""

        async def done() -> bool:
            events = [event.event_type for event in (await self.history()).events]
            fired = events.count(EventType.EVENT_TYPE_TIMER_FIRED)
            return fired >= times and events[-1] != EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED

        await until(done)
        await self.snapshot()  # answered behind the task that the timer began

    async def is_healthy(self) -> None:
        """Assert that no task of the workflow failed: a warning is an error here."""
        failed = [
            event.workflow_task_failed_event_attributes.failure.message
            for run in await self.runs()
            for event in run.events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
            and event.workflow_task_failed_event_attributes.cause not in EXPECTED
        ]
        assert failed == []


def _started(run: WorkflowHistory) -> WorkflowExecutionStartedEventAttributes:
    return run.events[0].workflow_execution_started_event_attributes


def passing_fields(action: Action) -> dict[str, Any]:
    """Return what an action needs so that no guard but state and role is against it."""
    points = factories.programme().screening
    fields: dict[Action, dict[str, Any]] = {
        Action.ACCEPT: {"answers": {point.key: True for point in points}},
        Action.RECOMMEND: {"rank": 1},
        Action.REQUEST_CORRECTION: {"due": now() + timedelta(days=5)},
        Action.DISQUALIFY: {"objection": "2024-07"},
        Action.MOVE_DEADLINE: {"until": now() + timedelta(days=9)},
    }
    return fields.get(action, {})
