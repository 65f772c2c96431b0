"""What is old enough goes, by a deed on record; nothing younger than six months, nothing open."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text, update

from cli.main import run
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.events import CaseEvent
from models.cases.states import State
from models.chain import digest, digest_text
from models.programme.retention import Retention
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import (
    AppUser,
    CaseReason,
    CaseRecord,
    CaseRevision,
    Delivery,
    InboxMessage,
    Season,
    Transition,
    UserChannel,
    WebhookAttempt,
    WebhookDelivery,
    table_of,
)
from services.audit.access import Viewer
from services.audit.entries import AuditEntryView, enter, list_entries
from services.audit.export import EvidenceStores, export
from services.cases.access import show_form
from services.cases.drafts import save_draft
from services.cases.queries import history
from services.cases.views import HistoryLine
from services.notifications.channels import set_channel
from services.notifications.inbox import deliveries, inbox, send_again
from services.people.users import add_user
from services.retention import removal
from services.retention.notifications import REMOVED
from services.retention.removal import before, due, removing, total
from services.retention.views import WORDS
from services.seasons.opening import Opening
from services.seasons.opening import open_season as open_real_season
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from services.webhooks.log import replay_one, replay_since
from tests.factories import (
    OPENS,
    SEASON,
    commit,
    form,
    keep_reason,
    make_case,
    open_season,
    programme,
    save_form,
)
from tests.integration.audit.archives import inspected, unpacked
from tests.integration.audit.stores import Stores, tamper
from tests.streams import outbox
from workers.audit import AuditHandler
from workers.notify.handler import NotifyHandler
from workers.notify.queue import DeliveryRetries, Queue
from workers.webhook.handler import WebhookHandler
from workers.webhook.post import Answer
from workers.webhook.queue import Result, WebhookQueue
from workers.webhook.retries import WebhookRetries

CLASSES = tuple(Retention.model_fields)
ROOT = Actor(role=Role.OPERATOR, id="root")
REASON = "不符合本省推荐条件"
OVER = datetime(2024, 7, 15, 16, tzinfo=UTC)
"""The end of the last day of the public notice, in Beijing."""
SENT = OPENS + timedelta(hours=1)
LONG_AFTER = OPENS + timedelta(days=4000)
DAY = timedelta(days=1)


@dataclass
class World(Stores):
    """A season with a case that has ended, told of and witnessed."""

    ended: str = ""
    open: str = ""

    def tell(self) -> None:
        """Tell people and endpoints of every event, and let everything leave."""
        for row in outbox(self.record):
            event = CaseEvent.model_validate_json(row.body)
            NotifyHandler(self.record, clock=lambda: SENT).apply(event, row.body, 1)
            WebhookHandler(self.record, clock=lambda: SENT).apply(event, row.body, 1)
        mails = Queue(self.record, DeliveryRetries(), clock=lambda: SENT)
        for delivery in mails.due():
            taken = mails.take(delivery)
            assert taken is not None
            mails.sent(taken)
        failed = {"status": "failed", "last_error": "13800000000 refused", "next_attempt_at": SENT}
        sms = update(Delivery).where(table_of(Delivery).c.channel == "sms")
        with transaction(self.record) as connection:
            connection.execute(sms.values(failed))
        hooks = WebhookQueue(self.record, WebhookRetries(), clock=lambda: SENT)
        for endpoint in hooks.endpoints():
            while found := hooks.due(endpoint.id, 10, ()):
                answer = Answer(at=SENT, status=200, latency_ms=1, head="good")
                hooks.note([Result(each, answer, 0) for each in found])

    def append_entries(self) -> None:
        AuditHandler(self.audit, self.anchors).append_entries(self.record)

    def counts(self, now: datetime) -> dict[str, int]:
        return {each.name: each.due for each in due(self.record, now, SEASON)}

    def remove(self, now: datetime) -> dict[str, int]:
        batches = removing(self.record, SEASON, ROOT, "req_1", now)
        return {each.name: each.removed for each in total(SEASON, batches)}

    def deeds(self) -> list[AuditEntryView]:
        return [*reversed(list_entries(self.record, kind="removal", limit=200))]

    def rows(self, model: Any, **wanted: Any) -> list[Any]:
        with reading(self.record) as connection:
            return list(connection.execute(select(table_of(model)).filter_by(**wanted)).all())


@pytest.fixture
def world(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> World:
    """A case that was left out, with two saved forms; an open one; everybody was told."""
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
    made.tell()
    made.witness()
    return made


def keep_days(engine: Engine, days: int) -> None:
    """Let the season's programme say so of every class, whatever may be said."""
    seasons = table_of(Season)
    kept = {**programme().model_dump(mode="json"), "retention": dict.fromkeys(CLASSES, days)}
    with transaction(engine) as connection:
        connection.execute(update(seasons).values(programme=kept))


