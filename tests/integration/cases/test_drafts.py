"""Drafts: who is told of a case, and where mail reaches them."""

import pytest
from sqlalchemy import Engine, select, update

from models import tables
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import AppUser, Unit, table_of
from services.cases.drafts import NewDraft, create_draft, save_draft
from services.clock import new_id
from tests.factories import OPENS, form

USERS = table_of(AppUser).c


def addresses(engine: Engine) -> dict[str, str | None]:
    with reading(engine) as connection:
        rows = connection.execute(
            select(USERS.id, USERS.email).where(USERS.role == Role.APPLICANT)
        ).all()
    return {row.id: row.email for row in rows}


def create(engine: Engine, draft: NewDraft) -> None:
    create_draft(engine, new_id("case"), draft, OPENS)


def test_the_address_given_last_is_the_units(engine: Engine, season: str) -> None:
    zhang = Actor(role=Role.APPLICANT, id="zhang")
    create(engine, NewDraft(season, form(), zhang, "a@example.invalid"))
    assert addresses(engine) == {"zhang": "a@example.invalid"}
    create(engine, NewDraft(season, form(title="（虚构）又一件"), zhang, "b@example.invalid"))
    assert addresses(engine) == {"zhang": "b@example.invalid"}
    create(engine, NewDraft(season, form(title="（虚构）第三件"), zhang))
    assert addresses(engine) == {"zhang": "b@example.invalid"}


def test_a_bad_address_is_refused_and_nothing_is_kept(engine: Engine, season: str) -> None:
    create(engine, NewDraft(season, form()))
    before = addresses(engine)
    with pytest.raises(Refused, match="bad_email"):
        create(engine, NewDraft(season, form(title="（虚构）又一件"), None, "不是邮箱"))
    assert addresses(engine) == before


def test_one_unit_however_its_name_is_spelt(engine: Engine, season: str) -> None:
    for n, name in enumerate(("示例 公司（乙）", "示例  公司(乙)", "示例 公司（\u200b乙）")):
        create(engine, NewDraft(season, form(title=f"（虚构）第 {n} 件", unit=name)))
    with reading(engine) as connection:
        names = list(connection.scalars(select(table_of(Unit).c.name)))
    assert names == ["示例 公司（乙）"]  # as it was first spelt
    assert len(addresses(engine)) == 1


def test_a_draft_keeps_its_unit_however_that_is_spelt(engine: Engine, season: str) -> None:
    case_id = new_id("case")
    create_draft(engine, case_id, NewDraft(season, form(unit="示例公司（乙）")), OPENS)
    assert save_draft(engine, case_id, form(unit="示例公司(乙)"), None) == 2
    with pytest.raises(Refused, match="unit_fixed"):
        save_draft(engine, case_id, form(unit="示例公司（丙）"), None)


def test_what_was_filed_is_not_edited_and_the_state_is_named(engine: Engine, season: str) -> None:
    case_id = new_id("case")
    create_draft(engine, case_id, NewDraft(season, form()), OPENS)
    with transaction(engine) as connection:
        connection.execute(update(tables.case_record).values(state=State.PUBLICATION))
    with pytest.raises(Refused, match="not_editable: 案例当前状态为公示 \\(publication\\)，"):
        save_draft(engine, case_id, form(), None)


def test_who_may_not_file_is_told_by_the_names_of_roles(engine: Engine, season: str) -> None:
    actor = Actor(role=Role.BODY, id="fujian")
    with pytest.raises(Refused, match="推荐单位 \\(body\\)不能申报，只有申报单位 \\(applicant\\)"):
        create_draft(engine, new_id("case"), NewDraft(season, form(), actor), OPENS)


def test_a_phone_number_names_no_applicant(engine: Engine, season: str) -> None:
    named = Actor(role=Role.APPLICANT, id="13800000000")
    with pytest.raises(Refused, match="personal_data_in_id"):
        create(engine, NewDraft(season, form(), named))
    assert addresses(engine) == {}
