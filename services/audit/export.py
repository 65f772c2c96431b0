"""One season's evidence as an archive that anybody can verify with the servers off."""

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, select

from models.cases.history import bound_line
from models.chain import GENESIS
from models.refusals import Refused, unknown_season
from models.store.engine import reading
from models.tables import CaseRecord, Season, Transition, table_of
from services.audit import archive_verifier
from services.audit.chain import ROWS_AT_ONCE, chain_lines
from services.audit.signing import read_lines
from services.clock import now

ON_THE_WAY = timedelta(minutes=5)
"""So long a step may take until the audit has seen it; an older one has to be there."""

_CASES, _LINES, _SEASONS = table_of(CaseRecord), table_of(Transition), table_of(Season)


class AuditExport(BaseModel):
    """What was exported. `records`: with their text; `skeletons`: other seasons', without."""

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
    """Where the evidence lies: both databases, and the files outside of them."""

    record: Engine
    audit: Engine
    anchors: Path
    digests: Path


def export(sources: EvidenceStores, season: str, target: Path) -> AuditExport:
    """Write the archive of a season, a `.tar.gz`.

    The audit is read before the files beside it and up to one moment; what those say of
    later lines is left out, so the system may run meanwhile.

    Raises:
        Refused: `unknown_season`, or `file_exists`.
    """
    with reading(sources.record) as connection:
        if connection.scalar(select(_SEASONS.c.id).where(_SEASONS.c.id == season)) is None:
            raise unknown_season(season)
    if target.exists():
        raise Refused("file_exists", f"{target} 已存在，请另选文件名。")
    with TemporaryDirectory(dir=target.absolute().parent) as name:
        folder = Path(name)
        report = _fill(sources, season, folder).model_copy(update={"file": str(target)})
        with tarfile.open(folder / "archive", "w:gz") as archive:
            for path in sorted(folder.iterdir()):
                if path.name != "archive":
                    archive.add(path, f"audit-{season}/{path.name}")
        (folder / "archive").rename(target)
    return report


def _fill(sources: EvidenceStores, season: str, folder: Path) -> AuditExport:
    # Anchors and digests first: the chain holds whatever they speak of, unless it was cut.
    anchors = _write(folder / "anchors.jsonl", read_lines(sources.anchors))
    digests = _write(folder / "digests.jsonl", read_lines(sources.digests))
    head: dict[str, Any] = {"n": 0, "hash": GENESIS}
    told, seen = 0, dict[str, int]()

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal told
        for line in _audit_lines(sources.audit, season):
            told += "body" in line
            if line["bound"]["case_seq"] is not None:
                seen[line["bound"]["case_id"]] = line["bound"]["case_seq"]
            head.update(n=line["bound"]["n"], hash=line["hash"])
            yield line

    audit = _write(folder / "audit.jsonl", counted())
    history = _write(folder / "history.jsonl", _history_lines(sources.record, season, seen))
    source = Path(archive_verifier.__file__).read_bytes()
    (folder / "verify.py").write_bytes(source)
    counts = {"anchors.jsonl": anchors, "digests.jsonl": digests, "audit.jsonl": audit,
              "history.jsonl": history, "verify.py": source.count(b"\n")}  # fmt: skip
    _manifest(folder, season, head, counts)
    return AuditExport(
        season=season, file="", records=told, skeletons=audit - told, history=history,
        anchors=anchors, digests=digests, head=head["hash"],
    )  # fmt: skip


def _manifest(
    folder: Path, season: str, head: Mapping[str, Any], counts: Mapping[str, int]
) -> None:
    files = {
        name: {
            "sha256": archive_verifier.digest_bytes((folder / name).read_bytes()),
            "lines": lines,
        }
        for name, lines in counts.items()
    }
    manifest = {"tool": f"tuixuan {version('tuixuan')}", "format": 1, "season": season,
                "head": head, "files": files}  # fmt: skip
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _write(path: Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write JSON Lines; return how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, line in enumerate(lines, start=1):  # noqa: B007 - the number is the result
            file.write(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n")
    return count


def _audit_lines(engine: Engine, season: str) -> Iterator[dict[str, Any]]:
    for line, body in chain_lines(engine):
        yield {**line, "body": body} if _season_of(body) == season else line


def _season_of(body: str) -> str | None:
    try:
        said = json.loads(body)["data"]["season"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, str) else None


def _history_lines(
    engine: Engine, season: str, seen: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """Yield the lines of history; the newest may be on their way to the audit, and are left out.

    Args:
        engine: The record.
        season: Of this season.
        seen: Up to which line the audit has seen each case.
    """
    fresh = now() - ON_THE_WAY
    query = (
        select(_LINES)
        .join(_CASES, _CASES.c.id == _LINES.c.case_id)
        .where(_CASES.c.season_id == season)
        .order_by(_LINES.c.case_id, _LINES.c.seq)
    )
    with reading(engine) as connection:
        rows = connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
        for row in rows.mappings():
            if row["seq"] > seen.get(row["case_id"], 0) and row["at"] > fresh:
                continue
            yield {"bound": bound_line(row), "previous_hash": row["previous_hash"],
                   "hash": row["hash"]}  # fmt: skip
