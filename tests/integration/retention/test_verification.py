"""The audit verifies after a removal, and names what was removed by other hands or too early."""

from pathlib import Path

import pytest
from sqlalchemy import text

from models.store.engine import transaction
from services.audit.export import EvidenceStores, export
from tests.factories import (
    OPENS,
    SEASON,
)
from tests.integration.audit.archives import inspected, unpacked
from tests.integration.audit.stores import tamper
from tests.integration.retention.world import (
    DAY,
    LONG_AFTER,
    REASON,
    World,
    frozen,
    history_of,
    moments,
)


def test_after_a_removal_the_audit_is_whole(world: World, tmp_path: Path) -> None:
    lines = [line.model_copy(update={"reason": None}) for line in history_of(world)]
    world.remove(LONG_AFTER)
    assert world.verify().ok  # also before the audit has witnessed the entries
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
    filed = {world.ended, *([] if frozen(world, world.open) is None else [world.open])}
    assert set(world.kinds()) == {("changed", f"{case}:1") for case in filed}


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
    """By hand, but with an entry as the command would make it."""
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
