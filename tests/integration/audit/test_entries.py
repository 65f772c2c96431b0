"""Audit entries are witnessed like events: once, bound to the chain, and never undone."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from models import tables
from models.audit.chain_line import line_hash
from models.audit.entries import AuditEntry, EntryKind
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.events import CaseEvent
from models.cases.states import State
from models.chain import GENESIS, digest_text
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables.audit import audit_record
from services.audit.anchors import Anchor, AnchorFile
from services.audit.entries import enter, enter_now, list_entries, read_waiting
from services.audit.verification import verify
from tests.factories import commit, make_case
from tests.integration.audit.stores import Stores, tamper
from tests.streams import outbox
from workers.audit import AuditHandler

AT = datetime(2024, 4, 1, tzinfo=UTC)
REASON = "核对虚构联系人"


@pytest.fixture
def stores(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> Stores:
    """A case with one event."""
    made = Stores(engine, audit_engine, tmp_path / "audit-anchor.jsonl")
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    made.witness()
    return made


def access_entry(case_id: str | None, season: str | None, **given: Any) -> AuditEntry:
    return AuditEntry(
        **{
            "kind": EntryKind.ACCESS,
            "action": "case.form_revealed",
            "object": f"{case_id}/form/1",
            "actor": Actor(role=Role.BODY, id="clerk", org="fujian"),
            "season": season,
            "case_id": case_id,
            "before": digest_text("form"),
            "after": digest_text("form"),
            "reason": REASON,
            "request": "req_1",
            **given,
        }
    )


def handler(stores: Stores) -> AuditHandler:
    return AuditHandler(stores.audit, stores.anchors)


def lines(audit: Engine) -> list[Any]:
    with reading(audit) as connection:
        return list(connection.execute(select(audit_record).order_by(audit_record.c.n)).all())


def test_an_access_is_in_the_chain_with_all_that_was_asked(stores: Stores, season: str) -> None:
    case_id = outbox(stores.record)[0].case_id
    entry_id = enter_now(stores.record, access_entry(case_id, season), AT)
    assert handler(stores).append_entries(stores.record) == 1
    row = lines(stores.audit)[-1]
    assert (row.kind, row.event_id, row.case_id, row.case_seq) == ("look", entry_id, case_id, None)
    said = json.loads(row.body)
    assert said["time"] == "2024-04-01T00:00:00.000000+00:00"
    assert said["data"] == {
        "action": "case.form_revealed",
        "object": f"{case_id}/form/1",
        "actor": "body:clerk",
        "on_behalf": "fujian",
        "season": season,
        "case_id": case_id,
        "before": digest_text("form"),
        "after": digest_text("form"),
        "reason": digest_text(REASON),
        "request": "req_1",
    }
    assert stores.verify().ok
    assert stores.verify().records == 2


def test_the_reason_as_text_stays_in_the_record(stores: Stores, season: str) -> None:
    enter_now(stores.record, access_entry(None, season), AT)
    handler(stores).append_entries(stores.record)
    assert REASON not in str(lines(stores.audit))
    assert [entry.reason for entry in list_entries(stores.record)] == [REASON]


def test_nothing_is_witnessed_twice_even_after_a_crash_in_between(
    stores: Stores, season: str
) -> None:
    entries = [enter_now(stores.record, access_entry(None, season), AT) for _ in range(3)]
    handler(stores).append_entries(stores.record)
    with transaction(stores.record) as connection:  # as if it had not been noted any more
        connection.execute(text("UPDATE deed SET witnessed_at = NULL"))
    assert len(read_waiting(stores.record)) == 3
    assert handler(stores).append_entries(stores.record) == 3
    assert handler(stores).append_entries(stores.record) == 0
    assert [row.event_id for row in lines(stores.audit)[1:]] == entries
    assert stores.verify().ok
    assert max(anchor[0] for anchor in AnchorFile(stores.anchors).read() if anchor) == 4


def test_a_rolled_back_request_leaves_no_entry(stores: Stores, season: str) -> None:
    def breaks_off() -> None:
        with transaction(stores.record) as connection:
            enter(connection, access_entry(None, season), AT)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        breaks_off()
    assert read_waiting(stores.record) == []


def test_each_case_has_a_chain_of_its_own(stores: Stores, season: str) -> None:
    case_id = outbox(stores.record)[0].case_id
    other = make_case(stores.record, season=season, state=State.PROVINCE_REVIEW)
    enter_now(stores.record, access_entry(case_id, season), AT)
    enter_now(stores.record, access_entry(None, season), AT)
    handler(stores).append_entries(stores.record)
    commit(stores.record, case_id, Action.WITHDRAW)
    stores.witness()
    own = [row for row in lines(stores.audit) if row.case_id == case_id]
    assert [row.kind for row in own] == ["event", "look", "event"]
    assert own[0].case_previous_hash == GENESIS
    assert all(row.case_previous_hash == before.hash for before, row in pairwise(own))
    [elsewhere] = [row for row in lines(stores.audit) if row.case_id == other]
    assert elsewhere.case_previous_hash == GENESIS
    assert [row.case_previous_hash for row in lines(stores.audit) if row.case_id is None] == [None]
    assert stores.verify().ok


def test_a_line_taken_out_of_its_cases_chain_is_found(stores: Stores, season: str) -> None:
    """Somebody makes the whole chain anew without the entry, and leaves the case's link."""
    case_id = outbox(stores.record)[0].case_id
    enter_now(stores.record, access_entry(case_id, season), AT)
    handler(stores).append_entries(stores.record)
    tamper(stores.audit, "UPDATE audit_record SET case_previous_hash = NULL WHERE n = 2")
    assert ("changed", "audit:2") in stores.kinds()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE deed SET body = replace(body, 'clerk', 'clark')", "differs"),
        ("DELETE FROM deed", "not_in_record"),
    ],
)
def test_an_entry_changed_or_removed_in_the_record_is_found(
    stores: Stores, season: str, statement: str, kind: str
) -> None:
    entry_id = enter_now(stores.record, access_entry(None, season), AT)
    handler(stores).append_entries(stores.record)
    tamper(stores.record, statement)
    assert stores.kinds() == [(kind, entry_id)]


