"""Many cases to several receivers, one of which is dead: from the stream, with real NATS."""

import asyncio

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, select

from models import tables
from models.cases.actors import Actor, Role
from models.cases.events import CaseEvent
from models.store.engine import reading
from models.stream.names import event_subject
from tests.integration.webhooks.sending import STEPS, an_event, keep_lines
from tests.receivers import INSIDE, OK, ORGANISER, QUICK, Receiver, subscribe
from tests.slack import slack
from tests.waiting import until
from workers.webhook.run import run


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database_urls", "cases"),
    [("sqlite", 1000), pytest.param("postgres", 150, marks=pytest.mark.postgres)],
    indirect=["database_urls"],
)
@pytest.mark.usefixtures("season")
async def test_many_cases_to_five_endpoints_nothing_missing_nothing_twice_order_kept(
    engine: Engine, js: JetStreamContext, cases: int
) -> None:
    """A thousand where one writer at a time is the harder case, and fewer on PostgreSQL."""
    names = ("verifying", "slow", "dead", "flapping", "body")
    receivers = {name: Receiver() for name in names}
    for name, each in receivers.items():
        owner = Actor(role=Role.BODY, id="fujian") if name == "body" else ORGANISER
        subscribe(engine, each, owner)
        if name != "dead":
            await each.start()
    receivers["slow"].delay = 0.03
    receivers["flapping"].answer = lambda event, times: (
        (503, {}) if times == 1 and hash(event) % 4 == 0 else OK
    )
    stop = asyncio.Event()
    worker = asyncio.create_task(run(js, engine, INSIDE, stop, QUICK))
    events = [an_event(f"case_{n}", seq) for seq in range(1, len(STEPS) + 1) for n in range(cases)]
    keep_lines(engine, events)
    for start in range(0, len(events), 100):
        await asyncio.gather(*(_publish(js, each) for each in events[start : start + 100]))
    total = len(events)
    alive = [each for name, each in receivers.items() if name != "dead"]
    await until(lambda: all(len(each.ids) >= total for each in alive), within=400)
    assert receivers["dead"].requests == []  # and yet nobody waited for it
    await receivers["dead"].start()
    await until(lambda: len(receivers["dead"].ids) >= total, within=400)
    stop.set()
    await worker
    for name, each in receivers.items():
        assert len(each.ids) == len(set(each.ids)) == total, name
        order: dict[str, list[int]] = {}
        for case_id, seq in each.places:
            order.setdefault(case_id, []).append(seq)
        assert set(map(tuple, order.values())) == {tuple(range(1, len(STEPS) + 1))}, name
        await each.stop()
    waiting = select(tables.webhook_endpoint.c.status).distinct()
    with reading(engine) as connection:
        assert list(connection.scalars(waiting)) == ["active"]


async def _publish(js: JetStreamContext, event: CaseEvent) -> None:
    subject = event_subject(event.name, event.data.case_id, event.data.seq)
    await js.publish(subject, event.to_json().encode(), slack(30))
