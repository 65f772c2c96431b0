"""What has expired is removed, batch by batch, and each removal has its audit entry."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from models import tables
from models.cases.actions.names import Action
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.chain import digest, digest_text
from models.refusals import Refused
from services.audit.entries import enter
from services.retention import removal
from services.retention.due import due
from services.retention.messages import REMOVED
from services.retention.removal import removing
from tests.factories import (
    SEASON,
    commit,
    keep_reason,
    make_case,
)
from tests.integration.retention.world import (
    CLASSES,
    LONG_AFTER,
    REASON,
    ROOT,
    World,
    contents,
    end_open_case,
)


def test_of_an_open_case_nothing_goes_however_old(world: World) -> None:
    was = contents(world, world.open)
    world.remove(LONG_AFTER)
    assert contents(world, world.open) == was
    assert len(world.rows(tables.user_channel)) == 1
    assert {each.case_id for each in world.entries()} <= {world.ended, world.open}
    assert {each.object for each in world.entries() if each.case_id == world.open} == {
        f"{world.open}/webhooks"
    }


def test_of_what_is_removed_nothing_is_left(world: World) -> None:
    end_open_case(world)
    world.remove(LONG_AFTER)
    for case_id in (world.ended, world.open):
        assert {*contents(world, case_id)} == {"{}", "None", ""}
    assert {row.subject for row in world.rows(tables.inbox_message)} == {REMOVED}
    assert {row.body for row in world.rows(tables.webhook_delivery)} == {""}
    assert {(row.error, row.answer_head) for row in world.rows(tables.webhook_attempt)} == {
        (None, None)
    }
    assert {row.last_error for row in world.rows(tables.delivery)} == {None}
    assert world.rows(tables.user_channel) == []
    assert world.counts(LONG_AFTER) == dict.fromkeys(CLASSES, 0)
    assert "wang@example" not in str(world.rows(tables.app_user))


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


def test_each_removal_is_an_entry(world: World) -> None:
    forms = [digest(row.form) for row in world.rows(tables.case_revision, case_id=world.ended)]
    texts = [
        [row.id, row.subject, row.text]
        for row in sorted(world.rows(tables.inbox_message, case_id=world.ended))
    ]
    world.remove(LONG_AFTER)
    found = [each for each in world.entries() if each.case_id == world.ended]
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
    assert [each for each in world.entries() if each.case_id == world.ended] == found


def test_the_audit_of_an_address_does_not_tell_it(world: World) -> None:
    end_open_case(world)
    world.remove(LONG_AFTER)
    [entry] = [each for each in world.entries() if each.action == "retention.addresses"]
    assert (entry.object, entry.case_id) == (f"{SEASON}/addresses", None)
    assert entry.before == digest([["wang", "mail"], ["wang", "sms"]])


def test_who_is_stopped_in_between_begins_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 1)
    first = next(removing(world.record, SEASON, ROOT, "req_0", LONG_AFTER))
    assert (first.name, first.rows, first.entries) == ("forms", 1, 1)
    assert [each.object for each in world.entries()] == [f"{world.ended}/form/1"]
    world.append_entries()
    assert world.verify().ok
    assert world.remove(LONG_AFTER)["forms"] == 1
    objects = [each.object for each in world.entries() if "/form/" in each.object]
    assert objects == [f"{world.ended}/form/1", f"{world.ended}/form/2"]
    assert len(world.entries()) == 2 + 1 + 2 + 5
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
    assert (contents(world, world.ended), world.entries()) == (was, [])
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
    assert len(world.entries()) == 10


def test_only_an_operator_or_the_organiser_removes(world: World) -> None:
    for role in set(Role) - {Role.OPERATOR, Role.ORGANISER}:
        with pytest.raises(Refused, match="role_not_allowed"):
            list(removing(world.record, SEASON, Actor(role=role, id="x"), "r", LONG_AFTER))
    with pytest.raises(Refused, match="unknown_season"):
        list(removing(world.record, "2099", ROOT, "r", LONG_AFTER))
    with pytest.raises(Refused, match="unknown_season"):
        due(world.record, LONG_AFTER, "2099")
