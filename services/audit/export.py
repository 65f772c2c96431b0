"""Export one season's evidence as an archive that anybody can verify without a server."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, select

from models import tables
from models.audit.report import Problem
from models.chain import digest_bytes
from models.refusals import Refused, unknown_season
from models.store.engine import reading
from services.audit.case_check import check_forms
from services.audit.case_file import read_cases
from services.audit.evidence import SeasonLines, history_lines
from services.audit.json_lines import read_lines, write_lines

VERIFIER = "verify.py"
CASES_AT_ONCE = 200


class _Forms(NamedTuple):
    """Filed forms: how many were held against their digests, and what came of it."""

    held: int
    problems: list[Problem]


class AuditExport(BaseModel):
    """What was exported.

    Attributes:
        records: Lines of the audit with their text.
        skeletons: Lines of the audit of other seasons, without their text.
        history: Lines of the history of cases.
        forms: Filed forms that were held against their digests; they are not in the archive.
        forms_changed: How many of them are gone or not as they were filed.
        head: The hash of the last line of the audit.
    """

    model_config = ConfigDict(frozen=True)

    season: str
    file: str
    records: int
    skeletons: int
    history: int
    forms: int
    forms_changed: int
    anchors: int
    digests: int
    head: str


@dataclass(frozen=True)
class EvidenceStores:
    """Where the evidence is: both databases, and the files outside of them."""

    record: Engine
    audit: Engine
    anchors: Path
    digests: Path


def export(stores: EvidenceStores, season: str, target: Path) -> AuditExport:
    """Write the archive of a season, a `.tar.gz`.

    The system may run meanwhile: the audit is read before the files beside it, and whatever
    those say of later lines is left out.

    Raises:
        Refused: `unknown_season`, or `file_exists`.
    """
    _refuse_unknown(stores.record, season)
    if target.exists():
        raise Refused("file_exists", f"{target} 已存在，请另选文件名。")
    with TemporaryDirectory(dir=target.absolute().parent) as name:
        folder = Path(name)
        report = _fill(stores, season, folder).model_copy(update={"file": str(target)})
        with tarfile.open(folder / "archive", "w:gz") as archive:
            for path in sorted(folder.iterdir()):
                if path.name != "archive":
                    archive.add(path, f"audit-{season}/{path.name}")
        (folder / "archive").rename(target)
    return report


def _refuse_unknown(record: Engine, season: str) -> None:
    known = tables.season.c.id
    with reading(record) as connection:
        if connection.scalar(select(known).where(known == season)) is None:
            raise unknown_season(season)


def _fill(stores: EvidenceStores, season: str, folder: Path) -> AuditExport:
    # Anchors and digests first: the chain holds whatever they speak of, unless it was cut.
    anchors = write_lines(folder / "anchors.jsonl", read_lines(stores.anchors))
    digests = write_lines(folder / "digests.jsonl", read_lines(stores.digests))
    chain = SeasonLines(stores.audit, season)
    audit = write_lines(folder / "audit.jsonl", chain)
    history = write_lines(
        folder / "history.jsonl", history_lines(stores.record, season, chain.seen)
    )
    verifier = files("services.audit").joinpath("archive_verifier.py").read_bytes()
    (folder / VERIFIER).write_bytes(verifier)
    counts = {"anchors.jsonl": anchors, "digests.jsonl": digests, "audit.jsonl": audit,
              "history.jsonl": history, VERIFIER: verifier.count(b"\n")}  # fmt: skip
    forms = _hold_forms(stores.record, season)
    _write_manifest(folder, season, chain, counts, forms)
    return AuditExport(
        season=season, file="", records=chain.with_text, skeletons=audit - chain.with_text,
        history=history, forms=forms.held, forms_changed=len(forms.problems), anchors=anchors,
        digests=digests, head=chain.head["hash"],
    )  # fmt: skip


def _hold_forms(record: Engine, season: str) -> _Forms:
    """Hold every filed form against its digest, which the history in the archive names.

    Forms hold personal data, and stay in the record.
    """
    cases = tables.case_record.c
    with reading(record) as connection:
        ids = connection.scalars(select(cases.id).where(cases.season_id == season)).all()
        held = 0
        problems: list[Problem] = []
        for some in batched(ids, CASES_AT_ONCE):
            for file in read_cases(connection, some).values():
                held += sum(1 for _ in file.filings())
                problems += check_forms(file)
    return _Forms(held, problems)


def _write_manifest(
    folder: Path, season: str, chain: SeasonLines, counts: Mapping[str, int], forms: _Forms
) -> None:
    listed = {
        name: {"sha256": digest_bytes((folder / name).read_bytes()), "lines": lines}
        for name, lines in counts.items()
    }
    manifest = {"tool": f"tuixuan {version('tuixuan')}", "format": 1, "season": season,
                "head": chain.head, "files": listed,
                "forms": {"held": forms.held, "problems": [
                    each.model_dump(mode="json") for each in forms.problems
                ]}}  # fmt: skip
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
