"""Access to forms and histories is entered before they are shown; others see nothing."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine

from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.chain import digest
from models.refusals import Refused
from models.store.engine import transaction
from services.audit.access import Viewer
from services.audit.entries import AuditEntryView, list_entries
from services.cases import access, drafts
from services.cases.drafts import NewDraft
from services.cases.queries import show
from services.people.users import add_user
from tests.factories import OPENS, commit, form, keep_reason

MOBILE, NAME = "13800138000", "虚构联系人"
OPERATOR = Viewer(Actor(role=Role.OPERATOR, id="root"), "req_a")


@pytest.fixture
def case_id(engine: Engine, season: str) -> str:
    """A draft; its contact is invented."""
    content = form(contact_name=NAME, contact_mobile=MOBILE, summary=f"请打{MOBILE}联系。")
    drafts.create_draft(engine, "case_1", NewDraft(season, content), OPENS)
    return "case_1"


def accesses(engine: Engine) -> list[AuditEntryView]:
    return list_entries(engine, kind="look")


def test_a_form_is_masked_and_the_access_is_entered(engine: Engine, case_id: str) -> None:
    found = access.show_form(engine, case_id, OPERATOR)
    assert (found.masked, found.filed, found.revision) == (True, False, 1)
    assert found.form.contact_mobile == "138****8000"
    assert found.form.contact_name == "虚****"
    assert found.titles["contact_mobile"] == "手机"
    assert found.form.summary == "请打138****8000联系。"
    [entry] = accesses(engine)
    assert (entry.action, entry.object) == ("case.form_seen", "case_1/form/1")
    assert (entry.actor, entry.request, entry.case_id) == ("operator:root", "req_a", case_id)
    assert entry.before == entry.after == found.digest


def test_a_form_is_shown_whole_for_a_reason(engine: Engine, case_id: str) -> None:
    viewer = Viewer(OPERATOR.actor, "req_b", "核对电话")
    found = access.show_form(engine, case_id, viewer, reveal=True)
    assert (found.form.contact_mobile, found.form.contact_name) == (MOBILE, NAME)
    assert digest(found.form.model_dump(mode="json")) == found.digest
    [entry] = accesses(engine)
    assert (entry.action, entry.reason) == ("case.form_revealed", "核对电话")


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_nothing_is_revealed_without_a_reason(
    engine: Engine, case_id: str, reason: str | None
) -> None:
    with pytest.raises(Refused, match="reason_required"):
        access.show_form(engine, case_id, Viewer(OPERATOR.actor, "r", reason), reveal=True)
    assert accesses(engine) == []


def test_a_reason_that_cannot_be_entered_shows_nothing(engine: Engine, case_id: str) -> None:
    with pytest.raises(Refused, match="bad_reason"):
        access.show_form(engine, case_id, Viewer(OPERATOR.actor, "r", "长" * 501), reveal=True)


def test_there_is_no_other_revision(engine: Engine, case_id: str) -> None:
    with pytest.raises(Refused, match="unknown_revision"):
        access.show_form(engine, case_id, OPERATOR, revision=2)
    with pytest.raises(Refused, match="unknown_case"):
        access.show_form(engine, "case_none", OPERATOR)


@pytest.mark.parametrize(
    ("role", "whose", "may"),
    [
        (Role.APPLICANT, "own", True),
        (Role.APPLICANT, "another", False),
        (Role.BODY, "own", True),
        (Role.BODY, "another", False),
        (Role.ORGANISER, "office", True),
        (Role.AUDITOR, "office", True),
        (Role.EXPERT, "office", False),
        (Role.PUBLIC, "anybody", False),
    ],
)
@pytest.mark.parametrize("show_it", [access.show_form, access.show_history])
def test_who_may_see_a_case(
    engine: Engine,
    case_id: str,
    role: Role,
    whose: str,
    *,
    may: bool,
    show_it: Callable[..., object],
) -> None:
    view = show(engine, case_id)
    own = {Role.APPLICANT: view.unit, Role.BODY: view.body}.get(role, whose)
    viewer = Viewer(Actor(role=role, id=own if whose == "own" else whose), "req")
    if may:
        assert show_it(engine, case_id, viewer)
        assert [entry.actor for entry in accesses(engine)] == [str(viewer.actor)]
    else:
        with pytest.raises(Refused, match="not_yours"):
            show_it(engine, case_id, viewer)
        assert accesses(engine) == []


def test_a_member_of_a_body_has_access_on_its_behalf(
    engine: Engine, season: str, case_id: str
) -> None:
    body = show(engine, case_id).body
    with transaction(engine) as connection:
        add_user(connection, id="clerk-1", season_id=season, role=Role.BODY, org=body,
                 name="（虚构）经办", email=None, at=OPENS)  # fmt: skip
    access.show_form(engine, case_id, Viewer(Actor(role=Role.BODY, id="clerk-1"), "req"))
    [entry] = accesses(engine)
    assert (entry.actor, entry.on_behalf) == ("body:clerk-1", body)


def test_a_history_with_its_reasons_is_a_show_it(engine: Engine, case_id: str) -> None:
    commit(engine, case_id, Action.SUBMIT)
    reason = keep_reason(engine, case_id, "材料不全")
    commit(engine, case_id, Action.RETURN_FOR_REVISION, reason=reason)
    found = access.show_history(engine, case_id, OPERATOR)
    assert [line.reason for line in found.items] == [None, "材料不全"]
    [entry] = accesses(engine)
    assert (entry.action, entry.after) == ("case.history_seen", found.items[-1].hash)


def test_every_saved_form_is_a_change_with_both_digests(
    engine: Engine, season: str, case_id: str
) -> None:
    drafts.save_draft(engine, case_id, form(title="（虚构）改名"), None)
    second, first = list_entries(engine, kind="change")
    assert (first.before, first.object) == (None, "case_1/form/1")
    assert (second.before, second.object) == (first.after, "case_1/form/2")
    assert second.after != first.after
    assert (second.season, second.on_behalf) == (season, show(engine, case_id).unit)
    assert second.after == access.show_form(engine, case_id, OPERATOR).digest


def test_a_refused_change_enters_nothing(engine: Engine, case_id: str) -> None:
    with pytest.raises(Refused, match="unit_fixed"):
        drafts.save_draft(engine, case_id, form(unit="（虚构）另一单位"), None)
    assert len(list_entries(engine, kind="change")) == 1
