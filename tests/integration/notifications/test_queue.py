"""A delivery is read before it is leased: whoever leases it first has it alone."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, update

from models import tables
from models.cases.states import State
from models.notifications.retries import DeliveryRetries
from models.store.engine import transaction
from services.notifications.deliveries import deliveries
from services.notifications.queue import DeliveryQueue, _Found
from services.people.users import set_email
from tests.factories import OPENS, make_case
from tests.integration.notifications.mails import put
from tests.integration.notifications.notified import FUJIAN, notify_of


class Slow(DeliveryQueue):
    """Another sender takes one of the deliveries between the look and the lease."""

    def __init__(self, engine: Engine, taken_by_other: str) -> None:
        super().__init__(engine, DeliveryRetries())
        self._other, self._taken = DeliveryQueue(engine, DeliveryRetries()), taken_by_other

    def _find(self, connection: Connection, delivery_id: str, at: datetime) -> _Found | None:
        found = super()._find(connection, delivery_id, at)
        assert self._other.take(self._taken) is not None
        return found


@pytest.mark.usefixtures("season")
@pytest.mark.parametrize("digest", [False, True])
def test_of_two_senders_the_slower_one_gets_nothing(engine: Engine, digest: bool) -> None:
    set_email(engine, FUJIAN, "fujian@example.invalid")
    for _ in range(3):
        notify_of(engine, make_case(engine, state=State.PROVINCE_REVIEW))
    with transaction(engine) as connection:
        connection.execute(update(tables.delivery).values(digest=digest))
    first, *_, last = DeliveryQueue(engine, DeliveryRetries()).due()

    assert Slow(engine, last if digest else first).take(first) is None

    attempts = {item.id: item.attempts for item in deliveries(engine)}
    assert sorted(attempts.values()) == ([1, 1, 1] if digest else [0, 0, 1])


@pytest.mark.parametrize("by_recipient", [False, True])
@pytest.mark.parametrize(
    ("waits", "is_due"),
    [(-1, True), (1, False), (2, False), (10, True)],
)
def test_what_a_wrong_clock_put_off_is_due(
    engine: Engine, season: str, waits: int, is_due: bool, by_recipient: bool
) -> None:
    assert season
    (delivery,) = put(engine, "ann@example.invalid")
    due = {"next_attempt_at": OPENS + timedelta(days=waits)}
    with transaction(engine) as connection:
        connection.execute(update(tables.delivery).values(due))
    queue = DeliveryQueue(engine, DeliveryRetries(), clock=lambda: OPENS)
    found = queue.due_by_recipient() if by_recipient else queue.due()
    assert found == ([delivery] if is_due else [])
    assert (queue.take(delivery) is not None) is is_due
