"""Fixtures of the tests of retention."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.store.engine import transaction
from services.notifications.channels import set_channel
from services.people.users import add_user
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.factories import (
    OPENS,
    commit,
    keep_reason,
    make_case,
    save_form,
)
from tests.integration.retention.world import REASON, World


@pytest.fixture
def world(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> World:
    """A case that was left out, with two saved forms; an open one; everybody was notified."""
    made = World(engine, audit_engine, tmp_path / "audit-anchor.jsonl")
    with transaction(engine) as connection:
        add_user(
            connection, id="wang", season_id=season, role=Role.BODY, org="fujian",
            name="虚构用户", email="wang@example.invalid", at=OPENS,
        )  # fmt: skip
    set_channel(engine, "wang", "sms", "13800000000", OPENS)
    owner = Actor(role=Role.ORGANISER, id="organiser")
    add_endpoint(engine, NewEndpoint(season, owner, "https://example.invalid/", ""), OPENS)
    made.ended = make_case(engine, season=season, state=State.RECOMMENDATION)
    save_form(engine, made.ended, title="另一版")
    reason = keep_reason(engine, made.ended, REASON)
    commit(engine, made.ended, Action.LEAVE_OUT, reason=reason)
    made.open = make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    remarks = keep_reason(engine, made.open, "请补充")
    commit(engine, made.open, Action.RETURN_FOR_REVISION, reason=remarks)
    made.notify()
    made.witness()
    return made
