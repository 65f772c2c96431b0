"""What happens before a command reaches a workflow: its text is kept, its form checked.

Forms and free texts stop here. What goes on to Temporal are ids and digests.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, insert, select

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.commands import Command, FilingCommand
from models.chain import digest_text
from models.reading import explain
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.tables import (
    CaseReason,
    CaseRevision,
    table_of,
)
from services.cases.filing import refuse_filing
from services.cases.requests import Request
from services.cases.rows import Columns, find_update, read_case
from services.clock import now
from services.people.actors import refuse_phone_numbers, resolve_actor
from services.seasons.queries import read_programme

CASE_REASON = table_of(CaseReason)
CASE_REVISION = table_of(CaseRevision)

LONGEST_TEXT = 5_000


def prepare(engine: Engine, request: Request) -> Command | None:
    """Return the command to send; None when this very request was done before.

    The text goes on record here. A form that may not be filed is refused here, so that
    nothing of it reaches a history; the commit checks again.

    Raises:
        Refused: No such case, a bad field, a text too long, or a form that will not do.
    """
    named = (request.update_id, request.actor and request.actor.id, request.fields.get("objection"))
    refuse_phone_numbers(*(str(each) for each in named))
    with transaction(engine) as connection:
        case = read_case(connection, request.case_id)
        who = resolve_actor(connection, case, request.action, request.actor)
        reason = _keep_text(connection, request.case_id, request.text)
        values = {**request.fields, "actor": who, "reason": reason}
        if _files(request.action):
            values |= _newest(connection, case)
        command = _command(request.action, values)
        if _done(connection, request, command):
            return None
        if isinstance(command, FilingCommand) and _possible_from(request.action, case["state"]):
            programme = read_programme(connection, case["season_id"])
            refusal = refuse_filing(connection, case, command, programme, quoting=True)
            if refusal is not None:
                raise Refused(refusal.code, refusal.message)
        return command


def done_before(engine: Engine, request: Request, command: Command) -> bool:
    """Return whether a request is a retry of one that was done.

    Raises:
        Refused: Its id was used for something else.
    """
    with reading(engine) as connection:
        return _done(connection, request, command)


def _done(connection: Connection, request: Request, command: Command) -> bool:
    found = find_update(connection, request.case_id, request.update_id)
    if found is None:
        return False
    # A filing names the newest form, and that may be another one by the time of a retry.
    same = _files(request.action) or found.command_digest == command.digest
    if found.action is not request.action or not same:
        raise Refused("update_id_reused", "同一请求编号已用于另一项操作，请换用新编号。")
    return True


def _files(action: Action) -> bool:
    """Whether an action files the form as it is saved then."""
    return issubclass(ACTIONS[action].command, FilingCommand)


def _possible_from(action: Action, state: str) -> bool:
    return any(state in move.sources for move in ACTIONS[action].moves)


def _command(action: Action, values: Mapping[str, Any]) -> Command:
    try:
        return parse_command(action, values)
    except ValidationError as error:
        raise Refused("bad_field", f"参数不正确：{explain(error)}。") from error


def _keep_text(connection: Connection, case_id: str, text: str | None) -> str | None:
    """Put a text on record once; return its digest. White space alone is no text."""
    stripped = (text or "").strip()
    if not stripped:
        return None
    if len(stripped) > LONGEST_TEXT:
        raise Refused("text_too_long", f"文字过长，最多 {LONGEST_TEXT} 个字符。")
    digest = digest_text(stripped)
    known = connection.scalar(
        select(CASE_REASON.c.digest).where(
            CASE_REASON.c.case_id == case_id, CASE_REASON.c.digest == digest
        )
    )
    if known is None:
        connection.execute(
            insert(CASE_REASON),
            {"case_id": case_id, "digest": digest, "text": stripped, "written_at": now()},
        )
    return digest


def _newest(connection: Connection, case: Columns) -> dict[str, Any]:
    row = connection.execute(
        select(CASE_REVISION.c.revision, CASE_REVISION.c.digest).where(
            CASE_REVISION.c.case_id == case["id"], CASE_REVISION.c.revision == case["revision"]
        )
    ).one()
    return {"revision": row.revision, "content": row.digest}