def end_open_case(world: World) -> None:
    commit(world.record, world.open, Action.WITHDRAW)
    world.tell()
    world.witness()


def moments(world: World) -> dict[str, datetime]:
    """From when on the days of each class count, in the world."""
    end = next(line.at for line in world.rows(Transition, case_id=world.ended) if line.seq == 3)
    return {"forms": end, "reasons": end, "messages": SENT, "webhooks": SENT, "addresses": OVER}


def test_the_classes_of_the_programme_are_those_that_can_be_removed() -> None:
    assert tuple(removal.HOLDINGS) == CLASSES == tuple(WORDS)


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_kept_for_184_days_is_due_then_and_not_a_second_before(
    world: World, name: str
) -> None:
    keep_days(world.record, 184)
    if name == "addresses":
        end_open_case(world)
    at = moments(world)[name]
    for age in (182 * DAY, 183 * DAY, 184 * DAY - timedelta(seconds=1)):
        assert world.counts(at + age)[name] == 0
        assert world.remove(at + age)[name] == 0
    expected = {"forms": 2, "reasons": 1, "messages": 2, "webhooks": 5, "addresses": 2}[name]
    assert world.counts(at + 184 * DAY)[name] == expected
    [view] = [each for each in due(world.record, at + 184 * DAY, SEASON) if each.name == name]
    assert (view.days, view.oldest) == (184, min(at, view.oldest or at))
    assert world.remove(at + 184 * DAY)[name] == expected
    assert world.counts(LONG_AFTER)[name] == 0 or name not in ("forms", "reasons")


def contents(world: World, case_id: str) -> list[str]:
    """Whatever people wrote or were told of a case."""
    return [
        *(str(row.form) for row in world.rows(CaseRevision, case_id=case_id)),
        *(row.text for row in world.rows(CaseReason, case_id=case_id)),
        *(str(row.reason) for row in world.rows(Transition, case_id=case_id)),
        *(row.text for row in world.rows(InboxMessage, case_id=case_id)),
    ]


def test_of_an_open_case_nothing_goes_however_old(world: World) -> None:
    was = contents(world, world.open)
    world.remove(LONG_AFTER)
    assert contents(world, world.open) == was
    assert len(world.rows(UserChannel)) == 1
    assert {each.case_id for each in world.deeds()} <= {world.ended, world.open}
    assert {each.object for each in world.deeds() if each.case_id == world.open} == {
        f"{world.open}/webhooks"
    }


def test_of_what_is_removed_nothing_is_left(world: World) -> None:
    end_open_case(world)
    world.remove(LONG_AFTER)
    for case_id in (world.ended, world.open):
        assert {*contents(world, case_id)} == {"{}", "None", ""}
    assert {row.subject for row in world.rows(InboxMessage)} == {REMOVED}
    assert {row.body for row in world.rows(WebhookDelivery)} == {""}
    assert {(row.error, row.answer_head) for row in world.rows(WebhookAttempt)} == {(None, None)}
    assert {row.last_error for row in world.rows(Delivery)} == {None}
    assert world.rows(UserChannel) == []
    assert world.counts(LONG_AFTER) == dict.fromkeys(CLASSES, 0)
    assert "wang@example" not in str(world.rows(AppUser))


def test_the_file_of_the_database_has_no_byte_of_it_either(
    sqlite_engine: Engine, season: str, tmp_path: Path
) -> None:
    name = "虚构联系人甲乙丙丁"
    case_id = make_case(sqlite_engine, season=season, state=State.DRAFT, contact_name=name)
    commit(
        sqlite_engine,
        case_id,
        Action.WITHDRAW,
        reason=keep_reason(sqlite_engine, case_id, "因" * 9),
    )

    def bytes_of(*texts: str) -> list[bool]:
        with sqlite_engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        kept = (tmp_path / "tuixuan.db").read_bytes()
        return [each.encode() in kept or json.dumps(each).encode()[1:-1] in kept for each in texts]

    assert bytes_of(name, "因" * 9, case_id) == [True, True, True]
    list(removing(sqlite_engine, season, ROOT, "req_1", LONG_AFTER))
    assert bytes_of(name, "因" * 9, case_id) == [False, False, True]


