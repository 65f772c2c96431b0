"""Published events that the stream has lost, and giving them back to the relay.

A comparison that finds one event missing and a stream that is gone altogether have this one
remedy. Ids, subjects and bytes stay as they were, so the stream and every consumer know an event
that they have.
"""

import asyncio
from collections.abc import Collection, Mapping

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import StreamState
from nats.js.errors import NotFoundError
from sqlalchemy import Engine, select, update

from models import tables
from models.store.engine import reading, transaction
from models.stream.names import EVENTS, case_subjects, parse_subject
from services.unavailable import Unavailable

CASES_AT_ONCE = 16
NO_SEQ = 0
"""Stands for a subject of a case that has no number."""

type Seqs = Mapping[str, Collection[int]]
"""Case → the seqs of some of its events."""

_outbox = tables.outbox.c


async def announced_seqs(js: JetStreamContext, case_id: str) -> set[int]:
    """Return which seqs of a case the stream holds, `NO_SEQ` for a subject without one.

    Raises:
        Unavailable: NATS does not answer, or has no stream.
    """
    state = await _state(js, case_subjects(case_id))
    return {_seq_of(subject) for subject in state.subjects or {}}


async def lost_events(engine: Engine, js: JetStreamContext) -> dict[str, list[int]]:
    """Return which published events the stream does not hold, of every case.

    Raises:
        Unavailable: NATS does not answer, or has no stream.
    """
    published = await asyncio.to_thread(read_published, engine)
    if await count_messages(js) == 0:
        return {case_id: sorted(seqs) for case_id, seqs in published.items()}
    gate = asyncio.Semaphore(CASES_AT_ONCE)

    async def lost_of(case_id: str) -> list[int]:
        async with gate:
            return sorted(set(published[case_id]) - await announced_seqs(js, case_id))

    found = await asyncio.gather(*(lost_of(case_id) for case_id in published))
    return {case_id: seqs for case_id, seqs in zip(published, found, strict=True) if seqs}


async def count_messages(js: JetStreamContext) -> int:
    """Return how many events the stream holds.

    Raises:
        Unavailable: NATS does not answer, or has no stream.
    """
    return (await _state(js)).messages


def give_back(engine: Engine, lost: Seqs) -> int:
    """Give events back to the relay, in one transaction; return how many.

    The relay reads them in the order of their commits, each case's in the order of its seq.
    """
    with transaction(engine) as connection:
        for case_id, seqs in lost.items():
            connection.execute(
                update(tables.outbox)
                .where(_outbox.case_id == case_id, _outbox.seq.in_(sorted(seqs)))
                .values(published_at=None, stream_seq=None)
            )
    return sum(len(seqs) for seqs in lost.values())


def read_published(engine: Engine) -> dict[str, set[int]]:
    """Return which events of each case were published."""
    published: dict[str, set[int]] = {}
    sent = select(_outbox.case_id, _outbox.seq).where(_outbox.published_at.is_not(None))
    with reading(engine) as connection:
        for row in connection.execute(sent):
            published.setdefault(row.case_id, set()).add(row.seq)
    return published


def _seq_of(subject: str) -> int:
    try:
        return parse_subject(subject).seq
    except ValueError:
        return NO_SEQ


async def _state(js: JetStreamContext, subjects: str | None = None) -> StreamState:
    try:
        return (await js.stream_info(EVENTS, subjects_filter=subjects)).state
    except NotFoundError as error:
        message = "NATS 中没有事件流，可能数据已丢失。请执行 tuixuan stream rebuild。"
        raise Unavailable("stream_missing", message) from error
    except NatsError as error:
        raise Unavailable("nats_unavailable", f"NATS 没有应答：{error}", retry=True) from error
