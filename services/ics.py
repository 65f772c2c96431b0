"""A deadline as an entry for the recipient's own calendar (RFC 5545)."""

from datetime import UTC

from icalendar import Calendar, Event

from models.events import CaseEvent, CaseEventData
from models.wording import AWAITED, Words, moment

METHOD = "PUBLISH"


def as_ics(event: CaseEvent, domain: str) -> str | None:
    """Return the deadline that an event tells of; None: it tells of none.

    The same event gives the same text. A later event of the same wait has the same UID and a
    higher SEQUENCE, so that a moved deadline moves the entry.

    Args:
        event: The event that the mail tells of.
        domain: Whose ids these are: the domain of the sender's address.
    """
    data = event.data
    awaited = AWAITED.get(data.target)
    if data.deadline is None or awaited is None:
        return None
    title, due = " ".join(data.title.split()), data.deadline.astimezone(UTC)
    entry = Event()
    entry.add("uid", f"{data.case_id}.{data.target}@{domain}")
    entry.add("sequence", data.seq)
    entry.add("dtstamp", event.time.astimezone(UTC))
    entry.add("dtstart", due)
    entry.add("dtend", due)
    entry.add("summary", f"{awaited.zh}：《{title}》")
    entry.add("description", _description(data, awaited, moment(due)))
    calendar = Calendar()
    calendar.add("prodid", "-//tuixuan//deadlines//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", METHOD)
    calendar.add_component(entry)
    written: bytes = calendar.to_ical()
    return written.decode()


def _description(data: CaseEventData, awaited: Words, shown: str) -> str:
    title = " ".join(data.title.split())
    day, clock = shown.partition("（")[0], shown.rpartition("）")[2]
    return "\n".join([
        f"案例：《{title}》（{data.case_id}）",
        f"待办：{awaited.zh}",
        f"期限：{shown}（北京时间）",
        "",
        f"Case: {title} ({data.case_id})",
        f"Awaited from you: {awaited.en}",
        f"Due: {day} {clock} (Beijing time)",
    ])  # fmt: skip
