"""One command moves a deadline: every reminder, inbox, mail and calendar follows."""

import asyncio
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from icalendar import Calendar, Event

from models.cases.states import State
from models.wording import BEIJING, moment
from services.clock import now
from tests.e2e.driving import cases_in, instant, told
from tests.e2e.stack import CALL, Stack
from tests.mailserver import MailServer
from tests.slack import slack
from tests.waiting import until
from workers.temporal_client import connect
from workflows.names import SNAPSHOT, case_workflow_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SEASON = "moved"
DESK = f"{SEASON}-fujian"
ADDRESS = "fujian@example.invalid"


@pytest.fixture
def mail_server() -> MailServer:
    return MailServer()


@pytest.fixture
def posting_stack(tmp_path: Path, mail_server: MailServer) -> Iterator[Stack]:
    """A system whose mails leave by a real SMTP server."""
    variables = {
        "TUIXUAN_MAIL__HOST": "127.0.0.1",
        "TUIXUAN_MAIL__PORT": str(mail_server.port),
        "TUIXUAN_MAIL__SENDER": "推选 <noreply@example.invalid>",
    }
    stack = Stack(tmp_path / "stack", variables)
    yield stack
    stack.clean()


async def test_a_moved_deadline_moves_reminders_and_tells_by_inbox_and_smtp(
    posting_stack: Stack, mail_server: MailServer
) -> None:
    stack = posting_stack
    async with mail_server:
        await asyncio.to_thread(open_season, stack)
        pooled = await asyncio.to_thread(case_in_recommendation, stack)
        before = instant((await show(stack, pooled))["deadline"])
        address = (await asyncio.to_thread(stack.json, "user", "feed", DESK))["url"]
        entry_before = await read(address, pooled)
        assert entry_before.end == before
        planned = await reminders(stack, pooled)
        assert {due for _, due in planned} == {before}

        later = before + timedelta(days=10)  # before the formal check ends
        await asyncio.to_thread(
            stack.json, "season", "move", SEASON, "cutoff", later.isoformat(),
            "--reason", "（示例）延期十天",
        )  # fmt: skip

        assert instant((await show(stack, pooled))["deadline"]) == later
        replanned = await reminders(stack, pooled)
        assert {due for _, due in replanned} == {later}
        assert not {at for at, _ in planned} & {at for at, _ in replanned}

        number = (await show(stack, pooled))["number"]
        (message,) = await asyncio.to_thread(told, stack, DESK, pooled, "deadline_moved")
        mail = await arrived(lambda: [m for m in mail_server.to(ADDRESS) if number in text(m)
                                      and "期限已调整" in str(m["Subject"])])  # fmt: skip
    for words in (message["text"], text(mail)):
        assert f"原期限：{moment(before)}" in words
        assert f"期限：{moment(later)}" in words
        assert "（示例）延期十天" in words
    assert mail["Auto-Submitted"] == "auto-generated"
    (attached,) = mail.iter_attachments()
    (entry,) = Calendar.from_ical(attached.get_content()).events
    assert entry.end == later

    entry_after = await read(address, pooled)
    assert entry_after.to_ical() == entry.to_ical()
    assert entry_after.uid == entry_before.uid
    assert entry_after.sequence > entry_before.sequence
    renewed = (await asyncio.to_thread(stack.json, "user", "feed", DESK, "--renew"))["url"]
    assert (await asyncio.to_thread(status, address)) == 404
    assert (await read(renewed, pooled)).end == later
    for word in (address, renewed):
        assert word.rpartition("/")[2].removesuffix(".ics") not in stack.logs("portal")
    stack.wait_until(
        lambda: stack.logs("portal").count("/calendar/{token}.ics") == 4, what="four lines"
    )


def open_season(stack: Stack) -> None:
    """Open the call without quiet hours: the test may run at night."""
    stack.up("--empty")
    written = CALL.read_text(encoding="utf-8")
    file = stack.places.root / "call.toml"
    without = re.sub(r"(?m)^(quiet_from|quiet_until) = \S+", r"\1 = 00:00:00", written)
    assert without != written
    file.write_text(without, encoding="utf-8")
    starting = (now() - timedelta(days=14)).astimezone(BEIJING).date()
    stack.json(
        "season", "open", str(file), "--id", SEASON, "--starting", starting.isoformat()
    )  # fmt: skip
    stack.run("user", "email", DESK, ADDRESS)


def case_in_recommendation(stack: Stack) -> str:
    return cases_in(stack, SEASON, [State.RECOMMENDATION])[State.RECOMMENDATION]


async def read(address: str, case_id: str) -> Event:
    """Return the entry of a case in a feed, as a calendar reads it."""

    def text() -> bytes:
        with urlopen(address, timeout=slack(30)) as answer:  # noqa: S310 - our own loopback
            return bytes(answer.read())

    entries = Calendar.from_ical(await asyncio.to_thread(text)).events
    (found,) = [entry for entry in entries if entry.uid.startswith(f"{case_id}.")]
    return found


def status(address: str) -> int:
    try:
        with urlopen(address, timeout=slack(30)) as answer:  # noqa: S310 - our own loopback
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


async def show(stack: Stack, case_id: str) -> dict[str, str]:
    view: dict[str, str] = await asyncio.to_thread(stack.json, "case", "show", case_id)
    return view


async def reminders(stack: Stack, case_id: str) -> set[tuple[datetime, datetime]]:
    """Return what the case's workflow has planned: when, and for which deadline."""
    client = await connect(stack.addresses["temporal"])
    shot = await client.get_workflow_handle(case_workflow_id(case_id)).query(SNAPSHOT)
    items = shot["agenda"]["items"]
    return {(instant(item["at"]), instant(item["deadline"])) for item in items}


async def arrived[Found](look: Callable[[], list[Found]]) -> Found:
    return (await until(look, "a mail"))[0]


def text(mail: object) -> str:
    from email.message import EmailMessage

    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
