"""Users: who may be entered, and how they are listed."""

import pytest
from sqlalchemy import Engine

from models.cases.actors import Role
from models.refusals import Refused
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.people.users import (
    add_user,
    enter_user,
    list_users,
)
from tests.factories import OPENS
from tests.integration.notifications.notified import (
    EXPERT,
    FUJIAN,
)


@pytest.mark.usefixtures("season")
class TestUsers:
    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"id": "a b"}, "bad_user_id"),
            ({"id": ""}, "bad_user_id"),
            ({"id": FUJIAN}, "user_exists"),
            ({"org": "atlantis"}, "unknown_org"),
            ({"org": None}, "unknown_org"),
            ({"role": Role.APPLICANT}, "unknown_org"),
            ({"email": "nobody"}, "bad_email"),
            ({"email": "a@b\nBcc: c@d"}, "bad_email"),
            ({"email": "名@example.invalid"}, "bad_email"),
        ],
    )
    def test_who_could_not_be_told_anything_is_refused(
        self, engine: Engine, changes: dict[str, object], code: str
    ) -> None:
        user: dict[str, object] = {
            "id": "reviewer", "season_id": "2024", "role": Role.BODY, "org": "fujian",
            "name": "虚构的人", "email": None, "at": OPENS,
        }  # fmt: skip

        with pytest.raises(Refused) as refused, transaction(engine) as connection:
            add_user(connection, **(user | changes))  # type: ignore[arg-type] # wrong on purpose

        assert refused.value.code == code

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"season_id": "1999"}, "unknown_season"),
            ({"role": "juror"}, "unknown_role"),
            ({"role": "season"}, "role_not_allowed"),
            ({"org": "fujian"}, "unknown_org"),
            ({"role": "body"}, "unknown_org"),
            ({"id": FUJIAN}, "user_exists"),
        ],
    )
    def test_nobody_is_entered_whom_no_event_would_reach(
        self, engine: Engine, changes: dict[str, str], code: str
    ) -> None:
        with pytest.raises(Refused) as refused:
            enter_user(engine, EXPERT._replace(**changes), OPENS)

        assert refused.value.code == code

    def test_a_list_of_users_has_their_channels_and_no_address(self, engine: Engine) -> None:
        entered = enter_user(engine, EXPERT._replace(email="wang@example.invalid"), OPENS)
        set_channel(engine, EXPERT.id, "sms", "13800000000", OPENS)

        (found,) = list_users(engine, "2024", "expert")
        assert entered.channels == ["mail"]
        assert found.channels == ["mail", "sms"]
        assert "@" not in found.model_dump_json()
        assert "13800000000" not in found.model_dump_json()
