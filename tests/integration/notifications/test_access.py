"""Access to an inbox is entered before it is shown."""

import pytest
from sqlalchemy import Engine

from models.cases.actors import Actor, Role
from models.refusals import Refused
from services.audit.access import Viewer
from services.audit.entries import list_entries
from services.notifications.access import show_inbox
from services.seasons.opening import shared_user_id

OPERATOR = Viewer(Actor(role=Role.OPERATOR, id="root"), "req_a")


def test_showing_an_inbox_is_entered(engine: Engine, season: str) -> None:
    user = shared_user_id(season, "fujian")
    assert show_inbox(engine, user, OPERATOR) == []
    [entry] = list_entries(engine, kind="look", season=season)
    assert (entry.action, entry.object, entry.actor) == ("inbox.seen", user, "operator:root")


def test_the_inbox_of_nobody_is_refused_and_enters_nothing(engine: Engine, season: str) -> None:
    with pytest.raises(Refused, match="unknown_user"):
        show_inbox(engine, "nobody", OPERATOR)
    assert list_entries(engine, season=season) == []
