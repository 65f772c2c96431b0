"""What happens before a command reaches a workflow: its form is checked, its text kept.

Forms and free texts stop here. What goes on to Temporal are ids and digests.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, insert, select

from models import tables
from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS, parse_command
from models.cases.columns import Columns
from models.cases.commands import Command, FilingCommand
from models.chain import digest_text
from models.reading import explain
from models.refusals import Refused
from models.store.engine import reading, transaction
from models.text.entry import require_fit
from services.cases.commit import UPDATE_ID_REUSED
from services.cases.filing import refuse_duplicate, refuse_form
from services.cases.requests import Request
from services.cases.rows import find_update, read_case
from services.clock import now
from services.people.actors import refuse_phone_numbers, resolve_actor
from services.seasons.cache import SeasonCache

LONGEST_TEXT = 5_000


class Prepared(NamedTuple):
    """A request, ready to be sent.

    Attributes:
        case: The case's row as it was read.
        command: The command to send; None if this very request was done before.
    """

    case: Columns
    command: Command | None


def prepare(engine: Engine, cache: SeasonCache, request: Request, *, keep: bool = True) -> Prepared:
    """Check a request as far as the record alone can; keep its text.

    A form that may not be filed is refused here, so that nothing of it reaches a history;
    the commit checks again. Nothing is locked while this reads.

    Raises:
        Refused: No such case, a bad field, a text too long, or a form that will not do.
    """
    named = (request.update_id, request.actor and request.actor.id, request.fields.get("objection"))
    refuse_phone_numbers(*(str(each) for each in named))
    text = _text(request)
    reason = None if text is None else digest_text(text)
    with reading(engine) as connection:
        case = read_case(connection, request.case_id, form=_files(request.action))
        who = resolve_actor(connection, case, request.action, request.actor)
        command = _command(request, {"actor": who, "reason": reason}, case)
        if _done(connection, request, command):
            return Prepared(case, None)
        _refuse_filing(connection, cache, request.action, case, command)
    if text is not None and keep:
        _keep_text(engine, request.case_id, text)
    return Prepared(case, command)


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
        raise Refused(UPDATE_ID_REUSED.code, UPDATE_ID_REUSED.message)
    return True


def _files(action: Action) -> bool:
    """Whether an action files the form as it is saved then."""
    return issubclass(ACTIONS[action].command, FilingCommand)


def _command(request: Request, known: Mapping[str, Any], case: Columns) -> Command:
    values = {**request.fields, **known}
    if _files(request.action):
        values |= {"revision": case["revision"], "content": case["form_digest"]}
    try:
        return parse_command(request.action, values)
    except ValidationError as error:
        raise Refused("bad_field", f"参数不正确：{explain(error)}。") from error


def _refuse_filing(
    connection: Connection, cache: SeasonCache, action: Action, case: Columns, command: Command
) -> None:
    """Refuse a form that may not be filed, if the case's state lets it be filed at all."""
    possible = any(case["state"] in move.sources for move in ACTIONS[action].moves)
    if not (possible and isinstance(command, FilingCommand)):
        return
    programme = cache.programme(connection, case["season_id"])
    refusal = refuse_form(case, command, programme, quoting=True) or refuse_duplicate(
        connection, case, command, lock=False
    )
    if refusal is not None:
        raise Refused(refusal.code, refusal.message)


def _text(request: Request) -> str | None:
    """Return the text of a request. White space alone is no text."""
    text = (request.text or "").strip()
    if len(text) > LONGEST_TEXT:
        raise Refused("text_too_long", f"文字过长，最多 {LONGEST_TEXT} 个字符。")
    return require_fit(text, "文字", one_line=False) or None


def _keep_text(engine: Engine, case_id: str, text: str) -> None:
    """Put a text on record, once."""
    digest, reasons = digest_text(text), tables.case_reason
    known = select(reasons.c.digest).filter_by(case_id=case_id, digest=digest)
    with transaction(engine) as connection:
        if connection.scalar(known) is None:
            row = {"case_id": case_id, "digest": digest, "text": text, "written_at": now()}
            connection.execute(insert(reasons), row)
