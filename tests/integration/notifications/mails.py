"""Mails to send, and the settings to send them with."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Table, func, select

from models import tables
from models.cases.actors import Role
from models.cases.states import State
from models.notifications.retries import DeliveryRetries
from models.store.engine import reading, transaction
from services.notifications.deliveries import DeliveryItem, deliveries
from services.notifications.outgoing import OutgoingMessage
from services.people.users import add_user
from tests.factories import OPENS, make_case
from tests.waiting import until
from workers.notify.sender import Sender
from workers.settings.mail import MailSettings

LOOPBACK = "127.0.0.1"
SENDER = "推选办公室 <office@example.invalid>"
FEW = timedelta(milliseconds=20)
QUICK = DeliveryRetries(attempts=3, first=FEW, longest=FEW * 4, poll=FEW, unavailable=FEW)
SECRET = "（示例）只给当事人看的意见"


def settings(port: int | None, **changes: Any) -> MailSettings:
    values = {"host": LOOPBACK, "port": port, "sender": SENDER, **changes}
    return MailSettings.model_validate(values)


def outgoing(**changes: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "delivery_id": "dlv_1",
        "event_id": "case_1:3",
        "season": "2024",
        "to": "ann@example.invalid",
        "subject": "【推选】已退回修改 Returned：《" + "长" * 60 + "》",
        "text": "案例：《示例》\n第二行\n\nCase",
        "at": datetime(2024, 4, 25, 8, tzinfo=UTC),
    }
    return OutgoingMessage(**{**values, **changes})


def put(engine: Engine, *addresses: str | None) -> list[str]:
    """Put one waiting mail for a user of each address; return the delivery ids."""
    case_id = make_case(engine, state=State.DRAFT)
    ids = []
    with transaction(engine) as connection:
        for number, address in enumerate(addresses, _count(engine, tables.delivery) + 1):
            user = f"user-{number}"
            add_user(
                connection, id=user, season_id="2024", role=Role.ORGANISER, org=None,
                name="虚构的人", email=address, at=OPENS,
            )  # fmt: skip
            message = {
                "id": f"msg_{number}", "recipient": user, "event_id": f"{case_id}:1",
                "event": "submitted", "case_id": case_id, "subject": "【推选】已提交",
                "text": SECRET, "at": OPENS,
            }  # fmt: skip
            connection.execute(tables.inbox_message.insert(), message)
            ids.append(f"dlv_{number}")
            connection.execute(
                tables.delivery.insert(),
                {"id": ids[-1], "message_id": message["id"], "channel": "mail",
                 "status": "waiting", "digest": False, "attempts": 0, "next_attempt_at": OPENS},
            )  # fmt: skip
    return ids


def _count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def outcome(engine: Engine) -> dict[str, DeliveryItem]:
    return {item.recipient: item for item in deliveries(engine)}


async def sending(sender: Sender, condition: Callable[[], bool]) -> None:
    """Run the sender until a condition holds."""
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    try:
        await until(condition)
    finally:
        stop.set()
        await running
