"""What was removed is not sent, shown or edited any more, and nobody is notified again."""

import pytest
from sqlalchemy import text, update

from models import tables
from models.notifications.retries import DeliveryRetries
from models.refusals import Refused
from models.store.engine import transaction
from services.cases.drafts import save_draft
from services.notifications.deliveries import deliveries, send_again
from services.notifications.inbox import inbox
from services.notifications.queue import DeliveryQueue
from services.retention.messages import REMOVED
from services.webhooks.replays import replay_one, replay_since
from tests.factories import (
    OPENS,
    form,
)
from tests.integration.retention.world import LONG_AFTER, World


def test_nobody_is_notified_again_of_what_was_removed(world: World) -> None:
    """Not even where the stream is made anew and every event comes again."""
    counted = [
        len(world.rows(each))
        for each in (tables.inbox_message, tables.delivery, tables.webhook_delivery)
    ]
    world.remove(LONG_AFTER)
    with transaction(world.record) as connection:
        connection.execute(text("DELETE FROM consumer_cursor WHERE consumer = 'notify'"))
    world.notify()
    after = [
        len(world.rows(each))
        for each in (tables.inbox_message, tables.delivery, tables.webhook_delivery)
    ]
    assert after == counted


def test_what_was_removed_is_not_sent_shown_or_edited(world: World) -> None:
    world.remove(LONG_AFTER)
    [mail, *_] = [each for each in deliveries(world.record, user_id="wang")
                  if each.event_id.startswith(world.ended)]  # fmt: skip
    with pytest.raises(Refused, match="已按保存期限清除，时间 2035"):
        send_again(world.record, mail.id, LONG_AFTER)
    [hook, *_] = world.rows(tables.webhook_delivery)
    with pytest.raises(Refused, match="已按保存期限清除"):
        replay_one(world.record, hook.id, LONG_AFTER)
    assert replay_since(world.record, hook.endpoint_id, OPENS, LONG_AFTER) == 0
    shown = [each for each in inbox(world.record, "wang") if each.case_id == world.ended]
    assert [(each.subject, each.text) for each in shown] == [(REMOVED, "")]
    with pytest.raises(Refused, match="不能修改"):
        save_draft(world.record, world.ended, form(), None)


def test_a_mail_that_was_asked_for_meanwhile_does_not_leave_empty(world: World) -> None:
    world.remove(LONG_AFTER)
    [told] = world.rows(tables.inbox_message, case_id=world.ended, recipient="wang")
    [mail] = world.rows(tables.delivery, channel="mail", message_id=told.id)
    with transaction(world.record) as connection:
        connection.execute(update(tables.delivery).values(status="waiting"))
    queue = DeliveryQueue(world.record, DeliveryRetries(), clock=lambda: LONG_AFTER)
    assert queue.take(mail.id) is None
    assert {each.status for each in world.rows(tables.delivery, id=mail.id)} == {"dropped"}
