"""Personal data stays in the record: planted at every door, and looked for everywhere else."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from google.protobuf.message import Message
from sqlalchemy import Engine, inspect, text
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from models.store.engine import reading
from services.clock import new_id
from tests.e2e.driving import ACCEPT, RECOMMEND, SUBMIT, act, new_season
from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack, case_file
from tests.factories import form
from tests.slack import slack
from tests.streams import messages
from workflows.names import case_workflow_id

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]


class Canary:
    """Texts that nobody else writes; all invented."""

    def __init__(self) -> None:
        """Make them up: no other test, and no server, has these digits by chance."""
        digits = "".join(str(ord(letter) % 10) for letter in new_id("x")[-9:])
        phones = [f"13{place}{digits[:8]}" for place in range(9)]
        (
            self.mobile,
            self.remarks,
            self.summary,
            self.correction,
            self.withdrawal,
            self.refused,
            self.landline,
            self.moved,
            self.section,
        ) = phones
        self.looked = f"139{digits[:8]}"  # fmt: skip
        self.name = f"金丝雀{digits}"
        self.email = f"canary{digits}@example.invalid"
        self.title = f"（虚构）标题{digits}号"

    @property
    def secrets(self) -> list[str]:
        """What is to be found in the record alone."""
        return [text for key, text in vars(self).items() if key != "title"]


def spellings(secret: str) -> Iterator[bytes]:
    """Yield a text as bytes, as JSON without Chinese has it, and as base64 has it anywhere."""
    plain = secret.encode()
    yield plain
    if not secret.isascii():
        yield secret.encode("ascii", "backslashreplace")
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + plain)
        yield encoded[4 if offset else 0 : -4]


def found_in(content: bytes, secrets: list[str]) -> list[str]:
    return [secret for secret in secrets if any(each in content for each in spellings(secret))]


def payloads(message: Message) -> Iterator[Payload]:
    """Yield every payload in a message, however deep."""
    for _, value in message.ListFields():
        values: Any = value
        if hasattr(value, "values") and not isinstance(value, Message):
            values = value.values()  # a map
        elif isinstance(value, Message) or not hasattr(value, "__iter__"):
            values = [value]
        for each in values:
            if isinstance(each, Payload):
                yield each
            elif isinstance(each, Message):
                yield from payloads(each)


async def everything_in_temporal(client: Client, case_id: str) -> AsyncIterator[bytes]:
    """Yield all that Temporal holds of a case: events, payloads, memo, details, summaries."""
    handle = client.get_workflow_handle(case_workflow_id(case_id))
    described = await handle.describe()
    yield described.raw_description.SerializeToString()
    yield str(await handle.query("__temporal_workflow_metadata")).encode()
    async for event in handle.fetch_history_events():
        yield event.SerializeToString()
        for payload in payloads(event):
            yield payload.data


def everything_in_sql(engine: Engine) -> bytes:
    """Return every value of every table, as text."""
    found: list[str] = []
    with reading(engine) as connection:
        for table in inspect(engine).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608
                found += map(str, row)  # a row as text would be cut short
    return "\n".join(found).encode()


def feed_of(stack: Stack, case_id: str) -> tuple[str, bytes]:
    """Give the applicant of a case a calendar feed; return its secret, and what is read there."""
    unit = stack.json("case", "show", case_id)["unit"]
    address: str = stack.json("user", "feed", unit, "--renew")["url"]
    with urlopen(address, timeout=slack(30)) as answer:  # noqa: S310 - our own loopback
        text = bytes(answer.read())
    return address.rpartition("/")[2].removesuffix(".ics"), text.replace(b"\r\n ", b"")


def drive(stack: Stack, canary: Canary) -> tuple[str, str, bytes]:
    """Plant the canary at every door and take the case through everything.

    Returns:
        The case, the secret of its applicant's calendar feed, and what was read there.
    """
    season = new_season(stack)
    content = form(
        title=canary.title,
        unit=f"单位{canary.title}",
        contact_name=canary.name,
        contact_mobile=canary.mobile,
        contact_phone=canary.landline,
        summary=f"联系人电话{canary.summary}，欢迎来电。",
        note=f"电话：{canary.section}",
    )
    path = stack.places.root / "canary.toml"
    path.write_text(case_file(content), encoding="utf-8")
    made = ("case", "create", "--season", season, "--from", str(path))
    case_id: str = stack.json(*made, "--email", canary.email)["id"]
    act(stack, case_id, SUBMIT, ("return", "--remarks", f"请打{canary.remarks}联系{canary.name}"))
    stack.json("case", "edit", case_id, "--from", str(path))
    path.unlink()
    act(stack, case_id, SUBMIT)
    stack.refused("case", "fail", case_id, "--reason", f"请打{canary.refused}")
    late = ("--remarks", "x" * 4980 + canary.refused, "--due", "2024-01-01")
    stack.refused("case", "return", case_id, *late)
    correct = ("request-correction", "--remarks", f"请打{canary.correction}", "--due", "+3d")
    extend = ("extend", "+4d", "--yes", "--reason", f"请打{canary.moved}")
    withdraw = ("withdraw", "--with-consent", "--reason", f"请打{canary.withdrawal}")
    act(stack, case_id, ACCEPT, RECOMMEND, correct, extend)
    token, feed = feed_of(stack, case_id)
    act(stack, case_id, ("resubmit",), withdraw)
    why = ("--reveal", "--reason", f"回拨{canary.looked}")
    whole = stack.json("case", "form", case_id, *why)
    assert whole["form"]["contact_mobile"] == canary.mobile
    masked = stack.run("case", "form", case_id).stdout
    assert case_id in masked
    assert not found_in(masked.encode(), [canary.mobile, canary.name, canary.landline])
    looks = ("audit", "entries", "--case", case_id, "--kind", "look")
    stack.wait_until(
        lambda: [each["witnessed"] for each in stack.json(*looks)["items"]] == [True, True],
        what="two looks in the audit",
    )
    return case_id, token, feed


async def test_a_phone_number_is_in_the_record_alone(stack: Stack) -> None:
    canary = Canary()
    case_id, token, feed = await asyncio.to_thread(drive, stack, canary)
    await assert_four_records_agree(stack, [case_id])
    secrets = canary.secrets

    held = [part async for part in everything_in_temporal(await stack.client(), case_id)]
    assert any(canary.title.encode() in part for part in held), "the search is blind"
    assert len(held) > 60
    assert not [hit for part in held if (hit := found_in(part, secrets))]

    nats = await stack.nats()
    stream = await messages(nats.jetstream())
    await nats.close()
    bodies = [message.data or b"" for message in stream]
    assert any(canary.title.encode() in body for body in bodies)
    assert not [hit for body in bodies if (hit := found_in(body, secrets))]

    assert canary.title.encode() in feed
    assert found_in(feed, secrets) == []

    audited = everything_in_sql(stack.audit_engine)
    assert canary.title.encode() in audited
    assert found_in(audited, secrets) == []
    kept = [secret for secret in secrets if secret != canary.refused]
    assert set(found_in(everything_in_sql(stack.engine), [*kept, token])) == set(kept)

    # And in the bytes of every file, but for the record, and the mails that went out.
    files = [
        path
        for path in stack.places.root.rglob("*")
        if path.is_file()
        and not path.name.startswith(("tuixuan.db", "draft-"))
        and path.parent != stack.places.mail
    ]
    kinds = {path.relative_to(stack.places.root).parts[0] for path in files}
    assert {"log", "temporal", "nats", "run", "audit.db"} <= kinds
    titled = [path for path in files if canary.title.encode() in path.read_bytes()]
    assert {path.relative_to(stack.places.root).parts[0] for path in titled} >= {
        "temporal",
        "nats",
    }
    hits = {path.name: found_in(path.read_bytes(), [*secrets, token]) for path in files}
    assert {name: hit for name, hit in hits.items() if hit} == {}


def test_the_search_finds_what_is_there() -> None:
    canary = Canary()
    for secret in canary.secrets:
        for wrapped in (secret, f'{{"a": "x{secret}y"}}', f"电话{secret}。"):
            content = wrapped.encode()
            assert found_in(content, canary.secrets) == [secret]
            for offset in range(3):
                encoded = base64.b64encode(b"-" * offset + content + b"-")
                assert found_in(encoded, canary.secrets) == [secret]
