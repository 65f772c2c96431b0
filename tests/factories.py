"""Plain builders of seasons, cases and transitions, through the code that makes real ones.

Names, units and numbers in the forms are invented.
"""

from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from models.cases.actions.names import Action
from models.cases.actions.registry import allowed_roles, parse_command
from models.cases.actors import Actor, Role
from models.cases.commands import Command
from models.cases.form_check import CaseForm, form_digest
from models.cases.lifecycle import RULES
from models.cases.messages import CommitTransitionInput, CommitTransitionResult, Standing
from models.cases.states import State
from models.chain import GENESIS, digest_text
from models.programme.definition import Programme
from models.store.engine import reading, transaction
from models.tables import CaseReason, CaseRecord, CaseRevision, Unit, table_of
from services.cases.commit import Commits
from services.cases.standing import read_standing
from services.clock import new_id
from services.people.users import add_user
from services.seasons.cache import SeasonCache
from services.seasons.opening import open_season as open_real_season

ROOT = Path(__file__).resolve().parents[1]
SEASON = "2024"
OPENS = datetime(2024, 3, 25, 1, tzinfo=UTC)
"""Nine in the morning of the day on which the 2024 call opens."""

PATHS: dict[State, tuple[Action, ...]] = {
    State.DRAFT: (),
    State.PROVINCE_REVIEW: (Action.SUBMIT,),
    State.RECOMMENDATION: (Action.SUBMIT, Action.ACCEPT),
    State.FORMAL_CHECK: (Action.SUBMIT, Action.ACCEPT, Action.RECOMMEND),
}
PATHS[State.LAPSED] = (Action.LAPSE,)
PATHS[State.CORRECTION] = (*PATHS[State.FORMAL_CHECK], Action.REQUEST_CORRECTION)
PATHS[State.EXPERT_REVIEW] = (*PATHS[State.FORMAL_CHECK], Action.PASS_FORMAL_CHECK)
PATHS[State.ORAL_DEFENSE] = (*PATHS[State.EXPERT_REVIEW], Action.SHORTLIST)
PATHS[State.PUBLICATION] = (*PATHS[State.ORAL_DEFENSE], Action.SELECT)
PATHS[State.PUBLISHED] = (*PATHS[State.PUBLICATION], Action.PUBLISH)
"""How a case comes to each state the shortest way."""


@cache
def programme() -> Programme:
    """The real call of 2024."""
    text = (ROOT / "programmes" / "2024-new-services.toml").read_text(encoding="utf-8")
    return Programme.from_toml(text)


@cache
def _sample() -> CaseForm:
    text = (ROOT / "programmes" / "samples" / "case.toml").read_text(encoding="utf-8")
    return CaseForm.from_toml(text)


@lru_cache(maxsize=8)
def _cache(engine: Engine) -> SeasonCache:
    """A worker keeps it too: programmes and working days are read once."""
    del engine  # the key: each record has its own seasons
    return SeasonCache()


def commits(engine: Engine) -> Commits:
    """The record's one door."""
    return Commits(engine, _cache(engine))


def form(**changes: Any) -> CaseForm:
    """A form that may be filed, with changes."""
    return _sample().model_copy(update=changes)


def open_season(engine: Engine, *, season: str = SEASON) -> str:
    """Open the season of the real call, with its own dates; return its id.

    Without quiet hours, so that what waits for a mail waits as long at any hour.
    """
    call = programme()
    changes = {"id": season, "reminders": call.reminders.without_quiet()}
    return open_real_season(engine, call.model_copy(update=changes), OPENS).id


def make_case(
    engine: Engine,
    *,
    season: str = SEASON,
    state: State = State.DRAFT,
    unit_id: str | None = None,
    **changes: Any,
) -> str:
    """Put a case on record and bring it to `state`; return its id.

    Args:
        engine: The record.
        season: An open season.
        state: Where the case shall stand.
        unit_id: A unit on record; None: a new one.
        changes: What the form holds. Each case has a title of its own, so that none
            counts as filed before.
    """
    case_id = new_id("case")
    content = form(**{"title": f"虚构案例 {case_id[-6:]}", **changes})
    with transaction(engine) as connection:
        if unit_id is None:
            unit_id = new_id("unit")
            name = {"name": unit_id, "name_key": unit_id}
            row = {"id": unit_id, "season_id": season, **name, "created_at": OPENS}
            connection.execute(insert(Unit), row)
        _insert_draft(connection, case_id, season, unit_id, content)
    for action in PATHS[state]:
        commit(engine, case_id, action)
    return case_id


