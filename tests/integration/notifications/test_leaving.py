"""What leaves when its time comes: one mail of a day's messages, no reminder too late."""

from datetime import UTC, datetime, time, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import Engine, update

from models.cases.actions.names import Action
from models.cases.states import State
from models.notifications.delivery import Channel, DeliveryStatus
from models.notifications.retries import DeliveryRetries
from models.notifications.texts import NotificationText
from models.store.engine import reading, transaction
from models.tables import CaseRecord, Delivery, table_of
from services.notifications import fan_out
from services.notifications.deliveries import deliveries, send_again
from services.notifications.fan_out import Notification
from services.notifications.inbox import inbox
from services.notifications.queue import DeliveryQueue
from services.notifications.reminders import EventMessage, deadlines_given, why_overtaken
from services.people.users import set_email
from services.seasons import opening
from tests.factories import OPENS, commit, make_case, programme
from tests.integration.notifications.notified import notify_of
from tests.mailserver import MailServer
from workers.notify.run import open_mail_transport
from workers.notify.sender import Sender
from workers.settings.mail import MailSettings

FUJIAN, ADDRESS = "2024-fujian", "fujian@example.invalid"
DUE = OPENS + timedelta(days=9)
CUTOFF = datetime(2024, 5, 12, 16, tzinfo=UTC)  # what the call's cases wait for


async def send(engine: Engine, server: MailServer) -> None:
    settings = MailSettings(host="127.0.0.1", port=server.port, sender="office@example.invalid")
    await Sender(engine, open_mail_transport(settings)).send_due()


def reminded(engine: Engine) -> str:
    """A case whose body has a reminder that waits to be mailed."""
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
    set_email(engine, FUJIAN, ADDRESS)
    notify_of(engine, case_id)
    return case_id


def reminder(event_id: str, role: str) -> EventMessage:
    return EventMessage("deadline_approaching", event_id, role)


@pytest.mark.usefixtures("season")
class TestReminders:
    async def test_one_that_still_matters_leaves(self, engine: Engine) -> None:
        reminded(engine)

        async with MailServer() as server:
            await send(engine, server)

        assert len(server.to(ADDRESS)) == 2

    async def test_one_of_what_was_done_is_dropped_and_says_why(self, engine: Engine) -> None:
        case_id = reminded(engine)
        commit(engine, case_id, Action.ACCEPT)

        async with MailServer() as server:
            await send(engine, server)

        (dropped,) = deliveries(engine, status=DeliveryStatus.DROPPED)
        assert (dropped.event_id, dropped.last_error) == (f"{case_id}:2", "overtaken by accept")
        assert [mail["X-Tuixuan-Event"] for mail in server.to(ADDRESS)] == [f"{case_id}:1"]

    def test_a_moved_deadline_overtakes_it_and_an_unmoved_one_does_not(
        self, engine: Engine
    ) -> None:
        case_id = reminded(engine)
        cases = table_of(CaseRecord)
        commit(engine, case_id, Action.MOVE_DEADLINE)
        for deadline, expected in (
            (DUE, None),
            (OPENS + timedelta(days=60), "the deadline was moved"),
        ):
            with transaction(engine) as connection:
                connection.execute(
                    update(cases).where(cases.c.id == case_id).values(deadline=deadline)
                )
            with reading(engine) as connection:
                found = why_overtaken(connection, "deadline_approaching", f"{case_id}:2")
            assert found == expected

    async def test_of_several_that_waited_through_an_outage_the_last_one_leaves(
        self, engine: Engine
    ) -> None:
        case_id = reminded(engine)
        commit(engine, case_id, Action.REMIND, deadline=DUE, offset=1)
        notify_of(engine, case_id)
        commit(engine, case_id, Action.EXPIRE, deadline=DUE)
        notify_of(engine, case_id)

        async with MailServer() as server:
            await send(engine, server)

        told = [mail["X-Tuixuan-Event"] for mail in server.to(ADDRESS)]
        assert sorted(told) == [f"{case_id}:1", f"{case_id}:4"]
        dropped = deliveries(engine, status=DeliveryStatus.DROPPED)
        assert {item.last_error for item in dropped} == {"a later reminder followed"}
        assert len(inbox(engine, FUJIAN)) == 4

    def test_after_an_outage_of_our_own_the_inbox_gets_the_last_one(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.PROVINCE_REVIEW)
        for offset in (7, 3, 1):
            commit(engine, case_id, Action.REMIND, deadline=DUE, offset=offset)
        notify_of(engine, case_id)
        assert [item.event_id for item in inbox(engine, FUJIAN)] == [f"{case_id}:4", f"{case_id}:1"]
        notify_of(engine, case_id)
        assert len(inbox(engine, FUJIAN)) == 2

    def test_after_an_outage_of_our_own_nobody_is_reminded_of_what_was_done(
        self, engine: Engine
    ) -> None:
        case_id = make_case(engine, state=State.PROVINCE_REVIEW)
        commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
        commit(engine, case_id, Action.ACCEPT)
        notify_of(engine, case_id)
        assert [item.event for item in inbox(engine, FUJIAN)] == ["submitted"]


