"""Deadlines as calendar entries (RFC 5545): those of a mail, or all of somebody's in a feed.

An entry is the half hour that ends at its deadline: what is due at 24:00 of a day lies on that
day, in every calendar. It rings when reminders go out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Alarm, Calendar, Event, Timezone

from models.cases.states import State
from models.wording import AWAITED, BEIJING, Words, moment

PUBLISH = "PUBLISH"
CANCEL = "CANCEL"
"""What a calendar is to do with the entries of an attachment (RFC 5546)."""
REFRESH = timedelta(hours=1)
"""How often a calendar may read a feed."""
LENGTH = timedelta(minutes=30)
_SINCE = date(1992, 1, 1)
"""From when on the zone has had one offset: what lies before is no entry of ours."""


@dataclass(frozen=True)
class Duty:
    """What a case awaits from somebody, as of a line of its history.

    Attributes:
        case_id: The case.
        state: The state that awaits it.
        title: The case's public title.
        deadline: When it is due (exclusive).
        seq: The number of that line; 0: there is none yet.
        at: When that line was written.
        number: How people call the case; None: it has no number yet.
        alarms: When the calendar is to ring.
    """

    case_id: str
    state: State
    title: str
    deadline: datetime
    seq: int
    at: datetime
    number: str | None = None
    alarms: tuple[datetime, ...] = ()


def as_ics(duties: Sequence[Duty], domain: str, method: str = PUBLISH) -> str:
    """Return deadlines as the attachment of a mail.

    The same deadlines give the same text. A later one of the same case and state has the same UID
    and a higher SEQUENCE, so that a moved deadline moves the entry, and a settled one cancels it;
    of several here the last counts.

    Args:
        duties: The deadlines.
        domain: The domain of the sender's address, which the ids carry.
        method: `PUBLISH`, or `CANCEL` for those that are over.
    """
    last: dict[tuple[str, State], Duty] = {}
    for duty in sorted(duties, key=lambda duty: duty.seq):
        last[duty.case_id, duty.state] = duty
    return _text(_calendar(method), [*last.values()], domain)


def as_feed(name: str, duties: Sequence[Duty], domain: str) -> str:
    """Return all deadlines of somebody as one calendar; it is valid without one, too.

    Each entry is the one that a mail about the same line of history brings: same UID, same
    SEQUENCE. What was settled is not there any more.

    Args:
        name: What the calendar is called.
        duties: The deadlines.
        domain: As in `as_ics`.
    """
    calendar = _calendar(PUBLISH)
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)  # what most calendars read instead
    calendar.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH // timedelta(hours=1)}H")  # for Outlook
    return _text(calendar, duties, domain)


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//tuixuan//deadlines//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(Timezone.from_tzid(BEIJING.key, first_date=_SINCE))
    return calendar


def _text(calendar: Calendar, duties: Sequence[Duty], domain: str) -> str:
    over = calendar["METHOD"] == CANCEL
    for duty in duties:
        calendar.add_component(_entry(duty, domain, over=over))
    written: bytes = calendar.to_ical()
    return written.decode()


def _entry(duty: Duty, domain: str, *, over: bool) -> Event:
    awaited, due = AWAITED[duty.state], duty.deadline.astimezone(BEIJING)
    title = " ".join(duty.title.split())
    entry = Event()
    entry.add("uid", f"{duty.case_id}.{duty.state}@{domain}")
    entry.add("sequence", duty.seq)
    entry.add("dtstamp", duty.at.astimezone(UTC))
    entry.add("dtstart", due - LENGTH)
    entry.add("dtend", due)
    entry.add("status", "CANCELLED" if over else "CONFIRMED")
    entry.add("transp", "TRANSPARENT")  # a deadline makes nobody busy
    entry.add("summary", f"{awaited.zh}：《{title}》")
    entry.add("description", _description(duty, title, awaited))
    for at in () if over else duty.alarms:
        entry.add_component(_alarm(at, f"{awaited.zh}：《{title}》，期限 {moment(due)}"))
    return entry


def _alarm(at: datetime, words: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", at.astimezone(UTC), {"VALUE": "DATE-TIME"})
    alarm.add("description", words)
    return alarm


def _description(duty: Duty, title: str, awaited: Words) -> str:
    shown, called = moment(duty.deadline), duty.number or duty.case_id
    day, clock = shown.partition("（")[0], shown.rpartition("）")[2]
    return "\n".join([
        f"案例：《{title}》（{called}）",
        f"待办：{awaited.zh}",
        f"期限：{shown}（北京时间）",
        "",
        f"Case: {title} ({called})",
        f"Awaited from you: {awaited.en}",
        f"Due: {day} {clock} (Beijing time)",
    ])  # fmt: skip