def enter_applicant(engine: Engine, case_id: str) -> str:
    """Enter a user who acts for a case's unit; return the id."""
    cases = table_of(CaseRecord).c
    with transaction(engine) as connection:
        unit = connection.scalar(select(cases.unit_id).where(cases.id == case_id))
        add_user(
            connection, id=f"of-{unit}", season_id="2024", role=Role.APPLICANT, org=unit,
            name="示例", email=None, at=OPENS,
        )  # fmt: skip
    return f"of-{unit}"


def save_form(engine: Engine, case_id: str, **changes: Any) -> None:
    """Save the second version of a case's form."""
    content = form(**changes)
    with transaction(engine) as connection:
        connection.execute(
            update(CaseRecord).where(table_of(CaseRecord).c.id == case_id).values(revision=2)
        )
        _insert_revision(connection, case_id, 2, content)


def keep_reason(engine: Engine, case_id: str, text: str) -> str:
    """Put a text on record as people's words are; return its digest."""
    digest = digest_text(text)
    with transaction(engine) as connection:
        connection.execute(
            insert(CaseReason),
            {"case_id": case_id, "digest": digest, "text": text, "written_at": OPENS},
        )
    return digest


def standing(engine: Engine, case_id: str) -> Standing:
    """Where the case stands on record."""
    return read_standing(engine, _cache(engine), case_id, OPENS)


def wanted(
    engine: Engine, case_id: str, action: Action, *, update_id: str | None = None, **fields: Any
) -> CommitTransitionInput:
    """The next transition of a case, as a workflow asks for it. Guards are not asked."""
    stands = standing(engine, case_id)
    target = next(
        rule.dest or stands.state
        for rule in RULES
        if rule.action is action and stands.state in rule.sources
    )
    return CommitTransitionInput.of(
        stands,
        update_id or new_id("req"),
        action,
        target,
        OPENS + timedelta(hours=stands.seq + 1),
        _command(engine, case_id, action, fields),
    )


def commit(
    engine: Engine, case_id: str, action: Action, *, update_id: str | None = None, **fields: Any
) -> CommitTransitionResult:
    """Commit the next transition of a case through the record's one door."""
    asked = wanted(engine, case_id, action, update_id=update_id, **fields)
    return commits(engine).commit(asked)


def _insert_draft(
    connection: Connection, case_id: str, season: str, unit_id: str, content: CaseForm
) -> None:
    call = programme()
    connection.execute(
        insert(CaseRecord),
        {
            "id": case_id, "season_id": season, "body_id": call.body_for(content.location).id,
            "unit_id": unit_id, "applicant_id": unit_id, "title": content.title,
            "category": call.category(content.category).key, "state": State.DRAFT, "seq": 0,
            "head_hash": GENESIS, "revision": 1, "since": OPENS, "overdue": False,
            "deadline": call.cutoff_for(call.body_for(content.location)), "return_rounds": 0,
            "created_at": OPENS, "updated_at": OPENS,
        },
    )  # fmt: skip
    _insert_revision(connection, case_id, 1, content)


def _insert_revision(
    connection: Connection, case_id: str, revision: int, content: CaseForm
) -> None:
    connection.execute(
        insert(CaseRevision),
        {
            "case_id": case_id, "revision": revision, "form": content.model_dump(mode="json"),
            "digest": form_digest(content), "saved_by": "applicant:test", "saved_at": OPENS,
        },
    )  # fmt: skip


def _command(engine: Engine, case_id: str, action: Action, fields: dict[str, Any]) -> Command:
    role = allowed_roles(action)[0]
    values: dict[str, Any] = {"actor": Actor(role=role, id=str(role)), **fields}
    if action in (Action.SUBMIT, Action.RESUBMIT):
        values = {**_newest(engine, case_id), **values}
    return parse_command(action, values)


def _newest(engine: Engine, case_id: str) -> dict[str, Any]:
    rows = table_of(CaseRevision).c
    with reading(engine) as connection:
        found = connection.execute(
            select(rows.revision, rows.digest)
            .where(rows.case_id == case_id)
            .order_by(rows.revision.desc())
            .limit(1)
        ).one()
    return {"revision": found.revision, "content": found.digest}
