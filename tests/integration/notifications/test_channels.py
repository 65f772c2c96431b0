"""Which further channels somebody may choose."""

import pytest
from sqlalchemy import Engine

from models.notifications.delivery import Channel
from models.notifications.texts import NotificationText
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.notifications.fan_out import Notification, notify
from services.people.users import list_users
from tests.factories import OPENS
from tests.integration.notifications.gateways import FUJIAN, NUMBER, SECRET, notify_by


@pytest.mark.usefixtures("season")
class TestChoosing:
    @pytest.mark.parametrize(
        ("user", "channel", "address", "code"),
        [
            ("nobody", Channel.SMS, NUMBER, "unknown_user"),
            (FUJIAN, "pigeon", NUMBER, "unknown_channel"),
            (FUJIAN, Channel.SMS, "a number", "bad_address"),
            (FUJIAN, Channel.CHAT, SECRET, "bad_address"),
            (FUJIAN, Channel.CHAT, f"nonsense://{SECRET}", "bad_address"),
        ],
    )
    def test_what_cannot_work_is_refused_without_the_address(
        self, engine: Engine, user: str, channel: str, address: str, code: str
    ) -> None:
        with pytest.raises(Refused, match=code) as refused:
            set_channel(engine, user, channel, address, OPENS)

        assert address not in str(refused.value)

    @pytest.mark.parametrize(
        "address", [f"wecombot://{'k' * 20}", f"dingtalk://{'a' * 64}", "feishu://abc123def456"]
    )
    def test_the_bots_of_wecom_dingtalk_and_feishu_are_known(
        self, engine: Engine, address: str
    ) -> None:
        set_channel(engine, FUJIAN, Channel.CHAT, address, OPENS)
        (found,) = [each for each in list_users(engine, "2024", "body") if each.id == FUJIAN]
        assert found.channels == ["chat"]

    def test_a_channel_that_was_removed_is_used_no_more(self, engine: Engine) -> None:
        notify_by(engine, Channel.SMS, NUMBER)
        set_channel(engine, FUJIAN, Channel.SMS, None, OPENS)

        with transaction(engine) as connection:
            said = {FUJIAN: NotificationText("s", "t")}
            assert notify(connection, Notification("k2", "e", None, said), OPENS).deliveries == 0
