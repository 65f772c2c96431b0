"""What is exported can be verified with the servers off, and every change of it is named."""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from models import tables
from models.cases.actions.names import Action
from models.cases.states import State
from models.refusals import Refused
from models.store.engine import reading
from services.audit import evidence
from services.audit.archive_verifier import digest, digest_bytes
from services.audit.export import EvidenceStores, export
from tests.factories import commit, make_case, open_season
from tests.integration.audit.archives import edit, inspected, unpacked
from tests.streams import incoming, outbox
from workers.audit import AuditHandler

AT = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def sources(engine: Engine, audit_engine: Engine, season: str, tmp_path: Path) -> EvidenceStores:
    """Two cases with two events each, witnessed."""
    made = EvidenceStores(engine, audit_engine, tmp_path / "anchors", tmp_path / "digests")
    commit(engine, make_case(engine, season=season, state=State.PROVINCE_REVIEW), Action.WITHDRAW)
    make_case(engine, season=season, state=State.RECOMMENDATION)
    handler = AuditHandler(audit_engine, made.anchors)
    handler.apply([incoming(row.body, place) for place, row in enumerate(outbox(engine), start=1)])
    return made


@pytest.fixture
def archive(sources: EvidenceStores, season: str, tmp_path: Path) -> Path:
    """The unpacked archive."""
    export(sources, season, tmp_path / "evidence.tar.gz")
    return unpacked(tmp_path / "evidence.tar.gz", tmp_path / "unpacked")


def test_what_nobody_touched_is_ok(archive: Path) -> None:
    assert inspected(archive) == (0, [])


def test_any_flipped_byte_of_any_file_is_found(archive: Path) -> None:
    for path in sorted(archive.glob("*.jsonl")):
        was = path.read_bytes()
        if not was:
            continue
        path.write_bytes(was[:40] + bytes([was[40] ^ 1]) + was[41:])
        code, problems = inspected(archive)
        assert code == 3
        assert ("changed", f"file:{path.name}") in problems
        path.write_bytes(was)
    assert inspected(archive) == (0, [])


def test_a_flipped_byte_is_found_though_the_manifest_was_made_to_fit(archive: Path) -> None:
    def flip(lines: list[dict[str, object]]) -> None:
        lines[1]["body"] = str(lines[1]["body"]).replace("fujian", "fujiao")

    edit(archive, "audit.jsonl", flip)
    code, problems = inspected(archive)
    assert (code, problems[0]) == (3, ("changed", "audit:2"))
    assert [kind for kind, _ in problems[1:]] == ["differs"]  # and from its step of history


def test_a_removed_row_is_found(archive: Path) -> None:
    edit(archive, "audit.jsonl", lambda lines: lines.__delitem__(1))
    code, problems = inspected(archive)
    assert (code, problems[0]) == (3, ("missing", "audit:3"))
    assert [kind for kind, _ in problems[1:]] == ["not_audited"]


def test_a_cut_tail_is_found(archive: Path) -> None:
    edit(archive, "audit.jsonl", lambda lines: lines.__delitem__(slice(3, None)))
    code, problems = inspected(archive)
    assert code == 3
    assert ("cut_tail", "manifest") in problems
    assert ("cut_tail", "anchor:4") in problems


def test_a_chain_made_anew_is_found(archive: Path) -> None:
    def forge(lines: list[dict[str, object]]) -> None:
        previous = str(lines[2]["hash"])
        for line in lines[3:]:
            line["previous_hash"] = previous
            line["bound"] = {**dict(line["bound"]), "stream_seq": 77}  # type: ignore[call-overload]
            previous = digest({"previous": previous, "record": line["bound"]})
            line["hash"] = previous

    edit(archive, "audit.jsonl", forge)
    assert inspected(archive) == (
        3,
        [("rewritten", "manifest"), ("rewritten", "anchor:4")],
    )


def test_an_event_that_is_not_its_step_s_is_found_though_both_chains_fit(archive: Path) -> None:
    def forge(lines: list[dict[str, Any]]) -> None:
        previous = lines[0]["previous_hash"]
        for line in lines:
            if line["bound"]["case_seq"] == 1:
                line["body"] = line["body"].replace('"body":"fujian"', '"body":"hunan"')
                line["bound"]["body"] = digest_bytes(line["body"].encode())
            line["previous_hash"] = previous
            previous = line["hash"] = digest({"previous": previous, "record": line["bound"]})

    edit(archive, "audit.jsonl", forge)
    found = [kind for kind, _ in inspected(archive)[1]]
    assert "differs" in found


