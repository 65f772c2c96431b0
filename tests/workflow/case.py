"""One case as tests see it: its workflow, its record, and what operations are shown."""

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from temporalio.api.sdk.v1 import WorkflowMetadata

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.actors import Actor
from models.cases.agenda import AgendaItem
from models.cases.commands import Command
from models.cases.history import transition_hash
from models.cases.messages import CaseSnapshot, Standing
from models.refusals import Refused
from models.store.engine import reading
from models.tables import CaseReason, Outbox, Transition, table_of
from services.cases import intake, queries
from services.cases.requests import Request
from services.cases.standing import read_standing
from services.cases.views import CaseView
from services.clock import now
from services.seasons.cache import SeasonCache
from tests.slack import stretch
from tests.waiting import until
from tests.workflow.passing import passing_fields
from tests.workflow.watching import Watched
from workflows import names

if TYPE_CHECKING:
    from tests.workflow.world import World

REMARKS = "（示例）请补充数据。"

type Pending = asyncio.Task[CaseSnapshot]


class Case(Watched):
    """One case, its workflow and its record."""

    def __init__(self, world: "World", case_id: str) -> None:
        super().__init__(world.client, case_id)
        self.world = world

    async def act(
        self, action: Action, *, update_id: str | None = None, actor: Actor | None = None,
        text: str | None = REMARKS, **fields: Any,
    ) -> CaseView:  # fmt: skip
        """Act through the desk, with whatever lets the action pass unless told otherwise."""
        ids = {} if update_id is None else {"update_id": update_id}
        values = {**passing_fields(action), **fields}
        return await self.world.service.act(
            Request(self.id, action, values, actor=actor, text=text, **ids)
        )

    async def due_soon(self, action: Action, field: str) -> datetime:
        """Act with a due date as close as this machine manages now; return it."""
        left = timedelta(seconds=stretch(0.3))
        while True:
            due = now() + left
            fields: dict[str, Any] = {field: due}
            try:
                await self.act(action, **fields)
            except Refused as refused:
                if refused.code != "due_in_past":
                    raise
                left *= 2
            else:
                return due

    async def walk(self, *actions: Action) -> None:
        for action in actions:
            await self.act(action)

    def command(self, action: Action, **fields: Any) -> Command:
        """Return a command as the desk would send it, its words on record."""
        request = self.request(action, **fields)
        command = intake.prepare(self.world.engine, SeasonCache(), request).command
        assert command is not None
        return command

    def request(self, action: Action, **fields: Any) -> Request:
        return Request(self.id, action, {**passing_fields(action), **fields}, text=REMARKS)

    async def update(
        self, action: Action, update_id: str, command: Command | None = None, **fields: Any
    ) -> CaseSnapshot:
        """Send an update past the desk, whatever the record says."""
        sent = command or self.command(action, **fields)
        assert isinstance(sent, ACTIONS[action].command)
        snapshot: CaseSnapshot = await self.handle.execute_update(
            action, sent, id=update_id, result_type=CaseSnapshot
        )
        return snapshot

    async def queued(self, action: Action, update_id: str, **fields: Any) -> "Pending":
        """Send an update that nobody serves yet; return once the server holds it."""
        pending = asyncio.create_task(self.update(action, update_id, **fields))
        await until(lambda: self.admitted(update_id))
        return pending

    async def queued_catch_up(self, update_id: str) -> "Pending":
        """Let the case look at its record, as soon as somebody serves it; the server holds it."""

        async def look() -> CaseSnapshot:
            snapshot: CaseSnapshot = await self.handle.execute_update(
                names.CATCH_UP, id=update_id, result_type=CaseSnapshot
            )
            return snapshot

        pending = asyncio.create_task(look())
        await until(lambda: self.admitted(update_id))
        return pending

    async def snapshot(self) -> CaseSnapshot:
        return await self.world.service.snapshot(self.id)

    @property
    def view(self) -> CaseView:
        return queries.show(self.world.engine, self.id)

    @property
    def standing(self) -> Standing:
        """Where the record says that the case stands, planned as of its newest transition."""
        return read_standing(self.world.engine, SeasonCache(), self.id, self.rows[-1].at)

    async def details(self) -> str:
        """Return what the Temporal UI shows as current details."""
        metadata = await self.handle.query(
            "__temporal_workflow_metadata", result_type=WorkflowMetadata
        )
        text: str = metadata.current_details
        return text

    @property
    def planned(self) -> tuple[AgendaItem, ...]:
        """What the record would plan for a case at the instant of its filing."""
        standing = read_standing(self.world.engine, SeasonCache(), self.id, self.view.since)
        return standing.outlook.agenda.items

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
