"""What an endpoint may have: its address, its events, its rate, its owner."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import Connection, select

from models import tables
from models.cases.actions.names import EventName
from models.cases.actors import Actor, Role
from models.refusals import Refused, unknown_season
from models.text.entry import require_fit

LONGEST_URL = 2048
LONGEST_DESCRIPTION = 200
MOST_A_SECOND = 1000

_SEES_ALL = (Role.ORGANISER, Role.AUDITOR)


def check_url(url: str) -> None:
    """Refuse an address that cannot be posted to; where it leads is checked at each connection.

    Raises:
        Refused: `bad_url`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    good = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not good or "@" in parts.netloc or parts.fragment or not url.isascii():
        raise Refused("bad_url", "地址应形如 https://host/path，不含用户名、密码和 #。")
    if len(url) > LONGEST_URL or not url.isprintable() or " " in url:
        raise Refused("bad_url", f"地址不能含空白，最长 {LONGEST_URL} 个字符。")


def check_description(text: str) -> None:
    """Refuse what is not one short line: it is shown in lists, logs and messages.

    Raises:
        Refused: `bad_description` or `unfit_text`.
    """
    require_fit(text, "说明")
    if len(text) > LONGEST_DESCRIPTION:
        message = f"说明应为一行文字，不超过 {LONGEST_DESCRIPTION} 字。"
        raise Refused("bad_description", message)


def check_events(events: Sequence[str]) -> None:
    """Refuse names of which there is no event.

    Raises:
        Refused: `unknown_event`.
    """
    if unknown := sorted(set(events) - set(EventName)):
        message = f"没有事件 {'、'.join(unknown)}，可选：{'、'.join(EventName)}。"
        raise Refused("unknown_event", message)


def check_rate(rate: int | None) -> None:
    """Refuse a rate that cannot be kept.

    Raises:
        Refused: `bad_rate`.
    """
    if rate is not None and not 1 <= rate <= MOST_A_SECOND:
        raise Refused("bad_rate", f"速率应为每秒 1 至 {MOST_A_SECOND} 条。")


def check_season(connection: Connection, season_id: str) -> None:
    """Refuse a season that nobody opened.

    Raises:
        Refused: `unknown_season`.
    """
    season = tables.season.c.id
    if connection.scalar(select(season).where(season == season_id)) is None:
        raise unknown_season(season_id)


def owner_org(connection: Connection, season_id: str, owner: Actor) -> str | None:
    """Return the unit or body that owns an endpoint; None: its owner sees the whole season.

    Raises:
        Refused: `unknown_org`, or `role_not_allowed`.
    """
    if owner.role in _SEES_ALL:
        return None
    if owner.role not in (Role.APPLICANT, Role.BODY):
        raise Refused("role_not_allowed", "回调只能属于申报单位、推荐单位、主办方或审计。")
    org = (tables.unit if owner.role is Role.APPLICANT else tables.body).c
    found = select(org.id).where(org.season_id == season_id, org.id == owner.id)
    if connection.scalar(found) is None:
        raise Refused("unknown_org", f"征集季 {season_id} 没有单位 {owner.id}。")
    return owner.id