def test_what_was_written_after_the_end_counts_from_then(world: World) -> None:
    end_open_case(world)
    late = OPENS + 3000 * DAY
    row = {"case_id": world.ended, "digest": "d", "text": "迟来的理由", "written_at": late}
    with transaction(world.record) as connection:
        connection.execute(table_of(CaseReason).insert(), row)
        connection.execute(update(AppUser).values(email_at=late))
    set_channel(world.record, "wang", "chat", "json://example.invalid", late)
    send_again(world.record, world.rows(Delivery, channel="sms")[0].id, late)
    world.remove(late + 364 * DAY)
    assert [each.text for each in world.rows(CaseReason)] == ["迟来的理由"]
    assert [each.channel for each in world.rows(UserChannel)] == ["chat"]
    assert "wang@example" in str(world.rows(AppUser))
    left = {each.id for each in world.rows(InboxMessage) if each.removed_at is None}
    assert left == {each.message_id for each in world.rows(Delivery) if each.status == "waiting"}
    assert len(left) == 1
    world.remove(late + 365 * DAY)
    assert (world.rows(CaseReason), world.rows(UserChannel)) == ([], [])
    late_reason = (f"{world.ended}/reason", digest_text("迟来的理由"))
    assert late_reason in {(each.object, each.before) for each in world.deeds()}
    assert "wang@example" not in str(world.rows(AppUser))


def test_addresses_stay_until_the_season_is_over_with_its_last_case(world: World) -> None:
    commit(world.record, world.open, Action.WITHDRAW)
    changed = {"since": OVER + 100 * DAY}  # it was withdrawn long after the season
    cases = table_of(CaseRecord)
    with transaction(world.record) as connection:
        connection.execute(update(cases).where(cases.c.id == world.open).values(changed))
    assert world.counts(OVER + 464 * DAY)["addresses"] == 0
    assert world.counts(OVER + 465 * DAY)["addresses"] == 2


def test_in_a_rehearsal_the_days_are_real(engine: Engine) -> None:
    open_real_season(engine, programme(), OPENS, Opening("quick", pace="1d=0.5"))
    with transaction(engine) as connection:
        add_user(
            connection, id="li", season_id="quick", role=Role.ORGANISER, org=None,
            name="虚构用户", email="li@example.invalid", at=OPENS,
        )  # fmt: skip

    def counted(now: datetime) -> int:
        return {each.name: each.due for each in due(engine, now, "quick")}["addresses"]

    assert counted(OPENS + 184 * DAY) == 0
    assert counted(OPENS + 365 * DAY) == 0  # half a minute is missing yet
    assert counted(OPENS + 365 * DAY + timedelta(minutes=2)) == 1


