"""The one door to the record: a transition is committed here, whole, or not at all."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from threading import Lock

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from models.cases.actions.names import Action
from models.cases.actions.registry import parse_command
from models.cases.actions.reopening import Reopen
from models.cases.changes import Change, change
from models.cases.columns import Columns
from models.cases.commands import ClockCommand, Command, FilingCommand
from models.cases.messages import CommitTransitionInput, CommitTransitionResult, Outlook, Refusal
from models.cases.outlook import CaseDates, deadline_due, outlook
from models.ids import event_id
from models.store.engine import transaction
from services.cases.filing import refuse_duplicate, refuse_form, refuse_removed
from services.cases.numbers import take_number
from services.cases.rows import lines_from, read_case, read_reason, write_change
from services.seasons.cache import SeasonCache

UPDATE_ID_REUSED = Refusal(
    code="update_id_reused", message="同一请求编号已用于另一项操作，请换用新编号。"
)

log = structlog.get_logger(__name__)


class RecordBehindError(RuntimeError):
    """The record holds less than the workflow knows: an old backup was put back, or worse.

    No retry mends it by itself, but each retry looks again, so that the case goes on
    by itself once the record is whole. Nothing is ever made up.
    """


class Commits:
    """Commits transitions. Synchronous: it runs in the worker's threads."""

    def __init__(self, engine: Engine, cache: SeasonCache) -> None:
        self._engine = engine
        self._cache = cache
        self._turn = _turns(engine)

    def commit(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
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
            event_id=event_id(wanted.case_id, wanted.seq),
            action=str(wanted.action),
            outcome=_outcome(wanted, result),
        )
        return result

    def _commit_once(self, wanted: CommitTransitionInput) -> CommitTransitionResult:
        command = parse_command(wanted.action, wanted.command)
        with self._turn, transaction(self._engine) as connection:
            return self._commit(connection, wanted, command)

    def _commit(
        self, connection: Connection, wanted: CommitTransitionInput, command: Command
    ) -> CommitTransitionResult:
        files = isinstance(command, FilingCommand)
        case = read_case(connection, wanted.case_id, lock=True, form=files)
        if case["seq"] < wanted.seq - 1:
            message = f"{wanted.case_id}: the record ends at {case['seq']}, before {wanted.seq}"
            raise RecordBehindError(message)
        dates = CaseDates.of(case)
        found = lines_from(connection, wanted.case_id, wanted.seq, wanted.update_id)
        rows = tuple(row for row in found if row.seq >= wanted.seq)
        earlier = next((row for row in found if row.update_id == wanted.update_id), None)
        refusal: Refusal | None = None
        if earlier is not None and earlier.command_digest != command.digest:
            refusal = UPDATE_ID_REUSED
        elif earlier is None and not rows:
            refusal = self._refuse(connection, case, dates, command)
            if refusal is None:
                changed = _change(connection, case, dates, wanted, command)
                case, dates = changed.case, changed.dates
                earlier = write_change(connection, changed)
                rows = (earlier,)
        return CommitTransitionResult(
            rows=rows,
            answered=earlier is not None and refusal is None,
            refusal=refusal,
            outlook=self._outlook(connection, case, dates, wanted.at),
        )

    def _outlook(
        self, connection: Connection, case: Columns, dates: CaseDates, now: datetime
    ) -> Outlook:
        programme = self._cache.programme(connection, case["season_id"])
        return outlook(case, dates, programme, self._cache.working_days(connection), now)

    def _refuse(
        self, connection: Connection, case: Columns, dates: CaseDates, command: Command
    ) -> Refusal | None:
        """Return why what only the record knows is against a transition."""
        if isinstance(command, ClockCommand) and deadline_due(case, dates) != case["deadline"]:
            return Refusal(code="deadline_moved", message="期限已调整，等待通知本案例。")
        if isinstance(command, Reopen):
            return refuse_removed(connection, case) or refuse_duplicate(
                connection, case, command, lock=True
            )
        if not isinstance(command, FilingCommand):
            return None
        programme = self._cache.programme(connection, case["season_id"])
        return refuse_form(case, command, programme, quoting=False) or refuse_duplicate(
            connection, case, command, lock=True
        )


def _change(
    connection: Connection,
    case: Columns,
    dates: CaseDates,
    wanted: CommitTransitionInput,
    command: Command,
) -> Change:
    """Return what a transition changes, with the text that it names and the case's number."""
    reason = read_reason(connection, wanted.case_id, command.reason)
    if wanted.action is Action.SUBMIT and case["number"] is None:
        case = {**case, "number": take_number(connection, case["season_id"], case["body_id"])}
    return change(case, dates, wanted, command, reason)


def _turns(engine: Engine) -> AbstractContextManager[object]:
    """Return what keeps this process's commits in line.

    SQLite has one writer at a time, and whoever waits for it sleeps up to a tenth of a
    second between looks, in no order. Threads that queue up here wake at once.
    """
    return Lock() if engine.dialect.name == "sqlite" else nullcontext()


def _outcome(wanted: CommitTransitionInput, result: CommitTransitionResult) -> str:
    """Say what came of it: committed, refused, known from before, or another's to adopt."""
    if result.refusal is not None:
        return result.refusal.code
    if not result.answered:
        return "adopt"
    own = any(row.update_id == wanted.update_id for row in result.rows)
    return "committed" if own else "known"
