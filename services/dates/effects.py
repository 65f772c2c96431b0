"""What the dates on record, or dates that are only planned, do to the cases of a season."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from models import tables
from models.cases.actions.names import Action
from models.cases.agenda import deadline_of
from models.cases.columns import Columns
from models.cases.outlook import NATIONAL_CUTOFF, CaseDates
from models.cases.states import ENDED, State
from models.dates.milestones import SeasonDates
from services.cases.rows import CASES_WITH_DATES
from services.dates.plan import CaseEffect, effect_of_extension, effect_on

_CASES, _LINES = tables.case_record.c, tables.transition.c
_NEWEST = and_(_LINES.case_id == _CASES.id, _LINES.seq == _CASES.seq, _LINES.action == Action.LAPSE)
_LAPSED = CASES_WITH_DATES.add_columns(_LINES.update_id.label("lapsed_by")).join(
    tables.transition, _NEWEST, isouter=True
)
"""Cases with their dates and, of those that the clock ended, the update that did."""


@dataclass(frozen=True)
class PlannedDates:
    """Dates that are not on record yet, civil; what is missing stays as it is on record."""

    milestones: Mapping[str, datetime] = field(default_factory=dict)
    body_id: str | None = None
    body_cutoff: datetime | None = None

    def over(self, case: Columns) -> Columns:
        """Return a case's columns with these dates in place of those on record."""
        written = {name: at.isoformat() for name, at in self.milestones.items()}
        milestones = {"milestones": {**case["milestones"], **written}}
        own = self.body_id is not None and case["body_id"] == self.body_id
        return {**case, **milestones, **({"body_cutoff": self.body_cutoff} if own else {})}


class SeasonEffects(NamedTuple):
    """What becomes of the cases of a season, and the ids of open cases that stay as they are."""

    touched: tuple[CaseEffect, ...]
    others: tuple[str, ...]


def season_effects(
    connection: Connection, season_id: str, now: datetime, planned: PlannedDates | None = None
) -> SeasonEffects:
    """Return what a season's dates do to its cases.

    Args:
        connection: Where to read.
        season_id: The season.
        now: This instant.
        planned: Dates that a move would put on record; None: those that are there.
    """
    touched: list[CaseEffect] = []
    others: list[str] = []
    cutoffs = _Cutoffs.read(connection, season_id)
    seasons: dict[str, SeasonDates] = {}  # every case has the same milestones
    lapsed_or_open = or_(_CASES.state.not_in([*ENDED]), _CASES.state == State.LAPSED)
    for row in _read(connection, _CASES.season_id == season_id, lapsed_or_open):
        case = row if planned is None else planned.over(row)
        if season_id not in seasons:
            seasons[season_id] = CaseDates.of(case).season
        dates = CaseDates(seasons[season_id], case["body_cutoff"], case["extended_cutoff"])
        effect = effect_on(case, dates, now, cutoffs.of(row))
        if effect is not None:
            touched.append(effect)
        elif case["state"] != State.LAPSED:
            others.append(case["id"])
    return SeasonEffects(tuple(touched), tuple(others))


def unit_effects(
    connection: Connection, season_id: str, unit_id: str, until: datetime, now: datetime
) -> SeasonEffects:
    """Return what a cutoff of its own does to a unit's drafts, lapsed ones too."""
    drafts = _CASES.state.in_([State.DRAFT, State.LAPSED])
    rows = [*_read(connection, _CASES.season_id == season_id, _CASES.unit_id == unit_id, drafts)]
    found = [(row["id"], row["state"], effect_of_extension(row, until, now)) for row in rows]
    touched = tuple(effect for _, _, effect in found if effect is not None)
    others = tuple(id_ for id_, state, effect in found if effect is None and state == State.DRAFT)
    return SeasonEffects(touched, others)


def read_case_with_end(connection: Connection, case_id: str) -> Columns | None:
    """Return a case's columns, with `lapsed_at` where the clock ended it; None: there is none."""
    return next(_read(connection, _CASES.id == case_id), None)


class _Cutoffs(NamedTuple):
    """Every cutoff that a season had, by body; None: everybody's."""

    had: Mapping[str | None, frozenset[datetime]]

    @classmethod
    def read(cls, connection: Connection, season_id: str) -> "_Cutoffs":
        changes = tables.season_change.c
        query = select(changes.body_id, changes.before, changes.after).where(
            changes.season_id == season_id, changes.milestone == NATIONAL_CUTOFF
        )
        had: dict[str | None, frozenset[datetime]] = {}
        for body_id, before, after in connection.execute(query):
            dates = {after} if before is None else {before, after}
            had[body_id] = had.get(body_id, frozenset()) | dates
        return cls(had)

    def of(self, row: Columns) -> frozenset[datetime]:
        """Return those that a case had, those on record now among them."""
        stands = CaseDates.of(row)
        now = {stands.national_cutoff, CaseDates(stands.season, row["body_cutoff"], None).cutoff}
        mine = self.had.get(None, frozenset()) | self.had.get(row["body_id"], frozenset())
        return mine | now


def _read(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[Columns]:
    query: Select[tuple[object, ...]] = _LAPSED.where(*conditions).order_by(_CASES.id)
    for row in connection.execute(query).mappings():
        lapsed_by = row["lapsed_by"]
        yield {**row, "lapsed_at": None if lapsed_by is None else deadline_of(lapsed_by)}