def test_an_entry_that_the_audit_lost_is_found(stores: Stores, season: str) -> None:
    entry_id = enter_now(stores.record, access_entry(None, season), AT)
    handler(stores).append_entries(stores.record)
    tamper(stores.audit, "DELETE FROM audit_record WHERE n = 2")
    assert stores.kinds() == [("cut_tail", "anchor:2"), ("not_audited", entry_id)]


def test_a_kind_turned_into_another_is_found(stores: Stores, season: str) -> None:
    enter_now(stores.record, access_entry(None, season), AT)
    handler(stores).append_entries(stores.record)
    tamper(stores.audit, "UPDATE audit_record SET kind = 'change' WHERE n = 2")
    assert stores.kinds() == [("changed", "audit:2")]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM deed",
        "UPDATE deed SET body = 'x'",
        "UPDATE deed SET actor = 'x', witnessed_at = NULL",
        "UPDATE deed SET reason = NULL",
    ],
)
def test_entries_are_insert_only(stores: Stores, season: str, statement: str) -> None:
    enter_now(stores.record, access_entry(None, season), AT)
    with (
        pytest.raises(DBAPIError, match="deed is insert only"),
        transaction(stores.record) as connection,
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize(
    ("reason", "why"),
    [("长" * 501, "理由应为一行文字"), ("一行\n两行", "只能写一行"), ("a\u202eb", "U\\+202E")],
)
def test_a_reason_is_one_line_of_some_length(
    stores: Stores, season: str, reason: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        enter_now(stores.record, access_entry(None, season, reason=reason), AT)


def test_entries_are_listed_by_each_filter(stores: Stores, season: str) -> None:
    case_id = outbox(stores.record)[0].case_id
    first = enter_now(stores.record, access_entry(case_id, season), AT)
    second = enter_now(stores.record, access_entry(None, season, kind=EntryKind.REMOVAL), AT)
    operator = Actor(role=Role.OPERATOR, id="root")
    third = enter_now(stores.record, access_entry(None, None, actor=operator), AT)

    def ids(**wanted: Any) -> list[str]:
        return [entry.id for entry in list_entries(stores.record, **wanted)]

    assert ids() == [third, second, first]
    assert ids(case_id=case_id) == [first]
    assert ids(season=season) == [second, first]
    assert ids(kind="removal") == [second]
    assert ids(actor="operator:root") == [third]
    assert ids(limit=1, after=third) == [second]
    assert ids(since=AT) == [third, second, first]
    assert ids(since=AT + timedelta(seconds=1)) == []
    with pytest.raises(Refused, match="unknown_kind"):
        ids(kind="nonsense")


def test_an_audit_that_began_before_the_chains_of_cases_goes_on(
    stores: Stores, season: str
) -> None:
    case_id = outbox(stores.record)[0].case_id
    tamper(stores.audit, "DELETE FROM audit_record")
    stores.anchors.unlink()
    _as_the_first_version_wrote(stores)
    assert stores.verify().ok
    enter_now(stores.record, access_entry(case_id, season), AT)
    handler(stores).append_entries(stores.record)
    old, new = lines(stores.audit)
    assert old.case_previous_hash is None
    assert new.case_previous_hash == old.hash
    assert verify(stores.record, stores.audit, stores.anchors, patience_seconds=0).ok


def _as_the_first_version_wrote(stores: Stores) -> None:
    [row] = outbox(stores.record)
    event = CaseEvent.model_validate_json(row.body)
    record = {
        "n": 1, "event_id": event.id, "kind": "event", "case_id": event.data.case_id,
        "case_seq": 1, "stream_seq": 1, "body": row.body, "recorded_at": AT,
        "previous_hash": GENESIS, "case_previous_hash": None,
    }  # fmt: skip
    record["hash"] = line_hash(record)
    with transaction(stores.audit) as connection:
        connection.execute(audit_record.insert(), record)
    AnchorFile(stores.anchors).append(Anchor(1, str(record["hash"]), AT))


OLD_BODY = (
    '{"data":{"action":"case.form_seen","actor":"operator:root","after":"sha256:1",'
    '"before":"sha256:1","case_id":null,"object":"case_1/form/1","on_behalf":null,'
    '"reason":null,"request":"req_1","season":"2024"},"id":"deed_1",'
    '"time":"2024-04-01T00:00:00.000000+00:00","type":"org.tuixuan.audit.look"}'
)


def test_a_row_of_an_earlier_release_is_an_access_entry(stores: Stores) -> None:
    row = {
        "id": "deed_1", "kind": "look", "season_id": "2024", "case_id": None,
        "actor": "operator:root", "body": OLD_BODY, "reason": None, "at": AT,
    }  # fmt: skip
    with transaction(stores.record) as connection:
        connection.execute(tables.deed.insert(), row)
    [entry] = list_entries(stores.record, kind="look")
    assert (entry.id, entry.kind, entry.action) == ("deed_1", EntryKind.ACCESS, "case.form_seen")
    assert (entry.object, entry.before, entry.after) == ("case_1/form/1", "sha256:1", "sha256:1")
    assert handler(stores).append_entries(stores.record) == 1
    assert lines(stores.audit)[-1].body == OLD_BODY
    assert stores.verify().ok
