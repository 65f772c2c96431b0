"""What a refusal must not leave behind."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

from sqlalchemy import func, select
from temporalio.client import Client

from models.store.engine import reading
from models.tables import CaseRecord, Outbox, Transition, table_of
from tests.e2e.stack import Stack
from workflows.names import SNAPSHOT, case_workflow_id


def traces(stack: Stack, case_ids: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """Return of each case how long its workflow's history is, its lines, and its events."""

    async def length(client: Client, case_id: str) -> int:
        handle = client.get_workflow_handle(case_workflow_id(case_id))
        await handle.query(SNAPSHOT)  # answered when nothing is in hand
        return (await handle.describe()).history_length

    async def lengths(client: Client) -> dict[str, int]:
        found = await asyncio.gather(*(length(client, case_id) for case_id in case_ids))
        return dict(zip(case_ids, found, strict=True))

    rows = {}
    with reading(stack.engine) as connection:
        for case_id in case_ids:
            lines, events = (
                connection.scalar(
                    select(func.count()).select_from(table).where(table.c.case_id == case_id)
                )
                for table in (table_of(Transition), table_of(Outbox))
            )
            rows[case_id] = (lines or 0, events or 0)
    long = stack.ask_temporal(lengths)
    return {case_id: (long[case_id], *rows[case_id]) for case_id in case_ids}


@contextlib.contextmanager
def leaving_no_trace(stack: Stack, case_ids: Sequence[str]) -> Iterator[None]:
    """Nothing is longer after the block than it was before."""
    before = traces(stack, case_ids)
    yield
    assert traces(stack, case_ids) == before


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def cases_of(stack: Stack, season: str) -> int:
    with reading(stack.engine) as connection:
        rows = table_of(CaseRecord)
        found = select(func.count()).select_from(rows).where(rows.c.season_id == season)
        return connection.scalar(found) or 0
