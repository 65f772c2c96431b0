"""The portal as a calendar sees it: over HTTP, from a real server."""

import asyncio
import base64
import hashlib
import http.client
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Engine, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from structlog.testing import capture_logs

from models import tables
from models.cases.states import State
from models.store.engine import transaction
from models.wording import moment
from portal.app import application
from portal.server import listening, serve
from services.calendars.feeds import make_feed, remove_feed
from services.clock import now
from services.seasons.opening import Opening, open_season
from services.seasons.queries import show_season
from tests.factories import OPENS, make_case, programme
from tests.slack import slack
from workers.stack.ports import PortInUse

FUJIAN = "2024-fujian"
DOMAIN = "example.invalid"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Portal:
    port: int
    stop: asyncio.Event
    serving: "asyncio.Task[None]"

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await asyncio.to_thread(self._ask, path, method, named)

    def _ask(self, path: str, method: str, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=slack(30))
        try:
            connection.request(method, path, headers=dict(headers))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()


@pytest.fixture
async def portal(engine: Engine) -> AsyncIterator[Portal]:
    stop = asyncio.Event()
    with listening(0) as listener:
        port = listener.getsockname()[1]
        serving = asyncio.create_task(serve(application(engine, DOMAIN), listener, stop))
        yield Portal(port, stop, serving)
        stop.set()
        await serving


