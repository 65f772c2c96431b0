"""Export one season's evidence as an archive that anybody can verify without a server."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, select

from models import tables
from models.chain import digest_bytes
from models.refusals import Refused, unknown_season
from models.store.engine import reading
from services.audit.evidence import SeasonLines, history_lines
from services.audit.json_lines import read_lines, write_lines

VERIFIER = "verify.py"


class AuditExport(BaseModel):
    """What was exported.

    Attributes:
        records: Lines of the audit with their text.
        skeletons: Lines of the audit of other seasons, without their text.
        history: Lines of the history of cases.
        head: The hash of the last line of the audit.
    """

    model_config = ConfigDict(frozen=True)

    season: str
    file: str
    records: int
    skeletons: int
    history: int
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
    _write_manifest(folder, season, chain, counts)
    return AuditExport(
        season=season, file="", records=chain.with_text, skeletons=audit - chain.with_text,
        history=history, anchors=anchors, digests=digests, head=chain.head["hash"],
    )  # fmt: skip


def _write_manifest(
    folder: Path, season: str, chain: SeasonLines, counts: Mapping[str, int]
) -> None:
    listed = {
        name: {"sha256": digest_bytes((folder / name).read_bytes()), "lines": lines}
        for name, lines in counts.items()
    }
    manifest = {"tool": f"tuixuan {version('tuixuan')}", "format": 1, "season": season,
                "head": chain.head, "files": listed}  # fmt: skip
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
