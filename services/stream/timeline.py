"""What happened between two instants: one time line over all that the record tells of.

Not on record, so not in it: refusals, which leave no trace; restarts of processes, which are
in the logs of the state folder; the instants of a mail's failed attempts.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Engine, tuple_

from models.ids import Place, parse_place
from models.refusals import Refused, bad_cursor
from models.store.engine import reading
from services.stream.timeline_sources import SOURCES, HappenedLine, Kind, Source

MOST_AT_ONCE = 1000
_ORDER = {kind: n for n, kind in enumerate(SOURCES)}


@dataclass(frozen=True)
class Span:
    """What to list.

    Attributes:
        since, until: From when, and until when (exclusive).
        case_id: Only of this case; None: of all.
        kinds: Only of these; empty: of all.
        limit: At most so many, 1,000 at the most.
        cursor: `next_cursor` of the page before.
    """

    since: datetime
    until: datetime
    case_id: str | None = None
    kinds: Sequence[str] = ()
    limit: int = 200
    cursor: str | None = None


class Happened(BaseModel):
    """A page of what happened, the newest last. `next_cursor`: of the next page; None: the end."""

    items: list[HappenedLine]
    next_cursor: str | None


class _TimedLine(NamedTuple):
    """A line, its kind's place in the order, and what its key's columns hold."""

    at: datetime
    order: int
    line: HappenedLine
    key: str

    @property
    def cursor(self) -> str:
        return str(Place(self.at, f"{self.line.kind}/{self.key}"))


def read_timeline(engine: Engine, span: Span) -> Happened:
    """Return a page of what happened, the newest last.

    A cursor holds the values that sort, so what happens meanwhile costs no line.

    Raises:
        Refused: `unknown_kind` or `bad_cursor`.
    """
    kinds = _known_kinds(span.kinds)
    after = None if span.cursor is None else _parse(span.cursor)
    limit = max(1, min(span.limit, MOST_AT_ONCE))
    with reading(engine) as connection:
        pages = [list(_page(connection, kind, span, after, limit + 1)) for kind in kinds]
    merged = heapq.merge(*pages, key=lambda each: (each.at, each.order))
    found = [each for each, _ in zip(merged, range(limit + 1), strict=False)]
    return Happened(
        items=[each.line for each in found[:limit]],
        next_cursor=found[limit - 1].cursor if len(found) > limit else None,
    )


def _known_kinds(given: Sequence[str]) -> list[Kind]:
    unknown = [each for each in given if each not in set(Kind)]
    if unknown:
        message = (
            f"没有种类 {'、'.join(unknown)}，可选：{'、'.join(Kind)}。"
            "被拒绝的操作不留记录；进程的重启见 tuixuan status 与状态目录中的 log/。"
        )
        raise Refused("unknown_kind", message)
    return [kind for kind in Kind if not given or kind in given]


def _page(
    connection: Connection, kind: Kind, span: Span, after: "_After | None", limit: int
) -> Iterator[_TimedLine]:
    source = SOURCES[kind]
    if span.case_id is not None and source.case_id is None:
        return
    order = (source.at, *source.key)
    query = source.query.where(source.at >= span.since, source.at < span.until)
    if span.case_id is not None and source.case_id is not None:
        query = query.where(source.case_id == span.case_id)
    if after is not None:
        query = query.where(after.condition(kind, source))
    key = [f"key_{n}" for n in range(len(source.key))]
    query = query.add_columns(*(c.label(name) for c, name in zip(source.key, key, strict=True)))
    for row in connection.execute(query.order_by(*order).limit(limit)):
        line = source.line(row)
        named = ":".join(str(getattr(row, name)) for name in key)
        yield _TimedLine(line.at, _ORDER[kind], line, named)


class _After(NamedTuple):
    """Behind which line a page begins."""

    at: datetime
    kind: Kind
    key: str

    def condition(self, kind: Kind, source: Source) -> ColumnElement[bool]:
        """Return what rows of a kind come behind it."""
        if _ORDER[kind] < _ORDER[self.kind]:
            return source.at > self.at
        if _ORDER[kind] > _ORDER[self.kind]:
            return source.at >= self.at
        return tuple_(source.at, *source.key) > tuple_(self.at, *self._values(source))

    def _values(self, source: Source) -> tuple[object, ...]:
        if len(source.key) == 1:
            return (self.key,)
        text, _, number = self.key.rpartition(":")
        return text, int(number)


def _parse(cursor: str) -> _After:
    try:
        at, name = parse_place(cursor)
        kind, slash, key = name.partition("/")
        after = _After(at, Kind(kind), key if slash else "")
        after.condition(after.kind, SOURCES[after.kind])  # its number is one
    except ValueError as error:
        raise bad_cursor() from error
    return after
