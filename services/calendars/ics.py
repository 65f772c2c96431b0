"""Deadlines as calendar entries (RFC 5545): those of a mail, or all of somebody's in a feed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event

from models.cases.events import CaseEvent
from models.cases.states import State
from models.wording import AWAITED, Words, moment

METHOD = "PUBLISH"
REFRESH = timedelta(hours=1)
"""How often a calendar may read a feed."""


@dataclass(frozen=True)
class Duty:
    """What a case awaits from somebody, as of the newest line of its history.

    Attributes:
        case_id: The case.
        state: Its state; one that awaits something.
        title: Its public title.
        deadline: When it is due (exclusive).
        seq: The number of that line; 0: there is none yet.
        at: When that line was written.
    """

    case_id: str
    state: State
    title: str
    deadline: datetime
    seq: int
    at: datetime


def as_ics(events: Sequence[CaseEvent], domain: str) -> str | None:
    """Return the deadlines that events give; None: they give none.

    The same events give the same text. A later event about the same state has the same UID and
    a higher SEQUENCE, so that a moved deadline moves the entry; of several here the last counts.

    Args:
        events: The events that the mail is about.
        domain: The domain of the sender's address, which the ids carry.
    """
    duties: dict[tuple[str, State], Duty] = {}
    for event in sorted(events, key=lambda event: event.data.seq):
        data = event.data
        if data.deadline is not None and data.target in AWAITED:
            duties[data.case_id, data.target] = Duty(
                data.case_id, data.target, data.title, data.deadline, data.seq, event.time
            )
    return _text(_calendar(), [*duties.values()], domain) if duties else None


def as_feed(name: str, duties: Sequence[Duty], domain: str) -> str:
    """Return all deadlines of somebody as one calendar.

    Each entry is the one that a mail about the same line of history brings: same UID, same
    SEQUENCE. What was settled is not there any more.

    Args:
        name: What the calendar is called.
        duties: The deadlines.
        domain: As in `as_ics`.
    """
    calendar = _calendar()
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)  # what most calendars read instead
    calendar.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH // timedelta(hours=1)}H")  # for Outlook
    return _text(calendar, duties, domain)


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//tuixuan//deadlines//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", METHOD)
    return calendar


def _text(calendar: Calendar, duties: Sequence[Duty], domain: str) -> str:
    for duty in duties:
        calendar.add_component(_entry(duty, domain))
    written: bytes = calendar.to_ical()
    return written.decode()


def _entry(duty: Duty, domain: str) -> Event:
    """Return an entry at an instant: without an end it lasts no time."""
    awaited, due = AWAITED[duty.state], duty.deadline.astimezone(UTC)
    title = " ".join(duty.title.split())
    entry = Event()
    entry.add("uid", f"{duty.case_id}.{duty.state}@{domain}")
    entry.add("sequence", duty.seq)
    entry.add("dtstamp", duty.at.astimezone(UTC))
    entry.add("dtstart", due)
    entry.add("summary", f"{awaited.zh}：《{title}》")
    entry.add("description", _description(title, duty.case_id, awaited, moment(due)))
    return entry


def _description(title: str, case_id: str, awaited: Words, shown: str) -> str:
    day, clock = shown.partition("（")[0], shown.rpartition("）")[2]
    return "\n".join([
        f"案例：《{title}》（{case_id}）",
        f"待办：{awaited.zh}",
        f"期限：{shown}（北京时间）",
        "",
        f"Case: {title} ({case_id})",
        f"Awaited from you: {awaited.en}",
        f"Due: {day} {clock} (Beijing time)",
    ])  # fmt: skip
