"""What leaves when its time comes: one mail of a day's messages, no reminder too late."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from activities.database import reading, transaction
from models.lifecycle import Action, State
from models.tables import CaseRecord, Delivery, table_of
from services.inbox import deliveries, inbox, send_again
from services.people import set_email
from tests.factories import OPENS, commit, make_case
from tests.integration.test_notify import tell
from tests.mailserver import MailServer
from workers.notify.mail import MailSettings
from workers.notify.matters import overtaken
from workers.notify.sender import Sender
from workers.notify.transports import open_transport

FUJIAN, ADDRESS = "2024-fujian", "fujian@example.invalid"
DUE = OPENS + timedelta(days=9)


async def send(engine: Engine, server: MailServer) -> None:
    settings = MailSettings(host="127.0.0.1", port=server.port, sender="office@example.invalid")
    await Sender(engine, open_transport(settings)).send_due()


def reminded(engine: Engine) -> str:
    """A case whose body has a reminder that waits to be mailed."""
    case_id = make_case(engine, state=State.PROVINCE_REVIEW)
    commit(engine, case_id, Action.REMIND, deadline=DUE, offset=3)
    set_email(engine, FUJIAN, ADDRESS)
    tell(engine, case_id)
    return case_id


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

        (dropped,) = deliveries(engine, status="dropped")
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
                found = overtaken(connection, "deadline_approaching", f"{case_id}:2")
            assert found == expected


@pytest.mark.usefixtures("season")
class TestDigests:
    async def test_what_waits_for_one_reader_leaves_as_one_mail(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, ADDRESS)
        for _ in range(3):
            tell(engine, make_case(engine, state=State.PROVINCE_REVIEW))
        with transaction(engine) as connection:
            connection.execute(update(table_of(Delivery)).values(digest=True))

        async with MailServer() as server:
            await send(engine, server)

        (mail,) = server.to(ADDRESS)
        assert "3 条消息" in mail["Subject"]
        body = mail.get_body(("plain",))
        assert body is not None
        text = body.get_content().replace("\r\n", "\n")
        assert all(item.text.strip() in text for item in inbox(engine, FUJIAN))
        assert [item.status for item in deliveries(engine)] == ["sent"] * 3


@pytest.mark.usefixtures("season")
async def test_a_mail_that_was_sent_leaves_again_as_the_same(engine: Engine) -> None:
    set_email(engine, FUJIAN, ADDRESS)
    tell(engine, make_case(engine, state=State.PROVINCE_REVIEW))

    async with MailServer() as server:
        await send(engine, server)
        (delivery,) = deliveries(engine, channel="mail", status="sent")
        send_again(engine, delivery.id, OPENS)
        await send(engine, server)

    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert len(server.mails) == 2