@pytest.mark.parametrize("days", [1, 183, 0, -1])
def test_no_programme_on_record_makes_anything_younger_go(
    world: World, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_days(world.record, days)
    young = moments(world)["forms"] + 184 * DAY - timedelta(seconds=1)
    for attempt in (world.counts, world.remove):
        with pytest.raises(Refused, match=r"不得少于 184 天|不应小于 0"):
            attempt(young)
    # Nor where somebody takes away the check of the programme.
    kept = Retention.model_construct(None, **dict.fromkeys(CLASSES, days))
    unchecked = programme().model_copy(update={"retention": kept})
    monkeypatch.setattr(removal, "read_programme", lambda *_: unchecked)
    assert world.remove(young)["forms"] == 0
    assert world.remove(young + timedelta(seconds=1))["forms"] == 2


@given(st.integers(-(10**5), 36_500), st.datetimes(timezones=st.just(UTC)))
def test_nothing_is_due_before_six_months_whatever_is_asked(days: int, now: datetime) -> None:
    assume(now.year > 200)
    assert now - before(days, now) == max(days, 184) * DAY


def test_each_removal_is_a_deed(world: World) -> None:
    forms = [digest(row.form) for row in world.rows(CaseRevision, case_id=world.ended)]
    texts = [
        [row.id, row.subject, row.text]
        for row in sorted(world.rows(InboxMessage, case_id=world.ended))
    ]
    world.remove(LONG_AFTER)
    found = [each for each in world.deeds() if each.case_id == world.ended]
    assert [(each.action, each.object, each.before) for each in found[:4]] == [
        ("retention.forms", f"{world.ended}/form/1", forms[0]),
        ("retention.forms", f"{world.ended}/form/2", forms[1]),
        ("retention.reasons", f"{world.ended}/reason/3", digest_text(REASON)),
        ("retention.messages", f"{world.ended}/messages", digest(texts)),
    ]
    assert found[0].reason == "保存期限已满：申报表的各个版本，自案例终结起 1095 天"
    assert {(each.kind, each.actor, each.request, each.season) for each in found} == {
        ("removal", "operator:root", "req_1", SEASON)
    }
    assert {(each.after, each.at) for each in found} == {(None, LONG_AFTER)}
    assert world.remove(LONG_AFTER) == dict.fromkeys(CLASSES, 0)
    assert [each for each in world.deeds() if each.case_id == world.ended] == found


def test_the_audit_of_an_address_does_not_tell_it(world: World) -> None:
    end_open_case(world)
    world.remove(LONG_AFTER)
    [entry] = [each for each in world.deeds() if each.action == "retention.addresses"]
    assert (entry.object, entry.case_id) == (f"{SEASON}/addresses", None)
    assert entry.before == digest([["wang", "mail"], ["wang", "sms"]])


def test_after_a_removal_the_audit_is_whole(world: World, tmp_path: Path) -> None:
    lines = [line.model_copy(update={"reason": None}) for line in history_of(world)]
    world.remove(LONG_AFTER)
    assert world.verify().ok  # also before the audit has seen the deeds
    world.append_entries()
    assert world.verify().ok
    assert history_of(world) == lines
    sources = EvidenceStores(world.record, world.audit, world.anchors, tmp_path / "digests")
    export(sources, SEASON, tmp_path / "evidence.tar.gz")
    folder = unpacked(tmp_path / "evidence.tar.gz", tmp_path / "unpacked")
    assert inspected(folder) == (0, [])
    told = (folder / "audit.jsonl").read_text("utf-8")
    assert f"{world.ended}/form/1" in told
    assert REASON not in told


def history_of(world: World) -> list[HistoryLine]:
    return history(world.record, world.ended).items


BY_HAND = (
    "UPDATE case_revision SET form = '{}', removed_at = saved_at WHERE revision = 1",
    "UPDATE case_revision SET removed_at = saved_at WHERE revision = 2",
    "UPDATE transition SET reason = NULL WHERE case_id = :case AND reason IS NOT NULL",
)


@pytest.mark.parametrize("statement", BY_HAND)
def test_what_somebody_removed_by_hand_is_named(world: World, statement: str) -> None:
    statement = statement.replace(":case", f"'{world.ended}'")
    tamper(world.record, statement)
    assert {kind for kind, _ in world.kinds()} == {"removed"}
    assert any(where.startswith(world.ended) for _, where in world.kinds())


def test_a_form_emptied_without_a_mark_is_a_change(world: World) -> None:
    tamper(world.record, "UPDATE case_revision SET form = '{}' WHERE revision = 1")
    assert set(world.kinds()) == {("changed", world.ended), ("changed", world.open)} - (
        {("changed", world.open)} if frozen(world, world.open) is None else set()
    )


def frozen(world: World, case_id: str) -> int | None:
    [row] = world.rows(CaseRecord, id=case_id)
    revision: int | None = row.frozen_revision
    return revision


@pytest.mark.parametrize("what", ["forms", "reasons"])
def test_a_removal_covers_what_it_names_and_nothing_else(world: World, what: str) -> None:
    """A form that was changed before it was removed does not go with its change."""
    if what == "forms":
        tamper(world.record, "UPDATE case_revision SET form = '[1]' WHERE revision = 1")
    else:
        values = {"reason": "另一个理由"}
        tamper(world.record, "UPDATE transition SET reason = :reason WHERE seq = 3", **values)
    assert {kind for kind, _ in world.kinds()} == {"changed"}
    world.remove(LONG_AFTER)
    world.append_entries()
    assert "removed" in {kind for kind, _ in world.kinds()}


def test_a_removal_before_its_time_is_named(world: World) -> None:
    """By hand, but with a deed as the command would enter it."""
    world.remove(LONG_AFTER)
    early = (OPENS + 100 * DAY).isoformat(timespec="microseconds")
    long_after = LONG_AFTER.isoformat(timespec="microseconds")
    tamper(
        world.record, "UPDATE deed SET body = replace(body, :was, :early)",
        was=long_after, early=early,
    )  # fmt: skip
    assert {problem.message for problem in world.verify().problems} == {
        "申报表（第 1 版）的清除不足 184 天", "申报表（第 2 版）的清除不足 184 天",
        "意见或理由的清除不足 184 天",
    }  # fmt: skip


def test_a_removal_of_an_open_case_is_named_whatever_its_row_says(world: World) -> None:
    """Somebody lets a case seem ended long ago; when it ended is under the hashes."""
    tamper(world.record, "UPDATE case_record SET state = 'withdrawn' WHERE id = :case",
           case=world.open)  # fmt: skip
    assert world.remove(LONG_AFTER)["forms"] == 3
    messages = {problem.message for problem in world.verify().problems}
    assert {
        "申报表（第 1 版）已清除，而案例尚未终结",
        "意见或理由已清除，而案例尚未终结",
    } < messages


def test_an_end_put_back_does_not_make_anything_older(world: World) -> None:
    end = moments(world)["forms"]
    tamper(world.record, "UPDATE case_record SET since = :long_ago WHERE id = :case",
           case=world.ended, long_ago="2020-01-01 00:00:00.000000+00:00")  # fmt: skip
    tamper(world.record, "UPDATE case_revision SET saved_at = :long_ago",
           long_ago="2020-01-01 00:00:00.000000+00:00")  # fmt: skip
    assert world.remove(end + 183 * DAY)["forms"] == 2
    messages = {problem.message for problem in world.verify().problems}
    assert "申报表（第 1 版）的清除不足 184 天" in messages


def test_a_case_taken_out_of_the_record_is_named_also_after_a_removal(world: World) -> None:
    world.remove(LONG_AFTER)
    world.append_entries()
    tables = ("outbox", "transition", "case_revision", "inbox_message")
    with transaction(world.record) as connection:
        connection.execute(text("DELETE FROM delivery"))
    tamper(
        world.record,
        *(f"DELETE FROM {each} WHERE case_id = :case" for each in tables),  # noqa: S608
        "DELETE FROM case_record WHERE id = :case",
        case=world.ended,
    )
    assert {kind for kind, _ in world.kinds()} == {"not_in_record"}


def test_who_is_stopped_in_between_begins_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    first = next(removing(world.record, SEASON, ROOT, "req_0", LONG_AFTER))
    assert (first.name, first.rows, first.deeds) == ("forms", 1, 1)
    assert [each.object for each in world.deeds()] == [f"{world.ended}/form/1"]
    world.append_entries()
    assert world.verify().ok
    assert world.remove(LONG_AFTER)["forms"] == 1
    objects = [each.object for each in world.deeds() if "/form/" in each.object]
    assert objects == [f"{world.ended}/form/1", f"{world.ended}/form/2"]
    assert len(world.deeds()) == 2 + 1 + 2 + 5
    assert world.verify().ok


def test_who_dies_within_a_batch_has_removed_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    was = contents(world, world.ended)
    entered: list[Any] = []

    def dies_at_the_second(*arguments: Any) -> str:
        entered.append(arguments)
        if len(entered) == 2:
            raise InterruptedError
        return enter(*arguments)

    monkeypatch.setattr(removal, "enter", dies_at_the_second)
    with pytest.raises(InterruptedError):
        world.remove(LONG_AFTER)
    assert (contents(world, world.ended), world.deeds()) == (was, [])
    assert world.remove(LONG_AFTER)["forms"] == 2
    assert world.verify().ok


def test_of_two_who_remove_at_once_each_thing_goes_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(world.remove, LONG_AFTER) for _ in range(2)]
        found = [each.result() for each in both]
    assert {name: sum(each[name] for each in found) for name in CLASSES} == {
        "forms": 2, "reasons": 1, "messages": 2, "webhooks": 5, "addresses": 0,
    }  # fmt: skip
    assert len(world.deeds()) == 10


