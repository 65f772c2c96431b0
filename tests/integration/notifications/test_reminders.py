"""No reminder leaves too late, and each brings its deadline for the calendar."""

import re
from datetime import timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import Connection, Engine, update

from models import tables
from models.cases.actions.names import Action
from models.cases.events import CaseEvent
from models.cases.states import State
from models.notifications.delivery import Channel, DeliveryStatus
from models.store.engine import reading, transaction
from services.notifications.alarms import Due, alarms_of
from services.notifications.deliveries import deliveries, send_again
from services.notifications.inbox import inbox
from services.notifications.reminders import EventMessage, calendar_news, why_overtaken
from services.people.users import set_email
from tests.factories import OPENS, commit, enter_applicant, make_case
from tests.integration.notifications.notified import notify_of
from tests.integration.notifications.reminding import (
    ADDRESS,
    CUTOFF,
    DUE,
    FUJIAN,
    reminded,
    reminder,
    send,
)
from tests.mailserver import MailServer


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
        cases = tables.case_record
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


def given(connection: Connection, messages: list[EventMessage]) -> tuple[CaseEvent, ...]:
    return calendar_news(connection, messages).given


@pytest.mark.usefixtures("season")
class TestCalendarEntries:
    @pytest.mark.parametrize("end", [Action.RESUBMIT, Action.WITHDRAW])
    async def test_what_is_done_or_withdrawn_is_cancelled_for_whom_it_awaited(
        self, engine: Engine, end: Action
    ) -> None:
        case_id = make_case(engine, state=State.CORRECTION)
        set_email(engine, enter_applicant(engine, case_id), "unit@example.invalid")
        set_email(engine, FUJIAN, ADDRESS)
        commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
        commit(engine, case_id, end)
        notify_of(engine, case_id)

        async with MailServer() as server:
            await send(engine, server)

        mails = {mail["X-Tuixuan-Event"]: mail for mail in server.to("unit@example.invalid")}
        mail = mails[f"{case_id}:6"]
        (attached,) = mail.iter_attachments()
        (entry,) = Calendar.from_ical(attached.get_content()).events
        assert attached.get_param("method") == "CANCEL"
        assert entry["UID"] == f"{case_id}.correction@example.invalid"
        assert entry["STATUS"] == "CANCELLED"
        # To the body, from which nothing was awaited, it is no entry.
        assert [list(each.iter_attachments()) for each in server.to(ADDRESS)][-1] == []

    async def test_what_nobody_was_reminded_of_is_not_cancelled(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.CORRECTION)
        set_email(engine, enter_applicant(engine, case_id), ADDRESS)
        commit(engine, case_id, Action.RESUBMIT)
        notify_of(engine, case_id)
        async with MailServer() as server:
            await send(engine, server)
        assert server.to(ADDRESS)
        assert not any(list(mail.iter_attachments()) for mail in server.to(ADDRESS))

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
        assert entry.end == CUTOFF
        with reading(engine) as connection:
            due = Due("2024", CUTOFF, entry.DTSTAMP)
            alarms = alarms_of(connection, [due])[due]
        rings = re.findall(r"TRIGGER;VALUE=DATE-TIME:(\S+)", attached.get_content())
        assert rings == [f"{at:%Y%m%dT%H%M%SZ}" for at in alarms]
        assert len(rings) >= 2

    def test_only_who_is_awaited_is_given_the_deadline(self, engine: Engine) -> None:
        case_id = reminded(engine)
        event_id = f"{case_id}:2"

        with reading(engine) as connection:
            mine = given(connection, [reminder(event_id, "body")])
            others = given(connection, [reminder(event_id, "organiser")])
            unknown = given(connection, [reminder(f"{case_id}:99", "body")])

        assert [each.id for each in mine] == [event_id]
        assert others == unknown == ()

    def test_experts_are_given_what_is_awaited_from_their_panel(self, engine: Engine) -> None:
        case_id = make_case(engine, state=State.EXPERT_REVIEW)
        commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
        with reading(engine) as connection:
            found = [
                given(connection, [reminder(f"{case_id}:5", role)])
                for role in ("panel", "expert", "organiser")
            ]

        assert [len(each) for each in found] == [1, 1, 0]

    async def test_a_digest_has_those_of_all_its_reminders(self, engine: Engine) -> None:
        cases = {reminded(engine), reminded(engine)}
        with transaction(engine) as connection:
            connection.execute(update(tables.delivery).values(digest=True))

        async with MailServer() as server:
            await send(engine, server)

        (mail,) = server.to(ADDRESS)
        (attached,) = mail.iter_attachments()
        entries = Calendar.from_ical(attached.get_content()).events
        assert {entry.uid.partition(".")[0] for entry in entries} == cases
        assert [(entry["SEQUENCE"], entry.end) for entry in entries] == [(2, CUTOFF)] * 2


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
