"""Which case somebody means: by its id, the beginning of its id, or its number."""

import re
import unicodedata

from sqlalchemy import Connection, Engine, false, or_, select

from models import tables
from models.ids import parse_event_id
from models.refusals import Refused
from models.store.engine import reading

_CASES = tables.case_record.c
_WHOLE = re.compile(r"case_[0-9A-HJKMNP-TV-Z]{26}")
_NUMBER = re.compile(r"(.+-)0*(\d+)")
LONGEST = 40
"""Nothing of this length begins an id; databases take no longer patterns than they must."""
CANDIDATES = 5
"""How many cases a refusal names."""


def find_case(engine: Engine, typed: str) -> str:
    """Return the id of the case that somebody means.

    Args:
        engine: The record.
        typed: An id, a part that only one id begins with (also without `case_`), or a number,
            whose zeros may be left out; full-width characters and capitals do not matter.

    Raises:
        Refused: `unknown_case`, or `ambiguous_case`; the message names the candidates.
    """
    if _WHOLE.fullmatch(typed):
        return typed
    with reading(engine) as connection:
        return _find(connection, typed)


def find_event(engine: Engine, typed: str) -> str:
    """Return the id of the event that somebody means: a case as above, a colon, a seq.

    What is no event id at all is returned as it is, for the caller to refuse.
    """
    try:
        case, seq = parse_event_id(_plain(typed))
    except ValueError:
        return typed
    return f"{find_case(engine, case)}:{seq}"


def _find(connection: Connection, typed: str) -> str:
    plain = _plain(typed)
    begins = plain.removeprefix("case_").upper()[:LONGEST]
    query = select(_CASES.id, _CASES.number, _CASES.title).order_by(_CASES.id)
    means = or_(
        _CASES.id == plain,
        _CASES.number == _number(plain),
        _CASES.id.startswith(f"case_{begins}", autoescape=True) if begins else false(),
    )
    found = connection.execute(query.where(means).limit(CANDIDATES + 1)).all()
    exact = [row for row in found if plain in (row.id, row.number)]
    if len(exact or found) == 1:
        case_id: str = (exact or found)[0].id
        return case_id
    if not found:
        message = f"没有案例 {typed}。可用编号的开头或案例号，见 tuixuan case list。"
        raise Refused("unknown_case", message)
    named = "；".join(
        f"{row.id}（{row.number or '草稿'}）《{row.title}》" for row in found[:CANDIDATES]
    )
    more = " 等" if len(found) > CANDIDATES else ""
    raise Refused("ambiguous_case", f"“{typed}”可指多件案例，请写全：{named}{more}。")


def _plain(typed: str) -> str:
    """Return what was typed in the characters of ids."""
    text = unicodedata.normalize("NFKC", typed).strip()
    return text if text.startswith("case_") else text.lower()


def _number(plain: str) -> str:
    """Return a number with all its zeros."""
    parts = _NUMBER.fullmatch(plain)
    return plain if parts is None else f"{parts[1]}{parts[2]:>04}"
