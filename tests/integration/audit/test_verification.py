"""Whatever is changed, removed or cut off in the record or in its witness is found and named."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nats.js import JetStreamContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from models.cases.actions.names import Action
from models.cases.events import CaseEvent
from models.cases.states import State
from models.store.engine import transaction
from services.audit.anchors import AnchorFile
from services.audit.verification import verify
from services.stream.outbox import record_outcomes
from tests.factories import commit, keep_reason, make_case, save_form
from tests.integration.audit.stores import Stores, changed, tamper
from tests.streams import incoming, outbox
from tests.waiting import until
from workers.audit import AuditHandler, run
from workers.stream.pace import ConsumerPace
from workers.stream.relay import Relay

AT = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def stores(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> Stores:
    """Two cases, five events, all published and witnessed."""
    made = Stores(engine, audit_engine, tmp_path / "audit-anchor.jsonl")
    make_case(engine, season=season, state=State.PROVINCE_REVIEW)
    case = make_case(engine, season=season, state=State.RECOMMENDATION)
    reason = keep_reason(engine, case, "请补充用户规模数据")
    commit(engine, case, Action.LEAVE_OUT, reason=reason)
    commit(engine, make_case(engine, season=season), Action.SUBMIT)
    made.witness()
    return made


def second_case(stores: Stores) -> str:
    return outbox(stores.record)[1].case_id


def test_what_nobody_touched_is_ok(stores: Stores) -> None:
    report = stores.verify()
    assert report.model_dump(exclude={"since", "signed_until"}) == {
        "ok": True, "cases": 3, "records": 5, "problems": [],
    }  # fmt: skip
    assert report.since is not None
    assert report.signed_until is None  # no digests were given


def test_empty_stores_are_ok(engine: Engine, audit_engine: Engine, tmp_path: Path) -> None:
    report = verify(engine, audit_engine, tmp_path / "none.jsonl")
    assert report.model_dump() == {
        "ok": True, "cases": 0, "records": 0, "problems": [], "since": None, "signed_until": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_record SET body = replace(body, '虚构', '真实') WHERE n = 3",
        "UPDATE audit_record SET recorded_at = '2020-01-01 00:00:00' WHERE n = 3",
        "UPDATE audit_record SET stream_seq = 99 WHERE n = 3",
        "UPDATE audit_record SET event_id = 'case_x:1' WHERE n = 3",
    ],
)
def test_a_changed_byte_in_the_audit(stores: Stores, statement: str) -> None:
    tamper(stores.audit, statement)
    assert ("changed", "audit:3") in stores.kinds()
    assert not stores.verify().ok


def test_a_line_of_the_audit_put_in_place_of_another(stores: Stores) -> None:
    tamper(
        stores.audit,
        "UPDATE audit_record SET previous_hash = hash, hash = previous_hash WHERE n = 2",
    )
    assert {("changed", "audit:2"), ("changed", "audit:3"), ("rewritten", "anchor:2")} <= set(
        stores.kinds()
    )


def test_a_missing_row_of_the_audit(stores: Stores) -> None:
    tamper(stores.audit, "DELETE FROM audit_record WHERE n = 2")
    row = outbox(stores.record)[1]
    assert stores.kinds() == [
        ("missing", "audit:3"),
        ("not_audited", f"{row.case_id}:{row.seq}"),
    ]


def test_a_cut_tail_of_the_audit(stores: Stores) -> None:
    tamper(stores.audit, "DELETE FROM audit_record WHERE n >= 4")
    kinds = stores.kinds()
    assert kinds[0] == ("cut_tail", "anchor:5")
    assert [kind for kind, _ in kinds[1:]] == ["not_audited", "not_audited"]


def test_the_whole_audit_removed(stores: Stores) -> None:
    tamper(stores.audit, "DELETE FROM audit_record")
    assert ("cut_tail", "anchor:5") in stores.kinds()


def test_a_chain_made_anew_from_some_point(stores: Stores, tmp_path: Path) -> None:
    """Somebody recomputes every hash: inside all fits, and the old anchors tell."""
    tamper(stores.audit, "DELETE FROM audit_record WHERE n >= 4")
    forger = AuditHandler(stores.audit, tmp_path / "elsewhere.jsonl")
    for row in outbox(stores.record)[3:]:
        forger.apply([incoming(row.body, 77)])
    assert stores.kinds() == [("rewritten", "anchor:4"), ("rewritten", "anchor:5")]


def test_a_rewritten_anchor(stores: Stores) -> None:
    lines = stores.anchors.read_text().splitlines()
    anchor = {**json.loads(lines[2]), "hash": "sha256:" + "f" * 64}
    stores.anchors.write_text("\n".join([*lines[:2], json.dumps(anchor), *lines[3:]]) + "\n")
    assert stores.kinds() == [("rewritten", "anchor:3")]


def test_a_lost_file_of_anchors(stores: Stores) -> None:
    stores.anchors.unlink()
    assert stores.kinds() == [("anchor_missing", "anchor")]


def test_a_line_that_is_no_anchor(stores: Stores) -> None:
    lines = stores.anchors.read_text().splitlines()
    stores.anchors.write_text("\n".join(["{", "null", *lines]) + "\n")
    assert stores.kinds() == [("anchor_unreadable", "anchor")]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_id", "somebody"),
        ("reason", "没有意见"),
        ("hash", "sha256:0"),
        ("at", AT),
        ("update_id", "another"),
        ("command", {"actor": {"role": "body", "id": "another", "org": None}}),
        ("command", {"actor": "nobody"}),
    ],
)
def test_a_changed_line_of_history(stores: Stores, column: str, value: object) -> None:
    case = second_case(stores)
    changed(stores.record, "transition", {"case_id": case, "seq": 3}, **{column: value})
    assert ("changed", f"{case}:3") in stores.kinds()


def test_a_command_is_held_against_its_digest(stores: Stores) -> None:
    case = second_case(stores)
    command = {"actor": {"role": "body", "id": "another", "org": None}}
    changed(stores.record, "transition", {"case_id": case, "seq": 2}, command=command)
    assert [problem.message for problem in stores.verify().problems] == ["请求内容与其摘要不符"]


def test_a_reason_that_is_gone_without_an_entry_is_named(stores: Stores) -> None:
    tamper(stores.record, "UPDATE transition SET reason = NULL WHERE reason IS NOT NULL")
    assert stores.kinds() == [("removed", f"{second_case(stores)}:3")]


def test_a_missing_line_of_history(stores: Stores) -> None:
    case = second_case(stores)
    tamper(
        stores.record,
        "DELETE FROM outbox WHERE case_id = :case AND seq = 2",
        "DELETE FROM transition WHERE case_id = :case AND seq = 2",
        case=case,
    )
    assert stores.kinds() == [("missing", f"{case}:3"), ("not_in_record", f"{case}:2")]


def test_a_cut_tail_of_history(stores: Stores) -> None:
    case = second_case(stores)
    tamper(
        stores.record,
        "DELETE FROM outbox WHERE case_id = :case AND seq = 3",
        "DELETE FROM transition WHERE case_id = :case AND seq = 3",
        case=case,
    )
    assert stores.kinds() == [("missing", case), ("not_in_record", f"{case}:3")]


def test_a_history_taken_back_with_its_case(stores: Stores) -> None:
    """Everything in the record fits; only the witness remembers."""
    case = second_case(stores)
    before = next(row.body for row in outbox(stores.record) if (row.case_id, row.seq) == (case, 2))
    deadline = CaseEvent.model_validate_json(before).data.deadline
    changed(stores.record, "case_record", {"id": case}, deadline=deadline)
    tamper(
        stores.record,
        "UPDATE case_record SET (seq, state, head_hash, since) = (SELECT t.seq, t.target, t.hash, "
        "t.at FROM transition t WHERE t.case_id = :case AND t.seq = 2) WHERE id = :case",
        "DELETE FROM outbox WHERE case_id = :case AND seq = 3",
        "DELETE FROM transition WHERE case_id = :case AND seq = 3",
        case=case,
    )
    assert stores.kinds() == [("not_in_record", f"{case}:3")]


def test_a_case_removed_with_all_that_it_had(stores: Stores) -> None:
    case = second_case(stores)
    tamper(
        stores.record,
        "DELETE FROM outbox WHERE case_id = :case",
        "DELETE FROM transition WHERE case_id = :case",
        "DELETE FROM case_reason WHERE case_id = :case",
        "DELETE FROM case_revision WHERE case_id = :case",
        "DELETE FROM case_record WHERE id = :case",
        case=case,
    )
    assert stores.kinds() == [("not_in_record", f"{case}:{seq}") for seq in (1, 2, 3)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("state", "published"),
        ("seq", 2),
        ("head_hash", "sha256:0"),
        ("content_digest", "x"),
        ("title", "（虚构）另一名称"),
        ("category", "another"),
        ("since", AT),
        ("due", AT),
        ("extended_cutoff", AT),
        ("deadline", AT),
        ("overdue", True),
        ("return_rounds", 7),
        ("frozen_revision", None),
    ],
)
def test_a_case_that_is_not_where_its_history_ends(
    stores: Stores, column: str, value: object
) -> None:
    case = second_case(stores)
    changed(stores.record, "case_record", {"id": case}, **{column: value})
    assert ("changed", case) in stores.kinds()


@pytest.mark.parametrize(("column", "value"), [("form", {}), ("digest", "sha256:0")])
def test_a_form_changed_after_it_was_filed(stores: Stores, column: str, value: object) -> None:
    case = second_case(stores)
    changed(stores.record, "case_revision", {"case_id": case}, **{column: value})
    assert stores.kinds() == [("changed", f"{case}:1")]


def test_a_filed_form_removed(stores: Stores) -> None:
    case = second_case(stores)
    tamper(stores.record, "DELETE FROM case_revision WHERE case_id = :case", case=case)
    assert stores.kinds() == [("missing", f"{case}:1")]


@pytest.mark.parametrize("revision", [1, 2])
@pytest.mark.parametrize("kind", ["changed", "missing"])
def test_each_form_that_was_filed_counts_and_not_only_the_last(
    stores: Stores, revision: int, kind: str
) -> None:
    """Filed, returned, filed again."""
    case = make_case(stores.record, state=State.PROVINCE_REVIEW)
    reason = keep_reason(stores.record, case, "（示例）请补充。")
    commit(stores.record, case, Action.RETURN_FOR_REVISION, reason=reason)
    save_form(stores.record, case)
    commit(stores.record, case, Action.SUBMIT)
    stores.witness()
    assert stores.kinds() == []
    where = {"case_id": case, "revision": revision}
    if kind == "changed":
        changed(stores.record, "case_revision", where, form={"title": "（虚构）另一份"})
    else:
        gone = "DELETE FROM case_revision WHERE case_id = :case_id AND revision = :revision"
        tamper(stores.record, gone, case_id=case, revision=str(revision))
    assert stores.kinds() == [(kind, f"{case}:{1 if revision == 1 else 3}")]


def test_an_event_changed_in_the_record(stores: Stores) -> None:
    case = second_case(stores)
    tamper(
        stores.record,
        "UPDATE outbox SET body = replace(body, 'fujian', 'hunan') "
        "WHERE case_id = :case AND seq = 2",
        case=case,
    )
    assert stores.kinds() == [("changed", f"{case}:2"), ("differs", f"{case}:2")]


def test_an_event_put_under_another_subject(stores: Stores) -> None:
    case = second_case(stores)
    tamper(
        stores.record,
        "UPDATE outbox SET subject = replace(subject, 'accepted', 'declined') "
        "WHERE case_id = :case AND seq = 2",
        case=case,
    )
    assert stores.kinds() == [("changed", f"{case}:2")]


def test_a_title_may_change_while_the_form_may(stores: Stores, season: str) -> None:
    draft = make_case(stores.record, season=season)
    changed(stores.record, "case_record", {"id": draft}, title="（虚构）另一名称")
    assert stores.verify().ok


def test_an_event_removed_from_the_record(stores: Stores) -> None:
    case = second_case(stores)
    tamper(stores.record, "DELETE FROM outbox WHERE case_id = :case AND seq = 2", case=case)
    assert stores.kinds() == [("missing", f"{case}:2"), ("not_in_record", f"{case}:2")]


def test_a_case_given_to_another_body(stores: Stores) -> None:
    case = second_case(stores)
    tamper(stores.record, "UPDATE case_record SET body_id = 'hunan' WHERE id = :case", case=case)
    assert stores.kinds() == [("changed", case)]


def test_an_event_of_nobody_in_the_audit(stores: Stores) -> None:
    body = outbox(stores.record)[0].body.replace(second_case(stores), "case_forged")
    event = json.loads(body)
    event["id"], event["data"]["case_id"] = "case_forged:1", "case_forged"
    forged = CaseEvent.model_validate(event)
    AuditHandler(stores.audit, stores.anchors).apply([incoming(forged.to_json(), 9)])
    assert stores.kinds() == [("not_in_record", "case_forged:1")]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_record SET body = 'x'", "DELETE FROM audit_record WHERE n = 1"],
)
def test_the_audit_only_grows(stores: Stores, statement: str) -> None:
    with (
        pytest.raises(DBAPIError, match="audit_record is insert only"),
        transaction(stores.audit) as connection,
    ):
        connection.execute(text(statement))
    assert stores.verify().records == 5


def test_what_is_not_published_need_not_be_witnessed(stores: Stores, season: str) -> None:
    make_case(stores.record, season=season, state=State.PROVINCE_REVIEW)
    assert stores.verify().ok


def test_what_is_published_has_to_be_witnessed(stores: Stores, season: str) -> None:
    case = make_case(stores.record, season=season, state=State.PROVINCE_REVIEW)
    record_outcomes(stores.record, {6: 6}, {}, AT)
    assert stores.kinds() == [("not_audited", f"{case}:1")]


async def test_the_witness_may_take_a_moment(stores: Stores, season: str) -> None:
    make_case(stores.record, season=season, state=State.PROVINCE_REVIEW)
    record_outcomes(stores.record, {6: 6}, {}, AT)
    checking = asyncio.create_task(
        asyncio.to_thread(verify, stores.record, stores.audit, stores.anchors, patience_seconds=30)
    )
    await asyncio.to_thread(stores.witness)
    assert (await checking).ok


def test_an_event_is_witnessed_once(stores: Stores) -> None:
    stores.witness()
    stores.witness()
    report = stores.verify()
    assert (report.ok, report.records) == (True, 5)
    assert len(stores.anchors.read_text().splitlines()) == 5


def test_a_successor_anchors_what_was_committed_and_not_anchored(stores: Stores) -> None:
    lines = stores.anchors.read_text().splitlines(keepends=True)
    stores.anchors.write_text("".join(lines[:3]) + lines[3][:20])  # died while writing
    AuditHandler(stores.audit, stores.anchors).take_up()
    assert [anchor[0] for anchor in AnchorFile(stores.anchors).read() if anchor] == [1, 2, 3, 5]
    assert stores.verify().ok


def test_a_successor_touches_no_tail_that_was_cut(stores: Stores) -> None:
    tamper(stores.audit, "DELETE FROM audit_record WHERE n = 5")
    before = stores.anchors.read_bytes()
    with capture_logs() as logs:
        AuditHandler(stores.audit, stores.anchors).take_up()
    assert [line["event"] for line in logs] == ["audit_tail_cut"]
    assert stores.anchors.read_bytes() == before


async def test_the_worker_witnesses_what_the_relay_announces(
    engine: Engine, audit_engine: Engine, season: str, js: JetStreamContext, tmp_path: Path
) -> None:
    anchors = tmp_path / "anchors.jsonl"
    for _ in range(3):
        make_case(engine, season=season, state=State.FORMAL_CHECK)
    await Relay(engine, js).drain()
    stop = asyncio.Event()
    worker = asyncio.create_task(
        run(js, engine, audit_engine, anchors, stop, ConsumerPace(fetch=0.1))
    )
    await until(lambda: verify(engine, audit_engine, anchors, patience_seconds=0).ok)
    stop.set()
    await worker
    assert verify(engine, audit_engine, anchors).records == 9
