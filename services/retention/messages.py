"""Remove the texts of messages that have left and whose case has ended."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select, update

from models import tables
from models.cases.states import ENDED
from models.chain import digest
from models.notifications.delivery import DeliveryStatus
from services.retention.classes import ExpiringClass, Found, Removal, Scope

REMOVED = "（已按保存期限清除）"
"""What replaces the subject of a removed message."""


def _due_messages(scope: Scope) -> Select[Any]:
    messages, deliveries = tables.inbox_message.c, tables.delivery.c
    users, cases = tables.app_user.c, tables.case_record.c
    under_way = exists().where(
        deliveries.message_id == messages.id,
        or_(
            deliveries.status == DeliveryStatus.WAITING,
            func.coalesce(deliveries.sent_at, deliveries.next_attempt_at) > scope.before,
        ),
    )
    return (
        select(
            messages.id, messages.case_id, messages.subject, messages.text,
            messages.at.label("moment"),
        )
        .join_from(tables.inbox_message, tables.app_user, users.id == messages.recipient)
        .join(tables.case_record, cases.id == messages.case_id, isouter=True)
        .where(
            users.season_id == scope.season,
            or_(messages.case_id.is_(None), cases.state.in_(ENDED)),
            messages.at <= scope.before,
            messages.removed_at.is_(None),
            ~under_way,
        )
        .order_by(messages.case_id, messages.id)
    )  # fmt: skip


def _empty_messages(
    connection: Connection, rows: Found, scope: Scope, now: datetime
) -> Iterator[Removal]:
    messages, deliveries = tables.inbox_message, tables.delivery
    ids = [row.id for row in rows]
    emptied = {"subject": REMOVED, "text": "", "removed_at": now}
    connection.execute(update(messages).where(messages.c.id.in_(ids)).values(emptied))
    of_them = deliveries.c.message_id.in_(ids)
    connection.execute(update(deliveries).where(of_them).values(last_error=None))
    for case_id, group in groupby(rows, attrgetter("case_id")):
        texts = [[row.id, row.subject, row.text] for row in group]
        what = f"{case_id or scope.season}/messages"
        yield Removal(what, case_id, digest(texts), len(texts))


MESSAGES = ExpiringClass(_due_messages, _empty_messages)