@pytest.mark.usefixtures("season")
class TestCalendarEntries:
    async def test_a_reminder_brings_its_deadline_and_an_ordinary_mail_none(
        self, engine: Engine
    ) -> None:
        case_id = reminded(engine)

        async with MailServer() as server:
            await send(engine, server)

        mails = {mail["X-Tuixuan-Event"]: mail for mail in server.to(ADDRESS)}
        assert list(mails[f"{case_id}:1"].iter_attachments()) == []
        (attached,) = mails[f"{case_id}:2"].iter_attachments()
        (entry,) = Calendar.from_ical(attached.get_content()).events
        assert entry["UID"] == f"{case_id}.province_review@example.invalid"
        assert entry["SEQUENCE"] == 2
        assert entry.start == entry.end == CUTOFF

    def test_only_who_is_awaited_is_given_the_deadline(self, engine: Engine) -> None:
        case_id = reminded(engine)
        event_id = f"{case_id}:2"

        with reading(engine) as connection:
            given = deadlines_given(connection, [reminder(event_id, "body")])
            others = deadlines_given(connection, [reminder(event_id, "organiser")])
            unknown = deadlines_given(connection, [reminder(f"{case_id}:99", "body")])

        assert [each.id for each in given] == [event_id]
        assert others == unknown == []

    def test_experts_are_given_what_is_awaited_from_their_panel(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.EXPERT_REVIEW)
        commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
        with reading(engine) as connection:
            given = [
                deadlines_given(connection, [reminder(f"{case_id}:5", role)])
                for role in ("panel", "expert", "organiser")
            ]

        assert [len(each) for each in given] == [1, 1, 0]

    async def test_a_digest_has_those_of_all_its_reminders(self, engine: Engine) -> None:
        cases = {reminded(engine), reminded(engine)}
        with transaction(engine) as connection:
            connection.execute(update(table_of(Delivery)).values(digest=True))

        async with MailServer() as server:
            await send(engine, server)

        (mail,) = server.to(ADDRESS)
        (attached,) = mail.iter_attachments()
        entries = Calendar.from_ical(attached.get_content()).events
        assert {entry.uid.partition(".")[0] for entry in entries} == cases
        assert [(entry["SEQUENCE"], entry.start) for entry in entries] == [(2, CUTOFF)] * 2


@pytest.mark.usefixtures("season")
class TestDigests:
    async def test_what_waits_for_one_reader_leaves_as_one_mail(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, ADDRESS)
        for _ in range(3):
            notify_of(engine, make_case(engine, state=State.PROVINCE_REVIEW))
        with transaction(engine) as connection:
            connection.execute(update(table_of(Delivery)).values(digest=True))

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


@pytest.mark.usefixtures("season")
async def test_a_mail_that_was_sent_leaves_again_as_the_same(engine: Engine) -> None:
    set_email(engine, FUJIAN, ADDRESS)
    notify_of(engine, make_case(engine, state=State.PROVINCE_REVIEW))

    async with MailServer() as server:
        await send(engine, server)
        (delivery,) = deliveries(engine, channel=Channel.MAIL, status=DeliveryStatus.SENT)
        send_again(engine, delivery.id, OPENS)
        await send(engine, server)

    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert len(server.mails) == 2
