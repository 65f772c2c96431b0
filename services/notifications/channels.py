"""The channels beside inbox and mail by which people want to be notified."""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from models import tables
from models.notifications.delivery import Channel
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.chat_bots import open_bot
from services.people.users import unknown_user

_ADDRESSES: Mapping[str, re.Pattern[str]] = {
    Channel.CHAT: re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[!-~]{1,2000}"),
    Channel.SMS: re.compile(r"\+?[0-9]{5,15}"),
}


def set_channel(
    engine: Engine, user_id: str, channel: str, address: str | None, at: datetime
) -> None:
    """Notify somebody by a further channel from now on; address None: no more.

    Raises:
        Refused: `unknown_user`, `unknown_channel` or `bad_address`; no answer repeats the
            address, which is a secret.
    """
    known = _ADDRESSES.get(channel)
    if known is None:
        raise Refused("unknown_channel", "渠道应为 chat（聊天机器人）或 sms（短信）。")
    if address is not None and not (known.fullmatch(address) and _usable(channel, address)):
        raise Refused(
            "bad_address",
            "地址不正确：chat 应为 Apprise 地址（如 wecombot://KEY），sms 应为手机号码。",
        )
    user = tables.app_user.c.id
    row = {"user_id": user_id, "channel": channel}
    with transaction(engine) as connection:
        if connection.scalar(select(user).where(user == user_id)) is None:
            raise unknown_user(user_id)
        connection.execute(delete(tables.user_channel).filter_by(**row))
        if address is not None:
            values = {**row, "address": address, "created_at": at}
            connection.execute(insert(tables.user_channel), values)


def _usable(channel: str, address: str) -> bool:
    return channel != Channel.CHAT or open_bot(address) is not None
