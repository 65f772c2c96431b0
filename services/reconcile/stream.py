"""Compare cases with the stream, and give lost events back to the relay."""

import asyncio

from nats.js import JetStreamContext
from sqlalchemy import Engine

from services.reconcile.cases import RecordedCase
from services.reconcile.differences import Difference, difference
from services.stream.losses import announced_seqs, give_back


async def compare_stream(
    engine: Engine, js: JetStreamContext, case: RecordedCase
) -> list[Difference]:
    """Return where the stream is ahead of a case or behind it.

    Raises:
        Unavailable: NATS does not answer, or has no stream.
    """
    if case.seq == 0:
        return []
    announced = await announced_seqs(js, case.id)
    steps = set(range(1, case.seq + 1))
    found = []
    if beyond := sorted(announced - steps):
        found.append(difference("stream_ahead", case.id, f"事件流多出第 {beyond} 步"))
    if waiting := sorted(steps - case.published - announced):
        what = f"第 {waiting} 步尚未发布，请查看 relay 进程（tuixuan status）"
        found.append(difference("not_announced", case.id, what))
    if lost := sorted(case.published - announced):
        await asyncio.to_thread(give_back, engine, {case.id: lost})
        what = f"事件流缺少第 {lost} 步，已重新排队发布"
        found.append(difference("stream_behind", case.id, what, repaired=True))
    return found
