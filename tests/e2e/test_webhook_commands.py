"""Webhooks as those who run a receiver meet them: by the commands, on a whole system."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.clock import now
from tests.e2e.driving import ACCEPT, SUBMIT, instant, new_season
from tests.e2e.stack import Stack
from tests.receivers import OK, Receiver

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
        for _ in range(300):
            if found := [each for each in await self.log() if wanted(each)]:
                return found[0]
            await asyncio.sleep(0.1)
        raise AssertionError(await self.log())

    async def got(self, event_id: str, times: int = 1) -> tuple[dict[str, str], bytes]:
        """Wait until the receiver took an event so often; return the last request."""
        for _ in range(600):
            if self.receiver.ids.count(event_id) >= times:
                mine = [each for each in self.receiver.requests
                        if each[0]["webhook-id"] == event_id]  # fmt: skip
                return mine[-1]
            await asyncio.sleep(0.05)
        raise AssertionError(self.receiver.ids)


@pytest.fixture
async def desk(stack: Stack, season: str) -> AsyncIterator[Desk]:
    async with Receiver() as receiver:
        found = Desk(stack, season, receiver)
        yield found
        if found.id:
            await asyncio.to_thread(
                stack.run, "webhook", "remove", found.id, "--yes", check=False
            )  # fmt: skip


async def test_a_secret_is_shown_once_and_what_is_sent_verifies_with_it(desk: Desk) -> None:
    added = await desk.add("--description", "示例", "--event", "submitted", "--rate", "50")
    shown = await asyncio.to_thread(desk.stack.run, "webhook", "list", desk.season)
    listed = await desk.json("webhook", "list", desk.season, *BODY)
    [mine] = [each for each in listed["items"] if each["id"] == desk.id]
    assert (mine["events"], mine["rate"], mine["description"]) == (["submitted"], 50, "示例")
    assert desk.id in shown.stdout
    assert added["secret"] not in shown.stdout + json.dumps(listed)

    code, item = await desk.try_it()
    assert (code, item["status"], item["status_code"]) == (0, "delivered", 204)
    body = (await desk.got(item["event_id"]))[1]
    assert json.loads(body)["type"] == "org.tuixuan.webhook.test"

    case_id = await desk.file(SUBMIT, ACCEPT)
    _, body = await desk.got(f"{case_id}:1")
    assert json.loads(body)["data"]["to"] == "province_review"
    await asyncio.sleep(0.5)
    assert f"{case_id}:2" not in desk.receiver.ids  # `accepted` was not asked for
    assert "whsec_" not in desk.stack.logs("webhook")


async def test_a_pause_holds_back_and_loses_nothing(desk: Desk) -> None:
    await desk.add()
    assert (await desk.json("webhook", "pause", desk.id))["status"] == "paused"
    case_id = await desk.file(SUBMIT)
    held = await desk.logged(lambda each: each["event_id"] == f"{case_id}:1")
    assert (held["status"], held["attempts"]) == ("waiting", 0)
    assert (await desk.refused("webhook", "test", desk.id))[1] == "endpoint_not_active"
    await desk.json("webhook", "resume", desk.id)
    await desk.got(f"{case_id}:1")


async def test_while_a_secret_is_rotated_both_verify(desk: Desk) -> None:
    old = (await desk.add())["secret"]
    new = (await desk.json("webhook", "rotate", desk.id, "--overlap", "1"))["secret"]
    assert new != old
    _, item = await desk.try_it()
    headers, body = await desk.got(item["event_id"])
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, headers)


async def test_the_log_says_what_a_receiver_answered_and_when_it_is_asked_again(
    desk: Desk,
) -> None:
    await desk.add()
    desk.receiver.says = "维护中 back soon"
    desk.receiver.answer = lambda _id, times: (503, {}) if times == 1 else OK
    before = now()
    case_id = await desk.file(SUBMIT)
    item = await desk.logged(lambda each: each["event_id"] == f"{case_id}:1" and each["attempts"])
    [first, *_] = (await desk.json("webhook", "attempts", item["id"]))["items"]
    assert (first["status_code"], first["error"]) == (503, "answered 503")
    assert (first["answer_head"], first["latency_ms"] >= 0) == ("维护中 back soon", True)
    assert before - timedelta(seconds=1) <= instant(first["at"]) <= now()
    if item["attempts"] == 1:  # else it went out again before we looked
        assert item["status"] == "waiting"
        assert instant(item["next_attempt_at"]) > instant(first["at"])
    await desk.json("webhook", "resume", desk.id)  # now, and not when its turn comes
    await desk.got(f"{case_id}:1")
    done = await desk.logged(lambda each: each["status"] == "delivered")
    assert (done["attempts"], done["next_attempt_at"]) == (2, None)
    tried = (await desk.json("webhook", "attempts", item["id"]))["items"]
    assert [each["status_code"] for each in tried] == [503, 204]


async def test_what_was_sent_is_sent_again_with_its_id_and_bytes(desk: Desk) -> None:
    await desk.add()
    before = now()
    case_id = await desk.file(SUBMIT)
    event_id = f"{case_id}:1"
    first = await desk.got(event_id)
    item = await desk.logged(lambda each: each["status"] == "delivered")
    again = await desk.json("webhook", "replay", item["id"])
    assert again["id"] != item["id"]
    assert (await desk.got(event_id, 2))[1] == first[1]
    asked = ("webhook", "replay", "--endpoint", desk.id, "--since")
    assert await desk.json(*asked, (now() + timedelta(minutes=1)).isoformat()) == {"deliveries": 0}
    assert await desk.json(*asked, before.isoformat()) == {"deliveries": 1}
    assert (await desk.got(event_id, 3))[1] == first[1]
    assert len({each["id"] for each in await desk.log() if each["event_id"] == event_id}) == 3


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
async def test_an_address_that_is_refused_says_why(desk: Desk, url: str, why: str) -> None:
    await desk.add(url=url)
    code, item = await desk.try_it()
    assert (code, item["status"], item["status_code"]) == (3, "waiting", None)
    assert why in item["error"]


async def test_a_redirect_is_refused_and_the_log_says_so(desk: Desk) -> None:
    await desk.add()
    async with Receiver() as elsewhere:
        desk.receiver.answer = lambda _id, _times: (302, {"Location": elsewhere.url})
        code, item = await desk.try_it()
        assert (code, item["status_code"]) == (3, 302)
        assert item["error"] == "a redirect is not followed"
        assert elsewhere.requests == []


async def test_an_endpoint_that_is_gone_is_switched_off_and_its_owner_is_told(desk: Desk) -> None:
    await desk.add("--description", "旧系统")
    desk.receiver.answer = lambda _id, _times: (410, {})
    code, item = await desk.try_it()
    assert (code, item["status_code"]) == (3, 410)
    listed = (await desk.json("webhook", "list", desk.season, *BODY))["items"]
    [mine] = [each for each in listed if each["id"] == desk.id]
    assert (mine["status"], mine["why"]) == ("disabled", "接收方答复 410")
    inbox = (await desk.json("inbox", f"{desk.season}-fujian", "--limit", "200"))["items"]
    [told] = [each for each in inbox if each["event"] == "webhook_disabled"]
    assert "旧系统" in told["text"]
    assert desk.id in told["text"]
    assert (await desk.refused("webhook", "pause", desk.id))[1] == "endpoint_disabled"
    desk.receiver.answer = lambda _id, _times: OK
    missed = f"{await desk.file(SUBMIT)}:1"
    await asyncio.to_thread(
        desk.stack.wait_until, lambda: desk.stack.json("event", "show", missed)["told"]
    )  # fmt: skip
    assert missed not in [each["event_id"] for each in await desk.log()]
    assert (await desk.json("webhook", "resume", desk.id))["status"] == "active"
    await desk.got(item["event_id"])
    for _ in range(100):  # the consumer may be a moment behind
        await desk.json("webhook", "replay", "--endpoint", desk.id, "--since", "-1h")
        if missed in [each["event_id"] for each in await desk.log("--limit", "200")]:
            break
        await asyncio.sleep(0.1)
    await desk.got(missed)
    ways = (await desk.json("event", "show", missed))["webhooks"]
    assert desk.id in [each["endpoint"] for each in ways]


async def test_an_endpoint_is_changed_and_keeps_its_secret(desk: Desk) -> None:
    await desk.add("--event", "published", url="https://10.0.0.1/hook")
    assert (await desk.try_it())[0] == 3
    edited = await desk.json(
        "webhook", "edit", desk.id, "--url", desk.receiver.url, "--event", "all", "--rate", "0"
    )
    assert (edited["url"], edited["events"], edited["rate"]) == (desk.receiver.url, [], None)
    case_id = await desk.file(SUBMIT)
    await desk.got(f"{case_id}:1")


async def test_a_removed_endpoint_keeps_its_log_and_gets_nothing_more(desk: Desk) -> None:
    await desk.add()
    _, item = await desk.try_it()
    assert (await desk.refused("webhook", "remove", desk.id))[1] == "confirmation_needed"
    gone = await desk.json("webhook", "remove", desk.id, "--yes")
    assert gone["status"] == "removed"

    def ids(listed: Any) -> list[str]:
        return [each["id"] for each in listed["items"]]

    assert desk.id not in ids(await desk.json("webhook", "list", desk.season))
    assert desk.id in ids(await desk.json("webhook", "list", desk.season, "--all"))
    assert item["id"] in [each["id"] for each in await desk.log()]
    for command in (
        ("test", desk.id), ("rotate", desk.id), ("pause", desk.id), ("resume", desk.id),
        ("edit", desk.id, "--rate", "1"), ("remove", desk.id, "--yes"), ("replay", item["id"]),
        ("replay", "--endpoint", desk.id, "--since", "-1h"),
    ):  # fmt: skip
        assert (await desk.refused("webhook", *command))[1] == "endpoint_removed", command
    before = len(desk.receiver.requests)
    await desk.file(SUBMIT)
    await asyncio.sleep(1)
    assert len(desk.receiver.requests) == before


async def test_the_endpoints_of_others_do_not_exist_for_an_organisation(desk: Desk) -> None:
    await desk.add()
    _, item = await desk.try_it()
    listed = (await desk.json("webhook", "list", desk.season, *OTHER))["items"]
    assert desk.id not in [each["id"] for each in listed]
    for command in ("test", "rotate", "pause", "resume", "remove", "deliveries"):
        told = await desk.refused("webhook", command, desk.id, *OTHER)
        assert told[1] == "unknown_endpoint", command
    for command in ("attempts", "replay"):
        told = await desk.refused("webhook", command, item["id"], *OTHER)
        assert told[1] == "unknown_delivery", command
    assert item["id"] in [each["id"] for each in await desk.log(*BODY)]


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
        (("replay", "--endpoint", "ep_nope", "--since", "yesterday"), 2, "usage"),
        (("replay", "--endpoint", "ep_nope", "--since", "-1h"), 1, "unknown_endpoint"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_words(
    stack: Stack, season: str, command: tuple[str, ...], code: int, name: str
) -> None:
    given = [season if word == "SEASON" else word for word in command]
    assert stack.refused("webhook", *given)[:2] == (code, name)
