"""When a webhook is tried again, and what an answer means."""

from datetime import UTC, datetime, timedelta

import pytest

from models.webhooks import texts
from models.webhooks.answers import Answer
from models.webhooks.retries import STEADY, WebhookRetries

HOUR = timedelta(hours=1)
AT = datetime(2024, 5, 10, 3, 2, 1, tzinfo=UTC)


def test_there_are_ten_attempts_within_four_days() -> None:
    waits = [STEADY.delay(attempt, chance=0) for attempt in range(1, STEADY.attempts)]
    assert STEADY.attempts == 10
    assert waits == sorted(waits)
    assert sum(waits, timedelta(0)) < timedelta(days=4)


@pytest.mark.parametrize(("chance", "minutes"), [(0.0, 60), (0.5, 63), (1.0, 66)])
def test_chance_adds_up_to_a_tenth_of_a_wait(chance: float, minutes: int) -> None:
    assert WebhookRetries(delays=(HOUR,)).delay(1, chance=chance) == timedelta(minutes=minutes)


def test_of_our_wait_and_the_receivers_the_longer_counts_up_to_a_day() -> None:
    retries = WebhookRetries(delays=(HOUR,))
    given = (timedelta(minutes=1), 2 * HOUR, timedelta(days=30))
    waits = [retries.delay(1, retry_after, chance=0) for retry_after in given]
    assert waits == [HOUR, 2 * HOUR, timedelta(days=1)]


def test_probes_come_less_and_less_often_down_to_one_a_minute() -> None:
    waits = [STEADY.between_probes(failures).total_seconds() for failures in (1, 2, 3, 7, 99)]
    assert waits == [1, 2, 4, 60, 60]


@pytest.mark.parametrize(
    ("status", "error", "accepted", "overloaded", "gone"),
    [
        (204, None, True, False, False),
        (410, "answered 410", False, False, True),
        (429, "answered 429", False, True, False),
        (503, "answered 503", False, True, False),
        (500, "answered 500", False, False, False),
        (None, "no answer in time", False, False, False),
    ],
)
def test_an_answer_says_what_the_receiver_wants(
    status: int | None, error: str | None, accepted: bool, overloaded: bool, gone: bool
) -> None:
    answer = Answer(AT, status, 1, error)
    assert (answer.accepted, answer.overloaded, answer.gone) == (accepted, overloaded, gone)


def test_the_owner_of_a_disabled_endpoint_reads_why_and_what_to_do() -> None:
    why = texts.failing_since(AT)
    subject, text = texts.endpoint_disabled("报送系统", "ep_1", why)
    assert why == "自 2024-05-10 03:02 UTC 起持续失败"
    assert "已停用" in subject
    assert f"“报送系统”（ep_1）已停用：{why}。" in text
    assert "tuixuan webhook resume" in text
