"""The lines of an export: the audit's, without the texts of other seasons, and the history's."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, select

from models import tables
from models.cases.history import bound_line
from models.chain import GENESIS
from models.store.engine import reading
from services.audit.chain import ROWS_AT_ONCE, chain_lines
from services.clock import now

ON_THE_WAY = timedelta(minutes=5)
"""A step younger than this may not have reached the audit yet; an older one must have."""


class SeasonLines:
    """The lines of the audit; those of other seasons come without their texts.

    Attributes:
        with_text: How many lines came with their text; counted while they are read.
        head: Place and hash of the last line that was read.
        seen: The newest seq of each case that was read.
    """

    def __init__(self, audit: Engine, season: str) -> None:
        self._audit, self._season = audit, season
        self.with_text = 0
        self.head: dict[str, Any] = {"n": 0, "hash": GENESIS}
        self.seen: dict[str, int] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each line, and note what was read."""
        for line, body in chain_lines(self._audit):
            bound = line["bound"]
            if bound["case_seq"] is not None:
                self.seen[bound["case_id"]] = bound["case_seq"]
            self.head = {"n": bound["n"], "hash": line["hash"]}
            if _season_of(body) == self._season:
                self.with_text += 1
                yield {**line, "body": body}
            else:
                yield line


def history_lines(record: Engine, season: str, seen: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the lines of history, without the newest that may not have reached the audit.

    Args:
        record: The record.
        season: Of this season.
        seen: The newest seq of each case in the audit.
    """
    fresh = now() - ON_THE_WAY
    lines, cases = tables.transition, tables.case_record
    query = (
        select(lines)
        .join(cases, cases.c.id == lines.c.case_id)
        .where(cases.c.season_id == season)
        .order_by(lines.c.case_id, lines.c.seq)
    )
    with reading(record) as connection:
        rows = connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE))
        for row in rows.mappings():
            if row["seq"] > seen.get(row["case_id"], 0) and row["at"] > fresh:
                continue
            yield {"bound": bound_line(row), "previous_hash": row["previous_hash"],
                   "hash": row["hash"]}  # fmt: skip


def _season_of(body: str) -> str | None:
    try:
        season = json.loads(body)["data"]["season"]
    except (ValueError, KeyError, TypeError):
        return None
    return season if isinstance(season, str) else None
