"""Logs: one line of JSON, its keys in order, libraries included, no personal data."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from workers.logs.redaction import REMOVED, is_personal, kept_text, redact_text
from workers.logs.setup import QUIET, configure_logs


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Written(io.StringIO):
    def line(self) -> dict[str, Any]:
        (line,) = self.getvalue().splitlines()
        found: dict[str, Any] = json.loads(line)
        return found


@pytest.fixture
def written() -> Written:
    stream = Written()
    configure_logs("relay", stream=stream)
    return stream


def test_a_line_begins_with_the_same_keys(written: Written) -> None:
    structlog.get_logger().info("published", stream_seq=12)
    line = written.line()
    assert list(line)[:5] == ["ts", "level", "event", "service", "version"]
    assert (line["level"], line["event"], line["service"]) == ("info", "published", "relay")
    assert line["ts"].endswith("Z")
    assert line["stream_seq"] == 12


def test_what_is_bound_is_on_every_line(written: Written) -> None:
    ids = {"case_id": "case_01J8", "workflow_id": "case/case_01J8", "event_id": "case_01J8:7"}
    with structlog.contextvars.bound_contextvars(**ids):
        structlog.get_logger().info("published")
    assert written.line().items() >= ids.items()


def test_the_lines_of_libraries_have_the_same_form(written: Written) -> None:
    with structlog.contextvars.bound_contextvars(case_id="case_01J8"):
        logging.getLogger("temporalio.worker").warning("slow %s", "打 13800000000", extra={"n": 1})
    line = written.line()
    assert (line["event"], line["level"]) == ("slow 打 138****0000", "warning")
    assert (line["service"], line["case_id"], line["n"]) == ("relay", "case_01J8", 1)


def test_levels_are_kept() -> None:
    stream = Written()
    configure_logs("relay", level="warning", stream=stream)
    structlog.get_logger().info("not shown")
    logging.getLogger("nats").info("not shown")
    structlog.get_logger().warning("shown")
    assert stream.line()["event"] == "shown"


def test_chatty_libraries_are_quiet(written: Written) -> None:
    logging.getLogger("transitions.core").info("Executed callback")
    assert written.getvalue() == ""


def test_an_exception_is_one_line_with_its_kind_and_without_its_values(written: Written) -> None:
    error = ValueError("[SQL: INSERT …]\n[parameters: ('示例联系人', '13800000000')]")
    try:
        raise error
    except ValueError:
        structlog.get_logger().exception("commit_failed")
    line = written.line()
    assert line["error.type"] == "ValueError"
    assert "Traceback" in line["exception"]
    assert "示例联系人" not in written.getvalue()


def test_chinese_stays_readable(written: Written) -> None:
    structlog.get_logger().info("opened", title="推选")
    assert "推选" in written.getvalue()


def test_people_get_lines_without_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Written()
    configure_logs("relay", stream=stream, pretty=True)
    structlog.get_logger().info("published", contact_mobile="13800000000")
    assert "published" in stream.getvalue()
    assert "{" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
    assert "0000" not in stream.getvalue()


@pytest.mark.parametrize(
    "key", ["phone", "contact_phone", "contact_name", "contact-mobile", "Email", "form", "reason"]
)
def test_personal_keys_lose_their_values(key: str, written: Written) -> None:
    structlog.get_logger().info("saved", **{key: "示例"}, inner={key: ["示例"]})
    line = written.line()
    assert (line[key], line["inner"][key]) == (REMOVED, REMOVED)


@pytest.mark.parametrize(
    "key", ["case_id", "reason_digest", "mail_count", "title", "address", "recipient_id", "event"]
)
def test_other_keys_keep_theirs(key: str) -> None:
    assert not is_personal(key)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("手机13800000000转", "手机138****0000转"),
        ("手机 13800000000", "手机 138****0000"),
        ("手机：13800000000。", "手机：138****0000。"),
        ("+86 138-0000-0000", "+86 138****0000"),
        ("010-12345678", "010-****5678"),
        ("110101190001011237", "1101**********7"),
        ("写信到a.b@example.invalid", "写信到***@example.invalid"),
        ("手机１３８００００００００", "手机１３８****００００"),
        ("手机138\u20110000\u20110000", "手机138****0000"),
        ("证件１１０１０１１９０００１０１１２３Ｘ", "证件１１０１**********Ｘ"),
        ("邮箱:a.b＠example。invalid", "邮箱:***＠example。invalid"),
        ("postgresql://u:geheim@host/db", "postgresql://u:***@host/db"),
        ("GET /calendar/aB-3_x.ics HTTP/1.1", "GET /calendar/***.ics HTTP/1.1"),
    ],
)
def test_values_that_look_personal_are_masked(text: str, masked: str) -> None:
    assert redact_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "case_01J8ZK3Q7M13800000000AB",
        "2024-05-12T16:00:00+00:00",
        "127.0.0.1:7233",
        "1712345678901234567",
        "nats://127.0.0.1:4222",
        "0000000007",
        "1712345678.123456",
        "ed25519-1380-0000-abcd",
        "sha256:713116776ac29d2ecd86cc3a0c3eb78c55b198e6",
    ],
)
def test_ids_instants_and_addresses_stay(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("550 no\x07 such\r\nuser 13800000000", "550 no such user 138****0000"),
        ("number 7\u00a013800000000", "number 7 138****0000"),
        ("1\u200b3\u200b8\u200b00000000", "1 3 8 ****0000"),
        ("138\x000000\x000000", "138****0000"),
    ],
)
def test_what_others_said_is_kept_masked_and_in_one_line(said: str, kept: str) -> None:
    assert kept_text(said, 200) == kept


def test_numbers_are_masked_too(written: Written) -> None:
    structlog.get_logger().info("called", value=13800000000, waited_ns=1712345678901234567)
    assert written.line()["value"] == "138****0000"
    assert written.line()["waited_ns"] == 1712345678901234567


def test_a_poll_that_the_sdk_ended_as_it_stopped_is_no_trouble() -> None:
    out = Written()
    configure_logs("cases", stream=out)

    class PollShutdownError(Exception):
        """As the SDK's bridge names it."""

    for error in (PollShutdownError(), ValueError("a real one")):
        logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=error)
    assert out.line()["error.type"] == "ValueError"