@pytest.mark.usefixtures("season")
class TestFeeds:
    async def test_a_calendar_reads_the_feed_and_then_only_asks_whether_it_changed(
        self, portal: Portal, engine: Engine
    ) -> None:
        make_case(engine, state=State.PROVINCE_REVIEW)
        path = make_feed(engine, FUJIAN, OPENS)

        first = await portal.ask(path)

        assert first.status == 200
        assert first.body.startswith(b"BEGIN:VCALENDAR\r\n")
        assert first.body.count(b"BEGIN:VEVENT") == 1
        assert first.headers["content-type"] == "text/calendar; charset=utf-8"
        assert first.headers["cache-control"] == "private, no-cache"
        assert first.headers["x-robots-tag"] == "noindex"
        tag = first.headers["etag"]
        for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            same = await portal.ask(path, If_None_Match=known)
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
            assert same.headers["cache-control"] == "private, no-cache"

        make_case(engine, state=State.PROVINCE_REVIEW)
        changed = await portal.ask(path, If_None_Match=tag)
        assert (changed.status, changed.body.count(b"BEGIN:VEVENT")) == (200, 2)
        assert changed.headers["etag"] != tag

    async def test_head_tells_the_same_without_the_text(
        self, portal: Portal, engine: Engine
    ) -> None:
        path = make_feed(engine, FUJIAN, OPENS)

        full, head = await portal.ask(path), await portal.ask(path, "HEAD")

        assert (head.status, head.body) == (200, b"")
        for name in ("etag", "content-type", "content-length", "cache-control"):
            assert head.headers[name] == full.headers[name]

    async def test_what_is_not_there_is_answered_alike_whatever_it_is(
        self, portal: Portal, engine: Engine
    ) -> None:
        removed = make_feed(engine, FUJIAN, OPENS)
        renewed = make_feed(engine, "2024-panel", OPENS)
        remove_feed(engine, FUJIAN)
        good = make_feed(engine, "2024-panel", OPENS, renew=True)
        assert (await portal.ask(good)).status == 200

        answers = [
            await portal.ask(path)
            for path in (
                removed, renewed, "/calendar/nonsense.ics", "/calendar/%00%ff.ics", good[:-4],
                f"{good}/", good.replace("/calendar/", "/calendar//"), "/calendar/", "/x", "/x?y=z",
            )
        ]  # fmt: skip

        said = {(each.status, each.body, *_without_date(each)) for each in answers}
        assert len(said) == 1
        assert answers[0].status == 404
        assert answers[0].headers["cache-control"] == "no-store"
        assert (await portal.ask(removed, If_None_Match="*")).status == 404
        assert (await portal.ask(removed, "HEAD")).status == 404

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
    async def test_it_can_only_be_read(self, portal: Portal, engine: Engine, method: str) -> None:
        path = make_feed(engine, FUJIAN, OPENS)

        answers = [await portal.ask(each, method) for each in (path, "/calendar/nonsense.ics")]

        assert [each.status for each in answers] == [405, 405]
        assert _without_date(answers[0]) == _without_date(answers[1])
        assert {*answers[0].headers["allow"].split(", ")} == {"GET", "HEAD"}

    async def test_a_record_that_is_away_is_said_without_the_address(
        self, portal: Portal, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = make_feed(engine, FUJIAN, OPENS)
        with transaction(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE calendar_feed RENAME TO gone")

        with capture_logs() as logs:
            answers = [await portal.ask(each) for each in (path, "/calendar/nonsense.ics")]

        assert [(each.status, each.headers["retry-after"]) for each in answers] == [(503, "60")] * 2
        assert [line["event"] for line in logs].count("record_away") == 2
        assert path[10:-4] not in repr(logs) + caplog.text

    async def test_a_record_that_cannot_be_written_is_read_all_the_same(
        self, portal: Portal, engine: Engine
    ) -> None:
        path = make_feed(engine, FUJIAN, OPENS)
        refuse_changes(engine)

        with capture_logs() as logs:
            answer = await portal.ask(path)

        assert answer.status == 200
        assert "feed_use_not_noted" in [line["event"] for line in logs]

    async def test_no_log_line_holds_an_address(
        self, portal: Portal, engine: Engine, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        path = make_feed(engine, FUJIAN, OPENS)

        with capture_logs() as logs:
            for method, asked in (("GET", path), ("HEAD", path), ("POST", path), ("GET", "/x")):
                await portal.ask(asked, method)

        lines = [line for line in logs if line["event"] == "request"]
        assert [(line["method"], line["route"], line["status"]) for line in lines] == [
            ("GET", "/calendar/{token}.ics", 200),
            ("HEAD", "/calendar/{token}.ics", 200),
            ("POST", "/calendar/{token}.ics", 405),
            ("GET", None, 404),
        ]
        assert path[10:-4] not in repr(logs) + caplog.text


class TestFrontPage:
    async def test_it_shows_the_open_seasons_with_their_dates(
        self, portal: Portal, engine: Engine
    ) -> None:
        at = now()
        open_season(engine, programme(), at, Opening(starting=at.date()))
        demo = Opening(season_id="demo-one", starting=at.date())
        open_season(engine, programme(), at, demo)
        archived = Opening(season_id="2023", starting=at.date())
        open_season(engine, programme(), at, archived)
        with transaction(engine) as connection:
            seasons = tables.season
            hide = update(seasons).where(seasons.c.id == "2023").values(archived_at=at)
            connection.execute(hide)
        cutoff = show_season(engine, "2024").milestones["cutoff"]

        answer = await portal.ask("/")

        text = answer.body.decode()
        assert answer.status == 200
        assert '<html lang="zh-CN">' in text
        assert 'id="season-2024"' in text
        assert (text.count("<section"), "season-demo-one" in text) == (1, False)
        assert "申报推荐截止" in text
        assert moment(cutoff) in text
        assert cutoff.isoformat().replace("+00:00", "Z") in text

    async def test_it_loads_nothing_and_its_style_is_the_one_that_is_allowed(
        self, portal: Portal
    ) -> None:
        answer = await portal.ask("/")

        text = answer.body.decode()
        assert "目前没有正在进行的征集" in text
        style = text.partition("<style>")[2].partition("</style>")[0]
        allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        policy = answer.headers["content-security-policy"]
        assert f"style-src 'sha256-{allowed}'" in policy
        assert "default-src 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "http" not in text
        assert "set-cookie" not in answer.headers

    async def test_titles_are_shown_as_text(self, portal: Portal, engine: Engine) -> None:
        at = now()
        call = programme().model_copy(update={"title": "<script>alert(1)</script>"})
        open_season(engine, call, at, Opening(starting=at.date()))

        assert b"<script>" not in (await portal.ask("/")).body


class TestServing:
    async def test_it_ends_with_the_stop_also_beside_an_idle_connection(
        self, portal: Portal
    ) -> None:
        idle = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=slack(30))
        await asyncio.to_thread(idle.connect)

        portal.stop.set()

        await asyncio.wait_for(portal.serving, slack(30))
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            await portal.ask("/")

    async def test_an_answer_under_way_is_given_before_it_ends(self) -> None:
        stop, asked, go_on = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slow(_request: Request) -> Response:
            asked.set()
            await go_on.wait()
            return Response("whole")

        with listening(0) as listener:
            port = listener.getsockname()[1]
            app = Starlette(routes=[Route("/", slow)])
            serving = asyncio.create_task(serve(app, listener, stop))
            answer = asyncio.create_task(Portal(port, stop, serving).ask("/"))
            await asked.wait()
            stop.set()
            go_on.set()
            await serving

        assert (await answer).body == b"whole"

    async def test_a_port_that_is_taken_is_named(self) -> None:
        with listening(0) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(PortInUse) as refused, listening(port):
                pass
        assert (refused.value.name, refused.value.port) == ("portal", port)


def _without_date(answer: Answer) -> tuple[Any, ...]:
    return tuple(sorted((name, value) for name, value in answer.headers.items() if name != "date"))


def refuse_changes(engine: Engine) -> None:
    """Let every change of a feed's row fail."""
    with transaction(engine) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql(
                "CREATE TRIGGER frozen BEFORE UPDATE ON calendar_feed "
                "BEGIN SELECT RAISE(ABORT, 'frozen'); END"
            )
            return
        connection.exec_driver_sql("ALTER TABLE calendar_feed ADD CHECK (last_used_at IS NULL)")
