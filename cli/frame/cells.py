"""Values as people read them: words, and times in the call's zone with their weekday."""

# ruff: noqa: ANN401 - data of any shape

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cli.frame.language import Language
from cli.frame.visible import visible
from models.ids import parse_actor_name
from models.wording import (
    AUDITED,
    CHANNELS,
    EFFECTS,
    HAPPENED,
    MILESTONES,
    ROLES,
    STATES,
    STATUSES,
    UNREACHED,
    Words,
    brief_moment,
    moment,
)

type Named = Mapping[str, Words]

_STATED = {name: (lambda: STATES) for name in ("state", "from", "to")}
_ROLE = {name: (lambda: ROLES) for name in ("role", "owner_role", "awaited")}


def _actions() -> Named:
    from models.cases.actions.registry import ACTIONS

    return AUDITED | {name: declared.words for name, declared in ACTIONS.items()}


def _events() -> Named:
    from models.cases.actions.registry import BY_EVENT

    return {name: declared.headline for name, declared in BY_EVENT.items()}


def _happened() -> Named:
    return {**_actions(), **_events(), **MILESTONES, **CHANNELS, **HAPPENED}


_NAMED: Mapping[str, Callable[[], Named]] = {
    **_STATED,
    **_ROLE,
    "action": _actions,
    "effect": lambda: EFFECTS,
    "event": _events,
    "events": _events,
    "milestone": lambda: MILESTONES,
    "status": lambda: STATUSES,
    "channel": lambda: CHANNELS,
    "channels": lambda: CHANNELS,
    "kind": lambda: HAPPENED,
    "what": _happened,
    "why": lambda: UNREACHED,
}
"""Which words stand for the code names under a key."""

_ACTORS = frozenset({"actor", "on_behalf", "saved_by", "who"})
"""The keys under which somebody stands as `role:id`."""

_YES, _NO = Words("是", "yes"), Words("否", "no")


@dataclass(frozen=True)
class Beginning:
    """The instant at which something begins; the midnight of one is 00:00, and not 24:00."""

    at: datetime


def cell(key: str, value: Any, language: Language, *, dated: bool = False) -> str:
    """Return a value as text for people.

    Args:
        key: Under which it stands; it says whether a text is a code name.
        value: Plain data, instants as `datetime`.
        language: Of the words.
        dated: Name the year of each instant: a file is read in other years too.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return said(_YES if value else _NO, language)
    if isinstance(value, datetime | Beginning):
        return _instant(value, language, dated=dated)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return visible("、".join(_word(key, each, language) for each in value))
    if isinstance(value, dict | list):
        return visible(json.dumps(value, ensure_ascii=False, default=machine_instant))
    return visible(_word(key, str(value), language))


def said(words: Words, language: Language) -> str:
    """Return words in a language."""
    return words.en if language is Language.EN else words.zh


def machine_instant(instant: datetime) -> str:
    """Return an instant in the one form of JSON: UTC, with a Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: datetime | Beginning, language: Language, *, dated: bool) -> str:
    begins, english = isinstance(value, Beginning), language is Language.EN
    instant = value.at if isinstance(value, Beginning) else value
    if dated and not english:
        return moment(instant, begins=begins)
    now = datetime.min.replace(tzinfo=UTC).replace(year=2) if dated else datetime.now(UTC)
    return brief_moment(instant, now, english=english, begins=begins)


def _word(key: str, text: str, language: Language) -> str:
    if key in _ACTORS:
        role, name = parse_actor_name(text)
        return f"{said(ROLES[role], language)} {name}" if name and role in ROLES else text
    found = _NAMED[key]().get(text) if key in _NAMED else None
    return text if found is None else said(found, language)
