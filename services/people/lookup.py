"""Which user somebody means: by the id, or by a name that only one user has."""

from difflib import get_close_matches

from sqlalchemy import Engine, select

from models import tables
from models.programme.parts import choice_key
from models.refusals import Refused
from models.store.engine import reading

CANDIDATES = 8
"""How many users a refusal names."""


def find_user(engine: Engine, typed: str) -> str:
    """Return the id of the user that somebody means.

    Raises:
        Refused: `unknown_user`, or `ambiguous_user`; the message names candidates.
    """
    users = tables.app_user.c
    with reading(engine) as connection:
        if connection.scalar(select(users.id).where(users.id == typed)) is not None:
            return typed
        rows = connection.execute(select(users.id, users.name).order_by(users.id)).all()
    names: dict[str, str] = {row.id: row.name for row in rows}
    found = [
        each
        for each, name in names.items()
        if choice_key(typed) in (choice_key(each), choice_key(name))
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise Refused("ambiguous_user", f"“{typed}”可指多位用户，请用编号：{_said(found, names)}。")
    near = _near(typed, names) or [*names]
    raise Refused(
        "unknown_user",
        f"没有用户 {typed}，是否其中之一：{_said(near, names)}（全部见 tuixuan user list）。",
    )


def _near(typed: str, names: dict[str, str]) -> list[str]:
    """Return the users whose ids or names are near to what was typed."""
    wanted = choice_key(typed)
    within = [each for each, name in names.items() if wanted and wanted in choice_key(each + name)]
    close = get_close_matches(wanted, [*names], n=CANDIDATES, cutoff=0.6)
    return [*dict.fromkeys([*within, *close])]


def _said(ids: list[str], names: dict[str, str]) -> str:
    shown = "、".join(f"{each}（{names[each]}）" for each in ids[:CANDIDATES])
    return f"{shown} 等" if len(ids) > CANDIDATES else shown or "尚无用户"
