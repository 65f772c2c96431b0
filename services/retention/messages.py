"""What goes of what people and systems were told, and of where they are reached."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from models.cases.states import ENDED
from models.chain import digest
from models.notifications.delivery import Channel, DeliveryStatus
from models.tables import (
    AppUser,
    CaseRecord,
    Delivery,
    InboxMessage,
    UserChannel,
    WebhookAttempt,
    WebhookDelivery,
    WebhookEndpoint,
    table_of,
)
from models.tables.types import Instant
from models.webhooks.status import WebhookStatus
from services.retention.classes import Found, Holding, Removed, Scope

REMOVED = "（已按保存期限清除）"
"""What stands in place of a message's subject."""

_CASES, _MESSAGES, _DELIVERIES = (
    table_of(CaseRecord).c, table_of(InboxMessage).c, table_of(Delivery).c,
)  # fmt: skip
_WEBHOOKS, _ENDPOINTS = table_of(WebhookDelivery).c, table_of(WebhookEndpoint).c
_USERS, _CHANNELS = table_of(AppUser).c, table_of(UserChannel).c


def _messages(scope: Scope) -> Select[Any]:
    under_way = exists().where(
        _DELIVERIES.message_id == _MESSAGES.id,
        or_(
            _DELIVERIES.status == DeliveryStatus.WAITING,
            func.coalesce(_DELIVERIES.sent_at, _DELIVERIES.next_attempt_at) > scope.before,
        ),
    )
    return (
        select(
            _MESSAGES.id, _MESSAGES.case_id, _MESSAGES.subject, _MESSAGES.text,
            _MESSAGES.at.label("moment"),
        )
        .join_from(InboxMessage, AppUser, _USERS.id == _MESSAGES.recipient)
        .join(CaseRecord, _CASES.id == _MESSAGES.case_id, isouter=True)
        .where(
            _USERS.season_id == scope.season,
            or_(_MESSAGES.case_id.is_(None), _CASES.state.in_(ENDED)),
            _MESSAGES.at <= scope.before,
            _MESSAGES.removed_at.is_(None),
            ~under_way,
        )
        .order_by(_MESSAGES.case_id, _MESSAGES.id)
    )  # fmt: skip


def _empty_messages(
    connection: Connection, rows: Found, scope: Scope, now: datetime
) -> Iterator[Removed]:
    ids = [row.id for row in rows]
    gone = {"subject": REMOVED, "text": "", "removed_at": now}
    connection.execute(update(InboxMessage).where(_MESSAGES.id.in_(ids)).values(gone))
    connection.execute(
        update(Delivery).where(_DELIVERIES.message_id.in_(ids)).values(last_error=None)
    )
    for case_id, group in groupby(rows, attrgetter("case_id")):
        texts = [[row.id, row.subject, row.text] for row in group]
        yield Removed(f"{case_id or scope.season}/messages", case_id, digest(texts), len(texts))


def _webhooks(scope: Scope) -> Select[Any]:
    return (
        select(_WEBHOOKS.id, _WEBHOOKS.case_id, _WEBHOOKS.body, _WEBHOOKS.done_at.label("moment"))
        .join_from(WebhookDelivery, WebhookEndpoint)
        .where(
            _ENDPOINTS.season_id == scope.season,
            _WEBHOOKS.status != WebhookStatus.WAITING,
            _WEBHOOKS.done_at <= scope.before,
            _WEBHOOKS.removed_at.is_(None),
        )
        .order_by(_WEBHOOKS.case_id, _WEBHOOKS.id)
    )


def _empty_webhooks(
    connection: Connection, rows: Found, scope: Scope, now: datetime
) -> Iterator[Removed]:
    ids, attempts = [row.id for row in rows], table_of(WebhookAttempt)
    gone = {"body": "", "removed_at": now}
    connection.execute(update(WebhookDelivery).where(_WEBHOOKS.id.in_(ids)).values(gone))
    answers = update(attempts).where(attempts.c.delivery_id.in_(ids))
    connection.execute(answers.values(error=None, answer_head=None))
    for case_id, group in groupby(rows, attrgetter("case_id")):
        bodies = [[row.id, row.body] for row in group]
        yield Removed(f"{case_id or scope.season}/webhooks", case_id, digest(bodies), len(bodies))


def _addresses(scope: Scope) -> Select[Any]:
    entered = func.coalesce(_USERS.email_at, _USERS.created_at)
    mail = select(
        _USERS.id.label("user_id"), literal(Channel.MAIL).label("channel"), entered.label("at")
    )
    others = select(_CHANNELS.user_id, _CHANNELS.channel, _CHANNELS.created_at)
    both = union_all(
        mail.where(_USERS.season_id == scope.season, _USERS.email.is_not(None)),
        others.join(AppUser, _USERS.id == _CHANNELS.user_id).where(
            _USERS.season_id == scope.season
        ),
    ).subquery()
    over = scope.over is not None and scope.over <= scope.before
    moment = literal(scope.over, Instant).label("moment")
    return (
        select(both.c.user_id, both.c.channel, moment)
        .where(literal(over), both.c.at <= scope.before)
        .order_by(both.c.user_id, both.c.channel)
    )


def _empty_addresses(
    connection: Connection, rows: Found, scope: Scope, _now: datetime
) -> Iterator[Removed]:
    """Of an address there is no digest: who has it could try all numbers until one fits."""
    places = [(row.user_id, row.channel) for row in rows]
    mails = [user_id for user_id, channel in places if channel == Channel.MAIL]
    connection.execute(update(AppUser).where(_USERS.id.in_(mails)).values(email=None))
    connection.execute(
        delete(UserChannel).where(tuple_(_CHANNELS.user_id, _CHANNELS.channel).in_(places))
    )
    yield Removed(f"{scope.season}/addresses", None, digest(places), len(places))


MESSAGES, WEBHOOKS = Holding(_messages, _empty_messages), Holding(_webhooks, _empty_webhooks)
ADDRESSES = Holding(_addresses, _empty_addresses)
