"""Remove what has expired in a season, with an audit entry for each removal."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from models import tables
from models.audit.entries import AuditEntry, EntryKind
from models.cases.actors import Actor, Role
from models.programme.retention import Retention
from models.refusals import Refused
from models.store.engine import transaction
from models.wording import role_name
from services.audit.entries import enter
from services.retention.classes import Removal
from services.retention.due import CLASSES, read_scope
from services.retention.views import WORDS, ClassRemoved

AT_ONCE = 200
"""Rows emptied in one transaction."""

_MAY_REMOVE = (Role.OPERATOR, Role.ORGANISER)


class Batch(NamedTuple):
    """What one transaction removed of a class.

    Attributes:
        name: The class.
        rows: How many rows were emptied.
        entries: How many audit entries were made.
    """

    name: str
    rows: int
    entries: int


@dataclass(frozen=True)
class _Remover:
    """Who removes, of which season, by which request, and when."""

    season: str
    actor: Actor
    request: str
    now: datetime


def removing(
    engine: Engine, season: str, by: Actor, request: str, now: datetime
) -> Iterator[Batch]:
    """Return the batches in which what is due is removed, each when it is asked for.

    Each is one transaction, with its audit entries in it. What was removed is due no more, so
    whoever stops in between, or is stopped, simply begins again.

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
        may = "、".join(map(role_name, _MAY_REMOVE))
        raise Refused("role_not_allowed", f"角色{role_name(by.role)}不能清除，只有{may}可以。")
    return _batches(engine, _Remover(season, by, request, now))


def total(season: str, batches: Iterable[Batch]) -> list[ClassRemoved]:
    """Return the sums of the batches, a line for each class."""
    rows, entries = dict.fromkeys(WORDS, 0), dict.fromkeys(WORDS, 0)
    for batch in batches:
        rows[batch.name] += batch.rows
        entries[batch.name] += batch.entries
    return [
        ClassRemoved(season=season, name=name, label=words.label, removed=rows[name],
                     deeds=entries[name])
        for name, words in WORDS.items()
    ]  # fmt: skip


def _batches(engine: Engine, remover: _Remover) -> Iterator[Batch]:
    for name in Retention.model_fields:
        while (batch := _remove_some(engine, name, remover)).rows:
            yield batch


def _remove_some(engine: Engine, name: str, remover: _Remover) -> Batch:
    """Remove up to `AT_ONCE` rows of a class in one transaction."""
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":  # else the file keeps the bytes until they are needed
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
        _lock_season(connection, remover.season)
        days, scope = read_scope(connection, remover.season, name, remover.now)
        expiring = CLASSES[name]
        rows = connection.execute(expiring.due(scope).limit(AT_ONCE)).all()
        removals = [*expiring.empty(connection, rows, scope, remover.now)] if rows else []
        for removal in removals:
            enter(connection, _entry(name, days, removal, remover), remover.now)
    return Batch(name, len(rows), len(removals))


def _lock_season(connection: Connection, season: str) -> None:
    """Let nobody else remove meanwhile: the second finds what the first left."""
    lock = select(tables.season.c.id).where(tables.season.c.id == season)
    connection.execute(lock.with_for_update(key_share=True))


def _entry(name: str, days: int, removal: Removal, remover: _Remover) -> AuditEntry:
    words = WORDS[name]
    return AuditEntry(
        kind=EntryKind.REMOVAL,
        action=f"retention.{name}",
        object=removal.object,
        actor=remover.actor,
        season=remover.season,
        case_id=removal.case_id,
        before=removal.before,
        reason=f"保存期限已满：{words.label}，自{words.since}起 {days} 天",
        request=remover.request,
    )
