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
from services.calendars.events import given
from services.calendars.ics import Duty, as_feed, as_ics
from services.notifications.outgoing import GivenDeadline, OutgoingMessage
from tests.unit.notifications.test_texts import DEADLINE, happened
from workers.notify.mail import build_mail
from workers.settings.mail import MailSettings

DOMAIN = "example.invalid"
AT = datetime(2024, 4, 25, 8, tzinfo=UTC)
ALARMS = (datetime(2024, 5, 10, 1, tzinfo=UTC), datetime(2024, 5, 11, 1, tzinfo=UTC))
LATER = DEADLINE + timedelta(days=14)


def told(name: EventName = EventName.DEADLINE_APPROACHING, **changes: object) -> CaseEvent:
    return case_event(happened(name, **changes), AT)


def built(*due: CaseEvent, over: tuple[CaseEvent, ...] = ()) -> EmailMessage:
    letter = OutgoingMessage(
        delivery_id="dlv_1", event_id="case_01:1", season="2024", to="ann@example.invalid",
        subject="【推选】", text="案例\n", at=AT,
        due=tuple(GivenDeadline(event, ALARMS) for event in due), over=over,
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
    assert (entry.start, entry.end) == (DEADLINE - timedelta(minutes=30), DEADLINE)
    # On the day at whose 24:00 it is due.
    assert "DTSTART;TZID=Asia/Shanghai:20240512T233000\r\n" in part.get_content()
    assert "TRIGGER;VALUE=DATE-TIME:20240511T010000Z\r\n" in part.get_content()
    assert "TRIGGER;VALUE=DATE-TIME:20240510T010000Z\r\n" in part.get_content()
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
    assert after.end == LATER


def test_what_is_over_is_cancelled_and_rings_no_more() -> None:
    done = told(EventName.RESUBMITTED, seq=4, **{"from": State.CORRECTION}, to=State.FORMAL_CHECK)

    part = attached(built(over=(done,)))
    (entry,) = Calendar.from_ical(part.get_content()).events
    (before,) = Calendar.from_ical(attached(built(told())).get_content()).events
    assert (part.get_param("method"), part.get_filename()) == ("CANCEL", "cancelled.ics")
    assert "METHOD:CANCEL\r\n" in part.get_content()
    assert (entry["STATUS"], entry.walk("VALARM")) == ("CANCELLED", [])
    assert entry["UID"] == before["UID"]
    assert (entry.sequence, before.sequence) == (4, 1)


def test_a_mail_may_end_one_deadline_and_give_another() -> None:
    done = told(EventName.RESUBMITTED, seq=4, **{"from": State.CORRECTION}, to=State.FORMAL_CHECK)
    read = message_from_bytes(bytes(built(told(), over=(done,))), EmailMessage, policy=SMTP)
    assert [part.get_param("method") for part in read.iter_attachments()] == ["PUBLISH", "CANCEL"]


@pytest.mark.parametrize("due", [(), (told(deadline=None),), (told(to=State.PUBLISHED),)])
def test_where_nothing_is_due_nothing_is_attached(due: tuple[CaseEvent, ...]) -> None:
    assert list(built(*due).iter_attachments()) == []


def test_the_feed_of_whom_nothing_awaits_is_a_calendar() -> None:
    """RFC 5545, 3.6: a calendar has one component at least."""
    text = as_feed("推选期限：2024", [], DOMAIN)
    calendar = Calendar.from_ical(text)
    assert calendar.events == []
    (zone,) = calendar.walk("VTIMEZONE")
    assert str(zone["TZID"]) == "Asia/Shanghai"
    (offset,) = zone.walk("STANDARD")
    assert offset["TZOFFSETTO"].to_ical() == "+0800"


def test_of_several_events_of_one_wait_the_last_one_counts() -> None:
    moved = told(EventName.DEADLINE_MOVED, seq=2, deadline=LATER, deadline_before=DEADLINE)
    both = [*given(moved), *given(told())]
    assert as_ics(both, DOMAIN) == as_ics(given(moved), DOMAIN)


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
    letter = as_ics(given(told(), ALARMS), DOMAIN)

    feed = as_feed("n", [duty(alarms=ALARMS)], DOMAIN)
    (sent,), (read,) = (Calendar.from_ical(text).events for text in (letter, feed))
    assert read.to_ical() == sent.to_ical()
    assert read.end == DEADLINE


def test_a_title_cannot_add_lines_to_a_calendar() -> None:
    text = as_feed("n", [duty(title="一\r\nATTENDEE:mailto:x@y\n; , \\ 二")], DOMAIN)

    (entry,) = Calendar.from_ical(text).events
    assert "ATTENDEE" not in entry
    assert entry["SUMMARY"] == "提交补正材料：《一 ATTENDEE:mailto:x@y ; , \\ 二》"
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
