"""The record's one door: a transition is put on it here, whole, or not at all."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from threading import Lock

import structlog
from sqlalchemy import Connection, Engine, bindparam, insert, or_, update
from sqlalchemy.exc import IntegrityError
from temporalio import activity

from models.cases.actions.registry import parse_command
from models.cases.commands import ClockCommand, Command, FilingCommand
from models.cases.messages import (
    RECENT,
    CommitTransitionInput,
    CommitTransitionResult,
    Outlook,
    Refusal,
    Standing,
    StoredTransition,
)
from models.cases.states import State
from models.ids import event_id
from models.store.engine import reading, transaction
from models.tables import CaseRecord, Outbox, Transition, table_of
from services.cases.filing import refuse_filing
from models.cases.outlook import CaseDates, outlook
from services.cases.rows import (
    CHANGING,
    STORED,
    Columns,
    case_changes,
    history_line,
    outbox_line,
    read_case,
    season_dates,
    stored,
)
from services.seasons.cache import SeasonCache

_LINES, _CASES = table_of(Transition), table_of(CaseRecord)
_NEWEST = STORED.order_by(_LINES.c.seq.desc()).limit(RECENT)
_IN_THE_WAY = STORED.where(
    or_(_LINES.c.seq >= bindparam("seq"), _LINES.c.update_id == bindparam("update_id"))
).order_by(_LINES.c.seq)
_MOVE_CASE = (
    update(_CASES)
    .where(_CASES.c.id == bindparam("case_id"), _CASES.c.seq == bindparam("seq_before"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
)
_ADD_LINE, _ADD_EVENT = insert(_LINES), insert(table_of(Outbox))


log = structlog.get_logger(__name__)


class RecordBehindError(RuntimeError):
    """The record holds less than the workflow knows: a backup was put back, or worse.

    No retry mends it by itself, but each retry looks again, so that the case goes on
    by itself once the record is whole. Nothing is ever made up.
    """


class Records:
    """The activities of the record. Synchronous: they run in the worker's threads."""

    def __init__(self, engine: Engine) -> None:
        """Take the record's engine."""
        self._engine = engine
        self._cache = SeasonCache()
        self._turn = _turns(engine)

    @activity.defn(name="commit_transition")
    def commit_transition(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
        """Put a transition on record with its case row and its event, or say what stands.

        Returns:
            What stands from `wanted.seq` on. Never overwrites.

        Raises:
            RecordBehindError: The record ends before `wanted.seq - 1`.
        """
        try:
            result = self._commit_once(wanted)
        except IntegrityError:
            # Another writer took the place between our look and our insert.
            result = self._commit_once(wanted)
        log.info(
            "transition_answered",
            case_id=wanted.case_id,
            workflow_id=activity.info().workflow_id if activity.in_activity() else None,
            event_id=event_id(wanted.case_id, wanted.seq),
            action=str(wanted.action),
            outcome=_outcome(wanted, result),
        )
        return result

    @activity.defn(name="read_standing")
    def read_standing(self, case_id: str, now: datetime) -> Standing:
        """Return where a case stands, so that a workflow can start from the record.

        Raises:
            Refused: There is no such case.
        """
        self._cache.forget_working_days()  # what was just entered counts at once
        with reading(self._engine) as connection:
            case = read_case(connection, case_id)
            rows = connection.execute(_NEWEST, {"case_id": case_id})
            recent = [stored(row) for row in rows.mappings()]
            return Standing(
                case_id=case_id,
                season=case["season_id"],
                body=case["body_id"],
                state=State(case["state"]),
                seq=case["seq"],
                since=case["since"],
                recent=tuple(reversed(recent)),
                outlook=self._outlook(connection, case, now),
            )

    def _commit_once(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
        with self._turn, transaction(self._engine) as connection:
            return self._commit(connection, wanted)

    def _commit(
        self, connection: Connection, wanted: CommitTransitionInput
    ) -> CommitTransitionResult:
        case = read_case(connection, wanted.case_id, lock=True)
        command = parse_command(wanted.action, wanted.command)
        if case["seq"] < wanted.seq - 1:
            message = f"{wanted.case_id}: the record ends at {case['seq']}, before {wanted.seq}"
            raise RecordBehindError(message)
        rows, earlier = self._in_the_way(connection, wanted)
        refusal: Refusal | None = None
        if earlier is not None and earlier.command_digest != command.digest:
            refusal = Refusal(
                code="update_id_reused", message="同一请求编号已用于另一项操作，请换用新编号。"
            )
        elif earlier is None and not rows:
            refusal = self._refuse(connection, case, command)
            if refusal is None:
                row, case = self._write(connection, case, wanted, command)
                rows, earlier = (row,), row
        return CommitTransitionResult(
            rows=rows,
            answered=earlier is not None and refusal is None,
            refusal=refusal,
            outlook=self._outlook(connection, case, wanted.at),
        )

    def _in_the_way(
        self, connection: Connection, wanted: CommitTransitionInput
    ) -> tuple[tuple[StoredTransition, ...], StoredTransition | None]:
        """Return the lines from the wanted seq on, and the one of the very update, if any."""
        asked = {"case_id": wanted.case_id, "seq": wanted.seq, "update_id": wanted.update_id}
        found = [stored(row) for row in connection.execute(_IN_THE_WAY, asked).mappings()]
        rows = tuple(row for row in found if row.seq >= wanted.seq)
        return rows, next((row for row in found if row.update_id == wanted.update_id), None)

    def _refuse(self, connection: Connection, case: Columns, command: Command) -> Refusal | None:
        if isinstance(command, ClockCommand):
            return _refuse_clock(case)
        if not isinstance(command, FilingCommand):
            return None
        programme = self._cache.programme(connection, case["season_id"])
        return refuse_filing(connection, case, command, programme, quoting=False)

    def _write(
        self,
        connection: Connection,
        case: Columns,
        wanted: CommitTransitionInput,
        command: Command,
    ) -> tuple[StoredTransition, Columns]:
        line = history_line(connection, case, wanted, command)
        after = {**case, **case_changes(case, wanted, command, line["hash"])}
        connection.execute(_ADD_LINE, line)
        changed = connection.execute(
            _MOVE_CASE,
            {"case_id": wanted.case_id, "seq_before": wanted.seq - 1}
            | {f"new_{name}": after[name] for name in CHANGING},
        )
        if changed.rowcount != 1:
            message = f"{wanted.case_id}: seq {wanted.seq} was taken under our lock"
            raise RuntimeError(message)
        connection.execute(_ADD_EVENT, outbox_line(case, after, wanted, command, line["hash"]))
        return stored(line), after

    def _outlook(self, connection: Connection, case: Columns, now: datetime) -> Outlook:
        return outlook(
            case,
            season_dates(case),
            self._cache.programme(connection, case["season_id"]),
            self._cache.working_days(connection),
            now,
        )


def _turns(engine: Engine) -> AbstractContextManager[object]:
    """Return what keeps this process's commits in line.

    SQLite has one writer at a time, and whoever waits for it sleeps up to a tenth of a
    second between looks, in no order. Threads that queue up here wake at once.
    """
    return Lock() if engine.dialect.name == "sqlite" else nullcontext()


def _refuse_clock(case: Columns) -> Refusal | None:
    """Return why the clock must not act: the dates were moved, and the case is told soon."""
    fresh = CaseDates(case, season_dates(case)).deadline(State(case["state"]), case["due"])
    if fresh == case["deadline"]:
        return None
    return Refusal(code="deadline_moved", message="期限已调整，等待通知本案例。")


def _outcome(wanted: CommitTransitionInput, result: CommitTransitionResult) -> str:
    """Say what came of it: committed, refused, known from before, or another's to adopt."""
    if result.refusal is not None:
        return result.refusal.code
    if not result.answered:
        return "adopt"
    own = any(row.update_id == wanted.update_id for row in result.rows)
    return "committed" if own else "known"
