"""What may be removed of a season by now, and its removal, which is itself on record."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, Engine, func, select

from models.audit.entries import AuditEntry, EntryKind
from models.cases.actors import Actor, Role
from models.cases.states import ENDED
from models.dates.milestones import SeasonDates
from models.programme.retention import LEAST_DAYS_KEPT, Retention
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import CaseRecord, Season, table_of
from services.audit.entries import enter
from services.retention.cases import FORMS, REASONS
from services.retention.classes import Holding, Scope
from services.retention.notifications import ADDRESSES, MESSAGES, WEBHOOKS
from services.retention.views import WORDS, ClassDue, ClassRemoved
from services.seasons.queries import read_programme

AT_ONCE = 200
"""Rows emptied in one transaction."""

HOLDINGS: Mapping[str, Holding] = {
    "forms": FORMS,
    "reasons": REASONS,
    "messages": MESSAGES,
    "webhooks": WEBHOOKS,
    "addresses": ADDRESSES,
}
"""The classes of `models.programme.retention.Retention`, by their names there."""

_SEASONS = table_of(Season).c
_CASES = table_of(CaseRecord).c
_MAY_REMOVE = (Role.OPERATOR, Role.ORGANISER)


class Batch(NamedTuple):
    """What one transaction removed."""

    name: str
    rows: int
    deeds: int


def due(engine: Engine, now: datetime, season: str | None = None) -> list[ClassDue]:
    """Return of each class how many are due, of one season or of all.

    Raises:
        Refused: `unknown_season`, or `programme_invalid`: its retention is too short.
    """
    with reading(engine) as connection:
        every = select(_SEASONS.id).order_by(_SEASONS.opened_at)
        seasons = [season] if season is not None else connection.scalars(every).all()
        return [
            _due(connection, each, name, now) for each in seasons for name in Retention.model_fields
        ]


def removing(
    engine: Engine, season: str, by: Actor, request: str, now: datetime
) -> Iterator[Batch]:
    """Return the batches in which what is due is removed, each as it is asked for.

    Each is one transaction, with its deeds in it. What was removed is due no more: whoever
    stops in between, or is stopped, begins again.

    Args:
        engine: The record.
        season: Of which season.
        by: Who removes: an operator or the organiser.
        request: The id of the request.
        now: This instant.

    Raises:
        Refused: `role_not_allowed`, `unknown_season`, or `programme_invalid`.
    """
    if by.role not in _MAY_REMOVE:
        raise Refused(
            "role_not_allowed", f"角色 {by.role} 不能清除，只有 operator、organiser 可以。"
        )
    return _batches(engine, season, (by, request), now)


def _batches(engine: Engine, season: str, by: tuple[Actor, str], now: datetime) -> Iterator[Batch]:
    for name in Retention.model_fields:
        while (batch := _remove_some(engine, season, name, by, now)).rows:
            yield batch


def total(season: str, batches: Iterable[Batch]) -> list[ClassRemoved]:
    """Return what the batches come to, a line for each class."""
    rows, deeds = dict.fromkeys(WORDS, 0), dict.fromkeys(WORDS, 0)
    for batch in batches:
        rows[batch.name] += batch.rows
        deeds[batch.name] += batch.deeds
    return [
        ClassRemoved(season=season, name=name, label=words.label, removed=rows[name],
                     deeds=deeds[name])
        for name, words in WORDS.items()
    ]  # fmt: skip


def before(days: int, now: datetime) -> datetime:
    """Return the instant at or before which something must have ended to be due.

    Whatever the programme on record says: never less than the least.
    """
    return now - timedelta(days=max(days, LEAST_DAYS_KEPT))


def _due(connection: Connection, season: str, name: str, now: datetime) -> ClassDue:
    days, scope = _scope(connection, season, name, now)
    rows = HOLDINGS[name].rows(scope).subquery()
    query = select(func.count().label("due"), func.min(rows.c.moment).label("oldest"))
    found = connection.execute(query.select_from(rows)).one()
    return ClassDue(season=season, name=name, days=days, due=found.due, oldest=found.oldest,
                    **WORDS[name]._asdict())  # fmt: skip


def _remove_some(
    engine: Engine, season: str, name: str, by: tuple[Actor, str], now: datetime
) -> Batch:
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":  # else the file keeps the bytes until they are needed
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        # Of two who remove at once the second finds what the first left.
        lock = select(_SEASONS.id).where(_SEASONS.id == season)
        connection.execute(lock.with_for_update(key_share=True))
        days, scope = _scope(connection, season, name, now)
        holding, words = HOLDINGS[name], WORDS[name]
        rows = connection.execute(holding.rows(scope).limit(AT_ONCE)).all()
        gone = list(holding.empty(connection, rows, scope, now)) if rows else []
        for each in gone:
            entry = AuditEntry(
                kind=EntryKind.REMOVAL,
                action=f"retention.{name}",
                object=each.object,
                actor=by[0],
                season=season,
                case_id=each.case_id,
                before=each.before,
                reason=f"保存期限已满：{words.label}，自{words.since}起 {days} 天",
                request=by[1],
            )
            enter(connection, entry, now)
    return Batch(name, len(rows), len(gone))


def _scope(connection: Connection, season: str, name: str, now: datetime) -> tuple[int, Scope]:
    kept = read_programme(connection, season).retention
    days: int = getattr(kept, name)
    return days, Scope(season, before(days, now), _over(connection, season))


def _over(connection: Connection, season: str) -> datetime | None:
    """Return when a season and its last case ended; None while a case is open."""
    cases = select(CaseRecord).where(_CASES.season_id == season)
    if connection.execute(cases.where(_CASES.state.not_in(ENDED)).limit(1)).first() is not None:
        return None
    query = select(_SEASONS.milestones, _SEASONS.anchor, _SEASONS.seconds_per_day)
    row = connection.execute(query.where(_SEASONS.id == season)).one()
    ends = [*SeasonDates.of(*row).milestones.values()]
    last = select(func.max(_CASES.since)).where(_CASES.season_id == season)
    ended: datetime | None = connection.scalar(last)
    return max([*ends, *([] if ended is None else [ended])])
