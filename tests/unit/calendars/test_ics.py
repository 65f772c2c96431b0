from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from icalendar import Calendar

from models.cases.actions.names import EventName
from models.cases.events import CaseEvent, case_event
from models.cases.states import State
from services.calendars.ics import Duty, as_feed, as_ics
from services.notifications.outgoing import OutgoingMessage
from tests.unit.notifications.test_texts import DEADLINE, happened
from workers.notify.mail import build_mail
from workers.settings.mail import MailSettings

DOMAIN = "example.invalid"
AT = datetime(2024, 4, 25, 8, tzinfo=UTC)
LATER = DEADLINE + timedelta(days=14)


def told(name: EventName = EventName.DEADLINE_APPROACHING, **changes: object) -> CaseEvent:
    return case_event(happened(name, **changes), AT)


def built(*due: CaseEvent) -> EmailMessage:
    letter = OutgoingMessage(
        delivery_id="dlv_1", event_id="case_01:1", season="2024", to="ann@example.invalid",
        subject="【推选】", text="案例\n", at=AT, due=due,
    )  # fmt: skip
    return build_mail(letter, MailSettings(sender=f"office@{DOMAIN}"))


def attached(mail: EmailMessage) -> EmailMessage:
    """The one attachment, as it is read on the other side."""
    read = message_from_bytes(bytes(mail), EmailMessage, policy=SMTP)
    (part,) = read.iter_attachments()
    assert isinstance(part, EmailMessage)
    return part


def test_a_mail_brings_the_deadline_and_is_the_same_each_time() -> None:
    mail = built(told())

    part = attached(mail)
    assert (part.get_content_type(), part.get_param("method")) == ("text/calendar", "PUBLISH")
    assert part.get_filename() == "deadline.ics"
    calendar = Calendar.from_ical(part.get_content())
    (entry,) = calendar.events
    assert calendar["METHOD"] == "PUBLISH"
    assert entry["UID"] == "case_01.correction@example.invalid"
    assert entry["SEQUENCE"] == 1
    assert entry.DTSTAMP == AT
    assert entry.start == entry.end == DEADLINE
    assert entry["SUMMARY"] == "提交补正材料：《（示例）智慧家庭》"
    assert "期限：2024-05-12（周日）24:00（北京时间）" in str(entry["DESCRIPTION"])
    assert "Due: 2024-05-12 24:00 (Beijing time)" in str(entry["DESCRIPTION"])
    assert bytes(mail) == bytes(built(told()))
    assert mail.get_body(("plain",)) is not None


def test_a_moved_deadline_moves_the_same_entry() -> None:
    moved = told(EventName.DEADLINE_MOVED, seq=2, deadline=LATER, deadline_before=DEADLINE)

    before, after = (
        Calendar.from_ical(attached(built(event)).get_content()).events[0]
        for event in (told(), moved)
    )

    assert before["UID"] == after["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (1, 2)
    assert after.start == LATER


@pytest.mark.parametrize("due", [(), (told(deadline=None),), (told(to=State.PUBLISHED),)])
def test_where_nothing_is_due_nothing_is_attached(due: tuple[CaseEvent, ...]) -> None:
    assert list(built(*due).iter_attachments()) == []
    assert as_ics(due, DOMAIN) is None


def test_of_several_events_of_one_wait_the_last_one_counts() -> None:
    moved = told(EventName.DEADLINE_MOVED, seq=2, deadline=LATER, deadline_before=DEADLINE)
    assert as_ics([moved, told()], DOMAIN) == as_ics([moved], DOMAIN)


def duty(**changes: Any) -> Duty:
    data = happened(EventName.DEADLINE_APPROACHING)
    duty = Duty(data.case_id, data.target, data.title, DEADLINE, data.seq, AT)
    return replace(duty, **changes)


def test_a_feed_says_what_it_is_and_when_to_retry_stopped() -> None:
    text = as_feed("推选期限：2024", [duty(), duty(case_id="case_02")], DOMAIN)

    calendar = Calendar.from_ical(text)
    assert calendar["METHOD"] == "PUBLISH"
    assert calendar["X-WR-CALNAME"] == calendar["NAME"] == "推选期限：2024"
    assert calendar.refresh_interval == timedelta(hours=1)
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in text
    assert "X-PUBLISHED-TTL:PT1H\r\n" in text
    assert [entry.uid.partition(".")[0] for entry in calendar.events] == ["case_01", "case_02"]
    assert text == as_feed("推选期限：2024", [duty(), duty(case_id="case_02")], DOMAIN)


def test_the_entry_of_a_feed_is_the_one_of_the_letter() -> None:
    letter = as_ics([told()], DOMAIN)

    assert letter is not None
    (given,), (read,) = (
        Calendar.from_ical(text).events for text in (letter, as_feed("n", [duty()], DOMAIN))
    )
    assert read.to_ical() == given.to_ical()
    assert read.start == DEADLINE
    assert "DTEND" not in read  # RFC 5545: it would have to be later than the start


def test_a_title_cannot_add_lines_to_a_calendar() -> None:
    text = as_feed("n", [duty(title="一\r\nATTENDEE:mailto:x@y\n; , \\ 二")], DOMAIN)

    (entry,) = Calendar.from_ical(text).events
    assert "ATTENDEE" not in entry
    assert entry["SUMMARY"] == "提交补正材料：《一 ATTENDEE:mailto:x@y ; , \\ 二》"
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