def test_nobody_is_told_again_of_what_was_removed(world: World) -> None:
    """Not even where the stream is made anew and every event comes again."""
    counted = [len(world.rows(each)) for each in (InboxMessage, Delivery, WebhookDelivery)]
    world.remove(LONG_AFTER)
    with transaction(world.record) as connection:
        connection.execute(text("DELETE FROM consumer_cursor WHERE consumer = 'notify'"))
    world.tell()
    after = [len(world.rows(each)) for each in (InboxMessage, Delivery, WebhookDelivery)]
    assert after == counted


def test_what_was_removed_is_not_sent_shown_or_edited(world: World) -> None:
    world.remove(LONG_AFTER)
    [mail, *_] = [each for each in deliveries(world.record, user_id="wang")
                  if each.event_id.startswith(world.ended)]  # fmt: skip
    with pytest.raises(Refused, match="已按保存期限清除，时间 2035"):
        send_again(world.record, mail.id, LONG_AFTER)
    [hook, *_] = world.rows(WebhookDelivery)
    with pytest.raises(Refused, match="已按保存期限清除"):
        replay_one(world.record, hook.id, LONG_AFTER)
    assert replay_since(world.record, hook.endpoint_id, OPENS, LONG_AFTER) == 0
    shown = [each for each in inbox(world.record, "wang") if each.case_id == world.ended]
    assert [(each.subject, each.text) for each in shown] == [(REMOVED, "")]
    with pytest.raises(Refused, match="不能修改"):
        save_draft(world.record, world.ended, form(), None)


