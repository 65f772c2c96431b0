"""What waits for one reader leaves as one mail, at the hour of the season."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import Engine, update

from models import tables
from models.cases.actions.names import Action
from models.cases.states import State
from models.notifications.delivery import DeliveryStatus
from models.notifications.retries import DeliveryRetries
from models.notifications.texts import NotificationText
from models.store.engine import transaction
from services.notifications import fan_out
from services.notifications.deliveries import deliveries
from services.notifications.fan_out import Notification
from services.notifications.inbox import inbox
from services.notifications.queue import DeliveryQueue
from services.people.users import set_email
from services.seasons import opening
from tests.factories import OPENS, commit, make_case, programme
from tests.integration.notifications.notified import notify_of
from tests.integration.notifications.reminding import (
    ADDRESS,
    DUE,
    FUJIAN,
    send,
)
from tests.mailserver import MailServer


@pytest.mark.usefixtures("season")
class TestDigests:
    async def test_what_waits_for_one_reader_leaves_as_one_mail(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, ADDRESS)
        for _ in range(3):
            notify_of(engine, make_case(engine, state=State.PROVINCE_REVIEW))
        with transaction(engine) as connection:
            connection.execute(update(tables.delivery).values(digest=True))

        async with MailServer() as server:
            await send(engine, server)

        (mail,) = server.to(ADDRESS)
        alone = {f"<{item.id}@example.invalid>" for item in deliveries(engine)}
        assert mail["Message-ID"] not in alone
        assert "3 条消息" in mail["Subject"]
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n")
        assert all(item.text.strip() in text for item in inbox(engine, FUJIAN))
        assert [item.status for item in deliveries(engine)] == ["sent"] * 3


ONE, NIGHT = timedelta(minutes=1), datetime(2024, 5, 6, 15, 30, tzinfo=UTC)  # 23:30 in Beijing


NINE = datetime(2024, 5, 7, 1, tzinfo=UTC)


def digesting_desk(engine: Engine, *case_ids: str) -> str:
    """Open a season with digests at nine and an office that reads answers; tell its desk."""
    hours = {"digest_at": time(9), "reply_to": "office@example.invalid"}
    call = programme().model_copy(
        update={"reminders": programme().reminders.model_copy(update=hours)}
    )
    season = opening.open_season(engine, call, OPENS, opening.Opening(season_id="daily")).id
    service = f"{season}-fujian"
    set_email(engine, service, ADDRESS)
    with transaction(engine) as connection:
        for number in range(3):
            said = {service: NotificationText(f"第 {number} 条", f"正文 {number}\n")}
            telling_of = Notification(f"k{number}", "webhook_disabled", None, said)
            fan_out.notify(connection, telling_of, NIGHT + number * ONE)
        for case_id in case_ids:
            said = {service: NotificationText("提醒", "快到期了\n")}
            telling_of = Notification(f"{case_id}:2", "deadline_approaching", case_id, said)
            fan_out.notify(connection, telling_of, NIGHT)
    return service


@pytest.mark.usefixtures("season")
class TestDailyDigest:
    async def test_what_came_by_night_leaves_at_the_hour_as_one_mail(self, engine: Engine) -> None:
        done = make_case(engine, state=State.PROVINCE_REVIEW)
        commit(engine, done, Action.REMIND, deadline=DUE, offset=3)
        commit(engine, done, Action.ACCEPT)
        service = digesting_desk(engine, done)
        assert len(inbox(engine, service)) == 4  # which has all at once

        assert DeliveryQueue(engine, DeliveryRetries(), clock=lambda: NINE - ONE).due() == []
        queue = DeliveryQueue(engine, DeliveryRetries(), clock=lambda: NINE)
        (first, *_) = queue.due()
        taken = queue.take(first)

        assert taken is not None
        assert taken.message is not None
        assert len(taken.ids) == 3
        assert "3 条消息" in taken.message.subject
        assert [f"正文 {number}" in taken.message.text for number in range(3)] == [True] * 3
        assert "快到期了" not in taken.message.text
        assert taken.message.reply_to == "office@example.invalid"
        (dropped,) = deliveries(engine, status=DeliveryStatus.DROPPED)
        assert dropped.last_error == "overtaken by accept"
        queue.sent(taken)
        assert queue.due() == []