@pytest.mark.parametrize(("place", "kind"), [(0, "missing"), (-1, "not_in_record")])
def test_a_removed_line_of_history_is_found(archive: Path, place: int, kind: str) -> None:
    edit(archive, "history.jsonl", lambda lines: lines.__delitem__(place))
    code, problems = inspected(archive)
    assert code == 3
    assert kind in [problem[0] for problem in problems]


def test_a_changed_line_of_history_is_found(archive: Path) -> None:
    def change(lines: list[dict[str, object]]) -> None:
        lines[0]["bound"] = {**dict(lines[0]["bound"]), "actor_id": "x"}  # type: ignore[call-overload]

    edit(archive, "history.jsonl", change)
    assert [kind for kind, _ in inspected(archive)[1]] == ["changed"]


def test_a_step_that_the_audit_never_saw_is_found(archive: Path) -> None:
    def forge(lines: list[dict[str, object]]) -> None:
        last = lines[-1]
        bound = {**dict(last["bound"]), "seq": int(dict(last["bound"])["seq"]) + 1}  # type: ignore[call-overload]
        made = {"bound": bound, "previous_hash": last["hash"]}
        made["hash"] = digest({"previous": last["hash"], "record": bound})
        lines.append(made)

    edit(archive, "history.jsonl", forge)
    assert [kind for kind, _ in inspected(archive)[1]] == ["not_audited"]


def test_a_text_taken_away_so_that_history_could_be_changed_is_found(archive: Path) -> None:
    """A line without its text still fits the chain: other seasons' have none."""

    def change(lines: list[dict[str, object]]) -> None:
        bound = {**dict(lines[-1]["bound"]), "actor_id": "x"}  # type: ignore[call-overload]
        lines[-1]["bound"] = bound
        lines[-1]["hash"] = digest({"previous": lines[-1]["previous_hash"], "record": bound})

    edit(archive, "audit.jsonl", lambda lines: lines[-1].__delitem__("body"))
    edit(archive, "history.jsonl", change)
    kinds = [kind for kind, _ in inspected(archive)[1]]
    assert inspected(archive)[0] == 3
    assert set(kinds) == {"changed", "not_audited"}


def test_a_file_taken_out_of_the_manifest_as_well_is_found(archive: Path) -> None:
    (archive / "digests.jsonl").unlink()
    manifest = json.loads((archive / "manifest.json").read_text("utf-8"))
    del manifest["files"]["digests.jsonl"]
    (archive / "manifest.json").write_text(json.dumps(manifest))
    assert inspected(archive) == (3, [("missing", "manifest")])


def test_what_is_on_its_way_to_the_audit_is_left_out_and_what_should_be_there_is_not(
    sources: EvidenceStores, season: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = make_case(sources.record, season=season, state=State.PROVINCE_REVIEW)
    with reading(sources.record) as connection:
        steps = tables.transition.c
        at = connection.scalar(select(steps.at).where(steps.case_id == case))
    assert at is not None
    for minutes, found in ((1, []), (10, [("not_audited", f"{case}:1")])):
        monkeypatch.setattr(evidence, "now", lambda m=minutes: at + timedelta(minutes=m))
        export(sources, season, tmp_path / f"{minutes}.tar.gz")
        folder = unpacked(tmp_path / f"{minutes}.tar.gz", tmp_path / str(minutes))
        assert inspected(folder)[1] == found


def test_a_missing_file_is_found(archive: Path) -> None:
    (archive / "anchors.jsonl").unlink()
    assert inspected(archive) == (3, [("missing", "file:anchors.jsonl")])


def test_what_is_no_archive_is_said(archive: Path) -> None:
    (archive / "manifest.json").write_text("[]")
    assert inspected(archive)[0] == 3


def test_other_seasons_leave_only_what_the_chain_needs(
    sources: EvidenceStores, tmp_path: Path
) -> None:
    open_season(sources.record, season="2031")
    report = export(sources, "2031", tmp_path / "other.tar.gz")
    assert (report.records, report.skeletons, report.history) == (0, 4, 0)
    assert inspected(unpacked(tmp_path / "other.tar.gz", tmp_path / "other")) == (0, [])
    with tarfile.open(tmp_path / "other.tar.gz") as archive:
        file = archive.extractfile("audit-2031/audit.jsonl")
        assert file is not None
        assert b"title" not in file.read()


def test_nothing_is_written_over(sources: EvidenceStores, season: str, tmp_path: Path) -> None:
    (tmp_path / "here").touch()
    with pytest.raises(Refused, match="已存在"):
        export(sources, season, tmp_path / "here")
    with pytest.raises(Refused, match="没有征集季"):
        export(sources, "1999", tmp_path / "there")
