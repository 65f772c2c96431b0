"""One way to tell people something, whatever it is about."""

import pytest
from sqlalchemy import Engine, insert

from activities.database import transaction
from models.notices import Notice
from models.tables import UserChannel, table_of
from services.inbox import deliveries, inbox
from services.people import set_email
from services.telling import Telling, Told, tell
from tests.factories import OPENS

FUJIAN, PANEL = "2024-fujian", "2024-panel"
SAID = Notice("【推选】端点已停用", "端点已停用。\n")
MESSAGE = Telling("endpoint:1:disabled", "endpoint_disabled", None, {FUJIAN: SAID, PANEL: SAID})


@pytest.mark.usefixtures("season")
class TestTelling:
    def test_a_message_about_no_case_reaches_each_inbox_once(self, engine: Engine) -> None:
        for expected in (Told(2, 0), Told(0, 0)):
            with transaction(engine) as connection:
                assert tell(connection, MESSAGE, OPENS) == expected

        (item,) = inbox(engine, FUJIAN)
        assert (item.event_id, item.case_id, item.subject, item.at) == (
            "endpoint:1:disabled", None, SAID.subject, OPENS,
        )  # fmt: skip

    def test_it_leaves_by_each_channel_that_somebody_has(self, engine: Engine) -> None:
        set_email(engine, FUJIAN, "fujian@example.invalid")
        with transaction(engine) as connection:
            row = {"user_id": FUJIAN, "address": "json://127.0.0.1", "created_at": OPENS}
            connection.execute(insert(table_of(UserChannel)), {**row, "channel": "chat"})
            assert tell(connection, MESSAGE, OPENS) == Told(2, 2)

        assert {(item.recipient, item.channel) for item in deliveries(engine)} == {
            (FUJIAN, "mail"),
            (FUJIAN, "chat"),
        }

    def test_whom_nobody_knows_hears_nothing(self, engine: Engine) -> None:
        with transaction(engine) as connection:
            unknown = Telling("k", "endpoint_disabled", None, {"nobody": SAID})
            assert tell(connection, unknown, OPENS) == Told(0, 0)