def test_a_mail_that_was_asked_for_meanwhile_does_not_leave_empty(world: World) -> None:
    world.remove(LONG_AFTER)
    [told] = world.rows(InboxMessage, case_id=world.ended, recipient="wang")
    [mail] = world.rows(Delivery, channel="mail", message_id=told.id)
    with transaction(world.record) as connection:
        connection.execute(update(Delivery).values(status="waiting"))
    assert Queue(world.record, DeliveryRetries(), clock=lambda: LONG_AFTER).take(mail.id) is None
    assert {each.status for each in world.rows(Delivery, id=mail.id)} == {"dropped"}


def test_only_an_operator_or_the_organiser_removes(world: World) -> None:
    for role in set(Role) - {Role.OPERATOR, Role.ORGANISER}:
        with pytest.raises(Refused, match="role_not_allowed"):
            list(removing(world.record, SEASON, Actor(role=role, id="x"), "r", LONG_AFTER))
    with pytest.raises(Refused, match="unknown_season"):
        list(removing(world.record, "2099", ROOT, "r", LONG_AFTER))
    with pytest.raises(Refused, match="unknown_season"):
        due(world.record, LONG_AFTER, "2099")


def test_every_season_is_asked_by_itself(world: World) -> None:
    open_season(world.record, season="2025")
    found = {(each.season, each.name): each.due for each in due(world.record, LONG_AFTER)}
    assert set(found) == {(season, name) for season in (SEASON, "2025") for name in CLASSES}
    assert found[SEASON, "forms"] == 2
    assert found["2025", "forms"] == 0
    assert list(removing(world.record, "2025", ROOT, "r", LONG_AFTER)) == []


def test_the_command_shows_asks_and_removes(
    sqlite_engine: Engine, season: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The sample's case ended in 2024; whatever day it is now, that is years ago."""
    case_id = make_case(sqlite_engine, season=season, state=State.PROVINCE_REVIEW)
    commit(sqlite_engine, case_id, Action.WITHDRAW)
    keep_days(sqlite_engine, 184)
    capsys.readouterr()

    def said(*command: str, code: int = 0) -> Any:
        words = ["retention", *command, season, "--output", "json", "--state-dir", str(tmp_path)]
        assert run(words) == code
        captured = capsys.readouterr()
        return json.loads(captured.out if code == 0 else captured.err.splitlines()[-1])

    def counts(found: Any, key: str) -> dict[str, int]:
        return {each["name"]: each[key] for each in found["items"]}

    shown = said("show")
    assert shown["items"][0] == {
        "season": season, "name": "forms", "label": "申报表的各个版本", "days": 184,
        "since": "案例终结", "due": 1, "oldest": "2024-03-25T03:00:00Z",
    }  # fmt: skip
    assert "审计记录" in shown["forever"]
    one = {**dict.fromkeys(CLASSES, 0), "forms": 1}
    assert counts(said("apply", "--dry-run"), "due") == one
    assert said("apply", code=1)["code"] == "confirmation_needed"
    assert counts(said("show"), "due") == one  # nothing went yet
    assert said("apply", "--as", "body:fujian", code=1)["code"] == "role_not_allowed"
    assert counts(said("apply", "--yes"), "removed") == one
    assert counts(said("apply"), "removed") == dict.fromkeys(CLASSES, 0)
    [entry] = list_entries(sqlite_engine, kind="removal")
    assert (entry.object, entry.actor[:9]) == (f"{case_id}/form/1", "operator:")
    with pytest.raises(Refused, match="已按保存期限清除，时间 20"):
        show_form(sqlite_engine, case_id, Viewer(ROOT, "req_2"))
