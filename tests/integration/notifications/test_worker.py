"""The notify worker, from the stream to inboxes and mailboxes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.states import State
from models.stream.names import EVENTS
from services.notifications.deliveries import deliveries
from services.notifications.inbox import inbox
from services.people.users import (
    set_email,
)
from tests.factories import commit
from tests.integration.notifications.notified import (
    FUJIAN,
    PANEL,
    heard,
    new_case,
)
from tests.mailserver import MailServer, plain
from tests.waiting import until
from workers.notify.handler import NotifyHandler
from workers.notify.run import OutgoingSettings, run
from workers.settings.mail import MailSettings
from workers.stream.relay import Relay


@pytest.mark.usefixtures("season")
class TestWorker:
    async def test_what_the_record_holds_reaches_inboxes_and_mailboxes_once(
        self, engine: Engine, js: JetStreamContext
    ) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        set_email(engine, PANEL, "panel@example.invalid")
        case_id = new_case(engine, state=State.PUBLISHED)
        while await Relay(engine, js).drain():
            pass

        async with MailServer() as server:
            async with notifying(engine, js, server):
                await until(lambda: len(server.mails) == 8)
            await js.delete_consumer(EVENTS, NotifyHandler.name)  # so that all comes again
            async with notifying(engine, js, server):
                commit(engine, case_id, Action.DISQUALIFY, objection="XG-1")
                await Relay(engine, js).drain()
                await until(lambda: len(server.mails) == 9)

        assert heard(engine, FUJIAN) == [
            "submitted", "recommended", "formal_check_passed", "shortlisted", "selected",
            "published", "disqualified",
        ]  # fmt: skip
        assert heard(engine, PANEL) == ["formal_check_passed", "shortlisted"]
        assert [mail["X-Tuixuan-Event"] for mail in server.to("fujian@example.invalid")] == [
            f"{case_id}:{seq}" for seq in (1, 3, 4, 5, 6, 7, 8)
        ]
        shown = inbox(engine, FUJIAN)[0]
        mail = server.to("fujian@example.invalid")[-1]
        assert mail["Subject"] == shown.subject
        assert plain(mail).replace("\r\n", "\n") == (
            f"福建省广播电视局：\n您好！\n\n{shown.text}\n"
            "命令行：tuixuan case show 2024-fujian-0001\n\n"
            "联系：（示例）征集推选活动办公室，电话 010-00000000，工作日 9:00—17:00\n\n"
            "--\n本邮件由系统自动发出，请勿直接回复。\n"
        )

    async def test_without_a_server_the_mail_lies_in_the_folder(
        self, engine: Engine, js: JetStreamContext, tmp_path: Path
    ) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        new_case(engine, state=State.PROVINCE_REVIEW)
        await Relay(engine, js).drain()
        stop = asyncio.Event()

        worker = asyncio.create_task(
            run(js, engine, OutgoingSettings(MailSettings(folder=tmp_path / "mail")), stop)
        )
        await until(lambda: any(item.status == "sent" for item in deliveries(engine)))
        stop.set()
        await worker

        (delivery,) = deliveries(engine)
        assert [path.name for path in (tmp_path / "mail").iterdir()] == [f"{delivery.id}.eml"]


@asynccontextmanager
async def notifying(
    engine: Engine, js: JetStreamContext, server: MailServer
) -> AsyncIterator[None]:
    settings = MailSettings(host="127.0.0.1", port=server.port, sender="office@example.invalid")
    stop = asyncio.Event()
    worker = asyncio.create_task(run(js, engine, OutgoingSettings(settings), stop))
    try:
        yield
    finally:
        stop.set()
        await worker
