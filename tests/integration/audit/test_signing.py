"""The audit's head is signed each day outside of the database, so that a cut tail shows."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nats.js import JetStreamContext
from sqlalchemy import Engine, text

from models.audit.signatures import key_id
from models.cases.actors import Actor, Role
from models.cases.states import State
from models.chain import digest
from models.refusals import Refused
from models.store.engine import transaction
from services.audit.access import Viewer
from services.audit.custody import rotate_key
from services.audit.digest_file import DigestFile
from services.audit.entries import list_entries
from services.audit.export import EvidenceStores, export
from services.audit.json_lines import read_lines
from services.audit.verification import verify
from tests.factories import make_case
from tests.integration.audit.archives import edit, inspected, unpacked
from tests.streams import incoming, outbox
from tests.waiting import until
from workers.audit import AuditHandler, run
from workers.stream.pace import ConsumerPace

DAY = datetime(2024, 4, 1, 15, 0, tzinfo=UTC)
"""23:00 in Beijing."""


class Signed:
    """A record, its witness, and the signed digests of two days."""

    def __init__(self, record: Engine, audit: Engine, folder: Path, at: datetime = DAY) -> None:
        self.sources = EvidenceStores(record, audit, folder / "anchors", folder / "digests")
        self.file = DigestFile(folder / "digests", folder / "key.pem")
        self.at = at
        handler = AuditHandler(audit, folder / "anchors", clock=lambda: self.at)
        for place, row in enumerate(outbox(record), start=1):
            handler.apply([incoming(row.body, place)])
            self.at += timedelta(minutes=30)

    def kinds(self) -> list[tuple[str, str]]:
        at = self.sources
        report = verify(at.record, at.audit, at.anchors, digests=self.file, patience_seconds=0)
        return [(problem.kind, problem.where) for problem in report.problems]


@pytest.fixture
def signed(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> Signed:
    """Two events on 1 April, two on 2 April."""
    for _ in range(2):
        make_case(engine, season=season, state=State.RECOMMENDATION)
    made = Signed(engine, audit_engine, tmp_path)
    made.file.sign_ended_days(audit_engine, DAY + timedelta(days=2))
    return made


def test_a_file_made_anew_with_another_key_is_found(signed: Signed, tmp_path: Path) -> None:
    """It fits in itself and the audit: only the key at hand can tell."""
    (tmp_path / "digests").unlink()
    forger = DigestFile(tmp_path / "digests", tmp_path / "forged.pem")
    forger.sign_ended_days(signed.sources.audit, DAY + timedelta(days=2))
    assert signed.kinds() == [("rewritten", "digest")]


def rewrite(path: Path, change: Callable[[list[dict[str, object]]], None]) -> None:
    lines = read_lines(path)
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_an_ended_day_without_a_digest_is_told(signed: Signed) -> None:
    def late(days: float) -> float:
        return signed.file.unsigned_seconds(signed.sources.audit, DAY + timedelta(days=days))

    assert late(2) == 0.0  # the third day has not ended
    assert late(3) == timedelta(hours=23).total_seconds()
    signed.file.sign_ended_days(signed.sources.audit, DAY + timedelta(days=3))
    assert late(3) == 0.0


def test_each_day_that_ended_in_beijing_is_signed_once(signed: Signed) -> None:
    lines = [(line["day"], line["n"], line["count"]) for line in signed.file.lines()[1:]]
    assert lines == [("2024-04-01", 2, 2), ("2024-04-02", 4, 2)]
    assert signed.file.sign_ended_days(signed.sources.audit, DAY + timedelta(days=2)) == []
    (missed,) = signed.file.sign_ended_days(signed.sources.audit, DAY + timedelta(days=3))
    assert (missed["day"], missed["count"], missed["closed"]) == ("2024-04-03", 0, True)
    assert signed.kinds() == []


def test_nothing_is_signed_before_there_is_anything(audit_engine: Engine, tmp_path: Path) -> None:
    assert DigestFile(tmp_path / "d", tmp_path / "k").sign_ended_days(audit_engine, DAY) == []


def test_signing_on_demand_closes_no_day(signed: Signed) -> None:
    line = signed.file.sign_now(signed.sources.audit, DAY + timedelta(days=2))
    assert (line["day"], line["closed"]) == ("2024-04-03", False)
    assert len(signed.file.sign_ended_days(signed.sources.audit, DAY + timedelta(days=3))) == 1
    assert signed.kinds() == []


def test_a_key_is_made_once_for_its_owner_alone(signed: Signed, tmp_path: Path) -> None:
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert len({line["key"] for line in signed.file.lines()}) == 1


def test_a_cut_tail_shows_though_the_anchors_were_cut_with_it(signed: Signed) -> None:
    with transaction(signed.sources.audit) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            connection.execute(text("DROP TRIGGER audit_record_no_delete"))
        connection.execute(text("DELETE FROM audit_record WHERE n = 4"))
    rewrite(signed.sources.anchors, lambda lines: lines.__delitem__(-1))
    assert ("cut_tail", "digest:2024-04-02") in signed.kinds()


@pytest.mark.parametrize(("name", "value"), [("head", "sha256:0"), ("n", 1), ("day", "2024-04-09")])
def test_a_rewritten_digest(signed: Signed, name: str, value: object) -> None:
    rewrite(signed.sources.digests, lambda lines: lines[1].update({name: value}))
    assert "rewritten" in {kind for kind, _ in signed.kinds()}


def test_a_removed_digest(signed: Signed) -> None:
    rewrite(signed.sources.digests, lambda lines: lines.__delitem__(1))
    assert ("rewritten", "digest:2024-04-02") in signed.kinds()


def test_a_lost_file_is_named_and_begins_anew_only_by_an_operators_word(signed: Signed) -> None:
    at = signed.sources
    copy = at.digests.read_bytes()
    at.digests.unlink()
    report = verify(at.record, at.audit, at.anchors, digests=signed.file, patience_seconds=0)
    [problem] = report.problems
    assert (problem.kind, str(at.digests) in problem.message) == ("digest_missing", True)
    for _ in range(2):
        with pytest.raises(Refused, match=str(at.digests)):
            signed.file.sign_ended_days(at.audit, DAY + timedelta(days=2))
        assert signed.kinds() == [("digest_missing", "digest")]
    at.digests.write_bytes(copy)
    assert signed.kinds() == []
    at.digests.write_bytes(b"")
    signed.file.rotate("磁盘损坏，没有副本", DAY + timedelta(days=2))
    signed.file.sign_ended_days(at.audit, DAY + timedelta(days=2))
    assert [line.get("reason", line.get("day")) for line in signed.file.lines()] == [
        "磁盘损坏，没有副本", "2024-04-01", "2024-04-02",
    ]  # fmt: skip
    assert signed.kinds() == []


def test_a_first_line_that_was_cut_short_is_written_at_the_next_try(
    signed: Signed, tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "digests").write_bytes(b'{"kind": "key", "public')
    (folder / "key.new").write_bytes((tmp_path / "key.pem").read_bytes())
    again = DigestFile(folder / "digests", folder / "key.pem")
    assert len(again.sign_ended_days(signed.sources.audit, DAY + timedelta(days=2))) == 2
    assert again.lost is None


def test_a_line_that_is_no_digest(signed: Signed) -> None:
    with signed.sources.digests.open("a") as file:
        file.write("{\n")
    assert signed.kinds() == [("digest_unreadable", "digest:4")]


def test_a_new_key_is_signed_by_the_old_one(signed: Signed) -> None:
    before = signed.file.lines()[0]["key"]
    line = signed.file.rotate("年度更换", DAY)
    assert (line["key"], line["reason"]) == (before, "年度更换")
    after = signed.file.sign_now(signed.sources.audit, DAY + timedelta(days=2))
    assert after["key"] != before
    assert signed.kinds() == []


def test_a_key_is_not_changed_without_a_reason(signed: Signed) -> None:
    before = signed.file.lines()
    with pytest.raises(Refused) as refused:
        signed.file.rotate(" ", DAY)
    assert refused.value.code == "reason_required"
    assert signed.file.lines() == before


def test_a_key_that_was_set_has_to_be_the_one_in_use(signed: Signed, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    given = DigestFile(signed.sources.digests, tmp_path / "none", pem)
    with pytest.raises(Refused, match="rotate-key"):
        given.sign_now(signed.sources.audit, DAY)
    with pytest.raises(Refused, match="--new-key"):
        given.rotate("x", DAY)
    signed.file.rotate("x", DAY, pem)
    assert given.sign_now(signed.sources.audit, DAY + timedelta(days=2))["kind"] == "digest"
    with pytest.raises(Refused, match="PEM"):
        signed.file.rotate("x", DAY, "no key")


def test_the_exported_verifier_checks_the_digests(
    signed: Signed, season: str, tmp_path: Path
) -> None:
    signed.file.rotate("年度更换", DAY)
    signed.file.sign_now(signed.sources.audit, DAY + timedelta(days=2))
    export(signed.sources, season, tmp_path / "a.tar.gz")
    folder = unpacked(tmp_path / "a.tar.gz", tmp_path / "unpacked")
    first = str(signed.file.lines()[0]["key"])
    assert inspected(folder, "--key", first) == (0, [])
    assert inspected(folder, "--key", "ed25519:0") == (3, [("wrong_key", "digests")])
    edit(folder, "digests.jsonl", lambda lines: lines[1].update(count=1))
    assert ("rewritten", "digest:2024-04-01") in inspected(folder)[1]


def test_the_exported_verifier_finds_a_tail_cut_everywhere_but_under_a_signature(
    signed: Signed, season: str, tmp_path: Path
) -> None:
    export(signed.sources, season, tmp_path / "a.tar.gz")
    folder = unpacked(tmp_path / "a.tar.gz", tmp_path / "unpacked")
    for name in ("audit.jsonl", "anchors.jsonl"):
        edit(folder, name, lambda lines: lines.__delitem__(-1))
    assert ("cut_tail", "digest:2024-04-02") in inspected(folder)[1]


async def test_the_worker_signs_the_days_that_it_missed(
    engine: Engine, audit_engine: Engine, season: str, js: JetStreamContext, tmp_path: Path
) -> None:
    make_case(engine, season=season, state=State.RECOMMENDATION)
    long_ago = datetime.now(UTC) - timedelta(days=3)
    signed = await asyncio.to_thread(Signed, engine, audit_engine, tmp_path, long_ago)
    stop = asyncio.Event()
    worker = asyncio.create_task(
        run(js, engine, audit_engine, tmp_path / "anchors", stop,
            ConsumerPace(fetch=0.1), digests=signed.file)
    )  # fmt: skip
    await until(lambda: len(signed.file.lines()) > 1)
    stop.set()
    await worker
    _first, *days = signed.file.lines()
    assert [line["closed"] for line in days[:3]] == [True] * 3


def test_a_new_key_is_entered_with_who_changed_it_and_why(signed: Signed) -> None:
    viewer = Viewer(Actor(role=Role.OPERATOR, id="root"), "req_a", "密钥到期")
    line = rotate_key(signed.sources.record, signed.file, viewer)
    [entry] = list_entries(signed.sources.record, kind="key")
    assert (entry.action, entry.actor, entry.reason) == (
        "audit.key_rotated", "operator:root", "密钥到期",
    )  # fmt: skip
    assert entry.object == key_id(bytes.fromhex(line["public_key"]))
    assert entry.after == digest(signed.file.lines()[-1])


def test_a_key_is_not_changed_for_a_reason_that_cannot_be_entered(signed: Signed) -> None:
    before = signed.file.lines()
    for reason, code in (("长" * 501, "bad_reason"), (" ", "reason_required")):
        viewer = Viewer(Actor(role=Role.OPERATOR, id="root"), "req_a", reason)
        with pytest.raises(Refused, match=code):
            rotate_key(signed.sources.record, signed.file, viewer)
    assert signed.file.lines() == before
    assert list_entries(signed.sources.record, kind="key") == []
