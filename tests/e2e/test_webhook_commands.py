"""Webhooks as those who run a receiver meet them: by the commands, on a whole system."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.clock import now
from tests.e2e.driving import ACCEPT, SUBMIT, instant, new_season
from tests.e2e.stack import Stack
from tests.receivers import OK, Receiver
from tests.waiting import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

BODY = ("--as", "body:fujian")
OTHER = ("--as", "body:zhejiang")


@pytest.fixture(scope="module")
def season(stack: Stack) -> str:
    return new_season(stack)


class Desk:
    """An endpoint of Fujian's desk, and the commands on it."""

    def __init__(self, stack: Stack, season: str, receiver: Receiver) -> None:
        self.stack, self.season, self.receiver, self.id = stack, season, receiver, ""

    async def json(self, *arguments: str) -> Any:
        return await asyncio.to_thread(self.stack.json, *arguments)

    async def refused(self, *arguments: str) -> tuple[int, str, str]:
        return await asyncio.to_thread(self.stack.refused, *arguments)

    async def add(self, *flags: str, url: str = "") -> Any:
        where = url or self.receiver.url
        added = await self.json("webhook", "add", self.season, where, *BODY, *flags)
        self.id, self.receiver.secret = added["id"], added["secret"]
        return added

    async def try_it(self) -> tuple[int, Any]:
        """Send a test event; return the exit code and how it went."""
        words = ("webhook", "test", self.id, "--wait", "60", "--output", "json")
        done = await asyncio.to_thread(self.stack.run, *words, check=False)
        return done.returncode, json.loads(done.stdout)

    async def file(self, *commands: tuple[str, ...]) -> str:
        """File a case of Fujian, and do something to it."""
        title = f"（虚构）回调 {now():%H%M%S%f}"
        case_id = await asyncio.to_thread(self.stack.create_case, self.season, title=title)
        for verb, *rest in commands:
            await self.json("case", verb, case_id, *rest)
        return case_id

    async def log(self, *flags: str) -> list[dict[str, Any]]:
        found = await self.json("webhook", "deliveries", self.id, *flags)
        items: list[dict[str, Any]] = found["items"]
        return items

    async def logged(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a delivery that looks so."""

        async def found() -> dict[str, Any] | None:
            return next((each for each in await self.log() if wanted(each)), None)

        return await until(found, "a delivery that looks so")

    async def got(self, event_id: str, times: int = 1) -> tuple[dict[str, str], bytes]:
        """Wait until the receiver took an event so often; return the last request."""
        await until(lambda: self.receiver.ids.count(event_id) >= times, f"{event_id} is taken")
        return [each for each in self.receiver.requests if each[0]["webhook-id"] == event_id][-1]


@asynccontextmanager
async def working(stack: Stack, season: str) -> AsyncIterator[Desk]:
    async with Receiver() as receiver:
        found = Desk(stack, season, receiver)
        yield found
        if found.id:
            await asyncio.to_thread(
                stack.run, "webhook", "remove", found.id, "--yes", check=False
            )  # fmt: skip


@pytest.fixture
async def service(stack: Stack, season: str) -> AsyncIterator[Desk]:
    async with working(stack, season) as found:
        yield found


async def test_a_secret_is_shown_once_and_what_is_sent_verifies_with_it(service: Desk) -> None:
    added = await service.add("--description", "示例", "--event", "submitted", "--rate", "50")
    shown = await asyncio.to_thread(service.stack.run, "webhook", "list", service.season)
    listed = await service.json("webhook", "list", service.season, *BODY)
    [mine] = [each for each in listed["items"] if each["id"] == service.id]
    assert (mine["events"], mine["rate"], mine["description"]) == (["submitted"], 50, "示例")
    assert service.id in shown.stdout
    assert added["secret"] not in shown.stdout + json.dumps(listed)

    code, item = await service.try_it()
    assert (code, item["status"], item["status_code"]) == (0, "delivered", 204)
    body = (await service.got(item["event_id"]))[1]
    assert json.loads(body)["type"] == "org.tuixuan.webhook.test"

    case_id = await service.file(SUBMIT, ACCEPT)
    _, body = await service.got(f"{case_id}:1")
    assert json.loads(body)["data"]["to"] == "province_review"
    later = await service.file(SUBMIT)
    await service.got(f"{later}:1")  # events come in order: the one before has been looked at
    assert f"{case_id}:2" not in [each["event_id"] for each in await service.log()]
    assert f"{case_id}:2" not in service.receiver.ids  # `accepted` was not asked for
    assert "whsec_" not in service.stack.logs("webhook")


async def test_a_pause_holds_back_and_loses_nothing(service: Desk) -> None:
    await service.add()
    assert (await service.json("webhook", "pause", service.id))["status"] == "paused"
    case_id = await service.file(SUBMIT)
    held = await service.logged(lambda each: each["event_id"] == f"{case_id}:1")
    assert (held["status"], held["attempts"]) == ("waiting", 0)
    assert (await service.refused("webhook", "test", service.id))[1] == "endpoint_not_active"
    await service.json("webhook", "resume", service.id)
    await service.got(f"{case_id}:1")


async def test_while_a_secret_is_rotated_both_verify(service: Desk) -> None:
    old = (await service.add())["secret"]
    new = (await service.json("webhook", "rotate", service.id, "--overlap", "1"))["secret"]
    assert new != old
    _, item = await service.try_it()
    headers, body = await service.got(item["event_id"])
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, headers)


async def test_the_log_says_what_a_receiver_answered_and_when_it_is_asked_again(
    service: Desk,
) -> None:
    await service.add()
    service.receiver.says = "维护中 back soon"
    service.receiver.answer = lambda _id, times: (503, {}) if times == 1 else OK
    before = now()
    case_id = await service.file(SUBMIT)
    item = await service.logged(
        lambda each: each["event_id"] == f"{case_id}:1" and each["attempts"]
    )
    [first, *_] = (await service.json("webhook", "attempts", item["id"]))["items"]
    assert (first["status_code"], first["error"]) == (503, "answered 503")
    assert (first["answer_head"], first["latency_ms"] >= 0) == ("维护中 back soon", True)
    assert before - timedelta(seconds=1) <= instant(first["at"]) <= now()
    if item["attempts"] == 1:  # else it went out again before we looked
        assert item["status"] == "waiting"
        assert instant(item["next_attempt_at"]) > instant(first["at"])
    await service.json("webhook", "resume", service.id)  # now, and not when its turn comes
    await service.got(f"{case_id}:1")
    done = await service.logged(lambda each: each["status"] == "delivered")
    assert (done["attempts"], done["next_attempt_at"]) == (2, None)
    tried = (await service.json("webhook", "attempts", item["id"]))["items"]
    assert [each["status_code"] for each in tried] == [503, 204]


async def test_what_was_sent_is_sent_again_with_its_id_and_bytes(service: Desk) -> None:
    await service.add()
    before = now()
    case_id = await service.file(SUBMIT)
    event_id = f"{case_id}:1"
    first = await service.got(event_id)
    item = await service.logged(lambda each: each["status"] == "delivered")
    again = await service.json("webhook", "replay", item["id"])
    assert again["id"] != item["id"]
    assert (await service.got(event_id, 2))[1] == first[1]
    asked = ("webhook", "replay", "--endpoint", service.id, "--since")
    assert await service.json(*asked, (now() + timedelta(minutes=1)).isoformat()) == {
        "deliveries": 0
    }
    assert await service.json(*asked, before.isoformat()) == {"deliveries": 1}
    assert (await service.got(event_id, 3))[1] == first[1]
    assert len({each["id"] for each in await service.log() if each["event_id"] == event_id}) == 3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://10.0.0.1/hook", "private, local or reserved"),
        ("http://169.254.169.254/latest/meta-data", "private, local or reserved"),
        ("https://[::ffff:10.0.0.1]/hook", "private, local or reserved"),
        ("http://8.8.8.8/hook", "https is required"),
        ("https://8.8.8.8:22/hook", "port 22 is not allowed"),
    ],
)
async def test_an_address_that_is_refused_says_why(service: Desk, url: str, why: str) -> None:
    words = ("webhook", "add", service.season, url)
    assert (await service.refused(*words))[:2] == (1, "address_not_allowed")
    await service.add("--yes", url=url)
    code, item = await service.try_it()
    assert (code, item["status"], item["status_code"]) == (3, "waiting", None)
    assert why in item["error"]


async def test_a_redirect_is_refused_and_the_log_says_so(service: Desk) -> None:
    await service.add()
    async with Receiver() as elsewhere:
        service.receiver.answer = lambda _id, _times: (302, {"Location": elsewhere.url})
        code, item = await service.try_it()
        assert (code, item["status_code"]) == (3, 302)
        assert item["error"] == "a redirect is not followed"
        assert elsewhere.requests == []


async def test_an_endpoint_that_is_gone_is_switched_off_and_its_owner_is_told(
    service: Desk,
) -> None:
    await service.add("--description", "旧系统")
    service.receiver.answer = lambda _id, _times: (410, {})
    code, item = await service.try_it()
    assert (code, item["status_code"]) == (3, 410)
    listed = (await service.json("webhook", "list", service.season, *BODY))["items"]
    [mine] = [each for each in listed if each["id"] == service.id]
    assert (mine["status"], mine["why"]) == ("disabled", "接收方答复 410")
    inbox = (await service.json("inbox", f"{service.season}-fujian", "--limit", "200"))["items"]
    [told] = [each for each in inbox if each["event"] == "webhook_disabled"]
    assert "旧系统" in told["text"]
    assert service.id in told["text"]
    assert (await service.refused("webhook", "pause", service.id))[1] == "endpoint_disabled"
    service.receiver.answer = lambda _id, _times: OK
    missed = f"{await service.file(SUBMIT)}:1"
    await asyncio.to_thread(
        service.stack.wait_until, lambda: service.stack.json("event", "show", missed)["told"]
    )  # fmt: skip
    assert missed not in [each["event_id"] for each in await service.log()]
    assert (await service.json("webhook", "resume", service.id))["status"] == "active"
    await service.got(item["event_id"])

    async def replayed() -> bool:
        await service.json("webhook", "replay", "--endpoint", service.id, "--since", "-1h")
        return missed in [each["event_id"] for each in await service.log("--limit", "200")]

    await until(replayed, "the consumer is a moment behind")
    await service.got(missed)
    ways = (await service.json("event", "show", missed))["webhooks"]
    assert service.id in [each["endpoint"] for each in ways]


async def test_an_endpoint_is_changed_and_keeps_its_secret(service: Desk) -> None:
    await service.add("--yes", "--event", "published", url="https://10.0.0.1/hook")
    assert (await service.try_it())[0] == 3
    edited = await service.json(
        "webhook",
        "edit",
        service.id,
        "--url",
        service.receiver.url,
        "--event",
        "all",
        "--rate",
        "0",
    )
    assert (edited["url"], edited["events"], edited["rate"]) == (service.receiver.url, [], None)
    case_id = await service.file(SUBMIT)
    await service.got(f"{case_id}:1")


async def test_a_removed_endpoint_keeps_its_log_and_gets_nothing_more(service: Desk) -> None:
    await service.add()
    _, item = await service.try_it()
    assert (await service.refused("webhook", "remove", service.id))[1] == "confirmation_needed"
    gone = await service.json("webhook", "remove", service.id, "--yes")
    assert gone["status"] == "removed"

    def ids(listed: Any) -> list[str]:
        return [each["id"] for each in listed["items"]]

    assert service.id not in ids(await service.json("webhook", "list", service.season))
    assert service.id in ids(await service.json("webhook", "list", service.season, "--all"))
    assert item["id"] in [each["id"] for each in await service.log()]
    for command in (
        ("test", service.id), ("rotate", service.id), ("pause", service.id),
        ("resume", service.id), ("edit", service.id, "--rate", "1"),
        ("remove", service.id, "--yes"), ("replay", item["id"]),
        ("replay", "--endpoint", service.id, "--since", "-1h"),
    ):  # fmt: skip
        assert (await service.refused("webhook", *command))[1] == "endpoint_removed", command
    before = len(service.receiver.requests)
    async with working(service.stack, service.season) as other:
        await other.add()
        case_id = await service.file(SUBMIT)
        await other.got(f"{case_id}:1")
    assert f"{case_id}:1" not in [each["event_id"] for each in await service.log()]
    assert len(service.receiver.requests) == before


async def test_the_endpoints_of_others_do_not_exist_for_an_organisation(service: Desk) -> None:
    await service.add()
    _, item = await service.try_it()
    listed = (await service.json("webhook", "list", service.season, *OTHER))["items"]
    assert service.id not in [each["id"] for each in listed]
    for command in ("test", "rotate", "pause", "resume", "remove", "deliveries"):
        told = await service.refused("webhook", command, service.id, *OTHER)
        assert told[1] == "unknown_endpoint", command
    for command in ("attempts", "replay"):
        told = await service.refused("webhook", command, item["id"], *OTHER)
        assert told[1] == "unknown_delivery", command
    assert item["id"] in [each["id"] for each in await service.log(*BODY)]


@pytest.mark.parametrize(
    ("command", "code", "name"),
    [
        (("add", "SEASON", "ftp://receiver.example.invalid/"), 1, "bad_url"),
        (("add", "SEASON", "https://user@receiver.example.invalid/"), 1, "bad_url"),
        (("add", "nope", "https://receiver.example.invalid/"), 1, "unknown_season"),
        (("add", "SEASON", "https://r.example.invalid/", "--event", "sent"), 1, "unknown_event"),
        (("add", "SEASON", "https://r.example.invalid/", "--rate", "-1"), 2, "usage"),
        (("add", "SEASON", "https://r.example.invalid/", "--as", "body:x"), 1, "unknown_org"),
        (("add", "SEASON", "https://r.example.invalid/", "--as", "expert:x"), 1,
         "role_not_allowed"),
        (("list", "nope"), 1, "unknown_season"),
        (("edit", "ep_nope"), 2, "usage"),
        (("edit", "ep_nope", "--url", "nowhere"), 1, "bad_url"),
        (("test", "ep_nope"), 1, "unknown_endpoint"),
        (("rotate", "ep_nope"), 1, "unknown_endpoint"),
        (("rotate", "ep_nope", "--overlap", "-1"), 2, "usage"),
        (("remove", "ep_nope", "--yes"), 1, "unknown_endpoint"),
        (("deliveries", "ep_nope"), 1, "unknown_endpoint"),
        (("attempts", "whd_nope"), 1, "unknown_delivery"),
        (("replay",), 2, "usage"),
        (("replay", "whd_nope"), 1, "unknown_delivery"),
        (("replay", "--endpoint", "ep_nope", "--since", "last week"), 2, "usage"),
        (("replay", "--endpoint", "ep_nope", "--since", "-1h"), 1, "unknown_endpoint"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_words(
    stack: Stack, season: str, command: tuple[str, ...], code: int, name: str
) -> None:
    given = [season if word == "SEASON" else word for word in command]
    assert stack.refused("webhook", *given)[:2] == (code, name)
