"""Access to the names of users is entered before they are shown."""

import pytest
from sqlalchemy import Engine

from models.cases.actors import Actor, Role
from models.refusals import Refused
from services.audit.access import Viewer
from services.audit.entries import list_entries
from services.people.access import show_users
from services.people.users import set_email
from services.seasons.opening import shared_user_id

CLERK = Viewer(Actor(role=Role.BODY, id="2024-fujian"), "req_a")


def test_showing_users_is_entered_on_behalf_of_the_viewers_body(
    engine: Engine, season: str
) -> None:
    found = [user.id for user in show_users(engine, season, CLERK)]
    assert found.count(shared_user_id(season, "fujian")) == 1
    [entry] = list_entries(engine, kind="look", season=season)
    assert (entry.action, entry.object) == ("users.seen", season)
    assert (entry.actor, entry.on_behalf) == ("body:2024-fujian", "fujian")


def test_where_nobody_is_shown_nothing_is_entered(engine: Engine, season: str) -> None:
    assert show_users(engine, season, CLERK, role="expert") == []
    with pytest.raises(Refused, match="unknown_role"):
        show_users(engine, season, CLERK, role="nobody")
    assert list_entries(engine) == []


def test_those_whom_nothing_but_their_inbox_reaches_are_listed(engine: Engine, season: str) -> None:
    fujian = shared_user_id(season, "fujian")
    everybody = {user.id for user in show_users(engine, season, CLERK)}
    before = {user.id for user in show_users(engine, season, CLERK, without_channel=True)}
    assert fujian in before <= everybody
    set_email(engine, fujian, "fujian@example.invalid")
    after = {user.id for user in show_users(engine, season, CLERK, without_channel=True)}
    assert before - after == {fujian}
